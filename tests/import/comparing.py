"""Imports a model, runs what came of it, and compares with ONNX Runtime."""

import numpy as np
import onnx
import onnx_builder
from support import assert_close, invoke, run_riffle


def import_model(model, folder, *options, data=None):
    """The finished process and the text of the spec."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    (folder / "model.onnx").write_bytes(model)
    done = invoke("import", "model.onnx", "-o", "net.rfl", "--weights-out", "net.safetensors", *options, cwd=folder)
    return done, (folder / "net.rfl").read_text() if (folder / "net.rfl").exists() else ""


def compare(model, folder, *options, warning="", tolerance_of=None):
    """Returns the spec after comparing all outputs."""
    done, spec = import_model(model, folder, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == warning
    source = np.random.default_rng(3)
    session = onnx_builder.session(model)
    inputs = [source.normal(size=slot.shape).astype(np.float32) for slot in session.get_inputs()]
    expected = session.run(None, {slot.name: array for slot, array in zip(session.get_inputs(), inputs)})
    got = run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors"], inputs,
                     [array.shape for array in expected], folder)
    for one, other in zip(got, expected):
        assert np.abs(other).max() > 0
        assert_close(one, other)
    return spec
