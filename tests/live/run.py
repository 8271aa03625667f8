#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of gomaptop on live Go processes, with real probes: needs root.

    tests/live/run.py [-k PATTERN] [--quick] [--jobs N] [--list]

One line a test, and a closing line with the sums. A class says by `at_once` how many tests of its
kind may run beside each other; without it each has the machine to itself. --quick leaves out what
takes long.
"""
import argparse
import concurrent.futures
import fcntl
import fnmatch
import itertools
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402 pylint: disable=wrong-import-position


class Outcome(unittest.TestResult):
    """The result of one test, printed as one line (and what went wrong below it)."""

    def __init__(self):
        super().__init__()
        self.wrong = []   # exceptions

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.wrong.append(err[1])

    def addError(self, test, err):
        super().addError(test, err)
        self.wrong.append(err[1])

    def tries(self):
        """How often it may be tried, with this outcome; more than once where it is a matter of
        chance."""
        return min((getattr(error, "tries", 1) for error in self.wrong), default=1)

    def line(self, name, seconds):
        bad = self.failures + self.errors
        mark = "FAIL" if bad else "skip" if self.skipped else "ok"
        reason = f": {self.skipped[0][1]}" if self.skipped and not bad else ""
        text = f"{mark:4} {name} ({seconds:.1f} s){reason}"
        for _, trace in bad:
            text += "\n---- " + trace.rstrip().replace("\n", "\n     ") + "\n----"
        return text


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def name_of(test):
    return test.id().replace("test_", "", 1)


def run_one(test):
    # When the two sides meet, and when the runtime's own check ends a target, is chance. Nothing
    # else gets a second try: a target that died of something else or a wrong line is a failure. All
    # tries are told of, and counted.
    for number in itertools.count(1):
        outcome = Outcome()
        began = time.monotonic()
        test.run(outcome)
        last = number >= outcome.tries() or harness.ending.is_set()
        print(outcome.line(name_of(test) + ("" if last else f", try {number}"),
                           time.monotonic() - began), flush=True)
        if not last:
            harness.tries.repeat(outcome.wrong[0].kind)
        else:
            return (not outcome.failures and not outcome.errors and not outcome.skipped,
                    bool(outcome.failures or outcome.errors), bool(outcome.skipped))


def wait_for_others():
    """Two runs at a time would take each other's CPUs, and figures would mean nothing."""
    os.makedirs("build", exist_ok=True)
    lock = open("build/live.lock", "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("another run is under way: waiting for its end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def tries_judge():
    """Say how often the tests of this run were helped by a second try. 1: too often, a failure."""
    print(harness.tries)
    problems = harness.tries.problems()
    for problem in problems:
        print(f"FAIL second tries: {problem}: gomaptop sees less than it should, or ends its "
              "targets")
    return len(problems)


def is_slow(test):
    method = getattr(test, test._testMethodName)  # pylint: disable=protected-access
    return getattr(method, "slow", getattr(test, "slow", False))


def all_tests():
    here = os.path.dirname(os.path.abspath(__file__))
    tests = list(flatten(unittest.defaultTestLoader.discover(here, "test_*.py")))
    if unittest.defaultTestLoader.errors:   # else -k would silently leave out a whole file
        sys.exit("\n".join(unittest.defaultTestLoader.errors))
    return tests


def run_kind(tests, at_once):
    if at_once == 1:
        return [run_one(test) for test in tests]    # here, where an interrupt comes
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        try:
            return list(pool.map(run_one, tests))
        except KeyboardInterrupt:
            harness.ending.set()
            raise


def run_all(tests, most=None):
    """{test: (passed, failed, skipped)}. Those that have the machine to themselves run first, then
    kind after kind, `most` tests at a time at the most."""
    outcomes = {}
    for at_once in sorted({getattr(test, "at_once", 1) for test in tests}):
        kind = [test for test in tests if getattr(test, "at_once", 1) == at_once]
        outcomes.update(zip(kind, run_kind(kind, min(at_once, most or at_once))))
    return outcomes


def selected(args):
    tests = all_tests()
    if args.pattern:
        tests = [t for t in tests if any(fnmatch.fnmatch(name_of(t), f"*{p}*")
                                         for p in args.pattern)]
    if args.quick:
        tests = [t for t in tests if not is_slow(t)]
    return tests


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="pattern", action="append", help="only tests that match")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument("--jobs", type=int, help="so many tests at a time at the most")
    parser.add_argument("--list", action="store_true", help="only say which tests there are")
    args = parser.parse_args()
    # Ended early, it still ends what it started. (unittest takes a SystemExit for a failed test.)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    tests = selected(args)
    if args.list:
        print("\n".join(map(name_of, tests)))
        return 0
    if os.geteuid() != 0:
        print("live tests attach probes and need root: run them with sudo")
        print(f"0 passed, 0 failed, {len(tests)} skipped")
        return 77
    if not os.access(harness.GOMAPTOP, os.X_OK):
        print(f"no {harness.GOMAPTOP}: run `make` first")
        print("0 passed, 1 failed, 0 skipped")
        return 1
    lock = wait_for_others()  # noqa: F841 pylint: disable=unused-variable
    results = run_all(tests, args.jobs).values()
    passed, failed, skipped = (sum(column) for column in zip(*results)) if results else (0, 0, 0)
    failed += tries_judge()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
