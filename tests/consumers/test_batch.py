"""NAME_run_batch answers as NAME_run does, image by image, and refuses what it does."""

import shutil
import tempfile
import unittest
from pathlib import Path

from support import HERE, TINY, compile_network, run


class Batch(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-batch-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_answers(self):
        for options, arguments in [([], []), (["--target", "x86-64-multi"], []), (["--backend", "c", "--cc", "cc"], []),
                                   (["--weights-file"], [self.folder / "tiny.weights"])]:
            with self.subTest(options):
                compile_network(TINY, self.folder, *options)
                program = self.folder / "program"
                run("cc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover", "-I", self.folder, HERE / "batch.c", self.folder / "libtiny.a", "-lm",
                    "-o", program)
                run(program, *arguments)


if __name__ == "__main__":
    unittest.main()
