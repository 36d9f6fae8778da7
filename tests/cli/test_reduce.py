"""riffle reduce: what it makes small, what it says of scripts that are poor, and what it leaves behind."""

import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import RIFFLE, ROOT, SECONDS
from test_interrupted import TemporaryFolder

V2 = ROOT / "examples" / "shufflenet_v2.rfl"
SHUFFLE = """graph small {
  input %x1 : f32[1,1,1,1]
  %1 = shuffle %x1 {groups = 1} : f32[1,1,1,1] "s"
  output y0 = %1
}
"""
CHAIN = """network small {
    input x: f32[1, 6, 9, 7]
    a = x |> conv(8, 3) @ a |> relu
    b = a |> shuffle(2) @ s |> conv(10, 1) @ b
    output left = b |> relu
    output right = b |> max_pool(2, stride = 2) |> conv(4, 1) @ c
}
"""
BYTES = """graph bytes {
  input %x : f32[1,4,6,5]
  weight @q.factor : f32[4]
  weight @q.zero : f32[4]
  weight @c.weight : f32[6,2,3,3]
  weight @c.zero : f32[4]
  weight @c.factor : f32[6]
  weight @c.offset : f32[6]
  weight @l.weight : f32[3,6]
  weight @l.zero : f32[6]
  weight @l.factor : f32[3]
  weight @l.offset : f32[3]
  %1 = quantize %x factor=@q.factor zero=@q.zero : u8[1,4,6,5]
  %2 = quantized_conv %1 weight=@c.weight zero=@c.zero factor=@c.factor offset=@c.offset {groups = 2} : u8[1,6,4,3]
  %3 = max_pool %2 {kernel = [4, 3]} : u8[1,6,1,1]
  %4 = quantized_linear %3 weight=@l.weight zero=@l.zero factor=@l.factor offset=@l.offset {result = f32} : f32[1,3]
  output y = %4
}
"""


