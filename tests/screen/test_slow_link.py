#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Slow links: what is sent for a refresh is bounded; a terminal that reads slowly gets fewer
frames, and keys are answered all the same."""
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import SYNTHETIC, Terminal, key_bytes  # noqa: E402
from testing import main  # noqa: E402

LOAD = ("--live", "--maps", "2000", "--goroutines", "2000", "--conflict-maps", "50",
        "--conflicts", "100")
REFRESHES = 5
BYTES_A_REFRESH = 9000  # of 12,000 cells; those of heat by time move on, too
BYTES_A_SECOND = 2000
ANSWER = 5  # seconds until a key shows at that speed, in a screen that goes on
SCREENFUL = 8  # seconds for another view, all of whose 12,000 cells may be new


def large(interval="1000"):
    return Terminal([SYNTHETIC, *LOAD, "--interval-ms", interval], rows=60, columns=200,
                    term="xterm-256color")


def resident(terminal):
    with open(f"/proc/{terminal.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class SlowReader:
    """Takes BYTES_A_SECOND from a terminal, no more."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.begin = time.monotonic()
        self.taken = 0

    def read(self):
        """What may be read by now; whether there was more."""
        room = int((time.monotonic() - self.begin) * BYTES_A_SECOND) - self.taken
        ready = select.select([self.terminal.master], [], [], 0)[0]
        if not ready:
            self.taken += max(room, 0)  # what a line does not carry now it never will
        elif room > 0:
            data = os.read(self.terminal.master, room)
            self.taken += len(data)
            self.terminal.stream.feed(data)
        return bool(ready)

    def read_for(self, seconds):
        end, waited = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            waited += self.read()
            time.sleep(0.05)
        return waited

    def wait_for(self, word):
        begin = time.monotonic()
        while word not in self.terminal.text():
            assert time.monotonic() - begin < 3 * SCREENFUL, self.terminal.text()
            self.read()
            time.sleep(0.05)
        return time.monotonic() - begin


def test_a_refresh_sends_little():
    with large() as terminal:
        terminal.wait_for("Maps 2")
        terminal.settle(0.3, 1)
        before, end = len(terminal.output), time.monotonic() + REFRESHES
        while time.monotonic() < end:
            terminal.read(0.1)
        sent = (len(terminal.output) - before) / REFRESHES
        assert 0 < sent < BYTES_A_REFRESH, f"{sent:.0f} bytes a refresh"


def test_nothing_new_sends_nothing():
    with Terminal([SYNTHETIC], rows=60, columns=200,
                    term="xterm-256color") as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        before, end = len(terminal.output), time.monotonic() + 3
        while time.monotonic() < end:
            terminal.read(0.1)
        assert len(terminal.output) == before


def test_a_slow_terminal_is_answered():
    with large(interval="200") as terminal:
        terminal.wait_for("Maps 2")
        reader = SlowReader(terminal)
        assert reader.read_for(8) > 20, "the link was fast enough: the test says nothing"
        memory = resident(terminal)
        terminal.send(key_bytes("?"))
        took = reader.wait_for("Verdicts of maps")
        assert took < ANSWER, f"the key was answered after {took:.1f}s"
        terminal.send(key_bytes("Esc"))
        took = reader.wait_for("Heat: conflicts")
        assert took < ANSWER + SCREENFUL, f"the way back took {took:.1f}s"
        reader.read_for(SCREENFUL)
        grown = resident(terminal) - memory
        assert grown < 8 << 20, f"{grown >> 10} KB more"
        terminal.send(b"q")
        begin = time.monotonic()
        while terminal.process.poll() is None:
            assert time.monotonic() - begin < ANSWER + SCREENFUL, "it does not leave"
            reader.read()
            time.sleep(0.05)
        assert terminal.process.returncode == 0


if __name__ == "__main__":
    main(globals())
