# SPDX-License-Identifier: MIT
"""What watching costs is promised, said and true."""
import contextlib
import math
import os
import statistics
import time
import unittest

from harness import (PAIRED, RELEASE_ROWS, SWISS, Target, Watching, cases, percent, program, table,
                     validate, watch)


def cpu_seconds(pid):
    """To the nanosecond, where /proc has hundredths: the clock that clock_getcpuclockid(3)
    names."""
    return time.clock_gettime(~pid << 3 | 2)


class Loop:
    """opsloop, and what its operations cost it."""

    def __init__(self, release, *args, ops=500000):
        self.ops = ops
        self.target = Target(program("opsloop", release), "-op", "read", "-n", str(ops),
                             "-rounds", "0", *args)

    def __enter__(self):
        self.target.__enter__()
        return self

    def __exit__(self, *why):
        self.target.__exit__(*why)

    @property
    def pid(self):
        return self.target.pid

    def rounds(self):
        return sum("ns_per_op" in line for line in self.target.lines if line is not None)

    def read_ns(self):
        """What one operation took, in the middle one of the rounds so far."""
        return statistics.median(line["ns_per_op"] for line in self.target.lines
                                 if line and "ns_per_op" in line)

    def cost(self, seconds):
        """CPU seconds an operation took over a span."""
        ops, cpu = self.rounds(), cpu_seconds(self.pid)
        time.sleep(seconds)
        ops, cpu = (self.rounds() - ops) * self.ops, cpu_seconds(self.pid) - cpu
        return cpu / ops


def parts(snapshot):
    """Seconds of CPU that probing is said to have cost, and those of the target."""
    overhead = snapshot["coverage"]["overhead"]
    return (overhead["hits_seconds"] + overhead["held_seconds"], overhead["target_cpu_seconds"])


def armed_between(before, after):
    """Part of the time between two snapshots in which the probes were in place."""
    start, end = (s["seconds"] * s["coverage"]["armed_fraction"] for s in (before, after))
    return (end - start) / (after["seconds"] - before["seconds"])


@table
class EstimateTest(unittest.TestCase):
    @cases(*RELEASE_ROWS)
    def each_against_measured(self, release):
        """The estimate and the slow-down of a CPU-bound loop agree within a factor of 1.5, where
        operations are probed about half of the time of the loop."""
        with Loop(release, "-work", "1500", ops=10000) as loop:
            time.sleep(0.5)
            plain = [loop.cost(1.5)]
            with Watching("-p", loop.pid) as watching:
                first = watching.wait_attached()
                watched = loop.cost(4)
                last = watching.finish().snapshot
            plain.append(loop.cost(1.5))
        validate(last)
        said = (parts(last)[0] - parts(first)[0]) / (parts(last)[1] - parts(first)[1])
        true = 1 - min(plain) / watched
        self.assertGreater(true, 0.1, "a loop that shows what probes cost")
        self.assertLess(true / 1.5, said, last["coverage"]["overhead"])
        self.assertLess(said, true * 1.5, last["coverage"]["overhead"])

    @cases(*RELEASE_ROWS)
    def each_of_cold_hits(self, release):
        """So do they where each hit finds the caches cold: within a factor of 1.6 of what the
        read itself took longer. (Where traps are slow, they are the greater part of that.)"""
        with Loop(release, "-walk", "4096", ops=50) as loop:
            time.sleep(1)
            plain = loop.read_ns()
            with Watching("-p", loop.pid) as watching:
                watching.wait_attached()
                loop.target.lines.clear()
                time.sleep(4)
                watched = loop.read_ns()
                overhead, hits = self.of_hits(watching.finish().snapshot)
        said, true = overhead["hits_seconds"] / hits * 1e9, watched - plain
        self.assertGreater(true, overhead["ns_per_hit"] + 300, "colder than in a loop")
        self.assertLess(true / 1.6, said, overhead)
        self.assertLess(said, true * 1.6, overhead)
        # How great a part it is depends on how long a trap took at the start.
        self.assertGreater(overhead["cold_seconds"], 0)

    def test_of_warm_hits(self):
        """In a loop that does nothing else they are not."""
        with Loop(SWISS) as loop, Watching("-p", loop.pid) as watching:
            watching.wait_attached()
            time.sleep(3)
            overhead, _ = self.of_hits(watching.finish().snapshot)
        self.assertLess(overhead["cold_seconds"], overhead["hits_seconds"] / 4, overhead)

    @staticmethod
    def of_hits(snapshot):
        return snapshot["coverage"]["overhead"], snapshot["coverage"]["hits"]


