"""examples/notebook, executed as nbconvert does: with a model of an exporter where there is one, and with the digits."""

import base64
import io

import nbconvert.preprocessors
import nbformat
import PIL.Image
import pytest
from support import EXAMPLES, ROOT

NOTEBOOK = EXAMPLES / "notebook" / "model_to_answer.ipynb"
MODELS = ROOT.parent / "shared" / "models"


def executed(models, monkeypatch):
    monkeypatch.setenv("MODELS", str(models))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs"), "outputs are not kept"
    nbconvert.preprocessors.ExecutePreprocessor(timeout=300).preprocess(notebook, {"metadata": {"path": NOTEBOOK.parent}})
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def text_of(outputs):
    return "".join(output.get("text", "") for output in outputs)


def picture_of(outputs):
    (picture,) = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return PIL.Image.open(io.BytesIO(base64.b64decode(picture)))


def html_of(outputs):
    return "".join(output.data["text/html"] for output in outputs if "text/html" in output.get("data", {}))


def test_digits(monkeypatch, tmp_path):
    outputs = executed(tmp_path, monkeypatch)
    assert "with the digits of riffle" in text_of(outputs) and "\na 7\n" in f"\n{text_of(outputs)}"
    assert picture_of(outputs).size[0] > 200
    for shown in ("<td>stage3.3.branch2.0</td>", "1 of 1 tensors within", "<td>median_ms</td>", "<td>logits</td>"):
        assert shown in html_of(outputs)


@pytest.mark.skipif(not MODELS.exists(), reason="no shared models")
def test_model_of_an_exporter(monkeypatch):
    outputs = executed(MODELS, monkeypatch)
    text = text_of(outputs)
    assert "ultraface_rfb_320.onnx" in text and text.count("a face at") == 1
    left, top, right, bottom = (int(word.strip(",:")) for word in text.split("a face at ")[1].split()[:5] if word != "to")
    assert 90 <= left <= 150 and 10 <= top <= 70 and 180 <= right <= 230 and 110 <= bottom <= 150
    assert len({*picture_of(outputs).convert("RGB").getdata()}) > 1000
