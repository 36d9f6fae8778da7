"""Several sizes and batches of a network in one library."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import HERE, RIFFLE, SHUFFLENET, TINY, compile_network, run

VARIANTS = ["--variant", "size=[32, 32]", "--variant", "pair:size=[44, 37],batch=2"]


class Variants(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-variants-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def logits(self, source, folder, *libraries):
        program = folder / "program"
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", folder, source, *libraries, "-lm", "-o", program)
        lines = [line.split() for line in run(program).splitlines()]
        return {name: [float.fromhex(number) for number in numbers] for name, *numbers in lines}

    def test_answers(self):
        self.compare_answers()

    def test_answers_of_bytes(self):
        self.compare_answers("--precision", "int8", "--calibration", "random")

    def compare_answers(self, *options):
        """Each as a library of its own gives them: packed otherwise, so but for rounding."""
        compile_network(TINY, self.folder, *VARIANTS, *options)
        together = self.logits(HERE / "variants.c", self.folder, self.folder / "libtiny.a")
        apart = self.folder / "apart"
        compile_network(TINY, apart, "--name", "tiny_32x32", *options)
        compile_network(TINY, apart, "--name", "tiny_pair", "--set", "size=[44, 37]", "--set", "batch=2", *options)
        (apart / "tiny.h").write_text('#include "tiny_32x32.h"\n#include "tiny_pair.h"\n')
        alone = self.logits(HERE / "variants.c", apart, apart / "libtiny_32x32.a", apart / "libtiny_pair.a")
        self.assertEqual({name: len(numbers) for name, numbers in together.items()}, {"tiny_32x32": 10, "tiny_pair": 20})
        for name, numbers in together.items():
            largest = max(map(abs, numbers))
            self.assertGreater(largest, 0)
            for number, wanted in zip(numbers, alone[name]):
                self.assertLessEqual(abs(number - wanted), 1e-5 * largest)

    def test_symbols(self):
        compile_network(TINY, self.folder, *VARIANTS)
        defined = {line.split()[2] for line in run("nm", "-g", "--defined-only", self.folder / "libtiny.a").splitlines()
                   if len(line.split()) == 3}
        runs = {f"tiny_{name}_{word}" for name in ["32x32", "pair"] for word in ["run", "run_parallel"]}
        frames = {f"tiny_{name}_prepare_image{word}" for name in ["32x32", "pair"]
                  for word in ["", "_parallel", "_scratch_bytes"]}
        self.assertIn(defined - {*runs, "tiny_weights"}, [frames, set()])  # none where riffle was built without clang
        index = run("nm", "-s", self.folder / "libtiny.a")
        for symbol in runs:
            self.assertRegex(index, rf"{symbol} in code")

    def test_frames(self):
        """Each variant prepares frames for its own size."""
        compile_network(TINY, self.folder, *VARIANTS)
        if "was built without clang" in (self.folder / "tiny.h").read_text():
            self.skipTest("riffle was built without clang")
        apart = self.folder / "apart"
        compile_network(TINY, apart, "--name", "tiny_32x32")
        compile_network(TINY, apart, "--name", "tiny_pair", "--set", "size=[44, 37]", "--set", "batch=2")
        (apart / "tiny.h").write_text('#include "tiny_32x32.h"\n#include "tiny_pair.h"\n')
        lines = ["#include \"tiny.h\"", "#include <stdio.h>", "static unsigned char pixels[3 * 90 * 60];",
                 "static float image[3 * 44 * 37];", "static unsigned char scratch[1 << 20];",
                 "int main(void) {", "    for (int i = 0; i < 3 * 90 * 60; i++)",
                 "        pixels[i] = (unsigned char)(i * 31 % 251);"]
        for name, count in (("tiny_32x32", 32 * 32), ("tiny_pair", 44 * 37)):
            lines += [f"    struct {name}_frame {name} = {{.width = 90, .height = 60, .planes = {{pixels}}}};",
                      f"    printf(\"{name} %a\", (double){name}_prepare_image(&{name}, image, NULL, scratch));",
                      f"    for (int i = 0; i < 3 * {count}; i++)", "        printf(\" %a\", (double)image[i]);",
                      "    printf(\"\\n\");"]
        (self.folder / "frames.c").write_text("\n".join([*lines, "    return 0;", "}", ""]))
        together = self.logits(self.folder / "frames.c", self.folder, self.folder / "libtiny.a")
        self.assertEqual(together, self.logits(self.folder / "frames.c", apart, apart / "libtiny_32x32.a",
                                               apart / "libtiny_pair.a"))
        self.assertEqual({name: (len(numbers), numbers[0]) for name, numbers in together.items()},
                         {"tiny_32x32": (3 * 32 * 32 + 1, 0), "tiny_pair": (3 * 44 * 37 + 1, 0)})

    def test_weights_are_there_once(self):
        size = {}
        for name, options in {"one": [], "four": ["--variant", "size=[224, 224]", "--variant", "size=[320, 320]",
                                                  "--variant", "size=[192, 320]", "--variant", "batch=8"]}.items():
            compile_network(SHUFFLENET, self.folder, "--name", name, *options)
            data = json.loads((self.folder / f"{name}.json").read_text())
            size[name] = data.get("variants", [data])[0]["totals"]["weight_bytes"]
        self.assertLess(size["four"], 1.02 * size["one"])

    def test_description(self):
        compile_network(TINY, self.folder, *VARIANTS)
        data = json.loads((self.folder / "tiny.json").read_text())
        self.assertEqual(data["name"], "tiny")
        self.assertEqual([part["name"] for part in data["variants"]], ["tiny_32x32", "tiny_pair"])
        self.assertEqual([part["inputs"][0]["shape"] for part in data["variants"]], [[1, 3, 32, 32], [2, 3, 44, 37]])

    def test_one_file_of_weights(self):
        compile_network(TINY, self.folder, *VARIANTS, "--weights-file")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["libtiny.a", "tiny.h", "tiny.json", "tiny.weights"])
        source = (HERE / "variants.c").read_text().replace("{image}", "{image, weights}").replace(
            "int main(void) {", "int main(void) {\n    static _Alignas(64) unsigned char weights[TINY_PAIR_WEIGHTS_BYTES];\n"
            f'    FILE *file = fopen("{self.folder}/tiny.weights", "rb");\n'
            "    if (file == NULL || fread(weights, 1, sizeof weights, file) != sizeof weights || fclose(file) != 0)\n"
            "        return 1;\n")
        (self.folder / "apart.c").write_text(source)
        apart = self.logits(self.folder / "apart.c", self.folder, self.folder / "libtiny.a")
        inside = self.folder / "inside"
        compile_network(TINY, inside, *VARIANTS)
        self.assertEqual(apart, self.logits(HERE / "variants.c", inside, inside / "libtiny.a"))

    def test_emit(self):
        compile_network(TINY, self.folder, *VARIANTS, "--emit", "rir,o")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["libtiny.a", "tiny.h", "tiny.json", "tiny_32x32.o", "tiny_32x32.rir", "tiny_pair.o",
                          "tiny_pair.rir", "tiny_weights.o"])

    def expect_mistake(self, message, *options):
        done = subprocess.run([RIFFLE, "compile", TINY, "--random-weights", "1", "-o", self.folder / "out", *options],
                              capture_output=True, text=True, check=False)
        self.assertIn(message, done.stderr)
        self.assertIn(done.returncode, [1, 2])
        self.assertFalse((self.folder / "out").exists())

    def test_mistakes(self):
        self.expect_mistake("'size' is no variant: give parameters of the spec with their values", "--variant", "size")
        self.expect_mistake("'batch=2,' is no variant", "--variant", "batch=2,")
        self.expect_mistake("'a-b' cannot be part of a C identifier", "--variant", "a-b:batch=2")
        self.expect_mistake("two variants are called '2'", "--variant", "batch=2", "--variant", "batch=2")
        self.expect_mistake("the variant '2' gives 'batch' a value that it already has", "--set", "batch=1", "--variant",
                            "batch=2")
        self.expect_mistake("the variant '2x3' gives 'batch' a value", "--variant", "2x3:batch=2,batch=3")
        self.expect_mistake("no parameter", "--variant", "depth=2")
        self.expect_mistake("at most 16 variants", *[word for i in range(1, 18) for word in ["--variant", f"batch={i}"]])
        self.expect_mistake("--variant is not for several targets", "--target", "x86-64-multi", *VARIANTS)
        self.expect_mistake("--variant is not for the C backend", "--backend", "c", *VARIANTS)
        self.expect_mistake("--variant is not for a GPU", "--target", "cuda-sm_90", *VARIANTS)


if __name__ == "__main__":
    unittest.main()
