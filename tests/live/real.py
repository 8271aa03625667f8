#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gomaptop on published programs that nobody here wrote, each under a load of its own: needs root.

    tests/live/real.py [-k PATTERN] [--quick] [--watch SECONDS] [--list]

A line and, in a table, a row a program, and a closing line with the sums. Programs are fetched on
first use and kept; one that cannot be fetched is skipped. --quick takes six of them.
"""
import argparse
import fnmatch
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import typing

import harness
import real_languages as languages
import real_servers as servers
from real_program import NotHere
from run import wait_for_others

# In --quick: one a release and kind.
QUICK = [servers.Prometheus, servers.Esbuild, languages.Gopls, servers.Etcd, languages.Tsgo,
         servers.Nats]
PROGRAMS = QUICK + [servers.NodeExporter, servers.Hugo, servers.Rclone, servers.Caddy,
                    servers.Syncthing, servers.PrometheusNew, servers.EsbuildNew,
                    languages.GoplsNew]
MEASURE = 2.5   # seconds
# No place of the program's own: the functions that are probed and those between.
RUNTIME = ("runtime.map", "internal/runtime/maps.", "reflect.map")


class Figures(typing.NamedTuple):
    """Of some seconds of load."""
    rate: float      # requests a second
    latency: float   # seconds of the median request
    cost: float      # seconds of the target's CPU time for one request


def cpu_seconds(pid):
    """CPU time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load:
    """Clients that ask one question after the other and compare each answer."""

    def __init__(self, program):
        self.program = program
        self.done = []     # (when it ended, seconds it took)
        self.wrong = []    # what was wrong, in words
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(number,), daemon=True)
                        for number in range(program.clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, number):
        n = 0
        try:
            client = self.program.client(number)
            while not self.ending.is_set():
                n += 1
                began = time.monotonic()
                self.program.request(client, number, n)
                ended = time.monotonic()
                self.done.append((ended, ended - began))
            client.close()
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"request {n} of client {number}: {type(error).__name__}: {error}")

    def measure(self, seconds=MEASURE):
        """From now on."""
        pid = self.program.process.pid
        began, used = time.monotonic(), cpu_seconds(pid)
        time.sleep(seconds)
        used, seconds = cpu_seconds(pid) - used, time.monotonic() - began
        taken = [took for ended, took in list(self.done) if began <= ended <= began + seconds]
        if not taken:
            raise AssertionError(f"no answer in {seconds:.1f} s; {self.wrong}")
        return Figures(len(taken) / seconds, statistics.median(taken), used / len(taken))

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
            if thread.is_alive():
                self.wrong.append("a client waits for an answer that does not come")


