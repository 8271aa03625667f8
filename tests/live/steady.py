# SPDX-License-Identifier: MIT
"""The program steady, whose output and status are the same whatever watches it: how it is started,
held against a run without a watcher, and what of its text is in memory."""
import functools
import os
import re
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import harness
from harness import HMAP, Target, Watching, program

sys.path.append(os.path.join(harness.ROOT, "tests"))
from openmetrics import Document  # noqa: E402 pylint: disable=C0413

STATUS = 7          # with which it ends
KINDS = 16          # rounds so far apart have the same sum
PATIENCE = 60       # seconds until a process must be seen, on a machine that does much else
WRITER = 2          # seconds that gomaptop may keep a writer of the file waiting


def steady(release=HMAP, **build):
    return program("steady", release, **build)


class Outcome:
    """What a finished run left behind."""

    def __init__(self, run):
        self.status, self.stdout, self.stderr = run.returncode, run.stdout, run.stderr

    def __eq__(self, other):
        return (self.status, self.stdout, self.stderr) == (other.status, other.stdout, other.stderr)

    def __repr__(self):
        return f"status {self.status}\n{self.stdout[:500]}\n{self.stderr[:1500]}"


def start(path, *args, timeout=60):
    """One run from its start to its end."""
    return Outcome(subprocess.run([path, "-alone", *args], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=timeout, check=False))


@functools.lru_cache(maxsize=None)
def unwatched(*args):
    """A run of a file that nothing watches."""
    outcome = start(steady(), *args)
    assert (outcome.status, outcome.stderr) == (STATUS, ""), outcome
    return outcome


@functools.lru_cache(maxsize=None)
def sums():
    """The sum of each kind of round."""
    return re.findall(r'"sum":"(\w+)"', unwatched("-rounds", str(KINDS)).stdout)


def check_starts(test, path, number, *args, what=""):
    """So many runs, one after the other, are as one that nothing watches."""
    for i in range(number):
        outcome = start(path, *args)
        if outcome != unwatched(*args):
            test.fail(f"{what}: start {i + 1} of {number} differs: {outcome}")


class Running(Target):
    """Runs until it is told to end, and every line it prints is looked at."""

    def __init__(self, path, *args, pause="5ms", **popen):
        super().__init__(path, "-rounds", "0", "-pause", pause, *args, **popen)

    def check_lines(self, test):
        expected = sums()
        for line in self.lines:
            if line and "round" in line:
                test.assertEqual(line["sum"], expected[line["round"] % KINDS], line)

    def goes_on(self, test, rounds=2, timeout=30):
        """It does further rounds, and all lines so far are right."""
        begin = len(self.lines)
        try:
            self.line_where(lambda line: len(self.lines) >= begin + rounds, begin, timeout)
        except AssertionError:
            test.fail(f"the target ended: status {self.process.poll()}, "
                      f"{self.error_text()[:1500]}")
        self.check_lines(test)

    def check_end(self, test):
        """Told to end, it does as it always does."""
        self.process.stdin.close()
        test.assertEqual(self.process.wait(30), STATUS, self.error_text()[:1500])
        self.check_lines(test)
        test.assertEqual(self.error_text(), "")

    def stop(self):
        if self.process.stdin.closed:   # told to end already
            self.process.stdin = open(os.devnull, "w", encoding="ascii")
        super().stop()


class Watch(Watching):
    """gomaptop as a service has it: no report before its end, metrics at any time."""

    def __init__(self, *args, **more):
        super().__init__(*args, "--listen", "0", interval="1h", **more)

    def document(self):
        self.wait_said("metrics at ")
        url = re.search(r"metrics at (http://\S+)\n", self.error_text())[1]
        with urllib.request.urlopen(url, timeout=20) as got:
            return Document(got.read().decode("utf-8"))

    def wait_metric(self, wanted, seconds=PATIENCE):
        """The first document for which wanted(document) is true; None: time is over."""
        end = time.monotonic() + seconds
        while True:
            document = self.document()
            if wanted(document):
                return document
            if time.monotonic() > end or self.process.poll() is not None:
                return None
            time.sleep(0.1)

    def sees(self, pid, seconds=PATIENCE):
        """Operations of a process are counted, more and more of them."""
        def operations(document):
            return sum(document.all("gomaptop_operations_total", pid=str(pid)).values())
        first = self.wait_metric(lambda d: operations(d) > 0, seconds)
        return first is not None and self.wait_metric(
            lambda d: operations(d) > operations(first), seconds) is not None


def check_watched(test, watch, path, what=""):
    """A process that is started now is seen, and does what it always does."""
    with Running(path) as target:
        test.assertTrue(watch.sees(target.pid), f"{what}: no operation of the process is seen; "
                        f"gomaptop: {watch.error_text()[-1500:]}")
        target.goes_on(test)
        target.check_end(test)


def check_watch_end(test, watch):
    """It ends as it should: nothing was found, perhaps less was seen than there was."""
    result = watch.finish()
    test.assertIn(result.status, (0, 4, 5), result)
    return result


# ---- ways to replace a file ----------------------------------------------------------------------

waits = [0]   # seconds that each open() of a file to be written took


