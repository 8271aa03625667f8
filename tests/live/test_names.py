# SPDX-License-Identifier: MIT
"""What is said of a map besides what happens to it: its type, its length."""
import unittest

from harness import Target, Watching, cases, map_at, program, table

SECONDS = 20
# Where a release changed how maps are made: classic maps, call chains, Swiss maps, both newest.
RELEASES = ("1.19", "1.22", "1.24", "1.27")
ROWS = tuple((f"go{release}" + ("" if release in ("1.19", "1.24") else "!"), release)
             for release in RELEASES)


def notes_of(target, old):
    """What the program says of the maps of a set, by address."""
    return {line["map"]: line for line in target.lines if line and line.get("old") is old}


def unlike(snapshot, notes, field, expected):
    """Every map of which the snapshot says something else than expected(note)."""
    wrong = []
    for address, note in notes.items():
        row = map_at(snapshot, address)
        told = row and row[field]
        if told != expected(note):
            wrong.append(f"{note['way']} {note['type']}: {field} {told!r}, not {expected(note)!r}")
    return wrong


@table
class NamesTest(unittest.TestCase):
    def same(self, snapshot, notes, field, expected):
        wrong = unlike(snapshot, notes, field, expected)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    @cases(*ROWS)
    def each_type_and_length(self, release):
        """Maps made before watching began, by the compiler's types and by reflect's."""
        with Target(program("names", release)) as target:
            target.line_where(lambda line: "done" in line)
            notes = notes_of(target, True)
            with Watching("-p", target.pid) as watching:
                watching.wait_for(lambda s: all(map_at(s, a) for a in notes), SECONDS)
                snapshot = watching.finish().snapshot
        self.assertGreater(len(notes), 10)
        self.same(snapshot, notes, "type", lambda note: note["type"])
        self.same(snapshot, notes, "len", lambda note: note["len"])

    def test_length_follows(self):
        """The length is that of the moment; a process that ended has none."""
        lengths = []

        def enough(snapshot):
            row = map_at(snapshot, address)
            lengths.append(row and row["len"])
            return len(set(lengths) - {None}) > 4

        with Target(program("names", "1.24"), "-grow") as target:
            address = target.first["map"]
            with Watching("-p", target.pid, interval="200ms") as watching:
                self.assertIsNotNone(watching.wait_for(enough, SECONDS), lengths)
                target.stop()
                gone = watching.finish(how=None).snapshot
        known = [length for length in lengths if length is not None]
        self.assertTrue(all(0 <= length <= 1000 for length in known), lengths)
        self.assertGreater(known[-1], known[0], lengths)
        self.assertIsNone(map_at(gone, address)["len"])


if __name__ == "__main__":
    unittest.main()
