"""What riffle leaves behind when a signal ends it: nothing. And temporary folders with names that a shell would
take for commands."""

import os
import select
import signal
import subprocess
import time
import unittest

from support import RIFFLE, SECONDS, Command, float_bytes

HOSTILE = "$(touch taken)`touch taken`"
WIDE = """network wide {
    input image: f32[1, 3, 200, 200]
    output small = image |> global_avg_pool
    output large = image |> relu
}
"""


class TemporaryFolder(Command):
    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}

    def program(self, name, script):
        path = self.write(name, "#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def start(self, *words):
        process = subprocess.Popen([RIFFLE, *map(str, words)], cwd=self.folder, env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, process, condition):
        end = time.monotonic() + SECONDS
        while not condition():
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


class Interrupted(TemporaryFolder):
    def interrupt(self, process, number):
        process.send_signal(number)
        self.assertEqual(process.communicate(timeout=SECONDS), ("", ""))
        self.assertEqual(process.returncode, -number)
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_while_a_compiler_runs(self):
        """It is ended, too."""
        slow = self.program("slow", f"echo $$ > {self.folder}/begun.new\nmv {self.folder}/begun.new {self.folder}/begun\n"
                            "exec sleep 1000\n")
        compiling = ["compile", "small.rfl", "--random-weights", 1, "-o", "out"]
        for words in [["--backend", "c", "--cc", slow], ["--target", "cuda-sm_80"]]:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(words=words, number=number):
                    self.environment["NVCC"] = str(slow)
                    process = self.start(*compiling, *words)
                    begun = self.folder / "begun"
                    self.wait_for(process, begun.exists)
                    self.assertEqual(len(list(self.temporary.iterdir())), 1)
                    child = int(begun.read_text())
                    self.interrupt(process, number)
                    self.assertRaises(ProcessLookupError, os.kill, child, 0)
                    begun.unlink()
        self.assertFalse((self.folder / "out").exists())

    def test_what_is_ignored_stays_ignored(self):
        """As below nohup."""
        late = self.program("late", f"kill -HUP $PPID\nsleep 0.2\ntouch {self.folder}/begun\nexec cc \"$@\"\n")
        line = 'trap "" HUP; exec "$0" compile small.rfl --random-weights 1 --backend c --cc ' + f"'{late}' -o out"
        done = subprocess.run(["sh", "-c", line, RIFFLE], cwd=self.folder, env=self.environment, timeout=SECONDS,
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertTrue((self.folder / "begun").exists() and (self.folder / "out" / "libsmall.a").exists())

    def test_while_a_bisecting_command_runs(self):
        self.program("slow.sh", "test -s \"$1\" && touch begun\nexec sleep 1000\n")
        process = self.start("opt", "small.rfl", "--bisect-command=exec ./slow.sh")
        self.wait_for(process, (self.folder / "begun").exists)
        self.assertEqual(len(list(self.temporary.iterdir())), 1)
        self.interrupt(process, signal.SIGTERM)

    def start_writing(self):
        """Riffle with its first output in a temporary file, the second in a pipe that is full."""
        self.write("wide.rfl", WIDE)
        self.write("x.f32", float_bytes([0.5] * (3 * 200 * 200)))
        self.write("small.f32", "old")
        os.mkfifo(self.folder / "pipe")
        reader = os.open(self.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        process = self.start("run", "wide.rfl", "--interpret", "--input", "x.f32", "--output", "small.f32",
                             "--output", "pipe")
        self.wait_for(process, lambda: len(list(self.folder.glob("small.f32.*"))) == 1)
        return process, reader

    def test_while_a_pipe_is_full(self):
        process, reader = self.start_writing()
        self.interrupt(process, signal.SIGINT)
        os.close(reader)
        self.assertEqual([path.name for path in self.folder.glob("small.f32*")], ["small.f32"])
        self.assertEqual((self.folder / "small.f32").read_text(), "old")

    def test_reader_that_goes(self):
        process, reader = self.start_writing()
        select.select([reader], [], [], SECONDS)  # there is something to read: riffle has the pipe open
        os.close(reader)
        self.assertEqual(process.communicate(timeout=SECONDS),
                         ("", "riffle: error: cannot write 'pipe': Broken pipe\n"))
        self.assertEqual(process.returncode, 1)
        self.assertEqual((self.folder / "small.f32").read_text(), "old")

    def test_reader_that_is_slow(self):
        process, reader = self.start_writing()
        os.set_blocking(reader, True)
        size = 0
        while size < 4 * 3 * 200 * 200:
            size += len(os.read(reader, 50000))
        os.close(reader)
        self.assertEqual(process.communicate(timeout=SECONDS), ("", ""))
        self.assertEqual((process.returncode, size), (0, 4 * 3 * 200 * 200))
        self.assertEqual((self.folder / "small.f32").read_bytes(), float_bytes([0.5] * 3))


class HostileNames(TemporaryFolder):
    def setUp(self):
        super().setUp()
        self.temporary = self.folder / HOSTILE
        self.temporary.mkdir()
        self.environment["TMPDIR"] = HOSTILE

    def finish(self, *words):
        process = self.start(*words)
        stdout, stderr = process.communicate(timeout=SECONDS)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual([path.name for path in self.folder.rglob("taken")], [])
        return process.returncode, stdout, stderr

    def test_c_compiler(self):
        done = self.finish("compile", "small.rfl", "--random-weights", 1, "--backend", "c", "--cc", "cc", "-o", "out")
        self.assertEqual(done, (0, "", ""))
        self.assertTrue((self.folder / "out" / "libsmall.a").exists())

    def test_bisecting_command(self):
        self.program("good.sh", "test -s \"$1\" && exit 0\nexit 127\n")
        self.assertEqual(self.finish("opt", "small.rfl", "--bisect-command=./good.sh")[1:],
                         ("", "riffle: error: the check does not fail after the pipeline\n"
                          "hint: there is nothing to look for\n"))

    def test_nvcc(self):
        """It gives the name of its folder to a shell: it is not run there."""
        self.environment["NVCC"] = str(self.program("nvcc", "touch taken\n"))
        code, stdout, stderr = self.finish("compile", "small.rfl", "--random-weights", 1, "--target", "cuda-sm_80",
                                           "-o", "out")
        self.assertEqual((code, stdout), (1, ""))
        self.assertRegex(stderr, r"\Ariffle: error: nvcc cannot work in the folder '/[^\n]*/\$\(touch taken\)`touch taken`"
                         r"/riffle-\w{6}': it would give its name to a shell\nhint: let the environment variable TMPDIR "
                         r"name a folder without \", \$, \\, ` and control characters\n\Z")
        self.assertFalse((self.folder / "out").exists())

    def test_nvcc_has_a_folder_of_its_own(self):
        """Where it leaves nothing, since its temporary files go with the folder."""
        self.temporary = self.folder / "temporary"
        self.environment["TMPDIR"] = "temporary"
        self.environment["NVCC"] = str(self.program("nvcc", f"echo $TMPDIR >> '{self.folder}/said'\ntouch $TMPDIR/left\n"
                                                    "echo sm_80\n"))
        self.finish("compile", "small.rfl", "--random-weights", 1, "--target", "cuda-sm_80", "-o", "out")
        self.assertEqual((self.folder / "said").read_text(), ".\n.\n")


if __name__ == "__main__":
    unittest.main()
