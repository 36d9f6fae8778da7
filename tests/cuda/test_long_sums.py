"""Sums of many terms on a GPU: what ../numeric/test_long_sums.py asks of processors, with few terms."""

import numpy as np
import pytest
from model import Model
from shim import call
from support import almost_powers_of_two, write_weights

ALLOWED = 5e-6


def errors(model, inputs, build="asan"):
    """Of all forms of a run, against the interpreter, which sums in double."""
    model.write_expected(inputs=inputs)
    said = call([model.program(build), "compare"], cwd=model.folder)
    found = list(map(float, said.stdout.split()))
    assert found
    return found


# ---- windows, planes, channels ----

# The first term is so large that a float32 which holds it does not change when one of the others is added. One sum would
# lose all of them, parts lose those of the first.
NETWORKS = {
    "global mean": "input x: f32[1, 1, 80, 100]\n output y = global_avg_pool(x)",
    "mean": "input x: f32[1, 1, 40, 41]\n output y = avg_pool(x, [40, 40], stride = 1)",
    "mean of padded windows": "input x: f32[1, 2, 20, 20]\n"
                              "output y = avg_pool(x, [15, 13], stride = 5, padding = 2, count_padding = true)",
    "softmax": "input x: f32[1, 76801]\n output y = softmax(x)",
    "log softmax": "input x: f32[1, 76801]\n output y = log_softmax(x)",
    "reduced pixels": "input x: f32[1, 3, 60, 70]\n output y = reduce(x, [2, 3], sum)",
    "reduced channels": "input x: f32[1, 40, 7, 11]\n output y = reduce(x, [1, 3], l2)\n output z = reduce(x, [0, 2], min)",
    "indices": "input x: f32[1, 40, 7, 11]\n output y = arg_max(x, 1, last = true)\n output z = arg_max(x, 3, least = true, last = true)",
    "response norm": "input x: f32[1, 401, 1, 1]\n"
                     "output y = local_response_norm(x, 801, alpha = 1000, beta = 1, k = 0)",
}
FIRST = {"softmax": 18, "log softmax": 18, "reduced channels": 2**6, "response norm": 2**12}  # the others are 1


@pytest.mark.parametrize("name", NETWORKS)
def test_against_interpreter(name, tmp_path):
    spec = tmp_path / "sums.rfl"
    spec.write_text(f"network sums {{ {NETWORKS[name]} }}\n")
    model = Model(spec, {}, tmp_path / "out")
    [(_, count)] = model.tensors("inputs")
    image = np.ones(count, np.float32)
    image[0] = FIRST.get(name, 2**24)
    assert max(errors(model, [image])) < ALLOWED


# ---- products ----

# Name -> dimensions of x, what is computed of it, dimensions of the weight. The threads of a block share the input
# channels: one adds up 64 products in "1x1" and thousands where less is left to share.
LAYERS = {
    "1x1": ((1, 16384, 7, 9), "conv(x, 40, [1, 1]) @ layer", (40, 16384, 1, 1)),
    "1x1, many": ((1, 700001, 1, 2), "conv(x, 3, [1, 1]) @ layer", (3, 700001, 1, 1)),
    "3x3": ((1, 2048, 8, 8), "conv(x, 8, [3, 3], padding = 1) @ layer", (8, 2048, 3, 3)),
    "3x3, many": ((1, 65537, 2, 3), "conv(x, 2, [3, 3], padding = 1) @ layer", (2, 65537, 3, 3)),
    "large window": ((1, 4, 101, 102), "conv(x, 3, [100, 99], padding = 1) @ layer", (3, 4, 100, 99)),
    "large window, groups": ((1, 2, 101, 102), "conv(x, 4, [100, 99], padding = 0, groups = 2) @ layer", (4, 1, 100, 99)),
    "long rows": ((1, 1, 4, 1003), "conv(x, 5, [3, 1001], padding = 1) @ layer", (5, 1, 3, 1001)),
    "window and pooling": ((1, 2, 72, 73), "global_avg_pool(conv(x, 3, [70, 70], padding = 0) @ layer)", (3, 2, 70, 70)),
    "linear": ((1, 25088), "linear(x, 24) @ layer", (24, 25088)),
    "linear, a million": ((2, 1_000_000), "linear(x, 3) @ layer", (3, 1_000_000)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_products(name, tmp_path):
    dimensions, layer, weight = LAYERS[name]
    spec = tmp_path / "sums.rfl"
    spec.write_text(f"network sums {{ input x: f32{list(dimensions)}\n output y = {layer} }}\n")
    random = np.random.default_rng(1)
    weights = {"layer.weight": almost_powers_of_two(random, weight)}
    if layer.startswith("linear"):
        weights["layer.bias"] = random.uniform(0.5, 1.5, weight[0]).astype(np.float32)
    write_weights(tmp_path / "weights.safetensors", weights)
    model = Model(spec, {}, tmp_path / "out", weights=tmp_path / "weights.safetensors")
    assert max(errors(model, [almost_powers_of_two(random, dimensions, less=0)])) < 1e-6
