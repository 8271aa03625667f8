# SPDX-License-Identifier: MIT
"""Bad input: one clear message that names the thing, the right status, no harm."""
import os
import re
import shutil
import struct
import subprocess
import time
import unittest

from harness import (GOMAPTOP, PAIRED, RELEASE_ROWS, Target, Watching, cases, gomaptop, program,
                     scratch, table, toolchain, twin)

NOBODY = 65534


def sections(image):
    """{name: (offset, size)} of what is in the file."""
    table, = struct.unpack_from("<Q", image, 0x28)
    count, names = struct.unpack_from("<HH", image, 0x3c)
    rows = [struct.unpack_from("<II16xQQ", image, table + 64 * i) for i in range(count)]
    at = rows[names][2]
    return {image[at + name:image.index(0, at + name)].decode(): (offset, size)
            for name, kind, offset, size in rows if kind not in (0, 8)}


def segments(image):
    """[(offset of its header, offset, size)] of what is loaded."""
    table, = struct.unpack_from("<Q", image, 0x20)
    count, = struct.unpack_from("<H", image, 0x38)
    rows = [(table + 56 * i, *struct.unpack_from("<I4xQ16xQ", image, table + 56 * i))
            for i in range(count)]
    return [(at, offset, size) for at, kind, offset, size in rows if kind == 1]


