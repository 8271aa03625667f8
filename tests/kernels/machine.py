# SPDX-License-Identifier: MIT
"""An emulated machine that boots a Debian kernel, does jobs and hands over their files."""
import base64
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))

# What the machines differ in, by Debian's names of the architectures: qemu's words for one of a
# certain CPU, where Linux's console is, and where the programs' libraries come from.
ARCHITECTURES = {
    "amd64": {
        "qemu": ["qemu-system-x86_64", "-M", "q35"],
        "console": "ttyS0",
        "readelf": "readelf",
        "sysroot": lambda: "/",
        "libraries": "usr/lib/x86_64-linux-gnu",
        "loader": "ld-linux-x86-64.so.2",
        "loader_folder": "lib64",
    },
    "arm64": {
        "qemu": ["qemu-system-aarch64", "-M", "virt"],
        "console": "ttyAMA0",
        "readelf": "aarch64-linux-gnu-readelf",
        "sysroot": lambda: fetched("fetch-sysroot"),
        "libraries": "usr/lib/aarch64-linux-gnu",
        "loader": "ld-linux-aarch64.so.1",
        "loader_folder": "lib",
    },
}


def fetched(script, *args):
    """What tests/kernels/fetch-... prints: a path."""
    run = subprocess.run([os.path.join(HERE, script), *args], stdout=subprocess.PIPE, text=True,
                         check=True)
    return run.stdout.strip()


def libraries(traits, sysroot, programs):
    """Every shared library that the programs need, directly or by others; and the loader."""
    folder = os.path.join(sysroot, traits["libraries"])
    found, todo = {traits["loader"]}, list(programs)
    while todo:
        dynamic = subprocess.run([traits["readelf"], "-dW", todo.pop()], stdout=subprocess.PIPE,
                                 text=True, check=True).stdout
        for line in dynamic.splitlines():
            name = line.split("[")[-1].rstrip("]")
            if "(NEEDED)" in line and name not in found:
                found.add(name)
                todo.append(os.path.join(folder, name))
    return {name: os.path.join(folder, name) for name in found}


class Machine:
    """A machine to be: programs {name: path} go to /, jobs {name: shell script} are done in the
    order given. Jobs see gomaptop and the programs by name."""

    def __init__(self, arch, suite, cpu, programs, jobs):
        self.kernel, self.cpu = fetched("fetch-kernel", arch, suite), cpu
        self.traits, self.programs, self.jobs = ARCHITECTURES[arch], programs, jobs
        self.console = []

    def _root(self, root):
        sysroot, loader = self.traits["sysroot"](), self.traits["loader"]
        # /lib is where every loader looks first; its own path stands in every program.
        for folder in ("bin", "lib", "lib64", "jobs", "out", "proc", "sys", "dev", "tmp", "usr"):
            os.makedirs(os.path.join(root, folder))
        shutil.copy(os.path.join(HERE, "init"), os.path.join(root, "init"))
        shutil.copy(os.path.join(sysroot, "bin/busybox"), os.path.join(root, "bin/busybox"))
        dynamic = []
        for name, path in self.programs.items():
            shutil.copy(path, os.path.join(root, "bin", name))
            dynamic.append(path)
        for name, path in libraries(self.traits, sysroot, dynamic).items():
            folder = self.traits["loader_folder"] if name == loader else "lib"
            shutil.copy(path, os.path.join(root, folder, name))
        for number, (name, script) in enumerate(self.jobs.items()):
            with open(os.path.join(root, "jobs", f"{number:02}-{name}"), "w",
                      encoding="utf-8") as file:
                file.write(script)

    def _archive(self, folder):
        root, path = os.path.join(folder, "root"), os.path.join(folder, "initramfs")
        self._root(root)
        names = subprocess.run(["find", ".", "-print0"], cwd=root, stdout=subprocess.PIPE,
                               check=True).stdout
        with open(path, "wb") as out:
            subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
                           input=names, stdout=out, check=True)
        return path

    def run(self, limit):
        """Boot, and wait for the end. {job: {file: bytes}} of the jobs that came to an end."""
        with tempfile.TemporaryDirectory(prefix="gomaptop-") as folder:
            command = self.traits["qemu"] + [
                "-cpu", self.cpu, "-smp", "2", "-m", "1G", "-accel", "tcg,thread=multi",
                "-nographic", "-nic", "none", "-no-reboot", "-kernel", self.kernel,
                "-initrd", self._archive(folder),
                "-append", f"console={self.traits['console']} quiet panic=-1"]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT) as process:
                watchdog = threading.Timer(limit, process.kill)
                watchdog.start()
                try:
                    return self._listen(process.stdout)
                finally:
                    watchdog.cancel()
                    process.kill()

    def _listen(self, stream):
        """Read the console: files come as base64 behind a mark, by job."""
        results, name, text = {}, None, ""
        for raw in stream:
            line = raw.decode(errors="replace").rstrip("\r\n")
            line = line[max(line.find("@@"), 0):]  # firmware may not have ended its line
            mark, _, rest = line.partition(" ")
            if mark == "@@=":
                text += rest
            elif line.startswith("@@ begin "):
                name, text = line.split("-", 1)[1], ""
            elif line.startswith("@@ end "):
                results[name] = files_of(text)
            elif line == "@@ over":
                break
            else:
                self.console.append(line)
        return results


def files_of(text):
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
        return {os.path.normpath(m.name): archive.extractfile(m).read()
                for m in archive.getmembers() if m.isfile()}
