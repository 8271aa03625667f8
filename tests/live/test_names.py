# SPDX-License-Identifier: MIT
"""What is said of a map besides what happens to it: its type, its length."""
import statistics
import time
import unittest

from harness import Target, Watching, cases, map_at, program, table

SECONDS = 60
# Where a release changed how maps are made: classic maps, call chains, Swiss maps, both newest.
RELEASES = ("1.19", "1.22", "1.24", "1.27")
ROWS = tuple((f"go{release}" + ("" if release in ("1.19", "1.24") else "!"), release)
             for release in RELEASES)


def brief(frames):
    """Frames as comparable tuples, the goroutine's start (runtime.goexit) left out."""
    return [(f["function"], f["file"], f["line"]) for f in frames
            if not f["function"].startswith(("runtime.", "reflect."))]


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

    @cases(*ROWS)
    def each_birth(self, release):
        """Where a map was made: as the program itself tells it; unknown of older maps."""
        with Target(program("names", release)) as target:
            target.line_where(lambda line: "done" in line)
            with Watching("-p", target.pid) as watching:
                watching.wait_attached()
                before = len(target.lines)
                target.write("\n")
                target.line_where(lambda line: "done" in line, start=before)
                old, new = notes_of(target, True), notes_of(target, False)
                watching.wait_for(lambda s: all(map_at(s, a) for a in [*old, *new]), SECONDS)
                snapshot = watching.finish().snapshot
        self.same(snapshot, old, "born", lambda note: None)
        for address, note in new.items():
            self.assertIsNotNone(map_at(snapshot, address)["born"], note["way"])
            self.assertEqual(brief(map_at(snapshot, address)["born"]), brief(note["frames"]),
                             note["way"])
        births = snapshot["coverage"]["births"]
        self.assertGreaterEqual(births["seen"], len(new))
        self.assertGreater(births["armed_fraction"], 0.5)
        self.assertGreaterEqual(snapshot["coverage"]["filtered"]["birth_site"], len(new))

    @cases(("go1.19", "1.19"), ("go1.24", "1.24"))
    def each_birth_churn(self, release):
        """A program that does nothing but make maps pays a start and half a percent of a CPU."""
        def made(target, start):
            return [line["made"] for line in target.lines[start:] if line]

        with Target(program("names", release), "-churn") as target:
            time.sleep(2)
            alone = made(target, 1)
            with Watching("-p", target.pid) as watching:
                watching.wait_attached()
                before = len(target.lines)
                time.sleep(6)
                snapshot = watching.finish().snapshot
                watched = made(target, before)
        births = snapshot["coverage"]["births"]
        cost = births["seen"] * 12e-6
        words = (f"{births}, {snapshot['seconds']} s, made in 200 ms: alone "
                 f"{statistics.median(alone)}, watched {statistics.median(watched)}")
        self.assertGreater(births["seen"], 1000, words)
        # What comes until the probes are out (a tenth of a second) belongs to it.
        self.assertLess(cost, 0.05 + 0.005 * snapshot["seconds"] + 0.15, words)
        self.assertLess(births["armed_fraction"], 0.2, words)
        self.assertGreater(statistics.median(watched), 0.5 * statistics.median(alone), words)
        print(f"     {words}")

    def test_birth_perf_event(self):
        """Without uprobe_multi births are off, and said to be."""
        with Target(program("names", "1.24")) as target:
            with Watching("-p", target.pid, env={"GOMAPTOP_ATTACH": "perf_event"}) as watching:
                watching.wait_attached()
                target.write("\n")
                watching.wait_for(lambda s: len(s["maps"]) > 20, SECONDS)
                snapshot = watching.finish(timeout=60).snapshot
        self.assertGreater(len(snapshot["maps"]), 20)
        self.assertIsNone(snapshot["coverage"]["births"])
        self.assertEqual({m["born"] and 1 for m in snapshot["maps"]}, {None})

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
        # It grows by and by and is emptied at once.
        grown = sum(b > a for a, b in zip(known, known[1:]))
        self.assertGreater(grown, len(known) // 2, lengths)
        self.assertIsNone(map_at(gone, address)["len"])


if __name__ == "__main__":
    unittest.main()
