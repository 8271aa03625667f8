#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Snapshots of the synthetic source against core/report/snapshot.schema.json.

Then the same snapshots with one thing broken at a time: a schema that lets everything pass proves
nothing, so every required field is taken away once and must be missed.
"""
import copy
import json
import os
import subprocess
import sys

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
EMITTER = os.path.join(ROOT, BUILD, "tests/unit/report/test_snapshot")
SCENARIOS = ("empty", "quiet", "lossy", "busy", "crash", "unordered", "proven", "hostile")

# What the format promises: object, then the fields that a reader may rely on.
PROMISED = {
    (): "schema written_at seconds tool host targets coverage maps conflicts goroutines crashes",
    ("tool",): "version",
    ("host",): "kernel arch cpus",
    ("targets", 0): "pid exe build_id go_version map_runtime stripped started_at state",
    ("coverage",): "attach probes armed_fraction hits filtered counted stalls stall_seconds "
                   "events overhead",
    ("coverage", "probes"): "wanted attached skipped",
    ("coverage", "probes", "skipped", 0): "function reason",
    ("coverage", "filtered"): "stack_growth nil_map other_process",
    ("coverage", "events"): "made delivered lost",
    ("coverage", "events", "lost"): "ring_full queue_full table_full stack_failed",
    ("coverage", "overhead"): "budget estimate ns_per_hit",
    ("maps", 0): "id pid addr type len born verdict order guard reads writes deletes clears "
                 "iterations goroutines stalls stall_seconds expected_overlaps conflicts heat",
    ("maps", 0, "order"): "pairs under_lock ordered unknown unordered",
    ("maps", 0, "guard"): "kind name addr at accesses of",
    ("maps", 0, "heat"): "depth",
    ("conflicts", 0): "map kind evidence count first_seen last_seen a b",
    ("conflicts", 0, "a"): "op runtime_function pid tid goid time key stack stack_truncated "
                           "created_by",
    ("conflicts", 0, "a", "stack", 0): "function file line inlined pc",
    ("goroutines", 0): "pid goid reads writes conflicts maps state wait_reason wait_seconds "
                       "parent_goid created_by stack",
    ("crashes", 0): "pid time message map goid stack last_accesses",
}

# Wrong values that must be noticed.
WRONG = [
    (("schema",), "gomaptop.snapshot/2"),
    (("written_at",), "2025-01-02 03:04:05"),
    (("seconds",), "10"),
    (("targets", 0, "state"), "gone"),
    (("maps", 0, "verdict"), "fine"),
    (("maps", 0, "id"), "1"),
    (("maps", 0, "order"), None),
    (("maps", 0, "order", "unordered"), -1),
    (("maps", 0, "guard", "kind"), "luck"),
    (("maps", 0, "guard", "of"), 0),
    (("maps", 0, "addr"), 4096),
    (("maps", 0, "reads"), -1),
    (("maps", 0, "heat", "depth"), {}),
    (("conflicts", 0, "kind"), "read-read"),
    (("conflicts", 0, "evidence"), "rumour"),
    (("conflicts", 0, "count"), 0),
    (("conflicts", 0, "first_seen"), None),
    (("conflicts", 0, "a", "op"), None),
    (("conflicts", 0, "a", "stack", 0, "line"), 0),
    (("coverage", "armed_fraction"), 1.5),
    (("coverage", "events", "lost", "ring_full"), None),
]


def walk(snapshot, path):
    for step in path:
        snapshot = snapshot[step]
    return snapshot


def sums(snapshot):
    """The equations that the format promises; yields what does not hold."""
    coverage = snapshot["coverage"]
    events = coverage["events"]
    if coverage["hits"] != coverage["counted"] + sum(coverage["filtered"].values()):
        yield "hits are not filtered + counted"
    if events["made"] != events["delivered"] + sum(events["lost"].values()):
        yield "events made are not delivered + lost"
    ids = {row["id"] for row in snapshot["maps"]}
    if len(ids) != len(snapshot["maps"]):
        yield "two maps have one id"
    for conflict in snapshot["conflicts"]:
        if conflict["map"] not in ids:
            yield f"conflict on {conflict['map']}, which is not listed"
    yield from findings(snapshot)


def findings(snapshot):
    """What is promised of verdicts, unordered pairs and guards; yields what does not hold."""
    for row in snapshot["maps"]:
        order, guard = row["order"], row["guard"]
        decided = order["under_lock"] + order["ordered"] + order["unknown"] + order["unordered"]
        if order["pairs"] < decided:
            yield "more pairs decided than looked at"
        if (row["verdict"] == "conflict") != (row["conflicts"] > 0):
            yield f"{row['conflicts']} conflicts, verdict {row['verdict']}"
        if row["verdict"] == "unordered" and not order["unordered"]:
            yield "unordered without an unordered pair"
        if guard and guard["accesses"] > guard["of"]:
            yield "more accesses under the lock than seen"
    for conflict in snapshot["conflicts"]:
        unordered = conflict["evidence"] == "unordered"
        if unordered != (conflict["gap_seconds"] is not None):
            yield f"gap of {conflict['evidence']}: {conflict['gap_seconds']}"
        if unordered and not 0 <= conflict["gap_seconds"] < 1:
            yield f"gap {conflict['gap_seconds']}"
    order = [(-row["conflicts"], -row["writes"] - row["deletes"] - row["clears"])
             for row in snapshot["maps"]]
    if order != sorted(order):
        yield "maps are not most conflicts first, then most changes"
    counts = [-row["count"] for row in snapshot["conflicts"]]
    if counts != sorted(counts):
        yield "conflicts are not most frequent first"


def check(name, passed, results):
    results[bool(passed)] += 1
    if not passed:
        print(f"FAIL {name}")


def check_events(snapshot_schema, results):
    """The same scenarios as events: a JSON object a line, and every field of each is missed."""
    with open(os.path.join(ROOT, "core/report/event.schema.json"), encoding="utf-8") as file:
        text = file.read()
    # Debian's jsonschema resolves no relative reference within a document that a URN names.
    schema = json.loads(text.replace(snapshot_schema["$id"] + "#", "#"))
    schema["definitions"] = snapshot_schema["definitions"]
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    kinds = {}
    for name in SCENARIOS:
        output = subprocess.run([EMITTER, "events", name], check=True, stdout=subprocess.PIPE)
        events = [json.loads(line) for line in output.stdout.decode("utf-8").splitlines()]
        errors = [f"{event['event']} {list(e.absolute_path)}: {e.message}"
                  for event in events for e in validator.iter_errors(event)]
        check(f"events of {name}: {errors[:3]}", not errors, results)
        check(f"events of {name} do not end with the end",
              [event["event"] for event in events].index("end") == len(events) - 1, results)
        kinds.update((event["event"], event) for event in events)
    check(f"kinds of events: {sorted(kinds)}", set(kinds) == {"target", "finding", "crash", "end"},
          results)
    for kind, event in kinds.items():
        for field in event:
            broken = copy.deepcopy(event)
            del broken[field]
            check(f"{kind} without {field} passes", not validator.is_valid(broken), results)
        check(f"{kind} with another schema passes",
              not validator.is_valid(dict(event, schema="gomaptop.snapshot/1")), results)


def main():
    with open(os.path.join(ROOT, "core/report/snapshot.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    results = {True: 0, False: 0}
    snapshots = {}

    for name in SCENARIOS:
        output = subprocess.run([EMITTER, "emit", name], check=True, stdout=subprocess.PIPE)
        snapshots[name] = json.loads(output.stdout.decode("utf-8", errors="strict"))
        errors = [f"{list(e.absolute_path)}: {e.message}"
                  for e in validator.iter_errors(snapshots[name])] + list(sums(snapshots[name]))
        check(f"{name}: {errors[:5]}", not errors, results)

    whole = snapshots["crash"]
    # Row 0 must be an overlap: a fatal conflict does not know its other side.
    whole["conflicts"].sort(key=lambda row: row["evidence"] != "overlap")
    # And map 0 one with a guard.
    guarded = [row for row in snapshots["unordered"]["maps"] if row["guard"]]
    check("no map has a guard", guarded, results)
    whole["maps"].insert(0, guarded[0])
    for path, fields in PROMISED.items():
        for field in fields.split():
            broken = copy.deepcopy(whole)
            del walk(broken, path)[field]
            check(f"{path} without {field} passes", not validator.is_valid(broken), results)
    for path, value in WRONG:
        broken = copy.deepcopy(whole)
        walk(broken, path[:-1])[path[-1]] = value
        check(f"{path} = {value!r} passes", not validator.is_valid(broken), results)
    whole["added_later"] = whole["maps"][0]["added_later"] = 1
    check("fields may be added", validator.is_valid(whole), results)

    check_events(schema, results)
    print(f"{results[True]} passed, {results[False]} failed")
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
