"""A project in a fresh directory finds riffle and gets a network as a library target."""

import shutil
import tempfile
import time
import unittest
from pathlib import Path

from support import HERE, PACKAGE, RIFFLE, ROOT, TINY, available, read_floats, run, settings_of_this_build, write_floats


def expected_logits(folder, image, classes, seed):
    """What riffle's interpreter says."""
    outputs = [folder / "features.f32", folder / "logits.f32"]
    write_floats(folder / "image.f32", image)
    run(RIFFLE, "run", TINY, "--interpret", "--set", f"classes={classes}", "--random-weights", seed,
        "--input", folder / "image.f32", "--output", outputs[0], "--output", outputs[1])
    return read_floats(outputs[1])


SETTINGS = [f"-D{name}={value}" for name, value in settings_of_this_build(PACKAGE).items()]


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-consumer-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = self.folder / "project"
        shutil.copytree(HERE / "package", self.source)
        shutil.copy(TINY, self.source)

    def configure(self, prefix, build, *options):
        run("cmake", "-G", "Ninja", "-S", self.source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *options)

    def check_app(self, build):
        printed = [float(line) for line in run(build / "app").split()]
        image = [(i % 17) / 8 - 1 for i in range(3 * 32 * 32)]
        expected = [*expected_logits(self.folder, image, 10, 1), *expected_logits(self.folder, image, 7, 2)]
        self.assertEqual(len(printed), 17)
        largest = max(map(abs, expected))
        self.assertGreater(largest, 0)
        for number, wanted in zip(printed, expected):
            self.assertLessEqual(abs(number - wanted), 1e-4 * largest)

    def test_build_tree(self):
        build = self.folder / "build"
        self.configure(PACKAGE, build)
        run("cmake", "--build", build)
        self.check_app(build)

        library = build / "riffle" / "tiny" / "libtiny.a"
        before = library.stat().st_mtime_ns
        run("cmake", "--build", build)
        self.assertEqual(library.stat().st_mtime_ns, before, "compiled again although nothing had changed")
        time.sleep(0.01)
        spec = self.source / "tiny.rfl"
        spec.write_text(spec.read_text().replace("classes = 10", "classes = 11"))
        run("cmake", "--build", build)
        self.assertNotEqual(library.stat().st_mtime_ns, before, "not compiled again after the spec changed")
        header = (build / "riffle" / "tiny" / "tiny.h").read_text()
        self.assertIn("#define TINY_OUTPUT_LOGITS_ELEMENTS 11\n", header)
        self.assertEqual(len(run(build / "app").split()), 18)

    def test_what_a_spec_imports_is_watched(self):
        spec = self.source / "tiny.rfl"
        (self.source / "units of mine").mkdir()
        units = self.source / "units of mine" / "more.rfl"
        units.write_text("unit unused(x) {\n    return x |> relu\n}\n")
        spec.write_text('import "units of mine/more.rfl"\n' + spec.read_text())
        for generator in ("Ninja", *(["Unix Makefiles"] if available("make") else [])):
            with self.subTest(generator):
                build = self.folder / generator
                run("cmake", "-G", generator, "-S", self.source, "-B", build, f"-DCMAKE_PREFIX_PATH={PACKAGE}")
                run("cmake", "--build", build)
                library = build / "riffle" / "tiny" / "libtiny.a"
                before = library.stat().st_mtime_ns
                run("cmake", "--build", build)
                self.assertEqual(library.stat().st_mtime_ns, before, "compiled again although nothing had changed")
                time.sleep(1.1)
                units.write_text(units.read_text() + "# changed\n")
                run("cmake", "--build", build)
                self.assertNotEqual(library.stat().st_mtime_ns, before, "not compiled again after the import changed")

    def test_installed(self):
        prefix, build = self.folder / "prefix", self.folder / "build"
        run("cmake", "--install", PACKAGE, "--prefix", prefix)
        self.configure(prefix, build, "-G", "Ninja")
        cache = (build / "CMakeCache.txt").read_text()
        self.assertIn(f"{prefix}/bin/riffle", cache)
        run("cmake", "--build", build)
        self.check_app(build)

    def use_sources(self, how):
        lists = self.source / "CMakeLists.txt"
        text = lists.read_text()
        self.assertIn("find_package(riffle REQUIRED)", text)
        lists.write_text(text.replace("VERSION 3.16", "VERSION 3.25").replace("find_package(riffle REQUIRED)", how))

    def test_subdirectory(self):
        """riffle is built along; its program and the models' folders lie in the same build tree."""
        build = self.folder / "build"
        self.use_sources(f'add_subdirectory("{ROOT}" riffle-build EXCLUDE_FROM_ALL)')
        self.configure("", build, *SETTINGS)
        targets = run("ninja", "-C", build, "-t", "targets", "all")
        self.assertNotIn("riffle-build/tests/", targets, "tests of riffle are no part of other projects")
        run("cmake", "--build", build, "--", "-j2")
        self.check_app(build)
        library = build / "riffle" / "tiny" / "libtiny.a"
        before = library.stat().st_mtime_ns
        run("cmake", "--build", build)
        self.assertEqual(library.stat().st_mtime_ns, before, "compiled again although nothing had changed")

    def test_fetch_content(self):
        build = self.folder / "build"
        self.use_sources(f'include(FetchContent)\nFetchContent_Declare(riffle SOURCE_DIR "{ROOT}")\n'
                         "FetchContent_MakeAvailable(riffle)")
        (self.source / "CMakeLists.txt").open("a").write(
            "get_target_property(old riffle::riffle_runtime ALIASED_TARGET)\n"
            "get_target_property(pass riffle::pass ALIASED_TARGET)\nmessage(STATUS \"names: ${old} ${pass}\")\n")
        run("cmake", "-G", "Ninja", "-S", self.source, "-B", build, *SETTINGS)
        self.assertIn("riffle compile", run("ninja", "-C", build, "-t", "commands", "app"))

    def test_faults_are_explained(self):
        (self.source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\nfind_package(riffle REQUIRED)\n"
            "riffle_add_model(TARGET tiny WEIGHTS w.safetensors)\n")
        with self.assertRaisesRegex(AssertionError, "riffle_add_model: SPEC is missing"):
            self.configure(PACKAGE, self.folder / "build")


if __name__ == "__main__":
    unittest.main()
