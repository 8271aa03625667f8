# SPDX-License-Identifier: MIT
"""Time to the first conflict for each fault that can be planted into ledgerd, with each budget;
beside it, for the same faults, the runtime's own check and a build for the race detector.

Time counts from gomaptop's start to the moment at which the two accesses were seen together; where
the runtime's own check ended the program before that, the next one is watched and the time goes on.
A conflict that is not the planted one ends the measurement: that would be a false alarm. Once more
on a ledgerd that does two million guarded map operations a second beside its requests.

For the runtime's own check programs run unwatched, as many at a time as leave CPU time over, and
for so long that each fault can show the ratio that is asked for.
"""
import concurrent.futures
import contextlib
import datetime
import math
import os
import re
import subprocess
import time
import urllib.request

import measuring
from measuring import Skip, Watcher, cpu_seconds, median, resident, row
from harness import SWISS, Target, conflict_places, json_values
from test_faults import FAULTS, planted

LIMIT = 30        # seconds that a fault is looked for, and in which it should be found
REPEAT = 20       # seconds of searches after which the same one is not repeated
SURE = 3          # searches of which one may find nothing
SHARE = 100       # seconds a fault, on average: beyond that, only the default budget
RATIO = 20        # shorter than the runtime's own check, at least
SURVIVED = (20, 200)   # shortest and longest time for which the runtime's own check is waited for
WAITED = 540      # seconds, for all of them
SPARE = 0.9       # of the CPUs may be used by programs that run beside each other
LOAD = 1200       # requests a second: each side uses its map at least 100 times a second
BUSY = 2000000    # guarded map operations a second elsewhere


class Died(Exception):
    """The runtime's own check was first, after so many seconds."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds


class Service(contextlib.ExitStack):
    """ledgerd with a fault, under load."""

    def __init__(self, fault, *args, path=None):
        super().__init__()
        fault_args = ["-fault", fault] if fault else []
        self.target = self.enter_context(
            Target(path or measuring.go_program("ledgerd"), *fault_args, *args))
        self.pid, self.address = self.target.pid, self.target.first["listening"]
        self.began = time.monotonic()   # of the load
        self.load = self.enter_context(measuring.running(
            measuring.go_program("ledgerload"), "-to", self.address, "-rate", LOAD, "-for", "1h"))

    def cpus(self, seconds=2.0):
        """CPUs in use, those of the load too."""
        def used():
            return cpu_seconds(self.pid) + cpu_seconds(self.load.pid)
        before, began = used(), time.monotonic()
        time.sleep(seconds)
        return (used() - before) / (time.monotonic() - began)

    def busy_operations(self):
        """So many it has done beside the requests."""
        with urllib.request.urlopen(f"http://{self.address}/health", timeout=20) as answer:
            return json_values(answer.read().decode())[0]["busy"]

    def busy_rate(self, seconds=1.0):
        operations, began = self.busy_operations(), time.monotonic()
        time.sleep(seconds)
        return (self.busy_operations() - operations) / (time.monotonic() - began)


def median_found(times):
    """Median of some searches; None, as for each that found nothing, where that is beyond all."""
    middle = median([math.inf if t is None else t for t in times])
    return None if middle is None or math.isinf(middle) else middle


def slowest(times):
    missed = times.count(None)
    return f"{missed} of {len(times)} not seen in {LIMIT} s" if missed else \
        f"slowest {measuring.figure_text(max(times), 's')}"


def when(text):
    """Seconds since the epoch."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(
        tzinfo=datetime.timezone.utc).timestamp()


def watch_until(target, until, budget, limit):
    """(snapshot, when the command began, seconds until it had ended) of a gomaptop that ends at the
    first finding that `until` asks for, or at the limit. Raises Died."""
    began = time.time()
    with Watcher(*measuring.budget_args(budget), until, "-d", math.ceil(limit), "-p",
                 target.pid) as watcher:
        watcher.process.communicate(timeout=limit + 60)
        took = time.time() - began
        if watcher.process.returncode == 1 and not target.running():
            raise Died(took)    # before gomaptop saw it
        return watcher.snapshot(), began, took


def first_conflict(service, fault, budget, limit):
    """Seconds until the planted pair was seen; None: not within the limit. Raises Died."""
    _, allowed = planted(fault)
    snapshot, began, took = watch_until(service.target, "--until-conflict", budget, limit)
    seen = [c for c in snapshot["conflicts"] if c["evidence"] == "overlap"]
    false = conflict_places({"conflicts": seen}) - allowed
    if false:
        raise RuntimeError(f"a false alarm on {fault}: {false}")
    if seen:
        return min(when(c["first_seen"]) for c in seen) - began
    if not service.target.running():
        raise Died(took)
    return None


