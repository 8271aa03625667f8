# SPDX-License-Identifier: MIT
"""Programs that are not there yet when gomaptop starts: a path at which nothing stands, a file that
no process runs, and what CMD starts in its turn."""
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
import unittest

from harness import (GOMAPTOP, HMAP, PAIRED, SWISS, Target, cases, gomaptop, program, scratch,
                     table, toolchain)
from steady import Running, Watch, check_watched, move, replace, steady

GO_MODULE = "module example.com/followed\n\ngo 1.19\n"
GO_MAIN = """package main

import "time"

func use(d time.Duration) int {
	m, done := map[int]int{}, make(chan bool)
	end := time.Now().Add(d)
	go func() {
		for time.Now().Before(end) {
			m[1]++
			time.Sleep(time.Millisecond)
		}
		close(done)
	}()
	<-done
	return m[1]
}

func main() { println(use(6 * time.Second)) }
"""
GO_TEST = """package main

import ("testing"; "time")

func TestUse(t *testing.T) { if use(6*time.Second) == 0 { t.Fatal("no operation") } }
"""


def sh(*commands):
    return "sh", "-c", "; ".join(commands)


def of(*args):
    return " ".join(shlex.quote(str(arg)) for arg in args)


def targets(snapshot):
    """{name of the program: [rows]}"""
    rows = {}
    for row in snapshot["targets"]:
        rows.setdefault(os.path.basename(row["exe"].split(" (")[0]), []).append(row)
    return rows


@table
class AwaitedTest(unittest.TestCase):
    at_once = PAIRED

    def setUp(self):
        folder = scratch()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.path = os.path.join(folder.name, "service")

    def test_not_there_yet(self):
        """It comes, is replaced twice while processes run it, is cut off, goes and comes back."""
        with Watch("-e", self.path) as watch:
            watch.wait_said(f"waiting for {self.path}: there is no such file yet")
            replace(self, "mv", steady(HMAP), self.path)
            watch.wait_said(f"{self.path} is there since")
            with Running(self.path) as first:
                self.assertTrue(watch.sees(first.pid), watch.error_text())
                watch.wait_said(f"{self.path} was started, and is watched")
                replace(self, "mv", steady(SWISS), self.path)
                watch.wait_said("1 process still runs the old one")
                with Running(self.path) as second:
                    self.assertTrue(watch.sees(second.pid), watch.error_text())
                    self.replaced_again(watch)
                    for target in (first, second):
                        self.assertTrue(watch.sees(target.pid), "the old ones go on being watched")
                        target.goes_on(self)
            move(steady(SWISS), self.path)
            check_watched(self, watch, self.path)
            result = watch.finish()
            self.assertIn(result.status, (0, 4, 5), result)

    def replaced_again(self, watch):
        """By half a file, by nothing."""
        half = self.path + ".half"
        with open(steady(HMAP), "rb") as source, open(half, "wb") as file:
            file.write(source.read()[:200000])
        os.chmod(half, 0o755)
        os.rename(half, self.path)
        watch.wait_said("by a file that cannot be watched")
        os.unlink(self.path)
        watch.wait_said(f"{self.path} is gone")

    def test_folder_missing(self):
        result = gomaptop("-b", "-d", "2", "-e", os.path.join(self.path, "service"))
        self.assertEqual(result.status, 1, result)
        self.assertIn("No such file", result.stderr)

    def test_not_started(self):
        """A file that no process runs is not called idle; one that is idle is a target."""
        shutil.copy(program("opsloop", SWISS), self.path)
        with Watch("-e", self.path) as watch:
            watch.wait_said(f"waiting for {self.path} to be started")
            with Target(self.path, "-wait") as target:
                self.assertIsNotNone(watch.wait_metric(lambda d: d.all(
                    "gomaptop_target_info", pid=str(target.pid))), watch.error_text())
            self.assertNotIn("no process ran", watch.finish().stderr)

    def test_never_started(self):
        shutil.copy(program("opsloop", SWISS), self.path)
        result = gomaptop("-b", "-d", "3", "-i", "1", "-e", self.path)
        self.assertIn(f"no process ran {self.path} while it was watched", result.stderr)
        self.assertIn(f"Waiting for {self.path} to be started", result.stdout)


