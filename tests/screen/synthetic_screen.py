# SPDX-License-Identifier: MIT
"""A screen filled by the synthetic load, whose clock and dice are fixed, and how to read it."""
import re

from terminal import SYNTHETIC, Terminal

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
