"""NAME_label: the names of classes in the library, of each variant where there are several."""

import ctypes

import pytest
from support import BACKENDS, HAS_LLVM, RIFFLE, load, run

NAMES = ["cat", "Größe 😀", "", "dog, \"x\"", *(f"class {i}" for i in range(700))]
SPEC = """network net(classes = 704, file = "names.txt") {
    input x: f32[1, classes]
    output scores = x |> negate
    labels = file
}
"""


def names_of(function, count):
    function.restype = ctypes.c_char_p
    assert all(function(i) is None for i in (-1, count, 1 << 30, -(1 << 31)))
    return [function(i).decode() for i in range(count)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_names(tmp_path, backend):
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")
    (tmp_path / "net.rfl").write_text(SPEC)
    run(RIFFLE, "compile", tmp_path / "net.rfl", "-o", tmp_path, *BACKENDS[backend])
    assert names_of(load(tmp_path, "net").net_label, len(NAMES)) == NAMES


@pytest.mark.skipif(not HAS_LLVM, reason="this riffle has no LLVM")
def test_variants(tmp_path):
    (tmp_path / "two.txt").write_text("cat\ndog\n")
    (tmp_path / "three.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "net.rfl").write_text(SPEC)
    run(RIFFLE, "compile", tmp_path / "net.rfl", "-o", tmp_path, "--variant", 'a:classes=2,file="two.txt"', "--variant",
        'b:classes=3,file="three.txt"')
    library = load(tmp_path, "net")
    assert names_of(library.net_a_label, 2) == ["cat", "dog"]
    assert names_of(library.net_b_label, 3) == ["one", "two", "three"]
