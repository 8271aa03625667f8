#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Metrics of the synthetic source against a strict reader of OpenMetrics: each document alone, and
each against the one before, with what the screen forgets in between.

Then documents with one thing broken at a time: a reader that lets everything pass proves nothing.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from openmetrics import Document, Wrong, sums, went_down  # noqa: E402 pylint: disable=C0413

BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
EMITTER = os.path.join(ROOT, BUILD, "tests/unit/report/test_metrics")
SCENARIOS = ("empty", "quiet", "lossy", "busy", "crash", "unordered", "proven", "hostile")

# Pattern, what it is replaced with (once), and by that no OpenMetrics any more.
BROKEN = [
    (r"# EOF\n\Z", ""),
    (r"\n\Z", ""),
    (r"\Z", "\n"),
    (r"# TYPE gomaptop_maps gauge\n", ""),
    (r"# HELP gomaptop_maps .*\n", ""),
    (r"(# HELP gomaptop_maps .*\n)", r"\1\1"),
    (r"(# TYPE gomaptop_maps) gauge", r"\1 number"),
    (r"(# TYPE gomaptop_maps )gauge", r"\1counter"),
    (r"gomaptop_holds_total ", "gomaptop_holds "),
    (r"gomaptop_holds_total \d+", "gomaptop_holds_total -1"),
    (r"gomaptop_holds_total \d+", "gomaptop_holds_total NaN"),
    (r"gomaptop_holds_total \d+", "gomaptop_holds_total 0x10"),
    (r"gomaptop_holds_total (\d+)", r"gomaptop_holds_total \1 "),
    (r"(gomaptop_holds_total .*\n)", r"\1\1"),
    (r"(gomaptop_holds_total .*\n)", r"\1\n"),
    (r"(gomaptop_build_info.*) 1\n", r"\1 2\n"),
    (r"# UNIT gomaptop_armed_ratio ratio", "# UNIT gomaptop_armed_ratio seconds"),
    (r'verdict="conflict"', "verdict=conflict"),
    (r'verdict="conflict"', 'verdict="conflict",verdict="x"'),
    (r'verdict="conflict"', r'verdict="\\x"'),
    (r'verdict="conflict"', r'verdict="a"b"'),
    (r'verdict="conflict"', 'verdict="\x1b[7m"'),
    (r'verdict="conflict"', 'verdict="\u202e"'),
    (r'verdict="conflict"', 'verdict="' + 300 * "x" + '"'),
    (r'verdict="conflict"', 'verdict="suspect"'),
    (r"(gomaptop_maps\{.*\n)", r"\1# HELP gomaptop_maps again\n"),
    (r"(# TYPE gomaptop_holds counter\n)", r"\1gomaptop_probe_hits_total 1\n"),
    (r"gomaptop_holds\b", "other_holds"),
]


def is_wrong(text):
    try:
        Document(text)
    except Wrong:
        return True
    return False


def documents(name):
    run = subprocess.run([EMITTER, "emit", name], check=True, stdout=subprocess.PIPE)
    text = run.stdout.decode("utf-8", errors="strict")
    found = re.findall(r"(?:.*\n)*?# EOF\n", text)
    if not found or "".join(found) != text:
        sys.exit(f"{name}: not all that is emitted is documents: {text[-200:]!r}")
    return found


def check(what, passed, results):
    results[bool(passed)] += 1
    if not passed:
        print(f"FAIL {what}")


def check_scenario(name, results):
    """The last document."""
    before = text = None
    for number, text in enumerate(documents(name)):
        try:
            document = Document(text)
            wrong = list(sums(document))
            if before is not None:
                wrong += went_down(before, document).items()
            before = document
        except Wrong as error:
            wrong = [error]
        check(f"{name}, document {number}: {wrong[:5]}", not wrong, results)
    return text


def main():
    results = {True: 0, False: 0}
    last = {name: check_scenario(name, results) for name in SCENARIOS}
    whole = last["crash"]
    for pattern, other in BROKEN:
        broken = re.sub(pattern, other, whole, count=1)
        check(f"{pattern!r} is not there", broken != whole, results)
        check(f"{pattern!r} as {other!r} passes", is_wrong(broken), results)

    good = Document(whole)
    check("conflicts of one map are all conflicts",
          good.sum("gomaptop_conflicts_total") == good.sum("gomaptop_map_conflicts_total") > 0,
          results)
    unordered = Document(last["unordered"])
    check("unordered pairs of one map are all of them, and no conflicts",
          unordered.sum("gomaptop_unordered_pairs_total") ==
          unordered.sum("gomaptop_map_unordered_pairs_total") > 0 ==
          unordered.sum("gomaptop_conflicts_total"), results)
    for name, text, evidence in (("crash", whole, "overlap"),
                                 ("unordered", last["unordered"], "unordered")):
        places = re.findall(r'^gomaptop_finding_sightings\{finding="\d+",[^}]*evidence="'
                            rf'{evidence}"[^}}]*a="([^"]+:\d+)",a_function="[^"]+"'
                            r',b="([^"]+:\d+)",b_function="[^"]+"\} [1-9]', text, re.M)
        check(f"{name}: no pair of lines with both places", places, results)
        check(f"{name}: more than 50 pairs of lines", len(places) <= 50, results)
    check("crashes", good.sum("gomaptop_crashes_total") == 1, results)
    for name, what in (("gomaptop_probe_hits_total", "hits"),
                       ("gomaptop_events_made_total", "made")):
        wrong = Document(re.sub(rf"{name} \d+", f"{name} 1", whole))
        check(f"wrong sum of {what} passes", list(sums(wrong)), results)
        check(f"{name} goes down unseen", went_down(good, wrong), results)

    print(f"{results[True]} passed, {results[False]} failed")
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
