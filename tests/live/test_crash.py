# SPDX-License-Identifier: MIT
"""What is told of a target that the runtime's own check ends."""
import unittest

from harness import (HMAP, PAIRED, RELEASE_ROWS, NotMet, Watching, cases, survived, table, twin,
                     until_met)


def crash_of(release, overhead):
    """(the crash, maps) of a racy twin that was watched until its end."""
    def attempt():
        with twin("racy", release, "-period", "50us") as target:
            with Watching("-p", target.pid, overhead=overhead) as watching:
                if not watching.wait_for(lambda s: s["maps"], 30) or not survived(target):
                    raise NotMet("it ended before its map was seen")
                target.process.wait(120)
                survived(target)
                return watching.finish(None)

    result = until_met(attempt, tries=8)
    crash, = result.snapshot["crashes"]
    return crash, result.snapshot["maps"]


@table
class CrashTest(unittest.TestCase):
    at_once = PAIRED

    @cases(*RELEASE_ROWS)
    def each_names_its_map(self, release):
        """Where every operation is seen, the last one tells."""
        crash, maps = crash_of(release, 100)
        self.assertEqual(crash["map"], maps[0]["id"], crash)
        self.assertEqual([a["op"] for a in crash["last_accesses"]],
                         ["read" if "read" in crash["message"] else "write"])

    @cases((f"go{HMAP}", HMAP))
    def each_names_its_map_in_windows(self, release):
        """Where few are seen, the map function's own arguments tell."""
        crash, maps = crash_of(release, 3)
        self.assertEqual(crash["map"], maps[0]["id"], crash)


if __name__ == "__main__":
    unittest.main()
