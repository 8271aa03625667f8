#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Picture of a terminal screen.

    render_png.py -o OUT.png [--size 80x24] [--keys "Down Enter"] [--wait SECONDS] -- CMD [ARG...]
    render_png.py -o OUT.png --capture FILE      (FILE: output of tmux capture-pane -e -p)

Beside OUT.png the text of the screen is written to OUT.txt.
"""
import argparse
import os
import sys

import pyte
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import Terminal  # noqa: E402

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
SIZE = 15
BACKGROUND, FOREGROUND = "#16181d", "#d5d8de"
# pyte's names of the first eight colours; brighter ones come as "bright" + name or as hex.
NAMED = {"black": "#2b2e36", "red": "#e05561", "green": "#8cc265", "brown": "#d7a65f",
         "yellow": "#d7a65f", "blue": "#4a7fd0", "magenta": "#c162de", "cyan": "#42b3c2",
         "white": "#d5d8de"}


def color_of(name, default):
    if name == "default":
        return default
    if name.startswith("bright"):
        name = name[len("bright"):]
    return NAMED.get(name) or "#" + name


def cell_colors(cell):
    foreground = color_of(cell.fg, FOREGROUND)
    background = color_of(cell.bg, BACKGROUND)
    return (background, foreground) if cell.reverse else (foreground, background)


def block(draw, box, character, color, background):
    """Shades and solid blocks are drawn, not written: a font leaves gaps between them."""
    parts = {"\u2591": 0.25, "\u2592": 0.5, "\u2593": 0.75, "\u2588": 1.0}
    if character not in parts:
        return False
    part = parts[character]
    mix = tuple(int(a * part + b * (1 - part)) for a, b in zip(rgb(color), rgb(background)))
    draw.rectangle(box, fill=mix)
    return True


def rgb(color):
    return tuple(int(color[i:i + 2], 16) for i in (1, 3, 5))


def line_cell(draw, box, character, color):
    """Box-drawing lines, drawn through so that cells join. Directions: left, right, up, down."""
    arms = {"\u2500": "lr", "\u2502": "ud", "\u252c": "lrd", "\u2534": "lru", "\u253c": "lrud"}
    if character not in arms:
        return False
    x0, y0, x1, y1 = box
    xm, ym = (x0 + x1) // 2, (y0 + y1) // 2
    ends = {"l": (x0, ym), "r": (x1 + 1, ym), "u": (xm, y0), "d": (xm, y1 + 1)}
    for arm in arms[character]:
        draw.line([(xm, ym), ends[arm]], fill=color)
    return True


def render(screen, path):
    regular = ImageFont.truetype(FONTS % "", SIZE)
    bold = ImageFont.truetype(FONTS % "-Bold", SIZE)
    width = int(round(regular.getlength("M")))
    height = SIZE + 4
    image = Image.new("RGB", (screen.columns * width + 12, screen.lines * height + 12), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            foreground, background = cell_colors(cell)
            left, top = 6 + x * width, 6 + y * height
            box = (left, top, left + width - 1, top + height - 1)
            if background != BACKGROUND:
                draw.rectangle(box, fill=background)
            if not cell.data.strip() or block(draw, box, cell.data, foreground, background) \
                    or line_cell(draw, box, cell.data, foreground):
                continue
            draw.text((left, top + 1), cell.data, font=bold if cell.bold else regular,
                      fill=foreground)
    image.save(path)
    with open(os.path.splitext(path)[0] + ".txt", "w", encoding="utf-8") as text:
        for line in screen.display:
            text.write(line.rstrip() + "\n")


def screen_of_capture(path):
    with open(path, "rb") as capture:
        lines = capture.read().rstrip(b"\n").split(b"\n")
    plain = pyte.Screen(1000, len(lines))
    pyte.ByteStream(plain).feed(b"\r\n".join(lines))
    columns = max(len(line.rstrip()) for line in plain.display)
    screen = pyte.Screen(columns, len(lines))
    screen.reset_mode(pyte.modes.DECAWM)
    pyte.ByteStream(screen).feed(b"\r\n".join(lines))
    return screen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--size", default="80x24")
    parser.add_argument("--keys", default="")
    parser.add_argument("--wait", type=float, default=0.5)
    parser.add_argument("--term", default="tmux-256color")
    parser.add_argument("--locale", default="C.UTF-8")
    parser.add_argument("--capture")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    if args.capture:
        render(screen_of_capture(args.capture), args.output)
        return
    columns, rows = map(int, args.size.split("x"))
    with Terminal(args.command, rows, columns, term=args.term, locale=args.locale) as terminal:
        terminal.settle(args.wait)
        for key in args.keys.split():
            terminal.press(key)
        terminal.settle(args.wait)
        render(terminal.screen, args.output)


if __name__ == "__main__":
    main()