class Slowdown:
    """How many times the CPU time of an unwatched operation a watched one takes, from pairs of
    spans: each watched one beside the unwatched ones around it, so that what else goes on in the
    machine is in both. The median of the ratios, and how far it may be off: its standard error."""
    FEWEST, MOST = 6, 20    # pairs; a machine that is busy with something else needs more
    ERRORS = 3              # that far from the promise, it is told
    CAP = 0.05              # beyond the promise: too much, however little can be told

    def __init__(self, promised):
        self.promised = promised
        self.ratios = []

    def add(self, before, watched, after):
        self.ratios.append(watched / ((before + after) / 2))

    @property
    def median(self):
        return statistics.median(self.ratios)

    @property
    def error(self):
        """Of a median: 1.253 times that of a mean; the deviation from how far half of them are
        off."""
        off = statistics.median(abs(ratio - self.median) for ratio in self.ratios)
        return 1.253 * 1.4826 * off / math.sqrt(len(self.ratios))

    def goes_on(self):
        """Whether more pairs are needed to tell that the promise was kept. That it was not is said
        after all of them: a few may be alike by chance."""
        if len(self.ratios) < self.FEWEST:
            return True
        return len(self.ratios) < self.MOST and \
            self.median + self.ERRORS * self.error > self.promised

    def is_kept(self):
        """The promise, as far as can be told."""
        return self.median - self.ERRORS * self.error <= self.promised and \
            self.median <= self.promised + self.CAP

    def __str__(self):
        return (f"x{self.median:.4f} +- {self.error:.4f} of x{self.promised:.4f}: " +
                " ".join(f"{ratio:.3f}" for ratio in self.ratios))


@table
class BudgetTest(unittest.TestCase):
    ROUNDS = 3

    @cases(("default", None, 0.03), ("one_percent!", 1, 0.01), ("ten_percent!", 10, 0.10))
    def each_budget(self, overhead, budget):
        """A loop that does nothing but map operations is slowed down by no more than was promised,
        and still seen. (Always armed it would take 100 times as long.)"""
        for _ in range(self.ROUNDS):
            slowdown = self.slowdown_of(overhead, budget)
            if slowdown.error < slowdown.CAP:   # else the machine was busy with something else
                break
        self.assertTrue(slowdown.is_kept(), slowdown)

    def slowdown_of(self, overhead, budget):
        slowdown, counted = Slowdown(1 / (1 - budget)), 0
        with Loop(SWISS) as loop:
            time.sleep(0.3)
            plain = loop.cost(1)
            while slowdown.goes_on():
                with Watching("-p", loop.pid, overhead=overhead) as watching:
                    watching.wait_attached()
                    watched = loop.cost(5)
                    coverage = watching.finish().snapshot["coverage"]
                before, plain = plain, loop.cost(1)
                slowdown.add(before, watched, plain)
                counted += coverage["counted"]
                self.judge(coverage, budget)
        self.assertGreater(counted, 1000)
        return slowdown

    def judge(self, coverage, budget):
        self.assertEqual(coverage["overhead"]["budget"], budget)
        self.assertLess(coverage["overhead"]["estimate"], budget)
        self.assertLess(coverage["armed_fraction"], 2 * budget)
        self.assertGreater(coverage["armed_fraction"], 0)

    def test_jump(self):
        """Few operations: probed all the time. Then suddenly as many as a CPU can do: within a
        second what they cost is within the budget again."""
        limit = percent(8)
        with Loop(SWISS, "-jump", "10s") as loop:
            with Watching("-p", loop.pid, overhead=limit, interval="250ms") as watching:
                watching.wait_attached()
                first = watching.newest()
                calm = watching.wait_for(lambda s: s["seconds"] > first["seconds"] + 2, 30)
                self.assertGreater(armed_between(first, calm), 0.9)
                while not loop.rounds():
                    time.sleep(0.01)
                at = watching.newest()
                after = watching.wait_for(lambda s: s["seconds"] > at["seconds"] + 1, 30)
                end = watching.wait_for(lambda s: s["seconds"] > after["seconds"] + 3, 30)
        burst = parts(after)[0] - parts(at)[0]
        self.assertLess(burst, limit / 30, "seconds of CPU in the first second")
        spent, cpu = (b - a for a, b in zip(parts(after), parts(end)))
        self.assertLess(spent, limit / 100 * cpu, (after["coverage"], end["coverage"]))

    def test_no_uprobe_multi(self):
        """Where probes take long to go, functions that are called too often are left out, and that
        is said; and at the end nobody waits."""
        with Loop(SWISS) as loop:
            with Watching("-p", loop.pid, overhead=3,
                          env={"GOMAPTOP_ATTACH": "perf_event"}) as watching:
                snapshot = watching.wait_attached()
                before = parts(watching.wait_for(lambda s: s["seconds"] > 2, 30))
                snapshot = watching.wait_for(lambda s: s["seconds"] > 5, 30)
                began = time.monotonic()
                watching.finish()
                took = time.monotonic() - began
            self.assertTrue(loop.target.running())
        skipped = [s for s in snapshot["coverage"]["probes"]["skipped"]
                   if "--max-overhead" in s["reason"]]
        self.assertTrue(skipped, snapshot["coverage"]["probes"])
        spent, cpu = (b - a for a, b in zip(before, parts(snapshot)))
        self.assertLess(spent, 0.03 * cpu)
        self.assertLess(took, 2.5, "a probe takes 100 ms to go, and there are dozens")


