"""The files that `riffle compile --target cuda-sm_NN` writes, and what it says of the nvcc that it finds.

RIFFLE_UPDATE_GOLDEN=1 writes golden/tiny.cu anew: then read the difference."""

import os
import shutil
import stat
import subprocess

import pytest
from shim import HERE, call
from support import RIFFLE

GOLDEN = HERE / "golden"


def compile_tiny(folder, *options, nvcc="none", target="cuda-sm_80"):
    words = [RIFFLE, "compile", str(GOLDEN / "tiny.rfl"), "--random-weights", "1", "--target", target, "-o",
             str(folder), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "NVCC": str(nvcc)})


def fake_nvcc(folder, script):
    path = folder / "nvcc"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_golden(tmp_path):
    done = compile_tiny(tmp_path)
    assert done.returncode == 0, done.stderr
    if os.environ.get("RIFFLE_UPDATE_GOLDEN") == "1":
        shutil.copy(tmp_path / "tiny.cu", GOLDEN / "tiny.cu")
    assert (tmp_path / "tiny.cu").read_text() == (GOLDEN / "tiny.cu").read_text()


def test_files_without_nvcc(tmp_path):
    done = compile_tiny(tmp_path)
    assert done.stderr == "riffle compile: there is no nvcc: NAME.cu was written, and no library\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "tiny.cu", "tiny.h", "tiny.json", "tiny_weights.S", "tiny_weights.bin"]


@pytest.mark.parametrize("words", [["cc", "-std=c99"], ["cc", "-std=c11"], ["c++", "-x", "c++", "-std=c++11"]])
def test_header(tmp_path, words):
    """Plain C, and C++, without a warning."""
    compile_tiny(tmp_path)
    (tmp_path / "use.c").write_text('#include "tiny.h"\n#include "tiny.h"\n')
    call([*words, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only", "use.c"], cwd=tmp_path)


def test_nvcc_that_does_not_know(tmp_path):
    nvcc = fake_nvcc(tmp_path, "echo sm_70; echo sm_8\n")
    done = compile_tiny(tmp_path / "out", nvcc=nvcc)
    assert done.returncode == 1
    assert done.stderr == (f"riffle: error: the nvcc at '{nvcc}' makes no code for sm_80\n"
                           "hint: it knows sm_70 sm_8\n")
    assert not (tmp_path / "out").exists()


def test_nvcc_that_fails(tmp_path):
    nvcc = fake_nvcc(tmp_path, '[ "$1" = --list-gpu-code ] && echo sm_80 && exit 0\necho "code.cu(7): error: no"\nexit 2\n')
    done = compile_tiny(tmp_path / "out", nvcc=nvcc)
    assert done.returncode == 1
    assert f"riffle: error: '{nvcc}' failed:\ncode.cu(7): error: no\n" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["cuda-sm_75", "cuda-sm_120"])
def test_same_bytes(tmp_path, target):
    for folder in ("one", "two"):
        compile_tiny(tmp_path / folder, target=target)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_ptx(tmp_path):
    """An entry for each kernel, with its barriers."""
    done = compile_tiny(tmp_path, "--emit", "ptx")
    if "without LLVM" in done.stderr:
        pytest.skip("this riffle has no LLVM")
    ptx = (tmp_path / "tiny.ptx").read_text()
    assert ptx.count(".visible .entry tiny_cuda_kernel_") == 6
    assert ".target sm_80" in ptx and "bar.sync" in ptx and "st.shared.v4" in ptx
