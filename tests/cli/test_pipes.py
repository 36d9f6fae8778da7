"""Pipes where riffle looks for files, and files that shrink under its hands: it never waits for nobody, never
dies without a word."""

import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import NETWORK, RIFFLE, SECONDS, Command, has_llvm, lacks, safetensors

WEIGHTS = {"conv.weight": [8, 3, 3, 3], "fc.weight": [4, 8], "fc.bias": [4]}
IS_PIPE = ("riffle: error: 'pipe' is a pipe that no program has open to write\n"
           "hint: start the program that writes it first\n")
NOT_REGULAR = "riffle: error: 'pipe' is no regular file\n"


class Pipes(Command):
    def setUp(self):
        super().setUp()
        os.mkfifo(self.folder / "pipe")
        self.write("x.f32", bytes(4 * 3 * 8 * 8))
        self.write("w.safetensors", safetensors(WEIGHTS))

    def run_with_pipe(self, words, before, when_open, after):
        """Runs riffle with a pipe that has a writer, who ends it when riffle has it open."""
        writer = os.open(self.folder / "pipe", os.O_RDWR)
        os.write(writer, before)
        with subprocess.Popen([RIFFLE, *words], cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            files = Path(f"/proc/{process.pid}/fd")
            while process.poll() is None and not any(os.readlink(file).endswith("/pipe") for file in files.iterdir()):
                time.sleep(0.01)
            when_open()
            os.write(writer, after)
            os.close(writer)
            stdout, stderr = process.communicate(timeout=SECONDS)
        return process.returncode, stdout, stderr

    def test_nobody_writes(self):
        run = ["run", "small.rfl", "--interpret"]
        self.write("importing.rfl", 'import "pipe"\n' + NETWORK)
        self.expect_error("inspect pipe", IS_PIPE)
        self.expect_error("inspect importing.rfl",
                          IS_PIPE + "importing.rfl:1:1: note: imported here\nimport \"pipe\"\n^~~~~~~~~~~~~\n")
        os.symlink("pipe", self.folder / "net.rir")
        self.expect_error("opt net.rir", IS_PIPE.replace("'pipe'", "'net.rir'"))
        self.expect_error("fmt pipe", IS_PIPE)
        self.expect_error([*run, "--random-weights", "1", "--input", "pipe"], IS_PIPE)
        self.expect_error([*run, "--random-weights", "1", "--image", "pipe"], IS_PIPE)
        self.expect_error([*run, "--random-weights", "1", "--input", "x.f32", "--labels", "pipe"], IS_PIPE)
        self.expect_error([*run, "--weights", "pipe", "--input", "x.f32"], NOT_REGULAR)
        self.expect_error("opt small.rfl --load-pass-plugin=pipe --passes=fold-pad",
                          "riffle: error: the pass plugin 'pipe' is no regular file\n", status=2)

    @unittest.skipIf(lacks("ONNX"), "skipped: this riffle has no ONNX")
    def test_nobody_writes_what_is_imported(self):
        self.expect_error("import pipe -o net.rfl --weights-out net.safetensors", NOT_REGULAR)

    @unittest.skipUnless(has_llvm(), "skipped: this riffle has no LLVM")
    def test_nobody_writes_what_compiling_reads(self):
        compiling = ["compile", "small.rfl", "--random-weights", "1", "-o", "out"]
        self.expect_error([*compiling, "--tuning", "pipe"], IS_PIPE)
        self.expect_error([*compiling, "--precision", "int8", "--calibration", "pipe"], IS_PIPE)

    def test_nobody_reads(self):
        message = ("riffle: error: cannot write 'pipe': No such device or address\n"
                   "hint: if it is a pipe, start the program that reads it first\n")
        run = ["run", "small.rfl", "--interpret", "--random-weights", "1", "--input", "x.f32"]
        self.expect_error([*run, "--output", "pipe"], message)
        self.expect_error("convert small.rfl --to json -o pipe", message)

    def test_nobody_reads_what_is_printed(self):
        """As with `head` behind it: that is no fault of riffle's, and of no pass."""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([RIFFLE, "opt", "small.rfl"], cwd=self.folder, stdout=writer, stderr=subprocess.PIPE,
                              timeout=SECONDS, check=False)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""))

    def test_outputs_of_a_run_are_written_together(self):
        self.write("two.rfl", NETWORK.replace("|> max_pool", "|> relu\n    output early = x |> global_avg_pool\n"
                                              "    x = x |> max_pool"))
        self.write("old.f32", "old")
        done = self.invoke("run", "two.rfl", "--interpret", "--random-weights", "1", "--input", "x.f32",
                           "--output", "old.f32", "--output", "pipe")
        self.assertEqual(done.returncode, 1)
        self.assertEqual((self.folder / "old.f32").read_text(), "old")

    def test_somebody_writes(self):
        spec, expected = (self.folder / "small.rfl").read_bytes(), self.succeed("inspect", "small.rfl")
        done = self.run_with_pipe(["inspect", "pipe"], spec[:40], lambda: None, spec[40:])
        self.assertEqual(done, (0, expected, ""))

    def test_somebody_has_written(self):
        """As `riffle inspect <(program)` may meet it."""
        reader, writer = os.pipe()
        os.write(writer, (self.folder / "small.rfl").read_bytes())
        os.close(writer)
        done = subprocess.run([RIFFLE, "inspect", f"/dev/fd/{reader}"], cwd=self.folder, capture_output=True,
                              text=True, pass_fds=[reader], timeout=SECONDS, check=False)
        os.close(reader)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.succeed("inspect", "small.rfl"), ""))

    def test_weights_shrink(self):
        """They are mapped before the input is read, and looked at after that."""
        path, outputs = self.folder / "w.safetensors", 20000
        path.write_bytes(safetensors({**WEIGHTS, "conv.weight": [outputs, 3, 3, 3], "fc.weight": [4, outputs]}))
        self.write("small.rfl", NETWORK.replace("conv(8", f"conv({outputs}"))
        run = ["run", "small.rfl", "--interpret", "--weights", "w.safetensors", "--input", "pipe", "--output", "y.f32"]
        whole = os.path.getsize(path)
        for left, said in [(100, "w.safetensors: error: the file was cut short while it was read\n"),
                           (whole - 1, "riffle: error: the file 'w.safetensors' was changed while it was read\n"
                                       "hint: try again when no other program writes it\n")]:
            contents = path.read_bytes()
            done = self.run_with_pipe(run, b"", lambda left=left: os.truncate(path, left), bytes(4 * 3 * 8 * 8))
            self.assertEqual(done, (1, "", said))
            self.assertFalse((self.folder / "y.f32").exists())
            path.write_bytes(contents)
        self.assertEqual(self.run_with_pipe(run, b"", lambda: None, bytes(4 * 3 * 8 * 8)), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
