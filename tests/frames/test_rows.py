"""Inputs of bytes whose rows have gaps, between pages that nobody may touch."""

import pytest
from support import BACKENDS, HAS_LLVM, HERE, RIFFLE, run

ROOM = "output y = image |> conv(20, 3, stride = 2, padding = 1) @ a |> relu |> conv(7, 1) @ b"
NETWORKS = {
    "stem": ("2, 3, 9, 23", ROOM),
    "picture": ("1, 3, 5, 41", "output y = image"),
    "grey": ("3, 1, 4, 1", "output y = image |> relu"),
    "four": ("1, 4, 1, 70", "output y = image |> conv(5, 1) @ a"),
    "strips": ("1, 3, 7, 2900", "output y = image |> conv(8, 7, stride = 2, padding = 3) @ a"),
    "one": ("1, 3, 1, 1", "output y = image"),
    "rgba": ("2, 3, 5, 21", ROOM),
    "bgra": ("1, 3, 3, 1", "output y = image"),
}
INT8 = ["--precision", "int8", "--calibration", "random", "--target", "x86-64-v3"]
WAYS = {**BACKENDS, **({"v2": ["--target", "x86-64-v2"], "int8": INT8, "apart": ["--chains", "never"],
                       "weights": ["--weights-file"]} if HAS_LLVM else {})}
TURNS = [(name, list(WAYS)[i % len(WAYS)]) for i, name in enumerate(NETWORKS)]
CASES = sorted({*TURNS, *((name, way) for name in ("stem", "rgba") for way in WAYS)})


@pytest.mark.parametrize(("network", "way"), CASES)
def test_rows(network, way, tmp_path):
    shape, layers = NETWORKS[network]
    frame = f"rgb, frame = {network}, " if network in ("rgba", "bgra") else ""
    (tmp_path / "net.rfl").write_text(
        f"network net {{\n    input image: u8[{shape}] nhwc = pixels({frame}scale = 1 / 255, mean = 0.5, std = 0.25)\n    {layers}\n}}\n")
    run(RIFFLE, "compile", tmp_path / "net.rfl", "--random-weights", 3, *WAYS[way], "-o", tmp_path)
    run("cc", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover",
        "-I", tmp_path, HERE / "rows.c", tmp_path / "libnet.a", "-lm", "-o", tmp_path / "rows")
    run(tmp_path / "rows", tmp_path / "net.weights")
