"""The example's native part, built as an NDK project builds it: for each ABI, by the NDK's toolchain file and by
CMake's own support for Android."""

import re
import shutil
import tempfile
import unittest
from pathlib import Path

import ndk
import prefab
from ndk import ABIS, DIGITS, EXAMPLE, LEVEL, PACKAGE, read_elf, run, symbols

JNI_FUNCTIONS = {"Java_org_example_digits_Digits_classify", "Java_org_example_digits_Digits_classifyFrame",
                 "Java_org_example_digits_Digits_classifyBuffer"}


def symbols_of(library, undefined):
    """Names in the dynamic symbol table, of those that are undefined or of those that are not."""
    found = set()
    for line in read_elf(library, "--dyn-syms").splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[0].rstrip(":").isdigit() and (fields[6] == "UND") == undefined:
            found.add(fields[7].split("@")[0])
    return found


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="riffle-android-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.ndk = ndk.ndk(cls.folder)

    def by_toolchain_file(self, abi, platform=f"android-{LEVEL}"):
        return ("-DCMAKE_TOOLCHAIN_FILE=" + str(self.ndk / "build" / "cmake" / "android.toolchain.cmake"),
                f"-DANDROID_ABI={abi}", f"-DANDROID_PLATFORM={platform}")

    def by_cmake(self, abi, level=LEVEL):
        return ("-DCMAKE_SYSTEM_NAME=Android", f"-DCMAKE_SYSTEM_VERSION={level}", f"-DCMAKE_ANDROID_ARCH_ABI={abi}",
                f"-DCMAKE_ANDROID_NDK={self.ndk}")

    def configure(self, name, *options, source=EXAMPLE, found=f"-DCMAKE_PREFIX_PATH={PACKAGE}", architecture="",
                  expect_failure=False):
        build = self.folder / name
        options += (f"-DCMAKE_LIBRARY_ARCHITECTURE={architecture}",) if architecture else ()
        said = run("cmake", "-G", "Ninja", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", found, *options,
                   expect_failure=expect_failure)
        return said if expect_failure else build

    def check_library(self, library, abi):
        _, machine, _ = ABIS[abi]
        self.assertRegex(read_elf(library, "-h"), rf"Machine: +{machine}\n")
        self.assertRegex(read_elf(library, "-h"), r"Type: +DYN ")
        dynamic = read_elf(library, "-d")
        self.assertNotIn("TEXTREL", dynamic)
        needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
        self.assertLessEqual(needed, {"libc.so", "libm.so", "libdl.so"})
        loads = re.findall(r"^ +LOAD .* (0x[0-9a-f]+)$", read_elf(library, "-lW"), re.MULTILINE)
        self.assertGreaterEqual(len(loads), 2)
        for alignment in loads:
            self.assertEqual(int(alignment, 16) % 16384, 0, "segments must fit pages of 16 KiB")
        self.assertEqual(symbols_of(library, undefined=False), JNI_FUNCTIONS)
        allowed = {name for names in symbols(LEVEL).values() for name in names}
        self.assertLessEqual(symbols_of(library, undefined=True), allowed)

    def copy_sources(self, project):
        for name in ("classify.c", "hardware_buffer.c", "digits_jni.h"):
            shutil.copy(EXAMPLE / name, project)

    def test_all_abis(self):
        for abi in ABIS:
            for style, options in (("toolchain", self.by_toolchain_file(abi)), ("cmake", self.by_cmake(abi))):
                with self.subTest(f"{abi} by {style}"):
                    build = self.configure(f"{abi}-{style}", *options)
                    run("cmake", "--build", build)
                    self.check_library(build / "libclassify.so", abi)

    def test_found_by_its_folder(self):
        """riffle_DIR is what Gradle passes on."""
        build = self.configure("by-folder", *self.by_toolchain_file("arm64-v8a"),
                               found=f"-Driffle_DIR={PACKAGE}/lib/cmake/riffle")
        self.assertIn(f"RIFFLE_EXECUTABLE:FILEPATH={PACKAGE}/riffle", (build / "CMakeCache.txt").read_text())

    def test_package(self):
        """A package made beforehand, in a project that knows no riffle."""
        project = self.folder / "project"
        project.mkdir()
        self.copy_sources(project)
        run(ndk.RIFFLE, "android-package", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--abi",
            "arm64-v8a,armeabi-v7a", "-o", project / "digits-android")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(packaged C)\n"
            "find_package(digits REQUIRED PATHS ${CMAKE_CURRENT_SOURCE_DIR}/digits-android NO_DEFAULT_PATH\n"
            "    NO_CMAKE_FIND_ROOT_PATH)\n"
            "add_library(classify SHARED classify.c hardware_buffer.c)\n"
            "target_link_libraries(classify PRIVATE digits::digits dl)\n"
            "target_link_options(classify PRIVATE -Wl,-z,max-page-size=16384 -Wl,-z,text -Wl,--no-undefined\n"
            "    -Wl,--exclude-libs,ALL)\n")
        for abi in ("arm64-v8a", "armeabi-v7a"):
            with self.subTest(abi):
                build = self.configure(f"packaged-{abi}", *self.by_toolchain_file(abi), source=project)
                run("cmake", "--build", build)
                self.check_library(build / "libclassify.so", abi)
        said = self.configure("packaged-x86_64", *self.by_toolchain_file("x86_64"), source=project, expect_failure=True)
        self.assertIn("digits was not compiled for the ABI 'x86_64', but for", said)

    def test_prefab(self):
        """The archive for Gradle, unpacked as prefab does it, and found in the way that Gradle passes on."""
        project = self.folder / "gradle"
        project.mkdir()
        self.copy_sources(project)
        run(ndk.RIFFLE, "android-package", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors",
            "-o", project / "unused", "--aar", project / "digits.aar")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(gradle C)\nfind_package(digits 1.0 REQUIRED CONFIG)\n"
            "add_library(classify SHARED classify.c hardware_buffer.c)\ntarget_link_libraries(classify PRIVATE digits::digits dl)\n"
            "target_link_options(classify PRIVATE -Wl,-z,max-page-size=16384 -Wl,-z,text -Wl,--no-undefined\n"
            "    -Wl,--exclude-libs,ALL)\n")
        for abi, (triple, _, _) in ABIS.items():
            with self.subTest(abi):
                found = prefab.unpack(project / "digits.aar", self.folder / f"prefab-{abi}", abi, LEVEL, triple)
                # The triple of its folders is what an NDK's clang tells CMake.
                build = self.configure(f"gradle-{abi}", *self.by_toolchain_file(abi), source=project,
                                       found=f"-DCMAKE_FIND_ROOT_PATH={found}", architecture=triple)
                run("cmake", "--build", build)
                self.check_library(build / "libclassify.so", abi)
        with self.assertRaisesRegex(AssertionError, "no library for level 23"):
            prefab.unpack(project / "digits.aar", self.folder / "prefab-low", "arm64-v8a", 23, "")

    @unittest.skipUnless(ndk.REAL, "the stand-in has no headers of the C library")
    def test_jni(self):
        """The project of the package's own."""
        package = self.folder / "jni"
        run(ndk.RIFFLE, "android-package", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors",
            "-o", package, "--java-package", "org.example")
        for abi in ABIS:
            with self.subTest(abi):
                build = self.configure(f"jni-{abi}", *self.by_toolchain_file(abi), source=package / "jni")
                run("cmake", "--build", build)
                self.assertEqual(symbols_of(build / "libdigits_jni.so", undefined=False), {
                    f"Java_org_example_Digits_{name}" for name in ("create", "destroy", "compute")})

    def test_faults_are_explained(self):
        neon = ("-DANDROID_ARM_NEON=OFF",)
        for name, options, message in (
                ("low", self.by_toolchain_file("arm64-v8a", "android-21"), "API level 21 is too low"),
                ("low-cmake", self.by_cmake("arm64-v8a", 21), "API level 21 is too low"),
                ("x86", self.by_toolchain_file("x86"), "there is no code for the ABI 'x86'"),
                ("neon", self.by_toolchain_file("armeabi-v7a") + neon, "there is no code for ARM without NEON")):
            if ndk.REAL and name == "neon":
                continue  # newer NDKs refuse it themselves
            with self.subTest(name):
                said = self.configure(f"fault-{name}", *options, expect_failure=True)
                self.assertIn(message, " ".join(said.split()))

    @unittest.skipIf(ndk.REAL, "about the stand-in")
    def test_stand_in_refuses_newer_functions(self):
        """What is not in the C library of the API level does not link."""
        project = self.folder / "newer"
        project.mkdir()
        (project / "newer.c").write_text("void *aligned_alloc(unsigned long, unsigned long);\n"
                                         "void *newer(void);\nvoid *newer(void) { return aligned_alloc(64, 64); }\n")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(newer C)\nadd_library(newer SHARED newer.c)\n"
            "target_link_options(newer PRIVATE -Wl,--no-undefined)\n")
        build = self.configure("newer-build", *self.by_toolchain_file("arm64-v8a"), source=project)
        self.assertIn("undefined symbol: aligned_alloc", run("cmake", "--build", build, expect_failure=True))


if __name__ == "__main__":
    unittest.main()
