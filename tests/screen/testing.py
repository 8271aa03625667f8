# SPDX-License-Identifier: MIT
"""Runs the functions test_* of a module and says how they ended."""
import sys
import time
import traceback


def main(module):
    words = sys.argv[1:]
    passed = failed = 0
    for name, test in list(module.items()):
        if not name.startswith("test_") or not callable(test):
            continue
        if words and not any(word in name for word in words):
            continue
        begin = time.monotonic()
        try:
            test()
            passed += 1
            print(f"ok   {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception:  # a broken test is a failed test
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
