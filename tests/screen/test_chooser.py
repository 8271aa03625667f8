#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The chooser of processes, on a synthetic list of them."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import synthetic  # noqa: E402
from testing import main  # noqa: E402


def test_chooser_chooses():
    with synthetic("--choose", "6") as terminal:
        terminal.wait_for("Which Go process")
        terminal.wait_for(r"1000 root +97\.5 +\d+m go1\.20\.0 +/usr/local/bin/ledgerd")
        terminal.press("Down", "Enter")
        assert terminal.wait_end() == 0
        assert b"chosen 1017" in terminal.output
    with synthetic("--choose", "6") as terminal:
        terminal.wait_for("Which Go process")
        terminal.press("q")
        assert terminal.wait_end() == 0
        assert b"chosen 0" in terminal.output


def test_chooser_filters():
    with synthetic("--choose", "7") as terminal:
        terminal.wait_for("Which Go process")
        terminal.press("/", "e", "t", "c", "d")
        assert "ledgerd" not in terminal.text() and "etcd" in terminal.text(), terminal.text()
        terminal.press("Enter")
        assert terminal.wait_end() == 0
        assert b"chosen 1034" in terminal.output
    with synthetic("--choose", "7") as terminal:
        terminal.wait_for("Which Go process")
        terminal.press("/", "z", "z")
        terminal.wait_for("None of the 6 Go processes matches 'zz'")
        terminal.press("Esc")
        terminal.wait_for("ledgerd")


def test_chooser_says_when_there_is_nothing():
    with synthetic("--choose", "1") as terminal:
        terminal.wait_for("No Go process that you may watch runs here. Start one")


if __name__ == "__main__":
    sys.exit(main(globals()))
