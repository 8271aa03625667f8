# SPDX-License-Identifier: MIT
"""Programs without a conflict: none is ever reported."""
import unittest

from harness import (BUILD_ROWS, RELEASE_ROWS, WAITING, Target, cases, ledger, program, sums,
                     table, watch)

SECONDS = 60


@table
class QuietTest(unittest.TestCase):
    at_once = WAITING

    def check_quiet(self, result):
        snapshot = result.snapshot
        found = [(c["kind"], c["a"]["stack"][:3], c["b"]["stack"][:3])
                 for c in snapshot["conflicts"]]
        self.assertEqual(found, [], "conflicts in a program that has none")
        # Whether there was enough to see is for test_enough.
        self.assertIn(result.status, (0, 4), result)
        self.assertNotIn("conflict", {m["verdict"] for m in snapshot["maps"]})
        self.assertGreater(snapshot["coverage"]["counted"], 0)
        hits, hits_seen, made, made_seen = sums(snapshot)
        self.assertEqual((hits, made), (hits_seen, made_seen))
        return snapshot

    @cases(*BUILD_ROWS)
    def each_healthy_ledger(self, release, stripped):
        with ledger(release, stripped=stripped, rate=400) as (service, load):
            snapshot = self.check_quiet(watch("-p", service.pid, seconds=SECONDS))
            self.assertTrue(service.running())
            self.assertGreater(sum(line["requests"] for line in load.lines[1:]), SECONDS * 50)
            self.assertEqual(sum(line["errors"] for line in load.lines), 0)
        # Had the locks not been there, some overlaps were to be expected.
        self.assertGreater(sum(m["expected_overlaps"] for m in snapshot["maps"]), 2)

    @cases(*RELEASE_ROWS)
    def each_churn(self, release):
        """Maps and goroutines that come and go; every map belongs to one goroutine."""
        with Target(program("churn", release), "-for", "50s") as target:
            snapshot = self.check_quiet(watch("-p", target.pid, seconds=15))
        bad = [m for m in snapshot["maps"] if m["verdict"] != "local"]
        self.assertEqual(bad, [], "maps of one goroutine, taken for shared ones")

    @cases(*RELEASE_ROWS)
    def each_panics(self, release):
        """Map operations that end in a recovered panic are over."""
        with Target(program("panics", release), "-for", "50s") as target:
            self.check_quiet(watch("-p", target.pid, seconds=15))
            self.assertTrue(target.running())


if __name__ == "__main__":
    unittest.main()
