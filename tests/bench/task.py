"""What the engines are given: one network with its weights, as a spec and as ONNX, and an image."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "numeric"))

import classic_onnx  # noqa: E402
import light_onnx  # noqa: E402
import nasnet_onnx  # noqa: E402
import networks_onnx  # noqa: E402
from support import EXAMPLES, SHARED, riffle, riffle_json, write_weights  # noqa: E402

# The ONNX twin of each spec, which has its name.
NETWORKS = {name: twin for module in (networks_onnx, classic_onnx, light_onnx, nasnet_onnx)
            for name, twin in vars(module).items() if (EXAMPLES / f"{name}.rfl").exists()}


MODELS = SHARED / "models"  # files that people ship; not part of the project


@dataclass
class Task:
    spec: Path
    parameters: dict
    target: str  # riffle's
    threads: int
    weights_file: Path
    model_file: Path  # ONNX
    image: np.ndarray
    output_shapes: list
    macs: int
    input_name: str = "image"  # in the ONNX model


def parse_value(text):
    """true, 3, 0.5, or 480,640."""
    if "," in text:
        return tuple(parse_value(part.strip()) for part in text.strip("[]()").split(","))
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def parse_setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"write NAME=VALUE, not '{text}'")
    try:
        return name, parse_value(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{value}' is no number, flag or pair of numbers") from None


def make_task(network, parameters, target, folder, weights_file=None, threads=1):
    """Files go to `folder`. Without a file of weights, they are random."""
    twin = NETWORKS[network](**parameters)
    if weights_file:
        from safetensors.numpy import load_file

        weights = load_file(weights_file)
    else:
        weights_file, weights = folder / "weights.safetensors", twin.random_weights(seed=1)
        write_weights(weights_file, weights)
    model_file = folder / "model.onnx"
    model_file.write_bytes(twin.model(weights).SerializeToString())
    shapes = [[size.dim_value for size in slot.type.tensor_type.shape.dim] for slot in twin.inputs + twin.outputs]
    image = np.random.default_rng(2).normal(size=shapes[0]).astype(np.float32)
    return Task(EXAMPLES / f"{network}.rfl", parameters, target, threads, weights_file, model_file, image, shapes[1:],
                twin.macs)


def imported_task(model_file, target, folder, threads=1):
    """Of a model file of ONNX with one input. Its numbers are those of pixels, from 0 to 255 less their middle, and
    change as slowly as in a picture: of noise, detectors find nothing, and all that is left is rounding."""
    import onnx

    spec, weights_file = folder / "imported.rfl", folder / "imported.safetensors"
    riffle("import", model_file, "-o", spec, "--weights-out", weights_file)
    graph = onnx.load(model_file).graph
    constants = {each.name for each in graph.initializer}
    [given] = [each for each in graph.input if each.name not in constants]
    shape = [size.dim_value for size in given.type.tensor_type.shape.dim]
    described = riffle_json("inspect", spec)
    rows, columns = np.meshgrid(np.linspace(0, 7, shape[2]), np.linspace(0, 9, shape[3]), indexing="ij")
    image = np.stack([np.sin(rows + channel) * np.cos(columns * (channel + 1)) for channel in range(shape[1])])
    return Task(spec, {}, target, threads, weights_file, model_file, (127 * image[None]).astype(np.float32),
                [output["shape"] for output in described["outputs"]], described["totals"]["macs"], given.name)
