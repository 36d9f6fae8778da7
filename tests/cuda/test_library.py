"""libNAME.a by nvcc: its symbols and header; beside a library for the CPU in one program; --emit ptx."""

import re
import shutil

import pytest
from model import PROGRAM
from networks import path
from resources import ARCHITECTURES
from shim import call, find_nvcc
from support import RIFFLE

NVCC = find_nvcc()
pytestmark = pytest.mark.skipif(NVCC is None, reason="no nvcc: see requirements.txt")

DIGITS = path("digits/digits")
FUNCTIONS = {"create", "create_limited", "destroy", "run", "capture", "graph_launch", "graph_destroy", "error"}
# Beside CUDA's runtime, what any program of the host has.
ALLOWED = {"atexit", "calloc", "free", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"]
HEADER_ALONE = '#include "network.h"\n#include "network.h"\n'


def compile_digits(folder, target, *options):
    call([RIFFLE, "compile", DIGITS, "--random-weights", 1, "--target", target, "--name", "network", "-o", folder, *options],
         env={"NVCC": str(NVCC)})
    return folder


@pytest.fixture(scope="module")
def gpu(tmp_path_factory):
    return compile_digits(tmp_path_factory.mktemp("library") / "gpu", "cuda-sm_90")


def runtime_folder():
    """Where libcudart_static.a is."""
    for name in ("lib", "lib64", "targets/x86_64-linux/lib"):
        folder = NVCC.resolve().parents[1] / name
        if (folder / "libcudart_static.a").is_file():
            return folder
    pytest.skip(f"no libcudart_static.a beside {NVCC}")


def test_symbols(gpu):
    symbols = re.findall(r"^[0-9a-f ]{16} (\S) (\S+)$", call(["nm", gpu / "libnetwork.a"]).stdout, re.MULTILINE)
    defined = {symbol for kind, symbol in symbols if kind in "TDBRCW"}
    undefined = {symbol for kind, symbol in symbols if kind == "U"} - defined
    assert {f"network_cuda_{name}" for name in FUNCTIONS} <= defined
    assert not {symbol for symbol in defined if not symbol.startswith("network_cuda_")}
    strange = {symbol for symbol in undefined - ALLOWED if not re.match("_*cuda[A-Z]", symbol)}
    assert not strange


def test_no_hidden_data(gpu):
    """Nothing but what nvcc itself adds is written at run time."""
    names = re.findall(r"^[0-9a-f ]{16} [bBdD] (\S+)$", call(["nm", gpu / "libnetwork.a"]).stdout, re.MULTILINE)
    assert all(re.search("cuda|Cuda|fatDevice|__tmp|__handle", name) for name in names), names


@pytest.mark.parametrize("compiler, dialects", [("gcc", ["c99", "c11", "c17"]), ("g++", ["c++11", "c++17", "c++20"])])
def test_header(gpu, compiler, dialects, tmp_path):
    use = tmp_path / "use"
    use.write_text(HEADER_ALONE)
    for dialect in dialects:
        call([compiler, "-x", "c" if compiler == "gcc" else "c++", f"-std={dialect}", *WARNINGS, "-fsyntax-only", "-I", gpu, use])


def test_beside_the_cpu(gpu, tmp_path):
    """In one C program, which is linked without a C++ runtime and runs where no GPU is."""
    compile_digits(tmp_path / "cpu", "x86-64")
    shutil.copytree(gpu, tmp_path / "gpu")
    call(["cc", "-std=c11", *WARNINGS, PROGRAM / "both.c", "-I", tmp_path, tmp_path / "cpu" / "libnetwork.a",
          gpu / "libnetwork.a", "-L", runtime_folder(), "-lcudart_static", "-lpthread", "-ldl", "-lrt", "-lm", "-o",
          tmp_path / "both"])
    assert call([tmp_path / "both"]).stdout in ("success\n", "there is no CUDA device, or no driver for it\n")


def test_cubin_and_fatbin(tmp_path):
    """The network for the device alone, under a name that a loader finds."""
    compile_digits(tmp_path, "cuda-sm_90", "--emit", "cubin,fatbin")
    assert re.search(r"FUNC +GLOBAL .* network_cuda_network$", call(["readelf", "-sW", tmp_path / "network.cubin"]).stdout,
                     re.MULTILINE)
    assert (tmp_path / "network.fatbin").read_bytes()[:4] == bytes.fromhex("50ed55ba")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_ptx(architecture, tmp_path):
    """ptxas takes what LLVM makes of the kernels, for each architecture."""
    if "without LLVM" in call([RIFFLE, "--version"]).stdout:
        pytest.skip("this riffle has no LLVM")
    call([RIFFLE, "compile", DIGITS, "--random-weights", 1, "--target", f"cuda-{architecture}", "--name", "network", "--emit",
          "ptx", "-o", tmp_path], env={"NVCC": "none"})
    ptxas = NVCC.resolve().parent / "ptxas"
    done = call([ptxas, f"-arch={architecture}", "-v", "network.ptx", "-o", "network.cubin"], cwd=tmp_path)
    assert "error" not in done.stderr and "warning" not in done.stderr, done.stderr
    assert (tmp_path / "network.cubin").stat().st_size > 0
