"""Compiled C against the interpreter, between guard bytes: single layers at odd sizes, and small networks.

By default each case is tried on one target, by one compiler, in turn; RIFFLE_FULL_MATRIX=1 tries all.
"""

import itertools

import pytest
from compilers import NATIVE, PICTURES
from marks import lacking_flags
from networks import FULL, path
from support import TARGET_FLAGS, part, settings, verify
from test_single_layers import CASES, write_case

TARGETS = ["generic", *(target for target in TARGET_FLAGS if not lacking_flags(target))]
WAYS = list(itertools.product(TARGETS, [" ".join(compiler) for compiler in NATIVE]))
pytestmark = pytest.mark.skipif(not NATIVE, reason="no C compiler is here")


def cases():
    for index, name in enumerate(CASES):
        if not FULL and index % 4 != 1:
            continue
        for number, (target, compiler) in enumerate(WAYS):
            if FULL or number == index // 4 % len(WAYS):
                yield pytest.param(name, target, compiler, id=f"{name}-{target}-{compiler}")


@pytest.mark.parametrize("name, target, compiler", part(cases(), 3))
def test_layer(name, target, compiler, tmp_path, monkeypatch):
    monkeypatch.setenv("CFLAGS", "-O1")
    _, spec, _ = write_case(name, tmp_path)
    verify(spec, "--random-weights", 3, "--count", 2, "--target", target, "--backend", "c", "--cc", compiler)


@pytest.mark.parametrize("target, compiler", WAYS)
def test_network(target, compiler):
    """Tails of channels, chains of layers, stores to several runs; on three threads."""
    verify(path("shufflenet_v2"), *settings(width=0.5, size=(33, 37), batch=2), "--random-weights", 3, "--count", 1,
           "--target", target, "--backend", "c", "--cc", compiler, "--threads", 3)


@pytest.mark.parametrize("target, compiler", WAYS)
def test_pictures(target, compiler, tmp_path):
    """Bytes, of which a row is no whole number of vectors."""
    spec = tmp_path / "net.rfl"
    spec.write_text(PICTURES)
    verify(spec, "--random-weights", 3, "--count", 1, "--target", target, "--backend", "c", "--cc", compiler)


@pytest.mark.parametrize("flag", ["-DHAS_VECTORS=0", "-fsanitize=undefined -fno-sanitize-recover=all"])
def test_generic(flag, monkeypatch):
    monkeypatch.setenv("CFLAGS", f"-O1 {flag}")
    for spec, parameters in part([("shufflenet_v1", {"groups": 3, "width": 0.25}), ("squeezenet", {"version": 1.1})], 2):
        verify(path(spec), *settings(**parameters, size=(33, 35)), "--random-weights", 3, "--count", 1, "--target",
               "generic", "--backend", "c", "--cc", " ".join(NATIVE[0]))
