# SPDX-License-Identifier: MIT
"""A program on a terminal of a given size, seen through pyte.

    with Terminal([program, ...], rows=24, columns=80) as terminal:
        terminal.wait_for("Maps")
        terminal.press("Down", "Enter")
        print(terminal.text())
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

BUILD = os.environ.get("BUILD", "build")
SYNTHETIC = os.path.join(BUILD, "tests/screen/ui_synthetic")

KEYS = {"Up": b"\x1bOA", "Down": b"\x1bOB", "Right": b"\x1bOC", "Left": b"\x1bOD",
        "PgUp": b"\x1b[5~", "PgDn": b"\x1b[6~", "Home": b"\x1b[1~", "End": b"\x1b[4~",
        "Enter": b"\r", "Tab": b"\t", "Shift-Tab": b"\x1b[Z", "Esc": b"\x1b", "Space": b" ",
        "Backspace": b"\x7f", "F1": b"\x1bOP", "F2": b"\x1bOQ", "F3": b"\x1bOR",
        "F4": b"\x1bOS", "F5": b"\x1b[15~", "F6": b"\x1b[17~", "F7": b"\x1b[18~",
        "F8": b"\x1b[19~", "F9": b"\x1b[20~", "F10": b"\x1b[21~", "Ctrl-L": b"\x0c",
        "Ctrl-B": b"\x02", "Ctrl-F": b"\x06", "Ctrl-Z": b"\x1a", "Ctrl-C": b"\x03"}

# Generous: a loaded machine is slow, never wrong.
PATIENCE = 20


class Screen(pyte.Screen):
    """With the scrolling that ncurses uses and pyte does not know (SU, SD)."""

    def _scroll(self, edit, count):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        edit(count or 1)
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, count=1):
        self._scroll(self.delete_lines, count)

    def scroll_down(self, count=1):
        self._scroll(self.insert_lines, count)


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, S="scroll_up", T="scroll_down")
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


def key_bytes(name):
    return KEYS.get(name, name.encode())


class Terminal:
    def __init__(self, command, rows=24, columns=80, term="tmux-256color", locale="C.UTF-8",
                 extra_env=None, errors_to_terminal=False, cwd=None):
        self.output = b""
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        self.master, self.slave = pty.openpty()
        self._size(rows, columns)
        self.before = self.modes()
        env = {key: value for key, value in os.environ.items()
               if key not in ("LC_ALL", "LC_CTYPE", "NO_COLOR", "COLUMNS", "LINES")}
        env.update({"TERM": term, "LC_ALL": locale, "TZ": "UTC",
                    "XDG_CONFIG_HOME": "/dev/null"}, **(extra_env or {}))
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, env=env, cwd=cwd,
            stderr=self.slave if errors_to_terminal else subprocess.PIPE,
            start_new_session=True, preexec_fn=self._take_terminal)
        os.set_blocking(self.master, False)

    def _take_terminal(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        for fd in (self.master, self.slave):
            os.close(fd)

    def _size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self._size(rows, columns)  # the kernel sends SIGWINCH

    def modes(self):
        """What `stty -g` would print: the whole termios."""
        return termios.tcgetattr(self.slave)

    def read(self, seconds=0.0):
        """Feed what has come (waiting at most so long for the first byte) to the screen."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except (BlockingIOError, OSError):
            return b""
        self.output += data
        self.stream.feed(data)
        return data

    def settle(self, quiet=0.25, most=2.0):
        """Read until nothing has come for a while; a screen that lives never rests for long."""
        end = time.monotonic() + most
        while self.read(quiet) and time.monotonic() < end:
            pass

    def wait_for(self, pattern, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} did not appear:\n{self.text()}")
            if not self.read(0.1) and self.process.poll() is not None and not self.read(0.2):
                if re.search(pattern, self.text()):
                    return
                raise AssertionError(f"ended with {self.process.returncode} before {pattern!r}:"
                                     f"\n{self.text()}\n{self.errors()}")

    def send(self, data):
        """Write it all, reading meanwhile, so that neither side waits for the other."""
        while data:
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                self.read(0.05)

    def press(self, *names):
        for name in names:
            self.send(key_bytes(name))
            if name == "Esc":
                time.sleep(0.06)  # longer than the escape delay: not the start of a sequence
        self.settle()

    def _mouse(self, button, y, x):
        """As xterm tells of a button: lines and columns count from 1 there."""
        self.send(b"\x1b[M" + bytes((32 + button, 33 + x, 33 + y)))

    def click(self, y, x):
        self._mouse(0, y, x)
        self._mouse(3, y, x)  # let go
        self.settle()

    def wheel(self, y, x, down):
        self._mouse(65 if down else 64, y, x)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait_end(self, seconds=PATIENCE):
        """Exit status, negative for a signal, as subprocess has it."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError("it does not end:\n" + self.text())
            self.read(0.05)
        self.settle(0.05)
        return self.process.returncode

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def attributes(self):
        """The screen once more, cell by cell: (character, foreground, background, bold,
        reverse)."""
        return [[(cell.data, cell.fg, cell.bg, cell.bold, cell.reverse)
                 for cell in (self.screen.buffer[y][x] for x in range(self.screen.columns))]
                for y in range(self.screen.lines)]

    def errors(self):
        """What it wrote to standard error; to be asked after its end."""
        return self.process.stderr.read().decode(errors="replace") if self.process.stderr else ""


def stop(terminal):
    terminal.signal(signal.SIGTERM)
    return terminal.wait_end()
