# SPDX-License-Identifier: MIT
"""Call chains equal what the Go program itself reports at the same line."""
import re
import unittest

from harness import (BUILDS, BUILD_ROWS, PAIRED, Died, NotMet, Target, Watching, cases, map_at,
                     program, survived, table, tries)

SECONDS = 30    # of one run; a round over all paths takes ten
ATTEMPTS = 40   # runs: the planted conflicts may end the program, then only the rest is looked for


def brief(frames):
    """Frames as comparable tuples, the goroutine's start (runtime.goexit) left out."""
    return [(f["function"], f["file"], f["line"], f["inlined"]) for f in frames
            if f["function"] != "runtime.goexit"]


def sides_on(snapshot, address):
    """Every side of every overlap on the map at an address (of a fatal error one side is known)."""
    row = map_at(snapshot, address)
    if row is None:
        return []
    return [c[side] for c in snapshot["conflicts"] if c["map"] == row["id"]
            and c["evidence"] == "overlap" for side in "ab"]


def difference(release, notes, side):
    """What gomaptop says of one side otherwise than Go said of the map, or None."""
    path, allowed = notes[0]["path"], [brief(n["frames"]) for n in notes if n["op"] == side["op"]]
    if brief(side["stack"]) not in allowed:
        return f"{path}, {side['op']}:\n  Go        {allowed}\n  gomaptop  {brief(side['stack'])}"
    start = "main.throughGo" if path == "go-statement" else "main.main"
    if (side["created_by"] or {}).get("function") != start:
        return f"{path}: created by {side['created_by']}, not {start}"
    first = brief(side["stack"])[-1][0]
    if not side["stack_truncated"] and side["first_function"] != first:
        return f"{path}: began in {side['first_function']}, its chain in {first}"
    # The field came with 1.21; the two sides are main's goroutines, main itself is number 1.
    parents = [None] if release < "1.21" else [1] if start == "main.main" else range(2, 1 << 32)
    if side["parent_goid"] not in parents:
        return f"{path}: parent {side['parent_goid']}"
    return None


COPIES = re.compile(r"(\d+) chains finished, (\d+) cut off; (\d+) compared .* (\d+) differ")


def cut_off(side):
    """Within the first moments, and above so many a second, no stack is copied: then the chain ends
    where C code begins, and says so."""
    return side["stack_truncated"] and side["stack"][-1]["function"] == "runtime.cgocallback"


def watch(path, only):
    """Notes by map (both sides), the last snapshot, and whether the target lived to its end."""
    with Target(path, "-for", "1h", *only) as target:
        target.line_where(lambda line: "done" in line)
        notes = {}
        for line in target.lines:
            if line and "path" in line:
                notes.setdefault(line["map"], []).append(line)
        with Watching("-p", target.pid) as watching:
            watching.wait_for(lambda s: all(any(map(lambda side: not cut_off(side), sides_on(s, m)))
                                            for m in notes), SECONDS)
            result = watching.finish()
        alive = survived(target)
        if not alive and not result.snapshots:
            raise Died()
        return notes, result.snapshot, alive


@table
class ChainsTest(unittest.TestCase):
    at_once = PAIRED

    def compare(self, release, path, only):
        missing, wrong, alive = None, [], False
        tries.begin("missed", "ended")
        for number in range(ATTEMPTS):
            if number:
                tries.repeat(why)
            why = "ended"
            try:
                notes, snapshot, alive = watch(path, only)
            except NotMet:
                continue
            why = "missed" if alive else "ended"
            if missing is None:
                missing = {of_map[0]["path"] for of_map in notes.values()}
            for address, of_map in notes.items():
                sides = [s for s in sides_on(snapshot, address) if not cut_off(s)]
                wrong += filter(None, (difference(release, of_map, side) for side in sides))
                if sides:
                    missing.discard(of_map[0]["path"])
            if not missing:
                break
            only = ["-only", ",".join(sorted(missing))]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        if missing != set() and not alive:
            raise NotMet(f"the runtime's own check was faster {ATTEMPTS} times: {missing}")
        self.assertEqual(missing, set(), "paths without a conflict")

    # The matrix has these builds and those of the other releases.
    @cases(*((name.rstrip("!") + "!", *build) for name, *build in BUILD_ROWS))
    def each_chain(self, release, stripped):
        self.compare(release, program("chains", release, stripped), [])

    @cases(("go1.19_internal", "1.19", True, "internal"),
           ("go1.24_external", "1.24", False, "external"),
           ("go1.19_external!", "1.19", False, "external"),
           ("go1.24_internal!", "1.24", True, "internal"))
    def each_chain_through_c(self, release, stripped, cgo):
        self.compare(release, program("chains", release, stripped, cgo=cgo),
                     ["-only", "callback,callback-twice,method"])

    def test_libunwind_and_frame_pointers_agree(self):
        """Every stack that is held is copied: a thousand of them, by both ways."""
        compared = 0
        for release, stripped in BUILDS * 4:
            with Target(program("chains", release, stripped), "-for", "1h") as target, \
                    Watching("-v", "-p", target.pid, env={"GOMAPTOP_STACK_COPY": "always"}) as run:
                run.wait_for(lambda s: False, 12)
                said = run.finish().stderr
                alive = survived(target)
            found = COPIES.search(said)
            if found is None and not alive:
                continue
            self.assertIsNotNone(found, said)
            self.assertEqual(found.group(4), "0", said)
            compared += int(found.group(3))
            if compared >= 1000:
                return
        self.fail(f"only {compared} stacks compared")


if __name__ == "__main__":
    unittest.main()
