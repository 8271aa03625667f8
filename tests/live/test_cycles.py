# SPDX-License-Identifier: MIT
"""Programs that are attached to and let go again and again, in the middle of whatever they do,
print what they print when nothing watches them, and have their own text back at once."""
import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import time
import unittest

from harness import (GOMAPTOP, HMAP, PAIRED, SWISS, Target, Watching, cases, program, scratch,
                     table)
from steady import (Running, Text, Watch, check_starts, check_watched, clean_after, replace, steady,
                    sums, unwatched)
from test_stopped import own_processes

NOBODY = 65534
NEWEST = "1.27"
KINDS = ({}, {"mode": "pie"}, {"cgo": "external"})
CLEAN = 0.015    # seconds from the end of gomaptop until the text is the file's again
NEEDED = ("bpf", "perfmon", "sys_ptrace")


@table
class CyclesTest(unittest.TestCase):
    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    @cases(("quick", SWISS, 8), ("long!", NEWEST, 700))
    def each_cycle(self, newest, times):
        """Six programs; SIGKILL at random moments, from before the first probe on."""
        sums()
        paths = [steady(release, **kind) for release in (HMAP, newest) for kind in KINDS]
        targets = [self.enter(Running(path, pause="10ms")) for path in paths]
        texts = [Text(target.pid, path) for target, path in zip(targets, paths)]
        pids = ",".join(str(target.pid) for target in targets)
        clean, probed = [], 0
        for i in range(times):
            with Watching("-p", pids, "-v", overhead=random.choice((3, 30, 100))) as watch:
                with contextlib.suppress(AssertionError):
                    if i % 3:   # the others are killed while they start
                        watch.wait_said("probes attached", 10)
                time.sleep(random.uniform(0, 0.3))
                probed += any(text.changed() for text in texts)
                watch.finish(random.choice((signal.SIGKILL,) * 3 + (signal.SIGTERM,)))
                clean.append(clean_after(texts))
            for target in targets:
                self.assertTrue(target.running(), target.error_text()[:1500])
        for target in targets:
            target.goes_on(self)
            target.check_end(self)
        self.assertGreater(probed, times / 5, "had no probes been there, nothing was tested")
        # One that had to wait for a CPU is later; most are not.
        self.assertLess(statistics.median(clean), CLEAN)
        self.assertLess(max(clean), 1, sorted(clean)[-5:])

    @cases(("some!", 6), ("long!", 100))
    def each_kill_while_ending(self, times):
        """Told to end, and a moment later killed, all of it: in the middle of taking probes out.
        Here the kernel left breakpoints behind for good, for as long as the target lived."""
        path = program("opsloop", SWISS)
        with Target(path, "-op", "write", "-rounds", "0", "-n", "20000") as target:
            text = Text(target.pid, path)
            for i in range(times):
                mark = f"GOMAPTOP_TEST_MARK={os.getpid()}-{i}"
                with Watching("-p", target.pid, "-v", interval="1h",
                              env=dict([mark.split("=")])) as watch:
                    watch.wait_said("probes attached")
                    pids = own_processes(mark)
                    watch.process.send_signal(signal.SIGTERM)
                    time.sleep(random.uniform(0, 0.05))
                    for pid in sorted(pids, reverse=True):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    watch.process.wait()
                    self.assertLess(clean_after([text], 3), 3, f"try {i}: breakpoints are left at "
                                    f"{[hex(at) for at in text.changed()]}")

    @cases(("pid", "-p", 1, 1), ("file!", "-e", 1, 1), ("pid_long!", "-p", 4, 12),
           ("file_long!", "-e", 4, 12))
    def each_fork_and_exec(self, how, children, times):
        """It starts processes of the same file while probed, and becomes it anew."""
        args = ("-rounds", "3", "-pause", "50ms", "-children", str(children), "-exec", "2")
        plain = unwatched(*args)
        for release in (HMAP, SWISS):
            with scratch() as folder, contextlib.ExitStack() as stack:
                path = shutil.copy(steady(release), os.path.join(folder, "service"))
                if how == "-e":
                    watch = stack.enter_context(Watch("-e", path))
                    watch.document()
                for _ in range(times):
                    run = subprocess.Popen([path, "-alone", *args], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
                    if how == "-p":
                        stack.enter_context(Watch("-p", run.pid))
                    out, errors = run.communicate(timeout=120)
                    self.assertEqual((run.returncode, out, errors),
                                     (plain.status, plain.stdout, plain.stderr))


@table
class CapabilitiesTest(unittest.TestCase):
    """Exactly CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are needed for a process of somebody else."""
    at_once = PAIRED

    def setUp(self):
        folder = scratch()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.folder = folder.name
        self.binary = shutil.copy(GOMAPTOP, self.folder)
        os.chmod(self.binary, 0o755)

    def command(self, capabilities):
        words = ",".join("+" + name for name in capabilities)
        raised = [f"--inh-caps={words}", f"--ambient-caps={words}"] if capabilities else []
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                "--bounding-set=-all" + "".join(",+" + name for name in capabilities), *raised,
                self.binary)

    def test_suffice(self):
        with Running(steady(SWISS)) as target:
            with Watch("-p", target.pid, command=self.command(NEEDED)) as watch:
                self.assertTrue(watch.sees(target.pid), watch.error_text())
            target.check_end(self)

    @cases(*((name, name) for name in NEEDED))
    def each_missing(self, name):
        with Running(steady(SWISS)) as target:
            with Watching("-p", target.pid, command=self.command(
                    [other for other in NEEDED if other != name])) as watch:
                watch.process.wait(30)
                result = watch.finish(None)
            self.assertEqual(result.status, 1, result)
            self.assertIn("root", result.stderr)
            target.check_end(self)

    # Root leases its own files with no capability.
    NOT_LEASED = ("setpriv", "--bounding-set=-lease")

    def not_leased(self):
        """A file that is run as opsloop() and cannot be leased."""
        path = shutil.copy(program("opsloop", SWISS), self.folder)
        os.chown(path, NOBODY, NOBODY)
        return path

    def opsloop(self):
        """One more process of a file that gomaptop may not lease."""
        return Target(os.path.join(self.folder, "opsloop"), "-op", "write", "-rounds", "0", "-n",
                      "1000", "-work", "20000")

    # Perf events want root, which without CAP_LEASE may not lease a file of somebody else.
    @cases(("multi", {}), ("perf", {"GOMAPTOP_ATTACH": "perf_event"}, *NOT_LEASED))
    def each_of_several(self, env, *command):
        """Without a lease each process is probed by itself: all that there are, those that come
        later, and those that are left when one ends."""
        os.chown(shutil.copy(program("opsloop", SWISS), self.folder), *(
            (NOBODY, NOBODY) if command else (0, 0)))
        with contextlib.ExitStack() as stack:
            targets = [stack.enter_context(self.opsloop()) for _ in range(2)]
            watch = stack.enter_context(Watching(
                "-e", os.path.join(self.folder, "opsloop"), env=env,
                command=(*command, self.binary) if command else self.command(NEEDED)))
            self.check_all_seen(watch, targets)
            targets.append(stack.enter_context(self.opsloop()))
            self.check_all_seen(watch, targets)
            targets.pop(0).stop()
            self.check_all_seen(watch, targets)
            probes = watch.newest()["coverage"]["probes"]
            self.assertEqual((probes["attached"], probes["skipped"]), (probes["wanted"], []))

    @cases(("multi", {}), ("perf", {"GOMAPTOP_ATTACH": "perf_event"}))
    def each_started_later(self, env):
        """Without a lease no probe is in a file that no process runs. That says nothing of the
        probes: they all go in as soon as one does."""
        with Watching("-e", self.not_leased(), env=env,
                      command=(*self.NOT_LEASED, self.binary)) as watch:
            seen = watch.wait_for(lambda s: s["coverage"]["trouble"] == "file_idle", 30)
            self.assertIsNotNone(seen, watch.error_text())
            with self.opsloop() as target:
                self.check_all_seen(watch, [target])
                probes = watch.newest()["coverage"]["probes"]
                self.assertEqual((probes["attached"], probes["skipped"]), (probes["wanted"], []))

    def test_crowd(self):
        """Without a lease 17 processes are not probed, which is said; 16 are."""
        path = self.not_leased()
        with contextlib.ExitStack() as stack:
            targets = [stack.enter_context(self.opsloop()) for _ in range(17)]
            watch = stack.enter_context(Watching("-e", path,
                                                 command=(*self.NOT_LEASED, self.binary)))
            seen = watch.wait_for(lambda s: s["coverage"]["trouble"] == "file_crowded", 30)
            self.assertIsNotNone(seen, watch.error_text())
            time.sleep(2)
            self.assertEqual(watch.newest()["coverage"]["hits"], 0, "probes were in")
            targets.pop().stop()
            seen = watch.wait_for(lambda s: s["coverage"]["trouble"] is None, 30)
            self.assertIsNotNone(seen, watch.error_text())
            seen = watch.wait_for(lambda s: s["coverage"]["hits"] > 0, 60)
            self.assertIsNotNone(seen, watch.error_text())
            while len(targets) > 3:   # all of them together leave little time to anything
                targets.pop().stop()
            self.check_all_seen(watch, targets)

    def check_all_seen(self, watch, targets):
        """Each is seen to go on with its operations from now on."""
        for target in targets:
            before = self.writes(watch.newest(), target)
            seen = watch.wait_for(lambda s, pid=target.pid, before=before:
                                  self.writes(s, target) > before + 100, 30)
            self.assertIsNotNone(seen, f"nothing more was seen of {target.pid}, "
                                 f"{watch.error_text()}")

    @staticmethod
    def writes(snapshot, target):
        return sum(row["writes"] for row in snapshot["maps"]
                   if row["pid"] == target.pid) if snapshot else 0

    @cases(("cp", "cp"), ("in_place!", "in_place"), ("mv!", "mv"))
    def each_replaced(self, way):
        """Nobody else's file can be leased without CAP_LEASE: it is safe without, and watched."""
        path = shutil.copy(steady(HMAP), os.path.join(self.folder, "service"))
        with Watch("-e", path, command=self.command(NEEDED)) as watch:
            check_watched(self, watch, path)
            for more in ({"tags": "extra"}, {"mode": "pie"}, {}):
                replace(self, way, steady(HMAP, **more), path)
                check_starts(self, path, 4, what=more)
                check_watched(self, watch, path, more)


if __name__ == "__main__":
    unittest.main()