class Searches:
    """Searches for one fault, on one process for as long as it lives."""

    def __init__(self, fault, *args):
        self.fault, self.args = fault, args
        self.service = None
        self.deaths = 0

    def search(self, budget, look=first_conflict):
        """Seconds until look(service, fault, budget, limit) found what it looks for, or None."""
        watched = 0.0
        while watched < LIMIT:
            if self.service is None:
                self.service = Service(self.fault, *self.args)
                time.sleep(1.0)
            try:
                found = look(self.service, self.fault, budget, LIMIT - watched)
                return None if found is None else watched + found
            except Died as end:
                watched += end.seconds
                self.deaths += 1
                self.close()
        return None

    def times(self, budget, count, look=first_conflict):
        """Of `count` searches; of fewer, but SURE at least, where they take long."""
        times, began = [], time.monotonic()
        while len(times) < min(count, SURE) or \
                len(times) < count and time.monotonic() < began + REPEAT:
            times.append(self.search(budget, look))
        return times

    def median(self, budget, count):
        """Median of some searches, None where that is beyond the limit; and a note."""
        times = self.times(budget, count)
        notes = [slowest(times)] if None in times or len(times) > 1 else []
        notes += [f"{self.deaths} times the runtime was first"] if self.deaths else []
        return median_found(times), "; ".join(notes)

    def close(self):
        if self.service is not None:
            self.service.close()
        self.service = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def counts(run, budgets):
    """[(name, budget, searches)]: most of the default one, which comes first."""
    judged = next((b for b in budgets if b[1] == measuring.DEFAULT), budgets[0])
    return [(*judged, 1 if run.quick else 5)] + [(*b, 1) for b in budgets if b != judged]


# ---- beside it -----------------------------------------------------------------------------------


def runtime_check(fault, limit):
    """(seconds until the runtime ended the process, or the limit; did it end)"""
    with Service(fault) as service:
        while service.target.running() and time.monotonic() < service.began + limit:
            time.sleep(0.1)
        took = time.monotonic() - service.began
        if service.target.running():
            return limit, False
        if not service.target.killed_by_runtime():
            raise RuntimeError(f"{fault}: it ended: {service.target.error_text()[:300]}")
        return took, True


def at_once():
    """How many programs under load run beside each other and leave CPU time over."""
    with Service(None) as service:
        time.sleep(1.0)
        return max(1, int(SPARE * os.cpu_count() / service.cpus()))


def check_limits(times, beside, quick):
    """For how long to wait for each fault's check: a little longer than it takes to show the ratio,
    the shortest first, until the time that there is for all of them is used up; for others shortly,
    and for none longer than SURVIVED."""
    if quick:
        return [10.0] * len(times)
    limits = [SURVIVED[0]] * len(times)
    left = WAITED * beside - sum(limits)
    for ours, i in sorted((t, i) for i, t in enumerate(times) if t):
        limit = min(1.1 * RATIO * ours, SURVIVED[1])
        if SURVIVED[0] < limit <= left + SURVIVED[0]:
            left -= limit - SURVIVED[0]
            limits[i] = limit
    return limits


def runtime_checks(run, names, times):
    """What runtime_check() says of each fault."""
    beside = at_once()
    run.say(f"the runtime's own check, {beside} at a time")
    with concurrent.futures.ThreadPoolExecutor(beside) as pool:
        return list(pool.map(runtime_check, names, check_limits(times, beside, run.quick)))


