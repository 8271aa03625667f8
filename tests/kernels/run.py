#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gomaptop on other kernels than this machine's, and on arm64: in an emulated machine that boots a
kernel of Debian's, a conflict of two goroutines is found, both of its lines and whole call chains
are told, and every map operation counts once. The older kernel has the older BPF verifier and
perf-event uprobes alone, the newer has uprobe_multi; of the arm64 CPUs one has atomic instructions,
the other load-exclusive and store-exclusive.

    tests/kernels/run.py MACHINE...      amd64-bookworm, ...: see MACHINES

Nothing is said about speed: emulated, everything takes up to a hundred times as long.
"""
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "live")]
# pylint: disable=wrong-import-position
from harness import (RELEASES, ROOT, json_values, map_at, place, program, source_lines, sums,
                     tries, validate)
from machine import Machine
from test_counts import CountsTest

MACHINES = {  # the CPU, and how probes are attached there
    "amd64-bookworm": ("max", "perf_event"),
    "amd64-trixie": ("max", "uprobe_multi"),
    "arm64-bookworm": ("cortex-a72", "perf_event"),
    "arm64-trixie": ("neoverse-n1", "uprobe_multi"),
}
UNAME = {"amd64": "x86_64", "arm64": "aarch64"}
LIMIT = 280  # seconds for one machine: two of them stay below ten minutes

# A hold by perf events is at most 200 us: the sides of the target come that near to each other. It
# may die of that by itself, in an emulated machine more than elsewhere: then there is another.
TWINS = """
for try in 1 2 3 4 5 6; do
    twins-{release} -mode racy -period 500us >target &
    pid=$!
    while ! grep -q ready target; do sleep 0.2; done
    gomaptop -b --max-overhead 100 --format json -i 1h --until-conflict -d 60 -p $pid >snapshot
    echo $? >answer
    kill $pid
    echo $try >tries
    grep -q '"evidence": *"overlap"' snapshot && break
done
"""

COUNTS = """
echo | gomaptop -b --inconclusive-ok --max-overhead 100 --format json -i 1h -o snapshot -- \
    /bin/ops-{release} >target
echo $? >answer
"""


def jobs():
    scripts = {}
    for release in RELEASES:
        scripts[f"counts {release}"] = COUNTS.format(release=release)
        scripts[f"twins {release}"] = TWINS.format(release=release)
    return {name.replace(" ", "_"): script for name, script in scripts.items()}


def native(arch):
    return UNAME[arch] == os.uname().machine


def gomaptop_of(arch):
    return os.path.join(ROOT, "" if native(arch) else f"build/{arch}", "gomaptop")


def programs(arch):
    found = {"gomaptop": gomaptop_of(arch)}
    for release in RELEASES:
        for name in ("twins", "ops"):
            found[f"{name}-{release}"] = program(name, release, arch=None if native(arch) else arch)
    return found


class Checks(unittest.TestCase):
    """What is asked of each job's files. Not run by unittest itself."""

    arch = None

    def snapshot(self, files, status, attach):
        log = files["log"].decode(errors="replace")
        self.assertEqual(files.get("answer", b"").decode().strip(), status, log)
        (snapshot,) = json_values(files["snapshot"].decode())
        validate(snapshot)
        self.assertEqual(snapshot["host"]["arch"], UNAME[self.arch])
        coverage = snapshot["coverage"]
        self.assertEqual(coverage["attach"], attach)
        self.assertEqual(coverage["probes"]["attached"], coverage["probes"]["wanted"])
        hits, hits_seen, made, made_seen = sums(snapshot)
        self.assertEqual((hits, made), (hits_seen, made_seen), coverage)
        return snapshot

    def twins(self, files, attach):
        tries.begin("ended")
        for _ in range(int(files["tries"]) - 1):
            tries.repeat("ended")
        snapshot = self.snapshot(files, "3", attach)
        planted = source_lines("twins", r"// RACY (write|read)$")
        overlaps = [c for c in snapshot["conflicts"] if c["evidence"] == "overlap"]
        self.assertTrue(overlaps)
        for conflict in overlaps:
            sides = [conflict["a"], conflict["b"]]
            self.assertEqual({place(side["stack"][0]) for side in sides}, planted)
            self.assertEqual({side["op"] for side in sides}, {"read", "write"})
            self.assertNotEqual(sides[0]["goid"], sides[1]["goid"])
            for side in sides:
                self.side(side)
        ready = json.loads(files["target"].splitlines()[0])
        self.assertEqual(map_at(snapshot, ready["map"])["verdict"], "conflict")

    def side(self, side):
        """From the planted line to the goroutine's first function."""
        name = side["op"]
        functions = [f["function"] for f in side["stack"] if f["function"] != "runtime.goexit"]
        goroutine = {"read": "reader", "write": "writer"}[name]
        self.assertEqual(functions, [f"main.racy{name.capitalize()}", f"main.{goroutine}"])
        self.assertFalse(side["stack_truncated"])
        self.assertEqual(side["created_by"]["function"], "main.main")
        self.assertGreater(side["goid"], 1)

    def counts(self, files, attach):
        snapshot = self.snapshot(files, "0", attach)
        # With --format json standard output is for that alone: the command's goes elsewhere.
        lines = [json.loads(line) for line in files["log"].splitlines() if line.startswith(b'{"')]
        tallies = [line for line in lines if "kind" in line]
        self.assertEqual(len(tallies), lines[-1]["maps"])
        CountsTest().check_counts(tallies, snapshot)
        # Stacks grow in every Go program: their branch was taken, and not counted twice. On amd64
        # probes are behind it.
        if self.arch == "arm64":
            self.assertGreater(snapshot["coverage"]["filtered"]["stack_growth"], 0)


def check(name, job, files, attach):
    """One line of output; whether it is as it should be."""
    checks = Checks()
    checks.arch = name.split("-")[0]
    try:
        getattr(checks, job.split("_")[0])(files, attach)
    except (AssertionError, KeyError, ValueError) as error:
        print(f"FAIL {name} {job}: {error}\n{files.get('log', b'').decode(errors='replace')}")
        return False
    snapshot = json_values(files["snapshot"].decode())[0]
    print(f"ok   {name} {job}: Linux {snapshot['host']['kernel']}, {attach}, "
          f"{snapshot['coverage']['hits']} hits, {len(snapshot['conflicts'])} conflicts")
    return True


def main():
    passed = failed = skipped = 0
    for name in sys.argv[1:]:
        cpu, attach = MACHINES[name]
        arch, suite = name.split("-")
        if not native(arch) and not os.path.exists(gomaptop_of(arch)):
            print(f"skipped: {name}: `make {arch}` builds what runs there")
            skipped += len(jobs())
            continue
        machine = Machine(arch, suite, cpu, programs(arch), jobs())
        results = machine.run(LIMIT)
        for job in machine.jobs:
            good = job in results and check(name, job, results[job], attach)
            if job not in results:
                print(f"FAIL {name} {job}: not done; the console's last words:",
                      *machine.console[-20:], sep="\n")
            passed, failed = passed + good, failed + (not good)
            sys.stdout.flush()
    print(tries)
    for problem in tries.problems():
        failed += 1
        print(f"FAIL second tries: {problem}")
    print(f"{passed} passed, {failed} failed" + f", {skipped} skipped" * bool(skipped))
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
