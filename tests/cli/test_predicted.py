"""riffle inspect --clock: the estimate of time adds up, follows its model, and is called an estimate where it is printed."""

import json
import unittest

from support import ROOT, Command

SPECS = {
    "v2-0.5x": ["shufflenet_v2.rfl", "--set", "width=0.5"],
    "v2-1.0x": ["shufflenet_v2.rfl", "--set", "width=1.0"],
    "v1-1.0x-g3": ["shufflenet_v1.rfl", "--set", "groups=3"],
    "mobilenet-v2": ["mobilenet_v2.rfl"],
    "squeezenet-1.1": ["squeezenet.rfl", "--set", "version=1.1", "--set", "size=(227,227)"],
}

# Millions of cycles of a run, from another model: docs/predicted_time.md says which. How far apart they may be.
COUNTED = {
    "cortex-a76": ({"v2-0.5x": 6.5, "v2-1.0x": 21.0, "v1-1.0x-g3": 21.3, "mobilenet-v2": 47.7, "squeezenet-1.1": 37.4}, 0.17),
    "cortex-a55": ({"v2-0.5x": 13.2, "v2-1.0x": 42.2, "v1-1.0x-g3": 42.2, "mobilenet-v2": 93.0, "squeezenet-1.1": 72.3}, 0.08),
}


class Predicted(Command):
    def inspect(self, processor, clock, *words):
        return json.loads(self.succeed("inspect", *words, "--cpu", processor, "--clock", clock, "--json"))["estimated_time"]

    def test_counted(self):
        """The networks of the paper come out as when their machine code is counted and priced block by block."""
        for processor, (networks, error) in COUNTED.items():
            for network, cycles in networks.items():
                with self.subTest(processor=processor, network=network):
                    spec, *options = SPECS[network]
                    found = self.inspect(processor, "1GHz", ROOT / "examples" / spec, *options)["computing_cycles"] / 1e6
                    self.assertLess(abs(found / cycles - 1), error, f"{found:.1f} in place of {cycles}")

    def test_sums(self):
        found = self.inspect("cortex-a55", "1.8GHz", "small.rfl")
        self.assertEqual(found["processor"], "cortex-a55")
        self.assertEqual(found["clock_hertz"], 1.8e9)
        steps = found["steps"]
        self.assertEqual([step["layer"] for step in steps], ["conv", "", "fc"])
        for key in ("computing_cycles", "cycles", "microseconds"):
            self.assertAlmostEqual(sum(step[key] for step in steps), found[key], delta=len(steps))
        for step in steps:
            self.assertGreaterEqual(step["cycles"], step["computing_cycles"])
            # One vector of four products a cycle is the most that this core does.
            self.assertGreaterEqual(step["computing_cycles"], step["macs"] / 4)
            self.assertAlmostEqual(step["microseconds"], step["cycles"] / 1800, delta=0.01)

    def test_clock(self):
        """Computing takes as many cycles at any clock; memory is as fast as it is."""
        network = ROOT / "examples" / "shufflenet_v2.rfl"
        slow, fast = (self.inspect("cortex-a55", clock, network) for clock in ("900MHz", "1.8ghz"))
        self.assertEqual(slow["computing_cycles"], fast["computing_cycles"])
        self.assertLess(slow["cycles"], fast["cycles"])
        self.assertLess(fast["microseconds"], slow["microseconds"])
        self.assertLess(slow["microseconds"], 2 * fast["microseconds"])

    def test_cores(self):
        """A core with two pipes takes half as long, one with four a quarter, where multiply-adds are what takes time."""
        self.write("dense.rfl", "network dense {\n    input image: f32[1, 64, 56, 56]\n"
                                "    output result = image |> conv(96, 3, padding = 1) @ a |> conv(96, 3, padding = 1) @ b\n}\n")
        network = ["dense.rfl", "--winograd=never"]
        small, large, wide = (self.inspect(processor, "1GHz", *network)["computing_cycles"]
                              for processor in ("cortex-a55", "cortex-a76", "cortex-x1"))
        self.assertTrue(1.8 < small / large < 3.4, small / large)
        self.assertTrue(1.6 < large / wide < 2.1, large / wide)

    def test_passes(self):
        """What is estimated is what would be compiled: with the default passes when none are given, else with those."""
        usual, same, plain = (self.inspect("cortex-a76", "1GHz", "small.rfl", *words)
                              for words in ([], ["-O2"], ["-O0"]))
        self.assertEqual(usual, same)
        self.assertGreater(len(plain["steps"]), len(usual["steps"]))

    def test_said(self):
        for words in (["--target", "aarch64-linux-android24", "--cpu", "cortex-a55"], ["--target", "cortex-a55"],
                      ["--cpu", "cortex-a55"]):
            out = self.succeed("inspect", "small.rfl", "--clock", "1.8GHz", *words)
            self.assertIn("\nEstimated time of one run on cortex-a55 at 1.8 GHz, by a model of that core; nothing was "
                          "measured (docs/predicted_time.md):\n", out)
            self.assertIn("bound by\n", out)

    def test_mistakes(self):
        for clock in ("1.8", "fast", "GHz", "0GHz", "21GHz", "-1GHz", "nanGHz", "1.8GHz.", ""):
            self.expect_error(["inspect", "small.rfl", "--clock", clock],
                           f"riffle: error: '{clock}' is no value for --clock: give 1MHz to 20GHz, as in 1.8GHz or 1800MHz\n", status=2)
        hint = ("hint: --cpu or --target takes one of these: cortex-a53, cortex-a55, cortex-a510, cortex-a520, cortex-a76, "
                "neoverse-n1, cortex-a77, cortex-a78, cortex-x1, neoverse-v1, haswell, broadwell, skylake, skylake-avx512, "
                "cascadelake, icelake-server, sapphirerapids, emeraldrapids, znver2, znver3, znver4\n")
        for target in ("aarch64-linux-gnu", "cortex-a57", "cuda-sm_90"):
            self.expect_error(["inspect", "small.rfl", "--clock", "1GHz", "--target", target],
                           f"riffle: error: there is no model of the processor of '{target}' to predict its time by\n{hint}")


if __name__ == "__main__":
    unittest.main()
