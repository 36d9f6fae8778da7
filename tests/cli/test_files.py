"""Files in and out: raw tensors, labels, weights, and that nothing is left behind by what fails."""

import json
import math
import os
import unittest

from support import NETWORK, ROOT, Command, float_bytes, floats, has_llvm

needs_llvm = unittest.skipUnless(has_llvm(), "skipped: this riffle has no LLVM")


class Run(Command):
    OPTIONS = ["small.rfl", "--random-weights", "1", "--interpret"]

    def setUp(self):
        super().setUp()
        self.write("x.f32", float_bytes([(i % 13) / 6 - 1 for i in range(3 * 8 * 8)]))

    def test_raw_tensors(self):
        printed = self.succeed("run", *self.OPTIONS, "--input", "x.f32", "--output", "y.f32")
        self.assertEqual(printed, "")
        logits = floats((self.folder / "y.f32").read_bytes())
        self.assertEqual(len(logits), 4)
        data = json.loads(self.succeed("run", *self.OPTIONS, "--input", "x.f32", "--json"))
        self.assertEqual([entry["name"] for entry in data["outputs"]], ["logits"])
        for a, b in zip(data["outputs"][0]["values"], logits):
            self.assertAlmostEqual(a, b, places=6)

    def test_not_a_number(self):
        """The answer is given all the same; stderr, JSON and the exit status tell it from numbers."""
        self.write("net.rfl", "network net() {\n    input x: f32[1, 4]\n    output y = relu(x)\n    output z = softmax(x)\n}\n")
        self.write("x.f32", float_bytes([1, float("nan"), -2, 3]))
        words = ["run", "net.rfl", "--interpret", "--input", "x.f32"]
        said = ("riffle: error: output 'y' holds NaN: 1 of its 4 numbers\n"
                "riffle: error: output 'z' holds NaN: 4 of its 4 numbers\n")
        done = self.invoke(*words, "--output", "y.f32")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "", said))
        y = floats((self.folder / "y.f32").read_bytes())
        self.assertEqual([y[0], *y[2:]], [1, 0, 3])
        self.assertTrue(math.isnan(y[1]))
        done = self.invoke(*words, "--json")
        self.assertEqual((done.returncode, done.stderr), (3, said))
        self.assertEqual([entry["nan_count"] for entry in json.loads(done.stdout)["outputs"]], [1, 4])
        self.write("x.f32", float_bytes([1, float("inf"), -2, 3]))
        self.assertEqual(self.invoke(*words, "--output", "y.f32").stderr, said.splitlines(True)[1])
        self.write("x.f32", float_bytes([1, 0, -2, 3]))
        numbers = json.loads(self.succeed(*words, "--json"))["outputs"]
        self.assertEqual([entry["nan_count"] for entry in numbers], [0, 0])

    def test_answer(self):
        self.write("labels", "zero\none\ntwo\nthree\n")
        lines = self.succeed("run", *self.OPTIONS, "--input", "x.f32", "--labels", "labels", "--top", 4).splitlines()
        names = ["zero", "one", "two", "three"]
        self.assertEqual(sorted(line.split()[0] for line in lines), ["0", "1", "2", "3"])
        for line in lines:
            index, name, _ = line.split()
            self.assertEqual(name, names[int(index)])
        probabilities = [float(line.split()[2]) for line in lines]
        self.assertEqual(probabilities, sorted(probabilities, reverse=True))
        self.assertAlmostEqual(sum(probabilities), 1, delta=0.003)

    def test_faults(self):
        self.write("labels", "one\ntwo\n")
        self.write("short.f32", bytes(100))
        start = ["run", *self.OPTIONS]
        self.expect_error([*start, "--input", "short.f32"],
                  "riffle: error: 'short.f32' has 100 bytes where input 'image' takes 768\n"
                  "hint: the file holds raw little-endian float32 numbers\n")
        self.expect_error([*start, "--input", "x.f32", "--input", "x.f32"],
                  "riffle: error: 2 files were given with --input where the network has 1 inputs\n"
                  "hint: repeat --input, in the order of the spec\n")
        self.expect_error([*start, "--input", "x.f32", "--labels", "labels"],
                  "riffle: error: 'labels' has 2 names where the network has 4 classes\n"
                  "hint: the file has one name a line, in class order\n")
        self.expect_error([*start, "--input", "x.f32", "--output", "a", "--output", "b"],
                  "riffle: error: 2 files were given with --output where the network has 1 outputs\n")
        self.expect_error([*start, "--input", "x.f32", "--output", "none/y.f32"],
                  "riffle: error: cannot write 'none/y.f32': No such file or directory\n")
        self.expect_error("run small.rfl --interpret --input x.f32",
                  "riffle: error: network 'small' has weights, and none were given\n"
                  "hint: give --weights FILE, or --random-weights SEED to try the network without\n")

    @needs_llvm
    def test_compiled_and_interpreted_agree(self):
        options = ["run", "small.rfl", "--random-weights", 1, "--input", "x.f32", "--output"]
        self.succeed(*options, "interpreted.f32", "--interpret")
        expected = floats((self.folder / "interpreted.f32").read_bytes())
        for extra in [[], ["--threads", "2"], ["-O0"], ["--target", "x86-64"]]:
            self.succeed(*options, "compiled.f32", *extra)
            for a, b in zip(floats((self.folder / "compiled.f32").read_bytes()), expected):
                self.assertLessEqual(abs(a - b), 1e-4 * max(map(abs, expected)))


