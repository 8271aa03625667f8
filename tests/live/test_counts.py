# SPDX-License-Identifier: MIT
"""Every operation is counted once, and every hit and event is accounted for."""
import json
import os
import signal
import subprocess
import time
import unittest

from harness import (BUILD_ROWS, GO_DIR, GOMAPTOP, NotMet, PAIRED, RELEASE_ROWS, Target, Watching,
                     cases, json_values, ledger, map_at, place, program, racing, sums, table,
                     twin, until_met, validate, watch)

KINDS = ("reads", "writes", "deletes", "clears", "iterations")


def first_line(tally):
    """Place of the first operation on a map as the source of the program ops marks it."""
    path = os.path.join(GO_DIR, "ops", tally["file"])
    with open(path, encoding="utf-8") as source:
        for number, text in enumerate(source, 1):
            if number > tally["line"] and text.rstrip().endswith("// first"):
                return (tally["file"], number)
    raise AssertionError(f"no first operation behind {path}:{tally['line']}")


@table
class CountsTest(unittest.TestCase):
    at_once = PAIRED

    def check_counts(self, tallies, snapshot):
        """Per map and kind the numbers are those of the program, and the first operation on each
        map is where it is, however many functions of the runtime lie in between."""
        validate(snapshot)
        wrong = []
        for tally in tallies:
            row = map_at(snapshot, tally["map"])
            seen = {kind: row[kind] for kind in KINDS} if row else None
            done = {kind: tally[kind] for kind in KINDS}
            if seen != done:
                wrong.append(f"{tally['kind']}: the program did {done}, counted {seen}")
            elif tally["line"] and place(row["first_use"]) != first_line(tally):
                wrong.append(f"{tally['kind']}: first used at {place(row['first_use'])}, not "
                             f"{first_line(tally)}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.check_sums(snapshot)

    def check_sums(self, snapshot):
        hits, hits_seen, made, made_seen = sums(snapshot)
        self.assertEqual(hits, hits_seen, snapshot["coverage"])
        self.assertEqual(made, made_seen, snapshot["coverage"])

    def attached(self, release, stripped=False, env=None, mode=None):
        with Target(program("ops", release, stripped, mode=mode)) as target:
            with Watching("-p", target.pid, env=env) as watching:
                watching.wait_attached()
                target.write("\n")
                done = target.line_where(lambda line: "done" in line)
                result = watching.finish()
                self.assertEqual(result.status, 0, result)
            tallies = [t for t in target.lines if "kind" in t]
            self.assertEqual(len(tallies), done["maps"], "the program's own output")
            return tallies, result.snapshot

    @cases(*BUILD_ROWS)
    def each_attached(self, release, stripped):
        """Attached to a process that runs: exact numbers of every operation on every map."""
        tallies, snapshot = self.attached(release, stripped)
        self.assertEqual(snapshot["coverage"]["attach"], "uprobe_multi")
        self.check_counts(tallies, snapshot)

    @cases(*RELEASE_ROWS)
    def each_pie(self, release):
        """The same wherever the executable is loaded."""
        self.check_counts(*self.attached(release, stripped=True, mode="pie"))

    @cases(*RELEASE_ROWS)
    def each_perf_event(self, release):
        """The same through perf events, the way of older kernels."""
        tallies, snapshot = self.attached(release, env={"GOMAPTOP_ATTACH": "perf_event"})
        self.assertEqual(snapshot["coverage"]["attach"], "perf_event")
        self.check_counts(tallies, snapshot)

    @cases(*RELEASE_ROWS)
    def each_command(self, release):
        """`-- CMD` is watched from its first instruction on: nothing is missed."""
        path = program("ops", release)
        output = os.path.join(os.path.dirname(path), f"counts-{os.getpid()}.json")
        try:
            run = subprocess.run([GOMAPTOP, "-b", "--inconclusive-ok", "--max-overhead", "100",
                                  "--format", "json", "-i", "1h", "-o", output,
                                  "--", path],
                                 input="\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, timeout=120, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)
            with open(output, encoding="utf-8") as file:
                snapshot = json.load(file)
        finally:
            if os.path.exists(output):
                os.unlink(output)
        said = [line for line in (run.stdout + run.stderr).splitlines() if '"kind"' in line]
        tallies = [json_values(line)[0] for line in said]
        self.assertGreater(len(tallies), 40, "the command's own output")
        self.check_counts(tallies, snapshot)

    @cases(*RELEASE_ROWS)
    def each_tiny_ring(self, release):
        """A ring of 4 KiB and a collector that is stopped again and again: events are lost,
        every one of them is counted, and the report says so."""
        def attempt():
            with twin("racy", release) as target, racing(target):
                with Watching("-p", target.pid, env={"GOMAPTOP_RING_BYTES": "4096"}) as watching:
                    watching.wait_attached()
                    for _ in range(5):
                        watching.process.send_signal(signal.SIGSTOP)
                        time.sleep(0.6)
                        watching.process.send_signal(signal.SIGCONT)
                        time.sleep(0.2)
                    result = watching.finish()
            # How much happens in half a second, after which the probes are let go, is chance.
            if not result.snapshot["coverage"]["events"]["lost"]["ring_full"]:
                raise NotMet("missed")
            return result

        self.check_sums(until_met(attempt).snapshot)

    def rows_and_counted(self, name, *args, seconds=6, env=None):
        """(operations in rows, in no row by a named cause, counted hits) of a program."""
        with subprocess.Popen([program(name, "1.24"), *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as target:
            try:
                time.sleep(1)
                result = watch("-p", target.pid, "--inconclusive-ok", seconds=seconds, env=env)
            finally:
                target.kill()
        snapshot = result.snapshot
        self.check_sums(snapshot)
        coverage = snapshot["coverage"]
        self.assertGreater(coverage["counted"], 1000, result)
        rows = sum(m[kind] for m in snapshot["maps"] for kind in KINDS)
        return (rows, coverage["untracked"]["maps_untracked"] +
                coverage["events"]["lost"]["table_full"], coverage["counted"],
                coverage["events"]["lost"], result)

    def test_small_queue(self):
        """Ten thousand rows through a queue of 64 KiB: all counts arrive; what else was lost is
        said."""
        rows, without, counted, lost, result = self.rows_and_counted(
            "manymaps", "-maps", "10000", env={"GOMAPTOP_QUEUE_BYTES": "65536"})
        self.assertEqual((rows, without), (counted, 0), lost)
        self.assertEqual(result.status, 5 if any(lost.values()) else 0, result)

    def test_full_table(self):
        """More maps than the table has rows, which come and go: no operation twice, and none is
        lost but by a named cause. An operation at the moment in which its row leaves the table may
        be in none."""
        rows, without, counted, lost, result = self.rows_and_counted(
            "scale", "-maps", "40000", "-goroutines", "16", "-rate", "200000", seconds=7)
        self.assertLessEqual(rows + without, counted, lost)
        self.assertGreaterEqual(rows + without, counted - 5, lost)
        self.assertEqual(result.status, 5 if without else 0, result)

    def test_loss_is_said(self):
        """With losses a text report never says that there are no conflicts."""
        with ledger("1.24") as (service, _):
            with Watching("-v", "-p", service.pid, fmt="text", interval="1h",
                          env={"GOMAPTOP_RING_BYTES": "4096"}) as watching:
                # The first seconds have most holds; nobody drains what they tell.
                watching.wait_said("probes attached")
                time.sleep(1)
                watching.process.send_signal(signal.SIGSTOP)
                time.sleep(4)
                watching.process.send_signal(signal.SIGCONT)
                result = watching.finish()
        self.assertEqual(result.status, 5, result)
        self.assertNotIn("no conflicts", result.stdout.lower())
        self.assertRegex(result.stdout, r"none seen, [\d,]+ events? lost")
        self.assertRegex(result.stderr, r"not all was: [\d,]+ events? lost")


if __name__ == "__main__":
    unittest.main()
