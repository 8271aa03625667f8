# SPDX-License-Identifier: MIT
"""Ctrl-Z: while gomaptop is suspended by its terminal no byte of the program's code is changed;
afterwards it goes on, and says for how long nothing was seen."""
import os
import re
import sys
import time
import unittest

from harness import GOMAPTOP, PAIRED, ROOT, SWISS, Target, program

sys.path.insert(0, os.path.join(ROOT, "tests", "screen"))
from terminal import Terminal  # noqa: E402
from test_check import Code  # noqa: E402

PATIENCE = 30
SUSPENDED = 2   # seconds; longer than the governor may be silent


def wait_changed(code, wanted):
    """How many bytes are changed, once that is what is wanted, or patience is at its end."""
    end = time.monotonic() + PATIENCE
    while bool(code.changed()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return len(code.changed())


class SuspendTest(unittest.TestCase):
    at_once = PAIRED

    def test_suspend(self):
        target = Target(program("opsloop", SWISS), "-op", "write", "-rounds", "0", "-n", "1000")
        # Only a shell can continue what a terminal has stopped.
        with target, Terminal(
                ["bash", "--norc", "-i"], rows=24, columns=100,
                extra_env={"PS1": "ready> "}, errors_to_terminal=True) as terminal:
            code = Code(target.pid)
            terminal.wait_for("ready>")
            terminal.send(f"{GOMAPTOP} --max-overhead 100 -p {target.pid}\r".encode())
            terminal.wait_for(r"Maps \d")
            self.assertGreater(wait_changed(code, True), 0)
            terminal.send(b"\x1a")
            terminal.wait_for("Stopped")
            self.assertEqual(wait_changed(code, False), 0)
            end = time.monotonic() + SUSPENDED
            while time.monotonic() < end:
                self.assertEqual(code.changed(), {})
                time.sleep(0.1)
            terminal.send(b"fg\r")
            terminal.wait_for("suspended for [2-9][.\\d]*s: the probes were out")
            self.assertGreater(wait_changed(code, True), 0)
            terminal.press("m")
            terminal.wait_for("warning +gomaptop was suspended for")
            self.assertRegex(re.sub(r"\s+", " ", terminal.text()), "nothing was seen meanwhile")
            terminal.press("Q")
            self.assertEqual(wait_changed(code, False), 0)
            terminal.wait_for("ready>")
            terminal.send(b"exit\r")
