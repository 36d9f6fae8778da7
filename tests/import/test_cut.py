"""Parts of models: --until, --outputs, and the command that riffle names for a model that it cannot import whole."""

import shlex

import numpy as np
import onnx
import onnxruntime
import pytest
from comparing import import_model
from onnx import TensorProto, helper
from small_models import constant, initializer, model, node, values
from support import SHARED, assert_close, invoke, run_riffle


def branches():
    """A stem, two branches, and behind them what riffle does not import or must not read."""
    weights = [initializer("w", (4, 3, 1, 1)), initializer("bad", (4,), np.float32, np.nan),
               initializer("wide", (4, 4, 1, 1), np.float64), constant("half", [2, 2])]
    weights[0].CopyFrom(onnx.numpy_helper.from_array(
        np.random.default_rng(1).normal(size=(4, 3, 1, 1)).astype(np.float32), "w"))
    lost = initializer("lost", (4, 4, 1, 1))
    lost.ClearField("raw_data")
    lost.data_location = TensorProto.EXTERNAL
    lost.external_data.add(key="location", value="lost.bin")
    nodes = [node("Conv", ["x", "w"], ["stem"], "stem conv"),
             node("Relu", ["stem"], ["a,b"], "branch/Relu"),
             node("Split", ["stem", "half"], ["left", "right"], "Split_3", axis=1),
             helper.make_node("Sigmoid", ["left"], ["sigmoid"]),
             node("Hardmax", ["a,b"], ["hard"], "Hardmax_5", axis=1),
             node("Conv", ["hard", "wide"], ["c"], "Conv_6"),
             node("Conv", ["c", "lost"], ["d"], "Conv_7"),
             node("Add", ["d", "bad"], ["e"], "Add_8"),
             node("Concat", ["e", "sigmoid", "right"], ["y"], "Concat_9", axis=1),
             node("Relu", ["z"], ["other"], "twice"), node("Relu", ["other"], ["more"], "twice")]
    return model(nodes, [values("x", [1, 3, 8, 8]), values("z", ["open"])], [values("y", None)], weights)


def cut(*options, folder):
    return import_model(branches(), folder, *options)


def reference(made, names, inputs):
    """What ONNX Runtime says of tensors inside."""
    made = onnx.ModelProto.FromString(made.SerializeToString())
    del made.graph.output[:]
    made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    constants = {tensor.name for tensor in made.graph.initializer}
    slots = [slot for slot in made.graph.input if slot.name not in constants]
    made.ir_version = max(made.ir_version, 4)  # the first in which a constant need not be an input
    del made.graph.input[:]
    made.graph.input.extend(slots)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(names, {slot.name: inputs[slot.name] for slot in session.get_inputs()})


PARTS = {
    "node": (["--until", "branch/Relu"], ["a,b"]),
    "node without a name": (["--until", "sigmoid"], ["sigmoid"]),
    "node of two results": (["--until", "Split_3"], ["left", "right"]),
    "tensors": (["--outputs", "sigmoid,stem"], ["sigmoid", "stem"]),
    "name with a comma": (["--outputs", "a,b", "--outputs", "right"], ["a,b", "right"]),
    "both": (["--outputs", "left", "--until", "stem conv", "--until", "Split_3"], ["stem", "left", "right"]),
}


def compared(made, names, folder, inputs):
    expected = reference(made, names, inputs)
    got = run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors"], list(inputs.values()),
                     [array.shape for array in expected], folder)
    for one, other in zip(got, expected):
        assert np.abs(other).max() > 0
        assert_close(one, other)


