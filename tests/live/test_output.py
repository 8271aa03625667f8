# SPDX-License-Identifier: MIT
"""Where gomaptop writes: files of -o among files of others, limits, and variables for tests."""
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import unittest

from harness import GOMAPTOP, PAIRED, SWISS, Target, gomaptop, program, scratch

STRANGER = 12345   # neither the caller nor the owner of the folder


def quiet_target():
    return Target(program("twins", SWISS), "-mode", "mutex")


@unittest.skipIf(os.geteuid() != 0, "needs root")
class FileTest(unittest.TestCase):
    at_once = PAIRED

    def save(self, path, *args, **popen):
        with quiet_target() as target:
            return gomaptop("-b", "-d", "1s", "-i", "1h", "-o", path, *args, "-p", target.pid,
                            **popen)

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
