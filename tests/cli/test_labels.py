"""Labels in specs: where they are read, what is said of them, and where they come out again."""

import json
import re
import unittest

from support import NETWORK, Command, float_bytes

NAMES = ["cat", "Größe", 'a "b" \\', "tab\tx\u202e"]
LABELLED = NETWORK.replace("(classes = 4", '(names = "names.txt", classes = 4').replace("rgb)\n", "rgb)\n    labels = names\n")
GRID = """network grid {
    input cells: f32[1, 7, 4, 4]
    let same = cells |> negate |> negate
    output predictions = same
    answer things = tanh_boxes(same)
    labels = "sub/names.txt"
}
"""


class Labels(Command):
    def setUp(self):
        super().setUp()
        self.write("names.txt", "\n".join(NAMES) + "\n")
        self.write("net.rfl", LABELLED)
        self.write("x", float_bytes([0.1] * 192))
        (self.folder / "sub").mkdir()

    def top(self, *words):
        out = json.loads(self.succeed("run", *words, "--random-weights", 1, "--interpret", "--input", "x", "--json"))
        return {answer["class"]: answer.get("label") for answer in out["top"][0]}

    def test_of_classes(self):
        self.assertEqual(self.top("net.rfl"), dict(enumerate(NAMES)))
        self.assertEqual(self.top("small.rfl"), dict.fromkeys(range(4)))
        self.write("others", "a\r\nb\r\nc\r\nd")  # an option says more than the spec
        self.assertEqual(self.top("net.rfl", "--labels", "others"), dict(enumerate("abcd")))
        self.write("marked.txt", b"\xef\xbb\xbfa\r\nb\r\nc\r\nd")
        self.assertEqual(self.top("net.rfl", "--set", 'names="marked.txt"'), dict(enumerate("abcd")))
        text = self.succeed("run", "net.rfl", "--random-weights", 1, "--interpret", "--input", "x", "--top", 4)
        self.assertIn(r"tab\x09x\xe2\x80\xae", text)

    def test_of_boxes(self):
        self.write("sub/names.txt", "cat\ndog\n")
        self.write("grid.rfl", GRID)
        self.write("cells", float_bytes([1.0] * 16 + [0.0] * 64 + [0.25] * 16 + [0.75] * 16))
        boxes = json.loads(self.succeed("run", "grid.rfl", "--interpret", "--input", "cells", "--json"))["boxes"][0]
        self.assertEqual({box["label"] for box in boxes}, {"dog"})
        self.assertRegex(self.succeed("run", "grid.rfl", "--interpret", "--input", "cells"), r"(?m)^1 dog 0\.750 ")

    def test_beside_the_spec(self):
        """Wherever riffle runs, and in the order that the author likes."""
        self.write("sub/names.txt", "a\nb\nc\nd\n")
        self.write("sub/net.rfl", LABELLED)
        self.assertEqual(self.top("sub/net.rfl"), dict(enumerate("abcd")))
        self.assertEqual(self.top("sub/net.rfl", "--set", f'names="{self.folder}/names.txt"'), dict(enumerate(NAMES)))

    def test_forms(self):
        """fmt and convert keep the statement; the graph has the names themselves."""
        self.assertEqual(self.succeed("fmt", "net.rfl"), LABELLED)
        self.write("net.json", self.succeed("convert", "net.rfl", "--to", "json"))
        self.assertIn({"labels": {"name": "names"}}, json.loads((self.folder / "net.json").read_text())["items"][0]["body"])
        self.assertEqual(self.succeed("convert", "net.json", "--to", "rfl"), LABELLED)
        self.write("net.rir", self.succeed("opt", "net.rfl", "--passes="))
        line = r'  labels = ["cat", "Größe", "a \"b\" \\", "tab\x09x\xe2\x80\xae"]'
        self.assertIn(f"\n{line}\n", (self.folder / "net.rir").read_text())
        self.assertEqual(self.succeed("opt", "net.rir", "--passes="), (self.folder / "net.rir").read_text())
        self.assertIn(line, self.succeed("opt", "net.rir"))
        (self.folder / "names.txt").unlink()
        self.assertEqual(self.top("net.rir"), dict(enumerate(NAMES)))

    def test_files(self):
        self.succeed("compile", "net.rfl", "--random-weights", 1, "--backend", "c", "--depfile", "net.d", "-o", "out")
        self.assertEqual(json.loads((self.folder / "out/small.json").read_text())["labels"], NAMES)
        self.assertIn("const char *small_label(int class_index);", (self.folder / "out/small.h").read_text())
        self.assertIn("names.txt", (self.folder / "net.d").read_text())
        self.succeed("compile", "small.rfl", "--random-weights", 1, "--backend", "c", "-o", "out")
        self.assertNotIn("labels", json.loads((self.folder / "out/small.json").read_text()))
        self.assertNotIn("label", (self.folder / "out/small.h").read_text())

    def test_counts(self):
        self.expect_error(["inspect", "net.rfl", "--set", "classes=3"],
                          "net.rfl:3:14: error: there are 4 labels where the network has 3 classes\n"
                          "    labels = names\n             ^~~~~\n")
        self.write("names.txt", "")
        done = self.invoke("inspect", "net.rfl")
        self.assertIn("there are 0 labels where the network has 4 classes", done.stderr)

    def test_files_that_are_none(self):
        self.write("names.txt", b"\x08" * (5 << 20))
        done = self.invoke("inspect", "net.rfl")
        self.assertEqual(done.returncode, 1)
        self.assertIn("net.rfl:3:14: note: the labels are named here", done.stderr)
        done = self.invoke("inspect", "net.rfl", "--set", 'names="sub"')
        self.assertEqual(done.returncode, 1)
        self.assertIn("net.rfl:3:14: note: the labels are named here", done.stderr)

    def test_text_of_the_ir(self):
        text = self.succeed("opt", "net.rfl", "--passes=")
        for old, new, message in (
                ('["cat", ', "[", "there are 3 labels where the network has 4 classes"),
                ('["cat"', "[cat", "the name of a class"),
                ("  labels", "  labels = [\"x\"]\n  labels", "there are labels already")):
            self.write("broken.rir", text.replace(old, new))
            done = self.invoke("opt", "broken.rir")
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertRegex(done.stderr, re.escape("broken.rir:") + r"\d+:\d+: error: ")


if __name__ == "__main__":
    unittest.main()
