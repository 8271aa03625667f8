#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a probed map operation costs, beside a bpftrace script that counts the same functions.

A tight loop of map reads runs on one CPU. In turn, several times over, it is left alone, watched
by gomaptop and counted by bpftrace; each time the loop's own CPU time per operation is taken. The
figures that count are the ratios. Also: how long attaching and detaching takes.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GO = os.path.join(HERE, "..", "go")
GOMAPTOP = os.path.abspath(os.environ.get("GOMAPTOP", "./gomaptop"))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
OPS = 20000  # operations the loop reports at once
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Loop:
    """The loop, and how many operations it has done."""

    def __init__(self, path, op):
        self.process = subprocess.Popen(
            [path, "-op", op, "-n", str(OPS), "-rounds", "0", "-pin", "0"],
            stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rounds = 0

    def count(self):
        while True:
            data = self.process.stdout.read(1 << 16)
            if not data:
                return self.rounds * OPS
            self.rounds += data.count(b'"ns_per_op"')

    def cost(self, seconds):
        """CPU nanoseconds per operation over a span."""
        self.count()
        ops, cpu = self.count(), cpu_seconds(self.process.pid)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
            self.count()
        ops = self.count() - ops
        cpu = cpu_seconds(self.process.pid) - cpu
        return cpu / ops * 1e9 if ops else float("nan")


def with_gomaptop(loop, seconds):
    watcher = subprocess.Popen([GOMAPTOP, "-v", "-b", "-p", str(loop.process.pid)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(1.0)
    cost = loop.cost(seconds)
    watcher.terminate()
    words = watcher.communicate(timeout=30)[1]
    took = dict(re.findall(r"probes (attached|taken out) in ([\d.]+) ms", words))
    return cost, float(took.get("attached", "nan")), float(took.get("taken out", "nan"))


def with_bpftrace(loop, path, functions, seconds):
    script = ",".join(f"uprobe:{path}:{f}" for f in functions) + " { @ = count(); }"
    tracer = subprocess.Popen(["bpftrace", "-p", str(loop.process.pid), "-e", script],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(4.0)  # it says nothing through a pipe until its end
    cost = loop.cost(seconds)
    tracer.terminate()
    tracer.communicate(timeout=30)
    return cost


def measure(path, op, functions):
    plain, ours, theirs, attach, detach = [], [], [], [], []
    loop = Loop(path, op)
    try:
        time.sleep(0.5)
        for _ in range(ROUNDS):
            plain.append(loop.cost(1.0))
            cost, up, down = with_gomaptop(loop, 2.0)
            ours.append(cost)
            attach.append(up)
            detach.append(down)
            if shutil.which("bpftrace"):
                theirs.append(with_bpftrace(loop, path, functions, 2.0))
    finally:
        loop.process.kill()
        loop.process.wait()
    middle = statistics.median
    base = middle(plain)
    row = {"op": op, "unprobed_ns": base, "gomaptop_ns": middle(ours) - base,
           "attach_ms": middle(attach), "detach_ms": middle(detach)}
    if theirs:
        row["bpftrace_ns"] = middle(theirs) - base
        row["bpftrace_to_gomaptop"] = row["bpftrace_ns"] / row["gomaptop_ns"]
    return row


def build():
    path = os.path.join(BUILD, "bench", "opsloop")
    subprocess.run(["go", "build", "-o", path, "./opsloop"], cwd=GO, check=True)
    return path


def main():
    path = build()
    rows = [measure(path, "read", ["runtime.mapaccess1_fast64", "runtime.mapaccess2_fast64"]),
            measure(path, "write", ["runtime.mapassign_fast64"])]
    print(f"{'op':8}{'unprobed':>12}{'gomaptop':>12}{'bpftrace':>12}{'ratio':>8}"
          f"{'attach':>11}{'detach':>11}")
    for r in rows:
        print(f"{r['op']:8}{r['unprobed_ns']:>9.1f} ns{r['gomaptop_ns']:>9.0f} ns"
              f"{r.get('bpftrace_ns', float('nan')):>9.0f} ns"
              f"{r.get('bpftrace_to_gomaptop', float('nan')):>8.1f}"
              f"{r['attach_ms']:>8.1f} ms{r['detach_ms']:>8.1f} ms")
    out = os.path.join(BUILD, "bench", "cost.json")
    with open(out, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
    print(f"written to {os.path.relpath(out)}")


if __name__ == "__main__":
    sys.exit(main())
