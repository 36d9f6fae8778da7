"""Networks that nobody would write: operations drawn at random, reading whatever was made before.

They meet the combinations that no one thought of: fusions with several readers, routes of routes, outputs
that are also inputs. RIFFLE_RANDOM_NETWORKS says how many are tried.
"""

import os
import random

import numpy as np
import onnx_builder
import pytest
from marks import target_parameters
from support import TOLERANCE, run_riffle, verify, write_weights
from twins import Twin, buffer_shape, from_buffer, to_buffer

SEEDS = range(int(os.environ.get("RIFFLE_RANDOM_NETWORKS", 30)))
CHANNELS = [1, 2, 3, 5, 8, 12, 16, 17, 24, 29, 48, 58, 61]
TARGETS = target_parameters()


def convolution(t, x, draw):
    groups = draw.choice([g for g in range(1, x.channels + 1) if x.channels % g == 0])
    channels = groups * draw.randint(1, max(1, 60 // groups))
    kernel = draw.choice([(1, 1), (1, 1), (3, 3), (2, 3), (5, 5), (1, 4)])
    padding = tuple(draw.randint(0, side - 1) for side in (kernel * 2))
    if any(size < side for size, side in zip(x.shape[2:], kernel)):
        kernel, padding = (1, 1), 0
    y = t.conv(x, channels, kernel, draw.choice([1, 1, 2, (1, 2)]), padding, groups=groups, bias=draw.random() < 0.5)
    return t.batch_norm(y) if draw.random() < 0.6 else y


def depthwise(t, x, draw):
    kernel = draw.choice([1, 3, 3, 5])
    return t.depthwise(x, kernel, draw.choice([1, 1, 2]), padding=kernel // 2, bias=draw.random() < 0.5)


def pooling(t, x, draw):
    kernel = draw.choice([2, 3])
    if min(x.shape[2:]) < kernel:
        return t.apply("global_avg_pool", x)
    options = {"stride": draw.choice([1, 2, 3]), "padding": draw.randint(0, kernel - 1), "ceil": draw.random() < 0.5}
    if draw.random() < 0.5:
        return t.max_pool(x, kernel, **options)
    return t.avg_pool(x, kernel, count_padding=draw.random() < 0.5, **options)


def border(t, x, draw):
    """Pads, crops, or shifts by both."""
    if draw.random() < 0.6:
        x = t.pad(x, [draw.randint(0, 2) for _ in range(4)])
    if draw.random() < 0.6:
        top, left = (draw.randint(0, min(2, size - 1)) for size in x.shape[2:])
        x = t.crop(x, (top, left, *(draw.randint(0, min(2, size - first - 1))
                                    for size, first in zip(x.shape[2:], (top, left)))))
    return x


def activation(t, x, draw):
    return t.apply(draw.choice(["relu", "relu", "relu6", "sigmoid", "hard_sigmoid", "hard_swish"]), x)


def normalisation(t, x, draw):
    return draw.choice([t.batch_norm, t.bias, lambda x: t.local_response_norm(x, 3, 0.5, 0.75, 1.5),
                        lambda x: t.apply("softmax", x)])(x)


def combination(t, x, draw, values):
    """Sum, product or concat with another value that fits."""
    same = [y for y in values if y.shape == x.shape]
    alike = [y for y in values if y.shape[2:] == x.shape[2:]]
    columns = [y for y in values if y.shape[1] == x.channels and y.shape[2:] == (1, 1)]
    kind = draw.choice(["add", "multiply", "scale", "concat", "concat"])
    if kind == "add":
        return t.apply("add", x, draw.choice(same))
    if kind == "multiply":  # by something small, so that numbers do not grow without bound
        return t.apply("multiply", x, t.apply("sigmoid", draw.choice(same)))
    if kind == "scale" and columns:
        return t.apply("multiply", x, t.apply("hard_sigmoid", draw.choice(columns)))
    return t.apply("concat", *(draw.choice(alike) for _ in range(draw.randint(1, 2))), x)


def rearrangement(t, x, draw, values):
    c = x.channels
    kind = draw.choice(["shuffle", "shuffle", "gather", "split", "split", "interleaved"])
    divisors = [d for d in range(2, c + 1) if c % d == 0]
    if kind == "split" and c >= 2:
        at = draw.randint(1, c - 1)
        values += t.split(x, [at, c - at])
    elif kind == "interleaved" and divisors and divisors[0] <= 5:
        values += t.split_interleaved(x, divisors[0])
    elif kind == "shuffle" and divisors:
        values.append(t.shuffle(x, draw.choice(divisors), draw.choice(["paper", "megvii"])))
    else:
        values.append(t.gather(x, [draw.randrange(c) for _ in range(draw.randint(1, 40))]))


def random_network(seed):
    draw = random.Random(seed)
    t = Twin()
    batch = draw.choice([1, 3])
    values = [t.input(draw.choice(CHANNELS), draw.randint(1, 14), draw.randint(1, 14), batch,
                      draw.choice(["nchw", "nhwc"])) for _ in range(draw.randint(1, 2))]
    for _ in range(draw.randint(4, 22)):
        x = draw.choice(values[-4:] if draw.random() < 0.7 else values)
        if x.channels > 150:
            x = values[0]
        kind = draw.choice(["conv"] * 4 + ["depthwise"] * 2 + ["activation"] * 3 + ["rearrangement"] * 3
                           + ["combination"] * 3 + ["pooling", "normalisation", "border"])
        if kind == "rearrangement":
            rearrangement(t, x, draw, values)
        elif kind == "combination":
            values.append(combination(t, x, draw, values))
        else:
            make = {"conv": convolution, "depthwise": depthwise, "activation": activation, "pooling": pooling,
                    "normalisation": normalisation, "border": border}[kind]
            values.append(make(t, x, draw))
    outputs = draw.sample(values, min(len(values), draw.randint(1, 3)))
    for y in {y.name: y for y in [*outputs, values[-1]]}.values():
        t.output(y, draw.choice(["nchw", "nhwc"]))
    if draw.random() < 0.3:
        t.output(t.linear(t.apply("flatten", values[-1]), draw.randint(1, 40)))
    return t


def differs(got, expected):
    """Like relative_error, but an output may be all zeros."""
    scale = max(float(np.abs(expected).max()), 1e-3)
    return not np.isfinite(got).all() or float(np.abs(got.astype(np.float64) - expected).max()) > TOLERANCE * scale


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_against_interpreter_and_onnxruntime(seed, target, tmp_path):
    twin = random_network(seed)
    spec, weights = tmp_path / "random.rfl", twin.onnx.random_weights(seed)
    spec.write_text(twin.spec())
    options = ["--target", target]
    if weights:
        write_weights(tmp_path / "weights.safetensors", weights)
        options += ["--weights", tmp_path / "weights.safetensors"]
    verify(spec, *options, "--count", 1)
    arrays = twin.random_inputs(seed)
    expected = onnx_builder.run(twin.onnx.model(weights), *arrays)
    got = run_riffle(spec, options, [to_buffer(array, port) for array, port in zip(arrays, twin.inputs)],
                     [buffer_shape(port) for port in twin.outputs], tmp_path)
    for port, one, other in zip(twin.outputs, got, expected, strict=True):
        assert not differs(from_buffer(one, port), other), f"{port.name} of\n{twin.spec()}"
