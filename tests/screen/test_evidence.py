#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What was found is not lost by a key: resets ask, typed words are no commands, q closes a view."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from synthetic_screen import synthetic  # noqa: E402
from testing import main  # noqa: E402

CRASH = ("--ticks", "100", "--crash", "60")
# How to get into each view, what stands there, and a word that is found in it.
VIEWS = (((), "Maps 12", b"ledger"), (("Enter",), r"Map m\d", b"ledger"),
         (("c",), "Conflict: ", b"created by"),
         (("Tab", "Tab", "Enter"), r"Goroutine \d+ ", b"ledger"),
         (("t",), "Call tree", b"credit"), (("m",), "Messages, the newest", b"first"),
         (("O",), "Setup", b"freeze"), (("?",), "Help", b"palette"))


def test_reset_asks_where_something_would_be_lost():
    with synthetic(columns=120) as terminal:
        terminal.wait_for("200 conflicts")
        terminal.press("Enter", "r")
        terminal.wait_for(r"y forgets 200 conflicts; any other key: no")
        terminal.press("x")
        terminal.wait_for("nothing was forgotten")
        assert "200 conflicts" in terminal.text() and "Map m" in terminal.text()
        terminal.press("r", "y")
        terminal.wait_for("counts and conflicts forgotten; counting from now")
        terminal.wait_for(r"none seen; \d+ of 100 \w.* since the reset \d+s ago")
        terminal.press("m")
        terminal.wait_for("reset by key: counts, 200 conflicts were forgotten")


def test_reset_asks_for_unordered_pairs():
    with synthetic("--conflicts", "0", "--conflict-maps", "0", "--unordered-maps", "2",
                   "--unordered", "4", "--ticks", "100") as terminal:
        terminal.wait_for(r"\d+ unordered")
        terminal.press("r")
        terminal.wait_for(r"y forgets \d+ unordered pairs; any other key: no")


def test_reset_of_nothing_does_not_ask():
    with synthetic("--conflicts", "0", "--conflict-maps", "0", columns=120) as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("r")
        terminal.wait_for("counts and conflicts forgotten")
        terminal.wait_for("since the reset")


def test_reset_keeps_crashes():
    with synthetic(*CRASH, columns=120) as terminal:
        terminal.wait_for("fatal error: concurrent map")
        terminal.press("r")
        terminal.wait_for("1 crash is kept")
        terminal.press("y")
        terminal.wait_for("counting from now; 1 crash is kept")
        terminal.press("d")
        for line in terminal.text().split("\n")[:1]:
            assert "fatal error: concurrent map" in line, terminal.text()
        terminal.press("m")
        assert re.search(r"died: fatal error: concurrent map", terminal.text()), terminal.text()


def test_reset_is_not_in_the_footer():
    for way, there, _ in VIEWS:
        with synthetic(columns=250) as terminal:
            terminal.wait_for("Maps 12")
            terminal.press(*way)
            terminal.wait_for(there)
            assert "r reset" not in terminal.text().split("\n")[-1]


def test_typed_words_are_no_commands():
    for way, there, _ in VIEWS:
        for word in (b"/servers", b"\\requests"):
            with synthetic() as terminal:
                terminal.wait_for("200 conflicts")
                terminal.press(*way)
                terminal.wait_for(there)
                terminal.send(word)
                terminal.settle()
                assert terminal.process.poll() is None, f"{word} ended it at {there}"
                terminal.wait_for(there)
                assert "200 conflicts" in terminal.text(), f"{word} at {there}"
                assert word[1:].decode() in terminal.text().split("\n")[-1], terminal.text()
                terminal.press("Esc")
                terminal.wait_for(there)


def test_search_works_in_every_view():
    for way, there, word in VIEWS:
        with synthetic("--ticks", "60") as terminal:
            terminal.wait_for("Maps 12")
            terminal.press(*way)
            terminal.wait_for(there)
            terminal.send(b"/" + word + b"\r")
            terminal.settle()
            assert "is not found here" not in terminal.text(), f"{word} at {there}"
            assert "▸" in terminal.text() or "Goroutine" in there, terminal.text()
            terminal.send(b"/no such word anywhere\r")
            terminal.wait_for('"no such word anywhere" is not found here')


