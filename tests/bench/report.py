# SPDX-License-Identifier: MIT
"""What was measured, as JSON, as one table, and as the table that README.md carries."""
import datetime
import json
import os
import platform
import re
import sys

import measuring
from measuring import figure_text

MARKERS = "<!-- bench -->", "<!-- /bench -->"
README = os.path.join(measuring.ROOT, "README.md")


# ---- the machine ---------------------------------------------------------------------------------


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        found = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def is_virtual():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        return re.search(r"^flags\s*:.*\bhypervisor\b", file.read(), re.MULTILINE) is not None


def machine():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": cpu_model(), "cpus": len(os.sched_getaffinity(0)), "virtual": is_virtual(),
            "memory_bytes": memory, "kernel": platform.release(), "arch": platform.machine()}


def machine_text(data):
    kind = "a virtual machine" if data["virtual"] else "a machine"
    kernel = re.match(r"\d+(\.\d+)?", data["kernel"]).group(0)
    return f"{kind} with {data['cpus']} CPUs ({data['cpu']}), Linux {kernel}"


# ---- JSON ----------------------------------------------------------------------------------------


def document(run, complete):
    began = datetime.datetime.fromtimestamp(run.began, datetime.timezone.utc)
    return {
        "schema": "gomaptop.bench/1", "complete": complete, "quick": run.quick,
        "began": began.strftime("%Y-%m-%dT%H:%M:%SZ"), "command": "make bench" +
        (" BENCH_ARGS=--quick" if run.quick else ""), "machine": machine(),
        "gomaptop": measuring.harness.gomaptop("--version").stdout.strip(),
        "seconds": run.seconds,
        "rows": [{"part": part, **{key: value for key, value in row._asdict().items()
                                   if value not in (None, "")}} for part, row in run.rows],
        "skipped": run.skipped, "failed": run.failed}


# ---- text ----------------------------------------------------------------------------------------


def ratio_text(row):
    ratio = row.get("ratio")
    if ratio is None:
        return ""
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return ("> " if row.get("least") else "") + f"{ratio:.{digits}f}"


def beside_text(row):
    if not row.get("beside"):
        return ""
    figure = row.get("beside_figure")
    return row["beside"] + (f": {figure_text(figure, row['unit'])}" if figure is not None else "")


def figure_of(row):
    return figure_text(row.get("figure"), row.get("unit", ""))


def target_text(row):
    if "target" not in row:
        return ""
    return row["target"] + (" met" if row["met"] else " MISSED")


def cells(row):
    return [row["name"], figure_of(row), beside_text(row), ratio_text(row), target_text(row),
            row.get("note", "")]


def line(row):
    """A row for those who wait."""
    words = cells({key: value for key, value in row._asdict().items() if value not in (None, "")})
    return "  ".join(word for word in words if word)


def columns(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for words in lines:
        yield "  ".join(word.rjust(width) if i in (1, 3) else word.ljust(width)
                        for i, (word, width) in enumerate(zip(words, widths))).rstrip()


def table(data):
    """The one table, and below it what was not measured."""
    lines = [["what", "gomaptop", "beside it", "ratio", "target", ""]]
    lines += [cells(row) for row in data["rows"]]
    out = list(columns(lines))
    judged = [row for row in data["rows"] if "met" in row]
    out += ["", "ratio: how many times better than what is beside it",
            f"on {machine_text(data['machine'])}, began {data['began']}, "
            f"{sum(data['seconds'].values()):.0f} s",
            f"targets: {sum(row['met'] for row in judged)} of {len(judged)} met"]
    out += [f"skipped {entry['part']}, {entry['name']}: {entry['reason']}"
            for entry in data["skipped"]]
    out += [f"FAILED {entry['part']}: {entry['reason']}" for entry in data["failed"]]
    return "\n".join(out)


# ---- README --------------------------------------------------------------------------------------


def markdown(data):
    rows = [row for row in data["rows"] if row.get("readme")]
    out = [f"On {machine_text(data['machine'])}, on {data['began'][:10]}, by `{data['command']}`,",
           "which prints all of it. A ratio says how many times better than what is beside it.", "",
           "| what | gomaptop | beside it | ratio | target |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        note = f" ({row['note']})" if row.get("note") else ""
        out.append("| " + " | ".join([row["name"], figure_of(row) + note, beside_text(row),
                                      ratio_text(row), target_text(row)]) + " |")
    return "\n".join(out)


def readme_update(path):
    """Exit status."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        print(f"bench: {error}: run `make bench` first", file=sys.stderr)
        return 1
    if not data["complete"] or data["failed"]:
        print(f"bench: {path} is of a run that was not complete: run `make bench`", file=sys.stderr)
        return 1
    with open(README, encoding="utf-8") as file:
        text = file.read()
    begin, end = (text.find(marker) for marker in MARKERS)
    if not 0 <= begin < end:
        print(f"bench: no {' ... '.join(MARKERS)} in README.md", file=sys.stderr)
        return 1
    text = f"{text[:begin]}{MARKERS[0]}\n{markdown(data)}\n{text[end:]}"
    with open(README, "w", encoding="utf-8") as file:
        file.write(text)
    return 0
