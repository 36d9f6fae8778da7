#!/usr/bin/env python3
"""Times PyTorch's forms and TensorRT on a GPU; started by cuda.py with a plan and the seconds that it may take.

Each prints a line of JSON as soon as it is known: the caller stops this process when the time is over. What is quick
comes first for all networks: eager, and CUDA graphs of it; then TensorRT; then torch.compile. The network is built from
the ONNX model, with batch norm folded into the convolutions, which is faster than as trained; it must agree with the
outputs beside it.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

TOLERANCE = {"fp32": 1e-4, "tf32": 2e-2}
WARM_UPS, ROUNDS, REPLAYS = 20, 30, 20


def tell(**what):
    print(json.dumps(what), flush=True)


# ---- the network in PyTorch ----

def attributes_of(node):
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def torch_network(model):
    """An nn.Module that computes the ONNX graph."""
    import torch
    from torch import nn
    from torch.nn import functional

    weights = {each.name: np.array(numpy_helper.to_array(each)) for each in model.graph.initializer}
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def convolution(node, norm):
        kernel = weights[node.input[1]].astype(np.float64)
        bias = weights[node.input[2]].astype(np.float64) if len(node.input) > 2 else np.zeros(kernel.shape[0])
        if norm is not None:
            scale, shift, mean, variance = (weights[name].astype(np.float64) for name in norm.input[1:])
            factor = scale / np.sqrt(variance + attributes_of(norm).get("epsilon", 1e-5))
            kernel, bias = kernel * factor.reshape(-1, 1, 1, 1), (bias - mean) * factor + shift
        chosen = attributes_of(node)
        pads = chosen.get("pads", [0, 0, 0, 0])
        assert pads[:2] == pads[2:], "padding that differs from side to side"
        groups = chosen.get("group", 1)
        layer = nn.Conv2d(kernel.shape[1] * groups, kernel.shape[0], kernel.shape[2:], chosen.get("strides", [1, 1]), pads[:2],
                          chosen.get("dilations", [1, 1]), groups)
        layer.weight.data, layer.bias.data = torch.tensor(kernel).float(), torch.tensor(bias).float()
        return layer

    def constants(node, first=1):
        return [weights[name].tolist() for name in node.input[first:]]

    def window(node):
        chosen = attributes_of(node)
        return chosen["kernel_shape"], chosen.get("strides"), chosen.get("pads", [0, 0])[:2], bool(chosen.get("ceil_mode", 0))

    def step(node):
        """The function of the node's tensors; constants are bound."""
        kind, chosen = node.op_type, attributes_of(node)
        if kind == "Relu":
            return functional.relu
        if kind == "Identity":
            return lambda x: x
        if kind == "MaxPool":
            kernel, stride, padding, ceil = window(node)
            return lambda x: functional.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
        if kind == "AveragePool":
            kernel, stride, padding, ceil = window(node)
            counted = bool(chosen.get("count_include_pad", 0))
            return lambda x: functional.avg_pool2d(x, kernel, stride, padding, ceil, counted)
        if kind == "GlobalAveragePool":
            return lambda x: x.mean((2, 3), keepdim=True)
        if kind == "Flatten":
            return lambda x: torch.flatten(x, 1)
        if kind == "Concat":
            return lambda *parts: torch.cat(parts, chosen["axis"])
        if kind == "Add":
            return lambda x, y: x + y
        if kind == "Slice":
            (begins, ends, axes, *steps) = constants(node)
            cut = {axis: slice(begin, end, skip) for begin, end, axis, skip in
                   zip(begins, ends, axes, steps[0] if steps else [1] * len(axes))}
            return lambda x: x[tuple(cut.get(axis, slice(None)) for axis in range(x.dim()))]
        if kind == "Reshape":
            (shape,) = constants(node)
            return lambda x: x.reshape(shape)
        if kind == "Transpose":
            return lambda x: x.permute(chosen["perm"])
        raise NotImplementedError(f"the operator {kind}")

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList()
            self.steps, same = [], {}
            for node in model.graph.node:
                result = node.output[0]
                if node.op_type == "Conv":
                    followers = readers.get(result, [])
                    norm = followers[0] if len(followers) == 1 and followers[0].op_type == "BatchNormalization" else None
                    if norm is not None:
                        same[norm.output[0]] = result
                    self.layers.append(convolution(node, norm))
                    made = self.layers[-1]
                elif node.op_type == "BatchNormalization":
                    assert result in same, "a batch norm without a convolution"
                    continue
                elif node.op_type == "Gemm":
                    matrix = torch.tensor(weights[node.input[1]])
                    layer = nn.Linear(matrix.shape[1], matrix.shape[0], bias=len(node.input) > 2)
                    layer.weight.data = matrix
                    if len(node.input) > 2:
                        layer.bias.data = torch.tensor(weights[node.input[2]])
                    self.layers.append(layer)
                    made = layer
                else:
                    made = step(node)
                names = [same.get(name, name) for name in node.input if name not in weights]
                self.steps.append((made, names, result))
            self.input, self.output = model.graph.input[0].name, same.get(model.graph.output[0].name,
                                                                          model.graph.output[0].name)

        def forward(self, image):
            values = {self.input: image}
            for made, names, result in self.steps:
                values[result] = made(*(values[name] for name in names))
            return values[self.output]

    return Network().eval()


