"""Sums of many terms: of windows, of channels, of the inputs of fully connected layers and convolutions.

All terms are positive, so that a sum is as large as what its roundings are relative to. One float32 that all terms
are added to is off by up to 1e-4 after a million of them, and stands still at 2^24 ones. What is allowed here is a
few roundings (of 6e-8), whatever the number of terms. What is right is computed in float64.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from marks import target_parameters
from numpy.lib.stride_tricks import sliding_window_view
from support import almost_powers_of_two, relative_error, run_riffle, write_weights

pytestmark = pytest.mark.part(3)

ALLOWED = 2e-6

BACKENDS = [*(pytest.param(["--target", each.values[0]], marks=each.marks, id=each.id) for each in target_parameters()),
            pytest.param(["--backend", "c", "--target", "generic"], id="c-generic")]
backends = pytest.mark.parametrize("backend", BACKENDS)


def positive(shape, seed):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype(np.float32)


@backends
@pytest.mark.parametrize("size", [(3000, 5000), (1, 200001), (200001, 1), (129, 1)])
def test_global_mean(backend, size, tmp_path):
    spec = tmp_path / "mean.rfl"
    spec.write_text(f"network mean {{ input x: f32[1, 1, {size[0]}, {size[1]}]\n output y = global_avg_pool(x) }}\n")
    image = positive((1, 1, *size), 1)
    [mean] = run_riffle(spec, backend, [image], [(1, 1)], tmp_path)
    assert abs(float(mean[0, 0]) / image.mean(dtype=np.float64) - 1) < ALLOWED
    [mean] = run_riffle(spec, backend, [np.ones_like(image)], [(1, 1)], tmp_path)
    assert mean[0, 0] == 1


@dataclass(frozen=True)
class Mean:
    size: tuple
    kernel: tuple
    stride: int = 1
    padding: int = 0
    channels: int = 5
    count_padding: bool = True


MEANS = {
    "large": Mean((1024, 1025), (1024, 1024), channels=2),
    "one row": Mean((1, 1026), (1, 1000)),
    "one column": Mean((1025, 2), (1024, 1)),
    "few columns": Mean((14, 14), (12, 12), channels=19),
    "strided": Mean((60, 57), (40, 41), stride=7),
    "padded": Mean((30, 150), (21, 140), stride=3, padding=10, count_padding=False),
}


@backends
@pytest.mark.parametrize("name", MEANS)
def test_mean(name, backend, tmp_path):
    mean = MEANS[name]
    spec = tmp_path / "mean.rfl"
    spec.write_text(
        f"network mean {{ input x: f32[1, {mean.channels}, {mean.size[0]}, {mean.size[1]}]\n"
        f"output y = avg_pool(x, [{mean.kernel[0]}, {mean.kernel[1]}], stride = {mean.stride}, "
        f"padding = {mean.padding}, count_padding = {str(mean.count_padding).lower()}) }}\n")
    image = positive((1, mean.channels, *mean.size), 1)
    expected, counts = (convolution(x, np.ones((mean.channels, 1, *mean.kernel)), np.zeros(mean.channels),
                                    Layer(1, 1, padding=mean.padding, kernel=mean.kernel, groups=mean.channels))
                        for x in (image, np.ones_like(image)))
    if mean.count_padding:
        counts = mean.kernel[0] * mean.kernel[1]
    expected = (expected / counts)[:, :, ::mean.stride, ::mean.stride]
    [got] = run_riffle(spec, backend, [image], [expected.shape], tmp_path)
    assert relative_error(got, expected) < ALLOWED


@backends
@pytest.mark.parametrize("kernel", [(1, 400), (400, 1), (31, 33)])
def test_depthwise(kernel, backend, tmp_path):
    spec = tmp_path / "layer.rfl"
    size = (kernel[0] + 2, kernel[1] + 3)
    spec.write_text(f"network layer {{ input x: f32[1, 5, {size[0]}, {size[1]}]\n"
                    f"output y = conv(x, 5, [{kernel[0]}, {kernel[1]}], groups = 5, padding = 1, bias = true) @ layer }}\n")
    x, weight, bias = positive((1, 5, *size), 1), positive((5, 1, *kernel), 2), positive(5, 3)
    write_weights(tmp_path / "weights.safetensors", {"layer.weight": weight, "layer.bias": bias})
    expected = convolution(x, weight, bias, Layer(1, 1, kernel=kernel, padding=1, groups=5))
    options = [*backend, "--weights", tmp_path / "weights.safetensors"]
    [got] = run_riffle(spec, options, [x], [expected.shape], tmp_path)
    assert relative_error(got, expected) < ALLOWED


@backends
def test_softmax(backend, tmp_path):
    spec = tmp_path / "softmax.rfl"
    spec.write_text("network softmax { input x: f32[1, 3000001]\n output y = softmax(x) }\n")
    x = positive((1, 3000001), 1)
    [got] = run_riffle(spec, backend, [x], [x.shape], tmp_path)
    powers = np.exp(x.astype(np.float64))
    assert relative_error(got, powers / powers.sum()) < ALLOWED


@backends
@pytest.mark.parametrize("axes", [[1], [2], [3], [2, 3], [1, 2, 3], [0]], ids=str)
def test_reduce(axes, backend, tmp_path):
    long = {0: (4000, 3, 2, 2), 1: (1, 100001, 2, 2), 2: (1, 5, 40001, 2), 3: (1, 5, 2, 40001)}
    shape = long[axes[0]] if len(axes) == 1 else (1, 5, 301, 307)
    spec = tmp_path / "reduce.rfl"
    spec.write_text(f"network reduce {{ input x: f32{list(shape)}\n output y = reduce(x, {axes}, mean) }}\n")
    x = positive(shape, 1)
    expected = x.astype(np.float64).mean(tuple(axes), keepdims=True)
    [got] = run_riffle(spec, backend, [x], [expected.shape], tmp_path)
    assert relative_error(got, expected) < ALLOWED


@backends
def test_local_response_norm(backend, tmp_path):
    spec = tmp_path / "norm.rfl"
    spec.write_text("network norm { input x: f32[1, 20000, 1, 1]\n"
                    "output y = local_response_norm(x, 18001, alpha = 1000, beta = 1, k = 0) }\n")
    x = positive((1, 20000, 1, 1), 1)
    squares = np.concatenate([np.zeros((1, 1, 1, 1)), np.cumsum(x.astype(np.float64)**2, axis=1)], axis=1)
    channels = np.arange(20000)
    sums = squares[:, np.minimum(channels + 9001, 20000)] - squares[:, np.maximum(channels - 9000, 0)]
    expected = x / (1000 / 18001 * sums)
    [got] = run_riffle(spec, backend, [x], [x.shape], tmp_path)
    assert np.max(np.abs(got / expected - 1)) < ALLOWED


# ---- convolutions ----

@dataclass(frozen=True)
class Layer:
    """A convolution of planes of height x width; of `inputs` planes for each of the groups."""

    inputs: int
    outputs: int
    size: tuple = (1, 1)
    kernel: tuple = (1, 1)
    padding: int = 0
    groups: int = 1
    pieces: int = 1  # tensors whose channels are joined
    batch: int = 1


LAYERS = {
    "pointwise, one pixel": Layer(25088, 40),
    "pointwise, a million inputs": Layer(1_000_000, 3),
    "pointwise, odd": Layer(4099, 37),
    "pointwise, one tile": Layer(9000, 40, size=(1, 3)),
    "pointwise, many tiles": Layer(9000, 37, size=(7, 8)),
    "pointwise, tail": Layer(40000, 68),
    "pointwise, groups": Layer(2500, 9, size=(3, 3), groups=3),
    "pointwise, joined": Layer(6000, 34, size=(3, 3), pieces=4),
    "3x3": Layer(512, 24, size=(9, 9), kernel=(3, 3), padding=1),
    "3x3, joined": Layer(3 * 1111, 24, size=(9, 9), kernel=(3, 3), padding=1, pieces=3),
    "3x3, much padding": Layer(500, 17, size=(2, 5), kernel=(3, 3), padding=2),
    "long rows": Layer(60, 10, size=(2, 44), kernel=(1, 40), padding=1),
    "long columns": Layer(20, 10, size=(160, 2), kernel=(150, 1), padding=1),
    "large window": Layer(3, 12, size=(110, 110), kernel=(100, 100), groups=2),
}


def convolution(x, weight, bias, layer):
    """In float64, the products of one filter after the other."""
    pad = layer.padding
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(x, layer.kernel, axis=(2, 3))
    result = []
    for filter_index in range(layer.outputs * layer.groups):
        first = filter_index // layer.outputs * layer.inputs
        own = windows[:, first:first + layer.inputs]
        result.append(np.einsum("ncyxij,cij->nyx", own, weight[filter_index].astype(np.float64)) + bias[filter_index])
    return np.stack(result, axis=1)


def write_layer(layer, folder):
    channels = layer.inputs * layer.groups // layer.pieces
    names = [f"x{index}" for index in range(layer.pieces)]
    lines = [f"  input {name}: f32[{layer.batch}, {channels}, {layer.size[0]}, {layer.size[1]}]" for name in names]
    joined = f"concat({', '.join(names)})" if layer.pieces > 1 else names[0]
    spec = folder / "layer.rfl"
    spec.write_text("\n".join([
        "network layer {", *lines,
        f"  output y = conv({joined}, {layer.outputs * layer.groups}, [{layer.kernel[0]}, {layer.kernel[1]}], "
        f"padding = {layer.padding}, groups = {layer.groups}, bias = true) @ layer", "}", ""]))
    return spec


@backends
@pytest.mark.parametrize("name", LAYERS)
def test_convolution(name, backend, tmp_path):
    layer = LAYERS[name]
    spec = write_layer(layer, tmp_path)
    shape = (layer.batch, layer.inputs * layer.groups // layer.pieces, *layer.size)
    inputs = [almost_powers_of_two(np.random.default_rng(seed), shape, less=0) for seed in range(layer.pieces)]
    weight = almost_powers_of_two(np.random.default_rng(8), (layer.outputs * layer.groups, layer.inputs, *layer.kernel))
    bias = positive(layer.outputs * layer.groups, 9)
    write_weights(tmp_path / "weights.safetensors", {"layer.weight": weight, "layer.bias": bias})
    expected = convolution(np.concatenate(inputs, axis=1), weight, bias, layer)
    options = [*backend, "--winograd=never", "--weights", tmp_path / "weights.safetensors"]
    [got] = run_riffle(spec, options, inputs, [expected.shape], tmp_path)
    assert relative_error(got, expected) < ALLOWED


@backends
@pytest.mark.parametrize("inputs, outputs, batch",
                         [(2049, 24, 1), (2049, 24, 9), (25088, 24, 1), (25088, 24, 9), (1_000_000, 5, 2), (1_000_000, 5, 40)])
def test_fully_connected(inputs, outputs, batch, backend, tmp_path):
    spec = tmp_path / "layer.rfl"
    spec.write_text(f"network layer {{ input x: f32[{batch}, {inputs}]\n output y = linear(x, {outputs}) @ layer }}\n")
    random = np.random.default_rng(1)
    x, weight = almost_powers_of_two(random, (batch, inputs), less=0), almost_powers_of_two(random, (outputs, inputs))
    bias = positive(outputs, 3)
    write_weights(tmp_path / "weights.safetensors", {"layer.weight": weight, "layer.bias": bias})
    options = [*backend, "--weights", tmp_path / "weights.safetensors"]
    [got] = run_riffle(spec, options, [x], [(batch, outputs)], tmp_path)
    assert relative_error(got, x.astype(np.float64) @ weight.T.astype(np.float64) + bias) < ALLOWED
