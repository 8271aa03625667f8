# SPDX-License-Identifier: MIT
"""Whoever stops gomaptop, in whatever way: the target at full load has its speed back within two
seconds, whoever writes the probed file waits no longer, and when gomaptop goes on so does the
watch."""
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest
import uuid

import harness
from harness import (GOMAPTOP, HMAP, PAIRED, SWISS, Target, Watching, cases, decided, program,
                     scratch, table, twin)
from steady import check_starts, replace, steady, unwatched

sys.path.append(os.path.join(harness.ROOT, "tests", "screen"))
from terminal import Terminal  # noqa: E402 pylint: disable=C0413
from test_check import Code  # noqa: E402 pylint: disable=C0413

BACK = 2          # seconds in which the speed is back
SLOW = 3          # times the usual time an operation: probes are in place (they make it 30 to 90)
ROUND = 20000     # operations in a line of opsloop
SUSPEND_PATIENCE = 30   # seconds
SUSPENDED = 2           # seconds; longer than the governor may be silent
V1, V2 = "/sys/fs/cgroup/freezer", ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")


class Loop(Target):
    """A target at full load: one goroutine, nothing but map writes."""

    def __init__(self, release=SWISS):
        super().__init__(program("opsloop", release), "-op", "write", "-rounds", "0", "-n",
                         str(ROUND))
        self.line_where(lambda line: len(self.lines) > 100)
        self.normal = self.ns()

    def cpu_ns(self):
        """Of all its threads."""
        used = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{self.pid}/task/{thread}/schedstat",
                                                    encoding="ascii") as file:
                used += int(file.read().split()[0])
        return used

    def ns(self, seconds=0.3):
        """CPU nanoseconds an operation over the next moments: how long others keep the CPUs does
        not count, what a probe takes does."""
        begin, used = self.next_line(), self.cpu_ns()
        time.sleep(seconds)
        end = self.next_line()
        return (self.cpu_ns() - used) / (end - begin) / ROUND

    def next_line(self):
        """How many there are once there is one more."""
        before = len(self.lines)
        while len(self.lines) == before:
            time.sleep(0.001)
            if not self.running():
                raise AssertionError(f"the target ended: status {self.process.returncode}, "
                                     f"{self.error_text()[:1000]}")
        return len(self.lines)

    def wait(self, slow, seconds):
        """Whether within so many seconds it is slow (probed) or not."""
        end = time.monotonic() + seconds
        while True:
            if (self.ns() > SLOW * self.normal) == slow:
                return True
            if time.monotonic() > end:
                return False

    def check_speed(self, test, seconds=BACK):
        """It is back within so many seconds and stays."""
        time.sleep(max(0, seconds - 0.5))
        now = self.ns(0.5)
        test.assertLess(now, SLOW * self.normal, f"ns an operation {seconds} s later, where it was "
                        f"{self.normal:.0f}")
        time.sleep(1)
        test.assertLess(self.ns(0.5), SLOW * self.normal, "it stays as fast as it was")


