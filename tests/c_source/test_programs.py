"""Sources in programs of their own, the library that --cc makes, and what is said of mistakes."""

import pytest
from compilers import NATIVE, WARNINGS, make_source, run
from support import ROOT, invoke, riffle, settings

TINY = ROOT / "tests" / "consumers" / "tiny.rfl"
RUNTIME = ROOT / "runtime"


@pytest.mark.parametrize("compiler", NATIVE, ids=" ".join)
def test_two_models_in_one_program(compiler, tmp_path):
    """On several threads at once; the program compares with what each gives alone."""
    make_source(TINY, "generic", tmp_path, "--random-weights", 1, name="left")
    make_source(TINY, "x86-64", tmp_path, "--random-weights", 2, *settings(classes=7), name="right")
    pool = [f"-I{ROOT}", f"-I{RUNTIME}", RUNTIME / "pool.c", "-D_GNU_SOURCE", "-pthread"]
    sources = ["left.c", "left_weights.S", "right.c", "right_weights.S"]
    run(*compiler, "-std=gnu11", "-O1", "-I.", ROOT / "tests" / "consumers" / "two_models.c", *pool, *sources, "-lm",
        "-o", "two_models", cwd=tmp_path)
    assert run(tmp_path / "two_models") == "0 failures\n"


def test_library(tmp_path):
    """With --cc there is a library as that of LLVM: position-independent, and its names are its own."""
    riffle("compile", TINY, "--random-weights", 1, "--backend", "c", "--cc", " ".join(NATIVE[0]), "-o", tmp_path)
    run(*NATIVE[0], "-shared", "-nostdlib", "-Wl,-z,text", "-Wl,-z,defs", "-Wl,--whole-archive", "libtiny.a",
        "-Wl,--no-whole-archive", "-lc", "-o", "tiny.so", cwd=tmp_path)  # memcpy and its like
    lines = run("nm", "--defined-only", "--extern-only", tmp_path / "tiny.so").splitlines()
    assert sorted(line.split()[-1] for line in lines) == [
        "tiny_prepare_image", "tiny_prepare_image_parallel", "tiny_prepare_image_scratch_bytes", "tiny_run",
        "tiny_run_parallel"]


def test_source_alone(tmp_path):
    """Without --cc no compiler is run."""
    riffle("compile", TINY, "--random-weights", 1, "--backend", "c", "-o", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tiny.c", "tiny.h", "tiny.json", "tiny_weights.S", "tiny_weights.bin"]


def test_reproducible(tmp_path):
    for folder in ("one", "two/deeper"):
        make_source(TINY, "x86-64-v3", tmp_path / folder, "--random-weights", 1)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "deeper" / path.name).read_bytes()


def test_weights_from_another_folder(tmp_path):
    make_source(TINY, "generic", tmp_path / "made", "--random-weights", 1)
    for compiler in NATIVE:
        run(*compiler, "-Imade", "-c", "made/net_weights.S", "-o", "weights.o", cwd=tmp_path)


MISTAKES = {
    "no compiler": (["verify", "--target", "native", "--cc", "/nowhere/cc"], "cannot run the C compiler '/nowhere/cc'"),
    "failing compiler": (["verify", "--target", "native", "--cc", "false"], "the C compiler 'false' failed"),
    "backend": (["compile", "--backend", "fortran"], "'fortran' is no value for --backend"),
}
if "without LLVM" not in riffle("--version"):  # where C is the default, the word says nothing
    MISTAKES["GPU"] = (["compile", "--target", "cuda-sm_90"], "--backend c is not for a GPU")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake, tmp_path):
    (command, *options), message = MISTAKES[mistake]
    words = [command, TINY, "--random-weights", 1, "--backend", "c", *options]
    done = invoke(*words, *(["-o", tmp_path / "out"] if command == "compile" else []))
    assert done.returncode in (1, 2) and message in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


def test_generic_needs_c():
    done = invoke("compile", TINY, "--random-weights", 1, "--target", "generic", "--backend", "llvm", "-o", "/nowhere")
    assert done.returncode == 1
    assert "for 'generic' there is C source only" in done.stderr or "built without LLVM" in done.stderr


def test_a_warning_is_seen(tmp_path):
    """The tests of sources can fail."""
    (tmp_path / "bad.c").write_text("int f(long x);\nint f(long x) {\n    int y = x;\n    return 0;\n}\n")
    with pytest.raises(AssertionError):
        run(*NATIVE[0], *WARNINGS, "-c", "bad.c", cwd=tmp_path)
