# SPDX-License-Identifier: MIT
"""gomaptop check: what it says is what a watch then does, for root and for others, and it leaves
the program that it looks at alone."""
import functools
import json
import os
import shutil
import subprocess
import time
import unittest

from elftools.elf.elffile import ELFFile

from harness import (BUILD_ROWS, GOMAPTOP, PAIRED, ROOT, RELEASE_ROWS, Target, Watching, cases,
                     gomaptop, ledger, program, scratch, table, toolchain, twin, watch)

NOBODY = 65534
BREAKPOINT = 0xCC


@functools.lru_cache(maxsize=None)
def validator():
    import jsonschema  # pylint: disable=import-outside-toplevel
    with open(os.path.join(ROOT, "tui", "check", "check.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def report_of(result):
    report = json.loads(result.stdout)
    validator().validate(report)
    if report["works"] != (result.status == 0) or result.status not in (0, 1):
        raise AssertionError(f"works: {report['works']}, {result}")
    return report


def check(*arguments, **more):
    """The JSON report, valid, and with the status that goes with it."""
    return report_of(gomaptop("check", "--format", "json", *arguments, **more))


def probes(report):
    return [f for f in report["probes"]["functions"] if f["kind"] in ("emulated", "stepped")]


def order_addresses(report):
    """Where probes can go on what orders goroutines."""
    return {int(a, 16) for a in report["order"]["addresses"]} if report["order"] else set()


def problems(report):
    return {key for section in ("program", "privileges", "kernel", "machine")
            for key, fact in report[section].items() if fact["state"] == "problem"}


class Code:
    """The executable segment of a program that is not position-independent, in memory and file."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/exe", "rb") as file:
            segment = next(s for s in ELFFile(file).iter_segments("PT_LOAD")
                           if s["p_flags"] & 1)
            self.start = segment["p_vaddr"]
            self.file = segment.data()
        self.memory = open(f"/proc/{pid}/mem", "rb", buffering=0)

    def changed(self):
        """{address: byte} where the memory is not what the file says."""
        self.memory.seek(self.start)
        now = b""
        while len(now) < len(self.file):
            more = self.memory.read(len(self.file) - len(now))
            if not more:
                raise ProcessLookupError("the program has ended")
            now += more
        if now == self.file:
            return {}
        return {self.start + i: b for i, (a, b) in enumerate(zip(self.file, now)) if a != b}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.memory.close()


@table
class CheckTest(unittest.TestCase):
    at_once = PAIRED

    @cases(*BUILD_ROWS)
    def each_ledgerd(self, release, stripped):
        """Every probe that is listed is one that a watch sets, at that address, and no other."""
        with ledger(release, stripped=stripped, rate=50) as (service, _):
            report = check("-p", service.pid)
            listed = {int(f["address"], 16) for f in probes(report)}
            births = {int(f["address"], 16) for f in report["births"]}
            order = order_addresses(report)
            missing = {f["function"] for f in report["probes"]["functions"]
                       if f["kind"] == "missing"}
            with Watching("-p", service.pid) as watching, Code(service.pid) as code:
                coverage = watching.wait_attached()["coverage"]
                set_now = code.changed()
                watching.finish()
                after = code.changed()
            self.assertTrue(service.running())
        self.assertTrue(report["works"])
        self.assertEqual(report["program"]["go_version"]["value"][:len(release) + 2],
                         "go" + release)
        self.assertEqual(report["program"]["stripped"]["value"], stripped)
        self.assertGreater(len(listed), 10)
        # Probes on births come and go, and so do those on what orders goroutines; nothing but what
        # is listed is ever set.
        self.assertGreater(len(births), 0)
        self.assertGreater(len(order), 30)
        self.assertLessEqual(listed, set(set_now))
        self.assertLessEqual(set(set_now), listed | births | order)
        self.assertEqual(set(set_now.values()), {BREAKPOINT})
        self.assertEqual(after, {})
        self.assertEqual(coverage["probes"]["wanted"], report["probes"]["wanted"])
        self.assertEqual(coverage["probes"]["attached"], report["probes"]["placed"])
        self.assertEqual({s["function"] for s in coverage["probes"]["skipped"]}, missing)
        self.assertEqual(coverage["unseen"], report["unseen"])
        self.assertGreater(len(report["unseen"]), 0)
        self.assertEqual(coverage["attach"], report["kernel"]["attach"]["value"])

    @cases(("multi", {}), ("perf", {"GOMAPTOP_ATTACH": "perf_event"}))
    def each_leaves_alone(self, env):
        """While it checks, not one byte of the program is changed."""
        with twin("mutex", "1.24") as target, Code(target.pid) as code:
            run = subprocess.Popen([GOMAPTOP, "check", "-p", str(target.pid)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=dict(os.environ, **env))
            looks = 0
            while run.poll() is None:
                self.assertEqual(code.changed(), {})
                looks += 1
            self.assertEqual(run.wait(), 0, run.stderr.read())
            run.stdout.close()
            run.stderr.close()
            self.assertTrue(target.running())
        self.assertGreater(looks, 10)

    def test_perf_events(self):
        env = {"GOMAPTOP_ATTACH": "perf_event"}
        with twin("mutex", "1.19") as target:
            report = check("-p", target.pid, env=env)
            coverage = watch("-p", target.pid, seconds=1, env=env).snapshot["coverage"]
        self.assertEqual(report["kernel"]["attach"]["value"], "perf_event")
        self.assertEqual(coverage["attach"], "perf_event")
        self.assertIsNone(report["kernel"]["uprobe_multi"]["value"])
        self.assertEqual(coverage["probes"]["attached"], report["probes"]["placed"])

    @cases(*RELEASE_ROWS)
    def each_text(self, release):
        with twin("mutex", release) as target:
            result = gomaptop("check", "-p", target.pid)
            report = check("-p", target.pid)
        self.assertEqual((result.status, result.stderr), (0, ""), result)
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 80)
        self.assertIn(report["verdict"], " ".join(result.stdout.split()))
        for function in probes(report):
            self.assertRegex(result.stdout, r"(?m)^  \S+ +\S+ +" + function["address"] +
                             f" +{function['instruction']} +{function['kind']}$")

    def test_position_independent(self):
        go = toolchain("1.24")
        with scratch() as folder:
            path = os.path.join(folder, "twins")
            subprocess.run([go, "build", "-buildmode=pie", "-o", path, "./twins"], check=True,
                           cwd=os.path.join(ROOT, "tests", "go"),
                           env=dict(os.environ, GOTOOLCHAIN="local", GOFLAGS=""))
            with Target(path, "-mode", "mutex") as target:
                report = check("-p", target.pid)
                with open(f"/proc/{target.pid}/maps", encoding="utf-8") as maps:
                    begin = int(next(line for line in maps if path in line).split("-")[0], 16)
                with open(path, "rb") as file:
                    begin -= next(ELFFile(file).iter_segments("PT_LOAD"))["p_vaddr"]
        self.assertTrue(report["works"])
        self.assertTrue(report["program"]["pie"]["value"])
        self.assertIn(hex(begin) + " ", report["program"]["pie"]["meaning"])

    # ---- whoever asks --------------------------------------------------------------------------

    def as_nobody(self, *arguments, capabilities=""):
        """Run a copy that everybody can reach, as user nobody."""
        with scratch() as folder:
            os.chmod(folder, 0o755)
            binary = shutil.copy(GOMAPTOP, folder)
            raised = ([f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
                      if capabilities else [])
            run = subprocess.run(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *raised,
                 binary, "check", *map(str, arguments)], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        run.status = run.returncode
        return run

    def test_nobody_and_a_process_of_root(self):
        with twin("mutex", "1.24") as target:
            run = self.as_nobody("-p", target.pid, "--format=json")
        report = report_of(run)
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr, r"^gomaptop: .*(root|CAP_)")
        self.assertEqual(len(run.stderr.strip().splitlines()), 1, run.stderr)
        self.assertEqual(problems(report), {"target", "bpf", "cap_bpf", "cap_perfmon",
                                            "cap_sys_ptrace"})
        self.assertIsNone(report["target"]["exe"])
        self.assertIsNone(report["probes"])
        self.assertIsNone(report["kernel"]["bpf_loop"]["value"], "that could not be tried")

    def test_nobody_and_a_file(self):
        """What the file says needs no privilege."""
        with scratch() as folder:
            os.chmod(folder, 0o755)
            path = shutil.copy(program("twins", "1.19"), folder)
            report = report_of(self.as_nobody("-e", path, "--format=json"))
            full = check("-e", path)
            text = self.as_nobody("-e", path)
        self.assertFalse(report["works"])
        self.assertTrue(full["works"])
        self.assertEqual(report["probes"], full["probes"])
        self.assertEqual(report["program"], full["program"])
        self.assertEqual(text.status, 1)
        self.assertRegex(text.stdout, r"FAIL +CAP_BPF +no")
        self.assertLessEqual(max(map(len, text.stdout.splitlines())), 80)

    @cases(("too_few", "+bpf", False), ("enough", "+bpf,+perfmon", True),
           ("admin", "+sys_admin", True))
    def each_capabilities(self, capabilities, works):
        """The capabilities that are named are those that it takes."""
        with scratch() as folder:
            os.chmod(folder, 0o755)
            path = shutil.copy(program("twins", "1.24"), folder)
            with Target(path, "-mode", "mutex", user=NOBODY, group=NOBODY,
                        extra_groups=[]) as target:
                report = report_of(self.as_nobody("-p", target.pid, "--format=json",
                                                  capabilities=capabilities))
        self.assertEqual(report["works"], works, report["verdict"])
        self.assertEqual(problems(report), set() if works else {"bpf", "cap_perfmon"})

    def test_root_of_a_user_namespace(self):
        """Every capability, and none of them counts: as in a rootless container."""
        inside = ["unshare", "--user", "--map-root-user"]
        if subprocess.run([*inside, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no user namespaces here")
        run = subprocess.run([*inside, GOMAPTOP, "check", "--format=json", "-e",
                              program("twins", "1.24")], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        run.status = run.returncode
        report = report_of(run)
        self.assertEqual(problems(report), {"bpf"})
        self.assertTrue(report["privileges"]["cap_bpf"]["value"])
        self.assertEqual(report["privileges"]["user_namespace"]["value"], "own")
        self.assertIn("user namespace", report["verdict"])

    # ---- what narrows the view -----------------------------------------------------------------

    @cases(("one_cpu", ["taskset", "-c", "0"], {}, "target_cpus"),
           ("gomaxprocs", [], {"GOMAXPROCS": "1"}, "gomaxprocs"))
    def each_limit(self, prefix, env, key):
        command = [*prefix, program("twins", "1.24"), "-mode", "mutex"]
        with Target(*command, env=dict(os.environ, **env)) as target:
            report = check("-p", target.pid)
        self.assertTrue(report["works"])
        self.assertEqual(report["machine"][key]["state"], "limit")
        self.assertEqual(report["machine"][key]["value"], 1)
        self.assertIn("no conflict can be seen", report["verdict"])

    def patched(self, folder, release, said):
        """A program that says another version than the one it was built with."""
        path = shutil.copy(program("twins", release), folder)
        with open(path, "rb") as file:
            image = file.read()
        version = subprocess.run([toolchain(release), "env", "GOVERSION"], stdout=subprocess.PIPE,
                                 check=True).stdout.strip()
        self.assertIn(version, image)
        with open(path, "wb") as file:
            file.write(image.replace(version, version.replace(release.encode(), said.encode())))
        return path

    def test_newer_than_the_table(self):
        with scratch() as folder:
            report = check("-e", self.patched(folder, "1.24", "1.28"))
        self.assertTrue(report["works"])
        self.assertIn(report["program"]["layout"]["value"], ("unverified", "dwarf"))
        self.assertNotEqual(report["program"]["layout"]["state"], "ok")

    # ---- what cannot be watched ----------------------------------------------------------------

    def refused(self, *arguments, words):
        report = check(*arguments)
        self.assertFalse(report["works"])
        for word in words:
            self.assertIn(word.lower(), report["verdict"].lower())
        text = gomaptop("check", *arguments)
        self.assertEqual(text.status, 1)
        self.assertIn("FAIL", text.stdout)
        self.assertEqual(len(text.stderr.strip().splitlines()), 1, text.stderr)
        self.assertTrue(text.stderr.startswith("gomaptop: watching will not work: "), text.stderr)
        return report

    @cases(("no_pid", "4194303", "no process 4194303"), ("kernel_thread", "2", "process 2"))
    def each_pid(self, pid, words):
        self.assertIsNone(self.refused("-p", pid, words=[words])["probes"])

    @cases(("no_file", "/no/such/program", "No such file"), ("folder", "/tmp", "regular"),
           ("not_go", "/bin/sh", "not a Go program"), ("no_elf", "/etc/passwd", "ELF"))
    def each_file(self, path, words):
        self.refused("-e", path, words=[path, words])

    def test_process_is_not_go(self):
        sleeper = subprocess.Popen(["sleep", "60"])
        try:
            self.refused("-p", sleeper.pid, words=["not a go program"])
        finally:
            sleeper.kill()
            sleeper.wait()

    def test_older_than_the_table(self):
        with scratch() as folder:
            self.refused("-e", self.patched(folder, "1.19", "1.16"), words=["1.16", "1.17"])

    def test_32_bit(self):
        self.refused("-e", program("twins", "1.19", arch="386"), words=["32-bit"])

    @unittest.skipUnless(os.uname().machine == "x86_64", "arm64 is this machine's own here")
    def test_another_machine(self):
        report = self.refused("-e", program("twins", "1.24", arch="arm64"), words=["arm64"])
        self.assertIn("machine", report["machine"].keys() | report["program"].keys())

    def test_packed(self):
        """The mark that UPX leaves behind the program headers, in a program that is not Go."""
        with scratch() as folder:
            path = shutil.copy("/bin/true", folder)
            with open(path, "r+b") as file:
                file.seek(1024)
                file.write(b"UPX!")
            self.refused("-e", path, words=["upx -d"])

    def test_truncated(self):
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), folder)
            os.truncate(path, os.path.getsize(path) // 3)
            self.refused("-e", path, words=[path, "copy it again"])

    def test_deleted(self):
        with scratch() as folder:
            path = shutil.copy(program("twins", "1.24"), folder)
            with Target(path, "-mode", "mutex") as target:
                os.unlink(path)
                report = check("-p", target.pid)
        self.assertTrue(report["works"])
        self.assertIn("deleted", report["program"]["process"]["meaning"])

    def test_ends_meanwhile(self):
        """However far the check has come when the process ends."""
        path = program("twins", "1.24")
        for delay in (0, 0.01, 0.03, 0.1, 0.2):
            with Target(path, "-mode", "mutex") as target:
                run = subprocess.Popen([GOMAPTOP, "check", "-p", str(target.pid)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                time.sleep(delay)
                target.process.kill()
                _, errors = run.communicate(timeout=30)
            self.assertEqual(run.returncode, 1, f"after {delay} s")
            self.assertRegex(errors, "ended|no process|not read|No such process|Go program")

    @cases(("no_target", ), ("both", "-p", "1", "-e", "x"), ("two", "-p", "1,2"),
           ("duration", "-p", "1", "-d", "1"), ("output", "-p", "1", "-o", "x"),
           ("batch", "-p", "1", "-b"), ("command", "--", "true"), ("word", "again", "-p", "1"))
    def each_usage(self, *arguments):
        result = gomaptop("check", *arguments)
        self.assertEqual((result.status, result.stdout), (2, ""), result)
        self.assertTrue(result.stderr.startswith("gomaptop: "), result.stderr)

    # ---- programs that nobody here wrote -------------------------------------------------------

    @cases(*RELEASE_ROWS)
    def each_go_command(self, release):
        """The go command of a Debian package: large, built by another's hand."""
        report = check("-e", toolchain(release))
        self.assertTrue(report["works"], report["verdict"])
        self.assertIn("go" + release, report["program"]["go_version"]["value"])
        self.assertEqual(report["probes"]["placed"], report["probes"]["wanted"])
        self.assertTrue(report["kernel"]["file"]["value"])


if __name__ == "__main__":
    unittest.main()