def race_build(name):
    """Path of a program of tests/go built with -race."""
    path = os.path.join(measuring.harness.OUT, SWISS + "-race", name)
    go = measuring.harness.toolchain(SWISS)
    if not os.path.isabs(go):
        raise Skip(go)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    env = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="", CGO_ENABLED="1")
    done = subprocess.run([go, "build", "-race", "-o", path, "./" + name], env=env, text=True,
                          cwd=measuring.harness.GO_DIR, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Skip(f"go build -race: {done.stderr.strip()[:200]}")
    return path


def race_report(fault, path, limit):
    """Seconds until the race detector told of a race at the planted lines; None: not in time."""
    places = {f"{file}:{line}" for file, line in planted(fault)[0]}
    with Service(fault, path=path) as service:
        while time.monotonic() < service.began + limit:
            text = service.target.error_text()
            if any(re.search(re.escape(place) + r"\b", text) for place in places):
                return time.monotonic() - service.began
            if not service.target.running():
                return None
            time.sleep(0.02)
    return None


def faults_of(run):
    return [FAULTS[0], FAULTS[4]] if run.quick else FAULTS


# ---- parts ---------------------------------------------------------------------------------------


def budget_label(name):
    return f"first conflict, {name}"


def rows_of_fault(run, fault, budgets, taken, deadline):
    with Searches(fault) as searches:
        for name, budget, count in counts(run, budgets):
            judged = name == counts(run, budgets)[0][0]
            if not judged and time.monotonic() > deadline:
                run.skip(f"{fault}, {name}", "other searches took all the time")
                continue
            run.say(f"{fault}, {name}")
            found, note = searches.median(budget, count)
            taken.setdefault(name, []).append(found)
            yield row(f"{fault}: {budget_label(name)}", found, "s", note=note,
                      target=("figure", "<=", LIMIT) if judged else None)


def search_faults(run):
    budgets = measuring.budgets(run.quick)[:1 if run.quick else None]
    first = counts(run, budgets)[0][0]
    times, races = {}, []
    try:
        race = race_build("ledgerd")
    except Skip as reason:
        race = None
        run.skip("race detector", str(reason))
    began = time.monotonic()
    for number, fault in enumerate(faults_of(run)):
        yield from rows_of_fault(run, fault, budgets, times, began + SHARE * (number + 0.5))
        if race:
            ours = times[first][-1]
            run.say(f"{fault}, -race")
            told = race_report(fault, race, LIMIT)
            races.append(told)
            yield row(f"{fault}: {budget_label(first)}", ours, "s", than=told,
                      beside="report of a -race build" + ("" if told else f", none in {LIMIT} s"))
    checks = runtime_checks(run, faults_of(run), times[first])
    for fault, ours, (check, died) in zip(faults_of(run), times[first], checks):
        yield row(f"{fault}: {budget_label(first)}", ours, "s", than=check, least=not died,
                  beside="the runtime's own check" + ("" if died else ", survived"))
    yield from summary(times, first, checks, races)


def summary(times, first, checks, races):
    """Medians over all faults."""
    died = sum(ended for _, ended in checks)
    ratios = [(check / ours if ours else 0.0, ended)
              for (check, ended), ours in zip(checks, times[first])]
    ratio = median([r for r, _ in ratios])
    ours = median_found(times[first])
    for name, taken in times.items():
        yield row(f"median of all faults: {budget_label(name)}", median_found(taken), "s",
                  readme=name == first, note=slowest(taken),
                  target=("figure", "<=", LIMIT) if name == first else None)
    yield row(f"median of all faults: {budget_label(first)}", ours, "s",
              beside="the runtime's own check, at least", than=median([c for c, _ in checks]),
              ratio=ratio, least=any(r <= ratio and not ended for r, ended in ratios),
              target=("ratio", ">=", RATIO), readme=True,
              note=f"{died} of {len(checks)} ended the process while that was waited for")
    told = [t for t in races if t is not None]
    if told:
        yield row(f"median of all faults: {budget_label(first)}", ours, "s",
                  beside="report of a -race build", than=median(told), readme=True,
                  note=f"{len(told)} of {len(races)} were told")


def busy_searches(fault, rates):
    """Searches on a ledgerd that does BUSY operations a second elsewhere; what it does is added to
    rates."""
    searches = Searches(fault, "-busy", str(BUSY))
    searches.service = Service(fault, *searches.args)
    time.sleep(1.0)
    with contextlib.suppress(OSError):   # it may have ended by its fault
        rates.append(searches.service.busy_rate())
    return searches


def rates_text(rates):
    rate = measuring.figure_text(median(rates), "1/s") if rates else "?"
    return f"{rate} guarded map operations elsewhere"


def search_busy(run):
    """The same search where nearly all operations are none of the fault's."""
    budgets = measuring.budgets(run.quick)
    name, budget, _ = counts(run, budgets)[0]
    taken, rates = [], []
    for fault in faults_of(run)[:1] if run.quick else FAULTS:
        run.say(fault)
        with busy_searches(fault, rates) as searches:
            found, note = searches.median(budget, 1)
        taken.append(found)
        yield row(f"busy target, {fault}: {budget_label(name)}", found, "s", note=note,
                  target=("figure", "<=", LIMIT))
    yield row(f"busy target, median of all faults: {budget_label(name)}", median_found(taken), "s",
              target=("figure", "<=", LIMIT), readme=True,
              note=f"{slowest(taken)}; {rates_text(rates)}")


def race_price(run):
    """What a -race build costs all the time."""
    seconds = 2 if run.quick else 4
    figures = {}
    for name, path in (("plain", measuring.go_program("ledgerd")),
                       ("-race build", race_build("ledgerd"))):
        with Target(path, "-turns=false") as target:
            cpu = cpu_seconds(target.pid)
            said = json_values(measuring.output_of(
                measuring.go_program("ledgerload"), "-to", target.first["listening"], "-rate",
                60000, "-clients", 32, "-for", f"{seconds}s"))[-1]
            cpu = (cpu_seconds(target.pid) - cpu) / said["requests"]
            figures[name] = said["rate"], cpu, resident(target.pid)
    plain, race = figures["plain"], figures["-race build"]
    yield row("ledgerd, requests, plain build", plain[0], "1/s", beside="-race build",
              than=race[0], better="more", readme=True)
    yield row("ledgerd, CPU of a request, plain build", plain[1], "s", beside="-race build",
              than=race[1])
    yield row("ledgerd, memory, plain build", plain[2], "B", beside="-race build", than=race[2])


PARTS = {"faults": search_faults, "faults-busy": search_busy, "race": race_price}
