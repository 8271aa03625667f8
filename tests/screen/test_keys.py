#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What single keys and the mouse do."""
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import pane_line, synthetic  # noqa: E402
from terminal import PATIENCE  # noqa: E402
from testing import main  # noqa: E402


def test_selection_moves_and_follows():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        terminal.press("Down", "j", "Down")
        chosen = pane_line(terminal, "▸").split("│")[0].split()[2]
        terminal.press("s")
        terminal.wait_for("by id")
        assert pane_line(terminal, "▸").split("│")[0].split()[2] == chosen
        terminal.press("End")
        last = pane_line(terminal, "▸")
        terminal.press("Home")
        assert pane_line(terminal, "▸") != last


def test_sort_by_any_column_and_back():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        first = pane_line(terminal, "▸")
        terminal.press(*"SSSS")
        terminal.wait_for("by gors")
        terminal.press("I")
        terminal.wait_for("by gors, smallest first")
        top = terminal.text().split("\n")[4]
        assert re.search(r" local .* 0 +- ?│", top), top
        terminal.press(*"ssss")
        terminal.wait_for("by verdict ")
        assert pane_line(terminal, "▸") == first


def test_click_on_a_title_sorts_and_on_a_row_selects():
    with synthetic() as terminal:
        terminal.wait_for("by verdict")
        terminal.settle()
        column = terminal.text().split("\n")[3].index("wr/s")
        terminal.click(3, column + 1)
        terminal.wait_for("by wr/s")
        terminal.click(6, 10)
        terminal.settle()
        assert "▸" in terminal.text().split("\n")[6]
        terminal.click(6, 10)
        terminal.wait_for(r"Map m\d+")


def test_wheel_moves_the_pane_under_it():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        terminal.wheel(5, 10, down=True)
        terminal.settle()
        assert "▸" in terminal.text().split("\n")[7]
        terminal.wheel(5, 10, down=False)
        terminal.settle()
        assert "▸" in terminal.text().split("\n")[4]


def test_filter_stays_and_is_taken_back():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.send(b"\\func:Expire")
        terminal.wait_for("filter func:Expire")
        terminal.press("Enter")
        terminal.wait_for(r"Maps \d of 12")
        terminal.wait_for("filter func:Expire")
        terminal.press("Down", "Up")
        assert re.search(r"Maps \d of 12", terminal.text())
        terminal.send(b"\\\x15~[(\r")
        terminal.wait_for("no regular expression")
        terminal.press("u")
        terminal.wait_for("everything is shown again")
        terminal.wait_for("Maps 12")
        terminal.press("u")
        terminal.wait_for("no filter to take back")


def test_filter_that_hides_all_says_so():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.send(b"\\nothing has this\r")
        terminal.wait_for('None of the 12 maps matches the filter "nothing has')
        terminal.press("u")
        terminal.wait_for("Maps 12")


def test_search_goes_on_and_round():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        terminal.send(b"/is:local\r")
        terminal.wait_for("▸ local")
        first = pane_line(terminal, "▸")
        terminal.press("n")
        terminal.settle()
        second = pane_line(terminal, "▸")
        assert second != first and "local" in second
        terminal.press("N")
        terminal.settle()
        assert pane_line(terminal, "▸") == first
        terminal.send(b"/no such thing\r")
        terminal.wait_for('"no such thing" is not found here')


def test_escape_leaves_a_question():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.send(b"/abc")
        terminal.wait_for("search abc")
        terminal.press("Esc")
        terminal.wait_for("q quit")
        assert "search abc" not in terminal.text()


def test_zoom_hide_and_sizes():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        before = terminal.text()
        terminal.press("z")
        terminal.settle()
        assert "Goroutines" not in terminal.text() and "Heat" not in terminal.text()
        terminal.press("z", "Tab", "x")
        terminal.wait_for("pane hidden")
        assert "Heat" not in terminal.text() and "Goroutines" in terminal.text()
        terminal.press("+", "+", "-")
        terminal.press("X", "Shift-Tab", "Shift-Tab")
        terminal.settle()
        assert "Heat" in terminal.text()
        after = terminal.text()
        assert sorted(before.split("\n")[4].split()) == sorted(after.split("\n")[4].split())


def test_next_conflict_from_anywhere():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("c")
        terminal.wait_for("Conflict: ")
        first = terminal.text()
        terminal.press("c")
        terminal.settle()
        assert terminal.text() != first
        terminal.press("C")
        terminal.settle()
        assert terminal.text() == first


def test_interval_is_adjusted():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("]")
        terminal.wait_for("refreshed every 200ms")
        terminal.press("[", "[")
        terminal.wait_for("refreshed every 100ms")


