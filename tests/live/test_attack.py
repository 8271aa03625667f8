# SPDX-License-Identifier: MIT
"""What people and machines do to a watched program and to gomaptop without meaning harm, or meaning
it: the program does what it always does, and what gomaptop says is true."""
import contextlib
import fcntl
import os
import pty
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import (GOMAPTOP, HMAP, SWISS, Target, Watching, cases, gomaptop, program, scratch,
                     table)
from steady import (STATUS, WAYS, Running, Watch, check_starts, check_watch_end, check_watched,
                    replace, steady, unwatched)
from test_stopped import Group, Loop, Marked


class Folder(unittest.TestCase):
    def setUp(self):
        folder = scratch()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "service")
        unwatched()

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value


@table
class TouchedTest(Folder):
    """The file changes in everything but its content."""

    @cases(*((f"{what}_{name}!", what, how) for what in ("touch", "chmod", "link", "rename")
             for name, how in (("file", "-e"), ("pid", "-p"))))
    def each_running(self, what, how):
        """It runs, so that its content cannot change: it is watched on, or it is said why not."""
        shutil.copy(steady(SWISS), self.path)
        with Running(self.path) as target:
            with Watch(how, target.pid if how == "-p" else self.path) as watch:
                self.assertTrue(watch.sees(target.pid), watch.error_text())
                said = watch.error_text()
                {"touch": lambda: os.utime(self.path),
                 "chmod": lambda: os.chmod(self.path, 0o700),
                 "link": lambda: os.link(self.path, self.path + ".link"),
                 "rename": lambda: os.rename(self.path, self.path + ".old")}[what]()
                time.sleep(1)
                if not watch.sees(target.pid):
                    self.assertNotEqual(watch.error_text(), said, "blind, and not a word of it")
                    self.assertIn(self.path, watch.error_text()[len(said):])
            target.check_end(self)

    @cases(("append_nothing!", "ab"), ("read_write", "r+b"))
    def each_opened(self, mode):
        """It is opened for writing, and nothing is written."""
        shutil.copy(steady(SWISS), self.path)
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path)
            began = time.monotonic()
            with open(self.path, mode):
                self.assertLess(time.monotonic() - began, 2)
                time.sleep(0.5)
            check_starts(self, self.path, 3)
            check_watched(self, watch, self.path)
            check_watch_end(self, watch)

    def test_open_before(self):
        """Somebody has it open for writing before gomaptop starts, and writes later."""
        shutil.copy(steady(HMAP), self.path)
        with open(steady(HMAP, tags="extra"), "rb") as file:
            new = file.read()
        with open(self.path, "r+b") as writer:
            with Watch("-e", self.path) as watch:
                watch.document()
                time.sleep(0.5)
                writer.truncate(0)
                writer.write(new)
                writer.close()
                check_starts(self, self.path, 4)
                check_watched(self, watch, self.path)
                check_watch_end(self, watch)

    def test_two_watch(self):
        """Two of them watch one file: both let it go, both take the new one."""
        shutil.copy(steady(HMAP), self.path)
        with Watch("-e", self.path) as one, Watch("-e", self.path) as two:
            for watch in (one, two):
                check_watched(self, watch, self.path)
            replace(self, "cp", steady(HMAP, tags="extra"), self.path)
            check_starts(self, self.path, 4)
            for watch in (one, two):
                check_watched(self, watch, self.path)
                check_watch_end(self, watch)


@table
class SwappedTest(Folder):
    """The path leads elsewhere, though nothing happened in the folder of the file."""

    def releases(self):
        for name, build in (("1", steady(HMAP)), ("2", steady(SWISS))):
            os.mkdir(os.path.join(self.folder, name))
            shutil.copy(build, os.path.join(self.folder, name, "service"))

    def check_next(self, watch, path):
        check_starts(self, path, 4)
        check_watched(self, watch, path)
        check_watch_end(self, watch)

    def test_link_to_folder(self):
        """current -> 1 becomes current -> 2, as many deployments do it."""
        self.releases()
        current = os.path.join(self.folder, "current")
        os.symlink("1", current)
        path = os.path.join(current, "service")
        with Watch("-e", path) as watch:
            check_watched(self, watch, path)
            os.symlink("2", current + ".new")
            os.rename(current + ".new", current)
            self.check_next(watch, path)

    def test_folder(self):
        """The folder itself is exchanged."""
        self.releases()
        first, second = (os.path.join(self.folder, name) for name in "12")
        path = os.path.join(first, "service")
        with Watch("-e", path) as watch:
            check_watched(self, watch, path)
            os.rename(first, first + ".old")
            os.rename(second, first)
            self.check_next(watch, path)

    def test_link_to_file(self):
        self.releases()
        os.symlink(os.path.join(self.folder, "1", "service"), self.path)
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path)
            os.symlink(os.path.join(self.folder, "2", "service"), self.path + ".new")
            os.rename(self.path + ".new", self.path)
            self.check_next(watch, self.path)


