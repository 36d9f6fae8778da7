"""riffle android-package: what it writes, the same bytes each time, and what it says to mistakes."""

import json
import re
import shutil
import tempfile
import unittest
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from ndk import ABIS, DIGITS, RIFFLE, find_tool, read_elf, run, symbols

NETWORK = (DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors")
FILES = {"Android.mk", "NOTICE", "cmake/digitsConfig.cmake", "include/digits.h",
         *(name for abi in ABIS
           for name in (f"include/{abi}/digits.h", f"libs/{abi}/libdigits.a", f"libs/{abi}/digits.json"))}


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-android-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def package(self, *options, **how):
        return run(RIFFLE, "android-package", *options, cwd=self.folder, **how)

    def files(self, name):
        top = self.folder / name
        return {str(file.relative_to(top)): file.read_bytes() for file in top.rglob("*") if file.is_file()}

    def test_files(self):
        self.package(*NETWORK, "--zip", "digits.zip")
        files = self.files("digits-android")
        self.assertEqual(set(files), FILES)
        with zipfile.ZipFile(self.folder / "digits.zip") as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual({name.removeprefix("digits/"): archive.read(name) for name in archive.namelist()}, files)

        self.package(*NETWORK, "-o", "again", "--zip", "again.zip")
        self.assertEqual(self.files("again"), files)
        self.assertEqual((self.folder / "again.zip").read_bytes(), (self.folder / "digits.zip").read_bytes())

    def test_aar(self):
        """The files of the folder again, as prefab lays them out, and what it asks of each."""
        self.package(*NETWORK, "--abi", "arm64-v8a,x86_64", "--api", "26", "--aar", "digits.aar")
        files = self.files("digits-android")
        with zipfile.ZipFile(self.folder / "digits.aar") as archive:
            self.assertIsNone(archive.testzip())
            aar = {name: archive.read(name) for name in archive.namelist()}
        module = "prefab/modules/digits"
        self.assertEqual(json.loads(aar.pop("prefab/prefab.json")),
                         {"schema_version": 2, "name": "digits", "version": "1.0.0", "dependencies": []})
        self.assertEqual(json.loads(aar.pop(f"{module}/module.json")), {"export_libraries": [], "android": {}})
        for abi in ("arm64-v8a", "x86_64"):
            place = f"{module}/libs/android.{abi}"
            self.assertEqual(json.loads(aar.pop(f"{place}/abi.json")),
                             {"abi": abi, "api": 26, "ndk": 26, "stl": "none", "static": True})
            self.assertEqual(aar.pop(f"{place}/libdigits.a"), files[f"libs/{abi}/libdigits.a"])
            self.assertEqual(aar.pop(f"{place}/include/digits.h"), files[f"include/{abi}/digits.h"])
        manifest = ElementTree.fromstring(aar.pop("AndroidManifest.xml"))
        self.assertEqual((manifest.tag, manifest.get("package")), ("manifest", "riffle.networks.digits"))
        (uses,) = manifest
        self.assertEqual(uses.attrib, {"{http://schemas.android.com/apk/res/android}minSdkVersion": "26"})
        self.assertEqual(aar, {"META-INF/NOTICE": files["NOTICE"]})
        self.package(*NETWORK, "--abi", "arm64-v8a,x86_64", "--api", "26", "-o", "again", "--aar", "again.aar",
                     "--zip", "again.zip")
        self.assertEqual((self.folder / "again.aar").read_bytes(), (self.folder / "digits.aar").read_bytes())
        with zipfile.ZipFile(self.folder / "again.zip") as archive:
            self.assertEqual({name.removeprefix("digits/") for name in archive.namelist()}, set(files))

    def test_libraries(self):
        """Of the ABI's machine, with nothing undefined but what the API level has, and no name that is not its own."""
        self.package(*NETWORK)
        allowed = {name for names in symbols(24).values() for name in names}
        for abi, (_, machine, _) in ABIS.items():
            with self.subTest(abi):
                library = self.folder / "digits-android" / "libs" / abi / "libdigits.a"
                self.assertEqual(set(re.findall(r"Machine: +(.*)\n", read_elf(library, "-h"))), {machine})
                own = set(run(find_tool("llvm-nm"), "--defined-only", "--extern-only", "-j", library).split("\n"))
                used = set(run(find_tool("llvm-nm"), "--undefined-only", "-j", library).split("\n"))
                named = {name for name in own if name and not name.endswith(":")}
                self.assertTrue(named)
                self.assertTrue(all(name.startswith("digits_") for name in named), named)
                self.assertLessEqual({name for name in used if name and not name.endswith(":")}, allowed | named)

    def test_chosen_abis(self):
        self.package(*NETWORK, "--abi", "x86_64,arm64-v8a,x86_64", "--api", "30", "-o", "two")
        found = {name.split("/")[1] for name in self.files("two") if name.startswith("libs/")}
        self.assertEqual(found, {"x86_64", "arm64-v8a"})
        self.assertEqual(self.package("--print-targets", "--abi", "armeabi-v7a", "--api", "26"),
                         "armv7a-linux-androideabi26\n")

    def test_precision(self):
        """The options of a processor are those of `riffle compile`."""
        options = ["--cpu", "haswell", "--precision", "int8", "--calibration", "random"]
        self.package(*NETWORK, "--abi", "x86_64", *options, "-o", "package")
        run(RIFFLE, "compile", *NETWORK, "--target", "x86_64-linux-android24", *options, "-o", self.folder / "compiled")
        compiled = self.files("compiled")
        self.assertIn(b"computes with int8", compiled["digits.h"])
        package = self.files("package")
        self.assertEqual({name: package[f"{place}/x86_64/{name}"] for place, name in (
            ("libs", "libdigits.a"), ("libs", "digits.json"), ("include", "digits.h"))}, compiled)
        said = self.package(*NETWORK, "--abi", "armeabi-v7a", "--precision", "bf16", expect_failure=True)
        self.assertIn("there is no code for bf16 on 'armv7a-linux-androideabi24'\n", said)
        said = self.package(*NETWORK, "--cpu", "cortex-a55", expect_failure=True)
        self.assertIn("'cortex-a55' is a processor of 64-bit ARM, and 'armv7a-linux-androideabi24' is 32-bit ARM\n", said)

    def test_header_of_the_abi(self):
        """The header finds that of its ABI, and refuses others."""
        self.package(*NETWORK, "--abi", "arm64-v8a,x86_64")
        check = [find_tool("clang"), "-fsyntax-only", "-x", "c", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror",
                 "-ffreestanding", self.folder / "digits-android" / "include" / "digits.h"]
        run(*check, "--target=aarch64-none-linux-android24")
        run(*check, "--target=x86_64-none-linux-android24")
        self.assertIn("digits was not compiled for this ABI",
                      run(*check, "--target=armv7-none-linux-androideabi24", expect_failure=True))

    def test_mistakes(self):
        for words, message in (
                (["--abi", "arm64-v8b"], "'arm64-v8b' is no ABI of Android\nhint: did you mean 'arm64-v8a'?\n"),
                (["--abi", "x86,armeabi"],
                 "there is no code for the ABI 'x86': 32-bit x86 is no target\n"
                 "hint: there is code for arm64-v8a, armeabi-v7a and x86_64\n"
                 "riffle: error: there is no code for the ABI 'armeabi': it has no NEON\n"
                 "hint: there is code for arm64-v8a, armeabi-v7a and x86_64\n"),
                (["--api", "21"], "API level 21 is too low: code for Android needs level 24\n"
                                  "hint: give --api 24, or a higher level\n"),
                (["--api", "N"], "'N' is no value for --api: give a whole number from 1 to 9999\n")):
            with self.subTest(words):
                said = self.package(*NETWORK, *words, expect_failure=True)
                self.assertEqual(said, f"riffle: error: {message}")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_nothing_is_left_of_a_failure(self):
        (self.folder / "digits-android" / "libs" / "x86_64" / "libdigits.a").mkdir(parents=True)
        said = self.package(*NETWORK, "--zip", "digits.zip", expect_failure=True)
        self.assertIn("cannot write 'digits-android/libs/x86_64/libdigits.a': Is a directory", said)
        self.assertEqual(self.files("."), {})
        self.package(*NETWORK, "-o", "good", "--zip", "no/such/folder.zip", expect_failure=True)
        self.assertEqual(self.files("."), {})


if __name__ == "__main__":
    unittest.main()
