"""Weights as a file of their own: what a program gives the library, and what it refuses."""

import json
import shutil
import struct
import tempfile
import unittest
from pathlib import Path

from support import HERE, RIFFLE, SHUFFLENET, TINY, compile_network, run

OK, NULL_POINTER, OTHER, MISALIGNED, DAMAGED = 0, 1, 5, 6, 11
HEADER = struct.Struct("<QQQQQ24x")
MARK = int.from_bytes(b"\x89rifflew", "little")


class WeightsFile(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-weights-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def link(self, *options):
        """The program, and the first file that fits it."""
        compile_network(TINY, self.folder, "--weights-file", *options)
        program = self.folder / "program"
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", self.folder, HERE / "weights_file.c",
            self.folder / "libtiny.a", "-lm", "-o", program)
        return program, self.folder / "tiny.weights"

    def statuses(self, program, *files):
        lines = [line.split() for line in run(program, *files).splitlines()]
        self.assertEqual(lines[0], ["null", str(NULL_POINTER), str(NULL_POINTER), str(NULL_POINTER)])
        self.assertEqual(lines[1], ["misaligned", str(MISALIGNED), str(MISALIGNED), str(DAMAGED)])
        for line in lines[2:]:
            self.assertEqual(line[1], line[2])
            self.assertEqual(line[3], line[1])
        return [int(line[1]) for line in lines[2:]], [line[4:] for line in lines[2:]]

    def checks(self, program, *files):
        """What the check says of each, which the library may not have been given whole."""
        return [int(run(program, file).splitlines()[2].split()[3]) for file in files]

    def changed(self, file, name, **fields):
        """A copy of the file with another header."""
        data = file.read_bytes()
        header = dict(zip(["mark", "version", "layout", "bytes", "checksum"], HEADER.unpack_from(data)))
        path = self.folder / name
        path.write_bytes(HEADER.pack(*{**header, **fields}.values()) + data[HEADER.size:])
        return path

    def expect_same_as_inside(self, *options):
        program, file = self.link(*options)
        (_,), (logits,) = self.statuses(program, file)
        inside = self.folder / "inside"
        compile_network(TINY, inside, *options)
        source = (HERE / "weights_file.c").read_text().replace(
            "{image, weights}", "{image}; (void)weights").replace("tiny_check_weights(weights, length)", "(int)length * 0")
        (inside / "inside.c").write_text(source)
        run("cc", "-std=c11", "-I", inside, inside / "inside.c", inside / "libtiny.a", "-lm", "-o", inside / "inside")
        lines = run(inside / "inside", file).splitlines()
        self.assertEqual(lines[2].split()[4:], logits)
        self.assertEqual(len(logits), 10)
        self.assertLess((self.folder / "libtiny.a").stat().st_size, (inside / "libtiny.a").stat().st_size)

    def test_same_answers(self):
        self.expect_same_as_inside("--target", "native")

    def test_same_answers_of_levels(self):
        self.expect_same_as_inside("--target", "x86-64-multi")

    def test_same_answers_from_c(self):
        self.expect_same_as_inside("--backend", "c", "--cc", "cc")

    def test_new_weights_need_no_new_library(self):
        program, first = self.link()
        second = self.folder / "second"
        compile_network(TINY, second, "--weights-file", seed=2)
        code, logits = self.statuses(program, first, second / "tiny.weights", first)
        self.assertEqual(code, [OK, OK, OK])
        self.assertNotEqual(logits[0], logits[1])
        self.assertEqual(logits[0], logits[2])
        shutil.copy(second / "libtiny.a", self.folder / "libtiny.a")
        self.assertEqual((second / "libtiny.a").read_bytes(), (self.folder / "libtiny.a").read_bytes())

    def test_refused(self):
        program, file = self.link()
        other = self.folder / "other"
        compile_network(TINY, other, "--weights-file", "--set", "classes=11")
        compile_network(TINY, other / "target", "--weights-file", "--target", "x86-64-v4")
        header = self.folder / "header"
        header.write_bytes(file.read_bytes()[:HEADER.size])
        noise = self.folder / "noise"
        noise.write_bytes(bytes(range(256)) * 100)
        layout = HEADER.unpack_from(file.read_bytes())[2]
        files = {
            file: OK,
            other / "tiny.weights": OTHER,
            other / "target" / "tiny.weights": OTHER,
            noise: OTHER,
            self.changed(file, "mark", mark=MARK ^ 1): OTHER,
            self.changed(file, "newer", version=2): OTHER,
            self.changed(file, "layout", layout=layout ^ 1 << 63): OTHER,
            self.changed(file, "length", bytes=file.stat().st_size): OTHER,
        }
        self.assertEqual(self.statuses(program, *files)[0], list(files.values()))

    def test_damaged(self):
        """One bit anywhere; what a run does not look at."""
        for options in ([], ["--backend", "c", "--cc", "cc"], ["--target", "x86-64-multi"]):
            program, file = self.link(*options)
            data = bytearray(file.read_bytes())
            self.assertEqual(self.checks(program, file), [OK])
            for place in (HEADER.size, len(data) // 2, len(data) - 1, 32, 39):
                changed = data.copy()
                changed[place] ^= 0x10
                (self.folder / "changed").write_bytes(changed)
                self.assertEqual(self.checks(program, self.folder / "changed"), [DAMAGED], place)
            (self.folder / "longer").write_bytes(data + bytes(100))
            self.assertEqual(self.checks(program, self.folder / "longer"), [OK])
            checked = (HERE / "weights_file.c").read_text().replace("tiny_run(&inputs, &outputs, workspace)", "0").replace(
                "tiny_run_parallel(&inputs, &outputs, workspace, here, NULL)", "1").replace(
                    "    const struct tiny_inputs inputs = {image, weights};\n", "").replace(
                        "    const struct tiny_outputs outputs = {features, logits};\n", "    (void)here, (void)features;\n")
            (self.folder / "check.c").write_text(checked)
            run("cc", "-std=c11", "-I", self.folder, self.folder / "check.c", self.folder / "libtiny.a", "-lm", "-o",
                self.folder / "check")
            for length in (1, 63, 64, len(data) // 2, len(data) - 1):
                (self.folder / "short").write_bytes(data[:length])
                self.assertEqual(self.checks(self.folder / "check", self.folder / "short"), [DAMAGED], length)

    def test_description(self):
        """The checksum is XXH64's."""
        _, file = self.link()
        mark, version, layout, length, checksum = HEADER.unpack_from(file.read_bytes())
        self.assertEqual((mark, version), (MARK, 1))
        self.assertEqual(file.read_bytes()[40:64], bytes(24))
        self.assertEqual(length, file.stat().st_size - 64)
        about = json.loads((self.folder / "tiny.json").read_text())["weights_file"]
        self.assertEqual(about, {"name": "tiny.weights", "bytes": file.stat().st_size, "layout": f"{layout:016x}",
                                 "checksum": f"{checksum:016x}"})
        self.assertIn(f"#define TINY_WEIGHTS_BYTES {file.stat().st_size}\n", (self.folder / "tiny.h").read_text())

    def test_size(self):
        compile_network(SHUFFLENET, self.folder, "--name", "net", "--weights-file")
        self.assertLess((self.folder / "libnet.a").stat().st_size, 400_000)
        self.assertGreater((self.folder / "net.weights").stat().st_size, 9_000_000)


if __name__ == "__main__":
    unittest.main()