@pytest.mark.parametrize("part", PARTS)
def test_part(part, tmp_path):
    """What is cut away is neither checked nor read: ops, numbers, types, files, shapes."""
    options, names = PARTS[part]
    done, spec = cut(*options, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and spec.count("output ") == len(names)
    x = np.random.default_rng(3).normal(size=(1, 3, 8, 8)).astype(np.float32)
    made = branches()
    del made.graph.node[4:], made.graph.initializer[4:], made.graph.initializer[1:3], made.graph.input[1]
    compared(made, names, tmp_path, {"x": x})


WRONG = {
    "--until Relux": "no node has the name 'Relux' of --until",
    "--until branch/Rely": "no node has the name 'branch/Rely' of --until\nhint: did you mean 'branch/Relu'?",
    "--until left": "no node has the name 'left' of --until\nhint: it is a tensor: --outputs 'left'",
    "--until twice": "2 nodes have the name 'twice' of --until\nhint: name a tensor instead: --outputs",
    "--outputs steam": "no tensor has the name 'steam' of --outputs\nhint: did you mean 'stem'?",
    "--outputs Split_3": "no tensor has the name 'Split_3' of --outputs\nhint: it is a node: --until 'Split_3'",
    "--outputs stem,nothing": "no tensor has the name 'nothing' of --outputs",
    "--outputs stem,": "no tensor has the name '' of --outputs",
    "--outputs x": "'x' of --outputs is an input, which no node makes",
    "--outputs w": "'w' of --outputs is a constant",
}


@pytest.mark.parametrize("options", WRONG)
def test_wrong_names(options, tmp_path):
    done, spec = cut(*options.split(), folder=tmp_path)
    assert (done.returncode, spec) == (1, "")
    assert done.stderr == f"model.onnx: error: {WRONG[options]}\n"


def command_of(message):
    """The arguments of the command that the message names."""
    note, _, command = message.partition(", can be imported:\nhint: riffle ")
    return shlex.split(command), note.rsplit("\n", 1)[-1]


def names_of(arguments, made):
    """The tensors that are named behind --outputs."""
    made_names = {name for one in made.graph.node for name in one.output}
    lists = [arguments[i + 1] for i, word in enumerate(arguments) if word == "--outputs"]
    return [name for part in lists for name in ([part] if part in made_names else part.split(","))]


def test_largest_part(tmp_path):
    done, _ = cut("--set-shape", "z=1,3,8,8", folder=tmp_path)
    assert done.returncode == 1
    command, note = command_of(done.stderr)
    assert note == "riffle: note: the part in front of that, 4 of 9 nodes"
    assert " ".join(command) == ("import model.onnx --outputs a,b --outputs sigmoid,right -o net.rfl "
                                 "--weights-out net.safetensors --set-shape z=1,3,8,8")
    again = invoke(*command, cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")


def test_part_that_ends_in_a_view(tmp_path):
    """A tensor of rank 7 is no output: the part ends in front of the Reshape that makes it."""
    made = model([node("Relu", ["x"], ["a"], "Relu_1"), node("Reshape", ["a", "s"], ["b"], "Reshape_2"),
                  node("Hardmax", ["b"], ["y"], "Hardmax_3", axis=1)],
                 initializers=[constant("s", [1, 3, 2, 2, 2, 2, 4])])
    done, _ = import_model(made, tmp_path)
    command, note = command_of(done.stderr)
    assert command[2:4] == ["--outputs", "a"] and note.endswith("1 of 3 nodes")
    assert invoke(*command, cwd=tmp_path).returncode == 0


def test_nothing_can_be_imported(tmp_path):
    done, _ = import_model(model([node("Hardmax", ["x"])]), tmp_path)
    assert done.returncode == 1 and "note" not in done.stderr


# test_quantized.py has the quantised one: ONNX Runtime's optimised form is a step beside its plain one.
MODELS = sorted(path for path in (SHARED / "models").glob("*.onnx") if "qdq" not in path.stem)
SHAPES = {"ppocr_cls": ["--set-shape", "x=1,3,48,192"]}
PIXELS = {"yunet_n_320"}  # takes 0 to 255; of anything else it says 0 everywhere


@pytest.mark.skipif(not MODELS, reason="../shared/models is not there")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_real_model(path, tmp_path):
    """All of it, or the part that is named for it, is what ONNX Runtime says."""
    options = ["-o", tmp_path / "net.rfl", "--weights-out", tmp_path / "net.safetensors", *SHAPES.get(path.stem, [])]
    done = invoke("import", path, *options)
    made = onnx.load(path)
    names = [slot.name for slot in made.graph.output]
    if done.returncode != 0:
        arguments, _ = command_of(done.stderr)
        if not arguments:
            pytest.skip(f"nothing of it can be imported: {done.stderr}")
        assert invoke(*arguments).returncode == 0
        names = names_of(arguments, made)
    constants = {tensor.name for tensor in made.graph.initializer}
    source, inputs = np.random.default_rng(3), {}
    for slot in made.graph.input:
        if slot.name in constants:
            continue
        shape = [dimension.dim_value for dimension in slot.type.tensor_type.shape.dim]
        shape = [1, 3, 48, 192] if path.stem == "ppocr_cls" else shape
        numbers = source.uniform(0, 255, shape) if path.stem in PIXELS else source.normal(size=shape)
        inputs[slot.name] = numbers.astype(np.float32)
    compared(made, names, tmp_path, inputs)
