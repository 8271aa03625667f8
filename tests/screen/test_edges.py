#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hostile names, sizes from too small on, storms, a screen at rest, ends."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import SIZES, colors_sent, synthetic  # noqa: E402
from terminal import SYNTHETIC, stop  # noqa: E402
from testing import main  # noqa: E402


def test_hostile_names_stay_names():
    with synthetic("--hostile", "--color", "never", "--maps", "40") as terminal:
        terminal.wait_for("Maps 40")
        for _ in range(12):
            terminal.press("Down", "Enter", "Enter", "Esc", "Esc")
        sent = terminal.output
        assert not colors_sent(sent), "a colour of a name got through"
        assert b"\x1b]" not in sent and b"\x1b[2J" not in sent[len(sent) // 2:]
        sent.decode("utf-8")  # nothing but UTF-8


def test_long_and_deep():
    for rows, columns in SIZES + ((10, 40), (15, 50), (100, 400)):
        with synthetic("--maps", "500", "--depth", "64", "--goroutines", "900", "--processes", "4",
                       rows=rows, columns=columns) as terminal:
            terminal.wait_for(r"Maps [45]\d\d")
            terminal.press("End", "PgUp", "Tab", "Right", "Right", "Tab", "End", "Tab", "End",
                           "Enter", "Esc", "Home", "Enter", "End", "Esc", "Esc")
            assert "4 processes" in terminal.text() or columns < 60, terminal.text()


def test_too_small_says_so():
    for rows, columns in ((9, 80), (24, 39), (1, 20), (2, 1)):
        with synthetic(rows=rows, columns=columns) as terminal:
            terminal.settle()
            assert columns < 10 or "gomaptop" in terminal.text()
            terminal.press("Enter", "?", "Down")
            terminal.resize(24, 80)
            terminal.press("Esc", "Esc", "Esc")
            terminal.wait_for("Maps 12")


def test_resize_storm():
    with synthetic("--live") as terminal:
        terminal.wait_for("Maps 12")
        seed = 1
        for i in range(150):
            seed = seed * 1103515245 + 12345 & 0x7fffffff
            terminal.resize(1 + seed % 90, 1 + (seed >> 8) % 300)
            if i % 7 == 0:
                terminal.send(b"\r" if i % 2 else b"\t")
            terminal.read(0.005)
        terminal.resize(24, 80)
        terminal.press("Esc", "Esc", "Esc", "Esc")
        terminal.wait_for("Maps 12")
        terminal.wait_for("q quit")
        assert stop(terminal) == 0


def test_screen_at_rest_sends_nothing():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        sent = len(terminal.output)
        terminal.settle(1.5, 1.5)
        assert len(terminal.output) == sent, "bytes were sent although nothing changed"


def test_frames_erase_nothing():
    """Only what differs is sent: no clearing, and few bytes a frame."""
    with synthetic("--live") as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        begin = len(terminal.output)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            terminal.read(0.1)
        sent = terminal.output[begin:]
        assert sent, "it does not live"
        assert b"\x1b[2J" not in sent and b"\x1b[H\x1b[J" not in sent
        assert len(sent) < 20 * 2500, f"{len(sent)} bytes in about 20 frames"


def test_without_a_terminal():
    import subprocess
    ran = subprocess.run([SYNTHETIC], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert ran.returncode == 1 and b"--batch" in ran.stderr and not ran.stdout, ran
    for term in ("dumb", "no-such-terminal", ""):
        with synthetic(term=term) as terminal:
            assert terminal.wait_end() == 1
            assert "TERM" in terminal.errors()
            assert terminal.modes() == terminal.before


def test_duration_and_first_finding_end_it():
    with synthetic("--duration-ms", "300") as terminal:
        assert terminal.wait_end() == 0
    with synthetic("--live", "--until-conflict") as terminal:
        assert terminal.wait_end() == 0
    unordered = ("--live", "--conflicts", "0", "--conflict-maps", "0", "--unordered-maps", "1",
                 "--unordered", "5")
    with synthetic(*unordered, "--until-finding") as terminal:
        assert terminal.wait_end() == 0
    with synthetic(*unordered, "--until-conflict") as terminal:
        terminal.wait_for(r"\d+ unordered")
        assert terminal.process.poll() is None


if __name__ == "__main__":
    sys.exit(main(globals()))
