# SPDX-License-Identifier: MIT
"""Runs the functions test_* of a module, several at a time, and says in their order how they ended.

They mostly wait for a terminal; GOMAPTOP_SCREEN_JOBS says how many may do so at once.
"""
import concurrent.futures
import os
import sys
import time
import traceback

JOBS = int(os.environ.get("GOMAPTOP_SCREEN_JOBS", "8"))


def run(name, test):
    """(passed, what to print)."""
    begin = time.monotonic()
    try:
        test()
    except Exception:  # a broken test is a failed test
        return False, f"FAIL {name}\n{traceback.format_exc()}"
    return True, f"ok   {name} ({time.monotonic() - begin:.1f} s)"


def main(module):
    words = sys.argv[1:]
    tests = [(name, test) for name, test in module.items()
             if name.startswith("test_") and callable(test)
             and (not words or any(word in name for word in words))]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for passed, text in pool.map(lambda job: run(*job), tests):
            outcomes.append(passed)
            print(text, flush=True)
    print(f"{sum(outcomes)} passed, {outcomes.count(False)} failed")
    return 0 if outcomes and all(outcomes) else 1
