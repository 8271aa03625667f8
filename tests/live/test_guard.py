# SPDX-License-Identifier: MIT
"""Why maps are in order: the lock by kind, name and line, the channel; and the line
that breaks the discipline."""
import re
import unittest

from harness import NotMet, Target, cases, program, source_lines, table, until_met, watch


def maps_by_key(snapshot):
    """Of each type of keys the row that most is known of."""
    rows = {}
    for row in snapshot["maps"]:
        key = re.match(r"map\[main\.(\w+)Key\]", row["type"] or "")
        if not key:
            continue
        former = rows.get(key[1])
        if not former or former["order"]["pairs"] < row["order"]["pairs"]:
            rows[key[1]] = row
    return rows


def line_of(frame):
    return (frame["file"].split("/")[-1], frame["line"]) if frame else None


@table
class GuardTest(unittest.TestCase):
    def looked(self, release, stripped):
        with Target(program("guards", release, stripped)) as target:
            snapshot = watch("-p", target.pid, seconds=12).snapshot
            self.assertTrue(target.running())
        rows = maps_by_key(snapshot)
        for name in ("rw", "field", "except"):
            if name not in rows or not rows[name]["guard"]:
                raise NotMet(f"{name}: {rows.get(name)}")
        return rows

    @cases(("1.24", "1.24", False), ("1.19!", "1.19", False), ("1.27!", "1.27", False),
           ("stripped", "1.24", True))
    def each_release(self, release, stripped):
        until_met(lambda: self.once(release, stripped))

    def once(self, release, stripped):
        rows = self.looked(release, stripped)
        self.check_lock(rows["rw"], "rwmutex", None if stripped else "main.rw", "rw")
        self.check_lock(rows["field"], "mutex", None, "field")
        self.check_lock(rows["except"], "mutex", None if stripped else "main.exceptMu", "except")
        for name in ("rw", "field"):
            self.assertEqual(rows[name]["order"]["reason"], "lock")
            self.assertEqual(rows[name]["guard"]["accesses"], rows[name]["guard"]["of"])
            self.assertIsNone(rows[name]["guard"]["bare_at"])
        self.assertIn(line_of(rows["except"]["guard"]["bare_at"]),
                      source_lines("guards", r"// BARE: except"))
        self.assertLess(rows["except"]["guard"]["accesses"], rows["except"]["guard"]["of"])
        self.assertNotEqual(rows["except"]["order"]["reason"], "lock")
        if rows["channel"]["order"]["reason"] is None:
            raise NotMet(f"channel: {rows['channel']['order']}")
        self.assertEqual(rows["channel"]["order"]["reason"], "channel")
        self.assertIsNone(rows["channel"]["guard"])

    def check_lock(self, row, kind, name, mark):
        guard = row["guard"]
        self.assertEqual(guard["kind"], kind, guard)
        self.assertEqual(guard["name"], name)
        self.assertIn(line_of(guard["at"]), source_lines("guards", rf"// LOCKED: {mark}\b"))


if __name__ == "__main__":
    unittest.main()
