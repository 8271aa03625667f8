#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gomaptop against every Go release: needs root.

    tests/live/matrix.py [--quick] [--no-real] [RELEASE...]

For each release (without names: all that fetch-toolchains knows, and newer ones that Debian has),
stripped and not: the counts of every operation, the call chains, the planted faults. Then the unit
tests that read executables, on those of every release, and the published programs (real.py).
Prints a table, and a closing line with the sums. --quick takes each release once, stripped and not
in turn, with one fault each.
"""
import argparse
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FETCH = os.path.join(ROOT, "tests", "go", "fetch-toolchains")
READERS = ("test_go_layout", "test_pclntab", "test_probe_site", "test_order_site",
           "test_go_binary")
CHECKS = ("counts", "chains", "faults")
# Those that are met within seconds; `live --quick` has them all.
QUICK_FAULTS = ("write-write", "stale-value", "read-write", "delete-read")
CLOSING = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def output(*command):
    """(status, standard output, last line of standard error)."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False)
    return run.returncode, run.stdout, (run.stderr.strip().splitlines() or [""])[-1]


def all_releases():
    """Those that are known, and newer ones that Debian has; without a network, those at hand."""
    status, text, error = output(FETCH, "--known")
    known = text.split()
    if status or not known:
        sys.exit(f"{FETCH} --known names no release: {error}")
    status, text, error = output(FETCH, "--newer")
    if status:
        print(f"newer releases: {error}", flush=True)
    return known + (text.split() if status == 0 else [])


class Cell:
    """What became of one check on one build."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.reason = ""

    def add(self, test, outcome):
        passed, failed, skipped = outcome
        self.passed, self.failed = self.passed + passed, self.failed + failed
        self.skipped += skipped
        if failed and not self.reason:
            self.reason = test

    def __str__(self):
        total = self.passed + self.failed + self.skipped
        if not total:
            return "-"
        if self.failed:
            return f"FAIL {self.failed}/{total}"
        if self.skipped == total:
            return "skip"
        return "ok" if total == 1 else f"ok {self.passed}"


def builds(releases, quick):
    """(release, stripped) of every row."""
    if not quick:
        return [(release, stripped) for release in releases for stripped in (False, True)]
    return [(release, bool(n % 2)) for n, release in enumerate(releases)]


def faults_of(row, quick):
    """Which faults are planted into a build: in --quick they take turns."""
    from test_faults import FAULTS                  # pylint: disable=import-outside-toplevel
    return [QUICK_FAULTS[row % len(QUICK_FAULTS)]] if quick else FAULTS


def names_of_row(row, build, quick):
    """Names of the tests of one row, by check."""
    from harness import build_name                  # pylint: disable=import-outside-toplevel
    name = build_name(*build)
    return {"counts": [f"counts.CountsTest.test_attached_{name}"],
            "chains": [f"chains.ChainsTest.test_chain_{name}"],
            "faults": [f"faults.FaultsTest.test_fault_{fault.replace('-', '_')}_{name}"
                       for fault in faults_of(row, quick)]}


def run_live(releases, quick):
    """Rows of the table: (name, {check: Cell}); and a closing line's numbers: of second tries there
    may be too many."""
    os.environ["GOMAPTOP_LIVE_RELEASES"] = " ".join(releases)
    import run                                      # pylint: disable=import-outside-toplevel
    from harness import build_name                  # pylint: disable=import-outside-toplevel
    lock = run.wait_for_others()  # noqa: F841 pylint: disable=unused-variable
    tests = {run.name_of(test): test for test in run.all_tests()}
    rows, cell_of = [], {}
    for number, build in enumerate(builds(releases, quick)):
        cells = {check: Cell() for check in CHECKS}
        for check, names in names_of_row(number, build, quick).items():
            cell_of.update({tests[name]: cells[check] for name in names})
        rows.append((build_name(*build), cells))
    for test, outcome in run.run_all(cell_of).items():
        cell_of[test].add(run.name_of(test), outcome)
    return rows, [0, run.tries_judge(), 0]


def run_step(command, **environment):
    """A program with a closing line of its own: [passed, failed, skipped]."""
    run = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ, **environment),
                           stdout=subprocess.PIPE, text=True)
    sums = [0, 0, 0]
    try:
        for line in run.stdout:
            print(line, end="", flush=True)
            closing = CLOSING.match(line)
            if closing:
                sums = [int(n or 0) for n in closing.groups()]
    except KeyboardInterrupt:
        run.terminate()     # it ends what it started
        run.wait()
        raise
    if (run.wait() not in (0, 77) or not any(sums)) and not sums[1]:
        sums[1] = 1     # it failed and did not say how often, or said nothing at all
    return sums


def run_readers(build):
    """The unit tests that read executables, on those of every release at hand."""
    tests = [os.path.join(build, "tests", "unit", "target", test) for test in READERS]
    print("\n---- executables of every release", flush=True)
    return run_step([sys.executable, "tests/run.py", "--limit", "1800", *tests],
                    GOMAPTOP_RELEASES="all")


def run_real(quick):
    print("\n---- published programs", flush=True)
    return run_step([sys.executable, os.path.join(HERE, "real.py")] + ["--quick"] * quick)


def print_table(rows):
    width = max(len(name) for name, _ in rows)
    print(f"\n{'':{width}}  " + "  ".join(f"{check:10}" for check in CHECKS))
    for name, cells in rows:
        reasons = "; ".join(cell.reason for cell in cells.values() if cell.reason)
        line = f"{name:{width}}  " + "  ".join(f"{str(cells[check]):10}" for check in CHECKS)
        print(f"{line}  {reasons}".rstrip())
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="each release once, few faults")
    parser.add_argument("--no-real", action="store_true", help="leave out the published programs")
    parser.add_argument("releases", nargs="*", metavar="RELEASE")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("live tests attach probes and need root: run them with sudo")
        print("0 passed, 0 failed, 1 skipped")
        return 77
    sys.path.insert(0, HERE)
    # Ended early, it still ends what it started. (unittest takes a SystemExit for a failed test.)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    rows, again = run_live(args.releases or all_releases(), args.quick)
    sums = [again] + [[cell.passed, cell.failed, cell.skipped]
            for _, cells in rows for cell in cells.values()]
    sums.append(run_readers(os.environ.get("BUILD", "build")))
    if not args.no_real:
        sums.append(run_real(args.quick))
    print_table(rows)
    passed, failed, skipped = (sum(column) for column in zip(*sums))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
