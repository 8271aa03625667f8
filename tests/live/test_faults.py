# SPDX-License-Identifier: MIT
"""Every fault that can be planted into ledgerd is found, and both call chains name its lines."""
import unittest

from harness import (BUILD_ROWS, NotMet, Watching, cases, conflict_places, ledger, place, places_of,
                     source_lines, table, tries, validate)

FAULTS = ("read-write", "write-write", "range-write", "delete-read", "stale-value",
          "lazy-limiters", "local-results")
ATTEMPTS = 6   # a planted fault may end the process: then it is started again
SECONDS = 300


def planted(fault):
    """The places of the two sides, and all pairs of them in sorted order."""
    a, b = (source_lines("ledgerd", f"// FAULT {fault} {side}$") for side in "ab")
    assert len(a) == len(b) == 1, f"{fault}: {a} {b}"
    (a,), (b,) = a, b
    return tuple(sorted((a, b))), {tuple(sorted(p)) for p in ((a, b), (a, a), (b, b))}


def rows():
    """--quick has each fault once, on a plain and on a stripped build by turns; the matrix goes on
    with other releases."""
    quick = [row for row in BUILD_ROWS if not row[0].endswith("!")]
    return [(f"{fault.replace('-', '_')}_{name.rstrip('!')}" +
             ("" if (name, release, stripped) == quick[i % len(quick)] else "!"),
             fault, release, stripped)
            for i, fault in enumerate(FAULTS) for name, release, stripped in BUILD_ROWS]


@table
class FaultsTest(unittest.TestCase):
    # Without a limit: this is about what is said. When the default finds it, and where traps take
    # ten times as long as usual, is a matter of make bench.
    overhead = 100
    # Requests a second: so few that two CPUs are not full. Where they are, the goroutines of one
    # request run one after the other.
    rate = 400

    def what_was_seen(self, watching, service, load):
        last = watching.last
        return (f"not found in {SECONDS} s; conflicts seen: {conflict_places(last)}; "
                f"after {last['seconds']:.0f} s {last['coverage']}; "
                f"gomaptop {'ended' if watching.process.poll() is not None else 'runs'}: "
                f"{watching.error_text()}; service {'runs' if service.running() else 'ended'}: "
                f"{service.error_text()[:300]}; load: {load.lines[-1]}")

    def watch_once(self, fault, release, stripped, pair):
        """The snapshot in which the planted pair was seen; None: the runtime ended the target."""
        with ledger(release, fault, self.rate, stripped) as (service, load):
            with Watching("-p", service.pid, overhead=self.overhead) as watching:
                seen = watching.wait_for(lambda s: pair in conflict_places(s), SECONDS)
                if seen is None and not service.killed_by_runtime():
                    raise NotMet(self.what_was_seen(watching, service, load))
                if seen is not None:
                    result = watching.finish()
                    self.assertEqual(result.status, 3, result)
                    return result.snapshot
        return None

    @cases(*rows())
    def each_fault(self, fault, release, stripped):
        pair, allowed = planted(fault)
        tries.begin("missed", "outpaced")
        for number in range(ATTEMPTS):
            if number:
                tries.repeat("outpaced")
            snapshot = self.watch_once(fault, release, stripped, pair)
            if snapshot:
                break
        else:
            raise NotMet(f"the runtime's own check ended the target {ATTEMPTS} times")
        validate(snapshot)
        self.assertLessEqual(places_of(snapshot["conflicts"]), allowed, "conflicts that are none")
        self.assertEqual(snapshot["targets"][0]["stripped"], stripped)
        for conflict in snapshot["conflicts"]:
            for side in (conflict["a"], conflict["b"]):
                if conflict["evidence"] == "overlap":
                    self.check_chain(side)

    def check_chain(self, side):
        """From the planted line to the first function of the goroutine, in main or net/http."""
        stack = side["stack"]
        self.assertFalse(side["stack_truncated"])
        self.assertTrue(stack[0]["function"].startswith("main."), stack[0])
        self.assertIn(stack[-1]["function"].split(".")[0], ("main", "net/http"), stack[-1])
        for frame in stack:
            self.assertTrue(frame["function"] and place(frame)[1] > 0, frame)
        self.assertIsNotNone(side["created_by"])


if __name__ == "__main__":
    unittest.main()
