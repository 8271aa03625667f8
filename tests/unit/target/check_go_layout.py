#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hold every figure of core/go/go_layout.h against the DWARF of executables built by 1.19 and 1.24
for amd64 and arm64; with GOMAPTOP_RELEASES=all by each release at hand. Releases without a
toolchain are named."""
import os
import re
import subprocess
import sys

from elftools.elf.elffile import ELFFile

MINORS = range(17, 28)
ARCHS = ("amd64", "arm64")
# Both kinds of map: one is in executables of these releases, the other with the experiment off.
TWO_RUNTIMES = (24, 25)
ROW = re.compile(r'X\((\w+), "([^"]+)",[\s\\]*((?:(?:\d+|NO),\s*){10}(?:\d+|NO))\)')


def table():
    """{field: ([(struct, path)], [offset or None of each release])} as the header has it."""
    with open("core/go/go_layout.h", encoding="utf-8") as header:
        rows = ROW.findall(header.read())
    # A constant, which is in no struct, has no path.
    return {name: ([tuple((place + ":").split(":")[:2]) for place in where.split("|")],
                   [None if v.strip() == "NO" else int(v) for v in values.split(",")])
            for name, where, values in rows}


def releases():
    which = ["--list"] if os.environ.get("GOMAPTOP_RELEASES") == "all" else []
    found = subprocess.run(["tests/go/fetch-toolchains", *which], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split("\n")
    return [line.split(" ", 1) for line in found if line]


def build(release, go, arch, experiment):
    path = f"build/fixtures/layout-{release}-{arch}" + (f"-{experiment}" if experiment else "")
    os.makedirs("build/fixtures", exist_ok=True)
    # Without compression: quick to read.
    subprocess.run([go, "build", "-ldflags=-compressdwarf=false", "-o", f"../../{path}",
                    "./churn"], check=True, cwd="tests/go",
                   env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0",
                        "GOARCH": arch, "GOEXPERIMENT": experiment})
    return path


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def peeled(die):
    """The type of a member, or what it is another name for."""
    while True:
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag != "DW_TAG_typedef":
            return die


def member(die, path):
    """Offset of a member, "a.b" for one within another; None: the struct has no such member."""
    name, _, rest = path.partition(".")
    for child in die.iter_children():
        if (child.tag == "DW_TAG_member" and
                text(child.attributes["DW_AT_name"].value) == name):
            offset = child.attributes["DW_AT_data_member_location"].value
            if rest:
                inner = member(peeled(child), rest)
                return None if inner is None else offset + inner
            return offset
    return None


def values(path, wanted):
    """{(struct, path): offset or None} of what is wanted of the structs that there are, and
    {(constant, ""): value}."""
    found = {}
    with open(path, "rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            top = unit.get_top_DIE()
            if text(top.attributes["DW_AT_name"].value) != "runtime":
                continue  # where Go's linker puts the types of all packages
            for die in top.iter_children():
                if die.tag not in ("DW_TAG_structure_type", "DW_TAG_constant"):
                    continue
                name = text(die.attributes["DW_AT_name"].value)
                if die.tag == "DW_TAG_constant" and (name, "") in wanted:
                    found[name, ""] = die.attributes["DW_AT_const_value"].value
                elif die.tag == "DW_TAG_structure_type":
                    found.update({(struct, path): member(die, path)
                                  for struct, path in wanted if struct == name and path})
    return found


def truth_of(release, go, arch, wanted):
    """What DWARF says, of executables with either kind of map where there are two."""
    truth = values(build(release, go, arch, ""), wanted)
    if int(release.split(".")[1]) in TWO_RUNTIMES:
        other = values(build(release, go, arch, "noswissmap"), wanted)
        for place, offset in other.items():
            assert truth.setdefault(place, offset) == offset, (release, place)
    return truth


def check(release, go, arch, rows):
    """Words about every figure that is wrong, and how many were compared."""
    wrong, compared = [], 0
    minor = int(release.split(".")[1])
    wanted = {place for places, _ in rows.values() for place in places}
    truth = truth_of(release, go, arch, wanted)
    for name, (places, offsets) in rows.items():
        said = offsets[minor - MINORS[0]]
        # A struct that the linker left out says nothing; one that is there must have the field.
        known = {truth[place] for place in places if place in truth}
        if said is None and known <= {None}:
            continue
        compared += 1
        if known != {said}:
            wrong.append(f"{release} {arch}: {name}: {said} in the table, "
                         f"{known or 'nothing'} in DWARF")
    return wrong, compared


def main():
    rows = table()
    failed = []
    with open("core/go/go_layout.h", encoding="utf-8") as header:
        lines = header.read().count("\tX(")
    if len(rows) != lines or lines < 35:
        failed.append(f"{len(rows)} rows understood of {lines}")
    at_hand = releases()
    for release, go in at_hand:
        for arch in ARCHS:
            wrong, compared = check(release, go, arch, rows)
            failed += wrong
            if compared < len(rows) / 2:
                failed.append(f"{release} {arch}: only {compared} of {len(rows)} rows compared")
            print(f"{release} {arch}: {compared} figures compared, {len(wrong)} wrong")
    names = {release for release, _ in at_hand}
    print("not checked:", ", ".join(f"1.{m}" for m in MINORS if f"1.{m}" not in names))
    print("\n".join(failed))
    done = {f"{release} {arch}" for release in names for arch in ARCHS}
    bad = {w.split(":")[0] for w in failed}
    print(f"{len(done - bad)} passed, {len(bad)} failed")
    return bool(failed) or not at_hand


if __name__ == "__main__":
    sys.exit(main())
