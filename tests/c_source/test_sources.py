"""The source of every example compiles without a warning, by gcc and clang, for every kind of target.

By default each example is made for one target, in turn; RIFFLE_FULL_MATRIX=1 makes all for all.
"""

import pytest
from compilers import NATIVE, PICTURES, TARGETS, WARNINGS, make_source, run
from networks import FULL, all_examples, name, path
from support import settings


def cases():
    for row, (spec, parameters) in enumerate(all_examples()):
        for column, target in enumerate(TARGETS):
            if FULL or column == row % len(TARGETS):
                yield pytest.param(spec, parameters, target, id=f"{name(spec, parameters)}-{target}")


@pytest.mark.parametrize("spec, parameters, target", [*cases()])
def test_no_warning(spec, parameters, target, tmp_path):
    if not TARGETS[target]:
        pytest.skip(f"no C compiler for {target} is here")
    make_source(path(spec), target, tmp_path, *settings(**parameters), "--random-weights", 5)
    for compiler in TARGETS[target]:
        said = run(*compiler, *WARNINGS, "-fsyntax-only", "net.c", cwd=tmp_path)
        assert said == "", said
        run(*compiler, "-c", "net_weights.S", "-o", "weights.o", cwd=tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_no_warning_when_optimised(target, tmp_path):
    """What only shows when a compiler follows the values."""
    if not TARGETS[target]:
        pytest.skip(f"no C compiler for {target} is here")
    make_source(path("shufflenet_v2" if FULL else "digits/digits"), target, tmp_path, "--random-weights", 5)
    for compiler in TARGETS[target]:
        assert run(*compiler, *WARNINGS, "-O2", "-c", "net.c", cwd=tmp_path) == ""


@pytest.mark.parametrize("target", TARGETS)
def test_no_warning_of_bytes(target, tmp_path):
    if not TARGETS[target]:
        pytest.skip(f"no C compiler for {target} is here")
    (tmp_path / "net.rfl").write_text(PICTURES)
    make_source(tmp_path / "net.rfl", target, tmp_path, "--random-weights", 5)
    for compiler in TARGETS[target]:
        assert run(*compiler, *WARNINGS, "-O1", "-c", "net.c", cwd=tmp_path) == ""


def test_without_vectors(tmp_path):
    """A compiler that has no vector types does the lanes one after the other."""
    make_source(path("squeezenet"), "generic", tmp_path, *settings(size=(31, 35)), "--random-weights", 5)
    for compiler in NATIVE:
        assert run(*compiler, *WARNINGS, "-DHAS_VECTORS=0", "-fsyntax-only", "net.c", cwd=tmp_path) == ""


def test_layers_are_named(tmp_path):
    make_source(path("shufflenet_v2"), "generic", tmp_path, *settings(width=0.5), "--random-weights", 5)
    source = (tmp_path / "net.c").read_text()
    assert "/* conv1.0: conv 3x3 3 -> 24, relu + max_pool 3x3 stride 2" in source
    assert (tmp_path / "net.c").stat().st_size < 2_000_000  # the weights are elsewhere
