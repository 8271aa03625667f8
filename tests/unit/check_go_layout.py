#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hold core/go_layout.c against the DWARF of executables built by 1.19 and 1.24; with
GOMAPTOP_RELEASES=all by each release at hand."""
import os
import re
import subprocess
import sys

from elftools.elf.elffile import ELFFile

FIRST = 17
# Columns of the table, in its order: struct and field as DWARF names them.
COLUMNS = [("runtime.g", "m"), ("runtime.g", "atomicstatus"), ("runtime.g", "goid"),
           ("runtime.g", "parentGoid"), ("runtime.g", "gopc"), ("runtime.g", "startpc"),
           ("runtime.g", "waitreason"), ("runtime.m", "procid"), ("runtime.m", "curg"),
           ("runtime.moduledata", "text"), ("runtime.moduledata", "types"),
           ("runtime.moduledata", "etypes"), ("runtime.moduledata", "gofunc")]
STRUCTS = {struct for struct, _ in COLUMNS}


def table():
    """{minor: [offset or None]} as the C file has it."""
    rows = {}
    for line in open("core/go_layout.c", encoding="utf-8"):
        row = re.match(r"\s*\{(\d+(?:, (?:\d+|NO))+)\},", line)
        if row:
            values = [None if v == "NO" else int(v) for v in row[1].split(", ")]
            rows[values[0]] = values[1:]
    return rows


def releases():
    which = ["--list"] if os.environ.get("GOMAPTOP_RELEASES") == "all" else []
    found = subprocess.run(["tests/go/fetch-toolchains", *which], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split("\n")
    return [line.split(" ", 1) for line in found if line]


def build(release, go):
    path = f"build/fixtures/layout-{release}"
    os.makedirs("build/fixtures", exist_ok=True)
    # Without compression and with the program's own DWARF version: quick to read.
    subprocess.run([go, "build", "-ldflags=-compressdwarf=false", "-o", f"../../{path}",
                    "./churn"], check=True, cwd="tests/go",
                   env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})
    return path


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def members(die):
    fields = {}
    for child in die.iter_children():
        if child.tag == "DW_TAG_member":
            name = text(child.attributes["DW_AT_name"].value)
            fields[name] = child.attributes["DW_AT_data_member_location"].value
    return fields


def structs(path):
    """{struct: {field: offset}} of the structs that the table speaks of."""
    found = {}
    with open(path, "rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            for die in unit.get_top_DIE().iter_children():
                if die.tag != "DW_TAG_structure_type":
                    continue
                name = text(die.attributes["DW_AT_name"].value)
                if name in STRUCTS:
                    found[name] = members(die)
            if len(found) == len(STRUCTS):
                break
    return found


def check(release, go, row):
    """Words about every figure that is wrong."""
    wrong = []
    found = structs(build(release, go))
    for (struct, field), offset in zip(COLUMNS, row):
        truth = found.get(struct, {}).get(field)
        if struct not in found:
            wrong.append(f"{release}: no {struct} in the DWARF")
        elif truth != offset:
            wrong.append(f"{release}: {struct}.{field}: {offset} in the table, {truth} in DWARF")
    return wrong


def main():
    rows = table()
    wrong = []
    if sorted(rows) != list(range(FIRST, FIRST + len(rows))) or len(rows) < 11:
        wrong.append(f"the table's rows are {sorted(rows)}")
    checked = releases()
    for release, go in checked:
        wrong += check(release, go, rows[int(release.split(".")[1])])
    print("\n".join(wrong))
    print(f"{len(checked) - len({w.split(':')[0] for w in wrong})} passed, "
          f"{len({w.split(':')[0] for w in wrong})} failed")
    return bool(wrong) or not checked


if __name__ == "__main__":
    sys.exit(main())
