# SPDX-License-Identifier: MIT
"""Every way in which a Go program may have been built or may be run: found, attached to, and a
conflict told with right lines, types and whole call chains."""
import contextlib
import filecmp
import functools
import json
import os
import shutil
import subprocess
import threading
import time
import unittest

from harness import (GO_DIR, GOMAPTOP, HMAP, OUT, PAIRED, SWISS, Died, Target, Watching, cases,
                     check_met, conflict_places, gomaptop, map_at, program, racing, scratch,
                     source_lines, table, toolchain)

ONLY_NET = 'package main\n\nimport _ "net"\n'
OWN_C = ('package main\n\n// static int one(void) { return 1; }\nimport "C"\n\n'
         'func init() { _ = C.one() }\n')

# name: flags of `go build`, environment, a Go file that is added to the program
BUILDS = {
    "plain": ((), {}, None),
    "stripped": (("-ldflags=-s -w",), {}, None),
    "trimpath": (("-trimpath",), {}, None),
    "pie": (("-buildmode=pie",), {}, None),
    "pie_stripped": (("-buildmode=pie", "-ldflags=-s -w"), {}, None),
    "cgo_internal": (("-ldflags=-linkmode=internal",), {"CGO_ENABLED": "1"}, ONLY_NET),
    "cgo_external": ((), {"CGO_ENABLED": "1"}, OWN_C),
    "cgo_external_pie_stripped": (("-buildmode=pie", "-ldflags=-s -w"), {"CGO_ENABLED": "1"},
                                  OWN_C),
    "cgo_external_static": (("-ldflags=-linkmode=external -extldflags=-static",),
                            {"CGO_ENABLED": "1"}, OWN_C),
    "not_optimized": (("-gcflags=all=-N -l",), {}, None),
    "race": (("-race",), {"CGO_ENABLED": "1"}, None),
    "debug_uncompressed": (("-ldflags=-compressdwarf=false",), {}, None),
    "amd64_v3": ((), {"GOAMD64": "v3"}, None),
}
BUILDING = threading.Lock()     # tests that run side by side may want the same build
SLOW = ("trimpath", "pie_stripped", "cgo_external_static", "debug_uncompressed", "amd64_v3")


@functools.lru_cache(maxsize=None)
def built(name, release):
    """Path of twins in one of BUILDS."""
    flags, environment, extra = BUILDS[name]
    folder = os.path.join(OUT, f"{release}-build-{name}")
    path = os.path.join(folder, "twins")
    os.makedirs(folder, exist_ok=True)
    new = f"{path}.{os.getpid()}"
    command = [toolchain(release), "build", "-o", new, *flags]
    with BUILDING:
        build(command, environment, folder, extra)
        keep_or_replace(path, new)
    return path


def build(command, environment, folder, extra):
    if extra:
        source, overlay = os.path.join(folder, "extra.go"), os.path.join(folder, "overlay.json")
        with open(source, "w", encoding="ascii") as file:
            file.write(extra)
        with open(overlay, "w", encoding="ascii") as file:
            json.dump({"Replace": {os.path.join(GO_DIR, "twins", "extra.go"): source}}, file)
        command.append("-overlay=" + overlay)
    env = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0", **environment}
    run = subprocess.run(command + ["./twins"], cwd=GO_DIR, env=dict(os.environ, **env),
                         stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)}: {run.stderr}")


def keep_or_replace(path, new):
    """Another test may be watching the file: it is touched only where its content changes."""
    if os.path.exists(path) and filecmp.cmp(path, new, shallow=False):
        os.unlink(new)
    else:
        os.rename(new, path)


def rows(releases=(HMAP, SWISS)):
    return [(f"{name}_go{release}" + ("!" if name in SLOW else ""), name, release)
            for name in BUILDS for release in releases]


