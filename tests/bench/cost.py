# SPDX-License-Identifier: MIT
"""What a probed map operation costs: unprobed, with gomaptop, bpftrace and perf.

A tight loop of map operations runs on one CPU. In turn, several times over, it is left alone and
watched by each contender; each time the loop's own CPU time per operation is taken, and what it
costs unprobed is subtracted. What gomaptop's BPF programs do of that is the kernel's own
account (kernel.bpf_stats_enabled), for each program.
"""
import collections
import contextlib
import json
import os
import re
import shutil
import subprocess
import time

import measuring
from measuring import Skip, Watcher, cpu_seconds, median, row, running

OPS = 20000  # operations the loop reports at once
STATS = "/proc/sys/kernel/bpf_stats_enabled"
GOID = 160   # offset of the goroutine's id in go1.24

# operation: its functions in the loop, and what a map and a key are in
LOOPS = {"read": ("runtime.mapaccess1_fast64",),
         "write": ("runtime.mapassign_fast64",)}
COUNTS = "{ @ = count(); }"
# Map, key, goroutine: the registers of Go's own calling convention; R14 is the goroutine.
EVENTS = '{ printf("%llx %llx %lld\\n", reg("bx"), reg("cx"), *(uint64)(reg("r14") + ' + \
    f"{GOID})); }}"


