"""Real weights: logits from reference inputs, and the first class of each photo.

Also holds the ONNX twins of networks_onnx.py to the same reference logits: what later tests compare with
must itself be right.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnx_builder
import pytest
from marks import needs_shared, target_parameters
from networks_onnx import shufflenet_v1, shufflenet_v2, squeezenet
from safetensors.numpy import load_file
from support import (EXAMPLES, SHARED, TOLERANCE, assert_close, read_floats, relative_error, riffle_json,
                     run_riffle, settings, write_weights)

pytestmark = needs_shared


@dataclass(frozen=True)
class Released:
    spec: str
    parameters: dict  # of the spec, and of the twin
    weights: str
    twin: Callable
    size: int

    def options(self):
        return [*settings(**self.parameters), "--weights", SHARED / "weights" / self.weights]


RELEASED = {
    "v2": Released("shufflenet_v2.rfl", {"width": 1.0}, "shufflenet_v2_x1_0.safetensors", shufflenet_v2, 224),
    "v1g3": Released("shufflenet_v1.rfl", {"groups": 3, "width": 0.5, "megvii": True},
                     "shufflenet_v1_x0_5_g3.safetensors", shufflenet_v1, 224),
    "sq11": Released("squeezenet.rfl", {"version": 1.1}, "squeezenet_v1_1.safetensors", squeezenet, 227),
}

# Photo -> class, and its probability by network, as ../shared/README.md states them.
PHOTOS = {
    "dog.jpg": ("Samoyed", {"v2": 0.871, "v1g3": 0.534, "sq11": 0.771}),
    "pelican.jpg": ("pelican", {"v2": 0.998, "v1g3": 0.334, "sq11": 0.686}),
    "cat.png": ("Egyptian cat", {"v2": 0.696, "v1g3": 0.669, "sq11": 0.480}),
    "espresso.png": ("espresso", {"v2": 0.922, "v1g3": 0.876, "sq11": 0.968}),
    "daisy.jpg": ("daisy", {"v2": 0.995, "v1g3": 0.973, "sq11": 0.999}),
    "hot_dog.jpg": ("hotdog", {"v2": 0.866, "v1g3": 0.653, "sq11": 0.813}),
}


def reference(network, photo):
    size = RELEASED[network].size
    stem = SHARED / "reference" / f"{photo}.{network}"
    return (read_floats(f"{stem}.input.f32", (1, 3, size, size)), read_floats(f"{stem}.logits.f32", (1, 1000)))


@pytest.mark.parametrize("photo", ["dog", "pelican"])
@pytest.mark.parametrize("network", RELEASED)
def test_onnx_twin(network, photo):
    released = RELEASED[network]
    image, logits = reference(network, photo)
    model = released.twin(**released.parameters).model(load_file(SHARED / "weights" / released.weights))
    assert_close(onnx_builder.run(model, image)[0], logits, 1e-5)


@pytest.mark.parametrize("target", target_parameters())
@pytest.mark.parametrize("network", RELEASED)
def test_logits(network, target, tmp_path):
    released = RELEASED[network]
    for photo in ("dog", "pelican"):
        image, logits = reference(network, photo)
        (got,) = run_riffle(EXAMPLES / released.spec, [*released.options(), "--target", target], [image],
                              [logits.shape], tmp_path)
        assert_close(got, logits)


@pytest.mark.parametrize("network", RELEASED)
def test_interpreted_logits(network, tmp_path):
    released = RELEASED[network]
    image, logits = reference(network, "dog")
    (got,) = run_riffle(EXAMPLES / released.spec, [*released.options(), "--interpret"], [image], [logits.shape],
                          tmp_path)
    assert_close(got, logits)


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("network", RELEASED)
def test_photo(network, photo):
    released = RELEASED[network]
    label, probabilities = PHOTOS[photo]
    answer = riffle_json("run", EXAMPLES / released.spec, *released.options(), "--image", SHARED / "photos" / photo,
                         "--labels", SHARED / "photos" / "imagenet_classes.txt", "--top", 1)
    ((first,),) = answer["top"]  # one image, one class
    assert first["label"] == label
    assert abs(first["probability"] - probabilities[network]) <= 0.025


def test_a_wrong_weight_is_seen(tmp_path):
    """The comparison can fail: a hundredth more on one filter of the stem must exceed the tolerance."""
    released = RELEASED["v2"]
    weights = dict(load_file(SHARED / "weights" / released.weights))
    weights["conv1.0.weight"] = weights["conv1.0.weight"] * np.float32(1.01)
    write_weights(tmp_path / "wrong.safetensors", weights)
    image, logits = reference("v2", "dog")
    (got,) = run_riffle(EXAMPLES / released.spec, [*settings(**released.parameters), "--weights",
                          tmp_path / "wrong.safetensors"], [image], [logits.shape], tmp_path)
    assert relative_error(got, logits) > TOLERANCE
