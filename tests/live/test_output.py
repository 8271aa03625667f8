# SPDX-License-Identifier: MIT
"""Where gomaptop writes: files of -o among files of others, limits, and variables for tests."""
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from harness import (GOMAPTOP, PAIRED, ROOT, SWISS, Target, cases, gomaptop, json_values, program,
                     scratch, table)

sys.path[:0] = [os.path.join(ROOT, "tests", "screen")]
from terminal import Terminal  # noqa: E402 pylint: disable=C0413

STRANGER = 12345   # neither the caller nor the owner of the folder


def quiet_target():
    return Target(program("twins", SWISS), "-mode", "mutex")


@unittest.skipIf(os.geteuid() != 0, "needs root")
class FileTest(unittest.TestCase):
    at_once = PAIRED

    def save(self, path, *args, **popen):
        with quiet_target() as target:
            return gomaptop("-b", "-d", "1s", "-i", "1h", "--inconclusive-ok", "-o", path, *args,
                            "-p", target.pid, **popen)

    def test_mode(self):
        """0600, whatever the umask and the former file."""
        with scratch() as folder:
            path = os.path.join(folder, "out.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write("old")
            os.chmod(path, 0o666)
            result = self.save(path, preexec_fn=lambda: os.umask(0))
            self.assertEqual(result.status, 0, result)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            with open(path, encoding="utf-8") as file:
                json.load(file)
            self.assertEqual(os.listdir(folder), ["out.json"])

    def test_planted_link(self):
        """Refused before anything is watched, also where the kernel would follow it."""
        with scratch() as folder:
            precious, path = os.path.join(folder, "precious"), os.path.join(folder, "open", "out")
            with open(precious, "w", encoding="utf-8") as file:
                file.write("precious")
            os.mkdir(os.path.dirname(path))
            for mode in (0o1777, 0o777):
                os.chmod(os.path.dirname(path), mode)
                os.symlink(precious, path)
                os.lchown(path, STRANGER, STRANGER)
                result = self.save(path)
                self.assertEqual(result.status, 1, result)
                self.assertIn("belongs to another user", result.stderr)
                self.assertLess(result.seconds, 1)
                os.unlink(path)
            with open(precious, encoding="utf-8") as file:
                self.assertEqual(file.read(), "precious")

    def test_errors_are_the_right_ones(self):
        with scratch() as folder:
            result = self.save(os.path.join(folder, "none", "out"))
            self.assertEqual(result.status, 1, result)
            self.assertIn("No such file or directory; make the folder first", result.stderr)
            self.assertLess(result.seconds, 1)
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder],
                              check=False).returncode:
                self.skipTest("nothing can be mounted here")
            try:
                result = self.save(os.path.join(folder, "out"))
            finally:
                subprocess.run(["umount", folder], check=True)
            self.assertEqual(result.status, 1, result)
            self.assertIn("Read-only file system; choose a path", result.stderr)

    def test_size_limit(self):
        """A limit on the size of files is an error with words, and no half file stays."""
        with scratch() as folder:
            path = os.path.join(folder, "out.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write("old")
            result = self.save(path, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (2048, 2048)))
            self.assertEqual(result.status, 1, result)
            self.assertIn("ulimit -f", result.stderr)
            self.assertEqual(os.listdir(folder), ["out.json"])
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "old")


def is_probed(pid):
    """Whether the text of a process differs from that of its file."""
    path = f"/proc/{pid}/exe"
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        rows = [line.split() for line in file]
    exe = os.readlink(path)
    with open(path, "rb") as image, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for row in rows:
            if len(row) < 6 or row[5] != exe or "x" not in row[1]:
                continue
            begin, end = (int(word, 16) for word in row[0].split("-"))
            image.seek(int(row[2], 16))
            memory.seek(begin)
            if memory.read(end - begin) != image.read(end - begin):
                return True
    return False