def test_heat_by_time_and_by_frequency():
    with synthetic("--ticks", "100", rows=30, columns=100) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press(*"vvv")
        terminal.wait_for("Heat: depth by time")
        terminal.settle()
        text = terminal.text()
        assert re.search(r"-23s +-13s +-3s", text), text
        assert re.search(r"│ +7 [67]{24}$", text, re.M), text
        assert re.search(r"│ +8 ·{24}$", text, re.M), text
        terminal.press("v")
        terminal.wait_for("Heat: conflicts by time")
        terminal.press("v")
        terminal.wait_for("Heat: depth, frequency")
        bars = re.findall(r"│ +(\d+) (6+) (\d+) +[\d.]+/s", terminal.text())
        assert len(bars) == 2 and len(bars[0][1]) >= len(bars[1][1]), terminal.text()
        conflicts = re.search(r"conflict +m2 .* (\S+) +\d+│", terminal.text()).group(1)
        total = sum(int(bar[2]) for bar in bars)
        assert conflicts == f"{total / 1000:.1f}k", (conflicts, total)
        terminal.press("v")
        terminal.wait_for("Heat: conflicts by depth")


def test_heat_cell_opens_what_is_behind_it():
    with synthetic("--ticks", "100", rows=30, columns=100) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("v", "v", "Tab", *["Right"] * 7, "Enter")
        terminal.wait_for(r"Map m2 ")
        at_seven = re.findall(r"(read|write|iterate)-write +\d+×", terminal.text())
        assert at_seven, terminal.text()
        terminal.press("Esc", "Right", "Enter")
        terminal.wait_for("None of its conflicts was seen in the range")
        terminal.press("Esc")
        terminal.wait_for("Maps 12")
        assert "range" not in terminal.text().split("\n")[0]


def test_heat_range_restricts_all_panes():
    with synthetic("--ticks", "100", rows=30, columns=100) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("v", "v", "v", "Tab", "Up", "Left", "Left", "b")
        terminal.wait_for("move to the other end of the range")
        terminal.press("Left", "Left", "Enter")
        terminal.wait_for(r"only conflicts at depth 11, 5s to 2s ago")
        terminal.wait_for(r"Maps 2 of 12")
        assert re.search(r"Goroutines \d+ of 24", terminal.text())
        assert " range " in terminal.text().split("\n")[0]
        terminal.press("u")
        terminal.wait_for("the range is lifted")
        terminal.wait_for("Maps 12")


def test_tab_goes_round():
    focused = []
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        for _ in range(5):
            terminal.settle()
            focused.append("".join(cell[0] for line in terminal.attributes() for cell in line
                                   if cell[2] == "87afd7" and cell[3]).replace("gomaptop", ""))
            terminal.press("Tab")
        assert len(set(focused[:4])) == 4 and focused[0] == focused[4], focused
        terminal.press("Shift-Tab", "Shift-Tab")


def test_every_pane_opens():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("Tab", "Enter")
        terminal.wait_for(r"Map m\d+")
        terminal.press("Esc", "Tab", "Enter")  # goroutines
        terminal.wait_for(r"Goroutine \d+")
        terminal.press("Esc")
        with_chains = ("Tab",) if "Conflict:" not in terminal.text() else ()
        terminal.press(*with_chains, "Enter")
        terminal.wait_for(r"Conflict: |Map m|Chain")
    with synthetic(rows=40, columns=120) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("Tab", "Tab", "Tab", "End")
        before = terminal.text()
        terminal.press("Enter")
        assert terminal.text() != before, "Enter does not open a call chain"


def test_freeze_stands_still_and_collection_goes_on():
    with synthetic("--live") as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("Space")
        terminal.wait_for("PAUSED")
        terminal.settle()
        frozen = terminal.text()
        # Meanwhile everything can be looked at.
        terminal.press("Down", "Enter", "Enter", "Esc", "Esc", "Up")
        time.sleep(1)
        terminal.settle()
        assert terminal.text() == frozen
        terminal.press("Space")
        end = time.monotonic() + PATIENCE
        count = re.compile(r"([\d.]+k?) conflicts")
        while count.search(terminal.text()).group(1) == count.search(frozen).group(1):
            assert time.monotonic() < end, "nothing was collected meanwhile"
            terminal.read(0.1)
        assert "PAUSED" not in terminal.text()


def test_snapshot_says_where_or_why_not():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s.json")
        with synthetic("--snapshot", path, columns=200) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press("w")
            terminal.wait_for("snapshot written to " + re.escape(path))
            assert os.path.exists(path)
            terminal.press("Down")
            terminal.wait_for("q quit")
        with synthetic("--snapshot", os.path.join(folder, "no/s.json"), columns=200) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press("w")
            terminal.wait_for("no snapshot written: cannot write")


def test_reset_begins_again():
    with synthetic() as terminal:
        terminal.wait_for(r"200 conflicts")
        terminal.press("Enter", "r", "y")
        terminal.wait_for("counts and conflicts forgotten")
        assert "200 conflicts" not in terminal.text()


def test_keys_that_mean_nothing():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        before = terminal.text()
        terminal.send(b"Z@0\x01\x1b[1;5A\x1b[24~\xff\xfe\xc3\xa9")
        terminal.settle()
        assert terminal.text() == before


if __name__ == "__main__":
    sys.exit(main(globals()))