class Reduce(TemporaryFolder):
    def setUp(self):
        super().setUp()
        self.write("chain.rfl", CHAIN)

    def reduce(self, *words, **more):
        return subprocess.run([RIFFLE, "reduce", *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              env=self.environment, timeout=SECONDS, check=False, **more)

    def refuse(self, words, message, status=1):
        """So it says, writes nothing and leaves nothing."""
        done = self.reduce(*words, "-o", "out.rir")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (status, "", message))
        self.assertFalse((self.folder / "out.rir").exists())
        self.assertEqual(list(self.temporary.iterdir()), [])

    def assert_ends(self, process):
        """Whoever inherited it may not have looked yet."""
        end = time.monotonic() + SECONDS
        while self.is_running(process):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    @staticmethod
    def is_running(process):
        try:
            return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
        except FileNotFoundError:
            return False

    # ---- what it does ----

    def test_an_op(self):
        done = self.reduce("chain.rfl", "--test=grep -q '= shuffle'")
        self.assertEqual((done.returncode, done.stdout), (0, SHUFFLE))
        self.assertRegex(done.stderr, r"^riffle: note: \d+ attempts made 1 node with 2 elements"
                                      r" of 7 nodes with 3,870 elements\n$")
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.write("small.rir", done.stdout)
        self.assertEqual(self.succeed("opt", "small.rir", "--passes=", "--verify-each"), SHUFFLE)

    def test_every_time_the_same(self):
        test = "--test=grep -q '= concat'"
        first, again = (self.reduce(V2, test) for _ in range(2))
        self.assertEqual(first.returncode, 0)
        self.assertIn("= concat", first.stdout)
        self.assertEqual((first.stdout, first.stderr), (again.stdout, again.stderr))
        self.assertLess(first.stdout.count("\n"), 10)

    def test_forms_of_networks(self):
        """A spec, its JSON, a graph, and one on standard input."""
        self.write("chain.json", self.succeed("convert", "chain.rfl"))
        graph = self.succeed("opt", "chain.rfl", "--passes=")
        self.write("chain.rir", graph)
        for name in ("chain.json", "chain.rir", "-"):
            done = self.reduce(name, "--test=grep -q '= shuffle'", input=graph)
            self.assertEqual((done.returncode, done.stdout), (0, SHUFFLE), name)
        done = self.reduce(V2, "--set", "width=0.5", "--name", "half", "--test=grep -q '= conv.*f32.1,48,'")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"graph half \{\n.*\n.*\n.* = conv .*f32\[1,48,1,1\]")

    def test_a_check_of_two_ops(self):
        """Both stay, and what lies between them goes."""
        script = self.program("both.sh", "grep -q '= shuffle' \"$1\" && grep -q '= max_pool' \"$1\"\n")
        for test in (script.name, script, f"./{script.name}"):
            done = self.reduce("chain.rfl", f"--test={test}", "-o", "out.rir")
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            text = (self.folder / "out.rir").read_text()
            self.assertRegex(text, r"^graph small \{\n.*input.*\n.* = shuffle .*\n.* = max_pool .*\n.*output.*\n\}\n$")

    def test_answers(self):
        """What outputs mean stays while the script needs it."""
        detector = ROOT / "examples" / "detect" / "yunet.rfl"
        done = self.reduce(detector, "--test=grep -q '^  answer'", "--attempts=40")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n  answer", done.stdout)
        self.write("small.rir", done.stdout)
        self.assertEqual(self.succeed("opt", "small.rir", "--passes="), done.stdout)
        done = self.reduce(detector, "--test=grep -q '= concat'")
        self.assertNotIn("answer", done.stdout)

    def test_labels(self):
        """They stay while the script needs them, and fit the classes that are left."""
        self.write("names.txt", "cat\ndog\nowl\n")
        self.write("owls.rfl", "network owls {\n    input x: f32[1, 3]\n    labels = \"names.txt\"\n"
                                "    output y = x |> relu |> negate\n}\n")
        done = self.reduce("owls.rfl", "--test=grep -q '^  labels'")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('\n  labels = ["cat", "dog", "owl"]\n', done.stdout)
        self.write("small.rir", done.stdout)
        self.assertEqual(self.succeed("opt", "small.rir", "--passes="), done.stdout)
        done = self.reduce("owls.rfl", "--test=grep -q '= relu'")
        self.assertRegex(done.stdout, r"^graph owls \{\n  input .*\[1,1\]\n.* = relu .*\n  output .*\n\}\n$")

    def test_bytes(self):
        """Filters of bytes have points of zero, factors and offsets."""
        self.write("bytes.rir", BYTES)
        done = self.reduce("bytes.rir", "--test=grep -q '= quantized_linear'")
        self.assertRegex(done.stderr, "^riffle: note: [0-9]+ attempts made 2 nodes with 9 elements of 4 nodes with")

    def test_what_cannot_shrink(self):
        """One filter fitted to two groups would be two again: that is no step."""
        self.write("bytes.rir", BYTES)
        done = self.reduce("bytes.rir", "--test=grep -q '= quantized_conv.*groups'")
        self.assertRegex(done.stdout, r"@c.weight : f32\[2,.*\n(.*\n)*.*= quantized_conv.*\{groups = 2\} : u8\[1,2,")
        self.assertRegex(done.stderr, r"^riffle: note: \d\d attempts .*\n$")

    def test_few_attempts(self):
        done = self.reduce("chain.rfl", "--test=grep -q '= shuffle'", "--attempts=3")
        self.assertEqual(done.returncode, 0)
        self.assertIn("= shuffle", done.stdout)
        self.assertRegex(done.stderr, "note: 4 attempts made .*\nhint: --attempts allows more: there may be smaller ones\n$")

    def test_what_the_script_prints(self):
        """It is shown for the first graph only, and what it might read is not there."""
        self.program("loud.sh", "echo looked >&2\ncat\ngrep -q '= shuffle' \"$1\"\n")
        done = self.reduce("chain.rfl", "--test=loud.sh", stdin=subprocess.DEVNULL)
        self.assertEqual((done.stdout, done.stderr.count("looked")), (SHUFFLE, 1))

    # ---- poor scripts ----

    def test_no(self):
        self.refuse(["chain.rfl", "--test=grep -q '= softmax'"],
                    "riffle: error: the test says no to the graph as it is (exit status 1)\n"
                    "hint: exit status 0 says that a graph is of interest\n")

    def test_none(self):
        self.refuse(["chain.rfl"],
                    "riffle: error: --test says which graphs are of interest, and there is none\n"
                    "hint: --test='grep -q \"= shuffle\"' looks for an op\n", status=2)

    def test_what_cannot_be_run(self):
        self.write("plain.sh", "exit 0\n").chmod(0o644)
        done = self.reduce("chain.rfl", "--test=plain.sh")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("riffle: error: the test './plain.sh', or what it runs, may not be run (exit status 126)\n"
                      "hint: 'chmod +x' makes a script a program\n", done.stderr)
        done = self.reduce("chain.rfl", "--test=no-such-program-here")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("riffle: error: the test 'no-such-program-here', or what it runs, is not there (exit status 127)\n"
                      "hint: it is run by the shell as: SCRIPT FILE.rir\n", done.stderr)
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_killed(self):
        self.program("dies.sh", "kill -SEGV $$\n")
        self.refuse(["chain.rfl", "--test=exec ./dies.sh"],
                    "riffle: error: the test was ended for the graph as it is: Segmentation fault\n")

    def test_killed_later(self):
        """That is a no."""
        self.program("dies.sh", "grep -q '= shuffle' \"$1\" || kill -SEGV $$\n")
        self.assertEqual(self.reduce("chain.rfl", "--test=exec ./dies.sh").stdout, SHUFFLE)

    def test_late(self):
        """With what it has started."""
        self.program("slow.sh", f"sleep 1000 & echo $! > {self.folder}/child\nwait\n")
        self.refuse(["chain.rfl", "--test=slow.sh", "--timeout=1"],
                    "riffle: error: the test took longer than 1 s for the graph as it is\n"
                    "hint: --timeout=SECONDS gives it more\n")
        self.assert_ends(int((self.folder / "child").read_text()))

    def test_late_later(self):
        """That is a no; one that takes no notice of SIGTERM is killed."""
        self.program("slow.sh", "trap '' TERM\ngrep -q '= conv' \"$1\" && exit\nwhile :; do sleep 1; done\n")
        done = self.reduce("chain.rfl", "--test=slow.sh", "--timeout=1", "--attempts=4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("= conv", done.stdout)

    def test_goes_away(self):
        """What was found is written, and the fault is told."""
        self.program("once.sh", "grep -q '= max_pool' \"$1\" && exit 1\nrm \"$0\"\n")
        self.write("pool.rfl", CHAIN.replace("|> max_pool(2, stride = 2)", "|> relu"))
        done = self.reduce("pool.rfl", "--test=once.sh", "-o", "out.rir")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the test './once.sh', or what it runs, is not there (exit status 127)", done.stderr)
        self.assertTrue((self.folder / "out.rir").read_text().startswith("graph small {"))
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_no_place_for_files(self):
        self.environment["TMPDIR"] = str(self.folder / "nowhere")
        done = self.reduce("chain.rfl", "--test=true")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, "^riffle: error: cannot make the file '.*nowhere/riffle-reduce-.*'")

    def test_no_place_for_the_result(self):
        done = self.reduce("chain.rfl", "--test=grep -q '= shuffle'", "-o", "nowhere/out.rir")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", "riffle: error: cannot write 'nowhere/out.rir': No such file or directory\n"))

    def test_no_network(self):
        self.write("broken.rir", "graph broken {\n  output y = %y\n}\n")
        done = self.reduce("broken.rir", "--test=true")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, "^broken.rir:2:14: error: ")

    # ---- signals ----

    def test_interrupted(self):
        """The best so far is written, the script is ended, no file is left, and the signal is what ends riffle."""
        self.program("stops.sh", f"echo >> {self.folder}/count\n"
                     f"test $(wc -l < {self.folder}/count) -lt 9 && exec grep -q '= shuffle' \"$1\"\n"
                     f"echo $$ > {self.folder}/begun.new\nmv {self.folder}/begun.new {self.folder}/begun\nexec sleep 1000\n")
        graph = self.succeed("opt", "chain.rfl", "--passes=")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("reduce", "chain.rfl", "--test=exec ./stops.sh", "-o", "out.rir")
            self.wait_for(process, (self.folder / "begun").exists)
            child = int((self.folder / "begun").read_text())
            process.send_signal(number)
            out, err = process.communicate(timeout=SECONDS)
            self.assertEqual((process.returncode, out), (-number, ""))
            self.assertRegex(err, "^riffle: note: 9 attempts made .*\n"
                                  "hint: it was interrupted: there may be smaller ones\n$")
            self.assertRaises(ProcessLookupError, os.kill, child, 0)
            self.assertEqual(list(self.temporary.iterdir()), [])
            text = (self.folder / "out.rir").read_text()
            self.assertIn("= shuffle", text)
            self.assertLess(text.count("\n"), graph.count("\n"))
            for name in ("out.rir", "begun", "count"):
                (self.folder / name).unlink()


if __name__ == "__main__":
    unittest.main()
