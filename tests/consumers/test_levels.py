"""One library with code for several processors: what it finds, that its levels agree, what it weighs."""

import json
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from support import HERE, RIFFLE, SHUFFLENET, TINY, compile_network, run

MULTI = ["--name", "tiny", "--target", "x86-64-multi"]
LEVELS = {2: "x86-64-v2", 3: "x86-64-v3", 4: "x86-64-v4"}
V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
V4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def level_of_this_processor():
    """By what the operating system says; None where it says nothing."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    if flags is None:
        return None
    has = set(flags.group(1).split())
    return 2 if not V3 <= has else 3 if not V4 <= has else 4


class Levels(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-levels-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_levels_agree(self):
        compile_network(TINY, self.folder, *MULTI)
        program = self.folder / "program"
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", self.folder, HERE / "levels.c",
            self.folder / "libtiny.a", "-o", program)
        level, text, *lines = run(program).splitlines()
        found = int(level.removeprefix("level "))
        self.assertIn(found, [level_of_this_processor(), *(LEVELS if level_of_this_processor() is None else [])])
        self.assertEqual(text, "there is no code for this processor")
        logits = {}
        for line in lines:
            name, *numbers = line.split()
            logits.setdefault(name, []).append([float(number) for number in numbers])
        self.assertEqual(set(logits), {"run", "run_parallel", *(str(i) for i in LEVELS if i <= found)})
        best = logits["run"][0]
        self.assertEqual(logits["run_parallel"][0], best)
        self.assertEqual(logits[str(found)], [best, best])
        largest = max(map(abs, best))
        self.assertGreater(largest, 0)
        for once, twice in (logits[str(i)] for i in LEVELS if i <= found):
            self.assertEqual(once, twice)
            for number, wanted in zip(once, best):
                self.assertLessEqual(abs(number - wanted), 1e-4 * largest)

    def test_description(self):
        compile_network(TINY, self.folder, *MULTI)
        data = json.loads((self.folder / "tiny.json").read_text())
        self.assertEqual(data["target"]["levels"], list(LEVELS.values()))
        self.assertEqual([level["level"] for level in data["levels"]], list(LEVELS))
        self.assertEqual([level["target"]["lanes"] for level in data["levels"]], [4, 8, 16])
        workspaces = {level["totals"]["workspace_bytes"] for level in data["levels"]}
        self.assertEqual(len(workspaces), 1)
        self.assertIn(f"#define TINY_WORKSPACE_BYTES {workspaces.pop()}\n", (self.folder / "tiny.h").read_text())
        for level in data["levels"]:
            for buffer in level["buffers"]:
                if buffer["kind"] == "workspace":
                    self.assertLessEqual(buffer["offset"] + buffer["bytes"], level["totals"]["workspace_bytes"])

    def test_weights_are_there_once(self):
        """All levels read the same packed weights: three are little larger than one."""
        sizes = {}
        for target in ["x86-64-v3", "x86-64-multi"]:
            compile_network(SHUFFLENET, self.folder, "--set", "width=0.5", "--name", "net", "--target", target)
            sizes[target] = (self.folder / "libnet.a").stat().st_size
        self.assertLess(sizes["x86-64-multi"], 1.25 * sizes["x86-64-v3"])

    def test_commands(self):
        words = [TINY, "--random-weights", "1", "--target", "x86-64-multi"]
        self.assertIn("2 of 2 tensors within", run(RIFFLE, "verify", *words, "--threads", "2"))
        self.assertRegex(run(RIFFLE, "verify", *words, "--layers"), r"\d+ of \d+ tensors within")
        self.assertIn("ratio to limit", run(RIFFLE, "bench", *words, "--seconds", "0.05"))
        self.assertRegex(run(RIFFLE, "targets"), r"\nx86-64-multi ")


if __name__ == "__main__":
    unittest.main()
