# SPDX-License-Identifier: MIT
"""Time to the first finding: a pair of accesses that nothing orders, or an overlap; and until an
overlap convicts the same two lines.

Time counts from the start of the command until it has ended and its report is there, its probes
taken out. It is watched at the default limit, by --until-finding and by --until-conflict. A finding
that names other lines than the planted ones ends the measurement: that would be a false alarm.

Four kinds of programs: ledgerd with each of its faults, beside a -race build and the runtime's own
check; the same beside two million guarded map operations a second; the programs of
tests/go/unordered, whose two sides never meet; and a batch program that uses all CPUs and ends
after 20 s.
"""
import collections
import itertools
import math
import os
import time

import faults
import measuring
from faults import FAULTS, Died, Searches, Service, median_found, slowest
from harness import Target, place, source_lines
from measuring import Skip, Watcher, cpu_seconds, median, row
from test_faults import planted
from test_order import decided, names_of

LIMIT = faults.LIMIT
SEARCHES = 5           # for each fault: fewer where they take long
BUSY_SEARCHES = 3
ROUNDS = 2             # of all programs of tests/go/unordered
BATCH_RUNS = 10
BATCH_SECONDS = 20     # for which a batch program runs
SETTLE = 1.0           # seconds that a program runs before it is watched
# Bounds for the time to the first finding and to the conviction, in seconds.
FIRST, CONVICTED, FIRST_BUSY = 1, 4, 3
PROGRAMS_MEDIAN, PROGRAMS_NINE_IN_TEN = 2, 10
DECISIONS = ("under_lock", "ordered", "unknown", "unordered")


# ---- findings ------------------------------------------------------------------------------------


class Planted:
    """A fault of a program: which pairs of lines a finding may name."""

    def __init__(self, name, pairs, folder=None):
        self.name, self.pairs, self.folder = name, pairs, folder

    def line(self, side):
        """(file, line) of the access: of the innermost function, or of the innermost one that is in
        the program's own folder, where others (encoding/json, text/template) touch the map."""
        for frame in side["stack"]:
            if self.folder in (None, os.path.basename(os.path.dirname(frame["file"] or ""))):
                return place(frame)
        return "", 0

    def check(self, conflicts):
        for conflict in conflicts:
            pair = tuple(sorted(self.line(conflict[side]) for side in "ab"))
            if pair not in self.pairs:
                raise RuntimeError(f"a false alarm on {self.name}: {conflict['evidence']} {pair}")


def in_ledgerd(fault):
    return Planted(fault, planted(fault)[1])


def in_program(folder, name, file):
    """A fault whose lines end in "// RACE:"."""
    lines = sorted(line for line in source_lines(folder, "// RACE: ") if line[0] == file)
    pairs = set(itertools.combinations_with_replacement(lines, 2))
    return Planted(name, pairs, folder)


class Looks:
    """What gomaptop found, and how it decided the pairs of accesses that it looked at."""

    def __init__(self):
        self.pairs = collections.Counter()
        self.evidence = collections.Counter()   # of what a search ended with
        self.hits = []   # seconds that a hit takes, as gomaptop measured it at each start

    def look(self, target, fault, until, kinds, limit):
        """Seconds until a command that ends at the first finding had ended; None: it found nothing.
        Raises Died."""
        snapshot, _, took = faults.watch_until(target, until, None, limit)
        self.pairs.update(decided(snapshot))
        self.hits.append((snapshot["coverage"]["overhead"]["ns_per_hit"] or 0) * 1e-9)
        # The fatal error of the runtime names one side, and is none of gomaptop's findings.
        seen = [c for c in snapshot["conflicts"]
                if c["evidence"] != "fatal" and c["a"]["stack"] and c["b"]["stack"]]
        fault.check(seen)
        found = {c["evidence"] for c in seen} & kinds
        if found:
            self.evidence["overlap" if "overlap" in found else "unordered"] += 1
            return took
        if not target.running():
            raise Died(took)
        return None

    def finding(self, target, fault, limit):
        return self.look(target, fault, "--until-finding", {"overlap", "unordered"}, limit)

    def conviction(self, target, fault, limit):
        return self.look(target, fault, "--until-conflict", {"overlap"}, limit)

    def evidence_text(self):
        return ", ".join(f"{count} {kind}" for kind, count in sorted(self.evidence.items()))

    def rows(self, label):
        """How pairs were decided, and what a hit took: the fewer hits the limit allows, the fewer
        pairs are seen."""
        parts = ", ".join(f"{key} {self.pairs[key]}" for key in DECISIONS)
        yield row(f"{label}: pairs of accesses decided",
                  sum(self.pairs[key] for key in DECISIONS), "", note=parts)
        yield row(f"{label}: a hit, as gomaptop measured it", median(self.hits), "s",
                  note=f"at most {measuring.figure_text(max(self.hits), 's')}")


