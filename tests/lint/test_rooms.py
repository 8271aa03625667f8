#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""That tests/lint/rooms.py complains of each thing that it is there for, and of nothing else."""
import sys

sys.dont_write_bytecode = True
from rooms import MOST, check  # noqa: E402

TABLE = "core/base:\ncore/model: core/base\ntui/view: core/base core/model\n"
HOUSE = {
    "core/base/error.h": "#include <stdio.h>\n", "core/base/README.md": "",
    "core/model/model.c": '#include "core/base/error.h"\n', "core/model/model.h": "",
    "core/model/README.md": "",
    "tui/view/ui.c": '#include "core/base/error.h"\n#include "core/model/model.h"\n'
                     '#include "tui/view/ui.h"\n#include "gomaptop.skel.h"\n',
    "tui/view/ui.h": "", "tui/view/README.md": "",
    "tests/unit/test.c": '#include "tui/view/ui.h"\n',
}
# What is wrong: files that are added (None: taken away), the table, a part of the only complaint.
WRONG = (
    ("an arrow up", {"core/base/error.h": '#include "core/model/model.h"\n'}, TABLE,
     "core/base may not use core/model"),
    ("an arrow up in a nested include", {"core/base/error.h": '  #  include "tui/view/ui.h"\n'},
     TABLE, "core/base may not use tui/view"),
    ("an arrow that is not listed", {}, TABLE.replace("tui/view: core/base", "tui/view:"),
     "tui/view may not use core/base"),
    ("a circle", {"core/base/error.h": '#include "core/model/model.h"\n'},
     TABLE.replace("core/base:", "core/base: core/model", 1), "stand above it, not core/model"),
    ("a room that uses itself", {}, TABLE.replace("core/base:", "core/base: core/base", 1),
     "stand above it, not core/base"),
    ("an arrow that nothing uses", {"core/model/model.c": ""}, TABLE,
     "core/model does not use core/base"),
    ("a full folder", {f"core/base/file{i}.h": "" for i in range(MOST - 1)}, TABLE,
     f"core/base: {MOST + 1} files"),
    ("a full folder of tests", {f"tests/unit/file{i}.c": "" for i in range(MOST)}, TABLE,
     f"tests/unit: {MOST + 1} files"),
    ("a file outside rooms", {"core/new.c": ""}, TABLE, "core/new.c: in no room"),
    ("a folder in a room", {"core/base/more/new.c": ""}, TABLE, "new.c: in no room"),
    ("a room without a line", {}, TABLE.replace("core/base:\n", "").replace("core/base", ""),
     "core/base: not in"),
    ("a room without a README", {"core/base/README.md": None}, TABLE, "core/base: no README.md"),
    ("a line without a room", {}, TABLE + "tui/app:\n", "tui/app: no such room"),
    ("a path that is not from the root", {"tui/view/ui.h": '#include "pane.h"\n'}, TABLE,
     "write the path from the root"),
    ("a test's header", {"tui/view/ui.h": '#include "tests/unit/a.h"\n'}, TABLE,
     "a file of a room uses rooms only"),
    ("two lines for a room", {}, TABLE + "tui/view:\n", "one line a room"),
)


def main():
    failed = []
    if check(HOUSE, TABLE):
        failed.append(f"a house in order: {check(HOUSE, TABLE)}")
    for name, more, table, wanted in WRONG:
        files = {path: text for path, text in {**HOUSE, **more}.items() if text is not None}
        said = check(files, table)
        if not any(wanted in line for line in said):
            failed.append(f"{name}: not told: {said}")
    print("\n".join(failed), end="\n" * bool(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
