"""One library for cores that work in order and others: which level it finds, and that levels agree."""

import json
from pathlib import Path

import numpy as np
import pytest
from emulated import CLANG, LINKER, execute, missing, tool
from support import assert_close, invoke, riffle

TARGET = "aarch64-linux-gnu"
NM = tool("llvm-nm-22", "llvm-nm")
OUTPUTS = 12
NETWORK = """network net {
    input image: f32[1, 3, 17, 19]
    x = image |> conv(40, 3, stride = 2, padding = 1) @ stem |> relu |> depthwise(3, padding = 1) @ deep
    output result = x |> conv(60, 1) @ wide |> relu6 |> global_avg_pool |> linear(12) @ fc
}
"""
ANY, IN_ORDER = 1, 2

pytestmark = pytest.mark.skipif(bool(missing(TARGET)) or not NM, reason=missing(TARGET) or "lacking llvm-nm")


@pytest.fixture(name="library")
def make_library(tmp_path):
    (tmp_path / "net.rfl").write_text(NETWORK)
    riffle("compile", tmp_path / "net.rfl", "--random-weights", 1, "--target", "aarch64-multi", "-o", tmp_path)
    return tmp_path


def run(folder, processor, *definitions):
    """The level that is found, and the outputs: of net_run, and of each level."""
    execute(CLANG, f"--target={TARGET}", "-O2", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror",
            "-I", folder, *definitions, "-c", Path(__file__).with_name("levels.c"), "-o", folder / "levels.o")
    execute(LINKER, "-static", "-z", "text", "--no-undefined", folder / "levels.o", folder / "libnet.a",
            "-o", folder / "program")
    said = execute("qemu-aarch64", "-cpu", processor, folder / "program")
    assert len(said) == 4 + 3 * 4 * OUTPUTS
    return int.from_bytes(said[:4], "little"), np.frombuffer(said[4:], "<f4").reshape(3, OUTPUTS)


@pytest.mark.parametrize("processor, level", [("cortex-a53", IN_ORDER), ("cortex-a35", IN_ORDER), ("cortex-a57", ANY),
                                              ("cortex-a72", ANY), ("cortex-a76", ANY)])
def test_level(processor, level, library):
    found, (run_as_found, *by_level) = run(library, processor)
    assert found == level
    assert np.array_equal(run_as_found, by_level[level - 1])
    assert np.abs(run_as_found).max() > 0
    assert_close(by_level[1], by_level[0])


def test_no_getauxval(library):
    """Then nobody can be asked, and the code is that for any."""
    found, (run_as_found, *by_level) = run(library, "cortex-a53", "-DLACKS_GETAUXVAL")
    assert found == ANY
    assert np.array_equal(run_as_found, by_level[0])


def test_symbols(library):
    """One symbol is undefined, and need not be there."""
    weak = [line.split()[-1] for line in execute(NM, library / "libnet.a").decode().splitlines() if " w " in line]
    assert weak == ["getauxval"]


def test_description(library):
    data = json.loads((library / "net.json").read_text())
    assert data["target"]["levels"] == ["armv8-a", "armv8-a-small"]
    assert [level["level"] for level in data["levels"]] == [ANY, IN_ORDER]


def test_not_here(library):
    """What is for another architecture is not run, and C source cannot ask."""
    words = [library / "net.rfl", "--random-weights", 1, "--target", "aarch64-multi"]
    for command in ("verify", "bench"):
        assert invoke(command, *words).stderr == (
            "riffle: error: code for 'aarch64-multi' does not run on this machine\n"
            "hint: '--target native' always runs here, and --runner runs code elsewhere\n")
    assert invoke("compile", *words, "--backend", "c", "-o", library).stderr == (
        "riffle: error: 'aarch64-multi' asks the processor, which only LLVM's code can\n"
        "hint: leave out --backend c, or give one of them: --target armv8-a-small\n")
