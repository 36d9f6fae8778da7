"""docs/writing_a_pass.md is true: its commands are run, what they print is compared, its listings are excerpts of the
files that they show.

    ```console          lines with '$' are commands, the others what they print
    ```console timing   the same, but numbers may differ
    ```c                stands in the plugin or in the pass for the tree, word by word
    ```diff             is applied; hunks have no numbers, their lines must be found

With --update the page gets what the commands print now. Of two commits in a row tests/run builds riffle with the new pass
in it at one (tests/part.py): that takes a minute."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import PACKAGE, ROOT, run

sys.path.insert(0, str(ROOT / "tests"))

from part import part

PAGE = ROOT / "docs" / "writing_a_pass.md"
EXAMPLE = ROOT / "examples" / "pass_plugin"
LIT = os.environ.get("RIFFLE_LIT") or shutil.which("lit") or "lit"
IN_THE_TREE = "<!-- in the tree -->"
BLOCK = re.compile(r"^```(\w+)( \w+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def split_commands(block):
    """Pairs of a command, with its continuation lines, and what it prints."""
    pairs, lines = [], iter(block.splitlines(True))
    for line in lines:
        if not line.startswith("$ "):
            pairs[-1][1] += line
            continue
        command = line
        while command.endswith("\\\n") or ("<<END\n" in command and not command.endswith("\nEND\n")):
            command += next(lines)
        pairs.append([command, ""])
    return pairs


def words(text):
    return " ".join(text.split())


def shape(text):
    """Without numbers, and without the widths that they had."""
    text = re.sub(r"[+-]?\d[\d.,]*(e-?\d+)?", "#", text)
    return [words(line.replace("-", "")) for line in text.splitlines() if line.strip("- ")]


def copy_tree(target):
    """What git knows of or would take, changed or not."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def apply_hunk(path, hunk):
    """Lines with '-' and ' ' must stand in the file together, and become those with '+' and ' '."""
    lines = hunk.splitlines(True)
    old = "".join(line[1:] for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    text = path.read_text()
    if text.count(old) != 1:
        raise AssertionError(f"{path.name} has {text.count(old)} times\n{old}")
    path.write_text(text.replace(old, new, 1))


def apply_diff(diff, folder):
    for part in re.split(r"^--- a/.*\n", diff, flags=re.MULTILINE)[1:]:
        header, *hunks = re.split(r"^@@.*\n", part, flags=re.MULTILINE)
        for hunk in hunks:
            apply_hunk(folder / header.removeprefix("+++ b/").strip(), hunk)


class Reader:
    """Goes through the page, in two folders."""

    def __init__(self, folder):
        self.plugin, self.tree, prefix = folder / "pass_plugin", folder / "tree", folder / "prefix"
        run("cmake", "--install", PACKAGE, "--prefix", prefix)
        shutil.copytree(EXAMPLE, self.plugin)
        self.environment = {**os.environ, "RIFFLE_PREFIX": str(prefix), "CMAKE_PREFIX_PATH": str(prefix), "LC_ALL": "C",
                            "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}:{Path(LIT).parent}"}
        self.folder = self.plugin
        self.sources = [words(path.read_text()) for path in EXAMPLE.rglob("*.c")]
        self.complaints = []
        self.count = 0
        self.prelude = ""

    def shell(self, command):
        """Assignments hold for the commands that follow."""
        script = command.removeprefix("$ ").replace("\\\n", " ")
        done = subprocess.run(["bash", "-c", self.prelude + script], cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800, check=False)
        if re.fullmatch(r'\w+="\$\(.*\)"\n', script):
            self.prelude += script + "\n"
        self.count += 1
        return done.stdout

    def console(self, block, kind):
        result = ""
        for command, expected in split_commands(block):
            printed = self.shell(command)
            same = shape(printed) == shape(expected) if kind else printed == expected
            if not same:
                self.complaints.append(f"{command}--- prints\n{printed}--- the page says\n{expected}")
            result += command + (expected if same else printed)
        return result

    def take(self, match):
        language, kind, block = match.groups()
        if language == "console":
            block = self.console(block, kind)
        elif language == "diff":
            apply_diff(block, self.folder)
        elif language == "c" and not any(words(block) in source for source in self.sources):
            self.complaints.append(f"no source has\n{block}")
        return f"```{language}{kind or ''}\n{block}```"

    def read(self, page):
        first, second = page.split(IN_THE_TREE)
        first = BLOCK.sub(self.take, first)
        if not part([False, True], 2)[-1]:
            return first + IN_THE_TREE + second
        self.folder = self.tree
        self.tree.mkdir()
        copy_tree(self.tree)
        return first + IN_THE_TREE + BLOCK.sub(self.take, second)


class Page(unittest.TestCase):
    def test_page(self):
        for needed in ("dot", "FileCheck-22", "git", LIT):
            if shutil.which(needed) is None:
                self.skipTest(f"{needed} is not here")
        if subprocess.run(["pkg-config", "--exists", "cmocka"], check=False).returncode != 0:
            self.skipTest("cmocka is not here")
        with tempfile.TemporaryDirectory(prefix="riffle-page-") as folder:
            reader = Reader(Path(folder))
            page = reader.read(PAGE.read_text())
            if "--update" in sys.argv:
                PAGE.write_text(page)
                return
            self.assertEqual(reader.complaints, [], "\n".join(reader.complaints))
            self.assertGreater(reader.count, 14)


class Mapping(unittest.TestCase):
    """The table that leads from the plugin's functions to those in the tree."""

    def setUp(self):
        table = re.search(r"^\| `graph->` of a plugin .*?\n\n", PAGE.read_text(), re.MULTILINE | re.DOTALL).group()
        rows = [row.strip("|").split(" | ") for row in table.strip().splitlines()[2:]]
        self.plugin, self.tree = (" ".join(row[side] for row in rows) for side in (0, 1))

    def test_has_all_functions(self):
        struct = re.search(r"^struct riffle_graph \{.*?^\};", (ROOT / "passes/riffle/pass.h").read_text(),
                           re.MULTILINE | re.DOTALL).group()
        functions = re.findall(r"\(\*(\w+)\)\(", struct)
        self.assertGreater(len(functions), 40)
        self.assertEqual([name for name in functions if not re.search(rf"`{name}\b", self.plugin)], [])

    def test_names_exist(self):
        headers = "".join((ROOT / path).read_text() for path in (
            "ir/graph.h", "ir/arena.h", "ir/diagnostics.h", "passes/passes.h", "passes/rewrite.h", "ir/choices.def"))
        names = set(re.findall(r"[a-z]+_\w+", " ".join(re.findall(r"`[^`]*`", self.tree))))
        self.assertGreater(len(names), 20)
        self.assertEqual([name for name in sorted(names) if not re.search(rf"\b{name}\b", headers)], [])


if __name__ == "__main__":
    unittest.main(argv=[word for word in sys.argv if word != "--update"])
