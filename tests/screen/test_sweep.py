#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""No digit is cut at any size: every view from 40x10 to 200x60, in UTF-8 and ASCII, with large
values (screen_sweep.c).

Where a text was shortened, the mark touches neither a digit nor a unit; and every number on the
screen is one that a vast screen, on which nothing is shortened, has too.
"""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import BUILD  # noqa: E402
from testing import main  # noqa: E402

SWEEP = os.path.join(BUILD, "tests/screen/screen_sweep")
SHOWN = 40  # findings of each kind that are printed

# A number with its sign of an estimate and its unit. Digits in names of functions, types and files
# count too: "func12" cut to "func1" is another function.
NUMBER = re.compile(r"[~<]?[0-9A-Za-z_]*[0-9][0-9A-Za-z_]*(?:\.[0-9]+[a-zA-Z]*)?%?")
CUT = {"utf8": re.compile("[0-9%]\u2026|\u2026[~<]?[.]?[0-9%]"
                          "|\u2026[a-zA-Z]{1,2}(?=$|[ \u2502])"),
       "ascii": re.compile(r"(?<![.])(?:[0-9%]\.\.(?![.0-9])|(?<![0-9])\.\.[~<]?[0-9%])")}
# In ASCII "~" means an estimate, and a regular expression in the help.
TILDE = re.compile(r"~(?!\.?[0-9]|expression|regex| +before|:)")
# What only pictures have: levels of heat and the ages on a ruler.
PICTURE = re.compile(r"\b(?:0|rare) 123456789|-[0-9]+[smhd]\b|\b([0-9])\1+\b"
                     r"|[0-9]*[\u00b7.]{3,}[0-9\u00b7.]*")
# Cells alone, or behind the age of the first conflict.
PANE_OF_HEAT = re.compile("(?: *[0-9]+[smhd] )?[-+ 0-9.\u00b7\u2591-\u2593\u2588]*")


def frames(text):
    """((scene, charset, size), lines) of each frame."""
    for part in text.split("\n@ "):
        head, *lines = part.removeprefix("@ ").rstrip("\n").split("\n")
        yield head.split(), lines


def numbers(line):
    """Those of at least two digits: one alone may be a level of heat or a depth."""
    for pane in re.split("[|\u2502]", line):
        if PANE_OF_HEAT.fullmatch(pane):
            continue
        for word in NUMBER.findall(PICTURE.sub(" ", pane)):
            if len(re.findall("[0-9]", word)) > 1:
                yield re.sub("(?<=[0-9kMGT])x$", "", word)  # "12x": twelve times, in ASCII


def cut_digits(charset, line):
    yield from (m.group() for m in CUT[charset].finditer(line))
    if charset == "ascii":
        yield from (m.group() for m in TILDE.finditer(line))


def findings(text):
    """{kind of finding: {(scene, line): size}} of a sweep."""
    known, seen = set(), set()
    found = collections.defaultdict(dict)
    for (scene, charset, size), lines in frames(text):
        vast = size == "500x400"
        for line in lines:
            if vast:
                known.update(numbers(line))
                continue
            if (charset, line) in seen:
                continue
            seen.add((charset, line))
            if any(True for _ in cut_digits(charset, line)):
                found["cut"][scene, line] = f"{charset} {size}"
            if any(word not in known and not is_small(word) for word in numbers(line)):
                found["unknown"][scene, line] = f"{charset} {size}: " + ", ".join(
                    word for word in numbers(line) if word not in known)
    return found


def is_small(word):
    """A depth of a call chain or a count of seconds on a ruler."""
    return word.isdigit() and int(word) < 128


def report(found):
    lines = []
    for kind, places in found.items():
        lines.append(f"{len(places)} lines: {kind}")
        for (scene, line), where in list(places.items())[:SHOWN]:
            lines.append(f"  {scene} {where}\n    {line}")
    return "\n".join(lines)


def test_no_digit_is_cut():
    swept = subprocess.run([SWEEP], check=True, capture_output=True, timeout=120)
    text = swept.stdout.decode()
    assert text.count("\n@ ") > 1000
    found = findings(text)
    assert not found, report(found)


if __name__ == "__main__":
    sys.exit(main(globals()))
