"""Commands that need no code generation: inspect, fmt, convert, ops, passes, targets."""

import json
import shutil
import unittest

from support import ROOT, Command

INSPECTED = """\
small
  input  image 1x3x8x8
  output logits 1x4

layer  op               output   parameters    MACs  bytes moved
----------------------------------------------------------------
conv   conv 3x3         1x8x8x8         216  13,824        3,680
-      relu             1x8x8x8                            4,096
-      max_pool 2x2 /2  1x8x4x4                            2,560
-      global_avg_pool  1x8x1x1                              544
fc     linear           1x4              36      32          192
----------------------------------------------------------------
total  5 layers                         252  13,856       11,072
"""


class Inspect(Command):
    def test_table(self):
        lines = self.succeed("inspect", "small.rfl").splitlines(keepends=True)
        self.assertTrue(lines.pop().startswith("of which layout ops"))
        printed = "\n".join(" ".join(line.split()) for line in lines)
        expected = "\n".join(" ".join(line.split()) for line in INSPECTED.splitlines())
        shortened = [line for line in printed.splitlines() if not line.startswith("---")]
        self.assertEqual(shortened, [line for line in expected.splitlines() if not line.startswith("---")])
        table = [line.rstrip("\n") for line in lines[4:]]
        self.assertEqual(len({len(line) for line in table}), 1, "the last column is not aligned")

    def test_json(self):
        data = json.loads(self.succeed("inspect", "small.rfl", "--json", "--set", "classes=10", "--set", "batch=2"))
        self.assertEqual(data["name"], "small")
        self.assertEqual(data["inputs"], [{"name": "image", "shape": [2, 3, 8, 8]}])
        self.assertEqual(data["outputs"], [{"name": "logits", "shape": [2, 10]}])
        self.assertEqual(data["totals"]["parameters"], 8 * 3 * 9 + 10 * 8 + 10)
        self.assertEqual(data["totals"]["macs"], 2 * (8 * 64 * 27 + 80))
        self.assertEqual(len(data["layers"]), data["totals"]["layers"])
        for total in ["parameters", "macs", "bytes"]:
            self.assertEqual(sum(layer[total] for layer in data["layers"]), data["totals"][total])

    def test_after_passes(self):
        data = json.loads(self.succeed("inspect", "small.rfl", "--json", "-O2"))
        self.assertNotIn("relu", [layer["op"] for layer in data["layers"]])
        self.assertEqual(data["totals"]["macs"], 8 * 64 * 27 + 32)

    def test_routing(self):
        """ShuffleNet moves no byte to shuffle: merged is less than as written, routed is nothing."""
        spec = ROOT / "examples" / "shufflenet_v2.rfl"
        data = json.loads(self.succeed("inspect", spec, "--json", "--routing", "--set", "width=0.5"))
        routing = data["layout_bytes"]
        self.assertEqual(routing["as_written"], data["totals"]["layout_bytes"])
        self.assertLess(routing["merged"], routing["as_written"])
        self.assertEqual(routing["routed"], 0)
        self.assertEqual(data["copies"], [])
        moved = data["bytes_moved"]
        self.assertEqual(moved["as_written"] - moved["merged"], routing["as_written"] - routing["merged"])
        self.assertLess(moved["routed"], moved["merged"])
        self.assertGreater(min(data["workspace_bytes"].values()), 0)

    def test_copies_that_stay(self):
        """A planar output of what is channels last inside has to be copied, and that is said."""
        self.write("planar.rfl", "network planar() {\n"
                                 "  input image: f32[1, 3, 8, 8]\n"
                                 "  output features = image |> conv(6, 3, padding = 1) @ conv\n"
                                 "}\n")
        data = json.loads(self.succeed("inspect", "planar.rfl", "--json", "--routing"))
        (copy,) = data["copies"]
        self.assertEqual((copy["bytes"], copy["file"], copy["line"]), (2 * 6 * 64 * 4, "planar.rfl", 3))
        self.assertEqual(data["layout_bytes"]["routed"], copy["bytes"])
        text = self.succeed("inspect", "planar.rfl", "--routing")
        self.assertRegex(text, r"\nCopies that stay in the routed form:\n\n  planar.rfl:3: .*, 3,072 bytes; ")

    def test_faults(self):
        self.expect_error("inspect none.rfl", "riffle: error: cannot open 'none.rfl': No such file or directory\n")
        self.expect_error("inspect small.rfl --name 9lives",
                  "riffle: error: '9lives' cannot be the name of a library: it is no C identifier\n"
                  "hint: give letters, digits and underscores, a letter first\n")

    def test_graph_text(self):
        text = self.succeed("opt", "small.rfl", "-O0")
        self.write("small.rir", text)
        self.assertEqual(self.succeed("opt", "small.rir", "-O0"), text)
        self.expect_error("inspect small.rir --set classes=3", "riffle: error: --set cannot be used with 'small.rir'\n"
                                                       "hint: the graph IR has no parameters any more\n")


