"""How much memory riffle takes for large weights: a small part of them more than for small ones."""

import json
import os
import struct
import subprocess
import unittest

from support import RIFFLE, Command, has_llvm

# Batch norms are folded into the weights, whose columns the shuffles then permute.
DEEP = """network deep(channels = 32, depth = 24) {
    input image: f32[1, channels, 2, 2]
    x = image
    for i in 0 .. depth {
        x = x |> conv(channels, 1) @ conv{i} |> batch_norm @ norm{i} |> relu |> shuffle(2)
    }
    output y = x |> global_avg_pool
}
"""
DEPTH = 24
WIDE = 1024  # channels: 4 MB a layer


def is_sanitized():
    with open(RIFFLE, "rb") as program:
        return b"__asan_init" in program.read()


@unittest.skipIf(is_sanitized(), "AddressSanitizer takes memory of its own")
class Memory(Command):
    def setUp(self):
        super().setUp()
        self.write("deep.rfl", DEEP)

    def make_weights(self, channels, element="F32"):
        """Zeros, which take no room on the disk. Returns how many bytes they are as floats."""
        shapes = {f"conv{i}.weight": [channels, channels, 1, 1] for i in range(DEPTH)}
        for i in range(DEPTH):
            for name in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"norm{i}.{name}"] = [channels]
        header, end, numbers = {}, 0, 0
        for name, shape in shapes.items():
            count = shape[0] * (shape[1] if len(shape) > 1 else 1)
            begin, end = end, end + count * (4 if element == "F32" else 2)
            header[name] = {"dtype": element, "shape": shape, "data_offsets": [begin, end]}
            numbers += count
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(self.folder / "weights.safetensors", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + end)
        return 4 * numbers

    def peak(self, channels, *words):
        """In bytes, of riffle and the programs that it runs."""
        command = [RIFFLE, "compile", "deep.rfl", "--set", f"channels={channels}", "-o", "out", *words]
        process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def expect_little(self, *words, element="F32"):
        if "--random-weights" not in words:
            words = ["--weights", "weights.safetensors", *words]
        self.make_weights(32, element)
        least = self.peak(32, *words)
        bytes_of_weights = self.make_weights(WIDE, element)
        most = self.peak(WIDE, *words)
        print(f"{most / 1e6:.0f} MB, {least / 1e6:.0f} MB without {bytes_of_weights / 1e6:.0f} MB of weights")
        self.assertLess(most - least, 0.3 * bytes_of_weights)

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_compile(self):
        self.expect_little()

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_half_floats(self):
        self.expect_little("--emit", "o", element="F16")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_random_weights(self):
        self.expect_little("--random-weights", "1", "--target", "wasm32-simd128")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_levels(self):
        self.expect_little("--target", "x86-64-multi")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_bytes(self):
        self.expect_little("--precision", "int8", "--calibration", "random", "--target", "x86-64-v4")

    def test_c_source(self):
        self.expect_little("--backend", "c")

    def test_c_compiler(self):
        self.expect_little("--backend", "c", "--cc", "cc")


if __name__ == "__main__":
    unittest.main()
