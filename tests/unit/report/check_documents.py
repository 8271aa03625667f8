#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Help, manual page and completions of shells say the same; the manual is well-formed; and what is
installed arrives where PREFIX and DESTDIR say."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
GOMAPTOP = os.path.join(ROOT, os.environ.get("GOMAPTOP", "gomaptop"))
MANUAL = os.path.join(ROOT, "build", "gomaptop.1")
COMPLETION = os.path.join(ROOT, "build", "gomaptop.bash")


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **more)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def options_of_help():
    return set(re.findall(r"--([a-z-]+)", run(GOMAPTOP, "--help").stdout))


def complete(*words):
    """What bash offers for the last word of a command line."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f". '{COMPLETION}'; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
              '_gomaptop; printf "%s\\n" "${COMPREPLY[@]}"')
    result = run("bash", "-c", script)
    assert not result.stderr, result.stderr
    return set(result.stdout.split())


class Documents(unittest.TestCase):
    def test_manual_lists_the_options_of_help(self):
        options = options_of_help()
        self.assertGreater(len(options), 10)
        manual = read(MANUAL).replace("\\-", "-")
        self.assertEqual(options, set(re.findall(r"^(?:\\fB-.\\fR, )?\\fB--([a-z-]+)\\fR", manual,
                                                 re.M)))

    def test_manual_is_well_formed(self):
        result = run("groff", "-man", "-Tutf8", "-ww", "-z", MANUAL)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("@", read(MANUAL))

    def test_completion_offers_the_options_of_help(self):
        offered = {word[2:] for word in complete("gomaptop", "--") if word.startswith("--")}
        self.assertEqual(options_of_help(), offered)

    def test_completion_knows_arguments(self):
        self.assertEqual(complete("gomaptop", "--color", "="), {"auto", "always", "never"})
        self.assertEqual(complete("gomaptop", "--format", "=", "j"), {"json"})
        self.assertIn(str(os.getpid()), complete("gomaptop", "-p", ""))
        self.assertEqual(complete("gomaptop", "-d", ""), set())

    def test_command_words(self):
        self.assertIn("check", complete("gomaptop", ""))
        self.assertEqual(complete("gomaptop", "che"), {"check"})
        self.assertIn("check (-p PID | -e PATH)", run(GOMAPTOP, "--help").stdout)
        self.assertIn("\n\\fBcheck\\fR (\\-p PID | \\-e PATH)\n", read(MANUAL))

    def test_completion_is_clean_shell(self):
        if run("sh", "-c", "command -v shellcheck").returncode:
            self.skipTest("shellcheck is not installed")
        result = run("shellcheck", "-s", "bash", COMPLETION)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def other_shell(self, shell):
        """The text of its completion, which that shell can read where it is installed."""
        path = os.path.join(ROOT, "build", f"gomaptop.{shell}")
        if shutil.which(shell):
            result = run(shell, "-n", path)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("@FISH", read(path))
        self.assertNotIn("@ZSH", read(path))
        return read(path)

    def test_fish_offers_the_same(self):
        lines = [shlex.split(line, comments=True)
                 for line in self.other_shell("fish").splitlines()]
        options = {line[line.index("-l") + 1]: line for line in lines if "-l" in line}
        self.assertEqual(set(options), options_of_help() - {"help", "version"} |
                         {"help", "version"} & set(options))
        self.assertIn("auto always never", options["color"])
        self.assertIn("-rF", options["output"])
        self.assertIn("check", [line[line.index("-a") + 1] for line in lines if "-a" in line])

    def test_zsh_offers_the_same(self):
        text = self.other_shell("zsh")
        begin = text.index("_arguments")
        words = shlex.split(text[begin:text.index("}\n", begin)].replace("\\\n", " "))
        options = set(re.findall(r"--([a-z-]+)(?:=|}|\[)", " ".join(words)))
        self.assertEqual(options, options_of_help() - {"help", "version"} |
                         {"help", "version"} & options)
        self.assertIn("(auto always never)", text)
        self.assertIn("'check:", text)

    def test_install_respects_prefix_and_destdir(self):
        with tempfile.TemporaryDirectory() as stage:
            result = run("make", "-s", "install", f"DESTDIR={stage}", "PREFIX=/opt/x", cwd=ROOT,
                         env={"PATH": os.environ["PATH"]})
            self.assertEqual(result.returncode, 0, result.stderr)
            found = {os.path.relpath(os.path.join(folder, name), stage)
                     for folder, _, names in os.walk(stage) for name in names}
        self.assertEqual(found, {"opt/x/bin/gomaptop", "opt/x/share/man/man1/gomaptop.1",
                                 "opt/x/share/bash-completion/completions/gomaptop",
                                 "opt/x/share/fish/vendor_completions.d/gomaptop.fish",
                                 "opt/x/share/zsh/vendor-completions/_gomaptop",
                                 "opt/x/share/gomaptop/snapshot.schema.json",
                                 "opt/x/share/gomaptop/event.schema.json",
                                 "opt/x/share/gomaptop/check.schema.json"})


if __name__ == "__main__":
    program = unittest.main(exit=False)
    outcome = program.result
    bad, left_out = len(outcome.failures) + len(outcome.errors), len(outcome.skipped)
    print(f"{outcome.testsRun - bad - left_out} passed, {bad} failed, {left_out} skipped")
    raise SystemExit(bool(bad))
