"""What goes wrong: no nvcc, an nvcc that fails, devices and runtimes that fail, wrong arguments."""

import os

import pytest
from model import Model, write_sources
from networks import path
from shim import SHIM, call
from support import RIFFLE

DIGITS = path("digits/digits")


def compile_digits(folder, nvcc, target="cuda-sm_90", check=False):
    return call([RIFFLE, "compile", DIGITS, "--random-weights", 1, "--target", target, "-o", folder],
                env={"NVCC": str(nvcc)}, check=check)


def fake_nvcc(folder, script):
    program = folder / "nvcc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_failing_runtime(tmp_path):
    model = Model(DIGITS, {}, tmp_path)
    model.write_expected()
    said = call([model.program("asan", "errors.cu")], cwd=tmp_path).stdout
    in_create, in_work = (int(word) for word in said.split() if word.isdigit())
    assert in_create >= 5 and in_work >= 8


def test_streams(tmp_path):
    """Runs on several streams are done in their order; by several threads at once, refused; and beside other work, a phase
    a launch, or with fewer blocks."""
    model = Model(DIGITS, {}, tmp_path)
    model.write_expected()
    assert call([model.program("asan", "streams.cu")], cwd=tmp_path).stdout == "in order\n"


def test_stamps(tmp_path):
    """When blocks begin and end each phase."""
    model = Model(DIGITS, {}, tmp_path)
    model.write_expected()
    assert call([model.program("asan", "stamps.cu", ["-DNETWORK_CUDA_STAMPS"])], cwd=tmp_path).stdout.endswith(" phases\n")


def test_order_is_needed(tmp_path):
    """Without the wait for the run before, the test of streams fails."""
    model = Model(DIGITS, {}, tmp_path)
    model.write_expected()
    source = model.source.read_text()
    assert source.count("cudaStreamWaitEvent(stream, model->done, 0)") == 1
    model.source.write_text(source.replace("cudaStreamWaitEvent(stream, model->done, 0)",
                                             "model->done != NULL ? cudaSuccess : cudaErrorUnknown"))
    done = call([model.program("asan", "streams.cu")], cwd=tmp_path, check=False)
    assert "outputs_are_right() does not hold" in done.stderr


def test_old_cuda(tmp_path):
    """The least version is asked for."""
    write_sources(DIGITS, ["--random-weights", 1], "cuda-sm_100", tmp_path)
    done = call(["c++", "-fsyntax-only", "-x", "c++", "-include", SHIM / "cuda_runtime.h", "-DCUDART_VERSION=12070", f"-I{SHIM}",
                 "network.cu"], cwd=tmp_path, check=False)
    assert "this file needs CUDA 12.8 or newer" in done.stderr


def test_no_nvcc(tmp_path):
    done = write_sources(DIGITS, ["--random-weights", 1], "cuda-sm_90", tmp_path)
    assert "no nvcc" in done.stdout + done.stderr
    files = {file.name for file in tmp_path.iterdir()}
    assert {"network.cu", "network.h", "network.json"} <= files
    assert "libnetwork.a" not in files


def test_cubin_without_nvcc(tmp_path):
    done = call([RIFFLE, "compile", DIGITS, "--random-weights", 1, "--target", "cuda-sm_90", "--emit", "cubin", "-o",
                 tmp_path / "out"], env={"NVCC": "none"}, check=False)
    assert done.returncode != 0
    assert "'--emit cubin' is made by nvcc, and there is none" in done.stderr
    assert not (tmp_path / "out").exists()


def test_ranges(tmp_path):
    """With the macro for Nsight, each run and each launch of a graph is a range."""
    model = Model(DIGITS, {}, tmp_path)
    model.write_expected()
    header = tmp_path / "nvtx3" / "nvToolsExt.h"
    header.parent.mkdir()
    header.write_text('#include <cstdio>\n'
                      'static inline int nvtxRangePushA(const char *name) { return fprintf(stderr, "<%s", name); }\n'
                      'static inline int nvtxRangePop(void) { return fprintf(stderr, ">"); }\n')
    said = call([model.program("asan", options=["-DNETWORK_CUDA_NVTX"]), "compare"], cwd=tmp_path).stderr
    assert said.count("<network_cuda_run>") >= 6 and said.count("<network_cuda_graph_launch>") >= 1
    assert said.count("<") == said.count(">")


def test_nvcc_without_the_architecture(tmp_path):
    nvcc = fake_nvcc(tmp_path, "echo sm_50 sm_52; echo sm_900")
    done = compile_digits(tmp_path / "out", nvcc)
    assert done.returncode != 0
    assert "makes no code for sm_90" in done.stderr and "sm_52" in done.stderr
    assert not (tmp_path / "out" / "libdigits.a").exists()


def test_nvcc_that_fails(tmp_path):
    nvcc = fake_nvcc(tmp_path, 'case "$*" in *--list-gpu-code*) echo sm_90;; *) echo "it is broken"; exit 3;; esac')
    done = compile_digits(tmp_path / "out", nvcc)
    assert done.returncode != 0
    assert "it is broken" in done.stderr and "error:" in done.stderr
    assert not os.listdir(tmp_path / "out") if (tmp_path / "out").exists() else True


@pytest.mark.parametrize("target", ["cuda-sm_42", "cuda-", "cuda-sm_9"])
def test_unknown_architecture(target, tmp_path):
    done = compile_digits(tmp_path / "out", "none", target)
    assert done.returncode != 0
    assert target in done.stderr and "cuda-sm_90" in done.stderr
    assert not (tmp_path / "out").exists() or not os.listdir(tmp_path / "out")
