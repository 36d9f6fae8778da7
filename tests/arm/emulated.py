"""Compiled networks on other machines: linked with the program of `--runner`, without any library, and run under qemu."""

import functools
import json
import platform
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from support import SECONDS, riffle

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"
ANSWER_END = 0x646e652d61736e77

# How programs of a target run here; nothing: as they are.
EMULATORS = {
    "aarch64-linux-gnu": ["qemu-aarch64"],
    "aarch64-linux-android24": ["qemu-aarch64"],
    "armv7-linux-gnueabihf": ["qemu-arm"],
    "armv7a-linux-androideabi24": ["qemu-arm"],
    "x86_64-linux-android24": [] if platform.machine() == "x86_64" else ["qemu-x86_64"],
}


def tool(*names):
    """The first of the commands that there is; None without any."""
    return next((path for path in map(shutil.which, names) if path), None)


CLANG = tool("clang-22", "clang-19", "clang")
LINKER = tool("ld.lld-22", "ld.lld-19", "ld.lld")


def missing(target):
    """What a test of the target lacks here, in words; "" when it can run."""
    lacks = [name for name, path in (("clang", CLANG), ("lld", LINKER)) if path is None]
    lacks += [name for name in EMULATORS[target] if not tool(name)]
    return ", ".join(lacks)


def execute(*words, **options):
    done = subprocess.run([*map(str, words)], capture_output=True, timeout=SECONDS, check=False, **options)
    command = " ".join(map(str, words))
    assert done.returncode == 0, f"{command}\nexit status {done.returncode}\n{done.stderr.decode()[-4000:]}"
    return done.stdout


@functools.cache
def start_object(target, run="net_run"):
    """remote_program.c as an object of the target, which calls that function."""
    folder = Path(tempfile.mkdtemp(prefix="riffle-arm-"))
    out = folder / "program.o"
    execute(CLANG, f"--target={target}", "-O2", "-ffreestanding", "-fno-stack-protector", "-Wall", "-Wextra",
            "-Werror", f"-DNETWORK_RUN={run}", f"-DNETWORK_RUN_PARALLEL={run}_parallel", "-c",
            RUNTIME / "remote_program.c", "-o", out)
    return out


class Program:
    """A network as a program of a target: what `riffle compile` makes of the words, and nothing else."""

    def __init__(self, target, folder, *words):
        self.target = target
        self.folder = folder
        self.path = folder / "program"
        riffle("compile", *words, "--target", target, "--name", "net", "-o", folder)
        self.description = json.loads((folder / "net.json").read_text())
        self.link(folder / "libnet.a", "net_run")

    def link(self, library, run):
        """With the function of that name of a library."""
        execute(LINKER, "-static", "-z", "text", "--no-undefined", "-z", "noexecstack", start_object(self.target, run), library,
                "-o", self.path)

    def output_bytes(self):
        return [4 * tensor["elements"] for tensor in self.description["outputs"]]

    def request(self, inputs):
        """As runtime/remote_protocol.h has it: one run, without a clock."""
        outputs = self.output_bytes()
        data = [np.ascontiguousarray(array, "<f4").tobytes() for array in inputs]
        assert [len(part) for part in data] == [4 * tensor["elements"] for tensor in self.description["inputs"]]
        head = [len(data), len(outputs), self.description["totals"]["workspace_bytes"], 0, 0, 0, 1, 0, 0, 1, 0,
                *map(len, data), *outputs]
        return struct.pack(f"<{len(head)}Q", *head) + b"".join(data)

    def run(self, inputs):
        """Outputs for the inputs, as flat arrays."""
        outputs = self.output_bytes()
        request, answer = self.folder / "request", self.folder / "answer"
        request.write_bytes(self.request(inputs))
        execute(*EMULATORS[self.target], self.path, request, answer)
        said = answer.read_bytes()
        assert len(said) == 4 * 8 + sum(outputs) + 8
        status, fault, array, samples = struct.unpack("<qQQQ", said[:32])
        assert (status, fault, array, samples) == (0, 0, 0, 0), f"net_run returned {status}, with fault {fault} of {array}"
        assert struct.unpack("<Q", said[-8:]) == (ANSWER_END,)
        numbers = np.frombuffer(said[32:-8], "<f4")
        return np.split(numbers, np.cumsum([size // 4 for size in outputs])[:-1])
