# SPDX-License-Identifier: MIT
"""Hundreds of processes of one executable, more than any table of the watch has rows for: each is
told of, and so is the end of each."""
import concurrent.futures
import shutil
import subprocess
import unittest

from harness import SWISS, Target, Watching, program, scratch

PROCESSES = 320
TOGETHER = 4     # of those that are short
PATIENCE = 60


def ended(snapshot):
    return {t["pid"] for t in snapshot["targets"] if t["state"] == "exited"}


class EndsTest(unittest.TestCase):
    slow = True

    def check_ends(self, watching, pids):
        """All are told as ended, and there are no others."""
        seen = watching.wait_for(lambda s: ended(s) >= pids, PATIENCE) or watching.newest()
        self.assertEqual(len(ended(seen) & pids), len(pids), watching.error_text())
        last = watching.finish().snapshot
        self.assertEqual(ended(last), pids)
        self.assertEqual(len(last["targets"]), len(pids), "some are still said to run")

    def test_short(self):
        """Each does a few operations, and has gone before anybody has read of the first."""
        def run(_):
            with subprocess.Popen([path, "-op", "write", "-rounds", "1", "-n", "100"],
                                  stdout=subprocess.DEVNULL) as process:
                self.assertEqual(process.wait(PATIENCE), 0)   # nothing is left of it
                return process.pid

        with scratch() as folder:
            path = shutil.copy(program("opsloop", SWISS), folder)
            with Watching("-e", path) as watching:
                watching.wait_attached()
                with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
                    pids = set(pool.map(run, range(PROCESSES)))
                self.check_ends(watching, pids)

    def test_at_once(self):
        """All of them run, and then end within a moment."""
        with scratch() as folder:
            path = shutil.copy(program("opsloop", SWISS), folder)
            with Watching("-e", path) as watching:
                watching.wait_attached()
                some = [subprocess.Popen([path, "-op", "write", "-rounds", "1", "-n", "100",
                                          "-wait"], stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL) for _ in range(PROCESSES)]
                try:
                    pids = {p.pid for p in some}
                    for process in some:
                        process.stdin.write(b"go\n")
                        process.stdin.flush()
                    seen = watching.wait_for(lambda s: {t["pid"] for t in s["targets"]} >= pids,
                                             PATIENCE)
                    self.assertIsNotNone(seen, "all are told of")
                    self.assertEqual(ended(seen), set())
                finally:
                    for process in some:
                        process.stdin.close()
                    for process in some:
                        process.wait(PATIENCE)
                self.check_ends(watching, pids)


class AfterwardsTest(unittest.TestCase):
    def test_counts_stay(self):
        """What an ended process did is not counted once more while another one goes on."""
        def sums(snapshot):
            rows = [m for m in snapshot["maps"] if m["pid"] == one.pid]
            return {key: sum(m[key] for m in rows) for key in ("maps", "stalls", "reads", "writes")}

        def after(snapshot, seconds):
            return watching.wait_for(lambda s: s["seconds"] > snapshot["seconds"] + seconds,
                                     PATIENCE)

        with Target(program("unordered", SWISS), "own_lock") as one, \
             Target(program("unordered", SWISS), "own_lock") as other, \
             Watching("-p", f"{one.pid},{other.pid}", interval="1s") as watching:
            self.assertTrue(watching.wait_for(
                lambda s: {m["pid"] for m in s["maps"]} == {one.pid, other.pid}, PATIENCE))
            one.process.kill()
            over = watching.wait_for(lambda s: one.pid in ended(s), PATIENCE)
            # Its last operations are told within a second, and were told again after four.
            first, later = after(over, 1.5), after(over, 8)
        self.assertGreater(sums(first)["reads"], 0)
        self.assertEqual(sums(later), sums(first))
