#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pictures and texts of the screen on the demo's service, a Go program with a planted fault.

    tests/live/screenshots.py [-o FOLDER]

Runs tests/live/demo in tmux, presses keys and keeps each view as PNG and as text; ends with status
1 when a view does not show what it should. Needs root, as watching does. The tree is mounted at
/srv/gomaptop in a mount namespace of its own, so that no path of this machine gets into a picture.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "screen"))
import render_png  # noqa: E402

MOUNTED = "/srv/gomaptop"
WIDTH, HEIGHT = 120, 36
PATIENCE = 90
HISTORY = 20  # seconds after the first conflict, so that the heatmap by time has something to show

# Name, keys from the overview, keys back to it, what must be there.
VIEWS = (
    ("overview", "", "", (r"conflict +m\d+ +\w+\.go:\d+ +map\[\S*int64", r"Heat",
                          r"Goroutines",
                          r"(read|write) +tables\.go:\d+ main\.\(\*feeTable\)")),
    ("heat", "v v v Tab z", "z BTab v", (r"Heat: call-chain depth by time", r"-13s", r">100")),
    ("map", "Enter", "Esc", (r"Map m\d+ +map\[\S*int64", r"Proven: two goroutines",
                             r"first used +\w+\.go:\d+", r"tables\.go:\d+")),
    ("conflict", "Enter Enter", "Esc Esc",
     (r"Conflict: \w+-write on m\d+", r"Seen \d+ times?", r"goroutine \d+",
      r"/srv/gomaptop/tests/go/ledgerd/tables\.go:\d+", r"\d+: .*fees\[kind\]")),
    ("tree", "t", "Esc", (r"Call tree of", r"http\.\(\*conn\)\.serve", r"█")),
    ("goroutine", "Tab Tab Enter", "Esc BTab BTab", (r"Goroutine \d+ +in process", r"created by")),
    ("setup", "F2", "Esc", (r"Palette of heat", r"\[x\] maps: verdict")),
    ("help", "?", "Esc", (r"conflict +two goroutines", r"unknown +pairs")),
)


class Tmux:
    """A terminal of a fixed size that runs one command."""

    def __init__(self, command):
        self.folder = tempfile.TemporaryDirectory(prefix="gomaptop-")
        self.socket = os.path.join(self.folder.name, "tmux")
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT),
                 "-e", "TZ=UTC", "-e", "XDG_CONFIG_HOME=/dev/null", "-e", "LC_ALL=C.UTF-8",
                 "sh", "-c", command)
        self.run("set", "-g", "status", "off")
        self.run("set", "-g", "default-terminal", "tmux-256color")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "send-keys", "Q"], check=False,
                       stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while self.is_alive() and time.monotonic() < end:
            time.sleep(0.2)
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False,
                       stderr=subprocess.DEVNULL)
        self.folder.cleanup()

    def run(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True,
                              stdout=subprocess.PIPE).stdout

    def is_alive(self):
        return subprocess.run(["tmux", "-S", self.socket, "has-session"], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0

    def press(self, *keys):
        for key in keys:
            self.run("send-keys", "Escape" if key == "Esc" else key)
            time.sleep(0.3)

    def text(self):
        return self.run("capture-pane", "-p").decode()

    def wait_for(self, pattern, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} did not appear:\n{self.text()}")
            time.sleep(0.3)

    def picture(self, path):
        with tempfile.NamedTemporaryFile() as capture:
            capture.write(self.run("capture-pane", "-e", "-p"))
            capture.flush()
            render_png.render(render_png.screen_of_capture(capture.name), path)


def take(tmux, folder, name, keys, back, wanted):
    tmux.press(*keys.split())
    for pattern in wanted:
        tmux.wait_for(pattern, 20)
    tmux.picture(os.path.join(folder, name + ".png"))
    tmux.press(*back.split())
    tmux.wait_for("Maps .*Heat", 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", default=os.path.join(ROOT, "screenshots"))
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    tree = shlex.quote(ROOT)
    command = (f"unshare -m sh -c 'mount -t tmpfs tmpfs /srv && mkdir {MOUNTED} && "
               f"mount --bind {tree} {MOUNTED} && cd {MOUNTED} && exec tests/live/demo'; sleep 5")
    with Tmux(command) as tmux:
        tmux.wait_for(r"Maps \d+")
        tmux.wait_for(r"[1-9]\S* conflict")
        tmux.wait_for(r"▸ conflict")
        time.sleep(HISTORY)
        for name, *view in VIEWS:
            take(tmux, args.output, name, *view)
            print(f"{name}.png, {name}.txt", flush=True)


if __name__ == "__main__":
    sys.exit(main())