class Stalled:
    """gomaptop on a busy target with an output that takes a page and then nothing."""

    def __init__(self, test, *args, errors_too=False):
        self.target = Target(program("twins", SWISS), "-mode", "mutex")
        self.reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.test = test
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [GOMAPTOP, "-b", "-v", "--format", "json", "-i", "50ms", "--max-overhead", "100", *args,
             "-p", str(self.target.pid)],
            stdin=subprocess.DEVNULL, stdout=writing,
            stderr=writing if errors_too else self.errors)
        os.close(writing)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.reading)
        self.errors.close()
        self.target.__exit__(None, None, None)

    def wait_full(self):
        """Until the pipe has been full for a second; the probes are in place then."""
        since = time.monotonic()
        deadline = since + 30
        while time.monotonic() - since < 1:
            self.test.assertLess(time.monotonic(), deadline)
            waits = fcntl.ioctl(self.reading, termios.FIONREAD, b"\0" * 4)
            # A page that is not full is taken all the same: what is next does not fit.
            if int.from_bytes(waits, "little") < 100 or not is_probed(self.target.pid):
                since = time.monotonic()
            time.sleep(0.02)

    def wait_clean(self, seconds):
        deadline = time.monotonic() + seconds
        while is_probed(self.target.pid):
            self.test.assertLess(time.monotonic(), deadline, "probes are still in place")
            time.sleep(0.02)

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read()


@table
class StalledTest(unittest.TestCase):
    """Standard output, or both, takes nothing: the probes are out at once, the process soon."""
    at_once = PAIRED

    @cases(*((f"{number.name.lower()}{'_both' * both}", number, both)
             for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
             for both in (False, True)))
    def each_signal(self, number, both):
        with scratch() as folder:
            path = os.path.join(folder, "out.json")
            with Stalled(self, "-o", path, errors_too=both) as stalled:
                stalled.wait_full()
                stalled.process.send_signal(number)
                stalled.wait_clean(2)
                self.assertEqual(stalled.process.wait(timeout=6), 1)
                if not both:
                    self.assertRegex(stalled.error_text(), r"[0-9]+ reports left out: standard "
                                                           r"output did not take them")
                    self.assertIn("took no data for 3 s", stalled.error_text())
            with open(path, encoding="utf-8") as file:
                self.assertGreater(json.load(file)["coverage"]["hits"], 0)

    def test_second_signal(self):
        with Stalled(self) as stalled:
            stalled.wait_full()
            stalled.process.terminate()
            stalled.wait_clean(2)
            stalled.process.terminate()
            self.assertEqual(stalled.process.wait(timeout=1), -signal.SIGTERM)

    def test_duration(self):
        began = time.monotonic()
        with Stalled(self, "-d", "4s") as stalled:
            stalled.wait_full()
            stalled.wait_clean(4)
            self.assertEqual(stalled.process.wait(timeout=12), 1)
            self.assertLess(time.monotonic() - began, 20)

    def test_reports_are_whole(self):
        """A reader that comes late gets whole reports, and the last one."""
        with Stalled(self) as stalled:
            stalled.wait_full()
            stalled.process.terminate()
            text = b""
            while chunk := os.read(stalled.reading, 65536):
                text += chunk
            self.assertEqual(stalled.process.wait(timeout=5), 0)
            reports = json_values(text.decode())
            self.assertGreaterEqual(len(reports), 2)
            self.assertGreater(reports[-1]["seconds"], reports[0]["seconds"] + 0.5)
            self.assertIn("reports left out", stalled.error_text())


ENDS = {"q": lambda terminal: os.write(terminal.master, b"q"),
        "sigterm": lambda terminal: terminal.signal(signal.SIGTERM),
        "sigint": lambda terminal: terminal.signal(signal.SIGINT),
        "sighup": lambda terminal: terminal.signal(signal.SIGHUP)}


