#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Settings are kept, and a broken file of them is told of and kept."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import synthetic  # noqa: E402
from testing import main  # noqa: E402


def with_settings(folder, *options, **kwargs):
    return synthetic(*options, extra_env={"XDG_CONFIG_HOME": folder}, **kwargs)


def test_settings_are_kept():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gomaptop", "config")
        with with_settings(folder) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press("S", "F2")
            terminal.wait_for("Palette of heat: viridis")
            terminal.press("Enter")
            terminal.wait_for("Palette of heat: cividis")
            terminal.press("Down", "Down", "Enter")
            terminal.wait_for(r"\[ \] maps: verdict")
            terminal.send(b"G")
            terminal.press("Enter")
            terminal.send(b"\x15Z F12\r")
            terminal.wait_for("Keys Z F12 ")
            terminal.press("Esc")
            terminal.wait_for("settings saved to")
            terminal.press("Down")
            assert "verdict" not in terminal.text()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert re.search(r"^palette = cividis$", text, re.M), text
        assert re.search(r"^maps.sort = unord$", text, re.M), text
        assert re.search(r"^maps.hide = verdict$", text, re.M), text
        assert re.search(r"^key.redraw = Z F12$", text, re.M), text
        assert os.stat(path).st_mode & 0o777 == 0o600
        with with_settings(folder) as terminal:
            terminal.wait_for("Maps 12")
            terminal.wait_for("by unord")
            assert "verdict" not in terminal.text()
            sent = len(terminal.output)
            terminal.press("Z")
            assert len(terminal.output) - sent > 1000


def test_broken_settings_are_said_and_kept():
    for text, reason in (("palette = mauve\n", "line 1: no such palette: mauve"),
                         ("\n# x\nmaps.sort = nothing\n", "line 3: there is no column"),
                         ("key.quit =\n", "line 1: QUIT needs a key"),
                         ("key.help = q\n", "q is the key of two actions"),
                         ("panes.hide = maps, heat, goroutines, chains\n", "not all panes"),
                         ("what is this\n", "line 1: not \"name = value\""),
                         ("\x00\xff\n" * 3 + "x" * 5000, "line")):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "gomaptop"))
            path = os.path.join(folder, "gomaptop", "config")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            with with_settings(folder, columns=200) as terminal:
                terminal.wait_for(re.escape(reason) if reason != "line" else "settings ignored")
                terminal.wait_for("by verdict")
                with open(path, encoding="utf-8") as file:
                    assert file.read() == text
                terminal.press("O", "Esc")
                terminal.wait_for("the broken one is kept beside it")
            with open(path + ".broken", encoding="utf-8") as file:
                assert file.read() == text


def test_keys_that_cannot_be():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("O", "End", "Enter")
        terminal.send(b"\x15q\r")
        terminal.wait_for("keys not changed: q is the key of two actions, CLOSE and REDRAW")
        terminal.wait_for("Keys Ctrl-L")
        terminal.press("Enter")
        terminal.send(b"\x15Hyper\r")
        terminal.wait_for("keys not changed: there is no key Hyper")
        terminal.press("Esc")
        terminal.wait_for("settings not saved to /dev/null/gomaptop")


if __name__ == "__main__":
    sys.exit(main(globals()))