@table
class CommandTest(unittest.TestCase):
    """CMD is not the program to watch, but starts it."""
    at_once = PAIRED

    def run_command(self, *command, timeout=120, **more):
        """Its rows of targets are those of the snapshot."""
        with scratch() as folder:
            kept = os.path.join(folder, "kept.json")
            result = gomaptop("-b", "-i", "1h", "-o", kept, "--inconclusive-ok", "--", *command,
                              timeout=timeout, **more)
            with open(kept, encoding="utf-8") as file:
                result.targets = targets(json.load(file))
        return result

    def check_seen(self, result, name, count=1):
        rows = result.targets
        self.assertEqual(len(rows.get(name, ())), count, result)
        self.assertTrue(all(row["build_id"] for row in rows[name]), rows)
        self.assertIn(f"{name}, started by CMD as process {rows[name][0]['pid']}, is watched",
                      result.stderr)

    def command(self, seconds=6):
        return program("twins", SWISS), "-mode", "mutex", "-for", f"{seconds}s"

    def test_script(self):
        """By its #! line, with a status of its own."""
        with scratch() as folder:
            path = os.path.join(folder, "start")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\nsleep 0.2\n{of(*self.command())}\nexit 9\n")
            os.chmod(path, 0o755)
            result = self.run_command(path)
        self.assertEqual(result.status, 9, result)
        self.check_seen(result, "twins")

    def test_env(self):
        result = self.run_command("env", "X=1", *self.command())
        self.assertEqual(result.status, 0, result)
        self.check_seen(result, "twins")

    def test_two(self):
        result = self.run_command(*sh(of(*self.command()),
                                      of(program("steady", HMAP), "-alone", "-rounds", "600",
                                         "-pause", "5ms")))
        self.assertEqual(result.status, 7, result)
        self.check_seen(result, "twins")
        self.check_seen(result, "steady")

    def test_again_and_again(self):
        """The second run of a file is seen however short it is: its probes are in place."""
        result = self.run_command(*sh(of(*self.command()), of(*self.command(0.5)),
                                      of(*self.command(0.5))))
        self.assertEqual(result.status, 0, result)
        self.check_seen(result, "twins", 3)

    def test_left_behind(self):
        """What CMD leaves running is watched to its end."""
        result = self.run_command(*sh(f"{of(*self.command())} &"))
        self.assertEqual(result.status, 0, result)
        self.check_seen(result, "twins")
        self.assertGreater(result.seconds, 5)

    @cases(("run", ("run", "."), "followed"), ("test", ("test", "-count=1", "./..."),
                                               "followed.test"))
    def each_go(self, arguments, name):
        """Through the go command, whose own programs are left alone."""
        go = toolchain(HMAP)
        if not os.path.isabs(go):
            self.skipTest(go)
        with scratch() as folder:
            for file, text in (("go.mod", GO_MODULE), ("main.go", GO_MAIN),
                               ("main_test.go", GO_TEST)):
                with open(os.path.join(folder, file), "w", encoding="ascii") as out:
                    out.write(text)
            result = self.run_command(go, *arguments, timeout=300, cwd=folder)
        self.assertEqual(result.status, 0, result)
        self.check_seen(result, name)
        self.assertEqual(set(result.targets), {name})

    def test_others_not_watched(self):
        """A process of the same file that CMD did not start is no target."""
        with Running(program("steady", HMAP)) as other:
            result = self.run_command(*sh(of(program("steady", HMAP), "-alone", "-rounds", "600",
                                             "-pause", "5ms")))
            other.goes_on(self)
        rows = result.targets["steady"]
        self.assertNotIn(other.pid, [row["pid"] for row in rows])
        self.assertEqual(len(rows), 1, rows)

    @cases(("shell", sh("sleep 0.1", "/bin/true")), ("program", ("/bin/true",)))
    def each_no_go(self, command):
        result = self.run_command(*command)
        self.assertEqual(result.status, 1, result)
        self.assertIn("ran no Go program that could be watched", result.stderr)
        self.assertIn("true", result.stderr)

    def test_ended_with_it(self):
        """gomaptop that is asked to end ends CMD, with what that has started."""
        command = sh(of(program("steady", HMAP), "-rounds", "0", "-pause", "5ms") +
                     " </dev/zero", "true")
        with subprocess.Popen([GOMAPTOP, "-b", "-i", "1s", "--", *command],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            pid = None
            for line in run.stderr:
                if "is watched" in line:
                    pid = int(line.split("as process ")[1].split(",")[0])
                    break
            run.send_signal(signal.SIGTERM)
            run.communicate(timeout=30)
        self.assertIsNotNone(pid)
        end = time.monotonic() + 10
        while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(os.path.exists(f"/proc/{pid}/exe"), "it goes on")


if __name__ == "__main__":
    unittest.main()
