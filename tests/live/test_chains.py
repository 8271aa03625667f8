# SPDX-License-Identifier: MIT
"""Call chains equal what the Go program itself reports at the same line."""
import unittest

from harness import BUILD_ROWS, Target, Watching, cases, map_at, program, table, validate

SECONDS = 80   # three rounds: the program dwells on each of its paths for a second


def brief(frames):
    """Frames as comparable tuples, the goroutine's start (runtime.goexit) left out."""
    return [(f["function"], f["file"], f["line"], f["inlined"]) for f in frames
            if f["function"] != "runtime.goexit"]


def sides_on(snapshot, address):
    """Every side of every conflict on the map at an address."""
    row = map_at(snapshot, address)
    if row is None:
        return []
    return [c[side] for c in snapshot["conflicts"] if c["map"] == row["id"] for side in "ab"]


@table
class ChainsTest(unittest.TestCase):
    def watch(self, release, stripped):
        """(notes by map, last snapshot), or None where the runtime ended the target."""
        with Target(program("chains", release, stripped), "-for", "1h") as target:
            target.line_where(lambda line: "done" in line)
            notes = {n["map"]: n for n in target.lines if "path" in n}
            with Watching("-p", target.pid) as watching:
                watching.wait_for(lambda s: all(sides_on(s, m) for m in notes), SECONDS)
                if target.killed_by_runtime():
                    return None
                snapshot = watching.finish().snapshot
        return notes, snapshot

    @cases(*BUILD_ROWS)
    def each_chain(self, release, stripped):
        for _ in range(4):
            watched = self.watch(release, stripped)
            if watched:
                break
        else:
            self.fail("the runtime's own check ended the target again and again")
        notes, snapshot = watched
        validate(snapshot)
        wrong = []
        for address, note in notes.items():
            sides = sides_on(snapshot, address)
            if not sides:
                wrong.append(f"{note['path']}: no conflict in {SECONDS} s")
            wrong += [f"{note['path']}:\n  Go says   {brief(note['frames'])}\n  "
                      f"gomaptop  {brief(side['stack'])}"
                      for side in sides if brief(side["stack"]) != brief(note["frames"])]
            wrong += [f"{note['path']}: op {side['op']}" for side in sides
                      if side["op"] != note["op"]]
            starts = {(side["created_by"] or {}).get("function") for side in sides}
            expected = "main.throughGo" if note["path"] == "go-statement" else "main.main"
            if sides and starts != {expected}:
                wrong.append(f"{note['path']}: created by {starts}, not {expected}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
