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
from pathlib import Path

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


def lives(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Terminal:
    """A process whose standard output and error are one terminal."""

    def __init__(self, words, folder, kind="xterm", columns=120, **variables):
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": kind, "NO_COLOR": "1", **variables}
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

    def end(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.end()
        os.close(self.file)


class Progress(Command):
    def open(self, *words, **more):
        terminal = Terminal(words, self.folder, **more)
        self.addCleanup(terminal.close)
        return terminal

    def slow_command(self, name="first", seconds=1):
        """Looks for a shuffle among four layers; the first three times, noted in a file of that name, take so long."""
        self.write("four.rfl", "network four {\n    input x: f32[1, 4, 6, 6]\n"
                               "    output y = x |> relu |> sigmoid |> shuffle(2) @ s |> hard_swish\n}\n")
        self.write("slow.sh", "echo $$ >>$1\n[ $(wc -l <$1) -gt 3 ] || sleep $2\ngrep -q '= shuffle' $3\n")
        return f"sh slow.sh {name} {seconds}"

    def reduction(self, name="first"):
        """Of four layers to one; the first attempts take long enough for a line."""
        return ["reduce", "four.rfl", "--test", self.slow_command(name), "-o", f"{name}.rir"]

    def see_all(self, commands):
        """Runs the commands all at once, each until it says what belongs to it."""
        terminals = {pattern: self.open(*words) for pattern, words in commands.items()}
        waiting = dict(terminals)
        while waiting:
            ready, _, _ = select.select([terminal.file for terminal in waiting.values()], [], [], SECONDS)
            for pattern, terminal in list(waiting.items()):
                ended = not ready or (terminal.file in ready and not terminal.read())
                if ended or re.search(rb"\r" + pattern, terminal.output):
                    terminal.end()
                    del waiting[pattern]
        for pattern, terminal in terminals.items():
            with self.subTest(pattern):
                self.assertRegex(terminal.output, rb"\r" + pattern)

    def test_line_and_its_end(self):
        """The line comes after two seconds, fits, and is gone when the message is printed."""
        columns = 30
        began = time.monotonic()
        terminal = self.open(*self.reduction(), columns=columns)
        self.assertTrue(terminal.wait_for(rb"\rreducing, attempt \d+, "), terminal.output)
        self.assertGreater(time.monotonic() - began, 1.9)
        self.assertEqual(terminal.wait(), 0, terminal.output)
        shown = re.findall(rb"\r([^\r\n]*)\x1b\[K", terminal.output)
        self.assertIn(b"", shown)
        self.assertLess(max(map(len, shown)), columns)
        self.assertRegex("\n".join(lines_left(terminal.output)) + "\n", rf"^{NOTE}$")

    def test_nowhere_else(self):
        """Not when piped, nor quiet, nor where the terminal cannot take a line away, nor between JSON."""
        piped, quiet, dumb, json = map(self.reduction, ["piped", "quiet", "dumb", "json"])  # before any runs: it writes files
        piped = subprocess.Popen([RIFFLE, *piped], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=self.folder, text=True)
        others = [self.open(*quiet, "--quiet"), self.open(*dumb, kind="dumb"),
                  self.open(*json, "--diagnostics-format", "json")]
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
        command = ["opt", "four.rfl", "--passes=simplify,fold-bias,merge-layout,dead-code", "--reproducer=reproducer.rir"]
        piped = self.invoke(*command, "--bisect-command=" + self.slow_command("piped", 0))
        terminal = self.open(*command, "--bisect-command=" + self.slow_command())
        self.assertEqual(terminal.wait(), 1, terminal.output)
        self.assertIn(b"\rlooking for the first pass that fails, trial ", terminal.output)
        self.assertEqual(sorted(lines_left(terminal.output)), sorted((piped.stdout + piped.stderr).splitlines()))

    def test_crash(self):
        """The line of a process that is killed is taken away, too; so are the command that it ran and its file."""
        temporary = self.folder / "temporary"
        temporary.mkdir()
        command = self.slow_command(seconds=600)
        terminal = self.open("opt", "four.rfl", f"--bisect-command={command}", "--timeout=3", TMPDIR=str(temporary))
        self.assertEqual(terminal.wait(), 1, terminal.output)
        self.assertIn(b"\rlooking for the first pass that fails, trial 1, ", terminal.output)
        self.assertEqual(lines_left(terminal.output), ["riffle: the pipeline took longer than --timeout allows",
                                                       "riffle: error: the check fails before any pass has run"])
        self.assertEqual(list(temporary.iterdir()), [])
        self.assertFalse(lives(int((self.folder / "first").read_text())))

    def test_laboratory(self):
        rules = ROOT / "examples" / "rules" / "first.rfl"
        commands = {
            rb"testing rule on random graph \d+ of 100000, ": ["opt", f"--rules={rules}", "--test-rules=100000"],
            rb"(running passes: pass|interpreting layer) \d+ of \d+": ["opt", ROOT / "examples" / "vgg.rfl", "--check"],
        }
        self.see_all(commands)

    @needs_llvm
    def test_commands(self):
        """Each says what it is at."""
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
        self.see_all(commands)

    @needs_llvm
    def test_answers_stand_alone(self):
        terminal = self.open("bench", DIGITS, "--seconds", 3)
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
