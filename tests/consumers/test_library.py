"""What is in the library: symbols, sections, size; that it is reproducible; what making it takes."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support import RIFFLE, SHUFFLENET, TINY, compile_network, run, totals

# What a C compiler may ask of any environment, freestanding ones too.
ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
SANITIZED = os.environ.get("RIFFLE_SANITIZED") == "1"
MOST_BYTES_BESIDE_WEIGHTS = 400_000
MOST_MEMORY_BESIDE_WEIGHTS = 300_000_000


class Library(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-library-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def symbols(self, library):
        """Of the library: (kind, name) as nm prints them."""
        return re.findall(r"^[0-9a-f ]{16} (\S) (\S+)$", run("nm", library), re.MULTILINE)

    def check_symbols(self, library, name):
        symbols = self.symbols(library)
        defined = {symbol for kind, symbol in symbols if kind.isupper() and kind not in "UwW"}
        undefined = {symbol for kind, symbol in symbols if kind in "Uw"} - defined
        self.assertTrue(undefined <= ALLOWED, f"undefined: {sorted(undefined - ALLOWED)}")
        self.assertTrue({f"{name}_run", f"{name}_run_parallel"} <= defined, sorted(defined))
        strangers = [symbol for symbol in defined if not symbol.startswith(f"{name}_")]
        self.assertEqual(strangers, [], "global symbols without the network's name")
        index = run("nm", "-s", library).split("\n\n")[0]
        self.assertIn(f"{name}_run in ", index)

    def check_sections(self, library):
        """No byte of writable data; no section that is written and executed."""
        sizes = re.findall(r"^(\.\S+)\s+(\d+)\s+\d+$", run("size", "-A", library), re.MULTILINE)
        self.assertTrue(any(section.startswith(".text") for section, _ in sizes))
        writable = [(section, size) for section, size in sizes
                    if re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)", section) and size != "0"]
        self.assertEqual(writable, [])

    def test_symbols_and_sections(self):
        for target in ["x86-64", "x86-64-v3", "x86-64-v4", "x86-64-multi"]:
            with self.subTest(target=target):
                compile_network(TINY, self.folder, "--name", "tiny", "--target", target)
                self.check_symbols(self.folder / "libtiny.a", "tiny")
                self.check_sections(self.folder / "libtiny.a")

    def test_links_without_libraries(self):
        for target in ["x86-64-v3", "x86-64-multi"]:
            with self.subTest(target=target):
                self.check_links_without_libraries(target)

    def check_links_without_libraries(self, target):
        """A shared object of the whole archive needs no text relocations and nothing undefined."""
        compile_network(TINY, self.folder, "--name", "tiny", "--target", target)
        shared = self.folder / "tiny.so"
        run("cc", "-shared", "-nostdlib", "-Wl,-z,text", "-Wl,--whole-archive", self.folder / "libtiny.a",
            "-Wl,--no-whole-archive", "-lc", "-Wl,-z,defs", "-o", shared)
        needed = re.findall(r"NEEDED\)\s+Shared library: \[(.*)\]", run("readelf", "-d", shared))
        self.assertTrue(set(needed) <= {"libc.so.6"}, needed)

    def test_reproducible(self):
        """Equal specs from different directories, named differently, give equal bytes."""
        results = []
        for place, name in [("here", "tiny.rfl"), ("elsewhere/and/deeper", "copy.rfl")]:
            source = self.folder / place
            source.mkdir(parents=True)
            shutil.copy(TINY, source / name)
            relative = place == "here"
            compile_network(name if relative else source / name, source / "out", "--name", "tiny",
                            "--emit", "ll,s,o,rir,schedule,kernels", cwd=source if relative else "/")
            results.append({file.name: file.read_bytes() for file in (source / "out").iterdir()})
        self.assertEqual(sorted(results[0]), sorted(results[1]))
        self.assertGreaterEqual(len(results[0]), 8)
        for name, contents in results[0].items():
            self.assertEqual(contents, results[1][name], f"{name} differs")
            self.assertNotIn(str(self.folder).encode(), contents)

    def test_metadata(self):
        compile_network(TINY, self.folder, "--name", "tiny")
        data = json.loads((self.folder / "tiny.json").read_text())
        self.assertEqual([entry["name"] for entry in data["inputs"]], ["image"])
        self.assertEqual(data["inputs"][0]["shape"], [1, 3, 32, 32])
        self.assertEqual([entry["name"] for entry in data["outputs"]], ["features", "logits"])
        self.assertEqual(data["totals"]["steps"], len(data["steps"]))
        self.assertEqual(data["totals"]["macs"], totals(TINY)["macs"])
        self.assertGreaterEqual(data["totals"]["workspace_bytes"], data["totals"]["workspace_lower_bound_bytes"])
        for entry in data["buffers"]:
            if entry["kind"] == "workspace":
                self.assertLessEqual(entry["offset"] + entry["bytes"], data["totals"]["workspace_bytes"])

    def test_size_memory_time(self):
        """ShuffleNet V2 1.0x: the limits of the project. Time depends on the machine: it is printed."""
        weight_bytes = 4 * totals(SHUFFLENET, "--set", "width=1.0")["parameters"]
        words = [RIFFLE, "compile", str(SHUFFLENET), "--set", "width=1.0", "--random-weights", "1",
                 "--name", "v2", "--target", "x86-64-v3", "-o", str(self.folder)]
        start = time.monotonic()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        size, memory = (self.folder / "libv2.a").stat().st_size, usage.ru_maxrss * 1024
        print(f"\nShuffleNet V2 1.0x: {seconds:.2f} s, {memory / 1e6:.0f} MB of memory, library {size:,} bytes "
              f"({size - weight_bytes:+,} beside the weights)")
        self.check_symbols(self.folder / "libv2.a", "v2")
        self.assertLessEqual(size, weight_bytes + MOST_BYTES_BESIDE_WEIGHTS)
        if SANITIZED:
            self.skipTest("the sanitizer takes memory of its own")
        self.assertLessEqual(memory, weight_bytes + MOST_MEMORY_BESIDE_WEIGHTS)


if __name__ == "__main__":
    unittest.main()