def opened(path, mode):
    """The file, open for writing. Here a writer waits for whoever has a lease on it; how long the
    rest takes is the disk's."""
    began = time.monotonic()
    try:
        return open(path, mode)
    finally:
        waits.append(time.monotonic() - began)


def copy(new, path):
    """As cp, scp and docker cp do: open, cut to nothing, write."""
    with open(new, "rb") as source, opened(path, "wb") as file:
        file.write(source.read())


def cut_and_write(new, path):
    """Opened as it is, cut to nothing a moment later."""
    with open(new, "rb") as source, opened(path, "r+b") as file:
        time.sleep(0.05)
        file.truncate(0)
        time.sleep(0.05)
        file.write(source.read())


def in_place(new, path):
    """As rsync --inplace does: only blocks that differ are written, the length is set last."""
    block = 4096
    with open(new, "rb") as source, opened(path, "r+b") as file:
        wanted, had = source.read(), file.read()
        for at in range(0, len(wanted), block):
            if wanted[at:at + block] != had[at:at + block]:
                file.seek(at)
                file.write(wanted[at:at + block])
        file.truncate(len(wanted))


def move(new, path):
    beside(new, path + ".new")
    os.rename(path + ".new", path)


def link(new, path):
    """Another file that has two names gets this one too."""
    beside(new, path + ".other")
    os.link(path + ".other", path + ".new")
    os.rename(path + ".new", path)
    os.unlink(path + ".other")


def other_name(new, path):
    """The same file under another name is written over."""
    os.link(path, path + ".link")
    try:
        copy(new, path + ".link")
    finally:
        os.unlink(path + ".link")


def create(new, path):
    os.unlink(path)
    beside(new, path)


def mapped(new, path):
    """Through memory that is shared with the file."""
    import mmap  # pylint: disable=import-outside-toplevel
    with open(new, "rb") as source, opened(path, "r+b") as file:
        text = source.read()
        file.truncate(len(text))
        with mmap.mmap(file.fileno(), len(text)) as memory:
            memory[:] = text


def beside(new, path):
    """A new file, complete and executable."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    with open(new, "rb") as source, os.fdopen(handle, "wb") as file:
        file.write(source.read())


WAYS = {"cp": copy, "truncate": cut_and_write, "in_place": in_place, "mmap": mapped,
        "other_name": other_name, "mv": move, "hard_link": link, "unlink": create}
SAME_FILE = ("cp", "truncate", "in_place", "mmap", "other_name")   # the inode stays


def replace(test, way, new, path, limit=WRITER):
    """Replace a file; the test fails where the writer had to wait."""
    waits[:] = [0]
    WAYS[way](new, path)
    test.assertLess(max(waits), limit, f"{way}: a writer waited for gomaptop")


# ---- text in memory ------------------------------------------------------------------------------


def text_segment(path):
    """(offset in the file, bytes) of what is executed."""
    with open(path, "rb") as file:
        image = file.read()
    table, = struct.unpack_from("<Q", image, 0x20)
    count, = struct.unpack_from("<H", image, 0x38)
    for i in range(count):
        kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", image, table + 56 * i)
        if kind == 1 and flags & 1:
            return offset, image[offset:offset + size]
    raise AssertionError(f"{path}: nothing is executable")


def address_of(pid, path, offset):
    """Where in a process the executable page of a file is that begins before an offset."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            words = line.split(None, 5)
            if len(words) == 6 and words[5].strip() == os.path.realpath(path) and "x" in words[1]:
                return int(words[0].split("-")[0], 16) + offset - int(words[2], 16)
    raise AssertionError(f"{path} is not in process {pid}")


class Text:
    """The executed bytes of a process, held against its file."""

    def __init__(self, pid, path):
        offset, self.wanted = text_segment(path)
        self.address = address_of(pid, path, offset)
        self.file = os.open(f"/proc/{pid}/mem", os.O_RDONLY)

    def changed(self):
        """Addresses at which memory is not as the file says."""
        now = os.pread(self.file, len(self.wanted), self.address)
        if now == self.wanted:
            return []
        assert len(now) == len(self.wanted)
        return [self.address + i for i, (a, b) in enumerate(zip(now, self.wanted)) if a != b]

    def close(self):
        os.close(self.file)


def clean_after(texts, limit=10):
    """Seconds until no text has a changed byte."""
    began = time.monotonic()
    while any(text.changed() for text in texts):
        if time.monotonic() - began > limit:
            return limit
        time.sleep(0.002)
    return time.monotonic() - began


class Starter:
    """Starts a file again and again, several at a time, while something else goes on."""

    REFUSED = (2, 13, 26, 8)   # ENOENT, EACCES, ETXTBSY, ENOEXEC: not there or not whole just now

    def __init__(self, path, at_once=2):
        self.path, self.wrong, self.runs, self._end = path, [], 0, threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(at_once)]

    def _run(self):
        while not self._end.is_set():
            try:
                outcome = start(self.path)
            except OSError as error:
                if error.errno not in self.REFUSED:
                    self.wrong.append(error)
                continue
            self.runs += 1
            if outcome != unwatched():
                self.wrong.append(outcome)

    def __enter__(self):
        unwatched()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self.threads:
            thread.join()