def nine_in_ten(times):
    """The time within which nine of ten searches found something; None: more found nothing."""
    ordered = sorted(math.inf if t is None else t for t in times)
    slow = ordered[math.ceil(0.9 * len(ordered)) - 1]
    return None if math.isinf(slow) else slow


def notes(*texts):
    return "; ".join(text for text in texts if text)


def searched(searches, look, count):
    """Seconds of each of some searches for the fault of ledgerd that `searches` is about."""
    fault = in_ledgerd(searches.fault)
    return searches.times(
        None, count, lambda service, _, __, limit: look(service.target, fault, limit))


def died_text(searches):
    return f"{searches.deaths} times the runtime was first" if searches.deaths else ""


# ---- faults of ledgerd ---------------------------------------------------------------------------


def rows_of_fault(run, fault, looks, first, convicted):
    """First finding and conviction; the medians are added to the two lists."""
    count = 1 if run.quick else SEARCHES
    with Searches(fault) as searches:
        for label, look, medians, bound in (("first finding", looks.finding, first, FIRST),
                                            ("convicted", looks.conviction, convicted, CONVICTED)):
            run.say(f"{fault}, {label}")
            looks.evidence.clear()
            times = searched(searches, look, count)
            medians.append(median_found(times))
            yield row(f"{fault}: {label}", medians[-1], "s", target=("figure", "<=", bound),
                      note=notes(slowest(times), looks.evidence_text(), died_text(searches)))


def search_faults(run):
    looks, first, convicted = Looks(), [], []
    names = faults.faults_of(run)
    for fault in names:
        yield from rows_of_fault(run, fault, looks, first, convicted)
    yield row("median of all faults: first finding", median_found(first), "s", readme=True,
              note=slowest(first), target=("figure", "<=", FIRST))
    yield row("median of all faults: convicted", median_found(convicted), "s", readme=True,
              note=slowest(convicted), target=("figure", "<=", CONVICTED))
    yield from looks.rows("ledgerd")
    yield from rows_beside(run, names, first)


def rows_beside(run, names, first):
    """The first finding beside the report of a -race build and the runtime's own check."""
    ours = median_found(first)
    try:
        race = faults.race_build("ledgerd")
    except Skip as reason:
        run.skip("race detector", str(reason))
    else:
        told = [faults.race_report(fault, race, LIMIT) for fault in names]
        yield row("median of all faults: first finding", ours, "s", than=median_found(told),
                  beside="report of a -race build", readme=True, note=slowest(told))
    checks = faults.runtime_checks(run, names, first)
    died = sum(ended for _, ended in checks)
    yield row("median of all faults: first finding", ours, "s", readme=True,
              beside="the runtime's own check, at least", than=median([c for c, _ in checks]),
              least=died < len(checks),
              note=f"{died} of {len(checks)} ended the process while that was waited for")


def search_busy(run):
    looks, medians, rates = Looks(), [], []
    for fault in faults.faults_of(run)[:1] if run.quick else FAULTS:
        run.say(fault)
        looks.evidence.clear()
        with faults.busy_searches(fault, rates) as searches:
            times = searched(searches, looks.finding, 1 if run.quick else BUSY_SEARCHES)
            medians.append(median_found(times))
            yield row(f"busy target, {fault}: first finding", medians[-1], "s",
                      target=("figure", "<=", FIRST_BUSY),
                      note=notes(slowest(times), looks.evidence_text(), died_text(searches)))
    yield row("busy target, median of all faults: first finding", median_found(medians), "s",
              readme=True, target=("figure", "<=", FIRST_BUSY),
              note=notes(slowest(medians), faults.rates_text(rates)))
    yield from looks.rows("busy target")


# ---- what it costs -------------------------------------------------------------------------------


def cpu_of_all(pid):
    """CPU time of a process and of its children that still run."""
    return sum(map(cpu_seconds, [pid, *measuring.children_of(pid)]))


def cpu_share(pid, seconds):
    """CPUs that a process uses."""
    before, began = cpu_of_all(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_of_all(pid) - before) / (time.monotonic() - began)