def test_search_in_help_goes_on_and_round():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.press("?")
        terminal.send(b"/heatmap\r")
        terminal.wait_for("▸")
        found = []
        for key in ("n", "n", "N", "N"):
            found.append([row for row in terminal.text().split("\n") if "▸" in row])
            terminal.press(key)
        found.append([row for row in terminal.text().split("\n") if "▸" in row])
        assert found[0] == found[4] and found[1] == found[3], found
        assert len({str(rows) for rows in found}) == 3, found


def test_q_closes_a_view_and_leaves_from_the_overview():
    for way, there, _ in VIEWS[1:]:
        with synthetic() as terminal:
            terminal.wait_for("Maps 12")
            terminal.press(*way)
            terminal.wait_for(there)
            assert "Q quit" in terminal.text() or len(terminal.text().split("\n")[-1]) > 70
            terminal.press("q")
            terminal.wait_for("Maps 12")
            assert terminal.process.poll() is None
            terminal.press("q")
            assert terminal.wait_end() == 0


def test_capital_q_and_f10_end_in_every_view():
    for way, there, _ in VIEWS:
        for key in ("Q", "F10"):
            with synthetic() as terminal:
                terminal.wait_for("Maps 12")
                terminal.press(*way)
                terminal.wait_for(there)
                terminal.press(key)
                assert terminal.wait_end() == 0, f"{key} at {there}"


def test_unknown_sequences_are_ignored_whole():
    unknown = (b"\x1b[I", b"\x1b[O", b"\x1br", b"\x1bq", b"\x1b[24;5~", b"\x1b[?1;2c",
               b"\x1b[[Q", b"\x1bO2Q", b"\x1b]11;rgb:0/0/0\x07", b"\x1bP1$r0q\x1b\\",
               b"\x1b[200~")
    for way, there, _ in (VIEWS[0], VIEWS[2], VIEWS[7]):
        with synthetic() as terminal:
            terminal.wait_for("Maps 12")
            terminal.press(*way)
            terminal.wait_for(there)
            terminal.settle()
            before = terminal.text()
            for sequence in unknown:
                terminal.send(sequence)
                terminal.settle()
                assert terminal.process.poll() is None, sequence
                assert terminal.text() == before, f"{sequence} at {there}:\n{terminal.text()}"
            terminal.press("Esc")
            terminal.wait_for("Maps 12")


def test_a_sequence_does_not_leave_a_question():
    with synthetic() as terminal:
        terminal.wait_for("Maps 12")
        terminal.send(b"/led\x1b[I\x1b[Oger")
        terminal.wait_for("search ledger")


def test_home_and_end_of_other_terminals():
    for home, end in ((b"\x1b[1~", b"\x1b[4~"), (b"\x1b[7~", b"\x1b[8~"), (b"\x1b[H", b"\x1b[F")):
        with synthetic(term="xterm-256color") as terminal:
            terminal.wait_for("▸ conflict")
            terminal.settle()
            first = terminal.text()
            terminal.send(end)
            terminal.settle()
            assert terminal.text() != first, end
            terminal.send(home)
            terminal.settle()
            assert terminal.text() == first, home


def test_crash_banner_stays_until_it_is_taken_away():
    for rows, columns in ((24, 80), (40, 120), (10, 40)):
        with synthetic(*CRASH, rows=rows, columns=columns) as terminal:
            terminal.wait_for("fatal error")
            terminal.press("Enter", "Esc", "m", "q", "?", "q", "Tab")
            top = terminal.text().split("\n")[2:6]
            assert re.match(r" fatal error: concurrent map [\w ]+$", top[0]), terminal.text()
            banner = " ".join(line.strip() for line in top[1:])
            if rows > 10:
                assert re.search(r"process 4242 died at \d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d): "
                                 r"goroutine \d+, \w+ at "
                                 r"\w+\.go:\d+ main\..*d takes this away\.", banner), banner
                cells = terminal.attributes()[2]
                assert len({cell[1:] for cell in cells}) == 1, "not over the full width"
            terminal.press("d")
            terminal.settle()
            assert not terminal.text().split("\n")[2].startswith(" fatal"), terminal.text()


if __name__ == "__main__":
    sys.exit(main(globals()))
