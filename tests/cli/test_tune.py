"""`riffle tune`, and what compiling with its choices does."""

import re
import unittest

from support import Command, has_llvm

NETWORK = """network pair {
    input image: f32[1, 32, 12, 12]
    x = image |> conv(40, 1) @ first |> relu |> depthwise(3, padding = 1) @ middle
    output out = x |> conv(24, 1) @ last
}
"""
COMPILE = ["compile", "pair.rfl", "--random-weights", "1", "--target", "x86-64", "--emit", "kernels"]
TILE = "tile 24 outputs, 144 pixels, 40 taps"


@unittest.skipUnless(has_llvm(), "without LLVM")
class Tune(Command):
    def setUp(self):
        super().setUp()
        self.write("pair.rfl", NETWORK)

    def compiled(self, folder, *options):
        self.succeed(*COMPILE, "-o", folder, *options)
        return {path.name: path.read_bytes() for path in (self.folder / folder).iterdir()}

    def test_measured_choices(self):
        """The text says something of each layer, is understood, and gives the same bytes each time."""
        printed = self.succeed("tune", "pair.rfl", "--target", "x86-64", "--seconds", "0.05", "-o", "pair.tuning")
        self.assertRegex(printed, r"^pair for x86-64: \d+ forms tried\n  tiles   2 shapes of layers, \d other")
        text = (self.folder / "pair.tuning").read_text()
        self.assertTrue(text.startswith("riffle tuning 1 for x86-64\n"), text)
        self.assertRegex(text, r"\ntile 40 outputs, \d+ pixels, 32 taps: \d+ pixels x \d vectors\n")
        self.assertEqual(self.compiled("one", "--tuning", "pair.tuning"), self.compiled("two", "--tuning", "pair.tuning"))
        self.assertIn("1 of 1 tensors within", self.succeed(
            "verify", "pair.rfl", "--target", "x86-64", "--tuning", "pair.tuning"))

    def test_default_name(self):
        self.succeed("tune", "pair.rfl", "--target", "x86-64", "--seconds", "0.01", "--candidates", "1")
        self.assertIn("pair.tuning", self.files())

    def test_choices_are_obeyed(self):
        links = ["conv 1x1 32 -> 40 at 12x12, conv 3x3 40 -> 40 groups 40 at 12x12",
                 "conv 3x3 40 -> 40 groups 40 at 12x12, conv 1x1 40 -> 24 at 12x12"]
        steps = {}
        for word in ["joined", "apart"]:
            lines = ["riffle tuning 1 for x86-64", *(f"link {link}: {word}" for link in links)]
            self.write("links.tuning", "\n".join(lines))
            steps[word] = self.compiled(word, "--tuning", "links.tuning")["pair.rkir"].decode().count("\nstep ")
        self.assertEqual(steps, {"joined": 2, "apart": 4})  # with the copy of the planar input
        kernels = set()
        for pixels, vectors in [(2, 1), (2, 3), (3, 2)]:
            self.write("tile.tuning", "riffle tuning 1 for x86-64\n"
                       + "".join(f"link {link}: apart\n" for link in links)
                       + f"{TILE}: {pixels} pixels x {vectors} vectors\n")
            files = self.compiled(f"{pixels}x{vectors}", "--tuning", "tile.tuning")
            kernels.add(files["pair.rkir"])
            self.assertRegex(files["pair.rkir"].decode(), rf"items {144 // pixels} ")
        self.assertEqual(len(kernels), 3)

    def test_mistakes(self):
        self.write("wrong.tuning", "riffle tuning 2 for x86-64\n")
        self.expect_error([*COMPILE, "--tuning", "wrong.tuning", "-o", "out"],
                          "wrong.tuning:1:1: error: a tuning of version 2; this riffle reads version 1\n"
                          "riffle tuning 2 for x86-64\n^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
                          "hint: measure again with `riffle tune`\n")
        self.assertNotIn("out", [re.split("/", name)[0] for name in self.files()])
        self.expect_error([*COMPILE, "--tuning", "nowhere"], "riffle: error: cannot open 'nowhere': No such file or directory\n")
        self.expect_error("tune pair.rfl --tuning pair.tuning", "riffle: error: --tuning is what this command makes\n")
        self.expect_error("tune pair.rfl --target x86-64-multi", "riffle: error: 'x86-64-multi' is several targets, "
                          "and this is about one\nhint: give one of them: --target x86-64-v3\n")


if __name__ == "__main__":
    unittest.main()
