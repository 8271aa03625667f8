#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every key of the help has an effect, in every view for which help lists it."""
import base64
import concurrent.futures
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import synthetic  # noqa: E402
from terminal import key_bytes  # noqa: E402
from testing import main  # noqa: E402


def view_sets(text):
    """({view: bit}, {set of views: bits}) as the enums of the header declare them."""
    def body(name):
        found = re.search(rf"enum {name} {{(.*?)}};", text, re.S).group(1)
        return re.sub(r"/\*.*?\*/", "", found, flags=re.S)
    views = re.findall(r"VIEW_(\w+)", body("view_id"))
    values = {f"VIEW_{view}": number for number, view in enumerate(views)}
    for name, expression in re.findall(r"(\w+) = ([^,]+),", body("view_set")):
        values[name] = eval(expression, {}, values)  # pylint: disable=eval-used
    return {view: 1 << values[f"VIEW_{view}"] for view in views if view != "COUNT"}, values


def actions():
    """[(identifier, [keys], views)] from the table that the help is made of."""
    header = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tui/term/keymap.h")
    with open(header, encoding="utf-8") as source:
        text = source.read()
    bits, sets = view_sets(text)
    table = re.search(r"#define ACTIONS\(X\)(.*?)\n\n", text, re.S).group(1)
    rows = re.findall(r'X\((\w+),\s*"((?:[^"\\]|\\.)*)",\s*([A-Z_ |]+),', table)
    assert len(rows) == table.count("X(")
    return [(name, keys.replace("\\\\", "\\").split(),
             {view for view, bit in bits.items()
              if eval(where, {}, sets) & bit})  # pylint: disable=eval-used
            for name, keys, where in rows]


# How to get into each view, with something selected that can be moved in both directions.
WAYS = {"SETUP": ("O", "Down", "Down"), "OVERVIEW": ("Down", "Down", "Down"),
        "MAP": ("Enter", "Down", "Down"), "CONFLICT": ("Enter", "Enter", "Down"),
        "GOROUTINE": ("Tab", "Tab", "Down", "Enter", "Down"), "TREE": ("t", "Down", "Down"),
        "MESSAGES": ("m", "Down", "Down"), "TARGETS": ("P", "Down", "Down"),
        "HELP": ("?", "Down", "Down")}

# What must come before a key for it to have something to do.
BEFORE = {"UNDO": (b"\x1b", b"\\map\r"), "NEXT_MATCH": (b"/is:local\r",),
          "PREV_MATCH": (b"/is:local\r",), "SHOW_ALL": (b"z",), "SLOWER": (), "PAGE_UP": (b"G",),
          "HOME": (b"G",)}


# What is found in a view more than once.
SEARCHES = {"MAP": b"/ledger\r", "CONFLICT": b"/main\r", "GOROUTINE": b"/ledger\r",
            "TREE": b"/main\r", "MESSAGES": b"/first\r", "TARGETS": b"/ledgerd\r",
            "SETUP": b"/keys\r", "HELP": b"/row\r"}


def test_help_lists_every_key():
    rows = actions()
    assert len(rows) > 30
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("?")
        seen = terminal.text()
        for _ in range(30):
            terminal.press("PgDn")
            seen += terminal.text()
        for _, keys, _ in rows:
            key = " ".join(keys)
            assert re.search(r"^ +" + re.escape(key) + r"\s", seen, re.M), f"{key} is not there"
        terminal.press("Esc")
        terminal.wait_for("Maps 12")


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


def ways(view, name):
    if view == "OVERVIEW" and name in IN_OTHER_PANE:
        return IN_OTHER_PANE[name]
    return WAYS[view] + (("Left",) if view == "TREE" and name == "RIGHT" else ())


def is_dead(view, name, key, patience=0.25):
    many = ("--processes", "8") if view == "TARGETS" else ()
    with synthetic("--ticks", "60", "--crash", "40", *many, rows=16 if view == "CONFLICT" else 24,
                   extra_env={"XDG_RUNTIME_DIR": tempfile.gettempdir()}) as terminal:
        terminal.wait_for("Maps 12")
        if name == "UNDO" and view != "OVERVIEW":  # what is taken back was done before, elsewhere
            terminal.send(b"\\map\r")
        for way in ways(view, name):
            terminal.send(key_bytes(way))
        if view in SEARCHES and name in ("NEXT_MATCH", "PREV_MATCH"):
            terminal.send(SEARCHES[view])
        terminal.settle(patience)
        if view == "OVERVIEW" or name not in ("UNDO", "NEXT_MATCH", "PREV_MATCH"):
            for data in BEFORE.get(name, ()):
                terminal.send(data)
                terminal.settle(patience)
        if effect_of(terminal, key):
            return False
    # On a machine that is busy, what was sent before may have come late and hidden the effect.
    return patience > 1 or is_dead(view, name, key, 1.5)


def check_view(view):
    """Many at a time: they only wait."""
    todo = [(view, name, key) for name, keys, views in actions() for key in keys if view in views]
    assert todo, f"no key is for view {view}"
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        dead = [f"{name} {key}" for (_, name, key), is_so
                in zip(todo, pool.map(lambda job: is_dead(*job), todo)) if is_so]
    assert not dead, f"no effect in view {view}: {', '.join(dead)}"


def test_every_key_has_an_effect_in_the_overview():
    check_view("OVERVIEW")


def test_every_key_has_an_effect_in_the_map_view():
    check_view("MAP")


def test_every_key_has_an_effect_in_the_conflict_view():
    check_view("CONFLICT")


def test_every_key_has_an_effect_in_the_goroutine_view():
    check_view("GOROUTINE")


def test_every_key_has_an_effect_in_the_call_tree():
    check_view("TREE")


def test_every_key_has_an_effect_in_the_messages():
    check_view("MESSAGES")


def test_every_key_has_an_effect_in_the_setup():
    check_view("SETUP")


def test_every_key_has_an_effect_in_the_list_of_processes():
    check_view("TARGETS")


def test_every_key_has_an_effect_in_the_help():
    check_view("HELP")


def test_copy_goes_to_the_clipboard_and_to_a_file():
    with tempfile.TemporaryDirectory() as folder:
        with synthetic(extra_env={"XDG_RUNTIME_DIR": folder}) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press("Enter", "Enter", "y")
            terminal.wait_for("sent to the terminal \\(OSC 52\\), written to ")
            sent = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.output)
            with open(os.path.join(folder, "gomaptop-copy.txt"), "rb") as file:
                text = file.read()
            assert base64.b64decode(sent.group(1)) == text
            assert re.match(rb"read-write on map\[uint64\]\*main.Account, seen \d+ times\n", text)
            assert b"main.(*ledger).credit\n      /" in text and b"created by\n" in text
            assert os.stat(os.path.join(folder, "gomaptop-copy.txt")).st_mode & 0o777 == 0o600


if __name__ == "__main__":
    sys.exit(main(globals()))
