"""The Python of docs/python.md, run from top to bottom."""

import re

import numpy as np
import onnx
from conftest import TESTS
from support import write_weights
from test_load import small_onnx


def test_blocks(tmp_path, monkeypatch, capsys):
    page = (TESTS.parent / "docs" / "python.md").read_text()
    (spec,) = re.findall(r"^```\n(network .*?)^```$", page, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 8
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.rfl").write_text(spec)
    (tmp_path / "bad.rfl").write_text(spec.replace("relu", "rellu"))
    random = np.random.default_rng(1)
    write_weights(tmp_path / "net.safetensors", {
        "stem.weight": random.standard_normal((8, 3, 3, 3)).astype(np.float32),
        "classifier.weight": random.standard_normal((10, 8)).astype(np.float32),
        "classifier.bias": np.arange(10, dtype=np.float32)})
    onnx.save(small_onnx(), tmp_path / "model.onnx")
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["logits"].shape == (1, 10) and names["answers"].shape == (64, 10)
    np.testing.assert_allclose(names["out"][0], np.arange(10), rtol=1e-6)
    said = capsys.readouterr().out
    assert "bad.rfl 3 80 unknown op or unit 'rellu' did you mean 'relu'?" in said
    assert "2 of 2" not in said and "1 of 1 tensors within" in said
