# SPDX-License-Identifier: MIT
"""The pieces that gomaptop is made of, beside what does the same elsewhere: queue, ring, symbols,
start and end, a frame of the screen, an idle screen, memory."""
import contextlib
import os
import re
import shutil
import subprocess

import measuring
import real_servers
import terminal
from growth import MEMORY, scale
from harness import Target
from measuring import Skip, Watcher, median, row
from real_program import NotHere

IDLE = 0.01      # of a core, at most
FRAME = 2e-3     # seconds of CPU time
NO_STACK, STACK = 250e-9, 1200e-9   # seconds of a BPF program, at most
WITH_STACK = re.compile(r"held|told|stack|chain")
README_BODIES = ("operation: own map", "operation, held")
DRAIN = 1e6      # events a second that the ring's reader keeps up with
ADDR2LINE = "go tool addr2line", "eu-addr2line", "addr2line"
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def seconds_in(text, pattern):
    """A figure with its unit, both groups of a pattern, in seconds; None where there is none."""
    found = re.search(pattern, text, re.MULTILINE)
    return float(found.group(1)) * UNITS[found.group(2)] if found else None


# ---- programs in C -------------------------------------------------------------------------------


def queue(run):
    """Events of 64 bytes and real ones, each published singly and 32 at a time."""
    rounds = 31 if run.quick else 101
    text = measuring.output_of(measuring.bench_program("bench_queue"), rounds, 100000,
                               status=(0, 1))
    bouts = re.split(r"^(\S.* events), .*:$", text, flags=re.MULTILINE)[1:]
    for title, lines in zip(bouts[::2], bouts[1::2]):
        taken = {name.strip(): float(ns) * 1e-9 for name, ns in re.findall(
            r"^  (\S.*?)\s+([\d.]+) ns/event", lines, re.MULTILINE)}
        ours = {name: cost for name, cost in taken.items() if name.startswith("event_queue")}
        best = min((cost, name) for name, cost in taken.items() if name not in ours)
        for name, cost in ours.items():
            yield row(f"{title} through the queue, {name.split(', ')[1]}", cost, "s",
                      beside=best[1], than=best[0], target=("ratio", ">=", 1),
                      readme=title.startswith("real") and name.endswith("each"))


def bodies(run):
    """Each path through the program behind a probe, by the kernel's own account."""
    text = measuring.output_of(measuring.bench_program("bench_body"), 8 if run.quick else 30,
                               status=(0, 1))
    for name, program, hit in re.findall(r"^(\S.*?)\s+([\d.]+) ns\s+([\d.]+) ns", text,
                                         re.MULTILINE):
        bound = STACK if WITH_STACK.search(name) else NO_STACK
        yield row(f"BPF program, {name}", float(program) * 1e-9, "s",
                  note=f"{hit} ns with the trap", readme=name.startswith(README_BODIES),
                  target=None if name == "empty program" else ("figure", "<=", bound))
    if "(not all went this way)" in text:
        raise RuntimeError("bench_body: a path did not do what it is named for")


def drain(run):
    """Events a second that the reader of the ring keeps up with, none of them lost."""
    del run
    text = measuring.output_of(measuring.bench_program("bench_drain"), status=(0, 1))
    found = re.search(r": ([\d.]+) million a second, (\d+) lost, (.*)$", text, re.MULTILINE)
    if not found:
        raise RuntimeError(f"bench_drain says nothing that is known: {text[:300]}")
    rate, lost, sums = found.groups()
    if int(lost) or sums != "sums exact":
        raise RuntimeError(f"bench_drain: {text.strip()}")
    yield row("events that the ring's reader keeps up with", float(rate) * 1e6, "1/s",
              readme=True, target=("figure", ">=", DRAIN), note="none lost")


def symbols(run):
    """The largest Go program at hand, one with a function table of 150 MB made from it, and one
    with the DWARF that others need."""
    yield from symbols_of(run)
    yield from symbols_of(run, measuring.go_program("ledgerd"))


def symbols_of(run, *paths):
    text = measuring.output_of(measuring.bench_program("bench_symbols"), *paths, status=(0, 1))
    parts = re.split(r"^\S+: (\d+ MB), \d+ functions$", text, flags=re.MULTILINE)[1:]
    for size, lines in zip(parts[::2], parts[1::2]):
        large = int(size.split()[0]) > 100
        if large and paths:
            continue
        yield row(f"executable of {size}: open", seconds_in(lines, r"open +([\d.]+) (ms)"), "s",
                  target=("figure", "<=", 0.3) if large else None)
        each = seconds_in(lines, r"addresses +([\d.]+) (us) each") + \
            seconds_in(lines, r"open +([\d.]+) (ms)") / 1000
        # The compiler has no DWARF: what knows nothing of it is fast.
        for name in ADDR2LINE if paths else ADDR2LINE[:1]:
            than = seconds_in(lines, rf"^ +{name} +([\d.]+) (us) an address")
            if than is None and paths:
                run.skip(f"{name} on {os.path.basename(paths[0])}", "it cannot tell the lines")
            elif than is not None:
                yield row(f"executable of {size}: an address of 1,000, all included", each, "s",
                          beside=name, than=than,
                          readme=bool(paths) and name.startswith("go"))
        yield row(f"executable of {size}: an address seen before",
                  seconds_in(lines, r"cached address +([\d.]+) (ns)"), "s",
                  target=("figure", "<=", 1e-6))
    if "NOT within the limits" in text:
        run.skip("a limit of bench_symbols", "missed, see its own output")


