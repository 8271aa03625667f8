# SPDX-License-Identifier: MIT
"""One writer, one reader, each 5,000 times a second: found fast where there is no lock, never
where there is one, and the expectation says as much."""
import contextlib
import statistics
import subprocess
import time
import unittest

from harness import (HMAP, RELEASE_ROWS, SWISS, WAITING, Watching, cases, check_met,
                     conflict_places, gomaptop, map_at, racing, source_lines, table, twin,
                     until_met, watch)

ENOUGH = 60   # overlaps, seen and expected, that are worth comparing


def seconds_to_conflict(test, release):
    """How long gomaptop takes to find the planted conflict and no other. A twin that the runtime's
    own check ended before that says nothing."""
    def attempt():
        with twin("racy", release) as target:
            result = gomaptop("-b", "--format", "json", "-i", "1h", "--until-conflict", "-d", "20",
                              "-p", target.pid)
            check_met(test, result, target)
            return result

    result = until_met(attempt)
    allowed = source_lines("twins", r"// RACY (write|read)$")
    test.assertEqual(conflict_places(result.snapshot), {tuple(sorted(allowed))})
    return result.seconds


@table
class RacyTwinTest(unittest.TestCase):
    @cases(*RELEASE_ROWS)
    def each_first_conflict(self, release):
        """The median of five first conflicts comes within 2 s, attaching included."""
        times = [seconds_to_conflict(self, release) for _ in range(5)]
        self.assertLess(statistics.median(times), 2, times)

    @staticmethod
    def overlaps(snapshot, address):
        """Seen and expected."""
        row = map_at(snapshot, address)
        return row["conflicts"] + row["expected_overlaps"] if row else 0

    @cases(*RELEASE_ROWS)
    def each_expectation(self, release):
        """Overlaps seen and expected agree within a factor of two."""
        def attempt():
            with twin("racy", release) as target, racing(target), \
                    Watching("-p", target.pid, interval="200ms") as watching:
                address = target.first["map"]
                # As many as the comparison needs, and no longer: each second may be its last.
                watching.wait_for(lambda s: self.overlaps(s, address) >= ENOUGH, 15)
                return address, watching.finish()

        address, result = until_met(attempt)
        row = map_at(result.snapshot, address)
        self.assertEqual(row["verdict"], "conflict")
        self.assertGreater(row["conflicts"], 10)
        self.assertLess(row["conflicts"] / 2, row["expected_overlaps"], row)
        self.assertLess(row["expected_overlaps"], row["conflicts"] * 2, row)


class UnwatchedTwinTest(unittest.TestCase):
    slow = True

    def test_found_before_it_kills(self):
        """Unwatched, the racy twin usually lives longer than its conflict takes to be found. (How
        long that is depends on how often something takes the CPU away in the middle of a turn.)"""
        lives, found = [], []
        for release in (HMAP, SWISS, HMAP, SWISS, HMAP):
            with twin("racy", release) as target:
                began = time.monotonic()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    target.process.wait(20)
                lives.append(time.monotonic() - began)
            found.append(seconds_to_conflict(self, release))
        self.assertLess(statistics.median(found), statistics.median(lives), (found, lives))


@table
class TwinsBesideTest(unittest.TestCase):
    at_once = WAITING

    @cases(*[(f"{mode}_{name}", mode, release) for mode in ("mutex", "rwmutex", "chan")
             for name, release in RELEASE_ROWS])
    def each_guarded(self, mode, release):
        """No conflict in 60 s, and by then the verdict is `guarded`."""
        with twin(mode, release) as target:
            result = watch("-p", target.pid, seconds=60)
            self.assertTrue(target.running())
        row = map_at(result.snapshot, target.first["map"])
        self.assertEqual(result.snapshot["conflicts"], [])
        self.assertEqual(result.status, 0, result)
        self.assertEqual(row["verdict"], "guarded", row)
        self.assertGreaterEqual(row["expected_overlaps"], 5)
        self.assertGreaterEqual(row["goroutines"], 2)

    @cases(*RELEASE_ROWS)
    def each_local(self, release):
        """Two maps of one goroutine each stay local."""
        with twin("local", release) as target:
            result = watch("-p", target.pid, seconds=20)
        used = [m for m in result.snapshot["maps"] if m["reads"] + m["writes"] > 1000]
        self.assertEqual([m["verdict"] for m in used], ["local", "local"], used)
        self.assertEqual([m["goroutines"] for m in used], [1, 1])

    def test_several_at_once(self):
        """One gomaptop, four processes of two releases: each map keeps its own verdict."""
        plan = [("mutex", "1.19", "guarded"), ("mutex", "1.24", "guarded"),
                ("local", "1.24", "local"), ("chan", "1.19", "guarded")]
        targets = [twin(mode, release) for mode, release, _ in plan]

        def verdicts(snapshot):
            return [{m["verdict"] for m in snapshot["maps"]
                     if m["pid"] == target.pid and m["reads"] + m["writes"] > 1000}
                    for target in targets]

        wanted = [{verdict} for _, _, verdict in plan]
        try:
            with Watching("-p", ",".join(str(t.pid) for t in targets)) as watching:
                # How long it takes is the machine's: the four share what may be held.
                watching.wait_for(lambda s: s["seconds"] > 30 and verdicts(s) == wanted, 150)
                snapshot = watching.finish().snapshot
            self.assertEqual(len(snapshot["targets"]), 4)
            self.assertEqual(verdicts(snapshot), wanted, plan)
        finally:
            for target in targets:
                target.stop()


if __name__ == "__main__":
    unittest.main()
