"""Each command line of the pages is one that riffle takes: the command is there, and so are its options, with values
where they take some, and the files of the project that it names. The commands are not run: an unknown option in
front makes riffle end after it has looked at all others."""

import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RIFFLE = os.environ["RIFFLE"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "python" / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "examples").glob("**/README.md"))]
PROBE = "--no-such-option"
ANSWER = f"riffle: error: unknown option '{PROBE}'\nhint: --help lists the options\n"
ENDS = {"|", ">", ">>", "2>", "<", "&&", ";", "||"}


def blocks(text):
    """Of code, with their first lines' numbers: between fences, or indented."""
    lines, fence, block, first = text.splitlines(), False, [], 0
    for number, line in enumerate([*lines, ""], 1):
        if line.lstrip().startswith("```"):
            fence = not fence
        elif fence or line.startswith("    "):
            first = first if block else number
            block.append(line.strip())
            continue
        elif not line and block and number < len(lines) and lines[number].startswith("    "):
            block.append("")
            continue
        if block:
            yield first, block
        block = []


def command_lines(text):
    """Those that begin with riffle, in blocks and in tables, each as words."""
    for first, block in blocks(text):
        for line in re.sub(r"\\\n", " ", "\n".join(block)).splitlines():
            found = re.match(r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:[\w./]*/)?riffle ([a-z].*)", line)
            if found and not re.match(r"(tuning|precision map) \d", found[1]):  # first lines of files
                yield first, found[1]
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            for code in re.findall(r"`riffle ([a-z-]+ [^`]*(?:\.rfl|\.onnx|\.param)\b[^`]*)`", line):
                yield number, code


def words_of(line):
    """Up to what is for the shell; None for what stands for something else."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    ends = [index for index, word in enumerate(words) if word in ENDS or re.match(r"[0-9]?[<>]", word)]
    words = words[:ends[0]] if ends else words
    words = [word for word in words if not word.startswith("--diagnostics-format=")]  # riffle would answer in it
    return None if any(word in ("...", "…") or word.startswith("[") for word in words) else words


class Commands(unittest.TestCase):
    def check(self, words):
        for word in words:
            if re.match(r"(examples|tests|docs)/", word) and not re.search(r"\.(svg|html)$", word):
                self.assertTrue((ROOT / word).exists(), f"there is no {word}")
        done = subprocess.run([RIFFLE, words[0], PROBE, *words[1:]], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (2, ANSWER))

    def test_pages(self):
        count = 0
        for page in PAGES:
            for number, line in command_lines(page.read_text()):
                words = words_of(line)
                if words is None or words[0] == "help":
                    continue
                count += 1
                with self.subTest(f"{page.relative_to(ROOT)}:{number}: riffle {line}"):
                    self.check(words)
        self.assertGreater(count, 60)

    def test_faults_are_seen(self):
        for line in ["compile net.rfl --outptu out", "complie net.rfl", "compile net.rfl --weights",
                     "compile examples/none.rfl", "opt net.rfl --svg=a.svg --draw-only"]:
            with self.subTest(line), self.assertRaises(AssertionError):
                self.check(words_of(line))


if __name__ == "__main__":
    unittest.main()