def own_processes(mark):
    """Processes that have a mark in their environment or descend from one that has, gomaptop's
    only."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/environ", "rb") as file:
                marked = mark.encode() in file.read()
            if marked and os.readlink(f"/proc/{name}/exe") == os.path.realpath(GOMAPTOP):
                found.add(int(name))
    return found


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


class Marked(Watching):
    """gomaptop whose processes, however many, are found."""

    def __init__(self, *args, wrapper=(), **more):
        self.mark = f"GOMAPTOP_TEST_MARK={uuid.uuid4()}"
        self.began_at = time.monotonic()
        name, value = self.mark.split("=")
        super().__init__(*args, env={name: value}, **more)

    def pids(self):
        return own_processes(self.mark)

    def keepers(self):
        """Those beside the main process."""
        return self.pids() - {self.process.pid}

    def hits(self):
        return (self.newest() or {"coverage": {"hits": 0}})["coverage"]["hits"]

    def check_goes_on(self, test, loop, armed=True):
        """The watch goes on: hits grow, and where everything is probed the speed shows it."""
        before = self.hits()
        grown = self.wait_for(lambda s: s["coverage"]["hits"] > before + 100, 15)
        test.assertIsNotNone(grown, f"hits stay at {before}; gomaptop: {self.error_text()}")
        if armed:
            test.assertTrue(loop.wait(slow=True, seconds=10), "it is probed again")


# ---- ways to stop it -----------------------------------------------------------------------------


@contextlib.contextmanager
def stopped_by_signal(_, pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):   # a keeper that was stopped was replaced
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stopped_by_gdb(test, pids):
    if not shutil.which("gdb"):
        test.skipTest("gdb is not installed: apt-get install gdb")
    debuggers = [subprocess.Popen(["gdb", "-q", "-nx", "-iex", "set debuginfod enabled off", "-p",
                                   str(pid)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) for pid in pids]
    try:
        for pid in pids:
            until(test, lambda p=pid: state(p) == "t", f"gdb stops process {pid}")
        yield
    finally:
        for debugger in debuggers:
            debugger.communicate(b"detach\nquit\n", timeout=30)


def until(test, wanted, what, seconds=20):
    end = time.monotonic() + seconds
    while not wanted():
        if time.monotonic() > end:
            test.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Group:
    """A control group that can be frozen."""

    def __init__(self, test, version):
        name = f"gomaptop-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        if version == 1:
            if not os.path.exists(f"{V1}/cgroup.procs"):
                test.skipTest("no freezer of cgroup v1 is mounted at " + V1)
            self.folder, self.file = os.path.join(V1, name), "freezer.state"
            self.words = ("FROZEN", "THAWED")
        else:
            root = next((r for r in V2 if os.path.exists(f"{r}/cgroup.controllers")), None)
            if root is None:
                test.skipTest("no cgroup2 is mounted at " + " or ".join(V2))
            self.folder, self.file, self.words = os.path.join(root, name), "cgroup.freeze", "10"
        try:
            os.mkdir(self.folder)
        except OSError as error:
            test.skipTest(f"no control group can be made: {error}")
        self.version, self.root = version, os.path.dirname(self.folder)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="ascii") as file:
            return file.read()

    def enter(self):
        """For a process between fork and exec."""
        self.write("cgroup.procs", "0")

    def freeze(self, test):
        self.write(self.file, self.words[0])
        if self.version == 1:
            until(test, lambda: self.read(self.file).strip() == "FROZEN", "frozen")
        else:
            until(test, lambda: "frozen 1" in self.read("cgroup.events"), "frozen")

    def thaw(self):
        self.write(self.file, self.words[1])

    def remove(self):
        with contextlib.suppress(OSError):
            self.thaw()
        for pid in self.read("cgroup.procs").split():
            with contextlib.suppress(OSError):
                os.kill(int(pid), signal.SIGKILL)
        for _ in range(200):
            try:
                os.rmdir(self.folder)
                return
            except OSError:
                time.sleep(0.02)


@table
class StoppedTest(unittest.TestCase):
    """A loop that is probed at every operation, at 1 to 3 % of its speed."""

    def setUp(self):
        self.loop = self.enter(Loop())

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def watch(self, *args, overhead=100, **more):
        watch = self.enter(Marked("-p", self.loop.pid, *args, overhead=overhead, interval="250ms",
                                  **more))
        self.addCleanup(self.let_go, watch)
        watch.wait_attached()
        if overhead == 100:
            self.assertTrue(self.loop.wait(slow=True, seconds=15), "the loop is probed")
        return watch

    @staticmethod
    def let_go(watch):
        for pid in watch.pids():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)

    # ---- the whole of it, or its main process ----------------------------------------------------

    @cases(("sigstop", stopped_by_signal), ("gdb", stopped_by_gdb))
    def each_stop(self, how):
        watch = self.watch()
        for _ in range(2):
            with how(self, [watch.process.pid]):
                self.loop.check_speed(self)
            watch.check_goes_on(self, self.loop)
        self.check_end(watch)

    @cases(("v1!", 1), ("v2", 2))
    def each_frozen(self, version):
        """It was in the group when it started, and so would be what it starts."""
        group = Group(self, version)
        self.addCleanup(group.remove)
        watch = None
        with as_member(group):
            watch = self.watch()
        self.addCleanup(group.thaw)
        for _ in range(2):
            group.freeze(self)
            self.loop.check_speed(self)
            group.thaw()
            watch.check_goes_on(self, self.loop)
        self.check_end(watch)

    @cases(("some!", 4), ("long!", 40))
    def each_moment(self, times):
        """Windows are open for moments only; whenever it is stopped, the loop is not slow for
        long."""
        watch = self.watch(overhead=50)
        for i in range(times):
            time.sleep(0.1 + 0.037 * (i % 20))
            with stopped_by_signal(self, [watch.process.pid]):
                time.sleep(1.2)
                self.assertLess(self.loop.ns(), SLOW * self.loop.normal, f"stop {i}")
        watch.check_goes_on(self, self.loop, armed=False)
        self.check_end(watch)

    def check_end(self, watch):
        result = watch.finish()
        self.assertIn(result.status, (0, 4, 5), result)
        self.loop.check_speed(self, 1)
        self.assertEqual(watch.pids(), set(), "processes that are left")

    # ---- one process of it -----------------------------------------------------------------------

    @cases(("stop", signal.SIGSTOP), ("kill", signal.SIGKILL))
    def each_keeper(self, number):
        """What is beside the main process, each alone. The watch goes on or ends with a word; the
        cost stays within the limit; it is never blind in silence."""
        watch = self.watch(overhead=10)
        keepers = sorted(watch.keepers())
        self.assertTrue(keepers, "a process beside the main one keeps the limit")
        for keeper in keepers:
            if watch.process.poll() is not None:
                break
            said = len(watch.error_text())
            os.kill(keeper, number)
            time.sleep(BACK)
            self.assertLess(self.loop.ns(1), SLOW * self.loop.normal)
            if watch.process.poll() is None:
                self.still_sees_or_says(watch, said)
            with contextlib.suppress(ProcessLookupError):   # a dead one was replaced
                os.kill(keeper, signal.SIGCONT)
        if watch.process.poll() is None:
            watch.check_goes_on(self, self.loop, armed=False)
            self.check_end(watch)
        else:
            self.assertEqual(watch.process.returncode, 1, watch.error_text())
            self.assertTrue(watch.error_text().strip(), "why it ended")

    def still_sees_or_says(self, watch, said):
        before = watch.hits()
        if watch.wait_for(lambda s: s["coverage"]["hits"] > before, 10):
            return
        if watch.process.poll() is not None:
            return
        self.assertGreater(len(watch.error_text()), said, "it sees nothing, and says nothing")

    def test_kill_main(self):
        """SIGKILL of the main process: all is gone at once, the watchdog too."""
        for _ in range(2):
            watch = self.watch()
            os.kill(watch.process.pid, signal.SIGKILL)
            watch.process.wait()
            self.loop.check_speed(self, 0.6)
            until(self, lambda w=watch: not w.pids(), "all its processes are gone", 3)

    def test_kill_stopped(self):
        """SIGKILL of what was stopped."""
        watch = self.watch()
        for pid in watch.pids():
            os.kill(pid, signal.SIGSTOP)
        for pid in watch.pids():
            os.kill(pid, signal.SIGKILL)
        watch.process.wait()
        self.loop.check_speed(self, 1)
        until(self, lambda: not watch.pids(), "all its processes are gone", 3)

    # ---- by hand ---------------------------------------------------------------------------------

    @cases(("screen", ""), ("batch!", "-b -i 1s"))
    def each_ctrl_z(self, options):
        """In a shell on a terminal: Ctrl-Z, and later fg."""
        terminal = self.enter(Terminal(["bash", "--norc", "--noprofile", "-i"], rows=30,
                                       columns=120, errors_to_terminal=True,
                                       extra_env={"PS1": "SHELL> "}))
        terminal.wait_for("SHELL>")
        terminal.send(f"{shlex.quote(GOMAPTOP)} {options} --max-overhead 100 -p "
                      f"{self.loop.pid}\r".encode())
        self.drain(terminal, lambda: self.loop.ns() > SLOW * self.loop.normal, "it is probed")
        for _ in range(2):
            terminal.send(b"\x1a")
            terminal.wait_for(r"Stopped")
            began = time.monotonic()
            self.drain(terminal, lambda: self.loop.ns() < SLOW * self.loop.normal,
                       "the speed is back", BACK)
            self.drain(terminal, lambda b=began: time.monotonic() > b + 3, "time")
            self.assertLess(self.loop.ns(0.5), SLOW * self.loop.normal, "it stays so")
            terminal.send(b"clear; fg\r")
            self.drain(terminal, lambda: self.loop.ns() > SLOW * self.loop.normal,
                       "it is probed again")
        terminal.send(b"q" if not options else b"\x03")
        self.drain(terminal, lambda: self.loop.ns() < SLOW * self.loop.normal, "it ended")
        terminal.send(b"exit\r")
        terminal.wait_end()

    def drain(self, terminal, wanted, what, seconds=20):
        """Read what comes to the terminal until something holds."""
        end = time.monotonic() + seconds
        while not wanted():
            terminal.read(0.01)
            if time.monotonic() > end:
                self.fail(f"not within {seconds} s: {what}\n{terminal.text()}")


@contextlib.contextmanager
def as_member(group):
    """What is started meanwhile is in the group from its first instruction: this process goes in
    and comes out again."""
    own = re.findall(r"(?m)^\d+:(?:.*,)?freezer(?:,.*)?:(.*)$" if group.version == 1 else
                     r"(?m)^0::(.*)$", read_text("/proc/self/cgroup"))
    back = os.path.join(group.root, (own[0] if own else "/").lstrip("/"), "cgroup.procs")
    group.write("cgroup.procs", str(os.getpid()))
    try:
        yield
    finally:
        with open(back, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


@table
class WriterTest(unittest.TestCase):
    """A file that is watched and that no process runs: whoever writes it waits for nobody who is
    stopped."""

    @cases(("main", None), ("frozen_v1!", 1), ("frozen_v2!", 2))
    def each_stopped(self, how):
        group = None
        if how:
            group = Group(self, how)
            self.addCleanup(group.remove)
        with scratch() as folder:
            path = shutil.copy(steady(HMAP), os.path.join(folder, "service"))
            unwatched()
            steady(HMAP, tags="extra")
            with (as_member(group) if group else contextlib.nullcontext()):
                watch = Marked("-e", path, "-v", interval="250ms")
                watch.wait_said("probes attached")
            with watch:
                time.sleep(0.3)
                pids = [] if group else [watch.process.pid]
                group.freeze(self) if group else None
                with stopped_by_signal(self, pids):
                    try:
                        replace(self, "cp", steady(HMAP, tags="extra"), path)
                        check_starts(self, path, 3, what="while it is stopped")
                    finally:
                        group.thaw() if group else None
                check_starts(self, path, 3, what="after it went on")
                self.assertIsNone(watch.process.poll(), watch.error_text())
                watch.finish()

    @cases(("some!", 4), ("long!", 40))
    def each_moment(self, times):
        """Stopped and written over at once, in any order, while the new one starts."""
        with scratch() as folder:
            path = shutil.copy(steady(HMAP), os.path.join(folder, "service"))
            with Marked("-e", path, "-v", interval="250ms") as watch:
                watch.wait_said("probes attached")
                for i in range(times):
                    with stopped_by_signal(self, [watch.process.pid]):
                        time.sleep(0.3 * (i % 3))
                        replace(self, "cp", steady(HMAP, **({} if i % 2 else {"tags": "extra"})),
                                path)
                        check_starts(self, path, 2, what=f"stop {i}")
                    time.sleep(0.1 * (i % 6))


class EverythingStoppedTest(unittest.TestCase):
    """Its watchdog is stopped as well, so that nothing can take the probes out: the program in the
    kernel knows, and does as little as can be done."""
    SILENT = 1      # seconds after which nothing is held any more
    STOPPED = 6

    def test_no_holds(self):
        with twin("mutex", SWISS) as target, Marked("-p", target.pid, interval="250ms") as watch:
            watch.wait_attached()
            watch.wait_for(lambda s: s["seconds"] > 3, 20)
            before = watch.newest()
            rate = before["coverage"]["stall_seconds"] / before["seconds"]
            self.assertGreater(rate, 0.0005, "accesses are held")
            pids = sorted(watch.pids())
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(self.STOPPED)
                self.assertTrue(target.running())
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
            after = watch.wait_for(lambda s: s["seconds"] > before["seconds"] + self.STOPPED, 20)
            self.assertIsNotNone(after, watch.error_text())
            held = after["coverage"]["stall_seconds"] - before["coverage"]["stall_seconds"]
            awake = after["seconds"] - before["seconds"] - self.STOPPED
            self.assertLess(held, 2 * rate * (awake + self.SILENT) + 0.002)
            more = watch.wait_for(lambda s: s["coverage"]["stalls"] > after["coverage"]["stalls"],
                                  20)
            self.assertIsNotNone(more, "the watch goes on: " + watch.error_text())


@table
class OrderStoppedTest(unittest.TestCase):
    """Where gomaptop goes on after it was stopped, no access is compared with one from before:
    what ordered them was not told."""

    # Without its watchdog the probes stay in place. They tell nothing from 1 s on; after 1.5 s
    # without a sign the watchdog is replaced, and the probes with it.
    @cases(("everything", True, 1.25), ("main!", False, 0.7))
    def each_in_a_window(self, watchdog, seconds):
        with Target(program("ordered", SWISS), "chan_relay") as target, \
                Marked("-p", target.pid, interval="100ms") as watch:
            watch.wait_attached()
            for _ in range(4):
                self.wait_window(watch)
                keepers = sorted(watch.keepers()) if watchdog else []
                # The watchdog goes on last: it would find that nobody governs the probes.
                with stopped_by_signal(self, keepers), \
                        stopped_by_signal(self, [watch.process.pid]):
                    time.sleep(seconds)
            self.wait_window(watch)
            self.assertTrue(target.running())
            snapshot = watch.finish().snapshot
        self.assertEqual(snapshot["conflicts"], [])
        self.assertEqual(decided(snapshot)["unordered"], 0)

    def wait_window(self, watch):
        """Until accesses have been compared for a while: a window is open."""
        before = decided(watch.newest()).get("pairs", 0)
        seen = watch.wait_for(lambda s: decided(s).get("pairs", 0) > before + 500, 30)
        self.assertIsNotNone(seen, "no accesses are compared: " + watch.error_text())


@table
class StarvedTest(unittest.TestCase):
    """24 others want the CPUs as well."""
    OTHERS = 24

    def setUp(self):
        self.loop = Loop()
        self.addCleanup(self.loop.stop)
        self.others = []

    def crowd(self):
        for _ in range(self.OTHERS):
            other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            self.others.append(other)
            self.addCleanup(other.wait)
            self.addCleanup(other.kill)

    @cases(("crowd!",))
    def each_attach(self):
        """Probes are in place within three seconds."""
        self.crowd()
        time.sleep(0.5)
        with Watching("-p", self.loop.pid, "-v", overhead=3) as watch:
            watch.wait_said("probes attached", 60)
            took = time.monotonic() - watch.began
            words = re.search(r"probes attached in ([\d.]+) ms", watch.error_text())
        self.assertLess(float(words[1]) if words else took * 1000, 3000)

    @cases(("crowd!",))
    def each_cost(self):
        """What it costs the target stays bounded, though the governor has to wait for its turn."""
        def cpu():
            with open(f"/proc/{self.loop.pid}/stat", encoding="ascii") as file:
                words = file.read().rsplit(")", 1)[1].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

        def cost(seconds):
            lines, used = len(self.loop.lines), cpu()
            time.sleep(seconds)
            return (cpu() - used) / max(1, len(self.loop.lines) - lines)

        self.crowd()
        time.sleep(0.5)
        plain = cost(6)
        with Watching("-p", self.loop.pid, "-v", overhead=3) as watch:
            watch.wait_said("probes attached", 60)
            watched = cost(10)
            coverage = watch.finish().snapshot["coverage"]
        self.assertLess(coverage["overhead"]["estimate"], 0.03, coverage)
        self.assertLess(watched, plain * 1.2, coverage)
        self.assertGreater(coverage["hits"], 0)


def wait_changed(code, wanted):
    """How many bytes are changed, once that is what is wanted, or patience is at its end."""
    end = time.monotonic() + SUSPEND_PATIENCE
    while bool(code.changed()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return len(code.changed())


class SuspendTest(unittest.TestCase):
    """Ctrl-Z: while gomaptop is suspended by its terminal no byte of the program's code is
    changed; afterwards it goes on, and says for how long nothing was seen."""
    at_once = PAIRED

    def test_suspend(self):
        target = Target(program("opsloop", SWISS), "-op", "write", "-rounds", "0", "-n", "1000")
        # Only a shell can continue what a terminal has stopped.
        with target, Terminal(
                ["bash", "--norc", "-i"], rows=24, columns=100,
                extra_env={"PS1": "ready> "}, errors_to_terminal=True) as terminal:
            code = Code(target.pid)
            terminal.wait_for("ready>")
            terminal.send(f"{GOMAPTOP} --max-overhead 100 -p {target.pid}\r".encode())
            terminal.wait_for(r"Maps \d")
            self.assertGreater(wait_changed(code, True), 0)
            terminal.send(b"\x1a")
            terminal.wait_for("Stopped")
            self.assertEqual(wait_changed(code, False), 0)
            end = time.monotonic() + SUSPENDED
            while time.monotonic() < end:
                self.assertEqual(code.changed(), {})
                time.sleep(0.1)
            terminal.send(b"fg\r")
            terminal.wait_for("suspended for [2-9][.\\d]*s: the probes were out")
            self.assertGreater(wait_changed(code, True), 0)
            terminal.press("m")
            terminal.wait_for("warning +gomaptop was suspended for")
            self.assertRegex(re.sub(r"\s+", " ", terminal.text()), "nothing was seen meanwhile")
            terminal.press("Q")
            self.assertEqual(wait_changed(code, False), 0)
            terminal.wait_for("ready>")
            terminal.send(b"exit\r")


if __name__ == "__main__":
    unittest.main()