@table
class InputTest(unittest.TestCase):
    at_once = PAIRED

    def check_message(self, result, status, *words):
        self.assertEqual(result.status, status, result)
        self.assertEqual(result.stdout, "", "data where there is none")
        lines = result.stderr.strip().splitlines()
        self.assertTrue(lines and lines[0].startswith("gomaptop: "), result.stderr)
        if status == 1:
            self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(word.lower(), result.stderr.lower())

    def test_no_such_pid(self):
        with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
            pid = int(file.read()) - 1
        self.check_message(gomaptop("-b", "-p", pid), 1, str(pid))

    def test_not_go(self):
        sleeper = subprocess.Popen(["sleep", "60"])
        try:
            self.check_message(gomaptop("-b", "-p", sleeper.pid), 1, "go")
            self.assertIsNone(sleeper.poll())
        finally:
            sleeper.kill()
            sleeper.wait()

    def test_kernel_thread(self):
        self.check_message(gomaptop("-b", "-p", 2), 1, "2")

    def test_go_too_old(self):
        """A program that says Go 1.16: one of 1.19 with another number in it."""
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.19"), folder)
            with open(path, "rb") as file:
                image = file.read()
            version = subprocess.run([toolchain("1.19"), "env", "GOVERSION"],
                                     stdout=subprocess.PIPE, check=True).stdout.strip()
            older = version.replace(b"go1.19", b"go1.16")
            self.assertIn(version, image)
            with open(path, "wb") as file:
                file.write(image.replace(version, older))
            with Target(path, "-mode", "mutex") as target:
                self.check_message(gomaptop("-b", "-p", target.pid), 1, "1.16", "1.17")
                self.assertTrue(target.running())

    def test_other_machine(self):
        """A program for the other kind of machine is named as such, before anything is probed."""
        other = {"x86_64": "arm64", "aarch64": "amd64"}[os.uname().machine]
        path = program("twins", "1.24", arch=other)
        self.check_message(gomaptop("-b", "-e", path), 1, path, f"built for {other}")

    def test_32_bit(self):
        path = program("twins", "1.19", arch="386")
        self.check_message(gomaptop("-b", "-e", path), 1, "32-bit")
        try:
            target = Target(path, "-mode", "mutex")
        except OSError:
            return  # this kernel does not run such a program
        with target:
            self.check_message(gomaptop("-b", "-p", target.pid), 1, "32-bit")
            self.assertTrue(target.running())

    def test_no_permission(self):
        with scratch() as folder, twin("mutex", "1.24") as target:
            os.chmod(folder, 0o755)
            binary = shutil.copy(GOMAPTOP, folder)
            run = subprocess.run([binary, "-b", "-d", "1", "-p", str(target.pid)], user=NOBODY,
                                 group=NOBODY, extra_groups=[], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 timeout=30, check=False)
            self.assertEqual(run.returncode, 1, run.stderr)
            self.assertEqual(len(run.stderr.strip().splitlines()), 1, run.stderr)
            self.assertRegex(run.stderr, "root|sudo|CAP_")

    @cases(("deleted", False), ("replaced", True))
    def each_binary(self, replace):
        """The file of a running program is gone or another one now (an upgrade): what runs is
        what is watched."""
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), folder)
            with Target(path, "-mode", "mutex") as target:
                os.unlink(path)
                if replace:
                    shutil.copy(program("ledgerd", "1.19"), path)
                result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "3",
                                  "--inconclusive-ok", "--max-overhead", "100", "-p", target.pid)
                self.assertTrue(target.running())
                if result.status == 1:
                    self.check_message(result, 1, "restart")
                else:
                    self.assertEqual(result.status, 0, result)
                    self.assertGreater(result.snapshot["coverage"]["counted"], 1000)

    @cases(("killed", "kill"), ("ended", "terminate"))
    def each_target(self, how):
        """A target that ends is reported, and ends the watch well before its time."""
        with twin("mutex", "1.19") as target:
            with Watching("-p", target.pid, "-d", "60") as watching:
                watching.wait_attached()
                time.sleep(1)
                getattr(target.process, how)()
                result = watching.finish(None, timeout=20)
        self.assertEqual(result.status, 0, result)
        self.assertLess(result.seconds, 30)
        self.assertEqual([t["state"] for t in result.snapshot["targets"]], ["exited"])

    def test_target_replaces_itself(self):
        """A process that executes another program is no longer what was watched."""
        path = program("twins", "1.24")
        shell = subprocess.Popen(["sh", "-c", f"'{path}' -mode mutex -for 1s >/dev/null; "
                                  f"exec sleep 30"])
        try:
            time.sleep(2)
            self.check_message(gomaptop("-b", "-p", shell.pid), 1, "go")
        finally:
            shell.kill()
            shell.wait()

    @cases(("no_folder", "/no/such/folder/out.json"), ("is_folder", "/tmp"),
           ("pseudo", "/proc/out.json"))
    def each_unwritable(self, path):
        with twin("mutex", "1.24") as target:
            result = gomaptop("-b", "--format", "json", "-i", "1h", "-d", "1", "-o", path, "-p",
                              target.pid)
            self.assertEqual(result.status, 1, result)
            self.assertIn(path, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            self.assertTrue(target.running())

    @cases(("pid_zero", "-p", "0"), ("pid_negative", "-p", "-5"),
           ("pid_huge", "-p", "99999999999999999999"), ("pid_empty", "-p", ""),
           ("duration", "-d", "soon", "-p", "1"), ("unknown", "--no-such-option"),
           ("format", "--format", "xml", "-p", "1"), ("stall", "--stall", "1ms..20us", "-p", "1"),
           ("depth", "--stack-depth", "0", "-p", "1"),
           ("listen_name", "--listen", "localhost:9464", "-p", "1"),
           ("listen_port", "--listen", "65536", "-p", "1"),
           ("two_modes", "-p", "1", "-e", "/bin/ls"))
    def each_usage(self, *arguments):
        self.check_message(gomaptop("-b", *arguments), 2)

    def test_executable_missing(self):
        self.check_message(gomaptop("-b", "-e", "/no/such/program"), 1, "/no/such/program")

    def test_executable_not_go(self):
        self.check_message(gomaptop("-b", "-e", "/bin/sh"), 1, "/bin/sh")

    def check_damaged(self, path):
        """A clear word, or, where the damage does not matter, a watch as ever."""
        result = gomaptop("-b", "-d", "100ms", "--inconclusive-ok", "-e", path, timeout=10)
        if result.status == 0:
            # That no process runs it is said; nothing else.
            said = [line for line in result.stderr.splitlines() if not re.fullmatch(
                rf"gomaptop: (waiting for {re.escape(path)} to be started: no process runs it|"
                rf"no process ran {re.escape(path)} while it was watched)", line)]
            self.assertEqual(said, [])
        else:
            self.check_message(result, 1, path)
        return result.status

    @cases(*RELEASE_ROWS)
    def each_truncated(self, release):
        """Cut off where something begins or ends, and one byte before."""
        path = program("twins", release)
        with open(path, "rb") as file:
            image = file.read()
        begins = {at for at, size in sections(image).values()}
        ends = {at + size for at, size in sections(image).values()}
        backed = max(offset + size for _, offset, size in segments(image))
        with scratch() as folder:
            copy = os.path.join(folder, "twins")
            for cut in sorted(begins | ends | {at - 1 for at in begins} | {63, 64, 65}):
                if not 0 < cut < len(image):
                    continue
                with open(copy, "wb") as file:
                    file.write(image[:cut])
                self.assertEqual(self.check_damaged(copy), int(cut < backed), cut)

    @cases(("phoff", 0x20, "<Q", 2**64 - 1), ("shoff", 0x28, "<Q", 2**63),
           ("phentsize", 0x36, "<H", 1), ("phnum", 0x38, "<H", 65535),
           ("shentsize", 0x3a, "<H", 65535), ("shnum", 0x3c, "<H", 65535),
           ("shstrndx", 0x3e, "<H", 65535), ("segment_offset", "segment", "<8xQ", 2**63),
           ("segment_address", "segment", "<16xQ", 2**64 - 9),
           ("segment_size", "segment", "<32xQ", 2**63),
           ("functions", ".gopclntab", "<8xQ", 2**62), ("names", ".gopclntab", "<32xQ", 2**63),
           ("table", ".gopclntab", "<64xQ", 2**64 - 1),
           ("version", ".go.buildinfo", "<32xI", 2**32 - 1))
    def each_number(self, where, form, value):
        """One offset, size or count that is out of all proportion."""
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), folder)
            with open(path, "r+b") as file:
                image = file.read()
                if where == "segment":
                    where = segments(image)[0][0]
                elif isinstance(where, str):
                    where = sections(image)[where][0]
                self.assertNotEqual(struct.unpack_from(form, image, where)[0], value)
                skip = struct.calcsize(form) - struct.calcsize("<" + form[-1])
                file.seek(where + skip)
                file.write(struct.pack("<" + form[-1], value))
            self.check_damaged(path)

    def test_executable_unreadable(self):
        """A file that this user may not read: its name and what to do."""
        with scratch() as folder:
            os.chmod(folder, 0o755)
            binary = shutil.copy(GOMAPTOP, folder)
            path = shutil.copy(program("twins", "1.24"), folder)
            os.chmod(path, 0o700)
            result = gomaptop("-b", "-d", "1", "-e", path, executable=binary, user=NOBODY,
                              group=NOBODY, extra_groups=[])
            self.check_message(result, 1, path, "who may read it")


if __name__ == "__main__":
    unittest.main()
