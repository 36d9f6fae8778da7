#!/usr/bin/env python3
"""Proves the passes and the kernels of the examples (riffle opt --check-each=exact, riffle verify --exact), made small, the
kernels of each for one of several targets.

    prove_examples.py --riffle build/dev/riffle          # those that take a second or two, as tests do
    prove_examples.py --riffle build/dev/riffle --all    # all, some minutes

tests/run tries half of the first, the others after the next commit (tests/part.py). With --one-more (where there are no
sanitizers) also one of the others that need no gigabytes, another after each commit.
"""

import argparse
import itertools
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from part import SEED, part

EXAMPLES = ROOT / "examples"
TARGETS = ["x86-64-v3", "armv8-a", "x86-64-v4", "cortex-a55", "x86-64", "armv7-a", "cuda-sm_80"]
SMALL = ["size=[33,37]"]
QUICK = {
    "densenet_small": SMALL,
    "squeezenet": SMALL,
    "shufflenet_v1": ["groups=3", "width=0.25", *SMALL],
    "shufflenet_v2": ["width=0.5", *SMALL],
    "shufflenet_v2_backbone": ["width=0.5", "size=[64,96]"],
    "detect/fastestdet": ["size=[96,96]"],
    "detect/yunet": ["size=[64,96]"],
    "digits/digits": [],
    "guidelines/g1_channel_widths": ["size=[9,11]"],
    "guidelines/g2_groups": ["size=[9,11]", "groups=4"],
    "guidelines/g3_fragments": ["size=[9,11]", "fragments=2"],
    "guidelines/g4_elementwise": ["size=[9,11]"],
    "pass_plugin/mobileone": ["size=32"],
    "search/net": ["size=[33,37]", "units=[1,1,1]"],
}
OTHERS = {
    "condensenet": SMALL,
    "densenet121": SMALL,
    "googlenet": SMALL,
    "igcv2": SMALL,
    "igcv3": SMALL,
    "mobilenet_v1": SMALL,
    "mobilenet_v2": SMALL,
    "nasnet_a_mobile": ["size=[75,75]"],
    "pnasnet_5_mobile": ["size=[75,75]"],
    "resnet": ["layers=18", *SMALL],
    "resnext50_32x4d": SMALL,
    "se_resnet50": SMALL,
}
# Those with the most weights take gigabytes.
LARGE = {
    "shufflenet_v2_164": SMALL,
    "shufflenet_v2_50": SMALL,
    "shufflenet_v2_plus": SMALL,
    "vgg_like": SMALL,
    "alexnet": ["size=[75,75]"],
    "vgg": ["layers=16", "size=[64,64]"],
}
ALL = {**QUICK, **OTHERS, **LARGE}


def known(names):
    """Whether each example that is a network is in a table."""
    files = [path for path in EXAMPLES.rglob("*.rfl") if re.search("^network ", path.read_text(), re.MULTILINE)]
    missing = [str(path) for path in files if str(path.relative_to(EXAMPLES).with_suffix("")) not in names]
    print("".join(f"{path} is in no table here\n" for path in missing), end="")
    return not missing


def chosen(all_of_them, one_more):
    """(name, settings, target) of those that are tried."""
    every = [(name, settings, target)
        for (name, settings), target in zip(ALL.items(), itertools.cycle(TARGETS))]
    quick, others = every[:len(QUICK)], every[len(QUICK):len(QUICK) + len(OTHERS)]
    more = part(others, len(others)) if one_more and SEED is not None else []
    return every if all_of_them else part(quick, 2) + more


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--riffle", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--one-more", action="store_true")
    options = parser.parse_args()
    good = known(ALL)
    for name, settings, target in chosen(options.all, options.one_more):
        words = [word for setting in settings for word in ("--set", setting)]
        start = time.monotonic()
        done = subprocess.run([options.riffle, "verify", EXAMPLES / f"{name}.rfl", *words, "--exact", "--target", target,
            "--count", "2"], capture_output=True, text=True, timeout=900, check=False)
        proved = done.returncode == 0 and "the kernels compute what the network says" in done.stdout
        middle = time.monotonic()
        passes = subprocess.run([options.riffle, "opt", EXAMPLES / f"{name}.rfl", *words, "--check-each=exact", "-o",
            "/dev/null", "--reproducer=/dev/null"], capture_output=True, text=True, timeout=900, check=False)
        steps = passes.stderr.count("residues are equal")
        kept = passes.returncode == 0 and "not proved" not in passes.stderr
        print(f"{name:28} {target:11} {middle - start:6.1f} s {'proved' if proved else 'FAILED'}   "
            f"{steps:2} steps of passes {time.monotonic() - middle:6.1f} s {'proved' if kept else 'FAILED'}")
        if not proved or not kept:
            print(done.stdout + done.stderr + passes.stderr)
        good = good and proved and kept
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