def limited_group(percent):
    """A control group that may use so much of one CPU: (folder, how to lift the limit)."""
    one, two = "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"
    if os.path.exists(f"{one}/cpu.cfs_quota_us"):
        root, file, limit, none = one, "cpu.cfs_quota_us", f"{percent * 1000}", "-1"
    elif os.path.exists(f"{two}/cgroup.subtree_control"):
        root, file, limit, none = two, "cpu.max", f"{percent * 1000} 100000", "max"
        write(f"{two}/cgroup.subtree_control", "+cpu")
    else:
        raise unittest.SkipTest("no control groups for CPU time are mounted")
    folder = os.path.join(root, f"gomaptop-test-{os.getpid()}")
    os.mkdir(folder)
    write(os.path.join(folder, file), limit)
    return folder, lambda: write(os.path.join(folder, file), none)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def planned(snapshot):
    return snapshot["coverage"]["overhead"]["planned"]


class RoomTest(unittest.TestCase):
    """More of the budget is planned with where CPU time is left for it."""
    LITTLE, MUCH = 0.03 * 0.6, 0.03 * 0.8

    def planned(self, watching, enough):
        """What is planned with, as soon as it is enough, or after long."""
        seen = watching.wait_for(lambda s: enough(planned(s)), 30) or watching.newest()
        return planned(seen)

    def test_busy_machine(self):
        with Loop(SWISS) as loop, contextlib.ExitStack() as others:
            with Watching("-p", loop.pid, overhead=3, interval="500ms") as watching:
                watching.wait_attached()
                self.assertGreater(self.planned(watching, lambda p: p > self.MUCH), self.MUCH)
                for _ in range(os.cpu_count()):
                    others.enter_context(Loop(SWISS))
                self.assertLess(self.planned(watching, lambda p: p < self.LITTLE), self.LITTLE)

    def test_limited_group(self):
        """The machine has room; the target's group has not."""
        folder, lift = limited_group(30)
        self.addCleanup(os.rmdir, folder)
        with Loop(SWISS) as loop:
            write(os.path.join(folder, "cgroup.procs"), str(loop.pid))
            with Watching("-p", loop.pid, overhead=3, interval="500ms") as watching:
                watching.wait_attached()
                seen = watching.wait_for(lambda s: s["seconds"] > 5, 30)
                self.assertLess(planned(seen), self.LITTLE)
                lift()
                self.assertGreater(self.planned(watching, lambda p: p > self.MUCH), self.MUCH)


class NothingTest(unittest.TestCase):
    """A budget of 0: no map operation is ever probed, and it is said."""
    at_once = PAIRED

    def test_loop(self):
        with Loop(SWISS) as loop:
            coverage = watch("-p", loop.pid, seconds=3, overhead=0).snapshot["coverage"]
        self.assertEqual(coverage["hits"], 0)
        self.assertEqual(coverage["armed_fraction"], 0)
        self.assertEqual(coverage["overhead"]["budget"], 0)


if __name__ == "__main__":
    unittest.main()
