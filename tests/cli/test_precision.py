"""`riffle precision`: what each layer adds, which stay float, and what compiling with that does."""

import json
import random
import re
import unittest

from support import Command, float_bytes, has_llvm

NETWORK = """network deep(width = 8) {
    input image: f32[1, 3, 12, 12]
    x = image |> conv(width, 3, padding = 1) @ stem |> relu
    y = x |> conv(width, 1) @ left |> relu |> depthwise(3, padding = 1) @ left_spread
    z = x |> conv(width, 3, padding = 1) @ right
    x = concat(y, z) |> conv(width, 1) @ join |> relu
    output out = x |> global_avg_pool |> linear(5) @ head
}
"""
LAYERS = ["stem", "left", "left_spread", "right", "join", "head"]
INT8 = ["deep.rfl", "--random-weights", "1", "--target", "x86-64-v3", "--precision", "int8", "--calibration", "random"]


class Precision(Command):
    def setUp(self):
        super().setUp()
        self.write("deep.rfl", NETWORK)

    def report(self, *options):
        return json.loads(self.succeed("precision", *INT8, "--json", *options))

    def test_table(self):
        lines = self.succeed("precision", *INT8).splitlines()
        self.assertEqual(lines[0], "deep at int8 on 8 inputs: what each layer alone adds")
        self.assertEqual(lines[2].split(), "layer op MACs largest error SNR same first class SNR if float time if float float".split())
        self.assertEqual([line.split()[0] for line in lines[4:10]], LAYERS)
        for line in lines[4:10]:
            self.assertRegex(line, r" \d\.\d{3} %  \d\d\.\d dB  +\d+\.\d %  +\d\d\.\d dB$")
        self.assertRegex(lines[11], r"^all reduced  .* \d\.\d{3} %  \d\d\.\d dB  +\d+\.\d %$")
        self.assertEqual(lines[12:], ["", "There is no model of x86-64-v3 to estimate times by (--cpu, --target)"])

    def test_each_is_also_left_out(self):
        """What a layer that stays float takes away is what a map with it alone gives."""
        report = self.report()
        for layer in report["layers"][:2]:
            snr = layer["snr_db_if_float"]
            chosen = self.report("--budget", f"{snr - 1e-6}dB")["chosen"]
            self.assertGreaterEqual(chosen["snr_db"], snr - 1e-6)
        self.assertGreater(max(layer["snr_db_if_float"] for layer in report["layers"]), report["all_reduced"]["snr_db"])

    def test_time(self):
        """Estimates by the model of a core, for one that does not run here: floats take longer. A 3x3 layer of floats might
        be computed by Winograd's algorithm, which bytes are not."""
        self.write("deep.rfl", NETWORK.replace("conv(width, 3, padding = 1) @ right", "conv(width, 5, padding = 2) @ right"))
        words = ["precision", "deep.rfl", "--set", "width=64", "--random-weights", "1", "--precision", "int8", "--calibration",
                 "random", "--target", "aarch64-linux-gnu", "--cpu", "cortex-a76", "--budget", "2%"]
        report = json.loads(self.succeed(*words, "--json"))
        self.assertEqual(report["estimated_time"]["processor"], "cortex-a76")
        costs = {layer["layer"]: layer["estimated_cost_if_float"] for layer in report["layers"]}
        self.assertGreater(costs["right"], 0.1)  # most of the multiply-adds
        self.assertEqual(max(costs, key=costs.get), "right")
        self.assertGreater(report["estimated_time"]["all_float"], 1.2)
        self.assertGreaterEqual(report["estimated_time"]["all_float"], report["estimated_time"]["chosen"])
        table = self.succeed(*words).splitlines()
        self.assertRegex(table[7], rf"^right .* dB +\+{100 * costs['right']:.1f} %( +yes)?$")
        self.assertRegex(table[-3] + table[-1], r"^Times are estimates by a model of cortex-a76, beside all layers reduced; "
                                                r"with all layers float: \+\d+\.\d %2% holds with ")

    def test_numbers(self):
        """Each layer adds something, and all of them no more than the sum of that."""
        report = self.report()
        self.assertEqual((report["name"], report["precision"], report["inputs"]), ("deep", "int8", 8))
        self.assertEqual([layer["layer"] for layer in report["layers"]], LAYERS)
        noise = {layer["layer"]: 10 ** (-layer["snr_db"] / 10) for layer in report["layers"]}
        for layer in report["layers"]:
            self.assertTrue(layer["reducible"] and not layer["kept"])
            self.assertGreater(layer["largest_error"], 0)
        whole = 10 ** (-report["all_reduced"]["snr_db"] / 10)
        self.assertGreater(whole, max(noise.values()) / 2)
        self.assertLess(whole, 4 * sum(noise.values()))
        self.assertEqual(report["chosen"], report["all_reduced"])
        self.assertEqual(self.report(), report)

    def test_other_precision_and_targets(self):
        done = json.loads(self.succeed("precision", "deep.rfl", "--random-weights", "1", "--json", "--precision", "bf16",
                                       "--target", "sapphirerapids", "--evaluate", "random"))
        self.assertEqual([layer["layer"] for layer in done["layers"] if layer["reducible"]], ["head"])
        self.assertEqual([layer["layer"] for layer in done["layers"] if "snr_db" in layer], ["head"])
        table = self.succeed("precision", "deep.rfl", "--random-weights", "1", "--precision", "bf16",
                             "--target", "sapphirerapids", "--evaluate", "random").splitlines()
        self.assertRegex(table[4], r"^stem +conv +31,104 +always$")

    def test_what_shows_between_layers(self):
        """bf16 of values needs two layers: alone each is exact, and the one goes that takes most with it."""
        words = ["precision", "deep.rfl", "--set", "width=64", "--random-weights", "1", "--precision", "bf16",
                 "--evaluate", "random", "--target", "znver5", "--json"]
        report = json.loads(self.succeed(*words))
        layers = {layer["layer"]: layer for layer in report["layers"]}
        self.assertIsNone(layers["right"]["snr_db"])
        self.assertEqual(layers["right"]["largest_error"], 0)
        best = max(LAYERS, key=lambda name: layers[name]["snr_db_if_float"])
        budget = layers[best]["snr_db_if_float"] - 0.01
        self.assertGreater(budget, report["all_reduced"]["snr_db"])
        chosen = json.loads(self.succeed(*words, "--budget", f"{budget}dB"))
        self.assertEqual([layer["layer"] for layer in chosen["layers"] if layer["kept"]], [best])

    def test_halves(self):
        """A precision that is a row elsewhere needs none here."""
        words = ["deep.rfl", "--set", "width=64", "--random-weights", "1", "--precision", "fp16", "--target",
                 "aarch64-linux-gnu", "--cpu", "cortex-a76"]
        report = json.loads(self.succeed("precision", *words, "--evaluate", "random", "--budget", "75dB", "--json", "-o", "half.map"))
        self.assertEqual(report["precision"], "fp16")
        self.assertLess(report["all_reduced"]["snr_db"], 75)
        kept = [layer["layer"] for layer in report["layers"] if layer["kept"]]
        self.assertIn(len(kept), range(1, 6))
        text = (self.folder / "half.map").read_text()
        self.assertEqual(text.splitlines()[0], "riffle precision map 1 for fp16")
        self.assertEqual(re.findall(r"^keep (.*)$", text, re.MULTILINE), kept)
        if has_llvm(): # the C backend knows no halves
            self.succeed("compile", *words, "--precision-map", "half.map", "--emit", "kernels", "-o", "out")

    def test_budgets(self):
        """Tighter ones keep more, each holds, and nothing of what is kept can be let go."""
        kept = []
        for error in [20, 0.5, 0.4, 0.2, 0]:
            report = self.report("--budget", f"{error}%")
            self.assertEqual(report["budget"], f"{error}%")
            self.assertLessEqual(report["chosen"]["largest_error"], error / 100)
            kept.append([layer["layer"] for layer in report["layers"] if layer["kept"]])
        self.assertEqual(kept[0], [])
        self.assertEqual(kept[-1], LAYERS)
        self.assertEqual(sorted(kept, key=len), kept)
        self.assertGreaterEqual(self.report("--budget", "52dB")["chosen"]["snr_db"], 52)
        self.assertEqual(self.report("--budget", "top1=100%")["chosen"]["top1_agreement"], 1)
        both = self.report("--budget", "0.5%", "--budget", "52dB")
        self.assertEqual(both["budget"], "0.5% and 52dB")
        self.assertLessEqual(both["chosen"]["largest_error"], 0.005)
        self.assertGreaterEqual(both["chosen"]["snr_db"], 52)

    def test_budget_is_said(self):
        self.assertTrue(self.succeed("precision", *INT8, "--budget", "20%").endswith(
            "\n20% holds with all layers reduced\n"))
        printed = self.succeed("precision", *INT8, "--budget", "0.5%")
        self.assertTrue(printed.endswith("\n0.5% holds with 1 layer float of 6\n"), printed)
        self.assertRegex(printed, r"\nright .* dB +yes\n")
        self.assertRegex(printed, r"\nas chosen ")

    def test_files_are_evaluated(self):
        self.write("a.f32", float_bytes([(i * 37 % 101 - 50) / 30 for i in range(432)]))
        self.write("b.f32", float_bytes([(i * 59 % 103 - 51) / 30 for i in range(432)]))
        self.assertEqual(self.report("--evaluate", "a.f32", "--evaluate", "b.f32")["inputs"], 2)
        self.assertEqual(self.report("--evaluate", "a.f32", "--evaluate", "random")["inputs"], 9)

    def keep(self, *layers):
        self.write("deep.map", "riffle precision map 1 for int8\n" + "".join(f"keep {layer}\n" for layer in layers))
        return ["--precision-map", "deep.map"]

    def ops(self, *options):
        layers = json.loads(self.succeed("inspect", *INT8, "-O2", "--json", *options))["layers"]
        return {layer["name"]: layer["op"] for layer in layers if layer["name"] and "conv" in layer["op"]}

    def test_map_is_read_where_compiled(self):
        """What is kept stays float, everything else does not."""
        every = self.ops()
        self.assertEqual(set(every.values()), {"quantized_conv"})
        some = self.ops(*self.keep("left", "join"))
        self.assertEqual({name for name, op in some.items() if op == "conv"}, {"left", "join"})
        self.assertEqual(self.ops(*self.keep()), every)
        self.assertEqual(set(self.ops(*self.keep(*LAYERS)).values()), {"conv"})

    def test_written_map_is_what_was_chosen(self):
        report = self.report("--budget", "0.4%", "-o", "written.map")
        text = (self.folder / "written.map").read_text()
        self.assertRegex(text, r"^riffle precision map 1 for int8\n# holds 0\.4% on 8 inputs\nnetwork deep [0-9a-f]{16}\nkeep ")
        kept = [layer["layer"] for layer in report["layers"] if layer["kept"]]
        self.assertEqual(re.findall(r"^keep (.*)$", text, re.MULTILINE), kept)
        ops = self.ops("--precision-map", "written.map")
        self.assertEqual({name for name, op in ops.items() if op == "conv"}, set(kept) - {"head"})

    def test_map_of_another_network(self):
        self.report("--budget", "0.4%", "-o", "written.map")
        where = "written.map:3:1: error: "
        hint = "hint: write one for this network with `riffle precision`, or leave the line out if its layers are meant\n"
        line = (self.folder / "written.map").read_text().splitlines()[2]
        caret = "^" + "~" * (len(line) - 1)
        self.expect_error(["inspect", *INT8, "-O2", "--precision-map", "written.map", "--set", "width=9"],
                          f"{where}the map was made for 'deep' with other layers: other parameters, or another form of it\n"
                          f"{line}\n{caret}\n{hint}")
        self.expect_error(["inspect", "small.rfl", *INT8[1:], "-O2", "--precision-map", "written.map"],
                          f"{where}the map was made for another network than 'small'\n{line}\n{caret}\n{hint}")
        self.write("written.map", "\n".join(text for text in (self.folder / "written.map").read_text().splitlines()
                                            if not text.startswith("network")))
        self.assertIn("conv", self.ops("--precision-map", "written.map", "--set", "width=9").values())

    def test_hostile_maps(self):
        """Whatever a map says, riffle takes it or says where it is wrong, and nothing else."""
        inspect = ["inspect", *INT8, "-O2", "--json", "--precision-map"]
        self.report("--budget", "0.4%", "-o", "written.map")
        valid = (self.folder / "written.map").read_bytes()
        plain = self.succeed(*inspect, "written.map")
        for same in [valid.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + valid, valid.replace(b"keep ", b" \tkeep\t "),
                     valid.rstrip(b"\n"), valid + b"\n#" + b"x" * 100000]:
            self.write("same.map", same)
            self.assertEqual(self.succeed(*inspect, "same.map"), plain)
        taken = 0
        for seed in range(60):
            chance = random.Random(seed)
            bytes_ = bytearray(valid)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(bytes_))
                piece = chance.choice([b"", b"\0", b"\xff", b"#", b"\n", b"keep", b" ", bytes_[at // 2:at], b"9" * 40])
                bytes_[at:at + chance.randint(0, 3)] = piece
            self.write("mutated.map", bytes(bytes_))
            done = self.invoke(*inspect, "mutated.map")
            self.assertIn(done.returncode, (0, 1), bytes(bytes_))
            if done.returncode == 1:
                self.assertRegex(done.stderr, r"^(mutated\.map:\d+:\d+: error: |riffle: error: 'mutated\.map' )", bytes(bytes_))
            taken += done.returncode == 0
        self.assertIn(taken, range(1, 60))
        (self.folder / "folder.map").mkdir()
        self.expect_error(["inspect", *INT8, "-O2", "--precision-map", "folder.map"],
                          "riffle: error: cannot open 'folder.map': Is a directory\n")
        self.write("large.map", valid + b"#" * (2 << 20))
        done = self.invoke(*inspect, "large.map")
        self.assertEqual((done.returncode, done.stderr[:26]), (1, "riffle: error: 'large.map'"))

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_compiled_code_is_that(self):
        for words in [INT8, [*INT8[:3], "--precision", "int8", "--calibration", "random"]]:
            self.assertIn("1 of 1 tensors within", self.succeed("verify", *words, *self.keep("left", "head")))
            self.succeed("run", *words, *self.keep("left"), "--input", self.write("x.f32", bytes(1728)), "--output", "y.f32")
        bf16 = ["deep.rfl", "--random-weights", "1", "--precision", "bf16", "--target", "sapphirerapids"]
        self.write("half.map", "riffle precision map 1 for bf16\nkeep head\n")
        self.succeed("compile", *bf16, "-o", "all")
        self.succeed("compile", *bf16, "-o", "none", "--precision-map", "half.map")
        precisions = [json.loads((self.folder / name / "deep.json").read_text())["precision"] for name in ["all", "none"]]
        self.assertEqual(precisions, ["bf16", "fp32"])

    def test_calibration(self):
        """What covers less of what was seen answers otherwise; equalizing alone changes no float."""
        plain = self.report()
        for words in [["--calibration-method", "percentile=99"], ["--equalize"]]:
            report = self.report(*words)
            self.assertNotEqual(report["all_reduced"], plain["all_reduced"], words)
            self.assertEqual(report, self.report(*words))
        self.write("peak.f32", float_bytes([60, *((i * 37 % 101 - 50) / 60 * (i % 7 / 7) ** 4 for i in range(431))]))
        peak = [*INT8[:-1], "peak.f32", "--json", "--evaluate", "random"]
        self.assertNotEqual(self.succeed("precision", *peak, "--calibration-method", "kl"),
                            self.succeed("precision", *peak, "--calibration-method", "range"))
        for same in ["range", "percentile=100"]:
            self.assertEqual(self.report("--calibration-method", same), plain)
        floats = self.report("--equalize", "--budget", "0%")
        self.assertTrue(all(layer["kept"] for layer in floats["layers"]))
        self.assertEqual(floats["chosen"]["largest_error"], 0)
        for wrong in ["", "percentile", "percentile=", "percentile=49", "percentile=101", "percentile=nan", "KL"]:
            self.expect_error(["precision", *INT8, "--calibration-method", wrong],
                              f"riffle: error: '{wrong}' is no value for --calibration-method: give range, "
                              "percentile=99.99 or kl\nhint: a percentile is a number from 50 to 100\n", status=2)
        for words in ["--calibration-method kl", "--equalize"]:
            self.expect_error(f"precision deep.rfl --random-weights 1 --precision bf16 --target znver5 {words}",
                              "riffle: error: --calibration is for a precision that needs it\n"
                              "hint: add --precision int8\n", status=2)

    def test_ways_are_compared(self):
        """Each row is what its options alone give, whatever else was given."""
        report = self.report("--compare", "--equalize")
        ways = {way["options"]: way["snr_db"] for way in report["ways"]}
        self.assertEqual(list(ways)[0], "(default)")
        self.assertEqual(len(ways), 8)
        self.assertGreater(ways["(default)"], ways["--precision-options correct-bias=false,compensate=false"])
        for options in ["", *list(ways)[1:]]:
            self.assertEqual(self.report(*options.split())["all_reduced"]["snr_db"], ways[options or "(default)"], options)
        lines = self.succeed("precision", *INT8, "--compare").splitlines()
        self.assertEqual(lines[15], "all layers reduced" + " " * 39 + "largest error      SNR  same first class")
        self.assertRegex(lines[17], r"^\(default\) +\d\.\d{3} %  \d\d\.\d dB  +100\.0 %$")
        self.assertEqual(len(lines), 25)
        self.expect_error("precision deep.rfl --random-weights 1 --precision bf16 --target znver5 --compare",
                          "riffle: error: --compare: there is one way to reduce to bf16\n", status=2)

    def test_options_of_the_pass(self):
        ops = self.ops("--precision-options", "keep-first=true,correct-bias=false")
        self.assertEqual([name for name, op in ops.items() if op == "conv"], ["stem"])
        corrected, plain = self.report(), self.report("--precision-options", "correct-bias=false")
        self.assertNotEqual(corrected, plain)
        self.assertEqual([layer["layer"] for layer in self.report("--precision-options", "keep-last=true")["layers"]
                          if not layer["reducible"]], ["head"])
        self.expect_error(["inspect", *INT8, "-O2", "--precision-options", "keep-lost=true"],
                          "pipeline:1:10: error: unknown option 'keep-lost' of the pass 'quantize'\n"
                          "quantize{keep-lost=true}\n" + " " * 9 + "^~~~~~~~~\n"
                          "hint: did you mean 'keep-last'?\n")
        for wrong in ["", "keep-last=true},dead-code,quantize{keep-first=true"]:
            self.expect_error(["precision", *INT8, "--precision-options", wrong],
                              f"riffle: error: '{wrong}' is no value for --precision-options: give OPTION=VALUE, "
                              "separated by commas\n", status=2)
        self.expect_error("inspect deep.rfl -O2 --precision-options keep-last=true",
                          "riffle: error: --precision-options are for a reduced precision\n"
                          "hint: add --precision int8, bf16 or fp16\n", status=2)

    def test_nothing_is_left_half_written(self):
        self.write("net.map", "before")
        self.expect_error(["precision", *INT8[:-1], "nowhere.f32", "--budget", "1%", "-o", "net.map"],
                          "riffle: error: cannot open 'nowhere.f32': No such file or directory\n")
        self.assertEqual((self.folder / "net.map").read_text(), "before")
        self.expect_error(["precision", *INT8, "--budget", "1%", "-o", "no/where/net.map"],
                          "riffle: error: cannot write 'no/where/net.map': No such file or directory\n")

    def test_mistakes(self):
        self.expect_error("precision deep.rfl --random-weights 1",
                          "riffle: error: this is about a reduced precision\nhint: add --precision int8, bf16 or fp16\n", status=2)
        self.expect_error(["precision", *INT8, "--precision-map", "deep.map"],
                          "riffle: error: --precision-map is what this command makes\n", status=2)
        self.expect_error(["precision", *INT8, "-o", "deep.map"],
                          "riffle: error: which layers stay float is decided by a budget, and none was given\n"
                          "hint: add --budget 0.5%, 40dB or top1=99%\n", status=2)
        self.expect_error("precision deep.rfl --random-weights 1 --precision bf16 --target znver5",
                          "riffle: error: there is no input to measure on\n"
                          "hint: give --evaluate FILE for some typical inputs\n", status=2)
        self.expect_error("compile deep.rfl --random-weights 1 --precision-map deep.map -o out",
                          "riffle: error: --precision-map is for a reduced precision\n"
                          "hint: add --precision NAME, that which the first line of the file is for\n", status=2)
        for wrong in ["5", "%", "101%", "-1%", "nan%", "1 %", "40db", "-3dB", "top1=1", "top5=99%", "top1=101%", ""]:
            self.expect_error(["precision", *INT8, "--budget", wrong],
                              f"riffle: error: '{wrong}' is no value for --budget: give 0.5%, 40dB or top1=99%\n"
                              "hint: 0.5% is the largest error, of the largest output; 40dB the least ratio of signal to "
                              "noise; top1=99% the share of the same first classes\n", status=2)
        self.expect_error(["precision", *INT8, "--budget", "1%", "--budget", "2%"],
                          "riffle: error: '2%' is a --budget of a kind that was given already\n", status=2)


if __name__ == "__main__":
    unittest.main()
