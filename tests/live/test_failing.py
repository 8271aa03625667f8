# SPDX-License-Identifier: MIT
"""One call fails, each in its turn: gomaptop ends in time with a status and words of its own, never
by a signal, and leaves a process that runs on with its code as it was.

    FAULTS=all       each call of every kind, in place of a sample (an hour)
    FAULT_KINDS=bpf,read     only these kinds
"""
import mmap
import os
import struct
import subprocess
import tempfile
import time
import unittest

from harness import GOMAPTOP, ROOT, cases, table, twin

LIBRARY = os.path.join(ROOT, "build", "tests", "live", "fault.so")
ALL = os.environ.get("FAULTS") == "all"
# Calls of a kind that fail one after the other from the first on, and then the step to the next.
FIRST, STEP = (10 ** 6, 1) if ALL else (int(os.environ.get("FAULT_FIRST", 4)), 5.0)
PATIENCE = 25
KINDS = ("bpf", "syscall", "read", "open", "mmap", "thread", "memory", "ioctl", "fcntl", "fork",
         "socketpair", "epoll")


def code_changed(pid):
    """Offsets in the file of bytes of the process's code that are not those of its file."""
    changed = []
    exe = os.readlink(f"/proc/{pid}/exe")
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(exe, "rb") as file:
        for line in maps:
            fields = line.split()
            if "x" not in fields[1] or fields[-1] != exe:
                continue
            start, end = (int(word, 16) for word in fields[0].split("-"))
            offset = int(fields[2], 16)
            seen = os.pread(memory.fileno(), end - start, start)
            meant = os.pread(file.fileno(), end - start, offset)
            if seen[:len(meant)] != meant:
                changed += [offset + i for i in range(len(meant)) if seen[i] != meant[i]]
    return changed


class Run:
    """gomaptop once, with the nth call of a kind failing."""

    def __init__(self, kind, nth, pid):
        with tempfile.NamedTemporaryFile(prefix="gomaptop-fault-") as state:
            state.write(bytes(mmap.PAGESIZE))
            state.flush()
            env = dict(os.environ, LD_PRELOAD=LIBRARY, FAULT_KIND=kind, FAULT_NTH=str(nth),
                       FAULT_STATE=state.name)
            if kind == "ioctl":     # only perf events need one
                env["GOMAPTOP_ATTACH"] = "perf_event"
            try:
                run = subprocess.run(
                    [GOMAPTOP, "-b", "--format", "json", "-d", "0.2", "-i", "1h", "-p", str(pid)],
                    env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
                self.status, self.out, self.errors = run.returncode, run.stdout, run.stderr.decode()
            except subprocess.TimeoutExpired as late:
                self.status, self.out, self.errors = "hangs", late.stdout, str(late.stderr)
            with open(state.name, "rb") as file:
                self.calls, self.failed = struct.unpack("QQ", file.read(16))

    def wrong(self, pid):
        """What is not as it should be, or None."""
        if self.status not in (0, 1, 3, 4, 5):
            return f"status {self.status}"
        if self.status == 1 and not self.errors.startswith("gomaptop: "):
            return "status 1 without words"
        if not os.path.exists(f"/proc/{pid}/exe"):
            return "the target has ended"
        deadline = time.monotonic() + 5     # perf events take their time to go
        while code_changed(pid):
            if time.monotonic() > deadline:
                return f"code is changed at {code_changed(pid)[:5]}"
            time.sleep(0.05)
        return None


@table
class FailingTest(unittest.TestCase):
    @cases(*((kind, kind) for kind in KINDS
             if kind in os.environ.get("FAULT_KINDS", ",".join(KINDS)).split(",")))
    def each_kind(self, kind):
        bad, runs = [], 0
        with twin("mutex", "1.24") as target:
            nth = 1
            while True:
                run = Run(kind, nth, target.pid)
                if not run.failed:
                    break
                runs += 1
                wrong = run.wrong(target.pid)
                if os.environ.get("FAULT_VERBOSE"):
                    print(kind, nth, run.calls, run.status, wrong or "", run.errors.strip()[:150],
                          flush=True)
                if wrong:
                    bad.append(f"{kind} {nth}: {wrong}; {run.errors.strip()[:300]}")
                nth = nth + 1 if nth < FIRST else int(nth * STEP + 1)
            self.assertTrue(target.running(), target.error_text())
        self.assertGreater(runs, 0, f"no call of kind {kind} was made to fail")
        self.assertEqual(bad, [], "\n" + "\n".join(bad))


if __name__ == "__main__":
    unittest.main()
