#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""All benchmarks, one table: what gomaptop costs and how fast it is, beside what it competes with
in the same run. Needs root.

    tests/bench/run.py [--quick] [--only NAME]... [--list]
    tests/bench/run.py --readme

The table goes to standard output, as JSON to build/bench/bench.json (only.json with --only, FILE
with
-o); what is under way is told on standard error. --readme measures nothing: it puts the rows that
README.md carries into it, from the last complete run. Status 1: something could not be measured
that should have been.
"""
import argparse
import contextlib
import fcntl
import fnmatch
import json
import os
import signal
import sys
import time
import traceback

import cost
import faults
import growth
import measuring
import order
import pieces
import report
import throughput

PARTS = {}
for module in (cost, throughput, faults, order, pieces, growth):
    PARTS.update(module.PARTS)


class Run:
    """What the parts are told, and what they leave."""

    def __init__(self, quick):
        self.quick = quick
        self.part = ""
        self.rows, self.skipped, self.failed = [], [], []
        self.began = time.time()
        self.seconds = {}   # of each part

    def say(self, text):
        print(f"bench: {time.time() - self.began:5.0f} s  {self.part}: {text}", file=sys.stderr,
              flush=True)

    def skip(self, name, reason):
        self.skipped.append({"part": self.part, "name": name, "reason": reason})
        self.say(f"{name} skipped: {reason}")

    def measure(self, name, part):
        self.part = name
        began = time.monotonic()
        self.say("begins")
        try:
            for row in part(self):
                self.rows.append((name, row))
                self.say(report.line(row))
        except measuring.Skip as reason:
            self.skip(name, str(reason))
        except Exception as error:  # pylint: disable=broad-except
            self.failed.append({"part": name, "reason": f"{type(error).__name__}: {error}"})
            self.say("FAILED\n" + traceback.format_exc())
        finally:
            self.seconds[name] = time.monotonic() - began


def alone():
    """Tests that measure and benchmarks would take each other's CPUs."""
    os.makedirs(os.path.join(measuring.BUILD, "bench"), exist_ok=True)
    lock = open(os.path.join(measuring.BUILD, "live.lock"), "w", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter rounds, fewer budgets")
    parser.add_argument("--only", action="append", metavar="NAME", help="only parts that match")
    parser.add_argument("--list", action="store_true", help="only say which parts there are")
    parser.add_argument("--readme", action="store_true",
                        help="put the last complete run into README.md")
    parser.add_argument("-o", "--output", metavar="FILE")
    args = parser.parse_args()
    args.output = args.output or os.path.join(measuring.BUILD, "bench",
                                              "only.json" if args.only else "bench.json")
    return args


def main():
    args = arguments()
    parts = {name: part for name, part in PARTS.items()
             if not args.only or any(fnmatch.fnmatch(name, pattern) for pattern in args.only)}
    if args.list:
        print("\n".join(parts))
        return 0
    if args.readme:
        return report.readme_update(args.output)
    if not parts:
        print(f"bench: no part is called {' or '.join(args.only)}; there are: {', '.join(PARTS)}",
              file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("bench: probes need root: run this with sudo", file=sys.stderr)
        return 1
    os.chdir(measuring.ROOT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    measuring.adopt_orphans()
    lock = alone()  # noqa: F841 pylint: disable=unused-variable
    run, interrupted = Run(args.quick), False
    try:
        with contextlib.suppress(BrokenPipeError):
            for name, part in parts.items():
                run.measure(name, part)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        measuring.end_children()
    document = report.document(run, complete=not interrupted and set(parts) == set(PARTS))
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    print(report.table(document))
    print(f"written to {os.path.relpath(args.output)}")
    return 130 if interrupted else 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
