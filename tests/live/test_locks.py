# SPDX-License-Identifier: MIT
"""Which locks guard which maps: seen at the places where locks are taken and dropped, it decides
where held time goes, and nothing else."""
import time
import unittest

from harness import RELEASES, Target, Watching, cases, map_at, program, table
from test_check import Code

SECONDS = 12   # long enough to know all maps, and to hold the one that no lock guards


@table
class LocksTest(unittest.TestCase):
    @cases(*((release, release, None) for release in RELEASES), ("pie", RELEASES[-1], "pie"))
    def each_guard(self, release, mode):
        """Held time goes to the two maps of ten that no lock guards, or not always; nobody is
        accused, the program goes on as it should, and nothing is left of the probes."""
        with Target(program("guards", release, mode=mode)) as target, \
                Watching("-p", target.pid, overhead=100, interval="500ms") as watching:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(1)
                snapshot = watching.newest()
                if snapshot and snapshot["seconds"] > SECONDS and self.held(snapshot, target)[0]:
                    break
            handed, guarded = self.held(snapshot, target)
            result = watching.finish()
            if not mode:   # whose code lies where the file says
                with Code(target.pid) as code:
                    self.assertEqual(code.changed(), {})
            self.assertTrue(target.running())
        self.assertEqual(result.status, 0, result)
        self.assertGreater(snapshot["coverage"]["filtered"]["lock_site"], 1000)
        self.assertEqual(snapshot["conflicts"], [])
        self.assertGreater(handed, 0)
        self.check_told(snapshot, target)
        # At first none was known.
        self.assertGreater(handed, 2 * max(guarded.values()), guarded)

    def check_told(self, snapshot, target):
        """What is said of each map: under which lock, and the function that takes it."""
        for name, address in target.first["guarded"].items():
            guard = map_at(snapshot, hex(address))["guard"]
            self.assertEqual(guard["bare"], 0, name)
            self.assertIsNotNone(guard["lock"], name)
            self.assertEqual(guard["taken_at"]["function"], "main." + name)
        guard = map_at(snapshot, hex(target.first["handed"]))["guard"]
        self.assertEqual((guard["bare"], guard["lock"]), (guard["accesses"], None))
        guard = map_at(snapshot, hex(target.first["partly"]))["guard"]
        self.assertGreater(guard["accesses"], guard["bare"])
        self.assertGreater(guard["bare"], guard["accesses"] / 4)
        self.assertIsNotNone(guard["lock"])
        self.assertEqual((guard["taken_at"]["function"], guard["bare_at"]["function"]),
                         ("main.sometimes", "main.unlocked"))

    @staticmethod
    def held(snapshot, target):
        """Holds of the map without a lock, and of each that has one."""
        def holds(address):
            row = map_at(snapshot, hex(address))
            return row["stalls"] if row else 0
        return (holds(target.first["handed"]),
                {name: holds(address) for name, address in target.first["guarded"].items()})


if __name__ == "__main__":
    unittest.main()
