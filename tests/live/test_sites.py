# SPDX-License-Identifier: MIT
"""Where map functions are called too often to stay probed, the calls that touch suspect maps do,
and tell the same as the probes in the functions."""
import re
import subprocess
import time
import unittest

from harness import (NotMet, RELEASES, USUAL_HIT_NS, Target, Watching, cases, hit_ns, map_at,
                     program, racing, source_lines, table, until_met)
from test_check import Code, check, order_addresses

# Percent: two million operations a second are far more than that. Not more where a hit costs more:
# a program that uses little counts as using a third of a CPU, and windows of the functions alone
# could then be open for long enough.
OVERHEAD = 20
COLD = ("main.coldPut", "main.coldGet")


def brief(frames):
    return tuple((f["function"], f["line"]) for f in frames if f["function"] != "runtime.goexit")


def chains(snapshot, address):
    """{(operation, call chain)} of the held accesses to a map."""
    row = map_at(snapshot, address) if snapshot else None
    return {(c["op"], brief(c["stack"])) for c in row["chains"]} if row else set()


def calls_of_maps(path):
    """{address of a call: function that it is in} of all direct calls of the runtime's map
    functions, as objdump sees them."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found, function = {}, None
    for line in text.splitlines():
        name = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        call = re.match(r" *([0-9a-f]+):\tcall +[0-9a-f]+ <runtime\.map\w+>$", line)
        function = name.group(1) if name else function
        if call:
            found[int(call.group(1), 16)] = function
    return found


def probed_calls(code, order):
    """Addresses of probed call instructions. Behind what orders goroutines one can be probed, too:
    order has the addresses of these probes, which come and go."""
    return {a for a in code.changed() if code.file[a - code.start] == 0xe8} - order


def lines(target, since=0):
    return [line for line in target.lines[since:] if line and "writes" in line]


def wait_until(done, timeout, target):
    deadline = time.monotonic() + timeout
    while not done():
        if target.killed_by_runtime() or time.monotonic() > deadline:
            raise NotMet("not in time")
        time.sleep(0.2)


def functions_say(target, address):
    """Chains of both sides as the probes in the functions see them."""
    with Watching("-p", target.pid, overhead=100) as watching:
        wait_until(lambda: len(chains(watching.newest(), address)) >= 2, 30, target)
        return chains(watching.newest(), address)


class Run:
    """One zoomed run: what was probed, seen and counted."""

    def __init__(self, path, *options, conflict=True):
        with Target(path, *options) as target, racing(target):
            self.address = hex(target.first["cold"])
            expected = functions_say(target, self.address)
            self.order = order_addresses(check("-p", target.pid))
            with Watching("-p", target.pid, overhead=OVERHEAD, interval="1s") as watching, \
                    Code(target.pid) as code:
                self.watch(target, watching, code, expected, conflict)

    def watch(self, target, watching, code, expected, conflict):
        places = calls_of_maps(f"/proc/{target.pid}/exe")
        wait_until(lambda: len(probed_calls(code, self.order)) >= 2, 30, target)
        self.probed = sorted(places.get(a) for a in probed_calls(code, self.order))
        self.bytes = set(code.changed().values())
        self.count(target, watching)
        if conflict:
            wait_until(lambda: any(c["evidence"] == "overlap"
                                   for c in watching.newest()["conflicts"]), 60, target)
        self.snapshot = watching.newest()
        watching.finish()
        self.left = code.changed()
        self.expected = expected

    def count(self, target, watching):
        """Operations a second on the cold map: what was seen, and what the program did."""
        wait_until(lambda: watching.newest() and map_at(watching.newest(), self.address), 10,
                   target)
        first, begin, done = watching.newest(), time.monotonic(), lines(target)[-1]
        wait_until(lambda: time.monotonic() - begin > 8, 20, target)
        last, end = watching.newest(), lines(target)[-1]
        rows = [map_at(s, self.address) for s in (first, last)]
        seconds = last["seconds"] - first["seconds"]
        self.seen = (rows[1]["writes"] + rows[1]["reads"] - rows[0]["writes"] -
                     rows[0]["reads"]) / seconds
        turns = lines(target).index(end) - lines(target).index(done)
        self.done = (end["writes"] + end["reads"] - done["writes"] - done["reads"]) / turns


def run(path, *options, **more):
    return until_met(lambda: Run(path, *options, **more))


@table
class SitesTest(unittest.TestCase):
    @cases(*((release, release) for release in RELEASES))
    def each_cold_map(self, release):
        """Both calls that touch the cold map are probed, those of the hot maps are not; what they
        tell is complete, and the same as from the functions."""
        result = run(program("hotcold", release))
        self.assertEqual(result.probed, sorted(COLD))
        self.assertEqual(result.bytes, {0xcc})
        self.assertEqual(result.left, {})
        self.assertLess(result.seen, 1.1 * result.done)
        # Where a hit costs several times more, the budget keeps calls in place for a part of the
        # time only.
        if hit_ns() < 2 * USUAL_HIT_NS:
            self.assertGreater(result.seen, 0.9 * result.done)
        self.assertLess(result.snapshot["coverage"]["armed_fraction"], 0.5)
        found = [c for c in result.snapshot["conflicts"] if c["evidence"] == "overlap"]
        self.assertEqual({(c["a"]["op"], c["b"]["op"]) for c in found} -
                         {("read", "write"), ("write", "read")}, set())
        wanted = {line for _, line in source_lines("hotcold", r"// (write|read)$")}
        for conflict in found:
            sides = {brief(conflict[side]["stack"]) for side in "ab"}
            self.assertEqual({side[0][1] for side in sides}, wanted)
            self.assertEqual(sides, {chain for _, chain in result.expected})
        self.assertLessEqual(chains(result.snapshot, result.address), result.expected)

    @cases(*((release, release) for release in RELEASES))
    def each_guarded_map(self, release):
        """The same under a lock: no conflict."""
        result = run(program("hotcold", release), "-guard", conflict=False)
        self.assertEqual(result.probed, sorted(COLD))
        self.assertEqual(result.snapshot["conflicts"], [])
        self.assertEqual(result.left, {})


if __name__ == "__main__":
    unittest.main()