class Compile(Command):
    def compile(self, *options):
        return self.succeed("compile", "small.rfl", "--random-weights", 1, "-o", "out/deep", *options)

    @needs_llvm
    def test_outputs(self):
        before = self.files()
        self.assertEqual(self.compile(), "")
        made = {"out/deep/libsmall.a", "out/deep/small.h", "out/deep/small.json"}
        self.assertEqual(set(self.files()), {*before, *made})
        done = self.invoke("compile", "small.rfl", "--random-weights", 1, "-o", "out/deep", "--emit", "ll,s,o", "--emit",
                           "rir,schedule,kernels", "--verbose")
        self.assertEqual(done.returncode, 0, done.stderr)
        made |= {f"out/deep/small{end}" for end in [".ll", ".s", ".o", "_weights.o", ".rir", ".schedule", ".rkir"]}
        self.assertEqual(set(self.files()), {*before, *made})
        for path in made:
            self.assertIn(path, done.stdout)

    @needs_llvm
    def test_name(self):
        self.compile("--name", "other")
        self.assertIn("int other_run(", (self.folder / "out/deep/other.h").read_text())

    @needs_llvm
    def test_faults_leave_nothing(self):
        before = self.files()
        self.write("small.rfl", NETWORK.replace("conv(8, 3", "cnov(8, 3"))
        self.assertEqual(self.invoke("compile", "small.rfl", "--random-weights", 1, "-o", "out").returncode, 1)
        self.write("small.rfl", NETWORK)
        for options in [["--target", "z80"], ["--passes", "fold-batchnrm"], ["--weights", "none.safetensors"],
                        ["--set", "clases=3"]]:
            with self.subTest(options):
                weights = [] if options[0] == "--weights" else ["--random-weights", 1]
                done = self.invoke("compile", "small.rfl", *weights, *options, "-o", "out")
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("error: ", done.stderr)
                self.assertEqual(self.files(), before)
                self.assertFalse((self.folder / "out").exists())

    @needs_llvm
    def test_folder_in_the_way(self):
        """What an earlier run wrote stays whole when a later one cannot write everything."""
        (self.folder / "out" / "small.json").mkdir(parents=True)
        self.write("out/libsmall.a", "earlier")
        self.expect_error("compile small.rfl --random-weights 1 -o out",
                  "riffle: error: cannot write 'out/small.json': Is a directory\n")
        self.assertEqual((self.folder / "out" / "libsmall.a").read_text(), "earlier")
        self.assertFalse((self.folder / "out" / "small.h").exists())

    @needs_llvm
    def test_full_device_among_the_files(self):
        """A symbolic link to a device that takes nothing: the files of the earlier run stand."""
        if not os.path.exists("/dev/full"):
            self.skipTest("skipped: no /dev/full")
        self.succeed("compile", "small.rfl", "--random-weights", 1, "-o", "out")
        (self.folder / "out" / "small.json").unlink()
        (self.folder / "out" / "small.json").symlink_to("/dev/full")
        read = lambda: {name: (self.folder / "out" / name).read_bytes() for name in ["libsmall.a", "small.h"]}
        before, names = read(), self.files()
        self.expect_error("compile small.rfl --random-weights 2 -o out",
                  "riffle: error: cannot write 'out/small.json': No space left on device\n")
        self.assertEqual(read(), before)
        self.assertEqual(self.files(), names)

    @needs_llvm
    def test_unwritable_folder(self):
        self.write("file", "")
        self.expect_error("compile small.rfl --random-weights 1 -o file/out",
                  "riffle: error: cannot make the directory 'file/out': Not a directory\n")
        (self.folder / "out").mkdir()
        (self.folder / "out" / "small.json").mkdir()  # the last file cannot be written: the first must go again
        done = self.invoke("compile", "small.rfl", "--random-weights", 1, "-o", "out")
        self.assertEqual(done.returncode, 1)
        self.assertIn("riffle: error: cannot write 'out/small.json': ", done.stderr)
        self.assertEqual(os.listdir(self.folder / "out"), ["small.json"])

    @unittest.skipIf(has_llvm(), "skipped: this riffle has LLVM")
    def test_without_llvm(self):
        message = ("riffle: error: this riffle was built without LLVM\n"
                   "hint: leave out --backend llvm: C source needs none; or build riffle with LLVM 19 or newer\n")
        self.write("x.f32", bytes(768))
        for words in ["compile small.rfl --random-weights 1", "bench small.rfl", "verify small.rfl",
                      "run small.rfl --random-weights 1 --input x.f32"]:
            self.expect_error(f"{words} --backend llvm", message)


