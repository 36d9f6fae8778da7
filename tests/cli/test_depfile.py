"""compile --depfile: each file that was read, in words that Make understands; what NAME.json and a bill of materials say of
them."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support import NETWORK, RIFFLE, Command, float_bytes, has_llvm, safetensors

UNITS = "unit block(x) {\n    return x |> relu\n}\n"


class Depfile(Command):
    def compile(self, spec, *options, backend="c"):
        self.succeed("compile", spec, "--backend", backend, "--depfile", "net.d", "-o", "out", *options)

    def rules(self):
        """Targets and their prerequisites, as riffle lays them out."""
        found, target = {}, None
        for line in (self.folder / "net.d").read_text().splitlines():
            line = line.removesuffix(" \\")
            if line.startswith("  "):
                found[target].append(line[2:])
            else:
                self.assertEqual(line[-1], ":")
                target = line[:-1]
                found[target] = []
        return found

    def write_importing(self, path):
        quoted = path.replace("\\", "\\\\")
        self.write("net.rfl", f'import "{quoted}"\n' + NETWORK.replace("|> relu", "|> block"))
        (self.folder / path).parent.mkdir(exist_ok=True)
        self.write(path, UNITS)

    def test_imports(self):
        self.write_importing("units/block.rfl")
        self.compile("net.rfl", "--random-weights", 1)
        target = next(iter(self.rules()))
        self.assertTrue((self.folder / target).is_file(), "the target is a file that was written")
        self.assertEqual(self.rules(), {target: ["net.rfl", "units/block.rfl"], "net.rfl": [], "units/block.rfl": []})

    def test_hashes(self):
        """Lengths about the ends of blocks: hashlib agrees. Only the bill names the files."""
        self.write("w.safetensors", safetensors({"conv.weight": [8, 3, 3, 3], "fc.weight": [4, 8], "fc.bias": [4]}))
        self.write_importing("units/block.rfl")
        for length in [118, 119, 120, 127, 128, 129, 65535, 65536, 65537]:
            self.write("units/block.rfl", UNITS + "#" * (length - len(UNITS)))
            self.compile("net.rfl", "--weights", "w.safetensors", "--emit", "cyclonedx")
            expected = {Path(name).name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
                        for name in ["net.rfl", "units/block.rfl", "w.safetensors"]}
            description = json.loads((self.folder / "out" / "small.json").read_text())
            self.assertEqual(description["made_of"], [{"sha256": digest} for digest in expected.values()])
        version = subprocess.run([RIFFLE, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.assertEqual((description["compiler"], description["compiler_version"]), ("riffle", version))
        bill = json.loads((self.folder / "out" / "small.cdx.json").read_text())
        self.assertEqual((bill["bomFormat"], bill["specVersion"], bill["metadata"]["component"]["name"]), ("CycloneDX", "1.6", "small"))
        self.assertEqual(bill["metadata"]["tools"]["components"], [{"type": "application", "name": "riffle", "version": version}])
        self.assertEqual(bill["components"], [
            {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]} for name, digest in expected.items()])

    @unittest.skipUnless(has_llvm(), "skipped: this riffle has no LLVM")
    def test_what_else_is_read(self):
        self.write("w.safetensors", safetensors(
            {"conv.weight": [8, 3, 3, 3], "fc.weight": [4, 8], "fc.bias": [4]}))
        self.write("x.f32", float_bytes([i / 192 for i in range(192)]))
        self.compile("small.rfl", "--weights", "w.safetensors", "--precision", "int8", "--calibration", "x.f32",
                     backend="llvm")
        self.assertEqual(next(iter(self.rules().values())), ["small.rfl", "w.safetensors", "x.f32"])

    @unittest.skipUnless(has_llvm(), "skipped: this riffle has no LLVM")
    def test_tuning(self):
        self.succeed("tune", "small.rfl", "--random-weights", 1, "--seconds", "0.01", "-o", "small.tuning")
        self.succeed("compile", "small.rfl", "--random-weights", 1, "--target", "native", "--tuning", "small.tuning",
                     "--depfile", "net.d", "-o", "out")
        self.assertEqual(sorted(self.rules()["out/libsmall.a"]), ["small.rfl", "small.tuning"])

    @unittest.skipUnless(shutil.which("make"), "skipped: there is no make")
    def test_make_finds_names_with_spaces(self):
        """make itself says whether a rule names the file that is there: a change makes the target again."""
        for number, name in enumerate(["a b", "a#b", "a$b", "a\\b", "a\\ b", "$(x) #", "a  b"]):
            with self.subTest(name):
                path = f"{name}/block{number}.rfl"
                self.write_importing(path)
                self.compile("net.rfl", "--random-weights", 1)
                target = next(iter(self.rules()))
                self.write("Makefile", f"{target}:\n\techo again\ninclude net.d\n")
                ask = ["make", "-q", target]
                self.assertEqual(subprocess.run(ask, cwd=self.folder, check=False, stderr=subprocess.DEVNULL).returncode, 0, "up to date")
                later = (self.folder / target).stat().st_mtime + 10
                os.utime(self.folder / path, (later, later))
                self.assertEqual(subprocess.run(ask, cwd=self.folder, check=False, stderr=subprocess.DEVNULL).returncode, 1, "a file changed")

    def test_faults(self):
        self.write("a\nb.rfl", NETWORK)
        done = self.invoke("compile", "a\nb.rfl", "--random-weights", "1", "--backend", "c", "--depfile", "net.d",
                           "-o", "out")
        self.assertEqual((done.returncode, done.stderr), (
            1, "riffle: error: --depfile: a path with a line break cannot be written in a Makefile: 'a\\x0ab.rfl'\n"
               "hint: rename it, or leave out --depfile\n"))
        (self.folder / "taken").mkdir()
        before = self.files()
        self.expect_error("compile small.rfl --random-weights 1 --backend c --depfile taken -o out",
                          "riffle: error: cannot write 'taken': Is a directory\n")
        self.assertEqual(self.files(), before, "nothing is left behind")


if __name__ == "__main__":
    unittest.main()
