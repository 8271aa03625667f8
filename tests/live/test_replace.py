# SPDX-License-Identifier: MIT
"""Whoever replaces the file of a watched program, in whatever way and at whatever time: what is
started afterwards does what it does when nothing watches it, and is watched."""
import os
import random
import shutil
import subprocess
import threading
import time
import unittest

from harness import GOMAPTOP, HMAP, SWISS, Target, cases, program, scratch, table, toolchain
from steady import (SAME_FILE, WAYS, Running, Starter, Watch, check_starts, check_watch_end,
                    check_watched, replace, start, steady, unwatched)

# What is put there, one after the other; the first is there before gomaptop starts. Each step is a
# way in which addresses move: more packages, another release, other code, other kind of file.
QUICK_STEPS = ((HMAP, {}), (HMAP, {"tags": "extra"}), (SWISS, {"stripped": True}),
               (HMAP, {"mode": "pie"}), (HMAP, {}))
RELEASES = ("1.19", "1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27")


def all_steps():
    """Each release to the next, up and back down; within one release each kind of build to each."""
    here = [release for release in RELEASES if os.path.isabs(toolchain(release))]
    kinds = ({}, {"tags": "extra"}, {"gcflags": "all=-l"}, {"stripped": True}, {"mode": "pie"},
             {"mode": "pie", "stripped": True}, {"tags": "extra", "stripped": True},
             {"cgo": "external"})
    for release in here + here[-2::-1]:
        yield release, {}
    for release in dict.fromkeys((here[0], here[-1])):
        for kind in kinds[1:]:
            yield release, kind
            yield release, {}


def rows(quick_starts=4, starts=20):
    """--quick has the steps that matter most, and few starts."""
    for way in WAYS:
        quick = "" if way in ("cp", "in_place", "mv") else "!"
        yield f"{way}_quick{quick}", way, QUICK_STEPS[:None if way == "cp" else 3], quick_starts
        yield f"{way}!", way, None, starts


