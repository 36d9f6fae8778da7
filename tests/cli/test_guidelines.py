"""riffle inspect --guidelines: the bounds are the paper's equations, and each guideline is found where it is broken."""

import json
import math
import platform
import subprocess
import sys
import unittest

from support import RIFFLE, ROOT, SECONDS, Command, has_llvm

EXAMPLES = ROOT / "examples" / "guidelines"
sys.path.insert(0, str(EXAMPLES))
from experiments import EXPERIMENTS  # noqa: E402  (from the folder of the example)

EDGE = 56  # of the feature maps, as in the paper's experiments
PIXELS = EDGE * EDGE


def network(body):
    return f"network net() {{\n  input image: f32[1, 3, {EDGE}, {EDGE}]\n  x = image |> conv(64, 1, bias = true) @ first\n" \
           f"{body}\n  output result = x\n}}\n"


class Guidelines(Command):
    def inspect(self, body, *words):
        self.write("net.rfl", network(body))
        data = json.loads(self.succeed("inspect", "net.rfl", "--json", "--guidelines", "--target=x86-64-v3", *words))
        return data["guidelines"]

    def findings(self, body, guideline):
        found = self.inspect(body)
        self.assertTrue(all(finding["guideline"] in found_in(found, finding["layer"]) for finding in found["findings"]))
        return [finding for finding in found["findings"] if finding["guideline"] == guideline]

    def layer(self, body, name):
        (layer,) = [layer for layer in self.inspect(body)["layers"] if layer["name"] == name]
        return layer

    def test_equation_1(self):
        """2 sqrt(hwB) + B/hw numbers of four bytes; equal widths have exactly that."""
        layer = self.layer("x = x |> conv(256, 1, bias = false) @ wide", "wide")
        macs = PIXELS * 64 * 256
        self.assertAlmostEqual(layer["bound_bytes"], 4 * (2 * math.sqrt(PIXELS * macs) + macs / PIXELS), delta=8)
        self.assertEqual(layer["bytes"], 4 * (PIXELS * (64 + 256) + 64 * 256))
        layer = self.layer("x = x |> conv(64, 1, bias = false) @ equal", "equal")
        self.assertAlmostEqual(layer["bound_bytes"], layer["bytes"], delta=8)
        self.assertEqual(layer["breaks"], ["G3"])  # the second 1x1 in a row

    def test_equation_2(self):
        """hw(c1 + c2) + c1 c2 / g: equal widths are at the bound of their groups, beyond that of one group."""
        layer = self.layer("x = x |> conv(64, 1, groups = 4, bias = false) @ grouped", "grouped")
        self.assertEqual(layer["bytes"], 4 * (PIXELS * 128 + 64 * 64 // 4))
        self.assertAlmostEqual(layer["bound_bytes"], layer["bytes"], delta=8)
        macs = PIXELS * 64 * 64 / 4
        self.assertAlmostEqual(layer["bound_one_group_bytes"], 4 * (2 * math.sqrt(PIXELS * macs) + macs / PIXELS),
                               delta=8)

    def test_bounds_hold(self):
        """No layer of any network moves less than its bound."""
        for name in ["shufflenet_v1", "shufflenet_v2", "resnet", "googlenet", "nasnet_a_mobile", "alexnet"]:
            spec = ROOT / "examples" / f"{name}.rfl"
            data = json.loads(self.succeed("inspect", spec, "--json", "--guidelines", "--target=x86-64-v3"))
            for layer in data["guidelines"]["layers"]:
                with self.subTest(network=name, layer=layer["name"]):
                    self.assertGreaterEqual(layer["bytes"] * (1 + 1e-9) + 8, layer.get("bound_bytes", 0))
                    self.assertGreaterEqual(layer.get("bound_bytes", 0) + 8, layer.get("bound_one_group_bytes", 0))

    def test_unbalanced(self):
        (finding,) = self.findings("x = x |> conv(256, 1) @ wide", "G1")
        self.assertEqual((finding["layer"], finding["what"]), ("wide", "64 to 256 channels"))
        self.assertTrue(finding["suggestion"].startswith("128 to 128 channels"))
        self.assertAlmostEqual(finding["bytes"], 4 * PIXELS * (64 + 256 - 2 * 128), delta=8)

    def test_unbalanced_with_stride(self):
        """With a stride the bound is where input and output have equally many numbers."""
        self.assertEqual(self.findings("x = x |> conv(256, 1, stride = 2) @ wide", "G1"), [])
        (finding,) = self.findings("x = x |> conv(64, 1, stride = 2) @ equal", "G1")
        self.assertTrue(finding["suggestion"].startswith("32 to 128 channels"))

    def test_groups(self):
        (finding,) = self.findings("x = x |> conv(64, 1, groups = 4) @ grouped", "G2")
        self.assertEqual((finding["layer"], finding["what"]), ("grouped", "64 to 64 channels in 4 groups"))
        self.assertTrue(finding["suggestion"].startswith("32 to 32 channels in one group"))
        self.assertAlmostEqual(finding["bytes"], 4 * PIXELS * (128 - 64), delta=8)

    def test_parallel_fragments(self):
        (finding,) = self.findings("x = relu(x)\n"
                                   "x = concat(x |> conv(32, 1) @ a, x |> conv(32, 3) @ b |> relu) @ join", "G3")
        self.assertEqual((finding["op"], finding["what"]), ("concat", "2 operators in 2 branches"))

    def test_fragments_within_fragments_are_named_once(self):
        (finding,) = self.findings("x = relu(x)\n"
                                   "x = concat((x |> conv(32, 1) @ a) + (x |> conv(32, 1) @ b), x |> conv(32, 3) @ c)",
                                   "G3")
        self.assertEqual(finding["what"], "3 operators in 2 branches")

    def test_a_shortcut_is_no_fragment(self):
        self.assertEqual(self.findings("x = relu(x)\nx = x + (x |> conv(64, 3) @ a)", "G3"), [])

    def test_series(self):
        (finding,) = self.findings("x = x |> max_pool(2)\nx = x |> conv(64, 1) @ a |> relu |> conv(64, 1) @ b", "G3")
        self.assertEqual((finding["layer"], finding["what"]), ("b", "2 1x1 convolutions in series"))
        self.assertTrue(finding["suggestion"].startswith("one 1x1 of 91 channels"))  # 64 * sqrt(2)

    def test_elementwise(self):
        body = "x = relu(x |> conv(64, 3) @ a |> batch_norm @ b)\nx = x + (x |> depthwise(3) @ d)\nx = shuffle(x, 2)"
        found = self.findings(body, "G4")
        self.assertEqual([finding["what"] for finding in found], ["batch_norm", "relu", "depthwise", "add", "shuffle"])
        self.assertEqual(found[1]["bytes"], 4 * 2 * PIXELS * 64)
        after = [finding["what"] for finding in self.inspect(body, "-O2")["findings"] if finding["guideline"] == "G4"]
        self.assertNotIn("batch_norm", after)
        self.assertNotIn("relu", after)

    def test_compiled(self):
        """A ReLU that nothing precedes stays a kernel; one behind a convolution does not."""
        self.write("alone.rfl", "network alone() {\n  input image: f32[1, 8, 16, 16] nhwc\n"
                                "  output result nhwc = relu(image)\n}\n")
        data = json.loads(self.succeed("inspect", "alone.rfl", "--json", "--guidelines", "--target=x86-64-v3"))
        self.assertEqual(data["guidelines"]["compiled"], {"elementwise_bytes": 2 * 8 * 256 * 4, "layout_bytes": 0})
        spec = ROOT / "examples" / "shufflenet_v2.rfl"
        data = json.loads(self.succeed("inspect", spec, "--json", "--guidelines", "--target=x86-64-v3"))
        self.assertEqual(data["guidelines"]["compiled"], {"elementwise_bytes": 0, "layout_bytes": 0})

    def test_experiments_have_equal_macs(self):
        """The rows of a table have the MACs of its first row, as nearly as whole channels allow."""
        for experiment in EXPERIMENTS:
            for device in ["cpu", "gpu"]:
                cases = experiment.cases(device)
                self.assertEqual((len(cases), len(cases[0])), (len(experiment.rows), len(experiment.columns)))
                macs = [self.macs(experiment.spec, row[0]) for row in cases]
                for row, name in enumerate(experiment.rows):
                    with self.subTest(experiment=experiment.key, device=device, row=name):
                        self.assertLess(abs(macs[row] / macs[0] - 1), 0.06)

    def macs(self, spec, settings):
        words = [word for name, value in settings.items() for word in ["--set", f"{name}={json.dumps(value)}"]]
        return json.loads(self.succeed("inspect", spec, "--json", *words))["totals"]["macs"]

    @unittest.skipUnless(has_llvm() and platform.machine() == "x86_64", "riffle bench needs LLVM and its own processor")
    def test_run(self):
        """The command that runs the experiments prints a table with the paper's figures and its own."""
        done = subprocess.run([sys.executable, "-B", EXAMPLES / "run.py", "--riffle", RIFFLE, "--seconds=0.01",
                               "--only=g4"], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\n\| neither \| 34 / 136 / 546 \| 12 / 24 / 49 \| \d+ \(\d+ %\) "
                                      r"\| 66.3 \(117 %\) \| 2842 \(117 %\) \|")

    def test_text(self):
        self.write("net.rfl", network("x = x |> conv(256, 1, groups = 4) @ wide |> relu"))
        text = self.succeed("inspect", "net.rfl", "--guidelines", "--target=x86-64-v3")
        self.assertRegex(text, r"\nGuidelines, on one core of x86-64-v3: [\d,]+ cycles")
        self.assertRegex(text, r"\nwide +conv .* G1 G2\n")
        self.assertRegex(text, r"\nG1 +wide +64 to 256 channels .* 128 to 128 channels")
        self.assertRegex(text, r"\n +relu +1 ")
        self.assertNotIn("Guidelines", self.succeed("inspect", "net.rfl"))

    def test_faults(self):
        self.write("net.rfl", network(""))
        self.expect_error("inspect net.rfl --guidelines --target=z80x",
                          "riffle: error: unknown target 'z80x'\nhint: `riffle targets` lists them\n")


def found_in(found, path):
    return {broken for layer in found["layers"] if layer["name"] == path for broken in layer["breaks"]}


if __name__ == "__main__":
    unittest.main()