class Loop:
    """The loop, and how many operations it has done."""

    def __init__(self, op):
        self.path = measuring.go_program("opsloop")
        self.process = subprocess.Popen(
            [self.path, "-op", op, "-n", str(OPS), "-rounds", "0", "-pin", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rounds = 0
        self.times = collections.deque(maxlen=1 << 16)   # seconds of each round, newest last

    def count(self):
        while True:
            data = self.process.stdout.read(1 << 16)
            if not data:
                return self.rounds * OPS
            self.rounds += data.count(b'"ns_per_op"')
            self.times.extend(map(float, re.findall(rb'"seconds":([\d.e-]+)}', data)))

    def cost(self, seconds):
        """CPU seconds per operation over a span."""
        self.count()
        ops, cpu = self.count(), cpu_seconds(self.pid)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.02)
            self.count()
        ops = self.count() - ops
        cpu = cpu_seconds(self.pid) - cpu
        return cpu / ops if ops else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        measuring.end(self.process)


# ---- contenders: the loop's cost while each of them watches ------------------------------------


def unprobed(loop, _functions, seconds):
    return loop.cost(seconds)


def with_gomaptop(loop, _functions, seconds):
    with Watcher(*measuring.without_limit(), "-p", loop.pid) as watcher:
        watcher.wait_attached()
        time.sleep(0.5)
        cost = loop.cost(seconds)
        watcher.finish()
    return cost


def with_bpftrace(loop, functions, seconds, action):
    script = "BEGIN { printf(\"ready\\n\"); } " + \
        ",".join(f"uprobe:{loop.path}:{f}" for f in functions) + " " + action
    tracer = subprocess.Popen(["stdbuf", "-oL", measuring.need("bpftrace", "bpftrace"), "-p",
                               str(loop.pid), "-e", script], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        # What it prints goes nowhere, but is read, as it would be by a file or a terminal.
        with running("cat", stdin=tracer.stdout):
            time.sleep(3.0)   # it compiles its script first
            if tracer.poll() is not None:
                raise RuntimeError(f"bpftrace ended with {tracer.returncode}")
            return loop.cost(seconds)
    finally:
        measuring.end(tracer)


def with_bpftrace_count(loop, functions, seconds):
    return with_bpftrace(loop, functions, seconds, COUNTS)


def with_bpftrace_events(loop, functions, seconds):
    return with_bpftrace(loop, functions, seconds, EVENTS)


@contextlib.contextmanager
def perf_probes(path, functions):
    """Names of perf's own probes at functions."""
    perf, names = measuring.need("perf", "linux-perf"), []
    try:
        for number, function in enumerate(functions):
            done = subprocess.run([perf, "probe", "-x", path, "--add",
                                   f"gomaptop_bench{number}={function}"], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            found = re.search(rf"(\S+:gomaptop_bench{number})\b", done.stdout)
            if done.returncode or not found:
                raise Skip(f"perf probe: {' '.join(done.stdout.split())[:200]}")
            names.append(found.group(1))
        yield names
    finally:
        subprocess.run([perf, "probe", "-q", "-d", "*:gomaptop_bench*"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def with_perf(loop, functions, seconds, *how):
    with perf_probes(loop.path, functions) as names:
        with running("perf", *how, "-e", ",".join(names), "-p", loop.pid, settle=1.0):
            return loop.cost(seconds)


def with_perf_stat(loop, functions, seconds):
    return with_perf(loop, functions, seconds, "stat")


def with_perf_record(loop, functions, seconds):
    return with_perf(loop, functions, seconds, "record", "-q", "-o", "/dev/null")


PERF_STAT = "perf stat, count"
CONTENDERS = {
    "gomaptop": with_gomaptop,
    "bpftrace, count": with_bpftrace_count,
    "bpftrace, map, key and goroutine printed": with_bpftrace_events,
    PERF_STAT: with_perf_stat,
    "perf record": with_perf_record,
}


def costs(run, op, functions):
    """{contender: seconds an operation}, what it costs unprobed subtracted, and that."""
    taken = {name: [] for name in ("unprobed", *CONTENDERS)}
    rounds, seconds = (1, 1.0) if run.quick else (3, 1.0)
    with Loop(op) as loop:
        time.sleep(0.5)
        for number in range(rounds):
            for name, contender in [("unprobed", unprobed), *CONTENDERS.items()]:
                try:
                    taken[name].append(contender(loop, functions, seconds))
                except (Skip, RuntimeError) as reason:
                    if number == 0:
                        run.skip(f"{name}, {op}", str(reason))
    taken = {name: median([v for v in values if v is not None])
             for name, values in taken.items()}
    base = taken.pop("unprobed")
    return base, {name: cost - base for name, cost in taken.items() if cost is not None}


def operations(run):
    for op, functions in LOOPS.items():
        base, taken = costs(run, op, functions)
        ours = taken.pop("gomaptop")
        yield row(f"map {op}, unprobed", base, "s")
        yield row(f"map {op}, what a probe adds", ours, "s", beside="unprobed operation",
                  than=base)
        for name, cost in taken.items():
            yield row(f"map {op}, what a probe adds", ours, "s", beside=name, than=cost,
                      readme=name == "bpftrace, count" or op == "read" and name != PERF_STAT,
                      target=("ratio", ">=", 10) if name == "bpftrace, count" else None)


# ---- the kernel's account of the BPF programs --------------------------------------------------


@contextlib.contextmanager
def run_time_stats():
    """The kernel keeps run-time statistics of BPF programs within the block."""
    with open(STATS, encoding="ascii") as file:
        before = file.read()
    with open(STATS, "w", encoding="ascii") as file:
        file.write("1")
    try:
        yield
    finally:
        with open(STATS, "w", encoding="ascii") as file:
            file.write(before)


def bpf_programs():
    """{id: (name, runs, nanoseconds)} of all that are loaded."""
    tool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not tool:
        raise Skip("no bpftool here: install bpftool")
    return {p["id"]: (p.get("name", "?"), p.get("run_cnt", 0), p.get("run_time_ns", 0))
            for p in json.loads(measuring.output_of(tool, "-j", "prog", "show"))}


def bodies_on(command, name, seconds, **popen):
    """(program, seconds a run, runs) of each of gomaptop's BPF programs that ran."""
    before = set(bpf_programs())
    with running(*command, settle=1.0, **popen) as target:
        with run_time_stats(), Watcher(*measuring.without_limit(), "-p", target.pid) as watcher:
            watcher.wait_attached()
            time.sleep(0.5)
            start = bpf_programs()
            time.sleep(seconds)
            stop = bpf_programs()
            watcher.finish()
    for number, (program, runs, ns) in stop.items():
        if number in before or number not in start:
            continue
        runs, ns = runs - start[number][1], ns - start[number][2]
        if runs >= 100:
            yield f"{program} on {name}", ns / runs * 1e-9, runs


def bodies(run):
    """On real targets. The loops' maps are nobody else's, hardly ever held; others take chains."""
    seconds = 1.0 if run.quick else 3.0
    targets = [([measuring.go_program("opsloop"), "-op", op, "-rounds", "0"], f"a loop of {op}s")
               for op in (("read",) if run.quick else ("read", "write", "delete", "iterate"))]
    targets += [([measuring.go_program("churn"), "-for", "60s"], "a program that makes maps"),
                ([measuring.go_program("twins"), "-mode", "mutex"], "two sides of a mutex")]
    for command, name in targets:
        for body, cost, runs in bodies_on(command, name, seconds, stdin=subprocess.PIPE):
            yield row(f"BPF program {body}", cost, "s", note=f"{runs} runs")


PARTS = {"cost": operations, "body-live": bodies}
