"""`--runner`: code that runs elsewhere. This machine stands in for another one, as do an emulator and a folder behind a
program called adb."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from support import ROOT, float_bytes, floats, has_llvm, part
from test_interrupted import TemporaryFolder

DIGITS = ROOT / "examples" / "digits"
NETWORK = [DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors"]
# How programs of a target run here.
EMULATORS = {"aarch64-linux-gnu": "qemu-aarch64", "aarch64-linux-android24": "qemu-aarch64",
             "armv7-linux-gnueabihf": "qemu-arm", "armv7a-linux-androideabi24": "qemu-arm"}
# Speaks as adb does with a device whose files lie below $DEVICE, and notes what it was asked for.
ADB = """#!/bin/sh
echo "$@" >> "$DEVICE.log"
there() { printf %s "$1" | sed "s,/data/local/tmp,$DEVICE,g"; }
[ "$1" = -s ] && { [ "$2" = phone ] || { echo "adb: device '$2' not found"; exit 1; }; shift 2; }
case "$1" in
shell) exec sh -c "$(there "$2" | sed "s,\\./program,$EMULATOR ./program,")" ;;
push) cp "$2" "$(there "$3")" && echo "$2: 1 file pushed" ;;
pull) cp "$(there "$2")" "$3" && echo "$2: 1 file pulled" ;;
*) echo "adb: unknown command $1"; exit 1 ;;
esac
"""


@unittest.skipUnless(has_llvm(), "without LLVM")
class Runner(TemporaryFolder):
    def setUp(self):
        super().setUp()
        image = floats((DIGITS / "heldout.f32").read_bytes())[:64]
        self.write("image.f32", float_bytes(image))

    def invoke(self, *words, stdin=None):
        process = self.start(*words)
        out, error = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, error)

    def nothing_is_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])

    def answer(self, *options):
        self.succeed("run", *NETWORK, "--input", "image.f32", "--output", "out.f32", *options)
        self.nothing_is_left()
        return (self.folder / "out.f32").read_bytes()

    def device(self):
        """A folder as a device, and adb for it."""
        device = self.folder / "device"
        device.mkdir()
        adb = self.program("adb", ADB[len("#!/bin/sh\n"):])
        self.environment |= {"DEVICE": str(device), "EMULATOR": "", "PATH": f"{self.folder}:{os.environ['PATH']}"}
        return adb, device

    def test_answers_are_those_of_this_process(self):
        here = self.answer()
        self.assertEqual(self.answer("--runner", "env"), here)
        self.assertEqual(self.answer("--runner", "nice -n 5", "--runner-cc", "cc"), here)
        self.program("through", 'exec "$@"\n')
        self.assertEqual(self.answer("--runner", "./through"), here)
        self.assertIn("probability", json.dumps(json.loads(self.succeed(
            "run", *NETWORK, "--input", "image.f32", "--json", "--runner", "env"))))

    def test_threads(self):
        """The program's own: as many as riffle's pool would have, with the same answers; also more than there are
        processors."""
        here = self.answer()
        for threads in (3, 16):
            self.assertEqual(self.answer("--runner", "env", "--threads", threads), here)
        report = json.loads(self.succeed("bench", *NETWORK, "--runner", "env", "--threads", 2, "--seconds", 0.2, "--json"))
        self.assertEqual(report["threads"], 2)
        self.assertLess(0, report["limit_ms"])
        self.assertIn("1 of 1 tensors within", self.succeed("verify", *NETWORK, "--runner", "env", "--threads", 4))
        self.says("riffle: error: the runner 'env' ended with exit status 1 while it ran the network:\n"
                  "the program that runs the network is asked for more threads than it can have\n",
                  "--runner", "env", "--threads", 257)
        for target, emulator in part(EMULATORS.items(), 2):
            if shutil.which(emulator):
                said = self.succeed("verify", *NETWORK, "--count", 1, "--target", target, "--runner", emulator,
                                    "--threads", 3)
                self.assertRegex(said, r"\n1 of 1 tensors within 0.0001 on 1 input\n$")
        self.nothing_is_left()

    def test_levels(self):
        self.assertIn("1 of 1 tensors within", self.succeed(
            "verify", *NETWORK, "--target", "x86-64-multi", "--count", 1, "--runner", "env"))

    def test_every_layer(self):
        said = self.succeed("verify", *NETWORK, "--layers", "--count", 1, "--runner", "env")
        self.assertRegex(said, r"\n(\d\d+) of \1 tensors within 0.0001 on 1 input\n$")
        self.nothing_is_left()

    def test_emulated(self):
        for target, emulator in EMULATORS.items():
            if not shutil.which(emulator):
                print(f"skipped: there is no {emulator}")
                continue
            with self.subTest(target):
                said = self.succeed("verify", *NETWORK, "--count", 1, "--target", target, "--runner", emulator)
                self.assertRegex(said, r"\n1 of 1 tensors within 0.0001 on 1 input\n$")
                self.nothing_is_left()

    @unittest.skipUnless(shutil.which("qemu-aarch64"), "there is no qemu-aarch64")
    def test_precisions(self):
        """Of a processor by name: its code is made, and the emulator's runs it."""
        for precision, processor, options in (("fp16", "cortex-a55", ()), ("int8", "cortex-a76", ("--calibration", "random"))):
            with self.subTest(precision):
                said = self.succeed("verify", *NETWORK, "--count", 1, "--target", "aarch64-linux-android24", "--cpu",
                                    processor, "--precision", precision, *options, "--runner", "qemu-aarch64 -cpu max")
                self.assertIn("1 of 1 tensors within 0.02 on 1 input", said)

    def test_bench(self):
        bench = ["bench", *NETWORK, "--runner", "env", "--target", "x86-64"]
        report = json.loads(self.succeed(*bench, "--seconds", 0.2, "--json"))
        self.assertEqual((report["runner"], report["target"], report["threads"]), ("env", "x86-64", 1))
        self.assertGreaterEqual(report["runs"], 10)
        self.assertLess(0, report["min_ms"])
        self.assertLessEqual(report["min_ms"], report["p5_ms"])
        self.assertLessEqual(report["p5_ms"], report["median_ms"])
        self.assertLess(0, report["limit_ms"])
        said = self.succeed(*bench, "--runs", 7)
        self.assertRegex(said, r"^digits for x86-64, 1 thread, 7 runs\n  run by          'env', and timed there\n")
        self.nothing_is_left()

    def test_profile(self):
        """Steps are timed there, and so is memory, with an array that is made there."""
        profile = ["bench", *NETWORK, "--profile", "--runner", "env", "--target", "x86-64"]
        report = json.loads(self.succeed(*profile, "--seconds", 0.2, "--json"))
        self.assertEqual(report["runner"], "env")
        self.assertEqual(len(report["steps"]), report["all"]["steps"])
        for step in report["steps"]:
            self.assertLess(0, step["us"])
        for number in ("runs", "median_ms", "peak_gflops", "memory_gbytes_per_second"):
            self.assertLess(0, report[number])
        self.assertRegex(self.succeed(*profile, "--runs", 11),
                         r"^digits for x86-64, 1 thread, 11 runs: .*\nmeasured by 'env': \d")
        self.nothing_is_left()

    def test_tune(self):
        self.succeed("tune", *NETWORK, "--target", "x86-64", "--seconds", 0.05, "--candidates", 2, "--runner", "env",
                     "-o", "digits.tuning")
        self.assertTrue((self.folder / "digits.tuning").read_text().startswith("riffle tuning 1 for x86-64\ntile "))
        self.nothing_is_left()
        self.succeed("verify", *NETWORK, "--target", "x86-64", "--tuning", "digits.tuning")

    def test_adb(self):
        _, device = self.device()
        self.assertEqual(self.answer("--runner", "adb"), self.answer())
        self.assertEqual(list(device.iterdir()), [])
        self.assertEqual([line.split()[0] for line in (self.folder / "device.log").read_text().splitlines()],
                         ["shell", "push", "push", "shell", "pull", "shell"])
        self.succeed("tune", *NETWORK, "--target", "x86-64", "--seconds", 0.01, "--candidates", 1, "--runner",
                     "adb -s phone")
        self.assertEqual(list(device.iterdir()), [])
        self.nothing_is_left()

    @unittest.skipUnless(shutil.which("qemu-aarch64"), "there is no qemu-aarch64")
    def test_adb_of_another_machine(self):
        _, device = self.device()
        self.environment["EMULATOR"] = "qemu-aarch64"
        said = self.succeed("verify", *NETWORK, "--count", 2, "--target", "aarch64-linux-android24", "--runner", "adb")
        self.assertIn("1 of 1 tensors within 0.0001 on 2 inputs", said)
        self.assertEqual(list(device.iterdir()), [])

    def says(self, message, *options):
        self.expect_error([str(word) for word in ["verify", *NETWORK, "--count", 1, *options]], message)
        self.nothing_is_left()

    def test_faults_of_runners(self):
        self.says("riffle: error: cannot start the runner 'no-such-runner': No such file or directory\n"
                  "hint: --runner takes a program of the PATH and its first arguments\n", "--runner", "no-such-runner -x")
        self.says("riffle: error: --runner names no program\nhint: give a command: --runner qemu-aarch64\n",
                  "--runner", " ")
        self.says("riffle: error: the runner 'false' ended with exit status 1 while it ran the network\n",
                  "--runner", "false")
        self.program("broken", "echo out of order\necho at all >&2\nexit 7\n")
        self.says("riffle: error: the runner './broken' ended with exit status 7 while it ran the network:\n"
                  "out of order\nat all\n", "--runner", "./broken")
        self.program("dies", "kill -SEGV $$\n")
        self.says("riffle: error: a signal ended the runner './dies' while it ran the network\n", "--runner", "./dies")

    def test_faults_of_answers(self):
        hint = "hint: a runner must wait for the program, which sees the same files\n"
        whole = 4 * 8 + 10 * 4 + 8
        self.says(f"riffle: error: the program that ran the network gave no whole answer: 0 of {whole} bytes\n" + hint,
                  "--runner", "true")
        self.program("short", f'"$@"\ntruncate -s {whole - 3} "$3"\n')
        self.says("riffle: error: the program that ran the network gave no whole answer: "
                  f"{whole - 3} of {whole} bytes\n" + hint, "--runner", "./short")
        self.program("other", '"$@"\nprintf "........" | dd of="$3" bs=1 seek=%d conv=notrunc status=none\n' % (whole - 8))
        self.says(f"riffle: error: the program that ran the network gave no whole answer: {whole} of {whole} bytes\n" + hint,
                  "--runner", "./other")
        self.program("half", 'truncate -s 100 "$2"\nexec "$@"\n')
        self.says("riffle: error: the runner './half' ended with exit status 1 while it ran the network:\n"
                  "the program that runs the network cannot read all of its request\n", "--runner", "./half")

    def test_faults_of_code(self):
        """What the program says of it: the number of the fault is at byte 8, that of the array at 16."""
        report = "hint: this is a fault of riffle: please report it\n"
        for fault, array, message in ((1, 0, "wrote outside 'image'"), (1, 1, "wrote outside 'logits'"),
                                      (1, 2, "wrote outside 'the workspace'"), (2, 0, "changed its input 'image'")):
            self.program("bad", f'"$@"\nprintf "\\{fault:03o}" | dd of="$3" bs=1 seek=8 conv=notrunc status=none\n'
                         f'printf "\\{array:03o}" | dd of="$3" bs=1 seek=16 conv=notrunc status=none\n')
            self.says(f"riffle: error: compiled code {message}\n{report}", "--runner", "./bad")
        self.program("misaligned", '"$@"\nprintf "\\002" | dd of="$3" bs=1 seek=0 conv=notrunc status=none\n')
        self.says("riffle: error: the compiled network returned status 2\n", "--runner", "./misaligned")

    def test_faults_of_devices(self):
        self.environment["PATH"] = f"{self.folder}/bin"
        os.mkdir(self.folder / "bin")
        self.says("riffle: error: cannot start the runner 'adb': No such file or directory\n"
                  "hint: adb is one of Android's platform tools, and a package of many systems\n", "--runner", "adb")
        _, device = self.device()
        self.says("riffle: error: the runner 'adb' ended with exit status 1 while it made a folder:\n"
                  "adb: device 'tablet' not found\n", "--runner", "adb -s tablet")
        self.environment["EMULATOR"] = "false"
        self.says("riffle: error: the runner 'adb' ended with exit status 1 while it ran the network\n",
                  "--runner", "adb")
        self.environment["EMULATOR"] = "true"
        done = self.invoke("verify", *NETWORK, "--count", 1, "--runner", "adb")
        self.assertRegex(done.stderr, "^riffle: error: the runner 'adb' ended with exit status 1 while it copied a file "
                         "from the device:\ncp: ")
        self.assertEqual(list(device.iterdir()), [])
        self.nothing_is_left()

    def test_faults_of_compilers(self):
        hint = "hint: --runner-cc COMMAND names another C compiler\n"
        self.says("riffle: error: cannot run the C compiler 'no-such-cc': No such file or directory\n" + hint,
                  "--runner", "env", "--runner-cc", "no-such-cc")
        self.program("cc", "echo cannot\nexit 1\n")
        self.says(f"riffle: error: the C compiler '{self.folder}/cc' could not make a program for 'x86-64':\ncannot\n"
                  + hint, "--target", "x86-64", "--runner", "env", "--runner-cc", f"{self.folder}/cc")
        self.environment["PATH"] = str(self.folder)
        self.says("riffle: error: there is no C compiler that makes programs for 'aarch64-linux-gnu'\n"
                  "hint: install aarch64-linux-gnu-gcc or clang, or name a C compiler with --runner-cc\n",
                  "--target", "aarch64-linux-gnu", "--runner", "/bin/true")

    def test_compilers(self):
        """One with a version in its name, where there is no other; and this machine's own."""
        self.program("clang-22", f'echo "$@" >> {self.folder}/said\nexec /usr/bin/env PATH={os.environ["PATH"]} cc '
                     '$(printf "%s\\n" "$@" | grep -v -e ^--target= -e ^-fuse-ld=)\n')
        self.program("clang-9", "exit 1\n")
        path = self.environment["PATH"]
        for directory in ("sh", "env", "printf", "grep"):
            os.symlink(shutil.which(directory), self.folder / directory)
        self.environment["PATH"] = str(self.folder)
        verify = ["verify", *NETWORK, "--count", 1, "--target", "x86-64", "--runner", "env"]
        self.assertIn("1 of 1 tensors within", self.succeed(*verify))
        self.assertTrue((self.folder / "said").read_text().startswith("--target=x86_64-linux-gnu -fuse-ld=lld "))
        (self.folder / "clang-22").unlink()
        self.program("cc", f'PATH={path}\nexec cc "$@"\n')
        self.assertIn("1 of 1 tensors within", self.succeed(*verify))

    def test_refused(self):
        verify = ["verify", str(NETWORK[0]), "--runner", "env"]
        self.expect_error([*verify, "--target", "arm64-apple-darwin"],
                          "riffle: error: --runner cannot run code for 'arm64-apple-darwin'\n"
                          "hint: it runs code for Linux and Android on 64-bit and 32-bit ARM and x86-64\n")
        self.expect_error([*verify, "--backend", "c"], "riffle: error: --runner runs machine code that LLVM made\n"
                          "hint: leave out --backend c\n")
        self.expect_error(["bench", *verify[1:], "--ablate"],
                          "riffle: error: --ablate measures on this machine, and not with --runner\n", 2)
        self.expect_error(["run", *verify[1:], "--interpret", "--input", "image.f32"],
                          "riffle: error: --interpret and --runner exclude each other\n", 2)
        self.expect_error(["verify", str(NETWORK[0]), "--runner-cc", "cc"],
                          "riffle: error: --runner-cc is the C compiler for --runner, and there is none\n", 2)

    def test_interrupted(self):
        """While the network runs: neither here nor on the device anything is left."""
        _, device = self.device()
        self.environment["EMULATOR"] = f"touch {self.folder}/begun; exec sleep 1000;"
        process = self.start("verify", *NETWORK, "--count", 1, "--runner", "adb")
        self.wait_for(process, lambda: (self.folder / "begun").exists())
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.communicate(), ("", ""))
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertEqual(list(device.iterdir()), [])
        self.nothing_is_left()


del TemporaryFolder  # its tests are those of test_interrupted.py

if __name__ == "__main__":
    unittest.main()
