"""NAME_STACK_BYTES is no less than what a call uses: a painted stack tells.

Each example, on each target of this processor, in each precision. All take many minutes; so a part is tried, whose
choice RIFFLE_STACK_SEED changes, and RIFFLE_STACK_ALL=1 tries all."""

import json
import os
import random
import re
import shutil
import tempfile
import time
import unittest
from pathlib import Path

from support import HERE, ROOT, compile_network, run

SECONDS = 100
MOST_FRAME = 65536
FLAGS = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text())) if Path("/proc/cpuinfo").exists() else set()
# With the flag that a processor of it has, and the precisions that are tried.
TARGETS = [("x86-64", "sse2", ["fp32"]), ("x86-64-v3", "avx2", ["fp32", "int8"]),
           ("x86-64-v4", "avx512vl", ["fp32", "int8"]), ("sapphirerapids", "avx512_bf16", ["int8", "bf16"])]
PRECISIONS = {"fp32": [], "int8": ["--precision", "int8", "--calibration", "random"], "bf16": ["--precision", "bf16"]}
# What is known to have used more than was claimed, first and always: the scratch of wide sums in int8.
WIDE = "network wide { input x: f32[1, 9216, 1, 1]\n output y = x |> linear(64) |> relu }\n"


def cases():
    every = [(spec, target, precision) for spec in sorted((ROOT / "examples").glob("*.rfl"))
             for target, flag, precisions in TARGETS if flag in FLAGS for precision in precisions]
    if os.environ.get("RIFFLE_STACK_ALL") != "1":
        random.Random(int(os.environ.get("RIFFLE_STACK_SEED", "1"))).shuffle(every)
    return every


class Stack(unittest.TestCase):
    def setUp(self):
        if "sse2" not in FLAGS:
            self.skipTest("skipped: painted on x86-64 only")
        if os.environ.get("RIFFLE_SANITIZED") == "1":
            self.skipTest("skipped: a compiler with sanitizers is too slow for it")
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-stack-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, spec, target, precision):
        folder = self.folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        compile_network(spec, folder, "--name", "net", "--target", target, *PRECISIONS[precision])
        header = (folder / "net.h").read_text()
        tensors = [re.findall(rf"^#define NET_{kind}_\w+_ELEMENTS (\d+)$", header, re.M)
                   for kind in ("INPUT", "OUTPUT")]
        run("cc", "-std=c11", "-O1", "-I", folder, HERE / "stack_use.c", folder / "libnet.a", "-o", folder / "program")
        claim, serial, parallel = map(
            int, run(folder / "program", len(tensors[0]), *tensors[0], *tensors[1]).split())
        print(f"{Path(spec).name} {target} {precision}: claims {claim}, used {serial}, in parallel {parallel}")
        frame = json.loads((folder / "net.json").read_text())["totals"]["frame_bytes"]
        self.assertLess(frame, MOST_FRAME)
        self.assertGreater(min(serial, parallel), 0)
        self.assertLessEqual(max(serial, parallel), claim)

    def test_wide_sums(self):
        spec = self.folder / "wide.rfl"
        spec.write_text(WIDE)
        for target, flag, precisions in TARGETS:
            if flag in FLAGS and "int8" in precisions:
                self.check(spec, target, "int8")

    def test_examples(self):
        end = time.monotonic() + SECONDS
        for case in cases():
            with self.subTest(case=case):
                self.check(*case)
            if time.monotonic() > end and os.environ.get("RIFFLE_STACK_ALL") != "1":
                break


if __name__ == "__main__":
    unittest.main()
