#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The screen on a pseudo-terminal: what it shows, what keys do, what happens at its edges.

Filled by the synthetic load, whose clock and dice are fixed. `test_screen.py NAME...` runs only
the tests whose names contain one of the words.
"""
import base64
import concurrent.futures
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import PATIENCE, SYNTHETIC, Terminal, key_bytes, stop  # noqa: E402
from testing import main  # noqa: E402

SIZES = ((24, 80), (40, 120), (60, 200))


def synthetic(*options, rows=24, columns=80, **kwargs):
    return Terminal([SYNTHETIC, *options], rows, columns, **kwargs)


def pane_line(terminal, pattern):
    """The only line of the screen that matches."""
    lines = [line for line in terminal.text().split("\n") if re.search(pattern, line)]
    assert len(lines) == 1, f"{len(lines)} lines match {pattern!r}:\n{terminal.text()}"
    return lines[0]


def colors_sent(output):
    """Colours among the attributes that were sent, the terminal's own not counted."""
    attributes = b";".join(re.findall(rb"\x1b\[([0-9;]*)m", output)).split(b";")
    return [code for code in attributes if re.fullmatch(rb"[349][0-8]|10[0-7]", code)]


# ---- what is shown ---------------------------------------------------------------------------------

def test_all_panes_at_every_size():
    for rows, columns in SIZES:
        with synthetic(rows=rows, columns=columns) as terminal:
            terminal.wait_for("quit")
            terminal.settle()
            text = terminal.text()
            for pattern in (r"gomaptop +ledgerd 4242 +go1\.24\.4 swiss +running",
                            r"\d+ conflicts +\S+ ops/s +overhead \d", "lost 0", "armed 100%",
                            r"Maps 12", "by confl", "Heat", r"Goroutines 24",
                            "Conflicts and call chains", r"read-write +\d+×", "verdict",
                            r"rd/s wr/s de/s", "confl", r"all maps", r"1 ?2 ?3 ?4 ?5 ?6 ?7 ?8 ?9 >100",
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


# ---- what is not shown: reasons --------------------------------------------------------------------

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


# ---- keys ----------------------------------------------------------------------------------------------

def test_selection_moves_and_follows():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        terminal.press("Down", "j", "Down")
        chosen = pane_line(terminal, "▸").split("│")[0].split()[2]
        terminal.press("s")
        terminal.wait_for("by exp")
        assert pane_line(terminal, "▸").split("│")[0].split()[2] == chosen
        terminal.press("End")
        last = pane_line(terminal, "▸")
        terminal.press("Home")
        assert pane_line(terminal, "▸") != last


def test_sort_by_any_column_and_back():
    with synthetic() as terminal:
        terminal.wait_for("▸ conflict")
        first = pane_line(terminal, "▸")
        terminal.press("S")
        terminal.wait_for("by gors")
        terminal.press("I")
        terminal.wait_for("by gors, smallest first")
        top = terminal.text().split("\n")[4]
        assert re.search(r" 1 +0 +- ?│", top), top
        terminal.press("s")
        terminal.wait_for("by confl ")
        assert pane_line(terminal, "▸") == first


def test_click_on_a_title_sorts_and_on_a_row_selects():
    with synthetic() as terminal:
        terminal.wait_for("by confl")
        terminal.settle()
        column = terminal.text().split("\n")[3].index("rd/s")
        terminal.click(3, column + 1)
        terminal.wait_for("by rd/s")
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
        assert sorted(before.split("\n")[4].split()) == sorted(terminal.text().split("\n")[4].split())


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
        terminal.press("v")
        terminal.wait_for("Heat: depth by time")
        terminal.settle()
        text = terminal.text()
        assert re.search(r"-23s +-13s +-3s", text), text
        assert re.search(r"│ +7 [67]{24}$", text, re.M), text
        assert re.search(r"│ +8 ·{24}$", text, re.M), text
        terminal.press("v")
        terminal.wait_for("Heat: depth, frequency")
        bars = re.findall(r"│ +(\d+) (6+) (\d+) +[\d.]+/s", terminal.text())
        assert len(bars) == 2 and len(bars[0][1]) >= len(bars[1][1]), terminal.text()
        conflicts = re.search(r"conflict m2 .* (\S+) +\d+│", terminal.text()).group(1)
        total = sum(int(bar[2]) for bar in bars)
        assert conflicts == f"{total / 1000:.1f}k", (conflicts, total)
        terminal.press("v")
        terminal.wait_for("Heat: conflicts by depth")


def test_heat_cell_opens_what_is_behind_it():
    with synthetic("--ticks", "100", rows=30, columns=100) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("Tab", *["Right"] * 7, "Enter")
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
        terminal.press("v", "Tab", "Up", "Left", "Left", "b")
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
        terminal.press("Enter", "r")
        terminal.wait_for("counts and conflicts forgotten")
        assert "200 conflicts" not in terminal.text()


def test_help_lists_every_key():
    rows = actions()
    assert len(rows) > 30
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("?")
        seen = terminal.text()
        for _ in range(6):
            terminal.press("PgDn")
            seen += terminal.text()
        for _, keys, _ in rows:
            key = " ".join(keys)
            assert re.search(r"^ +" + re.escape(key) + r"\s", seen, re.M), f"{key} is not there"
        terminal.press("Esc")
        terminal.wait_for("Maps 12")


def test_keys_that_mean_nothing():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        before = terminal.text()
        terminal.send(b"Z@0\x01\x1b[1;5A\x1b[24~\xff\xfe\xc3\xa9")
        terminal.settle()
        assert terminal.text() == before


# ---- every key of the help, in every view where it is for --------------------------------------------

def actions():
    """[(identifier, [keys], letters of views)] from the table that the help is made of."""
    header = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tui/keymap.h")
    with open(header, encoding="utf-8") as source:
        table = re.search(r"#define ACTIONS\(X\)(.*?)\n\n", source.read(), re.S).group(1)
    rows = re.findall(r'X\((\w+),\s*"((?:[^"\\]|\\.)*)",\s*"([^"]*)"', table)
    return [(name, keys.replace("\\\\", "\\").split(), where) for name, keys, where in rows]


# How to get into each view, with something selected that can be moved in both directions.
WAYS = {"u": ("O", "Down", "Down"), "o": ("Down", "Down", "Down"), "m": ("Enter", "Down", "Down"), "c": ("Enter", "Enter", "Down"),
        "g": ("Tab", "Tab", "Down", "Enter", "Down"), "t": ("t", "Down", "Down"),
        "s": ("m", "Down", "Down"), "h": ("?", "Down", "Down")}

# What must come before a key for it to have something to do.
BEFORE = {"UNDO": (b"\x1b", b"\\map\r"), "NEXT_MATCH": (b"/is:local\r",),
          "PREV_MATCH": (b"/is:local\r",), "SHOW_ALL": (b"z",), "SLOWER": (), "PAGE_UP": (b"G",),
          "HOME": (b"G",)}


def effect_of(terminal, key):
    """Whether the key changed the screen, made the program end, or sent the frame again."""
    terminal.settle()
    sent, cells = len(terminal.output), terminal.attributes()
    terminal.press(key)
    if re.match(r"nothing|no filter", terminal.text().split("\n")[-1]):
        return False  # it only says that there is nothing to do
    return (terminal.process.poll() is not None or terminal.attributes() != cells or
            len(terminal.output) - sent > 1000)


# In the overview these are for another pane than the one that has the focus at first.
IN_OTHER_PANE = {"LEFT": ("Tab", "Right", "Right"), "RIGHT": ("Tab",), "MARK": ("Tab", "Right"),
                 "BACK": ("Tab",), "HIDE": ("Tab",)}


def ways(letter, name):
    if letter == "o" and name in IN_OTHER_PANE:
        return IN_OTHER_PANE[name]
    return WAYS[letter] + (("Left",) if letter == "t" and name == "RIGHT" else ())


def is_dead(letter, name, key, patience=0.25):
    with synthetic("--ticks", "60", "--crash", "40", rows=16 if letter == "c" else 24,
                   extra_env={"XDG_RUNTIME_DIR": tempfile.gettempdir()}) as terminal:
        terminal.wait_for("Maps 12")
        if name == "UNDO" and letter != "o":  # what is taken back was done before, elsewhere
            terminal.send(b"\\map\r")
        for way in ways(letter, name):
            terminal.send(key_bytes(way))
        if letter == "m" and name in ("NEXT_MATCH", "PREV_MATCH"):
            terminal.send(b"/ledger\r")
        terminal.settle(patience)
        if letter == "o" or name not in ("UNDO", "NEXT_MATCH", "PREV_MATCH"):
            for data in BEFORE.get(name, ()):
                terminal.send(data)
                terminal.settle(patience)
        if effect_of(terminal, key):
            return False
    # On a machine that is busy, what was sent before may have come late and hidden the effect.
    return patience > 1 or is_dead(letter, name, key, 1.5)


def check_view(letter):
    """Many at a time: they only wait."""
    todo = [(letter, name, key) for name, keys, where in actions() for key in keys
            if letter in where or where == "*"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        dead = [f"{name} {key}" for (_, name, key), is_so
                in zip(todo, pool.map(lambda job: is_dead(*job), todo)) if is_so]
    assert not dead, f"no effect in view {letter!r}: {', '.join(dead)}"


def test_every_key_has_an_effect_in_the_overview():
    check_view("o")


def test_every_key_has_an_effect_in_the_map_view():
    check_view("m")


def test_every_key_has_an_effect_in_the_conflict_view():
    check_view("c")


def test_every_key_has_an_effect_in_the_goroutine_view():
    check_view("g")


def test_every_key_has_an_effect_in_the_call_tree():
    check_view("t")


def test_every_key_has_an_effect_in_the_messages():
    check_view("s")


def test_every_key_has_an_effect_in_the_setup():
    check_view("u")


def test_every_key_has_an_effect_in_the_help():
    check_view("h")


def test_copy_goes_to_the_clipboard_and_to_a_file():
    with tempfile.TemporaryDirectory() as folder:
        with synthetic(extra_env={"XDG_RUNTIME_DIR": folder}) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press("Enter", "Enter", "y")
            terminal.wait_for("copied to the terminal's clipboard and to")
            sent = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.output)
            with open(os.path.join(folder, "gomaptop-copy.txt"), "rb") as file:
                text = file.read()
            assert base64.b64decode(sent.group(1)) == text
            assert re.match(rb"read-write on map\[uint64\]\*main.Account, seen \d+ times\n", text)
            assert b"main.(*ledger).credit\n      /" in text and b"created by\n" in text
            assert os.stat(os.path.join(folder, "gomaptop-copy.txt")).st_mode & 0o777 == 0o600


# ---- settings --------------------------------------------------------------------------------------

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
        assert re.search(r"^maps.sort = gors$", text, re.M), text
        assert re.search(r"^maps.hide = verdict$", text, re.M), text
        assert re.search(r"^key.redraw = Z F12$", text, re.M), text
        assert os.stat(path).st_mode & 0o777 == 0o600
        with with_settings(folder) as terminal:
            terminal.wait_for("Maps 12")
            terminal.wait_for("by gors")
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
                terminal.wait_for("by confl")
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
        terminal.wait_for("keys not changed: q is the key of two actions, QUIT and REDRAW")
        terminal.wait_for("Keys Ctrl-L")
        terminal.press("Enter")
        terminal.send(b"\x15Hyper\r")
        terminal.wait_for("keys not changed: there is no key Hyper")
        terminal.press("Esc")
        terminal.wait_for("settings not saved to /dev/null/gomaptop")


# ---- edges -----------------------------------------------------------------------------------------

def test_hostile_names_stay_names():
    with synthetic("--hostile", "--color", "never", "--maps", "40") as terminal:
        terminal.wait_for("Maps 40")
        for _ in range(12):
            terminal.press("Down", "Enter", "Enter", "Esc", "Esc")
        sent = terminal.output
        assert not colors_sent(sent), "a colour of a name got through"
        assert b"\x1b]" not in sent and b"\x1b[2J" not in sent[len(sent) // 2:]
        sent.decode("utf-8")  # nothing but UTF-8


def test_long_and_deep():
    for rows, columns in SIZES + ((10, 40), (15, 50), (100, 400)):
        with synthetic("--maps", "500", "--depth", "64", "--goroutines", "900", "--processes", "4",
                       rows=rows, columns=columns) as terminal:
            terminal.wait_for(r"Maps [45]\d\d")
            terminal.press("End", "PgUp", "Tab", "Right", "Right", "Tab", "End", "Tab", "End",
                           "Enter", "Esc", "Home", "Enter", "End", "Esc", "Esc")
            assert "4 processes" in terminal.text() or columns < 60, terminal.text()


def test_too_small_says_so():
    for rows, columns in ((9, 80), (24, 39), (1, 20), (2, 1)):
        with synthetic(rows=rows, columns=columns) as terminal:
            terminal.settle()
            assert columns < 10 or "gomaptop" in terminal.text()
            terminal.press("Enter", "?", "Down")
            terminal.resize(24, 80)
            terminal.press("Esc", "Esc", "Esc")
            terminal.wait_for("Maps 12")


def test_resize_storm():
    with synthetic("--live") as terminal:
        terminal.wait_for("Maps 12")
        seed = 1
        for i in range(150):
            seed = seed * 1103515245 + 12345 & 0x7fffffff
            terminal.resize(1 + seed % 90, 1 + (seed >> 8) % 300)
            if i % 7 == 0:
                terminal.send(b"\r" if i % 2 else b"\t")
            terminal.read(0.005)
        terminal.resize(24, 80)
        terminal.press("Esc", "Esc", "Esc", "Esc")
        terminal.wait_for("Maps 12")
        terminal.wait_for("q quit")
        assert stop(terminal) == 0


def test_screen_at_rest_sends_nothing():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        sent = len(terminal.output)
        terminal.settle(1.5, 1.5)
        assert len(terminal.output) == sent, "bytes were sent although nothing changed"


def test_frames_erase_nothing():
    """Only what differs is sent: no clearing, and few bytes a frame."""
    with synthetic("--live") as terminal:
        terminal.wait_for("Maps 12")
        terminal.settle()
        begin = len(terminal.output)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            terminal.read(0.1)
        sent = terminal.output[begin:]
        assert sent, "it does not live"
        assert b"\x1b[2J" not in sent and b"\x1b[H\x1b[J" not in sent
        assert len(sent) < 20 * 2500, f"{len(sent)} bytes in about 20 frames"


def test_without_a_terminal():
    import subprocess
    ran = subprocess.run([SYNTHETIC], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert ran.returncode == 1 and b"--batch" in ran.stderr and not ran.stdout, ran
    for term in ("dumb", "no-such-terminal", ""):
        with synthetic(term=term) as terminal:
            assert terminal.wait_end() == 1
            assert "TERM" in terminal.errors()
            assert terminal.modes() == terminal.before


def test_duration_and_first_conflict_end_it():
    with synthetic("--duration-ms", "300") as terminal:
        assert terminal.wait_end() == 0
    with synthetic("--live", "--until-conflict") as terminal:
        assert terminal.wait_end() == 0


# ---- chooser -----------------------------------------------------------------------------------------

def test_chooser_chooses():
    with synthetic("--choose", "6") as terminal:
        terminal.wait_for("Which Go process")
        terminal.wait_for(r"1000 root +97\.5 go1\.20\.0 +/usr/local/bin/ledgerd")
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
