# SPDX-License-Identifier: MIT
"""What was found is kept on every way out of the screen, in a folder that takes it, and said."""
import json
import os
import re
import signal
import stat
import sys
import tempfile
import unittest

from harness import (GOMAPTOP, PAIRED, ROOT, SWISS, cases, racing, table, twin, until_met,
                     validate)

sys.path.append(os.path.join(ROOT, "tests", "screen"))
from terminal import Terminal  # noqa: E402 pylint: disable=C0413

NO_FILES = "/proc"  # a folder that takes no file, not even root's
FOUND = r"\d conflicts? |\d unordered "


def hang_up(terminal):
    """The terminal goes away, and every process of it is told, some more than once."""
    for fd in (terminal.master, terminal.slave):
        os.close(fd)
        null = os.open(os.devnull, os.O_RDWR)
        if null != fd:
            os.dup2(null, fd)
            os.close(null)
    terminal.process.wait(20)


WAYS = {"q": lambda terminal: terminal.press("q"),
        "F10 in a view": lambda terminal: terminal.press("?", "F10"),
        "ctrl-c": lambda terminal: terminal.press("Ctrl-C"),
        "sigterm": lambda terminal: terminal.signal(signal.SIGTERM),
        "sighup": lambda terminal: terminal.signal(signal.SIGHUP),
        "lost terminal": hang_up}


def snapshots(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                  if re.fullmatch(r"gomaptop-[\d-]+\.json", name))


@table
class KeptTest(unittest.TestCase):
    at_once = PAIRED

    def watch(self, way, *options, cwd=None):
        """(errors, files in the current folder, files in $TMPDIR) after a conflict was seen."""
        def attempt():
            with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as spare, \
                    twin("racy", SWISS) as target, \
                    Terminal([GOMAPTOP, "--max-overhead", "100", *options, "-p", str(target.pid)],
                             cwd=cwd or here, extra_env={"TMPDIR": spare}) as terminal:
                with racing(target):
                    terminal.wait_for(FOUND, 60)
                    way(terminal)
                self.assertEqual(terminal.wait_end(), 0)
                files = [[self.read(path) for path in snapshots(folder)]
                         for folder in (here, spare)]
                return (terminal.errors(), *files)
        return until_met(attempt)

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            snapshot = json.load(file)
        validate(snapshot)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertTrue(snapshot["conflicts"])
        return path

    def check_said(self, errors, path):
        lines = errors.splitlines()
        self.assertEqual(len(lines), 3, errors)
        self.assertRegex(lines[0], r"^gomaptop: \d+ (conflict|unordered pair)")
        self.assertRegex(lines[1], r"^gomaptop: \w+ at main\.go:\d+ main\.\S+ (against|and) "
                                   r"\w+ at main\.go:\d+ main\.")
        self.assertEqual(lines[2], f"gomaptop: kept in {path}")

    @cases(*((name, way) for name, way in WAYS.items()))
    def each_way(self, way):
        errors, here, spare = self.watch(way)
        self.assertEqual((len(here), spare), (1, []))
        self.check_said(errors, here[0])

    @cases(*((option, "--until-" + option) for option in ("finding", "conflict", "sure")))
    def each_until(self, option):
        """The watch that ends by itself, when it has what it waits for, keeps it as well."""
        def attempt():
            with tempfile.TemporaryDirectory() as here, twin("racy", SWISS) as target, \
                    Terminal([GOMAPTOP, "--max-overhead", "100", option, "-p", str(target.pid)],
                             cwd=here) as terminal:
                with racing(target):
                    status = terminal.wait_end(60)
                self.assertEqual(status, 0)
                return terminal.errors(), [self.read(path) for path in snapshots(here)]

        errors, kept = until_met(attempt)
        self.assertEqual(len(kept), 1)
        self.check_said(errors, kept[0])

    def test_until_sure_of_nothing(self):
        """Decided without a finding: the screen ends, with 0, and nothing is kept."""
        with tempfile.TemporaryDirectory() as here, twin("mutex", SWISS) as target, \
                Terminal([GOMAPTOP, "--max-overhead", "100", "--until-sure", "-p",
                          str(target.pid)], cwd=here) as terminal:
            self.assertEqual((terminal.wait_end(90), terminal.errors()), (0, ""))
            self.assertEqual(os.listdir(here), [])

    def test_folder_that_takes_no_file(self):
        errors, _, spare = self.watch(WAYS["q"], cwd=NO_FILES)
        self.assertEqual(len(spare), 1)
        self.check_said(errors, spare[0])

    def test_key_in_a_folder_that_takes_no_file(self):
        def way(terminal):
            terminal.press("w")
            terminal.wait_for("snapshot written to /")
            terminal.press("q")
        _, _, spare = self.watch(way, cwd=NO_FILES)
        self.assertEqual(len(spare), 2)

    def test_output_that_was_asked_for_is_enough(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "o.json")
            errors, here, spare = self.watch(WAYS["q"], "-o", path)
            self.assertTrue(os.path.exists(path))
        self.assertEqual((errors, here, spare), ("", [], []))

    def test_nothing_found_nothing_said(self):
        with tempfile.TemporaryDirectory() as here, twin("mutex", SWISS) as target, \
                Terminal([GOMAPTOP, "-p", str(target.pid)], cwd=here) as terminal:
            terminal.wait_for("Maps [1-9]")
            terminal.press("q")
            self.assertEqual((terminal.wait_end(), terminal.errors()), (0, ""))
            self.assertEqual(os.listdir(here), [])


if __name__ == "__main__":
    unittest.main()
