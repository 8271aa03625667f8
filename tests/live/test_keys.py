# SPDX-License-Identifier: MIT
"""Map keys: with --show-keys those of integers and strings, without it not a byte."""
import re
import unittest

from harness import PAIRED, Target, Watching, cases, map_at, program, racing, table, until_met

SECONDS = 90
ENOUGH = 9    # of 18 maps: on which of them the two sides meet is chance
RELEASES = ("1.19", "1.22", "1.24", "1.27")
ROWS = tuple((f"go{release}" + ("" if release in ("1.19", "1.24") else "!"), release)
             for release in RELEASES)
KEY_BYTES = 64


def told(key):
    """(key, truncated) as a snapshot tells it."""
    if not isinstance(key, str):
        return key, False
    raw = key.encode()
    return raw[:KEY_BYTES].decode(errors="replace"), len(raw) > KEY_BYTES


def sides_on(snapshot, address):
    row = map_at(snapshot, address)
    return [c[side] for c in snapshot["conflicts"] for side in "ab"
            if row and c["map"] == row["id"]]


def in_memory(pid, needle):
    """How often a process has these bytes in memory that it can write."""
    count = 0
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if "r" not in rights or "[v" in line:
                continue
            try:
                memory.seek(int(start, 16))
                count += memory.read(int(end, 16) - int(start, 16)).count(needle)
            except OSError:
                continue    # a mapping of the kernel's that cannot be read this way
    return count


@table
class KeysTest(unittest.TestCase):
    at_once = PAIRED

    def watch(self, release, *options):
        """Notes by map, the last snapshot, and how often gomaptop's memory has a text key."""
        return until_met(lambda: self.watch_once(release, *options))

    def watch_once(self, release, *options):
        secret = "kept-to-itself-" + release

        def enough(snapshot):
            """Of the maps that met, one has the secret for its key."""
            met = [note for a, note in notes.items() if sides_on(snapshot, a)]
            return len(met) > ENOUGH and any(secret in str(note["key"]) for note in met)

        with Target(program("keys", release), "-secret", secret) as target, racing(target):
            target.line_where(lambda line: "done" in line)
            notes = {line["map"]: line for line in target.lines if line and "map" in line}
            with Watching("-p", target.pid, *options) as watching:
                watching.wait_for(enough, SECONDS)
                copies = in_memory(watching.process.pid, secret.encode())
                snapshot = watching.finish().snapshot
        return notes, snapshot, copies

    @cases(*ROWS)
    def each_key(self, release):
        notes, snapshot, copies = self.watch(release, "--show-keys")
        wrong, right = [], 0
        for address, note in notes.items():
            sides = sides_on(snapshot, address)
            expected = told(note["key"]) + (note["kind"] or None,)
            seen = {(s["key"], s["key_truncated"], s["key_kind"]) for s in sides}
            right += seen == {expected}
            if seen - {expected}:
                wrong.append(f"{note}: {seen}, not {expected}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertGreaterEqual(right, ENOUGH)
        self.assertGreater(copies, 0, "the search for keys in memory finds none")

    @cases(*ROWS)
    def each_no_key(self, release):
        notes, snapshot, copies = self.watch(release)
        sides = [s for a in notes for s in sides_on(snapshot, a)]
        self.assertGreaterEqual(len(sides), 2 * ENOUGH)
        self.assertEqual({(s["key"], s["key_kind"]) for s in sides}, {(None, None)})
        self.assertEqual(copies, 0, "keys in gomaptop's memory")


if __name__ == "__main__":
    unittest.main()
