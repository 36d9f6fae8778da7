"""riffle verify --exact: what it proves, for which targets, and what it refuses."""

import unittest

from support import float_bytes, has_llvm, safetensors
from test_interrupted import TemporaryFolder

SMALL = """network small {
    input x: f32[1, 6, 9, 7]
    a = x |> conv(8, 3) @ a |> relu
    b = a |> shuffle(2) @ s |> conv(10, 1) @ b
    output left = b |> sigmoid
    output right = b |> max_pool(2, stride = 2) |> avg_pool(3) |> conv(4, 1) @ c |> softmax
}
"""


class Exact(TemporaryFolder):
    def setUp(self):
        super().setUp()
        (self.folder / "small.rfl").write_text(SMALL)

    def test_equal(self):
        for target in ["x86-64-v3", "armv8-a", "armv7-a", "cuda-sm_80", "generic"]:
            said = self.succeed("verify", "small.rfl", "--exact", "--target", target,
                *(["--backend", "c"] if target == "generic" else []))
            self.assertRegex(said, r"the kernels compute what the network says: \d+ residues")
            self.assertIn("draw 2 of 3, items one by one, backward", said)

    def test_winograd(self):
        (self.folder / "wide.rfl").write_text(
            "network wide { input x: f32[1, 64, 14, 14] nhwc\n output y nhwc = x |> conv(64, 3) }")
        said = self.succeed("verify", "wide.rfl", "--exact", "--target", "x86-64-v3", "--winograd", "always")
        self.assertRegex(said, r"packed numbers are weights of the network, and [1-9]\d* sums of some")

    def test_dead_channel(self):
        """Whose weights training has brought to nothing: its relu is decided all the same."""
        (self.folder / "dead.rfl").write_text(
            "network dead { input x: f32[1, 4, 6, 6]\n output y = x |> conv(4, 1) @ a |> relu |> conv(2, 1) @ b }\n")
        weights = safetensors({"a.weight": [4, 4, 1, 1], "b.weight": [2, 4, 1, 1]})
        begin = len(weights) - 4 * (16 + 8)
        dead = float_bytes([1e-20, -2e-20, 3e-20, 1e-21])
        (self.folder / "dead.safetensors").write_bytes(weights[:begin] + dead + weights[begin + len(dead):])
        said = self.succeed("verify", "dead.rfl", "--weights", "dead.safetensors", "--exact", "--target", "x86-64-v3")
        self.assertIn("the kernels compute what the network says", said)

    def test_layers(self):
        few = self.succeed("verify", "small.rfl", "--exact", "--target", "x86-64-v3", "--count", 1)
        all_of_them = self.succeed("verify", "small.rfl", "--exact", "--target", "x86-64-v3", "--count", 1, "--layers")
        count = [int(said.split(" residues modulo")[0].split()[-1]) for said in (few, all_of_them)]
        self.assertLess(count[0], count[1])

    def test_precisions(self):
        for precision, target in [("bf16", "znver4"), ("fp16", "cortex-a76")]:
            said = self.succeed("verify", "small.rfl", "--exact", "--target", target, "--precision", precision)
            self.assertIn("the kernels compute what the network says", said)

    def test_bytes(self):
        for target in ["x86-64-v3", "icelake-server", "cortex-a76"]:
            said = self.succeed("verify", "small.rfl", "--exact", "--target", target, "--precision", "int8",
                "--calibration", "random", "--count", 1)
            self.assertIn("the kernels compute what the network says: 678 residues", said)
            self.assertIn("layers of bytes round to whole numbers", said)

    def test_pictures(self):
        """The first layer reads bytes, which may be any number: what comes of them is linear."""
        (self.folder / "picture.rfl").write_text("network picture {\n"
            "input x: u8[1, 3, 11, 13] nhwc = pixels(rgb, scale = 1 / 255, mean = [0.485, 0.456, 0.406])\n"
            "output y = x |> conv(8, 3, stride = 2) |> relu |> conv(4, 1) }\n")
        for words in [["x86-64-v3"], ["armv7-a"], ["x86-64-v3", "--precision", "int8", "--calibration", "random"]]:
            said = self.succeed("verify", "picture.rfl", "--exact", "--count", 1, "--target", *words)
            self.assertIn("the kernels compute what the network says: 168 residues", said)

    @unittest.skipUnless(has_llvm(), "several targets want LLVM")
    def test_several_targets(self):
        for target, levels in [("x86-64-multi", 3), ("aarch64-multi", 2)]:
            for words in ([], ["--layers"]):
                said = self.succeed("verify", "small.rfl", "--exact", "--target", target, "--count", 1, *words)
                self.assertGreaterEqual(said.count("the kernels compute what the network says"), levels)

    def test_refused(self):
        for words, message in [(["--tolerance", "0.1"], "--tolerance does not go with --exact")]:
            done = self.invoke("verify", "small.rfl", "--exact", *words)
            self.assertIn(message, done.stderr)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
