#!/usr/bin/env python3
"""The kernel IR and the schedule of small networks, to the byte.

Each network of cases/ says in comments for which targets it is compiled, and with which options; the kernel IR for each
is NAME.TARGET.rkir beside it, and what was decided is NAME.TARGET.schedule (of processors).

    run.py --riffle build/dev/riffle            all
    run.py --riffle build/dev/riffle NAME...    some
    run.py --riffle build/dev/riffle --update   write what riffle makes now (then read the diff!)
"""

import argparse
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).resolve().parent / "cases"


def remark(text, key):
    """The words behind `# key:` in a network's comments."""
    return next((line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith(f"# {key}:")), [])


def emitted(spec, target, options, riffle):
    """The texts, each with the ending of its name."""
    words = {"kernels": "rkir"} if target.startswith("cuda-") else {"kernels": "rkir", "schedule": "schedule"}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([str(riffle), "compile", str(spec), "--random-weights", "1", "--target", target, *options,
            "--emit", ",".join(words), "-o", folder], check=True, timeout=60,
            env={**os.environ, "NVCC": "none"})  # no library is wanted, which takes nvcc a minute
        return [(end, (pathlib.Path(folder) / f"{spec.stem}.{end}").read_text()) for end in words.values()]


def check(spec, riffle, update):
    """How many texts are as they were, and how many there are."""
    text = spec.read_text()
    options = remark(text, "options")
    texts = [(CASES / f"{spec.stem}.{target}.{end}", now) for target in remark(text, "targets")
        for end, now in emitted(spec, target, options, riffle)]
    alike = 0
    for path, now in texts:
        if update:
            path.write_text(now)
        before = path.read_text() if path.exists() else ""
        alike += now == before
        sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), now.splitlines(True), path.name, "riffle"))
    rkir = [path for path, _ in texts if path.suffix == ".rkir" and path.exists()]
    subprocess.run([str(riffle), "fmt", "--check", *map(str, rkir)], check=True, timeout=60)  # they read back as they are
    return alike, len(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--riffle", type=pathlib.Path, required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    words = parser.parse_args()
    version = subprocess.run([words.riffle, "--version"], check=True, capture_output=True, text=True).stdout
    if "without LLVM" in version:
        print("skipped: this riffle has no LLVM, and C has no words for all of these kernels")
        return 0
    specs = sorted(CASES.glob("*.rfl"))
    results = [check(spec, words.riffle.resolve(), words.update) for spec in specs
        if not words.names or spec.stem in words.names]
    alike, count = map(sum, zip(*results))
    print(f"{alike} of {count} texts of kernels and schedules are as they were")
    return alike != count


if __name__ == "__main__":
    sys.exit(main())
