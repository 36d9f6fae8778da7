"""One library for cores that work in order and others, and for what later ones have: which level it finds, and that
levels agree."""

import json
from pathlib import Path

import numpy as np
import pytest
from emulated import CLANG, LINKER, execute, missing, tool
from support import assert_close, invoke, riffle, run_riffle

TARGET = "aarch64-linux-gnu"
NM = tool("llvm-nm-22", "llvm-nm")
OUTPUTS = 12
NETWORK = """network net {
    input image: f32[1, 3, 17, 19]
    x = image |> conv(40, 3, stride = 2, padding = 1) @ stem |> relu |> depthwise(3, padding = 1) @ deep
    output result = x |> conv(60, 1) @ wide |> relu6 |> global_avg_pool |> linear(12) @ fc
}
"""
# Numbers of levels, and the targets whose code they are.
ANY, IN_ORDER, DOT, DOT_IN_ORDER, I8MM, I8MM_IN_ORDER = range(1, 7)
TARGETS = ["armv8-a", "armv8-a-small", "cortex-a76", "cortex-a55", "neoverse-n2", "cortex-a510"]
HALVES = ["--precision", "fp16"]
INT8 = ["--precision", "int8", "--calibration", "random"]

pytestmark = pytest.mark.skipif(bool(missing(TARGET)) or not NM, reason=missing(TARGET) or "lacking llvm-nm")


def compile_network(folder, *options):
    (folder / "net.rfl").write_text(NETWORK)
    riffle("compile", folder / "net.rfl", "--random-weights", 1, *options, "-o", folder)
    return folder


@pytest.fixture(name="library")
def make_library(tmp_path):
    return compile_network(tmp_path, "--target", "aarch64-multi")


@pytest.fixture(name="library_of_bytes", scope="module")
def make_library_of_bytes(tmp_path_factory):
    return compile_network(tmp_path_factory.mktemp("bytes"), "--target", "aarch64-multi", *INT8)


@pytest.fixture(name="library_of_halves", scope="module")
def make_library_of_halves(tmp_path_factory):
    return compile_network(tmp_path_factory.mktemp("halves"), "--target", "aarch64-multi", *HALVES)


def run(folder, processor, *definitions, levels=(ANY, IN_ORDER), highest=IN_ORDER):
    """The level that is found, and the outputs: of net_run, and of each of a range of levels."""
    execute(CLANG, f"--target={TARGET}", "-O2", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror",
            "-I", folder, *definitions, f"-DFIRST_LEVEL={levels[0]}", f"-DLAST_LEVEL={levels[-1]}", f"-DHIGHEST_LEVEL={highest}",
            "-c", Path(__file__).with_name("levels.c"), "-o", folder / "levels.o")
    execute(LINKER, "-static", "-z", "text", "--no-undefined", folder / "levels.o", folder / "libnet.a",
            "-o", folder / "program")
    said = execute("qemu-aarch64", "-cpu", processor, folder / "program")
    outputs = np.frombuffer(said[4:], "<f4").reshape(-1, OUTPUTS)
    assert len(outputs) == 1 + levels[-1] - levels[0] + 1
    return int.from_bytes(said[:4], "little"), outputs


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


@pytest.mark.parametrize("processor, level", [
    ("cortex-a53", IN_ORDER), ("cortex-a72", ANY), ("cortex-a76", DOT), ("neoverse-n1", DOT), ("max", I8MM)])
def test_level_of_bytes(processor, level, library_of_bytes):
    """What the processor has, and no more, is made use of; all levels give the bits of x86-64."""
    levels = range(ANY, {ANY: IN_ORDER, IN_ORDER: IN_ORDER, I8MM: I8MM_IN_ORDER}.get(level, DOT_IN_ORDER) + 1)
    found, outputs = run(library_of_bytes, processor, levels=levels, highest=I8MM_IN_ORDER)
    assert found == level
    image = ((np.arange(3 * 17 * 19) * 37 % 101 - 50) / np.float32(50)).astype(np.float32)
    wanted, = run_riffle(library_of_bytes / "net.rfl", ["--random-weights", 1, *INT8, "--target", "x86-64-v3"], [image],
                         [(OUTPUTS,)], library_of_bytes)
    assert np.abs(wanted).max() > 0
    for output in outputs:
        assert np.array_equal(output, wanted)


