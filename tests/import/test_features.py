"""Each feature of docs/models.md: read alike from all opsets, ONNX Runtime's answers, and the page itself."""

import features
import pytest
from comparing import compare, import_model

OPSETS = (11, 13, 18, 21)
GRAPHS = [function for _, _, functions in features.ROWS for function in functions]


@pytest.mark.parametrize("function", GRAPHS, ids=lambda function: function.__name__)
def test_feature(function, tmp_path):
    spec = compare(features.build(function, 13), tmp_path)
    for opset in OPSETS:
        done, text = import_model(features.build(function, opset), tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert text == spec, opset


def test_page(tmp_path):
    assert features.table(tmp_path) in features.PAGE.read_text()
