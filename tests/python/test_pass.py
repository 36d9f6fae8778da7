"""Passes in Python: what is read of a graph is written again, and what they make is compiled and verified."""

import numpy as np
import pytest
import riffle
from conftest import images, write_spec
from riffle._pass import Nodes
from support import EXAMPLES
from support import riffle as run_program

GATED = """network gated {
    input image: f32[1, 4, 6, 6]
    let a = conv(image, 8, 3) @ first
    let b = a * sigmoid(a)
    let c = map(b, a, formula = "x * y - 1")
    output both = identity(c) * sigmoid(c)
    let parts = c |> leaky_relu(0.1) |> split([3, 5])
    output other = parts[1]
}
"""


class SiluOfSigmoid(riffle.Pass):
    """x * sigmoid(x) as silu(x)."""

    def rewrite(self, node, nodes):
        gate = nodes.producer(node.operands[1]) if node.op == "multiply" else None
        if gate and gate.op == "sigmoid" and gate.operands == node.operands[:1]:
            return [riffle.Node(node.results, "silu", gate.operands, types=node.types)]
        return None


class WithoutRelu(riffle.Pass):
    def rewrite(self, node, nodes):
        return node.operands[0] if node.op == "relu" else None


@pytest.mark.parametrize("spec", ["shufflenet_v2.rfl", "detect/fastestdet.rfl", "detect/yunet.rfl", "densenet_small.rfl",
                                  "nasnet_a_mobile.rfl"])
def test_read_and_written(spec):
    """Word for word, apart from ranges, which riffle writes again."""
    for passes in ("", "O2"):
        text = run_program("opt", EXAMPLES / spec, f"--passes={passes}")
        nodes = Nodes(text)
        assert len(nodes.nodes) == sum(line.startswith("  %") for line in text.splitlines()) > 20
        assert riffle.Graph(str(nodes)).run_passes("").text == text


def test_odd_lines():
    line = '  %1 "a, b = {", %keep = op %x, %y weight=@"odd {path" bias=@a/b-c.d {words = leaky_relu(0.1), f = "x, {y}", ' \
           'n = [1, -2, 0..3], r = 1e-05, e = []} : f32[1,2], f32[1,3] "p:a \\" th"'
    (node,) = Nodes(line)
    assert node.results == ["%1", "%keep"] and node.names == {"%1": '"a, b = {"'} and node.operands == ["%x", "%y"]
    assert node.weights == {"weight": '@"odd {path"', "bias": "@a/b-c.d"} and node.path == '"p:a \\" th"'
    assert node.attributes == {"words": "leaky_relu(0.1)", "f": '"x, {y}"', "n": [1, -2, 0, 1, 2, 3], "r": 1e-05, "e": []}
    assert node.types == ["f32[1,2]", "f32[1,3]"] and str(node) == line.replace("0..3", "0, 1, 2, 3")


def test_rewrites(tmp_path):
    model = riffle.load(write_spec(tmp_path, GATED), random_weights=1)
    ops = [node.op for node in model.graph.nodes]
    assert ops.count("sigmoid") == ops.count("multiply") == 2 and "silu" not in ops
    rewritten = model.rewritten(SiluOfSigmoid())
    ops = [node.op for node in rewritten.graph.nodes]
    assert ops.count("silu") == 2 and "sigmoid" not in ops and "multiply" not in ops
    assert rewritten.graph.text == model.graph.run_passes([SiluOfSigmoid()]).text
    image = np.random.default_rng(1).standard_normal((1, 4, 6, 6)).astype(np.float32)
    before, after = model.compile()(image), rewritten.compile()(image)
    for name in ("both", "other"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-6)
    assert "2 of 2 tensors within" in str(rewritten.verify(count=1))


def test_a_value_in_place_of_another(tiny):
    """With riffle's passes before and behind."""
    graph = tiny.graph.run_passes(["fold-batchnorm", WithoutRelu(), "O2"])
    assert "relu" in tiny.graph.text and "relu" not in graph.text and "batch_norm" not in graph.text
    without = tiny.rewritten(WithoutRelu()).compile()
    image = images(without.inputs[0])
    assert without(image)["logits"].shape == tiny.compile()(image)["logits"].shape


def test_outputs_follow(tmp_path):
    spec = write_spec(tmp_path, "network n {\n    input x: f32[1, 4, 6, 6]\n    output y = x |> negate |> relu\n}\n")
    rewritten = riffle.load(spec, random_weights=1).rewritten(WithoutRelu())
    image = np.random.default_rng(1).standard_normal((1, 4, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(rewritten.compile()(image), -image)


def test_new_values(tmp_path):
    class Thrice(riffle.Pass):
        def rewrite(self, node, nodes):
            if node.op != "negate":
                return None
            assert nodes.readers(node.results[0]) == [] and nodes.is_output(node.results[0])
            values = [*node.operands, nodes.new_value(), nodes.new_value(), *node.results]
            return [riffle.Node([made], "negate", [read], types=node.types) for read, made in zip(values, values[1:])]

    spec = write_spec(tmp_path, "network n {\n    input x: f32[1, 4, 6, 6]\n    output y = x |> negate\n}\n")
    graph = riffle.load(spec, random_weights=1).graph.run_passes([Thrice()])
    assert [node.op for node in graph.nodes] == ["negate"] * 3


class Wrong(riffle.Pass):
    def __init__(self, **changes):
        self._changes = changes

    def rewrite(self, node, nodes):
        if node.op != "relu":
            return None
        made = riffle.Node(node.results, "relu", node.operands, types=node.types)
        for name, value in self._changes.items():
            setattr(made, name, value)
        return [made]


@pytest.mark.parametrize("changes, said", [
    ({"op": "rellu"}, "unknown op 'rellu'"), ({"types": ["f32[1,2,3,4]"]}, "result 1 is f32"),
    ({"operands": ["%nobody"]}, "%nobody is not defined"), ({"results": ["%other"]}, "%other is defined twice")])
def test_what_is_no_graph(tiny, changes, said):
    with pytest.raises(riffle.Error, match=said):
        tiny.rewritten(Wrong(**changes))


def test_no_nodes():
    for line in ("  %1", "  %1 =", "  %1 = relu", "  %1 = relu %2 {a = 1", "  %1 = relu {a = } : f32[1,2]"):
        with pytest.raises(riffle.Error, match="no node of a graph: %1"):
            riffle.Graph(f"graph g {{\n{line}\n}}\n").nodes
