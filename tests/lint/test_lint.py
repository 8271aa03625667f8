#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""That each check of tests/lint/run fails on what it is there for, and when its tool is missing;
that `make test` does when one of its steps fails, or counts nothing; and that tests/run.py takes no
program for a good one that did not say so.

A checkout of a few lines in which nothing is wrong, and for each check one change that is wrong:
the check passes before and fails after, and says what the case expects.
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SPDX = "/* SPDX-License-Identifier: MIT */\n"
HEADER = SPDX + "#ifndef A_H\n#define A_H\n\nint a(int b);\n\n#endif\n"
IN_ORDER = {
    "core/a/a.h": HEADER,
    "core/a/a.c": SPDX + '#include "core/a/a.h"\n\nint a(int b)\n{\n\treturn b;\n}\n',
    "core/symbol/unwind.c": SPDX, "bpf/a/a.h": SPDX, "bpf/a/a.c": SPDX, "bpf/a/a.bpf.c": SPDX,
    "tui/a/a.h": SPDX, "tui/a/a.c": SPDX, "tui/app/metrics_server.c": SPDX, "tests/a.py": "",
    "tests/lint/rooms": "core/a:\ncore/symbol:\nbpf/a:\ntui/a:\ntui/app:\n",
    **{f"{room}/README.md": "" for room in ("core/a", "core/symbol", "bpf/a", "tui/a",
                                            "tui/app")},
    "tests/a.sh": "#!/bin/sh\necho a\n",
}
USELESS = "\tif (b)\n\t\t;\n"     # bugprone-suspicious-semicolon

# Check, what is wrong: files (None: taken away) or variables, a part of what is said.
WRONG = (
    ("library_floors", {"bpf/a/a.c": None, "bpf/a/a.h": None, "bpf/a/a.bpf.c": None},
     "no file is called bpf/"),
    ("rooms", {"core/a/a.h": HEADER + '#include "bpf/a/a.h"\n'}, "core/a may not use bpf/a"),
    ("rooms", {"core/a/more/a.h": HEADER}, "core/a/more/a.h: in no room"),
    ("library_floors", {"core/a/a.c": SPDX + "#include <bpf/bpf.h>\n"}, "core/a/a.c:2"),
    ("library_floors", {"bpf/a/a.c": SPDX + "#include <curses.h>\n"}, "bpf/a/a.c:2"),
    ("library_floors", {"tui/a/a.c": SPDX + "#include <libunwind.h>\n"}, "tui/a/a.c:2"),
    ("library_floors", {"core/a/a.c": SPDX + "#include <microhttpd.h>\n"}, "core/a/a.c:2"),
    ("spdx_lines", {"core/a/a.c": "int b;\n"}, "core/a/a.c: first line"),
    ("top_level_folders", {"more/a": ""}, "more"),
    ("line_length", {"core/a/a.c": SPDX + "/* " + 95 * "a" + " */\n"}, "core/a/a.c:2: 101 columns"),
    ("format", {"core/a/a.c": SPDX + "int  b;\n"}, "core/a/a.c:2"),
    ("format", {"CLANG_FORMAT": "/no/such/tool"}, "/no/such/tool"),
    ("headers_alone", {"core/a/a.h": SPDX + "size_t b(void);\n"}, "size_t"),
    ("headers_alone", {"bpf/a/b.bpf.h": SPDX + "__u64 b;\n"}, "__u64"),
    ("headers_alone", {"CC": "/no/such/tool", "MULTIARCH": "none"}, "/no/such/tool"),
    ("bpf_warnings", {"bpf/a/a.bpf.c": SPDX + "static int b;\n"}, "unused"),
    ("bpf_warnings", {"CLANG": "/no/such/tool"}, "/no/such/tool"),
    ("bpf_warnings", {"bpf/a/a.bpf.c": None}, "no file is called bpf/*.bpf.c"),
    ("clang_tidy", {"core/a/a.c": SPDX + "int a(int b);\nint a(int b)\n{\n" + USELESS +
                                "\treturn b;\n}\n"}, "suspicious-semicolon"),
    ("clang_tidy", {"core/a/a.h": HEADER.replace(
        "int a(int b);", "static inline int c(int b)\n{\n" + USELESS + "\treturn b;\n}\n")},
     "suspicious-semicolon"),
    ("clang_tidy", {"core/a/a.c": SPDX + '#include "core/a/no.h"\n'}, "core/a/no.h"),
    ("clang_tidy", {"CLANG_TIDY": "/no/such/tool"}, "/no/such/tool"),
    ("shellcheck", {"tests/a.sh": "#!/bin/sh\necho $1\n"}, "SC2086"),
    ("shellcheck", {"SHELLCHECK": "/no/such/tool"}, "/no/such/tool"),
    ("python", {"tests/a.py": "def\n"}, "tests/a.py"),
    ("python", {"PYTHON": "/no/such/tool"}, "/no/such/tool"),
    ("no_such_check", {}, "check_no_such_check"),
)

