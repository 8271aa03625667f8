# SPDX-License-Identifier: MIT
"""The ways to say what is to be watched, how long, and where the report goes."""
import json
import os
import shutil
import subprocess
import threading
import time
import unittest

from harness import (GOMAPTOP, PAIRED, RELEASE_ROWS, Died, NotMet, Target, Watching, cases, caught,
                     check_met, conflict_places, gomaptop, program, racing, scratch,
                     source_lines, table, twin, until_met, validate)


@table
class ModesTest(unittest.TestCase):
    at_once = PAIRED

    @cases(*RELEASE_ROWS)
    def each_command_conflict(self, release):
        """`-- CMD`: conflicts of a command from its start; it is ended with the watch."""
        def attempt():
            result = gomaptop("-b", "-i", "1h", "-d", "20", "--until-conflict", "--format",
                              "json", "-o", "/dev/stderr", "--", program("twins", release),
                              "-mode", "racy", "-for", "15s", timeout=60)
            if result.status != 3 and "fatal error: concurrent map" in result.stderr:
                raise Died()
            self.assertEqual(result.status, 3, result)

        until_met(attempt)

    def test_command_status(self):
        """Without a conflict, the status is the command's own."""
        result = gomaptop("-b", "--inconclusive-ok", "--", program("twins", "1.24"), "-mode",
                          "nonsense")
        self.assertEqual(result.status, 2, result)
        result = gomaptop("-b", "--inconclusive-ok", "--", program("twins", "1.24"), "-mode",
                          "mutex", "-for", "1s")
        self.assertEqual(result.status, 0, result)

    def test_command_missing(self):
        result = gomaptop("-b", "--", "/no/such/command")
        self.assertEqual(result.status, 1, result)
        self.assertIn("/no/such/command", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    @cases(*RELEASE_ROWS)
    def each_executable(self, release):
        """`-e`: processes that run already, that come later and that go meanwhile."""
        with scratch() as folder:
            path = shutil.copy(program("twins", release), folder)
            with Target(path, "-mode", "racy") as early:
                with Watching("-e", path) as watching:
                    with racing(early):
                        self.assertIsNotNone(watching.wait_for(
                            lambda s: early.pid in {t["pid"] for t in s["targets"]}, 30),
                            watching.error_text())
                    with Target(path, "-mode", "mutex", "-for", "4s") as late:
                        self.assertIsNotNone(watching.wait_for(
                            lambda s: any(m["pid"] == late.pid and m["writes"] > 100
                                          for m in s["maps"]), 20), "the later process")
                        late.process.wait()
                    gone = watching.wait_for(
                        lambda s: any(t["pid"] == late.pid and t["state"] == "exited"
                                      for t in s["targets"]), 20)
                    self.assertIsNotNone(gone, "the end of the later process")
                    watching.wait_for(
                        lambda s: caught(s) or early.killed_by_runtime(), 60)
                    result = watching.finish()
                check_met(self, result, early)
        self.assertEqual({c["a"]["pid"] for c in result.snapshot["conflicts"]}, {early.pid})

    def test_executable_before_any(self):
        """`-e` with no such process yet waits for one."""
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), folder)
            with Watching("-e", path) as watching:
                time.sleep(1)
                with Target(path, "-mode", "mutex", "-for", "6s") as target:
                    seen = watching.wait_for(
                        lambda s: any(m["pid"] == target.pid and m["writes"] > 100
                                      for m in s["maps"]), 20)
                    self.assertIsNotNone(seen, watching.error_text())

    def test_idle_target(self):
        """A process that does nothing is a target all the same."""
        with Target(program("opsloop", "1.24"), "-wait") as target:
            result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "1", "-p", target.pid)
        self.assertEqual(result.status, 4, result)
        self.assertEqual([(t["pid"], t["state"]) for t in result.snapshot["targets"]],
                         [(target.pid, "running")])

    def test_report_due_at_the_end(self):
        """With -d a multiple of -i the report that is due at the end is the last one, once."""
        with twin("mutex", "1.24") as target:
            for duration, reports in (("1s", 1), ("2s", 2)):
                for _ in range(4):
                    result = gomaptop("-b", "--format", "json", "-i", "1s", "-d", duration, "-p",
                                      target.pid)
                    self.assertEqual(len(result.snapshots), reports)

    def test_snapshot_file(self):
        """-o writes what -b printed last; duration and interval are kept."""
        with scratch() as folder, twin("mutex", "1.19") as target:
            path = os.path.join(folder, "out.json")
            result = gomaptop("-b", "--format", "json", "-i", "1s", "-d", "3s", "-o", path,
                              "--inconclusive-ok", "-p", target.pid)
            with open(path, encoding="utf-8") as file:
                snapshot = json.load(file)
            validate(snapshot)
            self.assertEqual(os.listdir(folder), ["out.json"])
        self.assertEqual(result.status, 0, result)
        self.assertEqual(len(result.snapshots), 3)
        self.assertAlmostEqual(snapshot["seconds"], 3, delta=0.8)
        self.assertEqual(snapshot["maps"], result.snapshot["maps"])

    def test_text(self):
        """The text report names the conflict and both places."""
        def attempt():
            with twin("racy", "1.24") as target, racing(target):
                return gomaptop("-b", "-i", "1h", "-d", "5", "-p", target.pid)

        result = until_met(attempt)
        self.assertEqual(result.status, 3, result)
        for _, line in source_lines("twins", r"// RACY (write|read)$"):
            self.assertIn(f"main.go:{line}", result.stdout)
        self.assertNotIn("\x1b", result.stdout, "no colours where there is no terminal")

    def test_at_once(self):
        """A pair of lines is told when it is seen, into a pipe too, however long the interval: as
        a line with the text of both lines, or as an event."""
        def attempt(form, found):
            with twin("racy", "1.24") as target, racing(target), subprocess.Popen(
                    [GOMAPTOP, "-b", "-i", "1h", "--format", form, "-p", str(target.pid)],
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
                lines = []
                try:
                    timer = threading.Timer(60, process.kill)
                    timer.start()
                    for line in process.stdout:
                        lines.append(line)
                        if found in line:
                            return lines
                finally:
                    timer.cancel()
                    process.terminate()
            raise NotMet(f"nothing but {lines}")

        lines = until_met(lambda: attempt("text", "  new "))
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)  new ")
        self.assertIn("main.go:", lines[0])
        self.assertIn("// RACY write`", lines[0])
        events = [json.loads(line) for line in until_met(lambda: attempt("ndjson", '"finding"'))]
        self.assertEqual([event["event"] for event in events], ["target", "finding"])

    def test_stack_depth(self):
        """--stack-depth bounds the chain and says that it did."""
        def attempt():
            with Target(program("chains", "1.24"), "-for", "1h") as target, racing(target):
                target.line_where(lambda line: "done" in line)
                return gomaptop("-b", "--format", "json", "-i", "1h", "-d", "5",
                                "--stack-depth", "3", "-p", target.pid)

        result = until_met(attempt)
        sides = [c[s] for c in caught(result.snapshot) for s in "ab"]
        self.assertTrue(sides)
        self.assertTrue(any(side["stack_truncated"] for side in sides))
        self.assertTrue(all(len(conflict_places(result.snapshot)) for side in sides))

    @cases(("enough", 5, False), ("one_less", 4, True))
    def each_stack_depth_of(self, depth, truncated):
        """A chain with exactly as many entries as there is room for is whole: the map function, the
        two that are told, the wrapper of the go statement and runtime.goexit."""
        def attempt():
            with twin("racy", "1.24") as target:
                result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "20",
                                  "--max-overhead", "100", "--until-conflict",
                                  "--stack-depth", depth, "-p", target.pid, timeout=60)
                check_met(self, result, target)
                return result

        result = until_met(attempt)
        sides = [c[s] for c in result.snapshot["conflicts"] if c["evidence"] == "overlap"
                 for s in "ab"]
        self.assertEqual({side["stack_truncated"] for side in sides}, {truncated}, sides)


if __name__ == "__main__":
    unittest.main()