@table
class FilesystemTest(Folder):
    """Wherever the file is."""
    slow = True

    def mount(self, *words):
        run = subprocess.run(["mount", *words], stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode:
            self.skipTest(f"mount {' '.join(words)}: {run.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", words[-1]], check=False)

    def mounted(self, kind):
        """(path of the program, path by which its content is written)."""
        def make(name):
            path = os.path.join(self.folder, name)
            os.mkdir(path)
            return path
        at = make("mounted")
        if kind == "tmpfs":
            self.mount("-t", "tmpfs", "tmpfs", at)
            return os.path.join(at, "service"), None
        if kind.startswith("overlay"):
            lower, upper, work = make("lower"), make("upper"), make("work")
            shutil.copy(steady(HMAP), lower if kind == "overlay_lower" else upper)
            self.mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}",
                       "overlay", at)
            os.rename(os.path.join(at, "steady"), os.path.join(at, "service"))
            return os.path.join(at, "service"), (
                os.path.join(upper, "service") if kind == "overlay_below" else None)
        image = os.path.join(self.folder, "image")
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        self.mount("-o", "loop", image, at)
        shutil.copy(steady(HMAP), os.path.join(at, "service"))
        if kind == "read_only":
            subprocess.run(["mount", "-o", "remount,ro", at], check=True)
        return os.path.join(at, "service"), None

    @cases(("tmpfs!", "tmpfs"), ("overlay_upper!", "overlay_upper"),
           ("overlay_lower!", "overlay_lower"), ("overlay_below!", "overlay_below"),
           ("loop!", "loop"))
    def each_replaced(self, kind):
        """overlay_below: written to by the path that the file system is made of."""
        path, below = self.mounted(kind)
        if not os.path.exists(path):
            shutil.copy(steady(HMAP), path)
        with Watch("-e", path) as watch:
            check_watched(self, watch, path, kind)
            for more in ({"tags": "extra"}, {"mode": "pie"}):
                replace(self, "cp", steady(HMAP, **more), below or path)
                time.sleep(1 if below else 0)
                check_starts(self, path, 4, what=kind)
                check_watched(self, watch, path, kind)
            replace(self, "mv", steady(SWISS), path)
            check_starts(self, path, 4, what=kind)
            check_watched(self, watch, path, kind)
            check_watch_end(self, watch)

    def test_read_only(self):
        path, _ = self.mounted("read_only")
        with Watch("-e", path) as watch:
            check_watched(self, watch, path)
            subprocess.run(["mount", "-o", "remount,rw", os.path.dirname(path)], check=True)
            replace(self, "cp", steady(HMAP, tags="extra"), path)
            check_starts(self, path, 4)
            check_watched(self, watch, path)
            check_watch_end(self, watch)

    def test_unmounted(self):
        """A file system that goes: gomaptop does not keep it from going, or says what to do."""
        path, _ = self.mounted("tmpfs")
        shutil.copy(steady(HMAP), path)
        with Watch("-e", path) as watch:
            check_watched(self, watch, path)
            subprocess.run(["umount", "-l", os.path.dirname(path)], check=True)
            time.sleep(1)
            self.assertIsNone(watch.process.poll(), watch.error_text())
            check_watch_end(self, watch)


