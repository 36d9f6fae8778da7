#!/usr/bin/env python3
"""Runs the kernels of the networks of cases/ with the interpreter of kernels, against that of graphs: for the targets
that their comments name and for others that no machine here need have, as written and with two images of odd sizes.
Those of some examples, made small, for GPUs.

    interpret.py --program build/dev/tests/kernels/interpret_kernels
    interpret.py --program build/dev/tests/kernels/interpret_kernels --mutations 40

With --mutations, as many changes of each are tried, for the targets of the comments and a GPU: enough must be noticed,
and each barrier be missed. Of both lists tests/run tries a third, another after each commit (tests/part.py).
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from run import CASES, remark

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from part import part

OTHER_TARGETS = ["x86-64", "x86-64-v3", "x86-64-v4", "armv8-a", "armv8-a-wide", "armv7-a", "wasm32-simd128", "generic",
    "cuda-sm_75", "cuda-sm_90"]
MUTATED_TARGETS = ["cuda-sm_90"]
EXAMPLES = {"digits/digits.rfl": ["cuda-sm_86"],
    "shufflenet_v1.rfl groups=3 width=0.25 size=[33,37]": ["cuda-sm_80"],
    "shufflenet_v2.rfl width=0.5 size=[33,37]": ["cuda-sm_75", "cuda-sm_120"],
    "shufflenet_v2.rfl width=0.5 size=[33,37] --precision fp16": ["cortex-a55"]}
LEAST_RUNS = 480
PARTS = 3
LEAST_BARRIERS = 57
LEAST_NOTICED = 0.85
SIZES = re.compile(r"f32\[1, (\d+), (\d+), (\d+)\]")


def odd_sizes(text):
    """None where there are no sizes to change."""
    changed = SIZES.sub(lambda m: f"f32[2, {m[1]}, {int(m[2]) + 1}, {int(m[3]) + 3}]", text)
    return changed if changed != text else None


def run(program, spec, target, options, more):
    words = [str(program), str(spec), "--random-weights", "1", "--target", target, *options, *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


def targets_of(text, others):
    named = remark(text, "targets")
    precise = "--precision" in remark(text, "options")
    return named + [target for target in others if target not in named and not precise]


def networks(folder):
    """(spec, target, options) of all."""
    for spec in sorted(CASES.glob("*.rfl")):
        text = spec.read_text()
        odd = odd_sizes(text)
        variants = [spec]
        if odd is not None:
            variants.append(folder / f"odd_{spec.name}")
            variants[1].write_text(odd)
        yield from ((path, target, remark(text, "options")) for path in variants
            for target in targets_of(text, OTHER_TARGETS))
    for words, targets in EXAMPLES.items():
        words, *precision = words.split(" --precision ")
        name, *settings = words.split()
        options = [word for setting in settings for word in ("--set", setting)]
        options += [word for name_of_it in precision for word in ("--precision", name_of_it)]
        yield from ((ROOT / "examples" / name, target, options) for target in targets)


def interpret(program, folder):
    every, faults = list(networks(folder)), 0
    tried = part(every, PARTS)
    for path, target, options in tried:
        done = run(program, path, target, options, [])
        if done.returncode != 0:
            faults += 1
            print(f"{path.name} for {target}: {done.stderr}", end="")
    print(f"{len(tried) - faults} of {len(tried)} networks give what the interpreter of graphs gives")
    return faults == 0 and len(every) >= LEAST_RUNS


def mutate(program, count):
    sums = {"mutations noticed": [0, 0], "barriers missed": [0, 0]}
    every = [(spec, target) for spec in sorted(CASES.glob("*.rfl"))
        for target in targets_of(spec.read_text(), MUTATED_TARGETS)]
    tried_now = part(every, PARTS)
    for spec, target in tried_now:
        done = run(program, spec, target, remark(spec.read_text(), "options"), ["--mutations", str(count)])
        found = re.findall(r"(\d+) of (\d+) (.*)\n", done.stdout)
        if done.returncode != 0 or not found:
            print(f"{spec.name} for {target}: {done.stdout}{done.stderr}", end="")
            return False
        print(f"{spec.stem:16} {target:16} " + ", ".join(f"{a:>3} of {b:>3} {what}" for a, b, what in found))
        for noticed, tried, what in found:
            sums[what][0] += int(noticed)
            sums[what][1] += int(tried)
    for what, (noticed, tried) in sums.items():
        print(f"{noticed} of {tried} {what}")
    noticed, tried = sums["mutations noticed"]
    missed, barriers = sums["barriers missed"]
    least_barriers = LEAST_BARRIERS if len(tried_now) == len(every) else 1
    return noticed >= LEAST_NOTICED * tried and missed == barriers >= least_barriers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--mutations", type=int)
    words = parser.parse_args()
    if words.mutations:
        return 0 if mutate(words.program, words.mutations) else 1
    with tempfile.TemporaryDirectory() as folder:
        return 0 if interpret(words.program, pathlib.Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
