"""Two networks in one program, called from several threads; and the thread pool. ThreadSanitizer watches.

And how often parallel_for is called."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import HERE, ROOT, TINY, compile_network, run

# Its kernels work in the workspace, where each thread needs a place of its own.
SCRATCH = HERE / "scratch.rfl"

# A report of a race makes the program exit with 66.
SANITIZER = {"TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}

# Address space randomisation can put memory where ThreadSanitizer wants its own; not every container
# lets a program turn it off.
WITHOUT_RANDOM_ADDRESSES = ["setarch", "-R"]
if subprocess.run([*WITHOUT_RANDOM_ADDRESSES, "true"], capture_output=True, check=False).returncode != 0:
    WITHOUT_RANDOM_ADDRESSES = []


class Threads(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-threads-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def build(self, source, *libraries):
        program = self.folder / "program"
        run("cc", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=thread", "-pthread",
            "-I", self.folder, "-I", ROOT / "runtime", "-I", ROOT, HERE / source, ROOT / "runtime" / "pool.c",
            *libraries, "-o", program)
        return lambda: run(*WITHOUT_RANDOM_ADDRESSES, program, env=SANITIZER)

    def test_two_networks(self):
        compile_network(TINY, self.folder, "--name", "left", "--target", "x86-64", seed=1)
        compile_network(TINY, self.folder, "--name", "right", "--target", "x86-64", "--set", "classes=7", seed=2)
        program = self.build("two_models.c", self.folder / "libleft.a", self.folder / "libright.a")
        self.assertEqual(program(), "0 failures\n")

    def compile(self, spec, *options):
        compile_network(spec, self.folder, "--target", "x86-64", *options)
        description = json.loads(next(self.folder.glob("*.json")).read_text())
        scratch = [buffer["name"] for buffer in description["buffers"] if buffer["name"].endswith(".scratch")]
        self.assertEqual(scratch, ["conv2.scratch", "conv3.scratch"] if spec == SCRATCH else [])

    def check_shared_run(self, spec):
        self.compile(spec, "--name", "shared")
        self.assertEqual(self.build("shared_run.c", self.folder / "libshared.a")(), "0 failures\n")

    def test_shared_run(self):
        self.check_shared_run(TINY)

    def test_shared_run_with_scratch(self):
        self.check_shared_run(SCRATCH)

    def check_shared_run_of_c(self, spec):
        """ThreadSanitizer sees what the kernels read and write: code of LLVM it does not."""
        self.compile(spec, "--name", "shared", "--backend", "c")
        run("cc", "-c", self.folder / "shared_weights.S", "-o", self.folder / "weights.o", cwd=self.folder)
        program = self.build("shared_run.c", self.folder / "shared.c", self.folder / "weights.o", "-lm")
        self.assertEqual(program(), "0 failures\n")

    def test_shared_run_of_c(self):
        self.check_shared_run_of_c(TINY)

    def test_shared_run_of_c_with_scratch(self):
        self.check_shared_run_of_c(SCRATCH)

    def check_loops(self, *libraries):
        """Without ThreadSanitizer, which keeps signals back until a thread calls the system."""
        program = self.folder / "program"
        steps = len(json.loads((self.folder / "loops.json").read_text())["steps"])
        run("cc", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-DSTEPS={steps}", "-I", self.folder,
            "-I", ROOT / "runtime", "-I", ROOT, HERE / "loops.c", ROOT / "runtime" / "pool.c", *libraries, "-o", program)
        said, most = run(program).splitlines()
        self.assertEqual(said, "parallel_for returned before all items were done")
        most = int(re.fullmatch(r"at most (\d+) calls", most)[1])
        self.assertGreater(most, 1, "no task ended early")
        self.assertLessEqual(most, steps)

    def test_loops(self):
        for spec in (TINY, SCRATCH):
            with self.subTest(spec=spec):
                self.compile(spec, "--name", "loops")
                self.check_loops(self.folder / "libloops.a")

    def test_loops_of_c(self):
        self.compile(TINY, "--name", "loops", "--backend", "c")
        run("cc", "-c", "loops_weights.S", "-o", "weights.o", cwd=self.folder)
        self.check_loops(self.folder / "loops.c", self.folder / "weights.o", "-lm")

    def test_pool(self):
        self.build("pool.c")()


if __name__ == "__main__":
    unittest.main()
