"""Everything that becomes a model, and what is said of what does not."""

import numpy as np
import onnx
import onnxruntime
import pytest
import riffle
from conftest import ONE_OUTPUT, TINY, images, write_spec
from onnx import TensorProto, helper, numpy_helper
from support import EXAMPLES, SHARED, read_floats


def small_onnx():
    random = np.random.default_rng(3)
    weight = numpy_helper.from_array(random.standard_normal((8, 3, 3, 3)).astype(np.float32), "weight")
    bias = numpy_helper.from_array(random.standard_normal(8).astype(np.float32), "bias")
    nodes = [helper.make_node("Conv", ["image", "weight", "bias"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
             helper.make_node("Relu", ["c"], ["r"]), helper.make_node("GlobalAveragePool", ["r"], ["p"]),
             helper.make_node("Flatten", ["p"], ["answer"])]
    graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 15, 15])],
                              [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 8])], [weight, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def check_onnx(model, proto):
    net = model.compile()
    image = images(net.inputs[0])
    (expected,) = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"image": image})
    answer = net(image)
    assert answer.shape == expected.shape
    assert np.abs(answer - expected).max() <= 1e-5 * np.abs(expected).max()


def test_onnx(tmp_path):
    proto = small_onnx()
    check_onnx(riffle.load(proto), proto)
    path = tmp_path / "small.onnx"
    onnx.save(proto, path)
    check_onnx(riffle.load(path), proto)
    check_onnx(riffle.load(str(path)), proto)


def test_onnx_refused(tmp_path):
    proto = small_onnx()
    proto.graph.node[1].op_type = "NonZero"
    with pytest.raises(riffle.Error, match="NonZero") as caught:
        riffle.load(proto)
    assert caught.value.diagnostics[0].severity == "error"
    (tmp_path / "no.onnx").write_bytes(b"nonsense")
    with pytest.raises(riffle.Error):
        riffle.load(tmp_path / "no.onnx")
    with pytest.raises(TypeError, match="for specs"):
        riffle.load(small_onnx(), set={"width": 1})
    with pytest.raises(TypeError, match="weights of its own"):
        riffle.load(small_onnx(), weights="x.safetensors")


def test_ncnn(tmp_path):
    (tmp_path / "net.param").write_text("7767517\n2 2\nInput image 0 1 image 0=8 1=8 2=3\nReLU relu 1 1 image out\n")
    (tmp_path / "net.bin").write_bytes(b"")
    for weights in (None, tmp_path / "net.bin"):
        net = riffle.load(tmp_path / "net.param", weights=weights).compile()
        image = images(net.inputs[0])
        np.testing.assert_array_equal(net(image), np.maximum(image, 0))


def test_parameters(tmp_path):
    model = riffle.load(TINY, random_weights=1, set={"classes": 3, "size": [40, 48]})
    net = model.compile()
    assert net.inputs[0].shape == (1, 3, 40, 48)
    assert net(images(net.inputs[0]))["logits"].shape == (1, 3)
    with pytest.raises(riffle.Error, match="clases"):
        riffle.load(TINY, random_weights=1, set={"clases": 3}).inspect()


def test_weights_of_a_mapping(tmp_path):
    spec = write_spec(tmp_path, ONE_OUTPUT)
    weight = np.random.default_rng(1).standard_normal((5, 3, 3, 3)).astype(np.float32)
    with pytest.raises(TypeError, match="'first.weight' is float64"):
        riffle.load(spec, weights={"first.weight": weight.astype(np.float64)})
    with pytest.raises(riffle.Error, match="first.weight"):
        riffle.load(spec, weights={"first.weight": weight[:4]}).compile()
    with pytest.raises(riffle.Error, match="first.weight"):
        riffle.load(spec, weights={}).compile()
    counter = {"first.num_batches_tracked": np.array(7)}
    flipped = weight[:, :, ::-1]
    assert not flipped.flags.c_contiguous
    net = riffle.load(spec, weights={"first.weight": flipped, **counter}).compile()
    image = np.zeros((1, 3, 8, 8), np.float32)
    image[0, 2, 4, 4] = 1
    np.testing.assert_allclose(net(image)[0, :, 3:6, 3:6], np.maximum(flipped[:, 2, ::-1, ::-1], 0), rtol=1e-6)


def test_broken_spec(tmp_path):
    spec = write_spec(tmp_path, "network a() {\n    input x: f32[1, 3, 8, 8]\n    output y = x |> rellu\n}\n", "bad.rfl")
    model = riffle.load(spec)
    for call in (model.inspect, model.compile, model.verify, model.bench, lambda: model.graph):
        with pytest.raises(riffle.Error) as caught:
            call()
        (diagnostic,) = caught.value.diagnostics
        assert (diagnostic.severity, diagnostic.file, diagnostic.line, diagnostic.column) == ("error", str(spec), 3, 21)
        assert diagnostic.end_column == 26
        assert diagnostic.hint == "did you mean 'relu'?"
        assert str(caught.value) == f"{spec}:3:21: error: unknown op or unit 'rellu'\nhint: did you mean 'relu'?"