def objcopied(path, out, *options):
    """A copy that objcopy has changed; skip where it cannot."""
    run = subprocess.run(["objcopy", *options, path, out], stderr=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode or not os.path.exists(out):
        raise unittest.SkipTest(f"objcopy {options[0]}: {run.stderr.strip()}")
    return out


def racy(path, *options):
    return Target(path, "-mode", "racy", *options)


class BuildsCase(unittest.TestCase):
    at_once = PAIRED

    def watch(self, target, *who):
        result = gomaptop("-b", "--format", "json", "-i", "1h", "--until-conflict", "-d", "60",
                          "--max-overhead", "20", *who)
        check_met(self, result, target)
        return result.snapshot

    def check_conflict(self, target, snapshot):
        """Lines, type, both chains up to the function that the goroutine began with."""
        allowed = source_lines("twins", r"// RACY (write|read)$")
        self.assertEqual(conflict_places(snapshot), {tuple(sorted(allowed))})
        row = map_at(snapshot, target.first["map"])
        self.assertEqual(row["type"], "map[uint64]uint64")
        for conflict in snapshot["conflicts"]:
            # Of a fatal error, should the racy program die of one, one side is known.
            fatal = conflict["evidence"] == "fatal"
            for side in (conflict["a"],) if fatal else (conflict["a"], conflict["b"]):
                chain = [frame["function"] for frame in side["stack"]]
                self.assertIn(chain[:2], (["main.racyWrite", "main.writer"],
                                          ["main.racyRead", "main.reader"]))
                self.assertFalse(side["stack_truncated"])
                self.assertEqual(side["created_by"]["function"], "main.main")
        coverage = snapshot["coverage"]
        self.assertEqual(coverage["events"]["lost"],
                         dict.fromkeys(coverage["events"]["lost"], 0))
        self.assertEqual(coverage["probes"]["attached"], coverage["probes"]["wanted"])


@table
class BuildsTest(BuildsCase):
    @cases(*rows())
    def each_build(self, name, release):
        # Each access of such a build takes so long that the usual program ends by the runtime's own
        # check within a second, which is what attaching takes.
        rare = ("-period", "1ms") if name == "race" else ()
        with racy(built(name, release), *rare) as target:
            snapshot = self.watch(target, "-p", target.pid)
            self.check_conflict(target, snapshot)
            seen = snapshot["targets"][0]
            self.assertTrue(seen["go_version"].startswith("go" + release), seen)
            self.assertEqual(seen["stripped"], "stripped" in name)

    @cases(("zlib", "--compress-debug-sections=zlib"),
           ("gnu", "--compress-debug-sections=zlib-gnu"),
           ("zstd", "--compress-debug-sections=zstd"), ("stripped_later", "--strip-all"),
           ("sections_renamed", "--rename-section=.gopclntab=.x", "--strip-debug"))
    def each_objcopy(self, *options):
        """What other tools do to a program after the build."""
        with scratch() as folder:
            path = objcopied(built("debug_uncompressed", SWISS), os.path.join(folder, "twins"),
                             *options)
            with racy(path) as target:
                self.check_conflict(target, self.watch(target, "-p", target.pid))


@table
class FilesTest(BuildsCase):
    """The file on disk is not, or not any more, what runs."""

    def test_deleted(self):
        with scratch() as folder:
            path = shutil.copy(built("plain", SWISS), folder)
            with racy(path) as target:
                os.unlink(path)
                self.check_conflict(target, self.watch(target, "-p", target.pid))

    @cases(("by_rename", True), ("by_copy", False))
    def each_replaced(self, rename):
        """By another build, whose functions lie elsewhere: what runs is what is probed."""
        with scratch() as folder:
            path = shutil.copy(built("plain", SWISS), folder)
            with racy(path) as target:
                other = shutil.copy(built("not_optimized", HMAP), os.path.join(folder, "new"))
                if rename:
                    os.rename(other, path)
                else:
                    os.unlink(path)
                    shutil.copy(other, path)
                snapshot = self.watch(target, "-p", target.pid)
                self.check_conflict(target, snapshot)
                self.assertTrue(snapshot["targets"][0]["go_version"].startswith("go" + SWISS))

    def test_replaced_by_path(self):
        """-e means the file that is there now; processes of the one before are told of."""
        with scratch() as folder:
            path = shutil.copy(built("plain", SWISS), folder)
            with racy(path) as old:
                os.unlink(path)
                shutil.copy(built("plain", HMAP), path)
                with racy(path) as new:
                    result = gomaptop("-b", "--format", "json", "-i", "1h", "--until-conflict",
                                      "-d", "20", "-e", path)
                    check_met(self, result, new)
                    self.check_conflict(new, result.snapshot)
                    self.assertEqual([t["pid"] for t in result.snapshot["targets"]], [new.pid])
                    self.assertIn(f"-p {old.pid}", result.stderr)

    def test_replaced_meanwhile(self):
        """An upgrade while -e watches: the new file is watched as well, and it says so."""
        with scratch() as folder:
            path = shutil.copy(built("plain", SWISS), folder)
            with Target(path, "-mode", "mutex") as old, Watching("-e", path) as watching:
                watching.wait_attached()
                os.rename(shutil.copy(built("plain", HMAP), os.path.join(folder, "new")), path)
                self.assertIn("1 process still runs", watching.wait_said(f"{path} was replaced"))
                with Target(path, "-mode", "mutex") as new:
                    time.sleep(2)
                    result = watching.finish()
            self.assertEqual(result.status, 0, result)
            seen = {t["pid"]: t["go_version"] for t in result.snapshot["targets"]}
            self.assertEqual(sorted(seen), sorted((old.pid, new.pid)))
            self.assertTrue(seen[old.pid].startswith("go" + SWISS), seen)
            self.assertTrue(seen[new.pid].startswith("go" + HMAP), seen)

    @cases(("go1.19", HMAP), ("go1.24", SWISS),
           ("go1.19_other_thread", HMAP, "-other-thread"),
           ("go1.24_other_thread", SWISS, "-other-thread"))
    def each_becomes_itself_anew(self, release, *thread):
        """A process that executes its own file again keeps its number, but lies elsewhere; and the
        kernel forgets links to it if another thread than the first did that."""
        with Target(built("pie", release), "-mode", "mutex", "-for", "2s", "-then", "racy",
                    *thread) as target:
            snapshot = self.watch(target, "-p", target.pid)
            target.first = target.line_where(lambda line: line and line["mode"] == "racy")
            self.check_conflict(target, snapshot)


CONTAINER = ("unshare", "-m", "-p", "--fork", "--kill-child")


@contextlib.contextmanager
def contained(*command):
    """A target in mount and pid namespaces of its own. `unshare` does not end by SIGTERM."""
    with Target(*CONTAINER, *command) as target:
        try:
            yield target
        finally:
            target.process.kill()


def pid_of(target, name="twins"):
    """The process below `unshare` as this namespace sees it."""
    with racing(target):
        return pid_below(target.pid, name)


def pid_below(pid, name):
    out = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    rows_ = [(int(pid), int(parent), comm) for pid, parent, comm in
             (line.split(None, 2) for line in out.splitlines())]
    below = {pid}
    while True:
        more = {pid for pid, parent, _ in rows_ if parent in below} - below
        if not more:
            break
        below |= more
    return next(pid for pid, _, comm in rows_ if pid in below and comm == name)


class NamespacesTest(BuildsCase):
    """Containers: other mounts, other process ids, gomaptop outside, inside, and above."""

    def test_pid_and_mount_namespace(self):
        with contained("--mount-proc", built("plain", SWISS), "-mode", "racy") as target:
            pid = pid_of(target)
            snapshot = self.watch(target, "-p", pid)
            self.check_conflict(target, snapshot)
            self.assertEqual(snapshot["targets"][0]["pid"], pid)
            self.assertEqual({c[s]["pid"] for c in snapshot["conflicts"] for s in "ab"}, {pid})

    def test_file_of_another_root(self):
        """The program lies in a file system that this one does not see."""
        with scratch() as folder:
            script = (f"mount -t tmpfs none '{folder}' && mkdir '{folder}/proc' && "
                      f"cp '{built('stripped', SWISS)}' '{folder}/twins' && "
                      f"mount -t proc proc '{folder}/proc' && "
                      f"exec chroot '{folder}' /twins -mode racy")
            with contained("sh", "-c", script) as target:
                pid = pid_of(target)
                self.assertFalse(os.path.exists(os.path.join(folder, "twins")))
                self.check_conflict(target, self.watch(target, "-p", pid))

    def test_overlay(self):
        """A layered root, as containers have it: files of the lower layer are of another device."""
        with scratch() as folder:
            script = (f"cd '{folder}' && mount -t tmpfs none . && cd '{folder}' && "
                      "mkdir lower upper work root && mount -t tmpfs none lower && "
                      f"cp '{built('plain', SWISS)}' lower/twins && "
                      "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none root && "
                      "exec chroot root /twins -mode racy")
            with contained("sh", "-c", script) as target:
                self.check_conflict(target, self.watch(target, "-p", pid_of(target)))

    def inside(self, script):
        """Run gomaptop by a script in a pid and mount namespace of its own; what it said."""
        run = subprocess.run([*CONTAINER, "--mount-proc", "bash", "-c", script],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=90, check=False)
        if "fatal error: concurrent map" in run.stderr:
            raise Died()
        return run

    def check_inside(self, start):
        """`start` begins the twin and puts its id there into $pid."""
        script = (f"{start}\n'{GOMAPTOP}' -b --max-overhead 100 --format json -i 1h "
                  "--until-conflict -d 20 -p $pid\necho status $? pid $pid >&2")
        run = self.inside(script)
        said = run.stderr.split()
        self.assertIn("status 3", run.stderr)
        snapshot = json.loads(run.stdout)
        pid = int(said[said.index("pid") + 1])
        self.assertEqual([t["pid"] for t in snapshot["targets"]], [pid])
        self.assertEqual({c[s]["pid"] for c in snapshot["conflicts"] for s in "ab"}, {pid})
        self.assertEqual(conflict_places(snapshot),
                         {tuple(sorted(source_lines("twins", r"// RACY (write|read)$")))})

    def test_gomaptop_inside(self):
        """In a container, a process of the same one."""
        self.check_inside(f"'{built('plain', HMAP)}' -mode racy >/dev/null & pid=$!; sleep 0.3")

    def test_gomaptop_above(self):
        """In a container, a process in a container within it."""
        self.check_inside(f"unshare -p --fork '{built('plain', SWISS)}' -mode racy >/dev/null &\n"
                          "sleep 0.5\npid=$(ps -e -o pid=,comm= | "
                          "awk '$2 == \"twins\" {print $1}')")

    def test_gomaptop_beside(self):
        """A process with the same id in another container is another one."""
        script = (f"'{built('plain', SWISS)}' -mode mutex >/dev/null & sleep 0.3\n"
                  "'{0}' -b --format json -i 1h -d 3 -e '{1}'")
        with contained("--mount-proc", "sh", "-c",
                       f"'{built('plain', SWISS)}' -mode mutex; :") as other:
            run = self.inside(script.format(GOMAPTOP, built("plain", SWISS)))
            self.assertTrue(other.running())
        snapshot = json.loads(run.stdout)
        self.assertEqual(len(snapshot["targets"]), 1)
        self.assertGreater(snapshot["coverage"]["filtered"]["other_process"], 100)
        self.assertGreater(snapshot["coverage"]["counted"], 100)

    def test_proc_of_another_namespace(self):
        run = subprocess.run(["unshare", "-p", "--fork", GOMAPTOP, "-b", "-d", "1", "-e",
                              built("plain", SWISS)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             timeout=30, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("/proc", run.stderr)
        self.assertEqual(len(run.stderr.strip().splitlines()), 1, run.stderr)


class PackedTest(unittest.TestCase):
    def test_upx(self):
        """A clear message, for the file and for the process, which goes on."""
        fetch = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fetch-program")
        run = subprocess.run([fetch, "debian", "bookworm-backports", "upx-ucl"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode:
            raise unittest.SkipTest("no upx: " + run.stderr.strip().splitlines()[-1])
        upx = os.path.join(run.stdout.strip(), "usr/bin/upx-ucl")
        with scratch() as folder:
            path = os.path.join(folder, "twins")
            subprocess.run([upx, "-1", "-qqq", "-o", path, program("twins", HMAP, stripped=True)],
                           stdin=subprocess.DEVNULL, check=True)
            with Target(path, "-mode", "mutex") as target:
                for who in (("-p", target.pid), ("-e", path)):
                    result = gomaptop("-b", "-d", "1", *who)
                    self.assertEqual(result.status, 1, result)
                    self.assertIn("packed with UPX", result.stderr)
                    self.assertIn("upx -d", result.stderr)
                    self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
                self.assertTrue(target.running())


if __name__ == "__main__":
    unittest.main()
