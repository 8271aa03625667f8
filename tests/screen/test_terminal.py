#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The terminal is left as it was found, however the program ends; and no key breaks it.

The number of random keys is that of GOMAPTOP_RANDOM_KEYS, 3000 unless told.
"""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import KEYS, SYNTHETIC, Terminal, stop  # noqa: E402
from testing import main  # noqa: E402

# xterm-256color: what its terminfo calls smcup, rmcup and cnorm.
SMCUP, RMCUP, CNORM = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?12l\x1b[?25h"


def started(*options):
    terminal = Terminal([SYNTHETIC, *options], term="xterm-256color")
    terminal.wait_for("Maps 12")
    assert SMCUP in terminal.output
    assert terminal.modes() != terminal.before, "raw mode was never entered"
    return terminal


def assert_restored(terminal, what):
    assert terminal.modes() == terminal.before, f"{what}: terminal modes differ"
    sent = terminal.output
    assert sent.rfind(RMCUP) > sent.rfind(SMCUP), f"{what}: the old screen is not back"
    assert sent.rfind(b"\x1b[?25h") > sent.rfind(b"\x1b[?25l"), f"{what}: cursor still hidden"


def test_quit_restores():
    for key in ("q", "F10"):
        with started("--live") as terminal:
            terminal.press(key)
            assert terminal.wait_end() == 0
            assert_restored(terminal, key)


def test_signals_that_ask_restore():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        with started("--live") as terminal:
            terminal.signal(number)
            assert terminal.wait_end() == 0, number
            assert_restored(terminal, number)


def test_ctrl_c_restores():
    with started("--live") as terminal:
        terminal.press("Ctrl-C")
        assert terminal.wait_end() == 0
        assert_restored(terminal, "Ctrl-C")


def test_crashes_restore_and_stay_crashes():
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL):
        with started("--live") as terminal:
            terminal.signal(number)
            status = terminal.wait_end()
            assert status == -number or sanitized(terminal, status), (number, status)
            assert_restored(terminal, number)


def sanitized(terminal, status):
    """A sanitizer takes a crash for its own and ends with 1."""
    return status != 0 and "Sanitizer" in terminal.errors()


def test_abort_restores():
    with Terminal([SYNTHETIC, "--abort"], term="xterm-256color") as terminal:
        assert terminal.wait_end() != 0
        assert_restored(terminal, "abort")


def test_exit_restores():
    with Terminal([SYNTHETIC, "--exit"], term="xterm-256color") as terminal:
        assert terminal.wait_end() == 7
        assert_restored(terminal, "exit")


def test_terminal_that_goes_away_ends_it():
    terminal = started("--live")
    os.close(terminal.slave)
    os.close(terminal.master)
    end = time.monotonic() + 20
    while terminal.process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    ended = terminal.process.poll()
    terminal.process.kill()
    terminal.process.wait()
    terminal.process.stderr.close()
    assert ended is not None, "it outlives its terminal"


def test_suspend_and_resume():
    with Terminal(["bash", "--norc", "--noprofile", "-i"], term="xterm-256color",
                  extra_env={"PS1": "prompt> "}, errors_to_terminal=True) as terminal:
        terminal.wait_for("prompt>")
        terminal.send(f"{os.path.abspath(SYNTHETIC)} --live\n".encode())
        terminal.wait_for("Maps 12")
        for _ in range(3):
            begin = len(terminal.output)
            terminal.press("Ctrl-Z")
            terminal.wait_for("Stopped")
            assert RMCUP in terminal.output[begin:], "stopped with the screen still taken"
            begin = len(terminal.output)
            terminal.screen.reset()
            terminal.send(b"fg\n")
            terminal.wait_for("Maps 12")
            assert SMCUP in terminal.output[begin:]
            terminal.wait_for("suspended for")
        terminal.press("q")
        terminal.screen.reset()
        terminal.send(b"echo status $?\n")
        terminal.wait_for("status 0")


def test_stop_without_notice_and_continue():
    with started() as terminal:
        terminal.signal(signal.SIGSTOP)
        time.sleep(0.2)
        terminal.screen.reset()
        terminal.signal(signal.SIGCONT)
        terminal.wait_for("Maps 12")
        assert stop(terminal) == 0
        assert_restored(terminal, "stop and continue")


def test_suspend_where_nobody_could_resume():
    with started() as terminal:
        terminal.press("Ctrl-Z")  # the kernel does not stop an orphaned process group
        terminal.press("?")
        terminal.wait_for("Help")


def test_random_keys():
    count = int(os.environ.get("GOMAPTOP_RANDOM_KEYS", "3000"))
    dice = random.Random(int(os.environ.get("GOMAPTOP_RANDOM_SEED", "1")))
    # Ctrl-Z is left out as well: the terminal throws away what was typed before it.
    choices = [key for name, key in KEYS.items() if name not in ("F10", "Ctrl-C", "Ctrl-Z")]
    choices += [c.encode() for c in "jkhlgGsrwp?Z/0"] + [b"\x1b[", b"\xff", b"\xe5\x9c\xb0"]
    with Terminal([SYNTHETIC, "--live", "--hostile", "--short-maps", "40", "--lost", "1",
                   "--interval-ms", "20", "--depth", "40"], term="xterm-256color") as terminal:
        terminal.wait_for("Maps")
        for i in range(count):
            terminal.send(dice.choice(choices))
            if i % 50 == 0:
                terminal.resize(dice.randint(1, 70), dice.randint(1, 210))
            if i % 10 == 0:
                terminal.read(0)
            assert i % 100 or terminal.process.poll() is None, f"ended at key {i}: " \
                + terminal.errors()
        terminal.resize(24, 80)
        terminal.press("Esc", "Esc", "Esc", "Esc", "Esc", "Esc", "Esc", "Esc")
        terminal.wait_for("q quit")
        terminal.press("q")
        assert terminal.wait_end() == 0, terminal.errors()
        assert_restored(terminal, "random keys")
        assert "Sanitizer" not in terminal.errors()


if __name__ == "__main__":
    sys.exit(main(globals()))