def test_all_diagnostics(tmp_path):
    """As many as riffle has, each with its own place."""
    with pytest.raises(riffle.Error) as caught:
        riffle.load(TINY, weights={"fc.wieght": np.zeros((10, 24), np.float32)}).compile()
    assert len(caught.value.diagnostics) > 3


def test_missing_files(tmp_path):
    with pytest.raises(riffle.Error, match="cannot open .*No such file"):
        riffle.load(tmp_path / "none.rfl").inspect()
    with pytest.raises(riffle.Error, match="No such file"):
        riffle.load(TINY, weights=tmp_path / "none.safetensors").compile()
    with pytest.raises(riffle.Error, match="No such file"):
        riffle.load(tmp_path / "none.onnx")


@pytest.mark.parametrize("model, error, said", [
    ("weights.pth", riffle.Error, "weights and no network"), ("picture.png", riffle.Error, "is no model"),
    (3, TypeError, "a int is no model"), (None, TypeError, "is no model")])
def test_no_model(model, error, said):
    with pytest.raises(error, match=said):
        riffle.load(model)


def test_two_kinds_of_weights():
    with pytest.raises(TypeError, match="either weights or random_weights"):
        riffle.load(TINY, weights="x.safetensors", random_weights=1)


def test_no_program(monkeypatch, tmp_path):
    monkeypatch.setenv("RIFFLE", str(tmp_path / "none"))
    with pytest.raises(riffle.Error, match="cannot run .*none"):
        riffle.load(TINY).inspect()
    monkeypatch.delenv("RIFFLE")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(riffle.Error, match="there is no program riffle"):
        riffle.load(TINY).inspect()


@pytest.mark.skipif(not (SHARED / "weights").exists(), reason="no shared weights")
@pytest.mark.parametrize("photo", ["dog", "pelican"])
def test_real_weights(photo):
    net = riffle.load(EXAMPLES / "shufflenet_v2.rfl", weights=SHARED / "weights" / "shufflenet_v2_x1_0.safetensors",
                      set={"width": 1.0}).compile()
    image = read_floats(SHARED / "reference" / f"{photo}.v2.input.f32", (1, 3, 224, 224))
    expected = read_floats(SHARED / "reference" / f"{photo}.v2.logits.f32", (1, 1000))
    answer = net(image)
    assert np.abs(answer - expected).max() <= 1e-4 * np.abs(expected).max()
    assert answer.argmax() == expected.argmax()


def test_torch_module():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                                 torch.nn.Flatten(), torch.nn.Linear(8, 5))
    image = torch.randn(1, 3, 17, 17)
    with pytest.raises(TypeError, match="needs inputs"):
        riffle.load(module)
    net = riffle.load(module, inputs=(image,)).compile()
    assert module.training, "it is left as it was"
    expected = module(image).detach().numpy()
    np.testing.assert_allclose(net(image), expected, rtol=1e-4, atol=1e-5)


class Unit:
    """ShuffleNet V2's unit, as PyTorch's users write it."""

    def __new__(cls, torch):
        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = torch.nn.Conv2d(3, 16, 3, stride=2, padding=1)
                self.work = torch.nn.Sequential(
                    torch.nn.Conv2d(8, 8, 1, bias=False), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
                    torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), torch.nn.BatchNorm2d(8))

            def forward(self, image):
                keep, work = self.stem(image).chunk(2, dim=1)
                x = torch.cat((keep, self.work(work)), dim=1)
                n, c, h, w = x.shape
                return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)

        return Module()


def test_torch_shuffle():
    torch = pytest.importorskip("torch")
    module = Unit(torch).eval()
    image = torch.randn(1, 3, 16, 16)
    net = riffle.load(module, inputs=[image]).compile()
    np.testing.assert_allclose(net(image), module(image).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_torch_weights(tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, padding=1, bias=False), torch.nn.ReLU())
    weights = {"first.weight": module.state_dict()["0.weight"]}
    net = riffle.load(write_spec(tmp_path, ONE_OUTPUT), weights=weights).compile()
    image = torch.randn(1, 3, 8, 8)
    np.testing.assert_allclose(net(image), module(image).detach().numpy(), rtol=1e-4, atol=1e-5)
    with pytest.raises(TypeError, match="'image' cannot be read where it lies"):
        net(image.requires_grad_())