@table
class StoppedTerminalTest(unittest.TestCase):
    """A terminal that takes nothing, stopped or with a reader that hangs."""
    at_once = PAIRED

    def stop(self, terminal):
        termios.tcflow(terminal.slave, termios.TCOOFF)

    def leave(self, terminal):
        """Do not read any more, and have so many frames drawn that nothing more fits."""
        for _ in range(12):
            with contextlib.suppress(BlockingIOError):
                os.write(terminal.master, b"\x0c")
            time.sleep(0.25)

    def check_ends(self, stall, end, *args):
        with Target(program("twins", SWISS), "-mode", "mutex") as target, \
                Terminal([GOMAPTOP, "-p", str(target.pid), *args], rows=60, columns=200,
                         term="xterm-256color") as terminal:
            terminal.wait_for("Maps")
            deadline = time.monotonic() + 20
            while not is_probed(target.pid):
                self.assertLess(time.monotonic(), deadline)
                terminal.read(0.05)
            stall(terminal)
            if end:
                time.sleep(1.5)   # frames have been drawn meanwhile: one waits to be sent
                self.assertTrue(is_probed(target.pid) or not args)
                end(terminal)
            deadline = time.monotonic() + (2 if end else 8)
            while is_probed(target.pid):
                self.assertLess(time.monotonic(), deadline, "probes are still in place")
                time.sleep(0.02)
            self.assertEqual(terminal.process.wait(timeout=6), 0)

    @cases(*((name, end) for name, end in ENDS.items()))
    def each_stopped(self, end):
        self.check_ends(self.stop, end, "--max-overhead", "100")

    @cases(*((name, end) for name, end in ENDS.items()))
    def each_not_read(self, end):
        self.check_ends(self.leave, end, "--max-overhead", "100")

    def test_duration(self):
        self.check_ends(self.stop, None, "--max-overhead", "100", "-d", "5s")

    def test_goes_on(self):
        """Once it takes output again, the screen is whole."""
        with Target(program("twins", SWISS), "-mode", "mutex") as target, \
                Terminal([GOMAPTOP, "-p", str(target.pid)], rows=24, columns=100) as terminal:
            terminal.wait_for("Maps")
            self.stop(terminal)
            os.write(terminal.master, b"?")
            time.sleep(1)
            termios.tcflow(terminal.slave, termios.TCOON)
            terminal.wait_for("Verdicts of maps")
            terminal.press("Esc")
            terminal.wait_for("Goroutines")
            terminal.press("q")
            self.assertEqual(terminal.wait_end(), 0)
            self.assertEqual(terminal.modes(), terminal.before)


class StallTest(unittest.TestCase):
    at_once = PAIRED

    def test_longest_hold(self):
        result = gomaptop("-b", "--stall", "20us..10ms", "-p", os.getpid())
        self.assertEqual(result.status, 2, result)
        self.assertIn("1ms at most", result.stderr)
        with Target(program("twins", SWISS), "-mode", "mutex") as target:
            result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "3s", "--stall",
                              "1ms..1ms", "--max-overhead", "100", "-p", target.pid)
        coverage = json.loads(result.stdout)["coverage"]
        self.assertGreater(coverage["stalls"], 3)
        self.assertLess(coverage["stall_seconds"] / coverage["stalls"], 1e-3)


class KnobTest(unittest.TestCase):
    at_once = PAIRED
    env = {"GOMAPTOP_QUEUE_BYTES": "65536", "GOMAPTOP_ATTACH": "perf_event"}

    def test_announced(self):
        result = gomaptop("check", "-p", os.getpid(), env=self.env)
        for name in self.env:
            self.assertIn(f"{name} is set, which is meant for tests", result.stderr)
        result = gomaptop("check", "-p", os.getpid(), env={"GOMAPTOP_ATTACH": "other"})
        self.assertNotIn("meant for tests", result.stderr)

    def test_ignored_with_privileges_of_the_file(self):
        with scratch() as folder:
            os.chmod(folder, 0o755)
            path = shutil.copy(GOMAPTOP, folder)
            os.chown(path, 0, 0)
            os.chmod(path, 0o4755)
            run = subprocess.run([path, "check", "-p", str(os.getpid())], user=65534, check=False,
                                 env=dict(os.environ, **self.env), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertNotIn("meant for tests", run.stderr)
            self.assertNotEqual(run.returncode, -signal.SIGSEGV)


if __name__ == "__main__":
    unittest.main()
