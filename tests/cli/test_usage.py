"""Help, and what riffle says to command lines that it cannot follow."""

import re
import unittest

from support import COMMANDS, Command, lacks

ONNX_LACKS = "this riffle was built without ONNX: it cannot import its models"
ONNX_REMEDY = ("install protobuf-c (Debian: libprotobuf-c-dev, protobuf-c-compiler) and build riffle again with "
               "-DRIFFLE_WITH_ONNX=ON")

MISTAKES = [
    ("complie net.rfl", "riffle: error: unknown command 'complie'\nhint: did you mean 'compile'?\n"),
    ("frobnicate", "riffle: error: unknown command 'frobnicate'\nhint: 'riffle help' lists the commands\n"),
    ("help inspcet", "riffle: error: unknown command 'inspcet'\nhint: did you mean 'inspect'?\n"),
    ("inspect", "riffle: error: SPEC is missing from the command line\nhint: --help shows how the command is used\n"),
    ("inspect a.rfl b.rfl", "riffle: error: surplus argument 'b.rfl' after 'a.rfl'\n"),
    ("targets now", "riffle: error: surplus argument 'now' after 'riffle targets'\n"),
    ("compile small.rfl --outptu out",
     "riffle: error: unknown option '--outptu'\nhint: did you mean '--output'?\n"),
    ("compile small.rfl --xyzzy", "riffle: error: unknown option '--xyzzy'\nhint: --help lists the options\n"),
    ("compile small.rfl -Z", "riffle: error: unknown option '-Z'\nhint: --help lists the options\n"),
    ("compile small.rfl --weights", "riffle: error: option '--weights' needs a value: --weights FILE\n"),
    ("compile small.rfl -o", "riffle: error: option '-o' needs a value: -o DIRECTORY\n"),
    ("compile small.rfl --verbose=2", "riffle: error: option '--verbose' takes no value\n"),
    ("compile small.rfl --ver", "riffle: error: option '--ver' could be '--verify-each' or '--verbose'\n"),
    ("ops --verbose=2 --quiet=1", "riffle: error: option '--verbose' takes no value\n"
                                  "riffle: error: option '--quiet' takes no value\n"
                                  "riffle: error: --quiet and --verbose exclude each other\n"),
    ("inspect small.rfl --quiet --verbose", "riffle: error: --quiet and --verbose exclude each other\n"),
    ("compile small.rfl --emit ll,kernel",
     "riffle: error: 'kernel' is nothing that --emit can write\nhint: did you mean 'kernels'?\n"),
    ("compile small.rfl --emit asm", "riffle: error: 'asm' is nothing that --emit can write\n"
                                     "hint: give some of c, ll, s, o, ptx, cubin, fatbin, rir, schedule, kernels, dot, svg, cyclonedx, separated by commas\n"),
    ("compile small.rfl --set width", "riffle: error: 'width' is no value for --set: give NAME=VALUE\n"
                                      "hint: write --set width=0.5\n"),
    ("compile small.rfl --set a=1 --set a=2", "riffle: error: --set gives 'a' a value more than once\n"),
    ("compile small.rfl --layout as-writen",
     "riffle: error: 'as-writen' is no value for --layout: give routed, merged or as-written\n"
     "hint: did you mean 'as-written'?\n"),
    ("inspect small.rfl --layout flat",
     "riffle: error: 'flat' is no value for --layout: give routed, merged or as-written\n"),
    ("bench small.rfl --chains=often",
     "riffle: error: 'often' is no value for --chains: give by-cost, never or always\n"),
    ("compile small.rfl --winograd=sometimes",
     "riffle: error: 'sometimes' is no value for --winograd: give by-cost, never, always, 2x2 or 4x4\n"),
    ("compile small.rfl --random-weights x",
     "riffle: error: 'x' is no value for --random-weights: give a whole number from 0 to 9223372036854775807\n"),
    ("compile small.rfl --random-weights 1 --weights w.safetensors",
     "riffle: error: --weights and --random-weights exclude each other\n"),
    ("compile small.rfl -O3 --random-weights 1",
     "riffle: error: '3' is no value for -O: give a whole number from 0 to 2\n"),
    ("opt small.rfl -O2 --passes=simplify", "riffle: error: -O and --passes exclude each other: each says what runs\n"
                                            "hint: a level may be part of the list: --passes='O2,simplify'\n"),
    ("compile small.rfl --passes= -O1 --random-weights 1",
     "riffle: error: -O and --passes exclude each other: each says what runs\n"
     "hint: a level may be part of the list: --passes='O1'\n"),
    ("run small.rfl --random-weights 1", "riffle: error: there is nothing to run the network on\n"
                                         "hint: give --image FILE, or --input FILE with raw float32 numbers\n"),
    ("run small.rfl --random-weights 1 --image a.png --input b.f32",
     "riffle: error: --image and --input exclude each other\n"),
    ("run small.rfl --frame a --input b.f32 --format rgb --frame-size 8x8",
     "riffle: error: --frame and --input exclude each other\n"),
    ("run small.rfl --frame a --image a.png --format rgb --frame-size 8x8",
     "riffle: error: --image and --frame exclude each other\n"),
    ("run small.rfl --image a.png --frame-size 8x8", "riffle: error: --frame-size is for --frame\n"),
    ("run small.rfl --frame a --format nv12", "riffle: error: --frame needs --frame-size\n"
                                              "hint: as in --format nv21 --frame-size 640x480\n"),
    ("run small.rfl --frame a --frame-size 8x8", "riffle: error: --frame needs --format\n"
                                                 "hint: as in --format nv21 --frame-size 640x480\n"),
    ("run small.rfl --frame a --format yv12",
     "riffle: error: 'yv12' is no value for --format: give one of rgb, bgr, rgba, bgra, grey, nv12, nv21, i420\n"),
    ("run small.rfl --frame a --frame-colour bt2020",
     "riffle: error: 'bt2020' is no value for --frame-colour: give one of bt601-video, bt601-full, bt709-video, "
     "bt709-full\n"),
    ("run small.rfl --frame a --frame-size 640",
     "riffle: error: '640' is no value for --frame-size: give width and height, as in 640x480\n"),
    ("run small.rfl --frame a --frame-size 0x480",
     "riffle: error: '0' is no value for --frame-size: give a whole number from 1 to 16384\n"),
    ("run small.rfl --image a.png --top 0",
     "riffle: error: '0' is no value for --top: give a whole number from 1 to 1000000\n"),
    ("verify small.rfl --tolerance 2", "riffle: error: '2' is no value for --tolerance: give a number from 0 to 1\n"),
    ("fmt --check --in-place small.rfl", "riffle: error: --in-place and --check exclude each other\n"),
    ("bench small.rfl --profile --ablate", "riffle: error: --profile and --ablate exclude each other\n"),
    ("convert small.rfl --to yaml", "riffle: error: 'yaml' is no value for --to: give rfl or json\n"),
]