# ---- timing ----

def microseconds(work):
    """The median, by events round several runs."""
    import torch

    for _ in range(WARM_UPS):
        work()
    torch.cuda.synchronize()
    found = []
    for _ in range(ROUNDS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(REPLAYS):
            work()
        end.record()
        end.synchronize()
        found.append(begin.elapsed_time(end) * 1e3 / REPLAYS)
    return statistics.median(found)


def graph_of(function, image):
    """A function that replays a CUDA graph, and the tensor it writes."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            function(image)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = function(image)
    return graph.replay, output


class Subject:
    def __init__(self, entry):
        import torch

        self.title, self.batch, self.model_file = entry["title"], entry["batch"], entry["model"]
        model = onnx.load(entry["model"])
        shape = [each.dim_value for each in model.graph.input[0].type.tensor_type.shape.dim]
        self.network = torch_network(model).cuda()
        self.image = torch.from_numpy(np.fromfile(Path(entry["folder"]) / "input0.f32", "<f4").reshape(shape)).cuda()
        self.expected = np.fromfile(Path(entry["folder"]) / "output0.f32", "<f4")

    def check(self, form, output):
        got = output.detach().float().cpu().numpy().ravel()
        error = float(np.abs(got - self.expected).max() / np.abs(self.expected).max())
        allowed = TOLERANCE["tf32" if "tf32" in form else "fp32"]
        if not error <= allowed:
            raise ArithmeticError(f"error {error:.2g}")

    def report(self, form, work, output):
        work()
        self.check(form, output)
        tell(title=self.title, batch=self.batch, form=form, median=microseconds(work))


def with_modes(subject, quick):
    """Each combination of precision and layout."""
    import torch

    for loose in (False, True):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = loose
        for last in (False, True):
            layout = torch.channels_last if last else torch.contiguous_format
            network, image = subject.network.to(memory_format=layout), subject.image.to(memory_format=layout)
            words = " channels_last" * last + " tf32" * loose
            try:
                (time_eager if quick else time_compiled)(subject, network, image, words)
            except Exception as error:  # one form that fails must not end the others
                tell(remark=f"{subject.title}, batch {subject.batch}, torch{words}: {type(error).__name__}: {str(error)[:150]}")


def time_eager(subject, network, image, words):
    output = network(image)
    subject.check(words, output)
    tell(title=subject.title, batch=subject.batch, form="torch eager" + words, median=microseconds(lambda: network(image)))
    replay, output = graph_of(network, image)
    subject.report("torch graph" + words, replay, output)


def time_compiled(subject, network, image, words):
    """CUDA graphs are ours, so that what is timed is the same as above."""
    import torch

    torch._dynamo.reset()
    compiled = torch.compile(network, mode="max-autotune-no-cudagraphs", dynamic=False)
    replay, output = graph_of(compiled, image)
    subject.report("torch compiled" + words, replay, output)


def time_tensorrt(subject):
    import tensorrt
    import torch

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(subject.model_file):
        raise ValueError(str(parser.get_error(0)))
    configuration = builder.create_builder_config()
    configuration.clear_flag(tensorrt.BuilderFlag.TF32)
    engine = tensorrt.Runtime(logger).deserialize_cuda_engine(builder.build_serialized_network(network, configuration))
    context = engine.create_execution_context()
    output = torch.empty(len(subject.expected), device="cuda")
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        reads = engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT
        context.set_tensor_address(name, (subject.image if reads else output).data_ptr())
    replay, _ = graph_of(lambda _: context.execute_async_v3(torch.cuda.current_stream().cuda_stream), subject.image)
    subject.report("tensorrt", replay, output)


def main():
    end = time.monotonic() + float(sys.argv[2])
    try:
        import torch
    except ImportError as error:
        tell(remark=f"PyTorch is not timed: {error}")
        return
    if not torch.cuda.is_available():
        tell(remark="PyTorch is not timed: it sees no GPU")
        return
    torch.backends.cudnn.benchmark = True
    tell(remark=f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")
    with torch.no_grad():
        subjects = [Subject(entry) for entry in json.loads(Path(sys.argv[1]).read_text())]
        for subject in subjects:
            with_modes(subject, quick=True)
        try:
            for subject in subjects:
                if time.monotonic() < end:
                    time_tensorrt(subject)
        except ImportError:
            tell(remark="TensorRT is not installed")
        except Exception as error:
            tell(remark=f"TensorRT: {type(error).__name__}: {str(error)[:150]}")
        # The order of the plan: what matters most first.
        for subject in sorted(subjects, key=lambda each: each.title != "V2 1.0x"):
            if time.monotonic() > end:
                tell(remark=f"torch.compile: no time left for {subject.title}, batch {subject.batch}")
                continue
            with_modes(subject, quick=False)


if __name__ == "__main__":
    main()
