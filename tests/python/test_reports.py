"""What a model tells of itself, also as tables of a notebook."""

import re
import warnings

import pytest
import riffle
from conftest import TINY, write_spec


def test_inspect(tiny):
    report = tiny.inspect()
    assert report.name == "tiny"
    assert report.totals["parameters"] == sum(layer["parameters"] for layer in report.layers)
    assert report.layers[0]["name"] == "conv1.0" and report.layers[0]["parameters"] == 24 * 3 * 9
    assert re.search(r"^conv1\.0 +conv +1x24x16x16 +648 +165,888 ", str(report), re.MULTILINE)
    html = report._repr_html_()
    assert html.count("<tr>") == len(report.layers) + 2 and "<td>165,888</td>" in html


def test_estimated_time(tiny):
    assert tiny.inspect().estimated_time is None
    report = tiny.inspect(cpu="cortex-a55", clock="1GHz")
    assert report.estimated_time["processor"] == "cortex-a55"
    assert report.estimated_time["microseconds"] * 1000 == pytest.approx(report.estimated_time["cycles"], rel=1e-4)
    half = tiny.inspect(cpu="cortex-a55", clock="2GHz").estimated_time["microseconds"]
    assert half == pytest.approx(report.estimated_time["microseconds"] / 2)
    with pytest.raises(riffle.Error, match="2.0"):
        tiny.inspect(cpu="cortex-a55", clock="2.0")


def test_network(tiny_net):
    html = tiny_net._repr_html_()
    assert html.count("<tr>") == 1 + len(tiny_net.inputs) + len(tiny_net.outputs)
    assert "<td>image</td><td>float32</td><td>1x3x32x32</td><td>NCHW</td>" in html


def test_html_shows_names_of_strangers(tmp_path):
    """A name of a file from outside is text, and no mark."""
    rows = riffle.Inspection("a", [], [], [{"name": "<script>", "op": "conv", "shape": [1], "parameters": 1, "macs": 1, "bytes": 1}],
                             {"parameters": 1, "macs": 1, "bytes": 1})
    assert "<script>" not in rows._repr_html_() and "&lt;script&gt;" in rows._repr_html_()
    assert "&lt;" in riffle.Graph("a < b")._repr_html_()


def test_bench(tiny):
    report = tiny.bench(seconds=0.1)
    assert 0 < report["min_ms"] <= report["median_ms"]
    assert "median_ms" in report._repr_html_() and "median_ms" in str(report)


def test_verify(tiny):
    assert "2 of 2 tensors within 0.0001 on 2 inputs" in str(tiny.verify(count=2))
    with pytest.raises(riffle.Error, match="logits"):
        tiny.verify(tolerance=1e-12)


def test_graph(tiny):
    graph = tiny.graph
    assert str(graph).startswith("graph tiny {") and "batch_norm" in graph.text
    folded = graph.run_passes("O2")
    assert "batch_norm" not in folded.text and folded.run_passes("dead-code").text == folded.text
    with pytest.raises(riffle.Error, match="folld-bias"):
        graph.run_passes("folld-bias")


def test_precision_from_arrays(tiny):
    import numpy as np

    samples = [np.random.default_rng(seed).standard_normal((1, 3, 32, 32)).astype(np.float32) for seed in range(3)]
    net = tiny.compile("x86-64-v3", precision="int8", calibration=samples)
    assert net.description["precision"] == "int8"
    with pytest.raises(TypeError, match="float32"):
        tiny.compile(precision="int8", calibration=[samples[0].astype(np.float64)])
    with pytest.raises(riffle.Error, match="calibration"):
        tiny.compile("x86-64-v3", precision="int8")


def test_warnings_become_warnings(tmp_path, tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny.inspect()


def test_version():
    assert re.match(r"riffle \d+\.\d+\.\d+", riffle.version())
    assert riffle.program().exists()


def test_spec_of_import_stays(tmp_path):
    spec = write_spec(tmp_path, TINY.read_text())
    assert repr(riffle.load(spec)) == f"<riffle.Model {spec}>"