def frame(run):
    """CPU time of a frame at 200x60 with 10,000 maps and 10,000 goroutines."""
    text = measuring.output_of(measuring.bench_program("bench_frame"), 20 if run.quick else 40)
    for name, ms, sent in re.findall(r"^(\S.*?)\s+([\d.]+) ms(?: +[\d.]+ ms){3} +(\d+)$", text,
                                     re.MULTILINE):
        overview = name in ("overview", "overview, at rest")
        yield row(f"a frame of {name}, 10,000 maps", float(ms) * 1e-3, "s",
                  note=f"{sent} bytes sent", readme=name == "overview",
                  target=("figure", "<=", FRAME) if overview else None)


# ---- start and end -------------------------------------------------------------------------------


@contextlib.contextmanager
def published(kind):
    """Process id and size of a published program that runs and has nothing to do."""
    try:
        program = kind()
    except NotHere as reason:
        raise Skip(str(reason)) from reason
    with program:
        program.start()
        program.wait_ready()
        yield program.process.pid, os.path.getsize(program.exe)


@contextlib.contextmanager
def small():
    path = measuring.go_program("ledgerd", stripped=True)
    with Target(path, "-jobs", "1h") as target:
        yield target.pid, os.path.getsize(path)


def start_and_end(run):
    """From the start of gomaptop until all probes are in place, and from the signal until it is
    gone."""
    for name, kind in (("ledgerd", small), ("etcd", lambda: published(real_servers.Etcd)),
                       ("hugo", lambda: published(real_servers.Hugo)),
                       ("prometheus 3", lambda: published(real_servers.PrometheusNew))):
        ready, attach, detach, gone = [], [], [], []
        try:
            with kind() as (pid, size):
                for _ in range(3 if run.quick else 7):
                    with Watcher(*measuring.without_limit(), "-p", pid) as watcher:
                        watcher.wait_attached()
                        ready.append(watcher.ready)
                        attach.append(watcher.said(r"attached in ([\d.]+) ms"))
                        gone.append(watcher.finish())
                        detach.append(watcher.said(r"taken out in ([\d.]+) ms"))
        except Skip as reason:
            run.skip(name, str(reason))
            continue
        label = f"{name} ({measuring.figure_text(size, 'B')})"
        shown = name in ("ledgerd", "prometheus 3")
        yield row(f"{label}: start until probes are in place", median(ready), "s", readme=shown,
                  note=f"attaching {median([a for a in attach if a]):.0f} ms of it")
        yield row(f"{label}: end, from the signal on", median(gone), "s", readme=name == "ledgerd",
                  note="taking probes out "
                       f"{median([d for d in detach if d is not None]):.0f} ms of it")


# ---- the screen ----------------------------------------------------------------------------------


def idle(run):
    """The screen refreshed once a second, beside htop."""
    htop = shutil.which("htop")
    if not htop:
        run.skip("htop", "not installed")
    churn = [measuring.go_program("churn"), "-for", "10m"]
    for name, command in (("an idle program", [measuring.go_program("ledgerd"), "-jobs", "1h"]),
                          ("a program that makes maps by the thousand", churn)):
        with measuring.running(*command, settle=1.0, stdin=subprocess.PIPE) as target, \
                contextlib.ExitStack() as stack:
            commands = [("gomaptop", measuring.GOMAPTOP, "-p", target.pid)]
            commands += [("htop", htop, "-d", "10")] if htop else []
            screens = [stack.enter_context(terminal.Screen(*words)) for words in commands]
            figures = terminal.measure(screens, 5, 5 if run.quick else 20)
        beside = figures[1] if len(figures) > 1 else (None, None, None)
        of = dict(beside="htop" if htop else "")
        is_idle = name == "an idle program"
        yield row(f"screen on {name}: CPU of a core", figures[0][0], "share", than=beside[0],
                  readme=is_idle, target=("figure", "<=", IDLE) if is_idle else None, **of)
        yield row(f"screen on {name}: sent a second", figures[0][1], "B", than=beside[1], **of)
        yield row(f"screen on {name}: memory", figures[0][2], "B", than=beside[2], **of)


def memory(run):
    """Of the screen on a program whose maps are of many types, each used all the time."""
    for maps in (10000, 100000):
        run.say(f"{maps:,} maps")
        with scale(maps=maps, types=maps // 8, rate=50000) as target:
            screen = terminal.Screen("gomaptop", measuring.GOMAPTOP, *measuring.without_limit(),
                                     "-p", target.pid)
            with screen:
                (cpu, _, used), = terminal.measure([screen], 6, 4)
        yield row(f"screen on {maps:,} maps: memory", used, "B", readme=True,
                  note=f"{100 * cpu:.1f} % of a core",
                  target=("figure", "<=", MEMORY) if maps == 10000 else None)


PARTS = {"queue": queue, "body": bodies, "drain": drain, "symbols": symbols, "start": start_and_end,
         "frame": frame, "idle": idle, "memory": memory}
