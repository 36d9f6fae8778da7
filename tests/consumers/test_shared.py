"""The shared library that `compile --shared` makes: what can be seen of it, and that it answers as the static one."""

import ctypes
import json
import os
import platform
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import HERE, PACKAGE, RIFFLE, TINY, available, compile_network, run

LLD = available("ld.lld", *[f"ld.lld-{version}" for version in range(40, 9, -1)])[:1]
LINKERS = [*LLD, *available("ld", "ld.gold")]
UNDEFINED = re.compile(r"mem(cpy|move|set|cmp)|getauxval|__aeabi_mem(cpy|move|set|clr)[48]?")
PIXELS, FEATURES, LOGITS = 3 * 32 * 32, 24 * 8 * 8, 10


def refusal(*words, env=None):
    """What `compile` says that fails; each call must."""
    done = subprocess.run([RIFFLE, "compile", *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stderr


class Pointers(ctypes.Structure):
    _fields_ = [("first", ctypes.c_void_p), ("second", ctypes.c_void_p)]


@unittest.skipUnless(LINKERS, "there is no linker")
class SharedLibrary(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-shared-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def compile_tiny(self, *options):
        compile_network(TINY, self.folder, "--shared", *options)
        return self.folder / "libtiny.so"

    def declared(self):
        """The functions of the header that are not in it themselves."""
        header = re.sub(r"/\*.*?\*/", "", (self.folder / "tiny.h").read_text(), flags=re.DOTALL)
        return set(re.findall(r"^(?!static|typedef)\w[\w ]*[ *](tiny_\w+)\(", header, re.MULTILINE))

    def check_symbols(self, shared):
        symbols = re.findall(r"(\w) (\S+)$", run("nm", "-D", shared), re.MULTILINE)
        self.assertEqual({name for kind, name in symbols if kind not in "Uw"}, self.declared())
        for kind, name in symbols:
            self.assertTrue(kind not in "Uw" or UNDEFINED.fullmatch(name), name)

    def check_loading(self, shared, needed=()):
        """Its name, what it needs, and that no page is written and executed."""
        dynamic = run("readelf", "-dW", shared)
        self.assertEqual(re.findall(r"soname: \[(.*)\]", dynamic), ["libtiny.so"])
        self.assertEqual(re.findall(r"NEEDED.*\[(.*)\]", dynamic), list(needed))
        self.assertNotRegex(dynamic, "TEXTREL|RPATH|RUNPATH")
        segments = re.findall(r"^ +(LOAD|GNU_STACK) .* ([R ][W ][E ]) ", run("readelf", "-lW", shared), re.MULTILINE)
        self.assertIn("GNU_STACK", dict(segments))
        for kind, access in segments:
            self.assertFalse("W" in access and "E" in access, (kind, access))
        self.assertNotIn("E", dict(segments)["GNU_STACK"])

    @unittest.skipUnless(available("cmake") and available("ninja"), "there is no CMake and Ninja")
    def test_cmake(self):
        """riffle_add_model(... SHARED) makes a target that a program is linked with, beside a static one."""
        source, build = self.folder / "project", self.folder / "build"
        shutil.copytree(HERE / "package", source)
        shutil.copy(TINY, source)
        lists = source / "CMakeLists.txt"
        lists.write_text(lists.read_text().replace("TARGET tiny SPEC", "TARGET tiny SHARED SPEC"))
        run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={PACKAGE}")
        run("cmake", "--build", build)
        self.assertEqual(len(run(build / "app").split()), 17)
        needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-dW", build / "app"))
        self.assertIn("libtiny.so", needed)
        self.assertNotIn("libseven.so", needed)
        shared = build / "riffle" / "tiny" / "libtiny.so"
        self.check_loading(shared)
        before = shared.stat().st_mtime_ns
        run("cmake", "--build", build)
        self.assertEqual(shared.stat().st_mtime_ns, before, "compiled again although nothing had changed")
        spec = source / "tiny.rfl"
        spec.write_text(spec.read_text().replace("classes = 10", "classes = 11"))
        run("cmake", "--build", build)
        self.assertEqual(len(run(build / "app").split()), 18)

    def image(self):
        numbers = random.Random(1)
        return struct.pack(f"<{PIXELS}f", *(numbers.uniform(-2, 2) for _ in range(PIXELS)))

    def answer_of_c(self, *options, arguments=()):
        program = self.folder / "program"
        run("cc", "-std=gnu11", "-Wall", "-Werror", f"-I{self.folder}", HERE / "shared_library.c", *options,
            "-o", program)
        done = subprocess.run([program, *arguments], input=self.image(), capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout), 4 * (FEATURES + LOGITS))
        return done.stdout

    def answer_of_python(self, shared):
        workspace_bytes = int(re.search(r"TINY_WORKSPACE_BYTES (\d+)", (self.folder / "tiny.h").read_text())[1])
        workspace = ctypes.create_string_buffer(workspace_bytes + 64)
        aligned = (ctypes.addressof(workspace) + 63) // 64 * 64
        image = ctypes.create_string_buffer(self.image(), 4 * PIXELS)
        features, logits = ctypes.create_string_buffer(4 * FEATURES), ctypes.create_string_buffer(4 * LOGITS)
        inputs = Pointers(ctypes.addressof(image))
        outputs = Pointers(ctypes.addressof(features), ctypes.addressof(logits))
        status = ctypes.CDLL(str(shared)).tiny_run(ctypes.byref(inputs), ctypes.byref(outputs), ctypes.c_void_p(aligned))
        self.assertEqual(status, 0)
        return features.raw + logits.raw

    @unittest.skipUnless(platform.machine() == "x86_64", "the code is for x86-64")
    def test_answers(self):
        """From C and from Python, to the bit as the static library, by each linker."""
        for linker in LINKERS:
            for target in ["x86-64-v2", "x86-64-multi"]:
                with self.subTest(linker=linker, target=target):
                    shared = self.compile_tiny("--target", target, "--linker", linker)
                    self.check_symbols(shared)
                    self.check_loading(shared)
                    expected = self.answer_of_c(self.folder / "libtiny.a")
                    self.assertGreater(len(set(struct.unpack(f"<{FEATURES + LOGITS}f", expected))), FEATURES // 4)
                    self.assertEqual(self.answer_of_c("-DLOADED", "-ldl", arguments=[shared]), expected)
                    self.assertEqual(self.answer_of_c(f"-L{self.folder}", f"-Wl,-rpath,{self.folder}", "-ltiny"), expected)
                    copy = self.folder / f"{linker}-{target}.so"
                    shutil.copy(shared, copy)
                    self.assertEqual(self.answer_of_python(copy), expected)

    @unittest.skipUnless(available("cc"), "there is no C compiler")
    def test_from_c_source(self):
        shared = self.compile_tiny("--backend", "c", "--cc", "cc", "--target", "x86-64")
        self.check_symbols(shared)
        self.check_loading(shared)

    def test_weights_file_and_variants(self):
        shared = self.compile_tiny("--weights-file", "--variant", "small:size=[32, 32]", "--variant", "two:batch=2",
                                   "--name", "tiny")
        calls = {f"tiny_{name}_{call}" for name in ["small", "two"] for call in ["run", "run_parallel"]}
        self.assertLessEqual(calls, self.declared())
        self.check_symbols(shared)
        self.check_loading(shared)

    def test_other_processors(self):
        if not LLD:
            self.skipTest("there is no ld.lld")
        for target in ["aarch64-multi", "armv7-linux-gnueabihf", "aarch64-linux-android24", "armv7a-linux-androideabi24",
                       "x86_64-linux-android24"]:
            with self.subTest(target=target):
                shared = self.compile_tiny("--target", target)
                self.check_symbols(shared)
                self.check_loading(shared, ["libc.so"] if "android" in target else [])
                if "android" in target:
                    self.assertRegex(run("readelf", "-lW", shared), r"LOAD .* 0x4000\n")

    def test_description(self):
        self.compile_tiny()
        self.assertEqual(json.loads((self.folder / "tiny.json").read_text())["shared_library"], "libtiny.so")
        compile_network(TINY, self.folder)
        self.assertNotIn("shared_library", json.loads((self.folder / "tiny.json").read_text()))

    def test_reproducible(self):
        first = self.compile_tiny().read_bytes()
        again = self.compile_tiny("--linker", shutil.which(LINKERS[0]))
        self.assertEqual(again.read_bytes(), first)
        self.assertNotIn(str(self.folder).encode(), first)
        self.assertNotIn(tempfile.gettempdir().encode(), first)

    def test_relative_linker(self):
        (self.folder / LINKERS[0]).symlink_to(shutil.which(LINKERS[0]))
        compile_network(TINY, "out", "--shared", "--linker", f"./{LINKERS[0]}", cwd=self.folder)
        self.assertTrue((self.folder / "out" / "libtiny.so").exists())

    def test_refused(self):
        out = self.folder / "out"
        words = [TINY, "--random-weights", "1", "-o", out]
        for options, said in [
                (["--shared", "--target", "wasm32-simd128"], "Linux and Android, and 'wasm32-simd128' is neither"),
                (["--shared", "--target", "x86_64-pc-windows-msvc"], "Linux and Android"),
                (["--shared", "--target", "cuda-sm_90"], "--shared is not for a GPU"),
                (["--shared", "--backend", "c"], "only with a C compiler"),
                (["--linker", "ld"], "none is made"),
                (["--shared", "--linker", "no-such-linker"], "cannot run the linker 'no-such-linker': No such file"),
                (["--shared", "--linker", "false"], "the linker 'false' made no shared library"),
                (["--shared", "--linker", "true"], "library.so': No such file")]:
            with self.subTest(options=options):
                status, messages = refusal(*words, *options)
                self.assertEqual(status, 1)
                self.assertIn(said, messages)
                self.assertFalse(out.exists())
        status, messages = refusal(*words, "--shared", env={"PATH": str(self.folder)})
        self.assertEqual(status, 1)
        self.assertIn("there is no linker that makes a shared library for 'x86-64-v3'\nhint: install", messages)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