def go_version_of(exe):
    """What `go version` says of a file; None when it finds nothing there."""
    go = harness.toolchain(harness.HMAP)
    run = subprocess.run([go, "version", exe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False)
    words = run.stdout.split()
    return words[-1] if run.returncode == 0 and words else None


def share(rows, good):
    """Share of the rows that are good, and those that are not."""
    bad = [row for row in rows if not good(row)]
    return 1 - len(bad) / len(rows) if rows else 0.0, bad


def has_line(frame):
    """A frame with all that people need, and in the program's own code."""
    return bool(frame and frame["function"] and frame["file"] and frame["line"]) and \
        not frame["function"].startswith(RUNTIME)


def is_complete(chain):
    """From the map operation to the goroutine's first function, every frame with its line."""
    stack = chain["stack"]
    return bool(stack) and has_line(stack[0]) and chain["complete"] is True and \
        all(f["function"] and f["file"] and f["line"] for f in stack)


class Visit:
    """One program: watched, judged, told of."""

    def __init__(self, program, seconds):
        self.program = program
        self.seconds = seconds   # to be watched
        self.problems = []
        self.notes = []
        self.row = {}
        self.loads = {}

    def check(self, right, problem):
        if not right:
            self.problems.append(problem)
        return right

    # ---- what happens --------------------------------------------------------------------------

    def visit(self):
        program = self.program
        program.start()
        program.wait_ready()
        checked = self.checked()
        load = Load(program)
        try:
            time.sleep(1)
            self.loads["before"] = load.measure()
            snapshot = self.watched(load)
            self.loads["after"] = self.back(load, "after the end of gomaptop")
            self.killed(load)
            self.loads["killed"] = self.back(load, "after gomaptop was killed")
        finally:
            load.stop()
        self.check(not load.wrong, "wrong answers: " + "; ".join(load.wrong[:2]))
        self.check(program.running(), "it ended while it was watched: " + program.log_end())
        self.check(len(load.done) >= 100, f"only {len(load.done)} answers: no load to speak of")
        self.row["answers"] = len(load.done)
        self.judge(snapshot)
        self.check(snapshot["coverage"]["probes"]["attached"] == checked["probes"]["placed"],
                   f"check promised {checked['probes']['placed']} probes")
        self.check(program.stop() is not None, "it did not end when it was asked to")

    def checked(self):
        """What `gomaptop check` says: that all works, and how each function is probed."""
        result = harness.gomaptop("check", "--format", "json", "-p", self.program.process.pid)
        report = json.loads(result.stdout)
        self.check(result.status == 0 and report["works"], f"check: {report['verdict']}, {result}")
        bad = [(section, key, fact) for section in ("program", "privileges", "kernel", "machine")
               for key, fact in report[section].items() if fact["state"] == "problem"]
        self.check(not bad, f"check: {bad}")
        slow = [f for f in report["probes"]["functions"]
                if f["kind"] in ("stepped", "missing") and f["operation"] != "crash"]
        self.check(not slow, f"check: {slow}")
        return report

    def watched(self, load):
        with harness.Watching("-p", self.program.process.pid) as watching:
            watching.wait_attached()
            self.loads["during"] = load.measure(self.seconds)
            result = watching.finish()
        snapshot = result.snapshot
        status = 3 if harness.caught(snapshot) else 6 if snapshot["conflicts"] else 0
        self.check(result.status == status, str(result))
        return result.snapshot

    def killed(self, load):
        with harness.Watching("-p", self.program.process.pid) as watching:
            seen = watching.wait_attached()
            seen = watching.wait_for(lambda s: s["coverage"]["hits"] > 0, 10) or seen
            self.check(seen["coverage"]["hits"] > 0, "no hits before gomaptop was killed")
            watching.finish(signal.SIGKILL)
        self.check(self.program.running(), "it ended when gomaptop was killed")
        self.check(not load.wrong, "wrong answers")

    def back(self, load, when):
        """The load once a request costs what it did before. CPU time tells more than time here: who
        else uses the machine meanwhile is not the question."""
        before, best = self.loads["before"], None
        for _ in range(4):
            now = load.measure()
            best = min(best or now, now, key=lambda figures: figures.cost)
            if best.cost < 1.5 * before.cost:
                return best
        self.check(False, f"a request takes {1e6 * best.cost:.0f} us of CPU time {when}, "
                          f"{1e6 * before.cost:.0f} us before")
        return best

    # ---- what is judged --------------------------------------------------------------------------

    def judge(self, snapshot):
        coverage, maps = snapshot["coverage"], snapshot["maps"]
        probes = coverage["probes"]
        hits, hits_seen, made, made_seen = harness.sums(snapshot)
        self.check(hits > 0, "no hits")
        self.check(hits == hits_seen, f"{hits} hits, {hits_seen} accounted for")
        self.check(made == made_seen, f"{made} events made, {made_seen} accounted for")
        self.check(len(maps) >= 3, f"only {len(maps)} maps seen")
        if probes["skipped"]:
            self.notes.append(f"probes skipped: {probes['skipped']}")
        self.check(probes["attached"] + len(probes["skipped"]) == probes["wanted"], str(probes))
        self.judge_target(snapshot["targets"][0])
        self.judge_names(snapshot)
        self.judge_chains(maps)
        self.judge_conflicts(snapshot)
        self.row.update(hits=hits, maps=len(maps), held=coverage["stalls"],
                        probes=f"{probes['attached']}/{probes['wanted']}")

    def judge_target(self, target):
        said = go_version_of(self.program.exe)
        self.row.update(go=target["go_version"], runtime=target["map_runtime"],
                        stripped="yes" if target["stripped"] else "no")
        if said is None:
            self.notes.append("`go version` finds no version in it")
        self.check(said in (None, target["go_version"]),
                   f"`go version` says {said}, gomaptop {target['go_version']}")
        self.check(target["layout_verified"], "its Go release is not in the table of layouts")
        self.check(target["state"] == "running", target["state"])

    def judge_names(self, snapshot):
        maps, goroutines = snapshot["maps"], snapshot["goroutines"]
        self.row["types"], untyped = share(maps, lambda m: m["type"])
        self.row["lines"], lost = share(maps, lambda m: has_line(m["first_use"]))
        self.check(not untyped, "maps without a type: " +
                   str([(m["addr"], m["first_use"]) for m in untyped[:3]]))
        mixed = [(m["type"], m["first_use"]["function"]) for m in maps
                 for part, ending in self.program.type_endings
                 if m["type"] and part in m["first_use"]["function"] and
                 not m["type"].endswith(ending)]
        self.check(not mixed, f"maps taken for others: {mixed[:5]}")
        self.check(not lost, f"maps without a line: {[m['first_use'] for m in lost[:3]]}")
        self.check(len(goroutines) > 0, "no goroutines")
        # The main goroutine was created by nobody.
        self.row["created"], orphans = share(
            goroutines, lambda g: g["goid"] == 1 or has_line(g["created_by"]))
        self.check(not orphans, f"goroutines from nowhere: {orphans[:3]}")
        nowhere = share(goroutines, lambda g: has_line(g["last_use"]))[1]
        self.check(not nowhere, f"goroutines whose last use is not known: {nowhere[:2]}")

    def judge_chains(self, maps):
        chains = [chain for row in maps for chain in row["chains"]]
        self.check(len(chains) >= 5, f"only {len(chains)} call chains")
        self.row["chains"], cut = share(chains, is_complete)
        self.check(not cut, "call chains that are not complete: " + "\n".join(
            f"{chain['first_function']} truncated={chain['stack_truncated']} " +
            " < ".join(f"{f['function']}:{f['line']}" for f in chain["stack"])
            for chain in cut[:3]))
        self.row["deepest"] = max((len(chain["stack"]) for chain in chains), default=0)

    def judge_conflicts(self, snapshot):
        for conflict in snapshot["conflicts"]:
            sides = [[f"{f['function']} {f['file']}:{f['line']}" for f in conflict[side]["stack"]]
                     for side in "ab"]
            pair = tuple(sorted(conflict[side]["stack"][0]["function"] for side in "ab"))
            told = f"{conflict['kind']} x{conflict['count']}\n    a " + \
                "\n      ".join(sides[0]) + "\n    b " + "\n      ".join(sides[1])
            if pair in self.program.known_conflicts:
                self.notes.append("a fault that it is known to have: " + told)
            else:
                self.problems.append("conflict: " + told)

    # ---- what is told ----------------------------------------------------------------------------

    def ratio(self, when, figure):
        before, now = self.loads.get("before"), self.loads.get(when)
        if not before or not now or not getattr(before, figure):
            return "-"
        return f"{getattr(now, figure) / getattr(before, figure):.2f}"

    def cells(self):
        percent = {key: f"{100 * self.row[key]:.0f}%"
                   for key in ("types", "lines", "created", "chains") if key in self.row}
        before = self.loads.get("before")
        return dict(self.row, **percent, name=name_of(type(self.program)),
                    rate=f"{before.rate:.0f}" if before else "-",
                    during=self.ratio("during", "rate"), after=self.ratio("after", "rate"),
                    killed=self.ratio("killed", "rate"), latency=self.ratio("during", "latency"),
                    cost=self.ratio("during", "cost"), cost_after=self.ratio("after", "cost"),
                    cost_killed=self.ratio("killed", "cost"))


# The last ones are ratios to the time before: requests a second while watched, after an orderly
# end and after SIGKILL, median latency while watched, CPU time of a request in all three.
COLUMNS = [("name", "program"), ("go", "release"), ("runtime", "maps"), ("stripped", "stripped"),
           ("probes", "probes"), ("hits", "hits"), ("maps", "rows"), ("types", "types"),
           ("lines", "lines"), ("created", "created by"), ("chains", "chains"),
           ("deepest", "deepest"), ("held", "holds"),
           ("answers", "answers"), ("rate", "req/s"), ("during", "watched"),
           ("after", "after"), ("killed", "killed"), ("latency", "latency"),
           ("cost", "CPU watched"), ("cost_after", "after"), ("cost_killed", "killed")]


def table_of(rows):
    lines = [[title for _, title in COLUMNS]] + \
        [[str(row.get(key, "-")) for key, _ in COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(text.ljust(width) if i < 3 else text.rjust(width)
                               for i, (text, width) in enumerate(zip(line, widths)))
                     for line in lines)


def name_of(kind):
    """"prometheus (bookworm)", "esbuild/linux-x64 (0.21.5)": package and suite or version."""
    registry, first, second = kind.source[:3]
    return f"{second} ({first})" if registry == "debian" else f"{first[1:]} ({second})"


def run_one(kind, seconds):
    """(mark, cells of its row or None)"""
    began = time.monotonic()
    try:
        program = kind()
    except NotHere as reason:
        print(f"skip {name_of(kind)}: {reason}", flush=True)
        return "skip", None
    with program:
        visit = Visit(program, seconds)
        try:
            visit.visit()
        except Exception as error:  # pylint: disable=broad-except
            visit.problems.append(f"{type(error).__name__}: {error}")
            if program.process is not None and not program.running():
                visit.problems.append("it ended: " + program.log_end())
    mark = "FAIL" if visit.problems else "ok"
    print(f"{mark:4} {name_of(kind)} ({time.monotonic() - began:.1f} s)", flush=True)
    for text in visit.problems + visit.notes:
        print(f"     {text}", flush=True)
    return mark, visit.cells()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="pattern", action="append", help="only programs that match")
    parser.add_argument("--quick", action="store_true", help="only six of them")
    parser.add_argument("--watch", type=float, default=5, metavar="SECONDS",
                        help="how long each is watched (5)")
    parser.add_argument("--list", action="store_true", help="only say which programs there are")
    args = parser.parse_args()
    kinds = [kind for kind in (QUICK if args.quick else PROGRAMS)
             if not args.pattern or any(fnmatch.fnmatch(name_of(kind), f"*{p}*")
                                        for p in args.pattern)]
    if args.list:
        print("\n".join(map(name_of, kinds)))
        return 0
    if os.geteuid() != 0:
        print("probes need root: run this with sudo")
        print(f"0 passed, 0 failed, {len(kinds)} skipped")
        return 77
    os.chdir(harness.ROOT)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    lock = wait_for_others()  # noqa: F841 pylint: disable=unused-variable
    results = [run_one(kind, args.watch) for kind in kinds]
    print("\n" + table_of([cells for _, cells in results if cells]) + "\n")
    marks = [mark for mark, _ in results]
    print(f"{marks.count('ok')} passed, {marks.count('FAIL')} failed, "
          f"{marks.count('skip')} skipped")
    return 1 if "FAIL" in marks or "ok" not in marks else 0


if __name__ == "__main__":
    sys.exit(main())
