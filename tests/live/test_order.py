# SPDX-License-Identifier: MIT
"""Which accesses to maps nothing orders: nothing is said of programs that order them, by whatever
means, and of others the two lines are named."""
import json
import subprocess
import unittest

from harness import NotMet, Target, cases, decided, gomaptop, program, source_lines, table, \
    until_met, watch

GROUPS = 4
# Between two windows of a program that does little lie seconds, and which accesses lie in one is
# chance.
SECONDS = 40


def names_of(path):
    return subprocess.run([path, "-list"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()


def of_program(conflict, side):
    """(file, line) of the innermost function of the program's own in that side's call chain."""
    for frame in conflict[side]["stack"]:
        file = (frame["file"] or "").split("/")
        if file[-2:-1] == ["unordered"]:
            return file[-1], frame["line"]
    return None


@table
class OrderTest(unittest.TestCase):
    @cases(*((f"1.24_{group}", "1.24", group) for group in range(GROUPS)),
           *((f"1.27_{group}!", "1.27", group) for group in range(GROUPS)))
    def each_ordered(self, release, group):
        """Locks, channels, atomics, starts, ends, timers, finalizers, pipes, sockets and more: each
        orders the accesses of its program, and nobody is accused."""
        path = program("ordered", release)
        with Target(path, *names_of(path)[group::GROUPS]) as target:
            snapshot = watch("-p", target.pid, seconds=15).snapshot
            self.assertTrue(target.running())
        counts = decided(snapshot)
        self.assertEqual(snapshot["conflicts"], [])
        self.assertEqual(counts["unordered"], 0)
        # Else it was not looked at.
        self.assertGreater(counts["under_lock"] + counts["ordered"] + counts["unknown"], 100)

    @cases(("write_and_read", "1.24", "much_later"), ("reader_lock", "1.24", "rlock_write"),
           ("two_locks", "1.19", "two_mutexes"), ("one_side", "1.19", "one_side_locked"),
           ("after_unlock", "1.24", "after_unlock"), ("missing_done", "1.19", "missing_done"),
           ("kept", "1.24", "kept_after_send"), ("copied", "1.24", "struct_copied"),
           ("json", "1.19", "json_unlocked"), ("once", "1.24", "once_then_written"))
    def each_unordered(self, release, name):
        """The two sides never meet; both lines are named all the same, with both call chains."""
        until_met(lambda: self.unordered_once(release, name))

    def unordered_once(self, release, name):
        with Target(program("unordered", release), name) as target:
            result = gomaptop("-b", "--format", "json", "-i", "1h", "--until-finding", "-d",
                              SECONDS, "-p", target.pid)
            self.assertTrue(target.running())
        if result.status in (0, 4):
            raise NotMet(json.dumps(decided(result.snapshot)))
        self.assertEqual(result.status, 6, result)
        lines = {line for line in source_lines("unordered", r"// RACE: ")
                 if line[0] == name + ".go"}
        for conflict in result.snapshot["conflicts"]:
            self.assertEqual(conflict["evidence"], "unordered")
            self.assertLessEqual({of_program(conflict, side) for side in "ab"}, lines)
            for side in "ab":
                self.assertFalse(conflict[side]["stack_truncated"])
                self.assertIsNotNone(conflict[side]["created_by"])
        counts = decided(result.snapshot)
        self.assertGreater(counts["unordered"], 0)
        # The maps beside it are guarded.
        self.assertEqual({row["verdict"] for row in result.snapshot["maps"]
                          if row["order"]["unordered"]}, {"unordered"})


if __name__ == "__main__":
    unittest.main()
