#!/usr/bin/env python3
"""Changes one thing at a time in the kernels of fourteen networks, or beside them, and counts what a proof (riffle verify
--exact) finds: it must find nearly all that changes an answer.

    prove.py --program build/dev/tests/kernels/prove_kernels                    # 10 of each network, as tests do
    prove.py --program build/dev/tests/kernels/prove_kernels --mutants 100      # 1,400 in all
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/kernels/cases"
NETWORKS = [
    ([CASES / "dense_3x3.rfl"], "x86-64-v3"),
    ([CASES / "depthwise.rfl"], "x86-64-v4"),
    ([CASES / "grouped.rfl"], "x86-64"),
    ([CASES / "winograd.rfl"], "x86-64-v3"),
    ([CASES / "chain.rfl"], "x86-64-v3"),
    ([CASES / "pooling.rfl"], "x86-64"),
    ([CASES / "attention.rfl"], "x86-64-v3"),
    ([CASES / "pointwise.rfl"], "cuda-sm_90"),
    ([ROOT / "examples/digits/digits.rfl"], "armv8-a"),
    ([ROOT / "examples/shufflenet_v2.rfl", "--set", "width=0.5", "--set", "size=[33,37]"], "x86-64-v3"),
]
# Layers of bytes round: what is wrong in them is found where a byte becomes another.
BYTES = ["--precision", "int8", "--calibration", "random"]
NETWORKS_OF_BYTES = [
    ([CASES / "bytes.rfl", *BYTES], "x86-64-v3"),
    ([CASES / "bytes.rfl", *BYTES], "icelake-server"),
    ([CASES / "byte_panels.rfl", *BYTES], "cortex-a76"),
    ([ROOT / "tests/kernels/pixels.rfl"], "x86-64-v3"),
]
LEAST_FOUND = 0.99
LEAST_CHANGING = 0.8  # of those that were tried: a count of changes that change nothing proves little


def tallies(program, words, target, mutants, seed):
    """For each kind: (found, that change an answer, that change none)."""
    command = [str(program), *map(str, words), "--random-weights", "1", "--target", target, "--mutants", str(mutants),
        "--first", str(seed), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    rows = re.findall(r"^(\w+): (\d+) of (\d+) found, (\d+) changed nothing$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not rows:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    for line in done.stdout.splitlines():
        if line.startswith("missed"):
            print(f"    {line}")
    return {kind: (int(found), int(changing), int(same)) for kind, found, changing, same in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--mutants", type=int, default=10)
    options = parser.parse_args()
    sums, kinds = [0, 0, 0], {}
    networks = NETWORKS + NETWORKS_OF_BYTES
    for seed, (words, target) in enumerate(networks):
        rows = tallies(options.program, words, target, options.mutants, seed)
        found, changing, same = (sum(row[i] for row in rows.values()) for i in range(3))
        print(f"{words[0].stem:14} {target:11} {found:4} of {changing:4} found, {same:3} changed nothing")
        for kind, row in rows.items():
            kinds[kind] = [a + b for a, b in zip(kinds.get(kind, [0, 0, 0]), row)]
        sums = [a + b for a, b in zip(sums, (found, changing, same))]
    for kind, (found, changing, same) in kinds.items():
        print(f"{kind:26} {found:4} of {changing:4} found, {same:3} changed nothing")
    found, changing, same = sums
    print(f"{found} of {changing} changes of an answer were found; {same} changed none")
    return 0 if found >= LEAST_FOUND * changing and changing >= LEAST_CHANGING * options.mutants * len(networks) else 1


if __name__ == "__main__":
    sys.exit(main())
