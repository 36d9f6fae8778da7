"""The example of a pass plugin, built against an installed riffle as somebody else would."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from support import PACKAGE, ROOT, run

EXAMPLE = ROOT / "examples" / "pass_plugin"
BEFORE = "fold-batchnorm,lower-batchnorm,merge-branches,"


class Plugin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="riffle-plugin-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        prefix, cls.build = cls.folder / "prefix", cls.folder / "build"
        run("cmake", "--install", PACKAGE, "--prefix", prefix)
        run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", cls.build, f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", cls.build)
        cls.riffle, cls.plugin = prefix / "bin" / "riffle", cls.build / "merge_branches.so"

    def command(self, name, passes, *options, settings=()):
        settings = [word for setting in settings for word in ("--set", setting)]
        return run(self.riffle, name, EXAMPLE / "mobileone.rfl", f"--load-pass-plugin={self.plugin}",
                   f"--passes={passes}", *settings, *options, cwd=self.folder)

    def test_its_own_tests(self):
        self.assertIn("100% tests passed", run("ctest", "--test-dir", self.build))

    def test_exports_one_symbol(self):
        symbols = [line.split()[-1] for line in run("nm", "-D", "--defined-only", self.plugin).splitlines()]
        self.assertEqual(symbols, ["riffle_pass_plugin_entry"])

    def test_listed(self):
        self.assertRegex(run(self.riffle, "passes", f"--load-pass-plugin={self.plugin}"),
                         r"\nmerge-branches +Makes one convolution")

    def test_fewer_layers_and_macs(self):
        for settings in ([], ["branches=3", "size=33"]):
            totals = [json.loads(self.command("inspect", passes, "--json", settings=settings))["totals"]
                      for passes in ("O2", BEFORE + "O2")]
            self.assertEqual(totals[1]["layers"], 19)
            self.assertLess(totals[1]["layers"], totals[0]["layers"] / 2)
            self.assertLess(totals[1]["macs"], totals[0]["macs"] * 0.6)
            self.assertLess(totals[1]["bytes"], totals[0]["bytes"] * 0.6)

    def test_computes_the_same(self):
        for settings in ([], ["branches=3", "size=33"]):
            self.command("opt", BEFORE + "O2", "--check-each", "-o", self.folder / "out.rir",
                         settings=settings)
            self.assertRegex(self.command("verify", BEFORE + "O2", "--random-weights", 1, settings=settings),
                             r"\n1 of 1 tensors within")


if __name__ == "__main__":
    unittest.main()
