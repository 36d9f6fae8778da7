"""NAME_STACK_BYTES is no less than what a call uses: a painted stack tells.

Each example, on each target of this processor, in each precision. All take many minutes; so a part is tried, whose
choice RIFFLE_TEST_SEED changes, and RIFFLE_STACK_ALL=1 tries all."""

import itertools
import json
import os
import random
import re
import shutil
import tempfile
import time
import unittest
from pathlib import Path

from support import HERE, ROOT, TINY, available, compile_network, part, run

SECONDS = 25
MOST_FRAME = 65536
FLAGS = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text())) if Path("/proc/cpuinfo").exists() else set()
# With the flag that a processor of it has, and the precisions that are tried.
TARGETS = [("x86-64", "sse2", ["fp32"]), ("x86-64-v3", "avx2", ["fp32", "int8"]),
           ("x86-64-v4", "avx512vl", ["fp32", "int8"]), ("sapphirerapids", "avx512_bf16", ["int8", "bf16"])]
PRECISIONS = {"fp32": [], "int8": ["--precision", "int8", "--calibration", "random"], "bf16": ["--precision", "bf16"]}
# Of C source.
LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"]
C_TARGETS = {"generic": ("sse2", []), "x86-64-v3": ("avx2", ["-march=x86-64-v3"]),
             "x86-64-v4": ("avx512vl", ["-march=x86-64-v4"])}
# Whose vectors do not fit the registers: more than 8 KiB are beside the rings.
SPILLING = """network spilling { input x: f32[1, 3, 224, 224]
 output y = x |> conv(64, 11, stride = 4, padding = 2) |> relu |> max_pool(3, stride = 2) }
"""
# What is known to have used more than was claimed, first and always: the scratch of wide sums in int8.
WIDE = "network wide { input x: f32[1, 9216, 1, 1]\n output y = x |> linear(64) |> relu }\n"


def cases():
    every = [(spec, target, precision) for spec in sorted((ROOT / "examples").glob("*.rfl"))
             for target, flag, precisions in TARGETS if flag in FLAGS for precision in precisions]
    if os.environ.get("RIFFLE_STACK_ALL") != "1":
        random.Random(int(os.environ.get("RIFFLE_TEST_SEED", "1"))).shuffle(every)
    return every


class Stack(unittest.TestCase):
    def setUp(self):
        if "sse2" not in FLAGS:
            self.skipTest("skipped: painted on x86-64 only")
        if os.environ.get("RIFFLE_SANITIZED") == "1":
            self.skipTest("skipped: a compiler with sanitizers is too slow for it")
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-stack-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def paint(self, what, compiler, options, *parts):
        """Runs the network on a painted stack; with the options the parts that are source are compiled, too."""
        folder = self.folder / "out"
        tensors = [re.findall(rf"^#define NET_{kind}_\w+_ELEMENTS (\d+)$", (folder / "net.h").read_text(), re.M)
                   for kind in ("INPUT", "OUTPUT")]
        run(compiler, "-std=c11", *options, "-I", folder, HERE / "stack_use.c", *parts, "-lm", "-o", folder / "program",
            cwd=folder)
        claim, serial, parallel = map(
            int, run(folder / "program", len(tensors[0]), *tensors[0], *tensors[1]).split())
        print(f"{what}: claims {claim}, used {serial}, in parallel {parallel}")
        self.assertGreater(min(serial, parallel), 0)
        self.assertLessEqual(max(serial, parallel), claim)

    def check(self, spec, target, precision):
        folder = self.folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        compile_network(spec, folder, "--name", "net", "--target", target, *PRECISIONS[precision])
        self.paint(f"{Path(spec).name} {target} {precision}", "cc", ["-O1"], folder / "libnet.a")
        frame = json.loads((folder / "net.json").read_text())["totals"]["frame_bytes"]
        self.assertLess(frame, MOST_FRAME)

    def test_wide_sums(self):
        spec = self.folder / "wide.rfl"
        spec.write_text(WIDE)
        for target, flag, precisions in TARGETS:
            if flag in FLAGS and "int8" in precisions:
                self.check(spec, target, "int8")

    def check_source(self, spec, target, levels):
        """Each level of optimisation has its claim: -O0 one of its own."""
        flag, march = C_TARGETS[target]
        if flag not in FLAGS:
            return
        folder = self.folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        compile_network(spec, folder, "--name", "net", "--target", target, "--backend", "c")
        for compiler, level in itertools.product(available("gcc", "clang"), levels):
            claim = "NET_STACK_BYTES" + ("_UNOPTIMIZED" if level == "-O0" else "")
            with self.subTest(target=target, compiler=compiler, level=level):
                self.paint(f"{Path(spec).name} in C for {target}, {compiler} {level}", compiler,
                           [level, f"-DCLAIM={claim}", *march], "net.c", "net_weights.S")

    def test_c_source(self):
        for target in part(C_TARGETS, 3):
            self.check_source(TINY, target, LEVELS)

    def test_spilling_c_source(self):
        spec = self.folder / "spilling.rfl"
        spec.write_text(SPILLING)
        self.check_source(spec, "x86-64-v4", ["-O0", "-O2"])

    def test_examples(self):
        end = time.monotonic() + SECONDS
        for case in cases():
            with self.subTest(case=case):
                self.check(*case)
            if time.monotonic() > end and os.environ.get("RIFFLE_STACK_ALL") != "1":
                break


if __name__ == "__main__":
    unittest.main()
