#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the screen shows in each view, and what it says where it shows nothing.

Filled by the synthetic load, whose clock and dice are fixed.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import SIZES, colors_sent, synthetic  # noqa: E402
from terminal import stop  # noqa: E402
from testing import main  # noqa: E402

# ---- what is shown -------------------------------------------------------------------------------

def test_all_panes_at_every_size():
    for rows, columns in SIZES:
        with synthetic(rows=rows, columns=columns) as terminal:
            terminal.wait_for("quit")
            terminal.settle()
            text = terminal.text()
            for pattern in (r"gomaptop +ledgerd 4242 +go1\.24\.4 swiss +running",
                            r"\d+ conflicts +\S+ ops/s +overhead \d", "lost 0", "armed 100%",
                            r"Maps 12", "by verdict", "Heat", r"Goroutines 24",
                            "Conflicts and call chains", r"read-write +\d+×", "verdict",
                            r"id +line +map .*wr/s", "confl", r"all maps",
                            r"1 ?2 ?3 ?4 ?5 ?6 ?7 ?8 ?9 >100",
                            r"Enter open", r"\? help", "q quit"):
                assert re.search(pattern, text), f"no {pattern!r} at {columns}x{rows}:\n{text}"
            lines = text.split("\n")
            assert len(lines) == rows and max(map(len, lines)) <= columns


def test_two_lines_without_a_key():
    """The pair of source lines of the worst conflict is there at once."""
    with synthetic() as terminal:
        terminal.wait_for(r"read +ledger\.go:20 main\.\(\*ledger\)\.credit")
        terminal.wait_for(r"write +ledger\.go:30 main\.\(\*ledger\)\.debit")


def test_enter_drills_down_and_esc_comes_back():
    for rows, columns in SIZES:
        with synthetic(rows=rows, columns=columns) as terminal:
            terminal.wait_for("Maps 12")
            terminal.settle()
            overview = terminal.text()
            terminal.press("Enter")
            terminal.wait_for(r"Map m\d+ +map\[uint64\]\*main\.Account")
            terminal.wait_for(r"Proven: two goroutines were inside operations")
            assert re.search(r"first used +ledger\.go:20", terminal.text())
            assert re.search(r"0xc000\w+ in process 4242", terminal.text())
            in_map = terminal.text()
            terminal.press("Enter")
            terminal.wait_for(r"Conflict: read-write on m\d+")
            text = terminal.text()
            for pattern in (r"Seen \d+ times, [\d.]+/s now; first \d+s ago, last \d+s ago",
                            r"held for \d+us; the second came \d+us into it",
                            r"read by goroutine \d+ thread \d+ .*│ write by goroutine \d+ thread",
                            r"in runtime\.mapaccess2_fast64 +│ in runtime\.mapassign_fast64",
                            r"created by main\.go:\d+ main\.main", r"\d\d:\d\d:\d\d\.\d{6}",
                            r"main\.\(\*ledger\)\.credit +│ .*main\.\(\*ledger\)\.debit"):
                assert re.search(pattern, text), f"no {pattern!r} at {columns}x{rows}:\n{text}"
            if columns >= 120:
                assert re.search(r"goroutine \d+ thread \d+ \(http\.\(\*conn\)\.serve\)", text)
                assert re.search(r"created by main\.go:\d+ main\.main\.func2 in goroutine 1", text)
            terminal.press("Esc")
            assert terminal.text() == in_map
            terminal.press("Backspace")
            assert terminal.text() == overview


def test_whole_paths_where_there_is_room():
    with synthetic(rows=40, columns=120) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("Enter", "Enter")
        terminal.wait_for(r"/\S+/ledger\.go:20 +│ +/\S+/ledger\.go:30")


def test_heat_has_digits_without_colour():
    with synthetic("--color", "never", rows=40, columns=120) as terminal:
        terminal.wait_for("Heat")
        terminal.settle()
        assert not colors_sent(terminal.output)
        assert re.search(r"░3░|▒5▒|▓6▓", terminal.text()), terminal.text()


def test_heat_colours_and_selection_are_attributes():
    with synthetic() as terminal:
        terminal.wait_for("Heat")
        terminal.settle()
        cells = [cell for line in terminal.attributes() for cell in line]
        heat = {cell[2] for cell in cells if cell[0] in "56" and cell[2] != "default"}
        assert len(heat) >= 2, "levels differ in nothing but the digit"
        assert any(cell[2] == "005f87" for cell in cells), "no selected row"


def test_ascii_where_there_is_no_utf8():
    with synthetic(locale="C") as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        assert terminal.text().isascii(), terminal.text()
        assert re.search(r"^> conflict", terminal.text(), re.M)


def test_plain_terminals():
    for term in ("linux", "xterm", "vt100", "screen", "xterm-256color"):
        with synthetic(term=term) as terminal:
            terminal.wait_for("Maps 12")
            terminal.wait_for("quit")
            assert stop(terminal) == 0


# ---- what is not shown: reasons ------------------------------------------------------------------

def test_losses_are_never_called_no_conflict():
    with synthetic("--lost", "3", "--conflict-maps", "0", "--conflicts", "0") as terminal:
        terminal.wait_for(r"none seen, 30 events lost")
        terminal.wait_for(r"None seen, 30 events lost")
        assert not re.search("no conflict", terminal.text(), re.I), terminal.text()
        terminal.press("Enter")
        assert not re.search("no conflict", terminal.text(), re.I), terminal.text()


def test_no_conflict_says_how_hard_it_looked():
    with synthetic("--conflict-maps", "0", "--conflicts", "0", columns=200) as terminal:
        terminal.wait_for(r"No conflict seen yet: \d+ holds, [\d.]+ +overlaps")


def test_empty_panes_say_why():
    with synthetic("--ticks", "0", "--maps", "1", "--conflict-maps", "0") as terminal:
        terminal.wait_for("Waiting for the first counts")
        terminal.wait_for("No map is selected")
        for key in ("Enter", "Down", "End", "PgDn", "Tab", "Enter", "Tab", "Enter", "Down", "Tab",
                    "Enter", "Right", "s", "Space", "Space"):
            terminal.press(key)
        assert terminal.process.poll() is None


def test_targets_that_are_gone():
    with synthetic("--gone", "--crash", "9", columns=120) as terminal:
        terminal.wait_for("The target has ended; what was seen stays")
        terminal.wait_for("crashed +fatal error: concurrent map writes")
        terminal.press("Down")
        terminal.wait_for("q quit")
        assert terminal.process.poll() is None


if __name__ == "__main__":
    sys.exit(main(globals()))
