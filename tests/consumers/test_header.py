"""The generated header stands alone, in every dialect, without a warning."""

import shutil
import tempfile
import unittest
from pathlib import Path

from support import TINY, available, compile_network, run

WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"]
DIALECTS = {"c": ["c99", "c11", "c17", "gnu17", "c2x"], "c++": ["c++11", "c++17", "c++20"]}

# Words of C, of C++ and of gcc's preprocessor as names of inputs and outputs.
HOSTILE = """
network hostile {
  input class: f32[1, 3, 8, 8]
  input int: f32[1, 3, 8, 8] nhwc
  input linux: f32[1, 3, 8, 8]
  output private = class |> relu
  output restrict nhwc = int |> relu
  output NULL_ = linux |> relu
}
"""

USE = """
#include "{name}.h"
#include "{name}.h"
#include <string.h>

int use(const struct {name}_inputs *inputs, const struct {name}_outputs *outputs, void *workspace);
int use(const struct {name}_inputs *inputs, const struct {name}_outputs *outputs, void *workspace) {{
    int status = {name}_run(inputs, outputs, workspace);
    if (status != {upper}_OK)
        return strlen({name}_status_text(status)) > 0 ? status : -1;
    status = {name}_run_batch(inputs, outputs, workspace, 2);
    return status != {upper}_OK ? status : {name}_run_parallel(inputs, outputs, workspace, NULL, NULL);
}}
"""


class Header(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-header-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, name):
        source = self.folder / "use"
        source.write_text(USE.format(name=name, upper=name.upper()))
        checked = 0
        compilers = {"c": available("gcc", "clang", "clang-22", "clang-19"),
                     "c++": available("g++", "clang++", "clang++-22", "clang++-19")}
        for language, dialects in DIALECTS.items():
            for compiler in compilers[language]:
                for dialect in dialects:
                    with self.subTest(name=name, compiler=compiler, dialect=dialect):
                        run(compiler, "-x", language, f"-std={dialect}", *WARNINGS, "-fsyntax-only",
                            "-I", self.folder, source)
                        checked += 1
        self.assertGreaterEqual(checked, len(DIALECTS["c"]))

    def test_network(self):
        compile_network(TINY, self.folder, "--name", "tiny")
        self.check("tiny")
        text = (self.folder / "tiny.h").read_text()
        for fact in ["[1, 3, 32, 32] (batch, channels, height, width: NCHW)", "red, green, blue",
                     "(pixel / 255 - mean) / std", "mean = 0.485, 0.456, 0.406", "std = 0.229, 0.224, 0.225",
                     "shorter side has 36 pixels", "#define TINY_INPUT_IMAGE_ELEMENTS 3072\n",
                     "#define TINY_OUTPUT_LOGITS_CHANNELS 10\n", "#define TINY_WORKSPACE_ALIGNMENT 64\n"]:
            self.assertIn(fact, text)

    def test_hostile_names(self):
        spec = self.folder / "hostile.rfl"
        spec.write_text(HOSTILE)
        compile_network(spec, self.folder)
        self.check("hostile")
        text = (self.folder / "hostile.h").read_text()
        for member in ["*class_;", "*int_;", "*linux_;", "*private_;", "*restrict_;"]:
            self.assertIn(member, text)


if __name__ == "__main__":
    unittest.main()
