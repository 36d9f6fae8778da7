#!/usr/bin/env python3
"""Whether the stairs of backends/ only go down, as docs/architecture.md shows them.

A folder includes and calls only what it may see; no files call each other in a circle; no file lies loose. Prints
each fault, and how much was looked at; fails when there is one.
"""

import pathlib
import re
import sys

BACKENDS = pathlib.Path(__file__).resolve().parents[2] / "backends"

# Who may include and call whom, from the ground up; all may their own folder.
SEES = {
    "target": [],
    "program": ["target"],
    "schedule": ["program", "target"],
    "kernels": ["schedule", "program", "target"],
    "gpu": ["schedule", "program", "target"],
    "lower": ["kernels", "gpu", "schedule", "program", "target"],
    "emit": ["program", "target"],
    "output": ["emit", "program", "target"],
    "run": ["output", "emit", "program", "target"],
}
LOOSE = ["CMakeLists.txt", "backends.h"]  # the build, and the face for driver/

# As clang-format leaves it: the name and the parameters of a function that other files can call.
DEFINITION = re.compile(r"^(?!static\b|typedef\b|#)(?:[A-Za-z_]\w*[ *]+)+(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
PRIVATE = re.compile(r"^static [^;={]*?\b(\w+)\(", re.MULTILINE)


def room(file):
    return file.relative_to(BACKENDS).parts[0]


def name(file):
    return str(file.relative_to(BACKENDS.parent))


def includes(file):
    return re.findall(r'^#include "backends/([^"]+)"', file.read_text(), re.MULTILINE)


def code(file):
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    return re.sub(r'"(\\.|[^"\\])*"', '""', text)


def calls(sources):
    """For each source, which others define a function that it names, and the first of its names."""
    texts = {file: code(file) for file in sources}
    definers = {}
    for file, text in texts.items():
        for function in DEFINITION.findall(text):
            definers.setdefault(function, []).append(file)
    called = {}
    for file, text in texts.items():
        own = {*DEFINITION.findall(text), *PRIVATE.findall(text)}
        called[file] = {}
        for word in sorted(set(re.findall(r"\b\w+\b", text)) - own):
            # Of two files that define the same (with LLVM and without) one is built.
            if len(definers.get(word, [])) == 1:
                called[file].setdefault(definers[word][0], word)
    return called


def circles(called):
    """Strongly connected parts of more than one file."""
    reach = {}
    for file in called:
        seen, stack = set(), [file]
        while stack:
            for other in called[stack.pop()]:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        reach[file] = seen
    left = set(called)
    for file in sorted(called):
        circle = {other for other in reach[file] & left if file in reach[other]}
        if file in left and len(circle) > 1:
            left -= circle
            yield sorted(circle)


def faults(called):
    for entry in sorted(BACKENDS.iterdir()):
        if entry.name not in [*LOOSE, *SEES]:
            yield f"backends/{entry.name}: belongs into one of the folders {', '.join(SEES)}"
    for file in sorted(BACKENDS.rglob("*/*.[ch]")):
        for included in includes(file):
            if included.split("/")[0] not in [room(file), *SEES[room(file)]]:
                yield f"{name(file)}: {room(file)}/ does not see backends/{included}"
    for file, others in called.items():
        for other, function in others.items():
            if room(other) not in [room(file), *SEES[room(file)]]:
                yield f"{name(file)}: {room(file)}/ does not see {function} of {name(other)}"
    for circle in circles(called):
        yield "\n    ".join(["a circle:"] + [
            f"{name(file)} calls {function} of {name(other)}"
            for file in circle for other, function in called[file].items() if other in circle])


def main():
    files = sorted(BACKENDS.rglob("*/*.[ch]"))
    called = calls([file for file in files if file.suffix == ".c"])
    found = list(faults(called))
    print(*found, sep="\n", end="\n" if found else "")
    arrows = sum(len(others) for others in called.values())
    print(f"{len(found)} faults in {sum(len(includes(file)) for file in files)} includes and {arrows} arrows"
          f" of calls among {len(files)} files; {len(list(circles(called)))} circles")
    return bool(found) or not files


if __name__ == "__main__":
    sys.exit(main())