def watched_share(pid, seconds):
    """CPUs that a process uses while it is watched, and that gomaptop does."""
    with Watcher("-p", pid) as watcher:
        watcher.wait_attached()
        time.sleep(2 * SETTLE)
        own, began = cpu_of_all(watcher.process.pid), time.monotonic()
        share = cpu_share(pid, seconds)
        own = (cpu_of_all(watcher.process.pid) - own) / (time.monotonic() - began)
        watcher.finish()
    return share, own


def search_price(run):
    """What watching costs a ledgerd that gets as many requests as in the searches, and what a -race
    build costs. The runtime's own check is part of both builds."""
    rounds, seconds = (1, 2) if run.quick else (5, 6)
    plain, watched, own = [], [], []
    with Service(None) as service:
        time.sleep(SETTLE)
        for _ in range(rounds):
            plain.append(cpu_share(service.pid, seconds))
            share, gomaptop = watched_share(service.pid, seconds)
            watched.append(share)
            own.append(gomaptop)
    name = f"ledgerd, {faults.LOAD} requests a second: CPU of a core, watched"
    yield row(name, median(watched), "share", beside="unwatched", than=median(plain), readme=True,
              ratio=median([before / after for before, after in zip(plain, watched)]),
              note=f"gomaptop itself {measuring.figure_text(median(own), 'share')}")
    with Service(None, path=faults.race_build("ledgerd")) as service:
        time.sleep(SETTLE)
        race = cpu_share(service.pid, seconds)
    yield row(name, median(watched), "share", beside="-race build, unwatched", than=race,
              readme=True)


# ---- programs whose sides never meet -------------------------------------------------------------


def search_program(looks, path, name, seconds):
    """Seconds until the first finding, or None."""
    with Target(path, name) as target:
        time.sleep(SETTLE)
        try:
            return looks.finding(target, in_program("unordered", name, name + ".go"), seconds)
        except Died:
            if not target.killed_by_runtime():
                raise RuntimeError(f"{name} ended: {target.error_text()[:300]}") from None
            return None


def search_programs(run):
    path = measuring.go_program("unordered")
    names = names_of(path)[::6] if run.quick else names_of(path)
    looks, all_times = Looks(), []
    for name in names:
        run.say(name)
        looks.evidence.clear()
        times = [search_program(looks, path, name, LIMIT)
                 for _ in range(1 if run.quick else ROUNDS)]
        all_times += times
        yield row(f"never met, {name}: first finding", median_found(times), "s",
                  note=notes(slowest(times), looks.evidence_text()))
    found = [t for t in all_times if t is not None]
    label = f"never met, {len(names)} programs"
    yield row(f"{label}: first finding, median", median_found(all_times), "s", readme=True,
              target=("figure", "<=", PROGRAMS_MEDIAN), note=slowest(all_times))
    yield row(f"{label}: first finding, nine in ten", nine_in_ten(all_times), "s", readme=True,
              target=("figure", "<=", PROGRAMS_NINE_IN_TEN))
    yield row(f"{label}: searches that found it", len(found) / len(all_times), "share",
              note=f"{len(found)} of {len(all_times)} within {LIMIT} s")
    yield from looks.rows("never met")


# ---- a program that ends -------------------------------------------------------------------------


def search_batch(run):
    path = measuring.go_program("batch")
    fault = in_program("batch", "batch", "main.go")
    looks, times, ended = Looks(), [], 0
    for number in range(2 if run.quick else BATCH_RUNS):
        run.say(f"run {number + 1}")
        with Target(path, "-for", f"{BATCH_SECONDS}s") as target:
            try:
                times.append(looks.finding(target, fault, BATCH_SECONDS + 10))
            except Died:   # its time was over, or the runtime's own check ended it
                ended += target.killed_by_runtime()
                times.append(None)
    found = [t for t in times if t is not None]
    yield row(f"batch program of {BATCH_SECONDS} s on all CPUs: runs that found its fault",
              len(found) / len(times), "share", readme=True,
              note=notes(f"{len(found)} of {len(times)}", looks.evidence_text(),
                         f"{ended} ended by the runtime's own check" if ended else ""))
    yield row(f"batch program of {BATCH_SECONDS} s on all CPUs: first finding",
              median_found(times), "s",
              note=f"slowest {measuring.figure_text(max(found), 's')}" if found else "")
    yield from looks.rows("batch program")


PARTS = {"order-faults": search_faults, "order-busy": search_busy, "order-cost": search_price,
         "order-programs": search_programs, "order-batch": search_batch}
