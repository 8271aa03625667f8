# SPDX-License-Identifier: MIT
"""That "no conflict" is said only where enough was seen; and processes by name and thread."""
import os
import shutil
import time
import unittest

from harness import (NotMet, PAIRED, Target, cases, gomaptop, program, racing, scratch, table, twin,
                     until_met)


@table
class EnoughTest(unittest.TestCase):
    at_once = PAIRED

    def test_too_little(self):
        """A watch that could hardly have seen a conflict says so, and says how much it takes."""
        def attempt():
            with twin("mutex", "1.24") as target:
                runs = [gomaptop("-b", "-i", "1h", "-d", "50ms", "--max-overhead", "0.5", *more,
                                 "-p", target.pid) for more in ((), ("--inconclusive-ok",))]
            # An order window of the first moments may have decided it.
            if runs[0].status == 0 and "No conflicts seen" in runs[0].stdout:
                raise NotMet("missed")
            return runs

        result, again = until_met(attempt)
        self.assertEqual(result.status, 4, result)
        self.assertRegex(result.stdout, r"(?s)Conflicts: none seen; .* needed\s+(on\s+each\s+)?to")
        self.assertNotIn("No conflicts seen", result.stdout)
        self.assertIn("status 4 (0 with --inconclusive-ok)", result.stderr)
        self.assertEqual((again.status, again.stderr), (0, ""), again)

    def test_idle(self):
        """Where nothing happened, nothing was seen."""
        with Target(program("opsloop", "1.24"), "-wait") as target:
            result = gomaptop("-b", "-i", "1h", "-d", "2", "-p", target.pid)
        self.assertEqual(result.status, 4, result)
        self.assertIn("no map operation was seen; 100 are needed to say more", result.stdout)

    @cases(("mutex", "mutex"), ("chan", "chan"))
    def each_until_sure(self, mode):
        """It ends when the map is decided, long before its time, with 0."""
        with twin(mode, "1.24") as target:
            result = gomaptop("-b", "-i", "1h", "-d", "100", "--until-sure", "-p", target.pid,
                              timeout=130)
        self.assertEqual(result.status, 0, result)
        self.assertLess(result.seconds, 90)
        self.assertIn("No conflicts seen\n", result.stdout)

    def test_until_sure_finds(self):
        """The first finding ends it as well."""
        def attempt():
            with twin("racy", "1.24") as target, racing(target):
                return gomaptop("-b", "-i", "1h", "-d", "60", "--until-sure", "-p", target.pid,
                                timeout=90)

        result = until_met(attempt)
        self.assertIn(result.status, (3, 6), result)
        self.assertLess(result.seconds, 50)


@table
class NamesTest(unittest.TestCase):
    at_once = PAIRED

    def test_thread(self):
        """htop shows threads: the process of one is watched, and that is said."""
        with twin("mutex", "1.24") as target:
            threads = [int(tid) for tid in os.listdir(f"/proc/{target.pid}/task")]
            thread = next(tid for tid in threads if tid != target.pid)
            result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "500ms",
                              "--inconclusive-ok", "-p", thread)
        self.assertEqual(result.status, 0, result)
        self.assertEqual([t["pid"] for t in result.snapshot["targets"]], [target.pid])
        self.assertIn(f"{thread} is a thread of process {target.pid} (twins), which is watched",
                      result.stderr)

    def test_name(self):
        """All processes of a name that run Go, and no others."""
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), os.path.join(folder, "gtop-named"))
            plain = os.path.join(folder, "plain")
            os.mkdir(plain)
            sleeper = shutil.copy("/bin/sleep", os.path.join(plain, "gtop-named"))
            with Target(path, "-mode", "mutex") as one, Target(path, "-mode", "mutex") as two:
                other = os.spawnl(os.P_NOWAIT, sleeper, sleeper, "60")
                try:
                    time.sleep(0.2)
                    result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "1",
                                      "--inconclusive-ok", "gtop-named")
                finally:
                    os.kill(other, 9)
                    os.waitpid(other, 0)
            self.assertEqual(result.status, 0, result)
            self.assertEqual({t["pid"] for t in result.snapshot["targets"]}, {one.pid, two.pid})
            self.assertIn("2 processes are called gtop-named, all are watched", result.stderr)
            self.assertIn("1 more process is called gtop-named and not watched", result.stderr)

    def test_no_such_name(self):
        result = gomaptop("-b", "chekc")
        self.assertEqual(result.status, 1, result)
        self.assertIn("did you mean `gomaptop check`?", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result)


if __name__ == "__main__":
    unittest.main()
