"""What long work shows on a terminal, and that it shows nothing anywhere else; --quiet and --verbose."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from support import RIFFLE, ROOT, SECONDS, Command, has_llvm

ERASE = b"\r\x1b[K"
# Its runs are long enough: smaller networks end by the greatest number of runs, within a second.
DIGITS = ROOT / "examples" / "digits" / "digits.rfl"
needs_llvm = unittest.skipUnless(has_llvm(), "skipped: this riffle has no LLVM")
NOTE = r"riffle: note: \d+ attempts? made 1 node with [\d,]+ elements of 4 nodes with [\d,]+ elements\n"


def lines_left(output):
    """What a terminal shows in the end, line by line."""
    lines = []
    for line in output.replace(b"\r\n", b"\n").split(b"\n"):
        lines.append(line.split(ERASE)[-1].split(b"\r")[-1].decode())
    return [line for line in lines if line]


class Terminal:
    """A process whose standard output and error are one terminal."""

    def __init__(self, words, folder, kind="xterm", columns=120):
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": kind, "NO_COLOR": "1"}
        self.process = subprocess.Popen([RIFFLE, *map(str, words)], stdin=child, stdout=child, stderr=child, cwd=folder,
                                        env=environment, preexec_fn=lambda: self.lead(child))
        os.close(child)
        self.file, self.output = parent, b""

    @staticmethod
    def lead(terminal):
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    def read(self):
        """False at the end."""
        ready, _, _ = select.select([self.file], [], [], SECONDS)
        try:
            piece = os.read(self.file, 4096) if ready else b""
        except OSError:  # nobody has it open any more
            piece = b""
        self.output += piece
        return piece != b""

    def wait(self):
        while self.read():
            pass
        return self.process.wait(SECONDS)

    def wait_for(self, pattern):
        while not re.search(pattern, self.output) and self.read():
            pass
        return re.search(pattern, self.output)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.file)


class Progress(Command):
    def open(self, *words, **more):
        terminal = Terminal(words, self.folder, **more)
        self.addCleanup(terminal.close)
        return terminal

    def reduction(self, seconds):
        """Of four layers to one; each attempt takes so long."""
        self.write("four.rfl", "network four {\n    input x: f32[1, 4, 6, 6]\n"
                               "    output y = x |> relu |> sigmoid |> shuffle(2) @ s |> hard_swish\n}\n")
        self.write("slow.sh", f"sleep {seconds}\ngrep -q '= shuffle' $1\n")
        return ["reduce", "four.rfl", "--test", "sh slow.sh", "-o", "small.rir"]

    def test_line_and_its_end(self):
        """The line comes after two seconds, fits, and is gone when the message is printed."""
        columns = 30
        began = time.monotonic()
        terminal = self.open(*self.reduction(0.4), columns=columns)
        self.assertTrue(terminal.wait_for(rb"\rreducing, attempt \d+, "), terminal.output)
        self.assertGreater(time.monotonic() - began, 1.9)
        self.assertEqual(terminal.wait(), 0, terminal.output)
        shown = re.findall(rb"\r([^\r\n]*)\x1b\[K", terminal.output)
        self.assertIn(b"", shown)
        self.assertLess(max(map(len, shown)), columns)
        self.assertRegex("\n".join(lines_left(terminal.output)) + "\n", rf"^{NOTE}$")

    def test_nowhere_else(self):
        """Not when piped, nor quiet, nor where the terminal cannot take a line away, nor between JSON."""
        command = self.reduction(0.3)
        piped = subprocess.Popen([RIFFLE, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=self.folder, text=True)
        others = [self.open(*command, "--quiet"), self.open(*command, kind="dumb"),
                  self.open(*command, "--diagnostics-format", "json")]
        printed, messages = piped.communicate(timeout=SECONDS)
        self.assertEqual((piped.returncode, printed), (0, ""))
        self.assertRegex(messages, rf"^{NOTE}$")
        for terminal in others:
            self.assertEqual(terminal.wait(), 0, terminal.output)
            self.assertNotIn(b"\x1b", terminal.output)
            self.assertNotIn(b"attempt ", terminal.output)
        self.assertEqual(others[0].output, b"")

    def test_short_work(self):
        terminal = self.open("ops")
        self.assertEqual(terminal.wait(), 0)
        self.assertNotIn(b"\x1b", terminal.output)

    def test_bisect(self):
        """Trials are processes of their own, which go on with the line; what they print stands alone."""
        self.reduction(0.5)
        command = ["opt", "four.rfl", "--passes=simplify,fold-bias,merge-layout,dead-code",
                   "--bisect-command=sh slow.sh", "--reproducer=reproducer.rir"]
        piped = self.invoke(*command)
        terminal = self.open(*command)
        self.assertEqual(terminal.wait(), 1, terminal.output)
        self.assertIn(b"\rlooking for the first pass that fails, trial ", terminal.output)
        self.assertEqual(sorted(lines_left(terminal.output)), sorted((piped.stdout + piped.stderr).splitlines()))

    def test_crash(self):
        """The line of a process that is killed is taken away, too."""
        self.reduction(60)
        terminal = self.open("opt", "four.rfl", "--bisect-command=sh slow.sh", "--timeout=4")
        self.assertEqual(terminal.wait(), 1, terminal.output)
        self.assertIn(b"\rlooking for the first pass that fails, trial 1, ", terminal.output)
        self.assertEqual(lines_left(terminal.output), ["riffle: the pipeline took longer than --timeout allows",
                                                       "riffle: error: the check fails before any pass has run"])

    def test_laboratory(self):
        rules = ROOT / "examples" / "rules" / "first.rfl"
        commands = {
            rb"testing rule on random graph \d+ of 100000, ": ["opt", f"--rules={rules}", "--test-rules=100000"],
            rb"(running passes: pass|interpreting layer) \d+ of \d+": ["opt", ROOT / "examples" / "vgg.rfl", "--check"],
        }
        for pattern, words in commands.items():
            terminal = self.open(*words)
            with self.subTest(pattern):
                self.assertTrue(terminal.wait_for(rb"\r" + pattern), terminal.output)
                terminal.process.kill()

    @needs_llvm
    def test_commands(self):
        """Each says what it is at. All at once: they are ended as soon as they do."""
        network = ROOT / "examples" / "shufflenet_v2.rfl"
        calibration = ["--precision", "int8", "--calibration", "random"]
        commands = {
            rb"making machine code, \d s": ["compile", ROOT / "examples" / "pnasnet_5_mobile.rfl", "--random-weights", 1],
            rb"(finding the weights in packed numbers|proving, draw \d+ of 9)": ["verify", network, "--exact", "--count", 9],
            rb"comparing tiles, form \d of 4": ["tune", network],
            rb"comparing on input \d+ of 999: interpreting layer \d+ of \d+": ["verify", network, "--count", 999],
            rb"timing, round \d+ of 10, \d+ s": ["bench", DIGITS, "--seconds", 3600],
            rb"measuring layer \d+ of \d+: interpreting layer \d+": ["precision", network, "--random-weights", 1, *calibration],
            rb"leaving out pass \d+ of \d+": ["bench", network, "--ablate", "--seconds", 3600],
        }
        terminals = {pattern: self.open(*words) for pattern, words in commands.items()}
        for pattern, terminal in terminals.items():
            with self.subTest(pattern):
                self.assertTrue(terminal.wait_for(rb"\r" + pattern), terminal.output)
                terminal.process.kill()

    @needs_llvm
    def test_answers_stand_alone(self):
        terminal = self.open("bench", DIGITS, "--seconds", 4)
        self.assertEqual(terminal.wait(), 0, terminal.output)
        self.assertIn(b"\rtiming, round ", terminal.output)
        left = lines_left(terminal.output)
        self.assertRegex(left[0], r"^digits for .*, 1 thread, \d+ runs$")
        self.assertNotRegex("\n".join(left), "timing|\x1b")


class Amount(Command):
    def test_quiet(self):
        """Errors are said, with their notes; other messages are not."""
        self.write("three.rfl", "network three {\n    input x: f32[1, 4, 6, 6]\n    output y = x |> relu |> relu |> relu\n}\n")
        self.assertEqual(self.succeed("reduce", "three.rfl", "--test=true", "-o", "small.rir", "--quiet"), "")
        self.write("wrong.rfl", "network wrong {\n    input x: f32[1, 4, 6, 6]\n    output y = x |> rellu\n}\n")
        loud, quiet = self.invoke("inspect", "wrong.rfl"), self.invoke("inspect", "wrong.rfl", "--quiet")
        self.assertEqual((quiet.returncode, quiet.stdout, quiet.stderr), (1, "", loud.stderr))

    @needs_llvm
    def test_verbose(self):
        words = ["verify", "small.rfl", "--verbose"]
        done = self.invoke(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, self.succeed("verify", "small.rfl"))
        works = "".join(f"riffle: {work}: 0.000 s\n" for work in [
            "reading the network", "loading weights", "running passes", "making kernels", "making machine code",
            "comparing on input"])
        self.assertEqual(re.sub(r"\d+\.\d{3} s", "0.000 s", done.stderr), works)
        self.assertEqual(self.invoke(*words, "--diagnostics-format=json").stderr, "")


if __name__ == "__main__":
    unittest.main()
