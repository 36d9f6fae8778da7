"""Inputs of bytes: kernels read the pixels where they lie, gaps between rows included, and answer as the interpreter."""

import json

import numpy as np
import pytest
from model import PROGRAM, Model, write_sources
from resources import ARCHITECTURES
from shim import build_program, call
from support import RIFFLE, TOLERANCE, part

NETWORKS = {  # shape, what follows order in pixels(...), channels of the frame, layers
    "stem": ((2, 3, 11, 19), "rgb", 3, "conv(20, 3, stride = 2, padding = 1, bias = true) @ a |> relu |> conv(7, 1) @ b"),
    "pooled": ((1, 3, 13, 9), "rgb", 3, "conv(8, 3, stride = 2, padding = 1) @ a |> max_pool(3, stride = 2, padding = 1)"),
    "rgba": ((1, 3, 9, 14), "rgb, frame = rgba", 4, "conv(20, 3, padding = 1) @ a |> relu"),
    "bgra": ((2, 3, 5, 7), "rgb, frame = bgra", 4, "conv(9, 5, padding = 2, stride = 3) @ a"),
    "bgr": ((1, 3, 6, 5), "rgb, frame = bgr", 3, "conv(12, 1) @ a"),
    "grey": ((3, 1, 4, 1), "frame = grey", 1, "relu"),
    "picture": ((1, 3, 5, 41), "bgr", 3, ""),
    "depthwise": ((1, 3, 8, 9), "rgb", 3, "depthwise(3, padding = 1, multiplier = 2) @ a"),
    "averages": ((2, 4, 5, 6), "bgra", 4, "global_avg_pool"),
    "one": ((1, 3, 1, 1), "rgb", 3, "flatten |> linear(4) @ a"),
}


def write_network(folder, network):
    shape, words, channels, layers = NETWORKS[network]
    arrow = f" |> {layers}" if layers else ""
    spec = folder / "net.rfl"
    spec.write_text(f"""network net {{
    input image: u8{list(shape)} nhwc = pixels({words}, scale = 1 / 255, mean = {[0.485, 0.456, 0.406, 0.25][:shape[1]]},
        std = {[0.229, 0.224, 0.225, 0.5][:shape[1]]})
    output y = image{arrow}
}}
""")
    return spec, (shape[0], shape[2], shape[3], channels)


@pytest.mark.parametrize("network", part(list(NETWORKS), 4))
def test_bytes(network, tmp_path):
    spec, shape = write_network(tmp_path, network)
    target = f"cuda-{ARCHITECTURES[list(NETWORKS).index(network) % len(ARCHITECTURES)]}"
    model = Model(spec, {}, tmp_path / "out", target)
    np.random.default_rng(3).integers(0, 256, shape, np.uint8).tofile(model.folder / "pixels")
    call([RIFFLE, "run", spec, *model.options, "--interpret", "--input", model.folder / "pixels", "--output",
          model.folder / "y"])
    rows, row = shape[0] * shape[1], shape[2] * shape[3]
    program = build_program("races" if network in ("stem", "rgba") else "asan", [model.source, PROGRAM / "bytes.cu"],
                            model.folder / "bytes", [f"-I{model.folder}", f"-DROWS={rows}", f"-DROW={row}"],
                            [model.assemble_weights()])
    assert float(call([program], cwd=model.folder).stdout) <= TOLERANCE
    buffers = model.description["buffers"]
    if network in ("stem", "rgba", "bgr", "bgra"):  # no picture of floats
        assert not any(buffer["name"] == "image" and buffer["kind"] == "workspace" for buffer in buffers), buffers


def test_header(tmp_path):
    """In C and C++; the struct says what rows are apart."""
    spec, _ = write_network(tmp_path, "stem")
    write_sources(spec, ["--random-weights", 3], "cuda-sm_80", tmp_path)
    header = (tmp_path / "network.h").read_text()
    assert "    const unsigned char *image;\n" in header and "    } row_bytes;\n" in header
    assert "input image: bytes of pixels [2, 11, 19, 3] (batch, height, width, channels)" in header
    assert json.loads((tmp_path / "network.json").read_text())["inputs"][0]["type"] == "u8"
    (tmp_path / "use.c").write_text('#include "network.h"\n')
    for words in (["cc", "-std=c99"], ["c++", "-x", "c++", "-std=c++11"]):
        call([*words, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "use.c"], cwd=tmp_path)
