# SPDX-License-Identifier: MIT
"""Hold the walls between rooms: the folders of core/, bpf/ and tui/.

tests/lint/rooms says which room may include headers of which; every room that it names for another
stands above that one, so that there is no circle. Complains of an arrow that is not in the table,
of one that is there but is used by nothing, of files outside rooms, of rooms without a README or a
line in the table, and of folders of more than MOST files. Exit status 1: there was something to
say.
"""
import collections
import os
import re
import subprocess
import sys

TABLE = "tests/lint/rooms"
FLOORS = ("core", "bpf", "tui")
MOST = 45
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def table_read(text, complain):
    """{room: rooms that it may use}, in the table's order."""
    table = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, colon, uses = line.partition(":")
        if not colon or room in table:
            complain(f"{TABLE}:{number}: one line a room, 'room: rooms that it uses': {line!r}")
            continue
        for other in uses.split():
            if other == room or other not in table:
                complain(f"{TABLE}:{number}: {room} may only use rooms that stand above it, "
                         f"not {other}")
        table[room] = uses.split()
    return table


def room_of(path):
    """The room of a file on a floor; None: it is elsewhere, or in no room."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in FLOORS and len(parts) == 3 else None


def includes_check(path, text, table, used, complain):
    room = room_of(path)
    for match in INCLUDE.finditer(text):
        name = match.group(1)
        where = f"{path}:{text[:match.start(1)].count(chr(10)) + 1}"
        other = room_of(name)
        if "/" not in name:
            if name != "gomaptop.skel.h":
                complain(f"{where}: {name}: write the path from the root")
        elif not other:
            complain(f"{where}: {name}: a file of a room uses rooms only")
        elif other != room:
            used.add((room, other))
            if room in table and other not in table[room]:
                complain(f"{where}: {room} may not use {other} ({name}): move what is wanted, or "
                         f"add the arrow to {TABLE} if it leads to no circle")


def check(files, table_text):
    """Complaints about {path: text} and the text of the table."""
    said = []
    table, used = table_read(table_text, said.append), set()
    sizes = collections.Counter(os.path.dirname(path) for path in files)
    rooms = {room_of(path) for path in files} - {None}
    for path, text in sorted(files.items()):
        if path.split("/")[0] not in FLOORS:
            continue
        if not room_of(path):
            said.append(f"{path}: in no room: a file of a floor lies in floor/room/")
        elif path.endswith((".c", ".h")):
            includes_check(path, text, table, used, said.append)
    for folder, size in sorted(sizes.items()):
        if size > MOST:
            said.append(f"{folder}: {size} files, more than {MOST}: make two of it")
    for room in sorted(rooms):
        if room not in table:
            said.append(f"{room}: not in {TABLE}: add a line")
        if room + "/README.md" not in files:
            said.append(f"{room}: no README.md that says what it knows, and where to enter")
    for room, uses in table.items():
        if room not in rooms:
            said.append(f"{TABLE}: {room}: no such room: take the line out")
        said += [f"{TABLE}: {room} does not use {other}: take it out"
                 for other in uses if room in rooms and (room, other) not in used]
    return said


def files_read():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    files = {}
    for name in names:
        if not os.path.isfile(name):
            continue
        text = ""
        if name.startswith(FLOORS) and name.endswith((".c", ".h")):
            with open(name, encoding="utf-8") as file:
                text = file.read()
        files[name] = text
    return files


def main():
    with open(TABLE, encoding="utf-8") as file:
        table_text = file.read()
    files = files_read()
    if not any(room_of(path) for path in files):
        sys.exit("rooms: there are none: run it in a git checkout, from its top")
    said = check(files, table_text)
    print("\n".join(said), end="\n" * bool(said))
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
