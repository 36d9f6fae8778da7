"""Compiled code against ONNX Runtime: same weights, same inputs, networks that were written twice.

The weights are random and go through a safetensors file, so the weight paths of the specs are tested too.
"""

import numpy as np
import onnx_builder
import pytest
from marks import target_parameters
from networks_onnx import shufflenet_v1, shufflenet_v2, squeezenet
from support import EXAMPLES, assert_close, best_target, run_riffle, settings, write_weights

SPECS = {shufflenet_v1: "shufflenet_v1.rfl", shufflenet_v2: "shufflenet_v2.rfl", squeezenet: "squeezenet.rfl"}

VARIANTS = [
    (shufflenet_v2, {"width": 0.5, "size": (97, 131), "batch": 3}),
    (shufflenet_v2, {"width": 1.0, "size": (224, 224), "batch": 1}),
    (shufflenet_v2, {"width": 1.0, "size": (97, 131), "batch": 3, "classes": 10}),
    (shufflenet_v2, {"width": 1.5, "size": (160, 160), "batch": 1}),
    (shufflenet_v2, {"width": 2.0, "size": (97, 131), "batch": 1}),
    (shufflenet_v1, {"groups": 1, "width": 1.0, "size": (97, 131), "batch": 3}),
    (shufflenet_v1, {"groups": 1, "width": 0.25, "size": (160, 160), "batch": 1}),
    (shufflenet_v1, {"groups": 2, "width": 0.5, "size": (97, 131), "batch": 1}),
    (shufflenet_v1, {"groups": 2, "width": 1.5, "size": (160, 160), "batch": 3}),
    (shufflenet_v1, {"groups": 3, "width": 0.25, "size": (97, 131), "batch": 3}),
    (shufflenet_v1, {"groups": 3, "width": 1.0, "size": (224, 224), "batch": 1}),
    (shufflenet_v1, {"groups": 4, "width": 0.25, "size": (160, 160), "batch": 1}),
    (shufflenet_v1, {"groups": 4, "width": 2.0, "size": (97, 131), "batch": 3}),
    (shufflenet_v1, {"groups": 8, "width": 0.25, "size": (97, 131), "batch": 1}),
    (shufflenet_v1, {"groups": 8, "width": 1.0, "size": (224, 224), "batch": 3}),
    (shufflenet_v1, {"groups": 3, "width": 1.0, "megvii": True, "size": (97, 131), "batch": 3}),
    (shufflenet_v1, {"groups": 8, "width": 0.5, "megvii": True, "size": (160, 160), "batch": 1}),
    (shufflenet_v1, {"groups": 3, "width": 0.5, "shuffled": False, "size": (65, 97), "batch": 1}),
    (shufflenet_v1, {"groups": 3, "width": 0.5, "shallow": True, "size": (65, 97), "batch": 1}),
    (shufflenet_v1, {"groups": 3, "width": 2.0, "se": True, "size": (65, 97), "batch": 1}),
    (shufflenet_v1, {"groups": 8, "width": 0.5, "se": True, "megvii": True, "size": (65, 97), "batch": 3}),
    (shufflenet_v2, {"width": 1.0, "megvii": True, "size": (97, 131), "batch": 3}),
    (shufflenet_v2, {"width": 2.0, "megvii": True, "size": (65, 97), "batch": 1}),
    (shufflenet_v2, {"width": 0.5, "se": True, "size": (65, 97), "batch": 3}),
    (shufflenet_v2, {"width": 1.5, "residual": True, "size": (65, 97), "batch": 1}),
    (shufflenet_v2, {"width": 0.5, "enlarged": True, "size": (65, 97), "batch": 1}),
    (shufflenet_v2, {"width": 1.0, "megvii": True, "residual": True, "se": True, "enlarged": True, "size": (65, 97),
                     "batch": 1}),
    (squeezenet, {"version": 1.0, "size": (97, 131), "batch": 3}),
    (squeezenet, {"version": 1.0, "size": (224, 224), "batch": 1}),
    (squeezenet, {"version": 1.1, "size": (97, 131), "batch": 3}),
]


def name(network, parameters):
    return "-".join([network.__name__, *(f"{key}{value}".replace(" ", "") for key, value in parameters.items())])


def images(seed, batch, size):
    """Coarse patches and fine noise: pure noise looks the same to a network, whatever the image."""
    source = np.random.default_rng(seed)
    patch = 16
    rows, columns = (-(-side // patch) for side in size)
    coarse = source.normal(size=(batch, 3, rows, columns)) + source.normal(size=(batch, 3, 1, 1))
    coarse = coarse.repeat(patch, axis=2).repeat(patch, axis=3)[:, :, :size[0], :size[1]]
    return (coarse + source.normal(0, 0.5, size=coarse.shape)).astype(np.float32)


def assert_telling(outputs):
    """Outputs that hardly depend on class or image would hide mistakes: the weights must not make such."""
    scale = np.abs(outputs).max()
    assert np.std(outputs, axis=1).min() > 0.05 * scale
    for one, other in zip(outputs, outputs[1:]):
        assert np.abs(one - other).max() > 0.01 * scale


def compare(network, parameters, target, folder):
    twin = network(**parameters)
    weights = twin.random_weights(seed=5)
    write_weights(folder / "weights.safetensors", weights)
    image = images(6, parameters["batch"], parameters["size"])
    expected = onnx_builder.run(twin.model(weights), image)
    for output in expected:
        assert_telling(output.reshape(len(output), -1))
    options = [*settings(**parameters), "--weights", folder / "weights.safetensors", "--target", target]
    spec = EXAMPLES / f"{network.__name__}.rfl"
    got = run_riffle(spec, options, [image], [output.shape for output in expected], folder)
    for one, other in zip(got, expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("network, parameters", [pytest.param(*each, id=name(*each)) for each in VARIANTS])
def test_against_onnxruntime(network, parameters, tmp_path):
    compare(network, parameters, best_target(), tmp_path)


@pytest.mark.parametrize("target", target_parameters())
@pytest.mark.parametrize("network", SPECS, ids=lambda network: network.__name__)
def test_each_target(network, target, tmp_path):
    compare(network, {"size": (97, 131), "batch": 3}, target, tmp_path)