class Usage(Command):
    def test_mistakes(self):
        for words, message in MISTAKES:
            with self.subTest(words):
                self.expect_error(words, message, status=2)

    def test_several_mistakes_at_once(self):
        self.expect_error("bench --thread 2 --runz 1",
                  "riffle: error: unknown option '--runz'\nhint: did you mean '--runs'?\n", status=2)
        self.expect_error("compile --weigths w --name",
                  "riffle: error: unknown option '--weigths'\nhint: did you mean '--weights'?\n"
                  "riffle: error: option '--name' needs a value: --name NAME\n", status=2)

    def test_nothing_at_all(self):
        done = self.invoke()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(done.stderr.startswith("Usage: riffle COMMAND"))

    def test_help(self):
        overview = self.succeed("--help")
        self.assertEqual(overview, self.succeed("help"))
        for command in COMMANDS:
            with self.subTest(command):
                self.assertRegex(overview, rf"\n  {command} +\S")
                text = self.succeed(command, "--help")
                self.assertEqual(text, self.succeed("help", command))
                self.assertTrue(text.startswith(f"Usage: riffle {command} "))
                self.assertRegex(text, rf"\nExamples?:\n  riffle {command}")
                self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_version(self):
        remark = f"To import ONNX models, {ONNX_REMEDY}.\n" if lacks("ONNX") else ""
        self.assertRegex(self.succeed("--version"),
                         r"^riffle \d+\.\d+\.\d+ \((LLVM \d+\.\d+\.\d+|without LLVM), (without )?ONNX\)\n" +
                         re.escape(remark) + "$")
        self.assertEqual(self.succeed("--version"), self.succeed("run", "--version"))

    def test_without_onnx(self):
        text = " ".join(self.succeed("import", "--help").split())
        self.assertEqual(f"But {ONNX_LACKS}; {ONNX_REMEDY}." in text, lacks("ONNX"))
        self.assertEqual("without ONNX" in text, lacks("ONNX"))
        if lacks("ONNX"):
            self.expect_error("import net.onnx -o a.rfl --weights-out a.st",
                              f"riffle: error: {ONNX_LACKS}\nhint: {ONNX_REMEDY}\n")

    def test_full_disk_is_noticed(self):
        import subprocess
        from support import RIFFLE
        with open("/dev/full", "w") as full:
            done = subprocess.run([RIFFLE, "ops"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "riffle: error: cannot write standard output: No space left on device\n")


if __name__ == "__main__":
    unittest.main()
