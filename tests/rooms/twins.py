#!/usr/bin/env python3
"""Whether one name has one definition in the sources of riffle.

A fault is: a type or a public function that is defined twice, or a private function with the name of a public one; a
private function or an enumerator that another file has word for word. Files of which one is built (with LLVM and
without) may define the same, and commands number their options as they like. Prints each fault, and how much was
looked at; fails when there is one.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ["ir", "frontend", "passes", "backends", "runtime", "driver"]
INSTEAD = {"no_llvm.c", "none.c"}  # built where a library is missing, instead of others

# As clang-format leaves them. What opaque types are, a typedef in a header and a struct elsewhere, is said once.
FUNCTION = re.compile(r"^((?:[A-Za-z_]\w*[ *]+)+)(\w+)(\([^;{}]*?\)) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
TYPES = [
    re.compile(r"^typedef (?:struct|union|enum)\b[ \w]*\{.*?^\} (\w+);", re.MULTILINE | re.DOTALL),
    re.compile(r"^typedef (?:struct|union|enum)\b[ \w]*\{[^{}\n]*\} (\w+);", re.MULTILINE),
    re.compile(r"^(?:struct|union|enum) (\w+) \{", re.MULTILINE),
    re.compile(r"^typedef (?!struct|union|enum)[^;{}]*?\b(\w+)(?:\([^;{}]*\))?;", re.MULTILINE),
]
ENUMERATORS = re.compile(r"^enum \{(.*?)\};", re.MULTILINE | re.DOTALL)
KEYWORDS = {"if", "for", "while", "switch", "else", "return"}


def code(file):
    return re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)


def words(text):
    return " ".join(text.split())


def definitions(file):
    """(what, name, text) of each; the text is what another file must not repeat, or None."""
    text = code(file)
    for head, name, parameters, body in FUNCTION.findall(text):
        if name not in KEYWORDS:
            private = re.search(r"\bstatic\b", head) and file.suffix != ".h"
            yield "private" if private else "public", name, words(parameters + body)
    for pattern in TYPES:
        for name in pattern.findall(text):
            yield "type", name, None
    for entries in ENUMERATORS.findall(text):
        for name, value in re.findall(r"(\w+) = ([^,]+)", entries):
            if not name.startswith("OPTION_"):
                yield "enumerator", name, words(value)


def faults(files):
    places = collections.defaultdict(list)
    for file in files:
        for what, name, text in definitions(file):
            places[name].append((what, text, file))
    for name, found in sorted(places.items()):
        for what in ("type", "public"):
            those = [file for kind, _, file in found if kind == what and file.name not in INSTEAD]
            others = [file for kind, _, file in found if kind == "private" and what == "public"]
            if len(those) > 1 or (those and others):
                yield name, what, those + others
        for what in ("private", "enumerator"):
            texts = collections.defaultdict(list)
            for kind, text, file in found:
                if kind == what and file not in texts[text]:  # #if and #else may define the same
                    texts[text].append(file)
            for those in texts.values():
                if len(those) > 1:
                    yield name, f"{what}, word for word", those


def main():
    files = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.[ch]"))
    found = list(faults(files))
    for name, what, places in found:
        print(f"{name} ({what}): {', '.join(str(file.relative_to(ROOT)) for file in places)}")
    print(f"{len(found)} names with two definitions among"
          f" {sum(1 for file in files for _ in definitions(file))} in {len(files)} files")
    return bool(found) or not files


if __name__ == "__main__":
    sys.exit(main())
