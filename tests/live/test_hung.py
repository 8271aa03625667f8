# SPDX-License-Identifier: MIT
"""An executable on a mount whose server is gone: who only lists processes, or names one that runs
it, does not wait for it."""
import os
import subprocess
import sys
import time
import unittest

import harness
from harness import GOMAPTOP, SWISS, Target, program, scratch

sys.path.append(os.path.join(harness.ROOT, "tests", "screen"))
from terminal import Terminal  # noqa: E402 pylint: disable=C0413

SERVER = os.path.join(harness.ROOT, "tests", "live", "hung_mount.py")
LOOP = ("-op", "read", "-rounds", "0", "-n", "1000")
SOON = 10    # seconds; an executable has three to be read


class Hung:
    """A process whose executable lies on a mount that hangs once hang() was called. At the end the
    mount goes first: until then the process cannot end either."""

    def __init__(self, test):
        self.folder = scratch()
        self.server = subprocess.Popen(
            ["/usr/bin/python3", SERVER, program("opsloop", SWISS), self.folder.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.server.stdout.readline() != "mounted\n":
            words = self.server.communicate()[1].strip()
            self.folder.cleanup()
            test.skipTest(f"no file system of our own here: {words}")
        self.target = Target(os.path.join(self.folder.name, "program"), *LOOP)
        self.pid = self.target.pid

    def hang(self):
        self.server.stdin.write("hang\n")
        self.server.stdin.flush()
        assert self.server.stdout.readline() == "hung\n"

    def __enter__(self):
        return self

    def unmount(self):
        if self.server.poll() is None:
            self.server.communicate()

    def __exit__(self, *_):
        self.unmount()
        self.target.stop()
        self.folder.cleanup()


class HungTest(unittest.TestCase):
    def test_list_goes_on(self):
        with Target(program("opsloop", SWISS), *LOOP) as other, Hung(self) as hung:
            hung.hang()
            with Terminal([GOMAPTOP]) as terminal:
                terminal.wait_for(rf"{other.pid} .*go1\.{SWISS.split('.')[1]}", SOON)
                terminal.wait_for(rf"{hung.pid} .*not readable", SOON)
                began = time.monotonic()
                terminal.press("q")
                self.assertEqual(terminal.process.wait(SOON), 0)
                self.assertLess(time.monotonic() - began, 2)
            self.assertTrue(other.running())

    def test_named(self):
        with Hung(self) as hung:
            hung.hang()
            run = subprocess.Popen([GOMAPTOP, "-b", "-d", "1s", "-p", str(hung.pid)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                errors = run.communicate(timeout=2 * SOON)[1]
                self.assertIn(run.returncode, (1, 2), errors)
                self.assertRegex(errors, "not readable within")
            finally:
                run.kill()
                hung.unmount()
                run.wait()


if __name__ == "__main__":
    unittest.main()
