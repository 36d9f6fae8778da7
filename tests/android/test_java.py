"""The class and the JNI functions that android-package makes, as a project takes them: built for this machine by the
package's own CMake project, against the package's library, and run in a Java machine."""

import platform
import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

from jdk import HOME
from ndk import DIGITS, HERE, RIFFLE, run

IMAGES, CLASSES = 360, 10
ABI = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}.get(platform.machine())
NETWORK = (DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors")
THROWN = """\
IllegalArgumentException: imageBuffer must be a direct buffer with 256 bytes left, aligned as floats are
IllegalArgumentException: imageBuffer must be a direct buffer with 256 bytes left, aligned as floats are
IllegalArgumentException: logitsBuffer must be a direct buffer with 40 bytes left, aligned as floats are
IllegalArgumentException: imageBuffer must be a direct buffer with 256 bytes left, aligned as floats are
IllegalArgumentException: logitsBuffer must not be read-only
nothing thrown
IllegalStateException: the network was closed
IllegalStateException: the network was closed
"""
# Names that collide, or are words of Java, C or Kotlin.
ODD = """network _odd_2name {
    input class: f32[2, 3, 4, 4]
    input Class: f32[1, 2]
    input row_bytes: u8[1, 3, 2, 2] nhwc = pixels(rgb)
    output this = class |> relu
    output bytes = row_bytes
    output scores = Class |> relu
}
"""
# Names of classes that are no ASCII, empty, or beyond the first plane of Unicode.
NAMES = ["cat", "Größe 😀", "", "dog, \"x\""]
LABELLED = """network labelled {
    input x: f32[1, 4]
    output scores = x |> relu
    labels = "names.txt"
}
"""
LABELS_SEEN = """\
import org.example.Labelled;

class Labels {
    public static void main(String[] arguments) {
        var out = new java.io.PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8);
        for (int i = -1; i <= 4; i++)
            out.println(Labelled.label(i));
    }
}
"""


class Sources(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-android-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def package(self, *options, **how):
        return run(RIFFLE, "android-package", *options, cwd=self.folder, **how)

    def java(self, name):
        return HOME / "bin" / name

    def build(self, package, name):
        """By the package's own project, for this machine."""
        include = HOME / "include"
        build = self.folder / "build"
        run("cmake", "-G", "Ninja", "-S", package / "jni", "-B", build, f"-DANDROID_ABI={ABI}", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_C_FLAGS=-Wall -Wextra -Werror -I{include} -I{include}/linux")
        run("cmake", "--build", build)
        return build / f"lib{name}_jni.so"

    def test_answers(self):
        self.package(*NETWORK, "--abi", ABI, "--java-package", "org.my_app.digits", "--language", "java", "-o", "package")
        library = self.build(self.folder / "package", "digits")
        visible = run("nm", "-D", "--defined-only", library)
        self.assertEqual({line.split()[-1].removeprefix("Java_org_my_1app_digits_Digits_") for line in visible.splitlines()},
                         {"create", "destroy", "compute"})
        classes = self.folder / "classes"
        run(self.java("javac"), "-Xlint:all", "-Werror", "-d", classes, HERE / "Check.java", HERE / "Thrown.java",
            self.folder / "package" / "java" / "org" / "my_app" / "digits" / "Digits.java")
        said = run(self.java("java"), "-Xcheck:jni", f"-Djava.library.path={library.parent}", "-cp", classes, "Check",
                   DIGITS / "heldout.f32").splitlines()
        half = IMAGES + 1
        self.assertEqual(said[half:2 * half], said[:half])  # on three threads as on one
        self.assertEqual(said[IMAGES], "0 wrong")
        self.assertEqual(said[2 * half:], THROWN.splitlines())
        logits = struct.unpack(f"<{IMAGES * CLASSES}f", (DIGITS / "heldout_logits.f32").read_bytes())
        for i, line in enumerate(said[:IMAGES]):
            answer, *scores = line.split()
            expected = logits[i * CLASSES:(i + 1) * CLASSES]
            self.assertEqual(int(answer), expected.index(max(expected)))
            for score, wanted in zip(map(float, scores), expected, strict=True):
                self.assertLessEqual(abs(score - wanted), 1e-4 * max(map(abs, expected)))

    def test_odd_names(self):
        """Of networks and tensors: what is made compiles, and classify is only where there is one output of classes."""
        (self.folder / "odd.rfl").write_text(ODD)
        self.package("odd.rfl", "--abi", ABI, "--java-package", "a_b", "--language", "java", "-o", "package")
        source = self.folder / "package" / "java" / "a_b" / "Odd2name.java"
        self.assertNotIn("classify", source.read_text())
        self.assertIn("INPUT_ROW_BYTES__BYTES = 12;", source.read_text())
        self.assertIn("`row_bytes_Buffer`: an input, bytes, pixels row after row, [1, 3, 2, 2]", source.read_text())
        run(self.java("javac"), "-Xlint:all", "-Werror", "-d", self.folder, source)
        symbols = run("nm", "-D", "--defined-only", self.build(self.folder / "package", "_odd_2name"))
        self.assertIn(" Java_a_1b_Odd2name_compute\n", symbols)

    def test_labels(self):
        """What the library says of a class, as a string of Java."""
        (self.folder / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
        (self.folder / "labelled.rfl").write_text(LABELLED)
        for language in ("kotlin", "java"):
            self.package("labelled.rfl", "--abi", ABI, "--java-package", "org.example", "--language", language, "-o", "package")
        package = self.folder / "package"
        if "labelled_label" not in (package / "include" / ABI / "labelled.h").read_text():
            self.skipTest("riffle was built without clang")
        self.assertIn("fun label(classIndex: Int): String?",
                      (package / "kotlin" / "org" / "example" / "Labelled.kt").read_text())
        library = self.build(package, "labelled")
        (self.folder / "Labels.java").write_text(LABELS_SEEN)
        run(self.java("javac"), "-Xlint:all", "-Werror", "-d", self.folder, self.folder / "Labels.java",
            package / "java" / "org" / "example" / "Labelled.java")
        said = run(self.java("java"), "-Xcheck:jni", f"-Djava.library.path={library.parent}", "-cp", self.folder, "Labels")
        self.assertEqual(said.split("\n")[:-1], ["null", *NAMES, "null"])

    def test_kotlin(self):
        """Declares what the JNI functions are called for; compiled where there is a compiler."""
        self.package(*NETWORK, "--abi", ABI, "--java-package", "org.example", "-o", "package")
        source = self.folder / "package" / "kotlin" / "org" / "example" / "Digits.kt"
        text = source.read_text()
        self.assertIn("package org.example\n", text)
        self.assertIn("    fun classify(imageBuffer: ByteBuffer): Int {\n", text)
        self.assertIn("    private external fun compute(handle: Long, imageBuffer: ByteBuffer, logitsBuffer: ByteBuffer)\n", text)
        self.assertIn("Java_org_example_Digits_compute(",
                      (self.folder / "package" / "jni" / "digits_jni.c").read_text())
        self.assertIn("Apache License", (self.folder / "package" / "jni" / "runtime" / "LICENSE").read_text())
        if shutil.which("kotlinc"):
            run("kotlinc", "-Werror", "-d", self.folder / "classes", source)

    def test_mistakes(self):
        for words, message in (
                (["--java-package", "org..example"], "'org..example' is no name of a package of Java and Kotlin\n"
                                                     "hint: write it as in --java-package org.example.digits\n"),
                (["--java-package", "org.fun"], "'org.fun' is no name of a package of Java and Kotlin\n"
                                                "hint: write it as in --java-package org.example.digits\n"),
                (["--java-package", "org.2nd"], "'org.2nd' is no name of a package of Java and Kotlin\n"
                                                "hint: write it as in --java-package org.example.digits\n"),
                (["--java-package", "a", "--language", "scala"],
                 "'scala' is no value for --language: give kotlin or java\n"),
                (["--language", "java"], "--language is that of the class in a package of Java, and there is none\n"
                                         "hint: add --java-package NAME\n")):
            with self.subTest(words):
                self.assertEqual(self.package(*NETWORK, *words, expect_failure=True), f"riffle: error: {message}")
        self.assertEqual(list(self.folder.iterdir()), [])


missing = [name for name, there in (("JDK with jni.h", HOME), ("cmake", shutil.which("cmake")), ("ninja", shutil.which("ninja")),
                                    ("ABI of Android for this machine", ABI)) if not there]
if missing:
    print(f"skipped: there is no {', '.join(missing)}")
    sys.exit(0)

if __name__ == "__main__":
    unittest.main()