@table
class ProcessTest(Folder):
    """Targets in states in which they seldom are, and gomaptop's own processes."""

    @cases(("stopped", "stop"), ("frozen_v1!", 1), ("frozen_v2!", 2))
    def each_target(self, how):
        """A target that does not run while it is attached to and let go."""
        with Running(steady(SWISS)) as target:
            if how == "stop":
                target.process.send_signal(signal.SIGSTOP)
                self.addCleanup(target.process.send_signal, signal.SIGCONT)
            else:
                group = Group(self, how)
                self.addCleanup(group.remove)
                group.write("cgroup.procs", str(target.pid))
                group.freeze(self)
            began = time.monotonic()
            with Watching("-p", target.pid, "-v") as watch:
                watch.wait_said("probes attached")
                time.sleep(1)
                result = watch.finish(signal.SIGTERM)
            self.assertLess(time.monotonic() - began, 30)
            self.assertIn(result.status, (0, 4, 5), result)
            if how == "stop":
                target.process.send_signal(signal.SIGCONT)
            else:
                group.thaw()
            target.goes_on(self)
            target.check_end(self)
            if how == "stop":
                self._cleanups.pop()

    def test_command_gets_nothing(self):
        """What gomaptop starts has the three usual descriptors and no more, and no probe's."""
        run = subprocess.run([GOMAPTOP, "-b", "-d", "20", "-o", os.path.join(self.folder, "out"),
                              "--", program("opsloop", SWISS), "-rounds", "3"], check=False,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
        self.assertIn(run.returncode, (0, 4, 5))
        with Marked("-d", "20", "--", program("opsloop", SWISS), "-rounds", "0", "-n",
                    "20000") as watch:
            watch.wait_attached()
            with open(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children",
                      encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
            target, = [pid for pid in children
                       if os.readlink(f"/proc/{pid}/exe").endswith("opsloop")]
            # gomaptop is killed at the end, and then leaves it alone.
            self.addCleanup(os.kill, target, signal.SIGKILL)
            found = {os.readlink(f"/proc/{target}/fd/{fd}") for fd in os.listdir(
                f"/proc/{target}/fd")}
            bad = {name for name in found if "bpf" in name or "perf" in name or "socket" in name or
                   "memfd" in name}
            self.assertEqual(bad, set(), found)

    def test_hangup(self):
        """The terminal goes away: gomaptop ends, all its processes, and the loop is fast."""
        with Loop() as loop:
            master, slave = pty.openpty()
            mark = f"GOMAPTOP_TEST_MARK={os.getpid()}-hangup"
            process = subprocess.Popen(
                [GOMAPTOP, "--max-overhead", "100", "-p", str(loop.pid)], stdin=slave,
                stdout=slave, stderr=slave, start_new_session=True,
                env=dict(os.environ, TERM="xterm", **dict([mark.split("=")])),
                preexec_fn=lambda: fcntl.ioctl(0, 0x540E, 0))   # TIOCSCTTY
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            os.close(slave)
            os.set_blocking(master, False)
            end = time.monotonic() + 30
            while loop.ns() < 3 * loop.normal and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    os.read(master, 1 << 20)
            os.close(master)
            process.wait(10)
            loop.check_speed(self, 1)

    @cases(*((f"files_{n}!", resource.RLIMIT_NOFILE, n) for n in (4, 12, 20, 32, 40)),
           ("memory!", resource.RLIMIT_AS, 100 << 20))
    def each_limit(self, what, value):
        """Few descriptors, little memory: it works, or says soon what is missing."""
        shutil.copy(steady(SWISS), self.path)
        result = gomaptop("-b", "-d", "1", "-e", self.path, timeout=20,
                          preexec_fn=lambda: resource.setrlimit(what, (value, value)))
        if result.status == 1:
            self.assertNotIn("Linux 5.17", result.stderr)
            self.assertRegex(result.stderr, "ulimit|memory")
        else:
            self.assertIn(result.status, (0, 4, 5), result)
        check_starts(self, self.path, 1)

    @cases(("100!", 100), ("1150!", 1150))
    def each_crowd(self, number):
        """So many processes of a watched file started at once: what they cost stays within the
        limit, by gomaptop's own account and by theirs."""
        shutil.copy(steady(SWISS), self.path)

        def crowd():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            runs = [subprocess.Popen([self.path, "-alone", "-rounds", "4"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                    for _ in range(number)]
            for run in runs:
                self.assertEqual(run.wait(300), STATUS)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        plain = crowd()
        with Watching("-e", self.path, "-v", overhead=3, interval="250ms") as watch:
            watch.wait_said("probes attached")
            time.sleep(0.5)
            watched = crowd()
            overhead = watch.finish().snapshot["coverage"]["overhead"]
        spent = overhead["hits_seconds"] + overhead["held_seconds"]
        self.assertLess(spent, 0.03 * plain + 0.02, overhead)
        self.assertLess(watched, 1.15 * plain + 0.2, f"{plain:.2f} s without; {overhead}")


if __name__ == "__main__":
    unittest.main()
