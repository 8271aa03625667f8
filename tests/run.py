#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run test programs, one line each, and a closing line with the sums.

With --san thread only those run that can start a thread: in the others there is nothing to see.

A program says what it did in cmocka's words, or with a closing line of its own
(`N passed, N failed[, N skipped]`). Exit status 77 of one that says neither means skipped. Whatever
it says, a program that ends with another status than 0 has failed, and so has one that counts
nothing: it ended before its tests, or has none.
The output of a failed program is shown whole, that of the others is not.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import time

CMOCKA = {"passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
          "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M),
          "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M)}
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def counts(output, status):
    """(passed, failed, skipped) as the program reports them, corrected by its exit status."""
    closing = CLOSING.findall(output)
    if closing:
        found = [int(n or 0) for n in closing[-1]]
    else:
        found = [sum(map(int, CMOCKA[kind].findall(output)))
                 for kind in ("passed", "failed", "skipped")]
    if status == 77 and not any(found):   # cmocka ends with the number of failures, which may be 77
        return [0, 0, 1]
    if found[1] == 0 and (status or not any(found)):
        found[1] = 1
    return found


def starts_threads(path):
    """Whether a program can start a thread: else ThreadSanitizer has nothing to see in it, and
    takes minutes for that."""
    symbols = subprocess.run(["nm", "-u", path], stdout=subprocess.PIPE, text=True, check=True)
    return re.search(r"\bpthread_create\b", symbols.stdout) is not None


def in_order(programs):
    """First those that time probes in the kernel: they have the machine to themselves. Then those
    that take long, most of it waiting for a terminal."""
    return sorted(programs, key=lambda path: ("/bpf/" not in path, "/screen/" not in path))


def command_of(path, san):
    if path.endswith(".py"):
        return ["/usr/bin/python3", path]
    # ThreadSanitizer's shadow memory and a strongly randomised address space exclude each other.
    if san == "thread" and shutil.which("setarch"):
        return ["setarch", "-R", path]
    return [path]


def run(path, san, limit):
    """Run one program in a process group of its own; (status, output, seconds)."""
    begin = time.monotonic()
    child = subprocess.Popen(command_of(path, san), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        output, _ = child.communicate(timeout=limit)
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        output += b"\nno end after %d s: ended by the runner\n" % limit
        status = 124
    return status, output.decode(errors="replace"), time.monotonic() - begin


def line_of(path, found, seconds):
    mark = "FAIL" if found[1] else "skip" if found[2] and not found[0] else "ok"
    detail = ", ".join(f"{n} {word}" for n, word in zip(found, ("passed", "failed", "skipped"))
                       if n)
    return f"{mark:4} {path}: {detail} ({seconds:.1f} s)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--san", default="")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one program")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1,
                        help="programs at a time")
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()

    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    total = [0, 0, 0]
    # Several at a time, told of in the order in which they begin.
    pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
    runs = []
    if args.san == "thread":
        args.programs = [path for path in args.programs if starts_threads(path)]
    for path in in_order(args.programs):
        runs.append((path, pool.submit(run, path, args.san, args.limit)))
        if "/bpf/" in path:
            runs[-1][1].result()
    for path, running in runs:
        status, output, seconds = running.result()
        found = counts(output, status)
        total = [a + b for a, b in zip(total, found)]
        print(line_of(path, found, seconds), flush=True)
        if found[1]:
            print(f"---- output of {path} (exit status {status})\n"
                  f"{output.rstrip() or 'it said nothing of any test'}\n----")
        elif found[2]:
            for reason in re.findall(r"^skip(?:ped)?[: ].*$", output, re.M | re.I):
                print(f"     {reason}")
    closing = f"{total[0]} passed, {total[1]} failed"
    print(closing + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] or not sum(total) else 0


if __name__ == "__main__":
    sys.exit(main())
