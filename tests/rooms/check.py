#!/usr/bin/env python3
"""Whether each folder of backends/ includes only what docs/architecture.md lets it see.

Prints each include that runs against the rule, and how many files and includes there are; fails when one does.
"""

import pathlib
import re
import sys

BACKENDS = pathlib.Path(__file__).resolve().parents[2] / "backends"

# Who may include whom, from the ground up; all may include their own folder.
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


def includes(file):
    return re.findall(r'^#include "backends/([^"]+)"', file.read_text(), re.MULTILINE)


def faults():
    for entry in sorted(BACKENDS.iterdir()):
        if entry.name not in [*LOOSE, *SEES]:
            yield f"backends/{entry.name}: belongs into one of the folders {', '.join(SEES)}"
    for room, sees in SEES.items():
        for file in sorted((BACKENDS / room).rglob("*.[ch]")):
            for included in includes(file):
                if included.split("/")[0] not in [room, *sees]:
                    yield f"{file.relative_to(BACKENDS.parent)}: {room}/ does not see backends/{included}"


def main():
    found = list(faults())
    print(*found, sep="\n", end="\n" if found else "")
    files = [file for room in SEES for file in (BACKENDS / room).rglob("*.[ch]")]
    print(f"{len(found)} faults in {sum(len(includes(file)) for file in files)} includes of {len(files)} files")
    return bool(found) or not files


if __name__ == "__main__":
    sys.exit(main())
