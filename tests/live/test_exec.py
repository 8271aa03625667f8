# SPDX-License-Identifier: MIT
"""--exec: the command runs when a conflict is found, with what was found in its environment, and
nothing waits for it."""
import os
import time
import unittest

from harness import PAIRED, SWISS, NotMet, gomaptop, racing, scratch, twin, until_met

SLOW = 6   # seconds that a command takes which nobody may wait for


class ExecTest(unittest.TestCase):
    at_once = PAIRED

    def test_exec(self):
        def attempt():
            with scratch() as folder, twin("racy", SWISS) as target:
                log = os.path.join(folder, "log")
                with racing(target):
                    began = time.monotonic()
                    result = gomaptop(
                        "-b", "-d", "20", "--until-finding", "--max-overhead", "100", "--exec",
                        f"env | grep ^GOMAPTOP_ > {log}.new; mv {log}.new {log}; sleep {SLOW}",
                        "-p", target.pid, timeout=60)
                    took = time.monotonic() - began
                if result.status not in (3, 6):
                    raise NotMet("missed")
                end = time.monotonic() + SLOW
                while not os.path.exists(log) and time.monotonic() < end:
                    time.sleep(0.05)
                with open(log, encoding="utf-8") as file:
                    said = dict(line.rstrip("\n").split("=", 1) for line in file)
                self.assertEqual(said["GOMAPTOP_PID"], str(target.pid))
                self.assertIn(said["GOMAPTOP_FINDING"], ("conflict", "unordered"))
                self.assertRegex(said["GOMAPTOP_LINE_A"], r"^/.*\.go:\d+$")
                self.assertRegex(said["GOMAPTOP_FUNCTION_B"], r"^main\.")
                self.assertTrue(said["GOMAPTOP_EXECUTABLE"].endswith("twins"), said)
                self.assertRegex(said["GOMAPTOP_MAP"], r"^m\d+$")
                return took

        self.assertLess(until_met(attempt), 20)