@table
class ReplaceTest(unittest.TestCase):
    def setUp(self):
        folder = scratch()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.path = os.path.join(folder.name, "service")
        unwatched()

    def put(self, build, way=None):
        release, more = build
        new = steady(release, **more)
        if way:
            replace(self, way, new, self.path)
        else:
            shutil.copy(new, self.path)

    # ---- between two runs ----------------------------------------------------------------------

    @cases(*rows())
    def each_between_runs(self, way, steps, starts):
        """No process runs it while it is replaced."""
        steps = list(steps or all_steps())
        for build in steps:
            steady(build[0], **build[1])
        self.put(steps[0])
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path, steps[0])
            for build in steps[1:]:
                said = len(watch.error_text())
                self.put(build, way)
                check_starts(self, self.path, starts, what=build)
                check_watched(self, watch, self.path, build)
                self.assertIn(self.path, watch.error_text()[said:], "that it was replaced is said")
            check_watch_end(self, watch)

    @cases(("cp!", "cp"), ("mv!", "mv"))
    def each_with_default_limit(self, way):
        """As a service has it: the usual limit, nothing runs at first."""
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path, overhead=None) as watch:
            watch.document()
            time.sleep(0.5)
            for build in QUICK_STEPS[1:]:
                self.put(build, way)
                check_starts(self, self.path, 5, what=build)
            check_watched(self, watch, self.path, build)
            check_watch_end(self, watch)

    @cases(("script!", b"#!/bin/sh\necho not Go\n"), ("nothing!", b""), ("c", None))
    def each_not_go(self, content):
        """What is there for a while is no Go program; then one is again."""
        other = self.path + ".other"
        if content is None:
            shutil.copy("/bin/true", other)
        else:
            with open(other, "wb") as file:
                file.write(content)
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path)
            replace(self, "cp", other, self.path)
            if content != b"":
                for _ in range(3):
                    subprocess.run([self.path], check=True, stdout=subprocess.DEVNULL)
            time.sleep(1)
            self.assertIsNone(watch.process.poll(), watch.error_text())
            self.put(QUICK_STEPS[2], "cp")
            check_starts(self, self.path, 3)
            check_watched(self, watch, self.path)
            check_watch_end(self, watch)

    @cases(("gone!", False), ("back!", True))
    def each_unlinked(self, back):
        """The file is taken away; perhaps it comes back later, another one then."""
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path)
            os.unlink(self.path)
            time.sleep(1.5)
            self.assertIsNone(watch.process.poll(), watch.error_text())
            if back:
                self.put(QUICK_STEPS[2])
                check_starts(self, self.path, 3)
                check_watched(self, watch, self.path)
            check_watch_end(self, watch)

    # ---- while it runs ---------------------------------------------------------------------------

    @cases(*((way + ("" if way in ("cp", "mv") else "!"), way) for way in WAYS))
    def each_while_it_runs(self, way):
        """A running program's file cannot be written over, only exchanged: it goes on, and so does
        what is started from the new file."""
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path) as watch, Running(self.path) as before:
            self.assertTrue(watch.sees(before.pid), watch.error_text())
            try:
                self.put(QUICK_STEPS[2], way)
            except OSError as error:
                self.assertIn(way, SAME_FILE)
                self.assertEqual(error.errno, 26)   # ETXTBSY, as without gomaptop
                before.goes_on(self)
                before.check_end(self)
                self.put(QUICK_STEPS[2], way)
            else:
                self.assertNotIn(way, SAME_FILE, "a file that runs was written to")
                check_starts(self, self.path, 4)
                before.goes_on(self)
            check_starts(self, self.path, 4)
            check_watched(self, watch, self.path)
            if before.running():
                before.goes_on(self)
                before.check_end(self)
            check_watch_end(self, watch)

    # ---- while it starts -------------------------------------------------------------------------

    # Here a file that always runs somewhere keeps cp(1) out (ETXTBSY), with gomaptop and without.
    @cases(("cp!", "cp", 5), ("mv!", "mv", 8), ("cp_long!", "cp", 100),
           ("in_place!", "in_place", 60), ("mv_long!", "mv", 100), ("unlink!", "unlink", 60))
    def each_while_it_starts(self, way, times):
        """Processes start all the time while the file is replaced, again and again."""
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path) as watch, Starter(self.path) as starter:
            for i in range(times):
                for _ in range(2000):
                    try:
                        self.put(QUICK_STEPS[1 + i % 4], way)
                        break
                    except OSError as error:
                        self.assertEqual(error.errno, 26)
                        time.sleep(0.002)
                else:
                    self.fail("there was always a process that ran it")
                time.sleep(random.uniform(0, 0.4))
                self.assertEqual(starter.wrong, [])
            time.sleep(0.5)
            self.assertEqual(starter.wrong, [])
            self.assertGreater(starter.runs, times)
            check_watched(self, watch, self.path)
            check_watch_end(self, watch)

    # ---- while gomaptop starts -------------------------------------------------------------------

    @cases(("cp", "cp", 3), ("mv!", "mv", 4), ("cp_long!", "cp", 60), ("mv_long!", "mv", 60),
           ("in_place_long!", "in_place", 60))
    def each_while_attaching(self, way, times):
        """Between what is parsed and what is probed there is no gap for another file."""
        for i in range(times):
            self.put(QUICK_STEPS[i % 4])
            with Watch("-e", self.path) as watch:
                time.sleep(random.uniform(0, 0.8))
                self.put(QUICK_STEPS[(i + 1) % 4], way)
                check_starts(self, self.path, 5, what=i)
                if i % 4 == 3:
                    check_watched(self, watch, self.path, i)
                else:
                    watch.process.kill()

    @cases(("quick!", 6), ("long!", 80))
    def each_racing_link(self, times):
        """A name that leads to one running program and to another, by turns, many times a second:
        neither gets what was meant for the other."""
        folder = os.path.dirname(self.path)
        files = [shutil.copy(steady(release), os.path.join(folder, "of" + release))
                 for release in (HMAP, SWISS)]
        os.symlink(files[0], self.path)
        end = threading.Event()

        def swap():
            for number in range(1 << 30):
                if end.is_set():
                    return
                os.symlink(files[number % 2], self.path + ".new")
                os.rename(self.path + ".new", self.path)
                time.sleep(0.0002)

        with Running(files[0]) as one, Running(files[1]) as two:
            thread = threading.Thread(target=swap)
            thread.start()
            try:
                for _ in range(times):
                    with Watch("-e", self.path) as watch:
                        time.sleep(random.uniform(0.2, 1.5))
                        for target in (one, two):
                            self.assertTrue(target.running(), target.error_text()[:1500])
                        watch.process.kill()
                for target in (one, two):
                    target.goes_on(self)
            finally:
                end.set()
                thread.join()
            for target in (one, two):
                target.check_end(self)

    # ---- with -p ---------------------------------------------------------------------------------

    @cases(*((way + ("" if way == "cp" else "!"), way) for way in SAME_FILE + ("mv",)))
    def each_after_its_process(self, way):
        """A watched process ends, another is watched on: the first one's file is nobody's now."""
        self.put(QUICK_STEPS[0])
        with Target(program("opsloop", HMAP), "-wait") as other, Running(self.path) as target:
            with Watch("-p", f"{target.pid},{other.pid}") as watch:
                self.assertTrue(watch.sees(target.pid), watch.error_text())
                target.check_end(self)
                for build in QUICK_STEPS[1:4]:
                    self.put(build, way)
                    check_starts(self, self.path, 4, what=build)
                self.assertIsNone(watch.process.poll(), watch.error_text())
                check_watch_end(self, watch)

    def test_command_ended(self):
        """The same for a command that gomaptop started itself: its file is free at once."""
        self.put(QUICK_STEPS[0])
        run = subprocess.run([GOMAPTOP, "-b", "--",
                              self.path, "-alone"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                             text=True, timeout=60)
        self.assertIn(run.returncode, (7, 4, 5), run.stderr)
        self.put(QUICK_STEPS[1], "cp")
        check_starts(self, self.path, 2)

    # ---- many writers ----------------------------------------------------------------------------

    @cases(("quick!", 5), ("long!", 60))
    def each_storm(self, seconds):
        """Written over ten times a second: no writer waits for long, nothing breaks, and when it is
        over it is watched."""
        self.put(QUICK_STEPS[0])
        with Watch("-e", self.path) as watch:
            check_watched(self, watch, self.path)
            end = time.monotonic() + seconds
            number = 0
            while time.monotonic() < end:
                number += 1
                self.put(QUICK_STEPS[1 + number % 3], "cp" if number % 2 else "in_place")
                self.assertEqual(start(self.path), unwatched())
                time.sleep(0.1)
            check_watched(self, watch, self.path)
            check_watch_end(self, watch)


if __name__ == "__main__":
    unittest.main()
