# SPDX-License-Identifier: MIT
"""Programs on a terminal of 200x60 that is read all the time: their CPU time, memory and what they
send there."""
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import measuring
from measuring import cpu_seconds, resident

ROWS, COLUMNS = 60, 200


class Screen:
    """A program on a pseudo-terminal, and how many bytes it has sent there."""

    def __init__(self, name, *command):
        self.name = name
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8",
                   XDG_CONFIG_HOME="/dev/null")
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave,
                                        stdout=slave, stderr=subprocess.DEVNULL, env=env,
                                        start_new_session=True)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.bytes = 0
        self.cpu = self.time = 0.0

    def read(self):
        with contextlib.suppress(BlockingIOError, OSError):
            self.bytes += len(os.read(self.master, 1 << 16))

    def begin(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
        self.bytes, self.time = 0, time.monotonic()
        self.cpu = cpu_seconds(self.process.pid)

    def figures(self):
        """(share of a core, bytes a second, memory) since begin()."""
        passed = time.monotonic() - self.time
        return ((cpu_seconds(self.process.pid) - self.cpu) / passed, self.bytes / passed,
                resident(self.process.pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        measuring.end(self.process)
        os.close(self.master)


def read_all(screens, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready, _, _ = select.select([s.master for s in screens], [], [], 0.2)
        for screen in screens:
            if screen.master in ready:
                screen.read()


def measure(screens, settle, seconds):
    """Figures of each, over the same span."""
    read_all(screens, settle)
    for screen in screens:
        screen.begin()
    read_all(screens, seconds)
    return [screen.figures() for screen in screens]
