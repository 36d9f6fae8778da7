#!/usr/bin/env python3
"""Whether a riffle for another system answers as this machine's does, byte for byte.

    tests/hosts/compare.py build/dev/riffle qemu-aarch64 -L SYSROOT build/aarch64/riffle

Reads, prints, checks, rewrites and interprets the examples with both, without LLVM. Prints what differs; the exit status is
that of a comparison."""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.relative_to(ROOT) for path in (ROOT / "examples").glob("*.rfl"))
DIGITS = ["examples/digits/digits.rfl", "--weights", "examples/digits/digits.safetensors"]
SMALL = ["examples/shufflenet_v2.rfl", "--set", "width=0.5", "--random-weights", "1"]

# Words of a command, and the files that it makes, if any, in the folder that stands for OUT.
# None of what a machine or its libc says: `targets`, plugins, help for options that argp has.
COMMANDS = [
    (["--help"], []),
    (["opt", "--no-such-option"], []),
    (["inspect", "no-such-file.rfl"], []),
    (["ops"], []),
    (["passes"], []),
    (["completion", "bash"], []),
    *((["fmt", path], []) for path in EXAMPLES),
    *((["inspect", path], []) for path in EXAMPLES[::4]),
    (["convert", EXAMPLES[0]], []),
    (["opt", *SMALL, "--stats"], []),
    (["opt", *DIGITS, "--check"], []),
    (["opt", *DIGITS, "--bisect"], []),
    (["reduce", "examples/digits/digits.rfl", "--test", "grep -q relu"], []),
    (["run", *DIGITS, "--interpret", "--image", "examples/digits/seven.png"], []),
    (["run", *SMALL, "--interpret", "--image", "docs/images/detect_face.jpg"], []),
    (["compile", *DIGITS, "--backend", "c", "--target", "x86-64-v3", "--emit", "source", "-o", "OUT"], ["OUT/digits.c"]),
    (["compile", *DIGITS, "--target", "native", "-o", "OUT"], []),
    (["report", *DIGITS, "--target", "x86-64-v3", "-o", "OUT/digits.html"], ["OUT/digits.html"]),
]


def result(riffle, words, files):
    """What the command says and writes."""
    with tempfile.TemporaryDirectory() as folder:
        words = [str(word).replace("OUT", folder) for word in words]
        done = subprocess.run([*riffle, *words], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True)
        written = [Path(name.replace("OUT", folder)) for name in files]
        texts = [done.stdout, done.stderr, *(path.read_bytes() if path.exists() else None for path in written)]
        return [done.returncode, *(text and text.replace(folder.encode(), b"OUT") for text in texts)]


def lines(said):
    return said.decode(errors="replace").splitlines() if isinstance(said, bytes) else [str(said)]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    here, there = [str(Path(sys.argv[1]).resolve())], sys.argv[2:]
    there[-1] = str(Path(there[-1]).resolve())
    different = 0
    for words, files in COMMANDS:
        a, b = result(here, words, files), result(there, words, files)
        if a != b:
            different += 1
            print(f"riffle {' '.join(map(str, words))}:")
            for ours, theirs in zip(a, b):
                print("\n".join(list(difflib.unified_diff(lines(ours), lines(theirs), "here", "there", lineterm="", n=0))[:20]))
    print(f"{len(COMMANDS)} commands, {different} of which differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
