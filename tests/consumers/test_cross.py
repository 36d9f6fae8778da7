"""riffle_add_model makes code for what the build's compiler makes code for, or says that it cannot."""

import shutil
import tempfile
import unittest
from pathlib import Path

from support import PACKAGE, RIFFLE, ROOT, TINY, available, run

MACHINES = {  # compiler: (name of the system, of the processor, platform, machine in an object file)
    "gcc": ("Linux", "x86_64", "x86_64-linux-gnu", 62),
    "aarch64-linux-gnu-gcc": ("Linux", "aarch64", "aarch64-linux-gnu", 183),
    "arm-linux-gnueabihf-gcc": ("Linux", "arm", "armv7-linux-gnueabihf", 40),
}


def machines(library):
    """e_machine of each object file in an archive."""
    data, found, at = library.read_bytes(), set(), 8
    while at < len(data):
        size = int(data[at + 48:at + 58])
        member = data[at + 60:at + 60 + size]
        if member[:4] == b"\x7fELF":
            found.add(int.from_bytes(member[18:20], "little"))
        at += 60 + size + size % 2
    return found


class Cross(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-cross-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copy(TINY, self.folder)
        (self.folder / "app.c").write_text('#include "tiny.h"\nint main(void) { return tiny_status_text(0) == 0; }\n')

    def configure(self, compiler, arguments="", system=None, processor=None, languages="C", flags=""):
        """Configures a project anew under a toolchain file; returns its build folder."""
        known = MACHINES.get(compiler, ("Linux", "", "", 0))
        (self.folder / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.16)\nproject(consumer {languages})\n"
            "find_package(riffle REQUIRED NO_CMAKE_FIND_ROOT_PATH)\n"
            f"riffle_add_model(TARGET tiny SPEC tiny.rfl RANDOM_WEIGHTS 1 {arguments})\n"
            "add_executable(app app.c)\ntarget_link_libraries(app PRIVATE tiny)\n")
        (self.folder / "toolchain.cmake").write_text(
            f"set(CMAKE_SYSTEM_NAME {system or known[0]})\nset(CMAKE_C_COMPILER {compiler})\n"
            f'set(CMAKE_SYSTEM_PROCESSOR "{known[1] if processor is None else processor}")\n'
            f'set(CMAKE_C_FLAGS_INIT "{flags}")\nset(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\n')
        build = self.folder / "build"
        shutil.rmtree(build, ignore_errors=True)
        run("cmake", "-G", "Ninja", "-S", self.folder, "-B", build, f"-DCMAKE_PREFIX_PATH={PACKAGE}",
            "--toolchain", self.folder / "toolchain.cmake")
        return build

    def fault(self, *arguments, **options):
        with self.assertRaises(AssertionError) as raised:
            self.configure(*arguments, **options)
        return " ".join(str(raised.exception).split())

    def test_code_is_of_the_compilers_machine(self):
        for compiler, (_, _, platform, machine) in MACHINES.items():
            with self.subTest(compiler):
                if not available(compiler):
                    self.skipTest(f"there is no {compiler}")
                build = self.configure(compiler)
                run("cmake", "--build", build)
                self.assertEqual(machines(build / "riffle" / "tiny" / "libtiny.a"), {machine})
                self.assertIn(f'"name": "{platform}"', (build / "riffle" / "tiny" / "tiny.json").read_text())

    def test_a_toolchain_file_need_not_know_the_processor(self):
        compiler = "aarch64-linux-gnu-gcc"
        if not available(compiler):
            self.skipTest(f"there is no {compiler}")
        for processor in ("", "arm64", "x86_64"):
            with self.subTest(processor=processor):
                build = self.configure(compiler, processor=processor, flags="-flto")
                run("cmake", "--build", build, "--target", "tiny_compiled")
                self.assertEqual(machines(build / "riffle" / "tiny" / "libtiny.a"), {183})

    def test_processors_of_the_platform(self):
        compiler = "aarch64-linux-gnu-gcc"
        if not available(compiler):
            self.skipTest(f"there is no {compiler}")
        build = self.configure(compiler, "TARGET_CPU armv8-a-small")
        run("cmake", "--build", build)
        self.assertIn('"name": "armv8-a-small"', (build / "riffle" / "tiny" / "tiny.json").read_text())
        build = self.configure(compiler, "TARGET_CPU x86-64-v3")
        with self.assertRaisesRegex(AssertionError, "error: 'x86-64-v3' is a processor of x86-64, and "
                                                    "'aarch64-linux-gnu' is 64-bit ARM"):
            run("cmake", "--build", build)
        self.assertIn("TARGET_CPU is x86_64-linux-gnu, but the compiler makes code for aarch64-linux-gnu",
                      self.fault(compiler, "TARGET_CPU x86_64-linux-gnu"))

    def test_several_levels_in_one_library(self):
        build = self.configure("gcc", "TARGET_CPU x86-64-multi")
        run("cmake", "--build", build)
        self.assertEqual(machines(build / "riffle" / "tiny" / "libtiny.a"), {62})

    def test_no_such_platform(self):
        for flags in ("-m32", "-mx32"):
            with self.subTest(flags):
                self.assertIn("`riffle targets` has no platform that is what the compiler makes code for "
                              "(Linux, x86_64); if code for one of them fits, give its name as TARGET_CPU",
                              self.fault("gcc", flags=flags))
        self.configure("gcc", "TARGET_CPU x86_64-linux-gnu", flags="-mx32")

    def test_faults_are_explained(self):
        self.assertIn("riffle_add_model: --target in OPTIONS: TARGET_CPU says the processor",
                      self.fault("gcc", "OPTIONS --target=x86-64-v3"))
        self.assertIn("riffle_add_model: the project needs the language C or CXX",
                      self.fault("gcc", languages="NONE"))

    def test_names_are_those_of_the_compiler(self):
        """Each platform that the compiler can be found to have is one that --target knows."""
        source = (ROOT / "cmake" / "riffleCompilerPlatform.c.in").read_text()
        names = {line.split("=")[1].rstrip(";") for line in source.splitlines() if line.startswith("#error")} - {"none"}
        known = {line.split()[0] for line in run(RIFFLE, "targets").splitlines() if line.strip()}
        self.assertGreater(len(names), 5)
        self.assertLessEqual(names, known)


if __name__ == "__main__":
    unittest.main()
