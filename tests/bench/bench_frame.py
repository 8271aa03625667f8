#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPU time, memory and bytes sent of gomaptop on a terminal of 200x60, beside htop in the same run.

Both run on pseudo-terminals with a refresh once a second, at the same time, for SECONDS (20), while
gomaptop watches a Go program: an idle one, then one that is busy with maps. What is counted is the
CPU time of the process itself, its resident memory at the end, and what it wrote to its terminal
after the first seconds.
"""
import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GO = os.path.join(HERE, "..", "go")
GOMAPTOP = os.path.abspath(os.environ.get("GOMAPTOP", "./gomaptop"))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
SECONDS = float(os.environ.get("SECONDS_MEASURED", "20"))
SETTLE = 5  # seconds until the first frames are over
TICK = os.sysconf("SC_CLK_TCK")
IDLE_BOUND = 0.01  # of a core


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Screen:
    """A program on a pseudo-terminal, and how many bytes it has sent there."""

    def __init__(self, name, command):
        self.name = name
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        env = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8",
                   XDG_CONFIG_HOME="/dev/null")
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave,
                                        stderr=subprocess.DEVNULL, env=env,
                                        start_new_session=True)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.bytes = 0

    def read(self):
        with contextlib.suppress(BlockingIOError, OSError):
            self.bytes += len(os.read(self.master, 1 << 16))

    def begin(self):
        self.bytes = 0
        self.cpu = cpu_seconds(self.process.pid)
        self.time = time.monotonic()

    def row(self, target):
        passed = time.monotonic() - self.time
        return {"program": self.name, "target": target,
                "cpu": (cpu_seconds(self.process.pid) - self.cpu) / passed,
                "bytes_per_second": self.bytes / passed,
                "resident_mb": resident_mb(self.process.pid)}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        os.close(self.master)


def read_all(screens, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([s.master for s in screens], [], [], 0.2)
        for screen in screens:
            if screen.master in ready:
                screen.read()


def measure(target, command):
    busy = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    time.sleep(1.0)
    screens = [Screen("gomaptop", [GOMAPTOP, "-p", str(busy.pid)])]
    if shutil.which("htop"):
        screens.append(Screen("htop", ["htop", "-d", "10"]))
    try:
        read_all(screens, SETTLE)
        for screen in screens:
            if screen.process.poll() is not None:
                raise RuntimeError(f"{screen.name} ended with {screen.process.returncode}")
            screen.begin()
        read_all(screens, SECONDS)
        return [screen.row(target) for screen in screens]
    finally:
        for screen in screens:
            screen.stop()
        busy.kill()
        busy.wait()


def build(name):
    path = os.path.join(BUILD, "bench", name)
    subprocess.run(["go", "build", "-o", path, "./" + name], cwd=GO, check=True)
    return path


def main():
    rows = measure("idle", [build("ledgerd"), "-jobs", "1h"])
    rows += measure("busy", [build("churn"), "-for", "2m"])
    print(f"{'program':10}{'target':8}{'CPU of a core':>15}{'bytes a second':>16}{'resident':>12}")
    for r in rows:
        print(f"{r['program']:10}{r['target']:8}{r['cpu']:>14.2%}{r['bytes_per_second']:>16.0f}"
              f"{r['resident_mb']:>9.1f} MB")
    out = os.path.join(BUILD, "bench", "frame.json")
    with open(out, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
    print(f"written to {os.path.relpath(out)}")
    kept = rows[0]["cpu"] <= IDLE_BOUND
    print(f"bound of {IDLE_BOUND:.0%} of a core when idle: {'kept' if kept else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
