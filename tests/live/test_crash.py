# SPDX-License-Identifier: MIT
"""What is told of a target that the runtime's own check ends."""
import unittest

from harness import (HMAP, PAIRED, RELEASE_ROWS, Died, Watching, cases, survived, table, twin,
                     until_met)


def watched_to_its_end(release, overhead, ready):
    """The result of watching a racy twin until the runtime's check ends it, which it must not do
    before ready(snapshot). It takes half a minute; more often, and the twin ends too soon."""
    def attempt():
        with twin("racy", release, "-period", "50us") as target:
            with Watching("-p", target.pid, overhead=overhead) as watching:
                if not watching.wait_for(ready, 30) or not survived(target):
                    raise Died()
                target.process.wait(600)
                survived(target)
                return watching.finish(None)

    return until_met(attempt)


@table
class CrashTest(unittest.TestCase):
    at_once = PAIRED

    def crash_of(self, result):
        """The one crash that is told."""
        self.assertEqual(result.status, 3, result)
        self.assertEqual([t["state"] for t in result.snapshot["targets"]], ["crashed"])
        crash, = result.snapshot["crashes"]
        self.assertTrue(crash["message"].startswith("concurrent map"), crash)
        return crash

    @cases(*RELEASE_ROWS)
    def each_names_its_map(self, release):
        """Where every operation is seen, the last one tells."""
        result = watched_to_its_end(release, 100, lambda s: s["maps"])
        crash = self.crash_of(result)
        self.assertEqual(crash["map"], result.snapshot["maps"][0]["id"], crash)
        self.assertEqual([a["op"] for a in crash["last_accesses"]],
                         ["read" if "read" in crash["message"] else "write"])

    @cases((f"go{HMAP}", HMAP))
    def each_names_its_map_in_windows(self, release):
        """Where few are seen, the map function's own arguments tell."""
        result = watched_to_its_end(release, 3, lambda s: s["maps"])
        crash = self.crash_of(result)
        self.assertEqual(crash["map"], result.snapshot["maps"][0]["id"], crash)

    @cases(*RELEASE_ROWS)
    def each_without_probes(self, release):
        """A budget of 0: no map operation is probed, the end is told of all the same."""
        result = watched_to_its_end(release, 0, lambda s: s["targets"])
        crash = self.crash_of(result)
        self.assertIsNone(crash["map"])
        self.assertEqual((result.snapshot["maps"], result.snapshot["coverage"]["counted"]), ([], 0))


if __name__ == "__main__":
    unittest.main()
