#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the first screen says before any key: which map to look at, since when, of which process."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import synthetic  # noqa: E402
from testing import main  # noqa: E402

QUIET = ("--conflicts", "0", "--conflict-maps", "0", "--ticks", "100")
UNORDERED = (*QUIET, "--unordered-maps", "2", "--unordered", "0.4")
ORDER = ("conflict", "unordered", "suspect", "guarded", "shared", "local")


def maps_pane(terminal):
    """(title, rows) of the maps pane, without what stands beside it."""
    lines = [re.split("[│]", line)[0] for line in terminal.text().split("\n")]
    rows = [line[2:] for line in lines if line[2:].split(" ")[0] in ORDER]
    return next(line[2:] for line in lines if line.startswith("  verdict")), rows


def ready(terminal):
    terminal.wait_for("Maps 1[0-9]")
    terminal.settle()


def test_rows_stand_in_the_order_of_what_is_to_be_done():
    for options in (("--ticks", "100"), UNORDERED, QUIET):
        with synthetic(*options, rows=40) as terminal:
            ready(terminal)
            title, rows = maps_pane(terminal)
            found = [ORDER.index(row.split()[0]) for row in rows]
            assert len(found) > 9 and found == sorted(found), rows
            end = title.index("exp") + 3
            suspects = [float(row[end - 5:end]) for row in rows if row.startswith("suspect")]
            assert suspects == sorted(suspects, reverse=True) and len(suspects) > 1, rows


def test_what_tells_maps_apart_stands_in_the_row():
    with synthetic(*UNORDERED) as terminal:
        ready(terminal)
        title, rows = maps_pane(terminal)
        assert "unord" in title and "confl" not in title, title
        for row in rows:
            assert re.match(r"\w+ +m\d+ +[\w.…]+\.?go:\d+ |\w+ +m\d+ +\w+…:\d+ ", row), row


def test_the_heatmap_comes_with_the_first_finding():
    with synthetic(*QUIET) as terminal:
        ready(terminal)
        assert "Heat" not in terminal.text()
        title, _ = maps_pane(terminal)
        assert "rd/s" in title and "exp" in title, title
        terminal.press("v")
        terminal.wait_for("the heatmap comes with the first")
        terminal.press("Tab")
        terminal.settle()
        assert "Heat" not in terminal.text()
    for options in (UNORDERED, ("--ticks", "100")):
        with synthetic(*options) as terminal:
            ready(terminal)
            text = terminal.text()
            assert re.search(r"│first +-\d+s", text), text
            assert re.search(r"│ +\d+s [1-9·]{12}$", text, re.M), text


def test_one_key_leads_to_depth_by_frequency():
    with synthetic("--ticks", "100", columns=120) as terminal:
        ready(terminal)
        terminal.press("v")
        terminal.wait_for("Heat: depth, frequency|Heat: conflicts by call-chain depth")


def test_processes_are_told_apart():
    with synthetic("--ticks", "50", "--processes", "3", columns=100) as terminal:
        ready(terminal)
        title, rows = maps_pane(terminal)
        assert " pid " in title and {row.split()[2] for row in rows} == {"4242", "4243", "4244"}
        assert re.search(r"^ +pid +goid ", terminal.text(), re.M), terminal.text()
        terminal.send(b"\\pid:4243\r")
        terminal.wait_for(r"Maps 4 of 12")
        _, rows = maps_pane(terminal)
        assert {row.split()[2] for row in rows} == {"4243"}, rows
        terminal.wait_for(r"Goroutines 8 of 24")
    with synthetic("--ticks", "50", columns=100) as terminal:
        ready(terminal)
        assert " pid " not in terminal.text()


def test_a_list_of_processes():
    with synthetic("--ticks", "50", "--processes", "3", "--crash", "40", columns=100) as terminal:
        ready(terminal)
        terminal.press("d", "P")
        terminal.wait_for(r"Processes 3")
        text = terminal.text()
        rows = re.findall(r"^[▸ ] +(424\d) +(running|crashed) +(\S+) .*go1\.24\.4.*ledgerd",
                          text, re.M)
        assert len(rows) == 3 and sum(state == "crashed" for _, state, _ in rows) == 1, text
        assert rows[0][2] != "0", text
        terminal.press("Down", "Enter")
        terminal.wait_for(f"only process {rows[1][0]} is shown")
        terminal.wait_for("Maps 4 of 12")
        terminal.press("u")
        terminal.wait_for("Maps 12")


def test_unknown_pairs_are_explained_where_they_stand():
    with synthetic(*UNORDERED) as terminal:
        ready(terminal)
        terminal.press("Down", "Down", "Enter")
        terminal.wait_for("Map m11")
        terminal.settle()
        said = re.sub(r"\s+", " ", terminal.text())
        assert re.search(r"pairs [\d,]+: [\d,]+ unknown, 0 unordered; unknown: not all that the "
                         "two did in between was seen", said), said


def test_help_begins_with_words_and_then_the_keys_of_the_view():
    for keys, name in (((), "overview"), (("Enter",), "map"), (("P",), "processes")):
        with synthetic("--ticks", "50", rows=60) as terminal:
            ready(terminal)
            terminal.press(*keys, "?")
            terminal.wait_for("Verdicts of maps")
            lines = terminal.text().split("\n")
            assert lines[3].strip() == "Verdicts of maps", lines[3]
            for word in ("exp", "unord", "unknown", "heat", "armed", "~"):
                assert any(line.startswith(f"  {word} ") for line in lines), word
            terminal.send(b"/Keys here\r")
            terminal.wait_for(f"Keys here: {name}")
            text = terminal.text()
            first = re.search(rf"Keys here: {name}\n +(\S+)", text).group(1)
            assert first in ("Right", "Enter"), text


def test_the_bell_rings_once_and_the_title_says_why():
    for options, rings, term in ((("--bell",), 1, "xterm-256color"), (("--bell",), 1, "vt100"),
                                 ((), 0, "xterm-256color")):
        with synthetic("--ticks", "5", "--live", *options, term=term) as terminal:
            terminal.wait_for("Maps 12")
            terminal.settle(0.5, 2)
            terminal.press("q")
            terminal.wait_end()
            output = terminal.output
            title = b"\x1b]2;gomaptop: conflict in ledgerd\a"
            assert (title in output) == (rings > 0 and term != "vt100"), output[-300:]
            assert (b"\x1b[23;2t" in output) == (title in output)
            assert output.replace(title, b"").count(b"\a") == rings, output[-300:]


if __name__ == "__main__":
    sys.exit(main(globals()))