def test_bytes_without_getauxval(library_of_bytes):
    found, outputs = run(library_of_bytes, "max", "-DLACKS_GETAUXVAL", highest=I8MM_IN_ORDER)
    assert found == ANY
    assert np.array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize("processor, level", [
    ("cortex-a53", IN_ORDER), ("cortex-a72", ANY), ("cortex-a76", DOT), ("max", DOT)])
def test_level_of_halves(processor, level, library_of_halves):
    """fp16 is computed with where the processor does, and widened to f32 elsewhere: the same numbers in memory."""
    found, outputs = run(library_of_halves, processor, levels=range(ANY, max(level, IN_ORDER) + (level == DOT) + 1),
                         highest=DOT_IN_ORDER)
    assert found == level
    assert np.array_equal(outputs[0], outputs[level])
    assert np.abs(outputs[0]).max() > 0
    for output in outputs:
        assert_close(output, outputs[0], 0.005)
    if level == DOT:
        assert not np.array_equal(outputs[DOT], outputs[ANY])
        assert np.array_equal(outputs[DOT], outputs[DOT_IN_ORDER])


def test_runner_chooses(library_of_halves):
    """The program of --runner says what the processor has: the answers are those of its level, which are further off."""
    words = ["verify", library_of_halves / "net.rfl", "--random-weights", 1, *HALVES, "--target", "aarch64-multi", "--count", 1,
             "--tolerance", 1e-4, "--runner"]
    riffle(*words, "qemu-aarch64 -cpu cortex-a53")
    riffle(*words, "qemu-aarch64 -cpu cortex-a76", status=1)


def test_description_of_halves(library_of_halves, tmp_path):
    data = json.loads((library_of_halves / "net.json").read_text())
    assert data["target"]["levels"] == TARGETS[:4]
    sizes = {level["totals"]["weight_bytes"] for level in data["levels"]}
    compile_network(tmp_path, "--target", "cortex-a76", *HALVES)
    one = json.loads((tmp_path / "net.json").read_text())["totals"]["weight_bytes"]
    assert len(sizes) == 1 and sizes.pop() < 1.1 * one


def test_description_of_bytes(library_of_bytes):
    data = json.loads((library_of_bytes / "net.json").read_text())
    assert data["target"]["levels"] == TARGETS
    assert [level["level"] for level in data["levels"]] == [*range(ANY, I8MM_IN_ORDER + 1)]
    header = (library_of_bytes / "net.h").read_text()
    assert "NET_LEVEL_DOT_IN_ORDER = 4" in header and "illegal instruction" in header


def test_weights_are_there_twice(library_of_bytes, tmp_path):
    """All levels with dot products read the same packed bytes, and the other two the same."""
    compile_network(tmp_path, "--target", "cortex-a76", *INT8)
    one = json.loads((tmp_path / "net.json").read_text())["totals"]["weight_bytes"]
    several = json.loads((library_of_bytes / "net.json").read_text())["levels"][0]["totals"]["weight_bytes"]
    assert several < 2 * one


def test_platform(tmp_path):
    """--cpu names the levels of a platform."""
    compile_network(tmp_path, "--target", "aarch64-linux-android24", "--cpu", "aarch64-multi")
    data = json.loads((tmp_path / "net.json").read_text())
    assert data["target"]["triple"] == "aarch64-unknown-linux-android24"
    assert data["target"]["levels"] == TARGETS[:2]
    assert run(tmp_path, "cortex-a53")[0] == IN_ORDER


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