class Format(Command):
    def test_canonical_form(self):
        canonical = self.succeed("fmt", "small.rfl")
        self.assertEqual(canonical, self.succeed("fmt", "-", stdin=canonical))
        self.write("wild.rfl", canonical.replace("    ", "\t \t").replace(" = ", "="))
        self.assertEqual(self.succeed("fmt", "wild.rfl"), canonical)

    def test_in_place_and_check(self):
        canonical = self.succeed("fmt", "small.rfl")
        wild = self.write("wild.rfl", canonical.replace("    ", " "))
        self.write("small.rfl", canonical)
        self.succeed("fmt", "--check", "small.rfl")
        self.expect_error("fmt --check small.rfl wild.rfl", "riffle: error: 'wild.rfl' is not in canonical form\n"
                                                    "hint: 'riffle fmt --in-place' writes it anew\n")
        self.assertEqual(self.succeed("fmt", "--in-place", "wild.rfl"), "")
        self.assertEqual(wild.read_text(), canonical)
        self.succeed("fmt", "--check", "wild.rfl")

    def test_a_fault_changes_nothing(self):
        broken = self.write("broken.rfl", "network broken {\n    output = \n}\n")
        self.assertEqual(self.invoke("fmt", "--in-place", broken).returncode, 1)
        self.assertEqual(broken.read_text(), "network broken {\n    output = \n}\n")

    def test_project_files(self):
        """The specs of the project are in canonical form."""
        specs = [*ROOT.glob("examples/**/*.rfl"), *ROOT.glob("tests/consumers/**/*.rfl")]
        self.assertGreaterEqual(len(specs), 4)
        self.succeed("fmt", "--check", *specs)


class Convert(Command):
    def test_there_and_back(self):
        shutil.copytree(ROOT / "examples" / "units", self.folder / "units")
        for name in ["shufflenet_v1", "shufflenet_v2", "squeezenet"]:
            with self.subTest(name):
                spec = ROOT / "examples" / f"{name}.rfl"
                self.succeed("convert", spec, "-o", "net.json")
                json.loads((self.folder / "net.json").read_text())
                self.succeed("convert", "net.json", "-o", "net.rfl")
                self.assertEqual((self.folder / "net.rfl").read_text(), self.succeed("fmt", spec))
                self.assertEqual(self.succeed("convert", "net.rfl"), (self.folder / "net.json").read_text())
                self.assertEqual(self.succeed("inspect", "net.json"), self.succeed("inspect", spec))

    def test_form(self):
        as_json = self.succeed("convert", "small.rfl")
        self.assertEqual(as_json, self.succeed("convert", "small.rfl", "--to", "json"))
        self.assertEqual(self.succeed("convert", "small.rfl", "--to", "rfl"), self.succeed("fmt", "small.rfl"))


class Tables(Command):
    def test_ops(self):
        self.assertIn("\nbatch_norm ", self.succeed("ops"))
        self.assertRegex(self.succeed("ops", "conv"), r"\n  weight \[o, c/groups, kh, kw\]\n  bias \[o\], optional\n")
        self.expect_error("ops cnv", "riffle: error: unknown op 'cnv'\nhint: did you mean 'conv'?\n")

    def test_passes(self):
        printed = self.succeed("passes")
        for text in ["fold-batchnorm", "merge-layout", "\n-O0", "\n-O1", "\n-O2"]:
            self.assertIn(text, printed)

    def test_targets(self):
        printed = self.succeed("targets")
        for target in ["x86-64", "x86-64-v3", "x86-64-v4", "x86-64-multi"]:
            self.assertRegex(printed, rf"\n{target} ")

    def test_reference_pages(self):
        """The pages in docs/ are what the tables say."""
        for command in ["ops", "passes"]:
            with self.subTest(command):
                self.assertEqual(self.succeed(command, "--markdown"), (ROOT / "docs" / f"{command}.md").read_text())


if __name__ == "__main__":
    unittest.main()