class Verify(Command):
    @needs_llvm
    def test_agreement(self):
        printed = self.succeed("verify", "small.rfl", "--count", 2, "--layers")
        self.assertRegex(printed, r"\n\d+ of \d+ tensors within 0.0001 on 2 inputs\n$")

    @needs_llvm
    def test_difference(self):
        done = self.invoke("verify", "small.rfl", "--tolerance", "0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED", done.stdout)
        self.assertIn("riffle: error: compiled code differs from the interpreter by more than the tolerance 0\n"
                      "hint: --layers shows where the difference begins\n", done.stderr)


    @needs_llvm
    def test_infinity(self):
        """Where both overflow they agree; the other numbers are still compared."""
        self.write("x.f32", float_bytes([float("inf"), 1, -float("inf"), 2]))
        self.write("inf.rfl", "network inf {\n    input x: f32[1, 4]\n    output y = x + x\n}\n")
        printed = self.succeed("verify", "inf.rfl", "--input", "x.f32")
        self.assertRegex(printed, r"y +1x4 +4 +0 +0 +ok\n")

    @needs_llvm
    def test_many_pieces(self):
        """A concat of more tensors than a kernel has parameters becomes several copies."""
        self.write("many.rfl", """network many {
    input x: f32[2, 5, 3, 3]
    let parts = [x]
    for i in 1 .. 80 { parts = [x |> conv(3, 1)] + parts }
    let all = concat(parts)
    output y = all |> depthwise(3) |> conv(2, 1)
    output z = all
}
""")
        for level in range(3):
            printed = self.succeed("verify", "many.rfl", "--count", 1, f"-O{level}")
            self.assertIn("2 of 2 tensors within", printed)


class Bench(Command):
    @needs_llvm
    def test_json(self):
        data = json.loads(self.succeed("bench", "small.rfl", "--runs", 50, "--seconds", 0.5, "--json"))
        self.assertEqual((data["runs"], data["threads"], data["macs"]), (50, 1, 13856))
        self.assertLessEqual(data["min_ms"], data["p5_ms"])
        self.assertLessEqual(data["p5_ms"], data["median_ms"])
        self.assertAlmostEqual(data["best_limit_ms"], 2 * data["macs"] / data["peak_gflops"] / 1e6)
        self.assertAlmostEqual(data["ratio_to_best_limit"], data["p5_ms"] / data["best_limit_ms"])
        self.assertAlmostEqual(data["ratio_to_limit"], data["p5_ms"] / data["limit_ms"])
        self.assertAlmostEqual(data["ratio_of_medians"], data["median_ms"] / data["limit_median_ms"])
        self.assertTrue(0 < data["limit_ms"] <= data["limit_median_ms"])

    @needs_llvm
    def test_the_limit_is_near_the_best_rate(self):
        """Both are of the same multiply-adds, and what is timed for longer can but be slower."""
        for threads in (1, 2):
            data = json.loads(self.succeed("bench", ROOT / "examples" / "shufflenet_v2.rfl", "--set",
                                           "width=0.5", "--seconds", 0.5, "--threads", threads, "--json"))
            self.assertGreater(data["limit_median_ms"], 0.95 * data["best_limit_ms"])

    @needs_llvm
    def test_without_multiply_adds(self):
        self.write("none.rfl", "network none {\n    input x: f32[1, 4, 3, 3]\n    output y = relu(x)\n}\n")
        data = json.loads(self.succeed("bench", "none.rfl", "--runs", 5, "--seconds", 0.05, "--json"))
        self.assertEqual((data["macs"], data["limit_ms"], data["ratio_to_limit"]), (0, 0, 0))

    @needs_llvm
    def test_profile(self):
        data = json.loads(self.succeed("bench", "small.rfl", "--profile", "--runs", 5, "--seconds", 0.1, "--json"))
        self.assertEqual(data["runs"], 5)
        self.assertEqual(len(data["steps"]), data["all"]["steps"])
        for total in ["us", "macs", "bytes", "multiply_adds_issued"]:
            for part in [data["steps"], data["kinds"]]:
                self.assertAlmostEqual(sum(row[total] for row in part), data["all"][total], delta=1e-3)
        self.assertEqual(data["all"]["macs"], 8 * 64 * 27 + 32)
        self.assertTrue(all(row["us"] > 0 and row["bytes"] > 0 for row in data["steps"]))
        self.assertTrue({row["kind"] for row in data["steps"]} == {row["kind"] for row in data["kinds"]})
        table = self.succeed("bench", "small.rfl", "--profile", "--runs", 5, "--seconds", 0.1, "--threads", 2)
        self.assertRegex(table, r"\nBy kind:\n\nkind +of +us +of time ")


if __name__ == "__main__":
    unittest.main()