# What a step of tests/run_all does, by its target; the status and the closing line of all.
COUNTS = "*) echo '3 passed, 0 failed, 1 skipped' ;;"
STEPS = (
    ("deps | all | tests) ;; " + COUNTS, 0, "24 passed, 0 failed, 8 skipped"),
    ("deps | all | tests) ;; lint) ;; " + COUNTS, 1, "21 passed, 1 failed, 7 skipped"),
    ("deps | all | tests) ;; live) echo '0 passed, 0 failed' ;; " + COUNTS, 1,
     "21 passed, 1 failed, 7 skipped"),
    ("deps | all | tests) ;; live) echo '2 passed, 0 failed'; exit 2 ;; " + COUNTS, 1,
     "23 passed, 1 failed, 7 skipped"),
    ("deps) exit 1 ;; " + COUNTS, 1, "0 passed, 1 failed"),
)

# A test program (a script), its exit status and what tests/run.py counts.
PROGRAMS = (
    ("echo '2 passed, 0 failed'", 0, "2 passed, 0 failed"),
    ("echo '[  PASSED  ] 3 test(s).'", 0, "3 passed, 0 failed"),
    ("echo '[  PASSED  ] 3 test(s).'; exit 1", 1, "3 passed, 1 failed"),
    ("echo '[  FAILED  ] 77 test(s), listed below:'; exit 77", 1, "0 passed, 77 failed"),
    ("echo 'skipped: no such machine'; exit 77", 0, "0 passed, 0 failed, 1 skipped"),
    ("echo '0 passed, 0 failed'", 1, "0 passed, 1 failed"),
    ("echo '[==========] Running 3 test(s).'", 1, "0 passed, 1 failed"),
    ("exit 0", 1, "0 passed, 1 failed"),
    ("kill -9 $$", 1, "0 passed, 1 failed"),
)


def lint(folder, check, variables):
    """(exit status, output) of one check in the checkout."""
    run = subprocess.run(["bash", "tests/lint/run", check], cwd=folder, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False,
                         env={**os.environ, **variables})
    return run.returncode, run.stdout


def checkout(folder, files):
    """Make the folder a checkout of these files, with the lint that is tested."""
    for path, text in files.items():
        if text is None:
            continue
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(os.path.join(folder, "tests/lint"), exist_ok=True)
    os.makedirs(os.path.join(folder, "build"))
    for name in ("run", "rooms.py"):
        shutil.copy(os.path.join(HERE, name), os.path.join(folder, "tests/lint"))
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(os.path.join(ROOT, name), folder)
    with open(os.path.join(folder, ".gitignore"), "w", encoding="ascii") as file:
        file.write("/build/\n")
    subprocess.run(["git", "init", "-q", folder], check=True)


def problems():
    """A sentence for each check that does not do what it should."""
    with tempfile.TemporaryDirectory() as folder:
        checkout(folder, IN_ORDER)
        for check in sorted({check for check, _, _ in WRONG} - {"no_such_check"}):
            status, said = lint(folder, check, {})
            if status:
                yield f"{check}: fails where nothing is wrong: {said}"
    for check, changes, wanted in WRONG:
        variables = {name: value for name, value in changes.items() if name.isupper()}
        files = {name: text for name, text in changes.items() if not name.isupper()}
        with tempfile.TemporaryDirectory() as folder:
            checkout(folder, {**IN_ORDER, **files})
            status, said = lint(folder, check, variables)
        if not status or wanted not in said:
            yield f"{check}: {changes}: status {status}, and this is not said: {wanted}: {said}"


def steps_problems():
    """The same of tests/run_all, which a stand-in for make is given."""
    for number, (step, wanted, line) in enumerate(STEPS):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "make")
            with open(path, "w", encoding="ascii") as file:
                file.write('#!/bin/sh\nwhile case "$1" in -*) ;; *) false ;; esac; do shift; done\n'
                           f'case "$1" in {step} esac\n')
            os.chmod(path, 0o755)
            run = subprocess.run(["bash", os.path.join(ROOT, "tests/run_all"), path],
                                 stdout=subprocess.PIPE, text=True, check=False)
        said = run.stdout.splitlines()[-1]
        if (run.returncode, said) != (wanted, line):
            yield f"run_all, case {number}: status {run.returncode}, {said!r}, not {line!r}"


def programs_problems():
    """The same of tests/run.py, which is given scripts."""
    for script, wanted, line in PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "program")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)
            run = subprocess.run([sys.executable, os.path.join(ROOT, "tests/run.py"), path],
                                 stdout=subprocess.PIPE, text=True, check=False)
        said = run.stdout.splitlines()[-1]
        if (run.returncode, said) != (wanted, line):
            yield f"run.py of {script!r}: status {run.returncode}, {said!r}, not {line!r}"


def main():
    found = [*steps_problems(), *programs_problems(), *problems()]
    print("\n".join(found), end="\n" * bool(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
