# SPDX-License-Identifier: MIT
"""How gomaptop grows with what it watches: maps, goroutines, the depth of call chains, targets.

The target does so many map operations a second and no more; for each size are told gomaptop's own
CPU time (of a core) and memory, and for the depth of calls what an operation costs the target."""
import contextlib
import time

import measuring
from measuring import Watcher, cpu_seconds, resident, row
from harness import Target

RATE = 50000     # operations a second
SIZES = {"maps": (10, 1000, 10000, 100000, 1000000), "goroutines": (10, 1000, 10000, 100000)}
DEPTHS = (4, 16, 64, 127)
TARGETS = (1, 10, 50)
MEMORY = 64e6    # bytes at 10,000 maps, at most


class Load:
    """What gomaptop used over a span, and what it cost its targets."""

    def __init__(self, pids, seconds, *args):
        """Watch until everything had its turn, then measure."""
        self.unwatched = self.used(pids, seconds / 2)
        with Watcher(*args, "-i", "1s", "-p", ",".join(map(str, pids))) as watcher:
            watcher.wait_attached()
            self.startup = watcher.ready
            time.sleep(seconds)
            own, began = cpu_seconds(watcher.process.pid), time.monotonic()
            self.watched = self.used(pids, seconds)
            self.cpu = (cpu_seconds(watcher.process.pid) - own) / (time.monotonic() - began)
            self.memory = resident(watcher.process.pid)
            watcher.finish()
            self.detach = watcher.said(r"taken out in ([\d.]+) ms")
            self.snapshot = watcher.snapshot()

    @staticmethod
    def used(pids, seconds):
        """CPU seconds of the targets a second."""
        began, cpu = time.monotonic(), sum(map(cpu_seconds, pids))
        time.sleep(seconds)
        return (sum(map(cpu_seconds, pids)) - cpu) / (time.monotonic() - began)


def scale(**flags):
    words = [word for name, value in flags.items() for word in ("-" + name, str(value))]
    return Target(measuring.go_program("scale"), *words)


def lost(snapshot):
    count = sum(snapshot["coverage"]["events"]["lost"].values())
    return f", {count} events lost" if count else ""


def size_rows(what, size, load, seen):
    note = f"{seen} seen{lost(load.snapshot)}"
    judged = what == "maps" and size == 10000
    yield row(f"{size:,} {what}: CPU of a core", load.cpu, "share", note=note)
    yield row(f"{size:,} {what}: memory", load.memory, "B", readme=size >= 100000,
              target=("figure", "<=", MEMORY) if judged else None)


def sizes(what):
    def part(run):
        wanted = SIZES[what][:3:2] if run.quick else SIZES[what]
        for size in wanted:
            run.say(f"{size:,}")
            # All of them had their turn before anything is measured.
            seconds = max(2.0 if run.quick else 3.0, 1.2 * size / RATE / 2)
            flags = {"maps": size, "types": -(-size // 8)} if what == "maps" else {what: size}
            with scale(rate=RATE, **flags) as target:
                load = Load([target.pid], min(seconds, 8.0), *measuring.without_limit())
            yield from size_rows(what, size, load, len(load.snapshot[what]))
    return part


def depths(run):
    base = None
    for depth in DEPTHS[::3] if run.quick else DEPTHS:
        with scale(depth=depth, rate=RATE) as target:
            load = Load([target.pid], 2.0 if run.quick else 3.0, "--stack-depth", 127,
                        *measuring.without_limit())
        cost = (load.watched - load.unwatched) / RATE
        deepest = max((len(chain["stack"]) for m in load.snapshot["maps"]
                       for chain in m["chains"]), default=0)
        yield row(f"calls {depth} deep: what a probe adds", cost, "s", readme=depth == 127,
                  beside=f"{DEPTHS[0]} deep" if base else "", than=base,
                  note=f"longest chain seen {deepest}")
        base = base or cost


def targets(run):
    for count in TARGETS[::2] if run.quick else TARGETS:
        with contextlib.ExitStack() as stack:
            pids = [stack.enter_context(scale(maps=100, rate=RATE / 50)).pid for _ in range(count)]
            load = Load(pids, 2.0 if run.quick else 4.0, *measuring.without_limit())
        seen = len({m["pid"] for m in load.snapshot["maps"]})
        yield row(f"{count} targets: start until probes are in place", load.startup, "s")
        yield row(f"{count} targets: CPU of a core", load.cpu, "share", readme=count == 50,
                  note=f"maps of {seen} seen{lost(load.snapshot)}")
        yield row(f"{count} targets: memory", load.memory, "B")
        if load.detach is not None:
            yield row(f"{count} targets: take all probes out", load.detach * 1e-3, "s")


PARTS = {"growth-maps": sizes("maps"), "growth-goroutines": sizes("goroutines"),
         "growth-depth": depths, "growth-targets": targets}
