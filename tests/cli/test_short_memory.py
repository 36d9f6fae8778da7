"""What riffle says when memory runs out, wherever that is: one message of its own. And what it leaves behind:
nothing, and the files of an earlier run as they were."""

import os
import random
import resource
import subprocess
import unittest
from pathlib import Path

import torch_files
from support import RGB, RIFFLE, SECONDS, Command, has_llvm, png, safetensors

LIBRARY = os.environ.get("SHORT_MEMORY_LIBRARY")
TRIES = 14  # allocations of each command that fail, beside the first ones
FIRST = 12
END_OTHERS = "end other programs, or take a machine with more memory"

# LLVM does not look at each allocation: where it crashes, riffle says that memory may be why.
LLVM_CRASHED = ("riffle: error: LLVM crashed, working on the network 'small'\nhint: memory may have run out: "
                f"{END_OTHERS}; if it did not, please report this\n")

# The network of the issue: 1.5 GB of weights, and as much when they are packed.
WIDE = """network wide {
    input x: f32[1, 2048, 4, 4]
    output y = x |> conv(20000, 3, padding = 1) @ c
}
"""

DEEP = """network small {
    input x: f32[1, 32, 8, 8]
    y = x
    for i in 0 .. 60 { y = y |> conv(32 + i, 3, padding = 1) @ c{i} |> relu }
    output z = y
}
"""

BOXES = """network small {
    input image: f32[1, 3, 8, 8] = pixels(rgb, scale = 1 / 255)
    let found = concat(image, image)
    output predictions = found
    answer things = tanh_boxes(found)
}
"""


def is_sanitized():
    with open(RIFFLE, "rb") as program:
        return b"__asan_init" in program.read()


def limit_both(space, data):
    def limit():
        if space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (space, space))
        if data is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    return limit


def messages(hint, *works):
    """The message, with what may have been worked on."""
    return [f"riffle: error: out of memory{', working on ' + work if work else ''}\nhint: {hint}\n" for work in works]


