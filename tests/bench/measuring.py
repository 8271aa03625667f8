# SPDX-License-Identifier: MIT
"""What all benchmarks share: rows of the one table, figures and their units, and how processes are
started, looked at and ended.

A part is a function measure(run) that yields rows; it raises Skip when it cannot be measured here.
Figures are in base units: seconds, bytes, operations a second, shares of one.
"""
import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "live"))
import harness  # noqa: E402 pylint: disable=wrong-import-position

ROOT, GOMAPTOP = harness.ROOT, harness.GOMAPTOP
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
UNLIMITED = 100   # --max-overhead that never disarms
DEFAULT = 3


class Skip(Exception):
    """Cannot be measured here; the text says why."""


class Row(typing.NamedTuple):
    """A line of the table. ratio: how many times better than what is beside it."""
    name: str
    figure: typing.Optional[float]   # None: there is none, `note` says why
    unit: str
    beside: str = ""
    beside_figure: typing.Optional[float] = None
    ratio: typing.Optional[float] = None
    target: str = ""
    met: typing.Optional[bool] = None
    readme: bool = False
    note: str = ""
    # The ratio is at least that: what is beside it took longer.
    least: typing.Optional[bool] = None


OPERATORS = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}


def row(name, figure, unit, *, beside="", than=None, better="less", target=None, readme=False,
        note="", ratio=None, least=None):
    """A row; target: ("figure" or "ratio", "<=" or ">=", bound). A figure that is missing
    misses."""
    if ratio is None and figure and than:
        ratio = than / figure if better == "less" else figure / than
    text, met = "", None
    if target:
        what, operator, bound = target
        value = {"figure": figure, "ratio": ratio}[what]
        shown = figure_text(bound, unit) if what == "figure" else f"ratio {bound:g}"
        text = f"{operator} {shown}"
        met = value is not None and OPERATORS[operator](value, bound)
    return Row(name, figure, unit, beside, than, ratio, text, met, readme, note, least)


# ---- figures as people read them ---------------------------------------------------------------

SCALES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")),
    "1/s": ((1e6, "M/s"), (1e3, "k/s"), (1, "/s")),
    "share": ((1e-2, "%"),),
    "": ((1, ""),),
}


def digits(value):
    """Three significant ones."""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - int(f'{abs(value):e}'.split('e')[1]))}f}"


def figure_text(value, unit):
    if value is None:
        return "-"
    scales = SCALES[unit]
    scale, name = next((s for s in scales if abs(value) >= s[0] * 0.9995), scales[-1])
    return f"{digits(value / scale)} {name}".strip()


def median(values):
    return statistics.median(values) if values else None


# ---- processes -----------------------------------------------------------------------------------


def cpu_seconds(pid):
    """CPU time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(pid):
    """Bytes in memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def children_of(pid):
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())


def adopt_orphans():
    """From now on whatever the children leave behind becomes a child of this process."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def end_children():
    """End everything that this process has started and that still runs."""
    for _ in range(10):   # those of a child become ours when it ends
        pids = list(children_of(os.getpid()))
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)
        if not pids:
            return


@contextlib.contextmanager
def running(*command, settle=0.0, **popen):
    """A process that is ended with the block."""
    popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL, **popen}
    process = subprocess.Popen([str(word) for word in command], **popen)
    try:
        time.sleep(settle)
        yield process
    finally:
        end(process)


def end(process, how=signal.SIGTERM, timeout=15):
    """End a process and wait until it is gone."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def need(command, package):
    """Path of a command, or Skip."""
    path = shutil.which(command)
    if not path:
        raise Skip(f"no {command} here: install {package}")
    return path


def go_program(name, release=harness.SWISS, **more):
    """Path of a program of tests/go, built as asked for."""
    try:
        return harness.program(name, release, **more)
    except harness.unittest.SkipTest as reason:
        raise Skip(str(reason)) from reason


def bench_program(name):
    """Path of a benchmark in C, or Skip."""
    path = os.path.join(BUILD, "tests", "bench", name)
    if not os.access(path, os.X_OK):
        raise Skip(f"{name} is not built")
    return path


def output_of(*command, timeout=300, status=(0,)):
    """What a command prints."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
    if done.returncode not in status:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


# ---- gomaptop ------------------------------------------------------------------------------------


def has_budget():
    """Does this gomaptop keep a budget? One that does not is measured without."""
    return "--max-overhead" in harness.gomaptop("--help").stdout


def budget_args(budget):
    """Options for a budget in percent; None: none given."""
    return [] if budget is None else ["--max-overhead", str(budget)]


def budgets(quick=False):
    """(name, budget) of what is compared."""
    if not has_budget():
        return [("no budget", None)]
    all_of = [("budget 1 %", 1), ("default budget, 3 %", DEFAULT), ("budget 10 %", 10),
              ("no limit", UNLIMITED)]
    return [all_of[1], all_of[3]] if quick else all_of


def without_limit():
    """Options for probes that are always there."""
    return budget_args(UNLIMITED) if has_budget() else []


class Watcher:
    """A gomaptop -b that reports only at its end; its words say when its probes came and went."""

    def __init__(self, *args):
        self.began = time.monotonic()
        self.output = tempfile.NamedTemporaryFile("r", encoding="utf-8")
        self.process = subprocess.Popen(
            [GOMAPTOP, "-v", "-b", "-i", "1h", "-o", self.output.name, *map(str, args)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.words = ""
        self.ready = None   # seconds from its start until it said that the probes are in place

    def wait_attached(self, timeout=30):
        deadline = time.monotonic() + timeout
        while "probes attached in" not in self.words:
            ready, _, _ = select.select([self.process.stderr], [], [],
                                        max(0, deadline - time.monotonic()))
            more = os.read(self.process.stderr.fileno(), 1 << 16) if ready else b""
            if not more:
                raise RuntimeError(f"gomaptop did not attach: {self.words[-500:]}")
            self.words += more.decode(errors="replace")
        self.ready = time.monotonic() - self.began
        return self

    def said(self, pattern):
        """A number from its words, or None."""
        found = re.search(pattern, self.words)
        return float(found.group(1)) if found else None

    def finish(self):
        """Seconds that it took to end, from the signal on."""
        began = time.monotonic()
        self.process.terminate()
        self.words += self.process.communicate(timeout=60)[1].decode(errors="replace")
        return time.monotonic() - began

    def snapshot(self):
        """What it wrote at its end."""
        with open(self.output.name, encoding="utf-8") as file:   # it may be another file by now
            return json.load(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.output.close()
