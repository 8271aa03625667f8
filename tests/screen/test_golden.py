#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every view cell by cell, attributes included, against golden/SIZE/VIEW.txt.

The synthetic load has a fixed clock and fixed dice. UPDATE=1 writes the files anew: look at the
difference before you keep it. `test_golden.py NAME...` runs only those whose names contain a word.

A file is the text of the screen (blanks at the ends of lines left out), then its attributes, a line
of the screen each: runs of cells `COUNT*COLOUR/BACKGROUND+ATTRIBUTES`, where "-" is the terminal's
own colour; a run without any attribute is its count alone. Lines that are the same as the one above
are told once, as FIRST-LAST.
"""
import difflib
import itertools
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import PATIENCE, SYNTHETIC, Terminal, key_bytes  # noqa: E402
from testing import main  # noqa: E402

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
UPDATE = bool(os.environ.get("UPDATE"))
SIZES = ((80, 24), (120, 40), (200, 60))
LOAD = ("--ticks", "100", "--crash", "60", "--lost", "0.2", "--short-maps", "2")
UNORDERED = ("--ticks", "100", "--conflicts", "0", "--conflict-maps", "0",
             "--unordered-maps", "2", "--unordered", "0.4")
MIXED = ("--ticks", "100", "--unordered-maps", "2", "--unordered", "0.4")

# Name, options, keys from the start. Where it begins: the first thing that is waited for.
VIEWS = (
    ("overview", LOAD, ()),
    ("zoomed", LOAD, ("z",)),
    ("paused", LOAD, ("Space",)),
    ("filtered", LOAD, ("\\", "m", "a", "i", "n", "Enter")),
    ("heat-time", LOAD, ("v", "v", "v", "Tab", "Left", "Left")),
    ("heat-frequency", LOAD, ("v",)),
    ("range", LOAD, ("v", "v", "v", "Tab", "Up", "Left", "Left", "b", "Left", "Left", "Enter")),
    ("map-conflicts", LOAD, ("Enter",)),
    ("map-heat", LOAD, ("Enter", "Tab")),
    ("map-lines", LOAD, ("Enter", "Tab", "Tab")),
    ("map-timeline", LOAD, ("Enter", "Tab", "Tab", "Tab")),
    ("conflict", LOAD, ("c",)),
    ("conflict-full", LOAD, ("c", "Enter")),
    ("unordered", UNORDERED, ()),
    ("unordered-pair", UNORDERED, ("c",)),
    ("unordered-full", UNORDERED, ("c", "Enter")),
    ("unordered-map", UNORDERED, ("Enter",)),
    ("unordered-messages", UNORDERED, ("m",)),
    ("guarded-map", UNORDERED, (*("Down",) * 5, "Enter")),
    ("mixed", MIXED, ()),
    ("goroutine", LOAD, ("Tab", "Tab", "Enter")),
    ("tree", LOAD, ("t",)),
    ("crash", LOAD, ()),
    ("reset-asks", MIXED, ("r",)),
    ("reset", MIXED, ("r", "y")),
    ("messages", LOAD, ("m",)),
    ("setup", LOAD, ("O",)),
    ("help", LOAD, ("?",)),
    ("search", LOAD, ("/", "l", "e", "d", "g")),
    ("empty", ("--ticks", "0"), ()),
    ("quiet", ("--conflicts", "0", "--conflict-maps", "0", "--lost", "2"), ()),
    ("hostile", ("--hostile",), ("Enter",)),
    ("chooser", ("--choose", "7"), ()),
)
# The same without what a terminal may lack.
POOR = (
    ("ascii", (), {"locale": "C"}),
    ("mono", ("--color", "never"), {"term": "vt100"}),
)
POOR_VIEWS = ("overview", "map-conflicts", "map-heat", "conflict", "unordered", "unordered-pair")


def style(cell):
    marks = "".join(letter for letter, on in (("b", cell.bold), ("r", cell.reverse),
                                              ("u", cell.underscore), ("i", cell.italics)) if on)
    if cell.fg == cell.bg == "default" and not marks:
        return ""
    colors = "/".join("-" if color == "default" else color for color in (cell.fg, cell.bg))
    return "*" + colors + ("+" + marks if marks else "")


def runs(screen, y):
    cells = (style(screen.buffer[y][x]) for x in range(screen.columns))
    return " ".join(f"{len(list(run))}{key}" for key, run in itertools.groupby(cells))


def dump(screen):
    """The screen as a golden file has it."""
    lines = [line.rstrip() for line in screen.display] + ["----"]
    same = itertools.groupby(range(screen.lines), lambda y: runs(screen, y))
    for key, rows in same:
        rows = list(rows)
        span = str(rows[0]) if len(rows) == 1 else f"{rows[0]}-{rows[-1]}"
        lines.append(f"{span}: {key}")
    return "\n".join(lines) + "\n"


def wait_for_dump(terminal, wanted):
    """What is on the screen once it is what is wanted, or once patience is at its end."""
    end = time.monotonic() + PATIENCE
    while True:
        terminal.settle(0.1, 1.0)
        seen = dump(terminal.screen)
        if seen == wanted or time.monotonic() > end:
            return seen


def path_of(name):
    """Where the golden file of this view and size is: golden/80x24/overview.txt."""
    view, size = name.rsplit("-", 1)
    return os.path.join(GOLDEN, size, view + ".txt")


def check(name, options, keys, columns, rows, **kwargs):
    path = path_of(name)
    with Terminal([SYNTHETIC, *options], rows, columns, **kwargs) as terminal:
        terminal.wait_for("Which Go process" if "--choose" in options else r"quit|Maps \d+")
        terminal.send(b"".join(map(key_bytes, keys)))
        if UPDATE:
            seen = []
            while len(seen) < 3 or len(set(seen[-3:])) > 1:  # a busy machine draws late
                terminal.settle(0.7, 5.0)
                seen.append(dump(terminal.screen))
            with open(path, "w", encoding="utf-8") as file:
                file.write(seen[-1])
            return
        with open(path, encoding="utf-8") as file:
            wanted = file.read()
        seen = wait_for_dump(terminal, wanted)
    difference = "".join(difflib.unified_diff(wanted.splitlines(True), seen.splitlines(True),
                                              path, "the screen"))
    assert not difference, f"not as it was (UPDATE=1 keeps it):\n{difference}"


def shown_keys(view, options, keys):
    """The banner of the crash is taken away first, where it is not what the file is about."""
    return (("d",) if "--crash" in options and not view.startswith("crash") else ()) + keys


def tests():
    """{name of a test: test}, one for each golden file."""
    todo = {}
    for view, options, keys in VIEWS:
        keys = shown_keys(view, options, keys)
        for columns, rows in SIZES:
            todo[f"{view}-{columns}x{rows}"] = (options, keys, columns, rows, {})
        for poor, more, terminal in POOR if view in POOR_VIEWS else ():
            todo[f"{view}-{poor}-80x24"] = (options + more, keys, 80, 24, terminal)
    return {"test_" + name: lambda name=name, job=job: check(name, *job[:4], **job[4])
            for name, job in todo.items()}


def test_no_golden_is_left_over():
    known = {path_of(name[len("test_"):]) for name in tests()}
    there = {os.path.join(folder, name) for folder, _, names in os.walk(GOLDEN)
             for name in names}
    assert there == known, there ^ known


if __name__ == "__main__":
    for each in tests():
        os.makedirs(os.path.dirname(path_of(each[len("test_"):])), exist_ok=True)
    sys.exit(main({**tests(), "test_no_golden_is_left_over": test_no_golden_is_left_over}))
