# SPDX-License-Identifier: MIT
"""Go newer than the table of layouts: programs that say they were built with Go 1.28."""
import os
import re
import signal
import time
import unittest

from harness import (PAIRED, Died, NotMet, Target, cases, caught, gomaptop, program, racing,
                     scratch, table, toolchain, until_met, watch)

NEWEST = "1.27"


def newer(release, stripped, folder):
    """A copy of twins that says it is of Go 1.28."""
    path = os.path.join(folder, "twins")
    with open(program("twins", release, stripped), "rb") as file:
        image = file.read()
    version = f"go{release}.".encode()
    assert version in image, toolchain(release)
    with open(path, "wb") as file:
        file.write(image.replace(version, b"go1.28."))
    os.chmod(path, 0o755)
    return path


def goids(target):
    """{goid: goroutine's first function} as the program itself says: its dying words on SIGQUIT."""
    target.process.send_signal(signal.SIGQUIT)
    target.process.wait(20)
    blocks = re.split(r"\n\n", target.error_text())
    found = {}
    for block in blocks:
        head = re.match(r"goroutine (\d+) ", block.strip())
        side = re.search(r"^main\.(writer|reader)\(", block, re.M)
        if head and side:
            found[side[1]] = int(head[1])
    return found


@table
class LayoutTest(unittest.TestCase):
    at_once = PAIRED

    def watched(self, release, stripped):
        """(snapshot, goids as the program says) of racing twins; with a conflict."""
        def attempt():
            with Target(path, "-mode", "racy") as target:
                with racing(target):
                    snapshot = watch("-p", target.pid, seconds=3).snapshot
                if not caught(snapshot):
                    raise NotMet("the twins did not meet")
                truth = goids(target)
                if target.killed_by_runtime():
                    raise Died()
                self.assertEqual(set(truth), {"writer", "reader"})
                return snapshot, truth

        with scratch() as folder:
            path = newer(release, stripped, folder)
            return until_met(attempt)

    def check_sides(self, snapshot):
        """Whatever is unknown: these two lines, by two goroutines."""
        lines = {caught(snapshot)[0][side]["stack"][0]["function"] for side in "ab"}
        self.assertEqual(lines, {"main.racyWrite", "main.racyRead"})
        row = snapshot["maps"][0]
        self.assertEqual((row["verdict"], row["goroutines"]), ("conflict", 2))

    def ids_of(self, snapshot):
        """{side: goid} as the snapshot says, in its conflicts and in its list of goroutines."""
        sides = {}
        for conflict in snapshot["conflicts"]:
            for side in "ab":
                access = conflict[side]
                if access["goid"] is not None:
                    name = "writer" if access["op"] == "write" else "reader"
                    self.assertIn(sides.setdefault(name, access["goid"]), (access["goid"],))
        for row in snapshot["goroutines"]:
            if row["goid"] is not None:
                self.assertEqual(sides.get("writer" if row["writes"] else "reader", row["goid"]),
                                 row["goid"])
        return sides

    @cases(("dwarf_go1.24", "1.24", False), ("dwarf_newest", NEWEST, False))
    def each_newer(self, release, stripped):
        """With debug information everything is known, whatever release it is."""
        snapshot, truth = self.watched(release, stripped)
        self.assertEqual(snapshot["targets"][0]["layout"], "dwarf")
        self.assertTrue(snapshot["targets"][0]["layout_verified"])
        self.check_sides(snapshot)
        self.assertEqual(self.ids_of(snapshot), truth)
        self.assertTrue(all(g["goid"] and g["parent_goid"] == 1 for g in snapshot["goroutines"]))
        self.assertEqual(snapshot["maps"][0]["type"], "map[uint64]uint64")

    def test_stripped_newest(self):
        """Without it the newest row is right, and live objects say so."""
        snapshot, truth = self.watched(NEWEST, True)
        target = snapshot["targets"][0]
        self.assertEqual((target["layout"], target["layout_verified"]), ("unverified", False))
        self.check_sides(snapshot)
        self.assertEqual(self.ids_of(snapshot), truth)
        named = [g for g in snapshot["goroutines"] if g["goid"]]
        self.assertEqual(len(named), 2)
        for row in named:
            self.assertEqual((row["parent_goid"], row["created_by"]["function"]), (1, "main.main"))
        self.assertEqual(snapshot["maps"][0]["type"], "map[uint64]uint64")
        self.assertEqual(snapshot["maps"][0]["len"], 64)

    def test_stripped_go1_24(self):
        """goid lies elsewhere than the newest row says: then nobody has one. Creation sites lie
        where it says and are shown; types do not and are not."""
        snapshot, _ = self.watched("1.24", True)
        self.assertEqual(snapshot["targets"][0]["layout"], "unverified")
        self.check_sides(snapshot)
        self.assertEqual(self.ids_of(snapshot), {})
        for row in snapshot["goroutines"]:
            self.assertEqual((row["goid"], row["parent_goid"]), (None, None))
            self.assertIn((row["created_by"] or {}).get("function"), (None, "main.main"))
        self.assertIn(snapshot["maps"][0]["type"], (None, "map[uint64]uint64"))
        self.assertIn(snapshot["maps"][0]["len"], (None, *range(65)))

    def test_stripped_go1_25(self):
        """Here goid lies where the newest row says, its neighbours do not."""
        snapshot, truth = self.watched("1.25", True)
        self.check_sides(snapshot)
        self.assertEqual(self.ids_of(snapshot), truth)
        for row in snapshot["goroutines"]:
            self.assertEqual((row["parent_goid"], row["created_by"]), (None, None))

    def test_report_says_so(self):
        with scratch() as folder:
            with Target(newer("1.24", True, folder), "-mode", "mutex") as target:
                time.sleep(0.2)
                result = gomaptop("-b", "-i", "1h", "-d", "1", "--inconclusive-ok", "-p",
                                  target.pid)
                self.assertTrue(target.running())
        self.assertEqual(result.status, 0, result)
        self.assertIn("unverified Go version", result.stdout)


if __name__ == "__main__":
    unittest.main()