@unittest.skipIf(is_sanitized(), "AddressSanitizer takes memory of its own")
class ShortMemory(Command):
    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.write("weights.safetensors", safetensors({
            "conv.weight": [8, 3, 3, 3], "fc.weight": [4, 8], "fc.bias": [4]}))
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}

    def invoke_short(self, words, limit=None, **environment):
        return subprocess.run([RIFFLE, *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              env={**self.environment, **environment}, stdin=subprocess.DEVNULL, timeout=SECONDS,
                              check=False, preexec_fn=limit)

    def contents(self):
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def expect(self, words, done, allowed, before, good):
        """Either all went well or one of those was said, and nothing left. True when all went well."""
        what = (" ".join(map(str, words)), done.args, done.stdout[:200])
        self.assertEqual(list(self.temporary.iterdir()), [], what)
        if done.returncode == 0:
            self.assertEqual((done.stdout, done.stderr), good[:2], what)
            self.assertEqual(self.contents(), good[2], what)
            for path in good[2].keys() - before.keys():
                path.unlink()
            for path, old in before.items():
                path.write_bytes(old)
            return True
        self.assertEqual((done.returncode, done.stdout), (1, ""), (what, done.stderr))
        self.assertIn(done.stderr, allowed, what)
        self.assertEqual(self.contents(), before, what)
        return False

    def run_well(self, words, before):
        """What it says and makes when memory does."""
        done = self.invoke_short(words)
        self.assertEqual(done.returncode, 0, done.stderr)
        good = done.stdout, done.stderr, self.contents()
        self.expect(words, done, [], before, good)
        return good

    # ---- limits of the process ----

    def least_kilobytes(self, limit):
        """What the program and its libraries take before main()."""
        least, most = 1 << 10, 1 << 20
        while most - least > 128:
            middle = (least + most) // 2
            done = self.invoke_short(["--version"], limit(1024 * middle))
            least, most = (least, middle) if done.returncode == 0 else (middle, most)
        return most

    def try_limits(self, words, limit, describe):
        """From what is hardly enough for main() in small steps to what is enough for all."""
        (self.folder / "out").mkdir(exist_ok=True)
        self.write("out/libsmall.a", "an old library")
        before = self.contents()
        good = self.run_well(words, before)
        kilobytes, said, step = self.least_kilobytes(limit), set(), 256
        while True:
            done = self.invoke_short(words, limit(1024 * kilobytes))
            allowed = messages(describe(kilobytes), "", "'small.rfl'", "the network 'small'")
            if self.expect(words, done, allowed, before, good):
                break
            said.add(done.stderr.split("\n")[0])
            kilobytes += step
            step += step // 8
        self.assertIn("riffle: error: out of memory, working on the network 'small'", said)

    def try_space(self, *words):
        self.try_limits(words, lambda size: limit_both(size, None), lambda kilobytes:
                        f"its address space is limited to {kilobytes} KiB (ulimit -v): allow more")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_space_of_compile(self):
        self.try_space("compile", "small.rfl", "--weights", "weights.safetensors", "-o", "out")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_space_of_verify(self):
        self.try_space("verify", "small.rfl", "--weights", "weights.safetensors")

    def test_space_of_c(self):
        self.try_space("compile", "small.rfl", "--weights", "weights.safetensors", "--backend", "c", "-o", "out",
                       "--set", "batch=400")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_data(self):
        """The libraries' own data is more than a small network takes; this one takes more."""
        self.write("small.rfl", DEEP)
        words = "compile", "small.rfl", "--random-weights", 1, "-o", "out"
        self.try_limits(words, lambda size: limit_both(None, size), lambda kilobytes:
                        f"its data is limited to {kilobytes} KiB (ulimit -d): allow more")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_weights_that_are_too_large(self):
        """The network of the issue, its weights zeros that take no room on the disk."""
        self.write("wide.rfl", WIDE)
        header = b'{"c.weight": {"dtype": "F32", "shape": [20000, 2048, 3, 3], "data_offsets": [0, 1474560000]}}'
        header += b" " * (-len(header) % 8)
        with open(self.folder / "wide.safetensors", "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + 1474560000)
        words = ["compile", "wide.rfl", "--weights", "wide.safetensors", "-o", "out"]
        kilobytes = 2_500_000
        done = self.invoke_short(words, limit_both(1024 * kilobytes, None))
        self.assertIn(done.stderr, messages(f"its address space is limited to {kilobytes} KiB (ulimit -v): allow more",
                                            "the network 'wide'"))
        self.assertEqual((done.returncode, done.stdout, list(self.temporary.iterdir())), (1, "", []))
        self.assertFalse((self.folder / "out").exists())

    # ---- each allocation ----

    def try_allocations(self, *words):
        """One that fails with all after it, and one that fails alone: then what is made is whole, or nothing."""
        self.write("libsmall.a", "an old library")
        before = self.contents()
        good = self.run_well(words, before)
        count = self.folder / "count"
        self.invoke_short(words, LD_PRELOAD=LIBRARY, SHORT_MEMORY_COUNT=str(count))
        last = int(count.read_text())
        count.unlink()
        for path in self.contents().keys() - before.keys():
            path.unlink()
        for path, old in before.items():
            path.write_bytes(old)
        numbers = random.Random(" ".join(map(str, words))).sample(range(FIRST, last + 1), min(TRIES, last - FIRST))
        for number in [*range(1, FIRST), *sorted(numbers)]:
            for once in ({}, {"SHORT_MEMORY_ONCE": "1"}):
                with self.subTest(number=number, **once):
                    done = self.invoke_short(words, LD_PRELOAD=LIBRARY, SHORT_MEMORY=str(number), **once)
                    allowed = messages(END_OTHERS, "", "'small.rfl'", "the network 'small'") + [LLVM_CRASHED]
                    self.expect(words, done, allowed, before, good)

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_compile(self):
        self.try_allocations("compile", "small.rfl", "--weights", "weights.safetensors")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_other_files(self):
        self.try_allocations("compile", "small.rfl", "--weights", "weights.safetensors", "--emit", "ll", "--emit",
                             "kernels", "--emit", "dot", "--depfile", "rule.d")

    @unittest.skipUnless(has_llvm(), "without LLVM")
    def test_verify(self):
        self.try_allocations("verify", "small.rfl", "--weights", "weights.safetensors")

    def test_c_compiler(self):
        """And the folder that it works in."""
        self.try_allocations("compile", "small.rfl", "--weights", "weights.safetensors", "--backend", "c", "--cc", "cc")

    def test_torch(self):
        """Weights of PyTorch, whose pickle makes objects of its own."""
        self.write("weights.safetensors", torch_files.stream({
            "conv.weight": torch_files.tensor([0.5] * 216, [8, 3, 3, 3]),
            "fc": {"weight": torch_files.tensor([0.5] * 32, [4, 8], "HalfStorage"),
                   "bias": torch_files.tensor([0.25] * 4, [4])}}))
        self.try_allocations("opt", "small.rfl", "--weights", "weights.safetensors")

    def test_json(self):
        self.try_allocations("convert", "small.rfl", "-o", "small.json")

    def test_opt(self):
        """Its passes run in another process."""
        self.try_allocations("opt", "small.rfl", "--weights", "weights.safetensors")

    def test_drawing(self):
        """libpng's, too."""
        self.write("small.rfl", BOXES)
        self.write("picture.png", png(8, 8, RGB, [bytes([255, 0, 255] * 8)] * 8))
        self.try_allocations("run", "small.rfl", "--interpret", "--image", "picture.png", "--draw", "drawn.png")

    def test_inspect(self):
        self.try_allocations("inspect", "small.rfl", "--json")


if __name__ == "__main__":
    unittest.main()
