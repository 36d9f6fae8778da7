"""Models of ncnn: each layer against ncnn, or what ncnn said of it."""

import json

import numpy as np
import pytest
from ncnn_layers import GROUPS, INPUTS, cases, inputs
from ncnn_oracle import RECORDED, ask, ncnn, summary
from support import TOLERANCE, assert_close, invoke, run_riffle


def import_ncnn(folder, *options, stem="model"):
    return invoke("import", f"{stem}.param", "-o", "net.rfl", "--weights-out", "net.safetensors", *options, cwd=folder)


def run_imported(folder, arrays, count, *options):
    return run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors", *options], arrays, [(-1,)] * count,
                      folder)


def run_cases(group, folder):
    """Each result as riffle computes it."""
    model = cases(group)
    model.write(folder)
    done = import_ncnn(folder)
    assert (done.returncode, done.stderr.count("error")) == (0, 0), done.stderr
    read = {name for line in model.lines[len(INPUTS):] for name in line.split()}
    arrays = [array for name, array in inputs().items() if name in read]
    return dict(zip(model.results, run_imported(folder, arrays, len(model.results), "--interpret")))


@pytest.mark.parametrize("group", GROUPS)
def test_layers(group, tmp_path):
    recorded = json.loads(RECORDED.read_text())["results"]
    for name, array in run_cases(group, tmp_path).items():
        expected = recorded[name]
        assert array.size == np.prod(expected["shape"]), name
        difference = np.abs(np.subtract(summary(array), expected["sums"])).max()
        assert difference <= TOLERANCE * expected["sums"][-1], (name, difference)


@pytest.mark.skipif(ncnn is None, reason="the package ncnn is not installed")
@pytest.mark.parametrize("group", GROUPS)
def test_layers_against_ncnn(group, tmp_path):
    expected = ask(group)
    for name, array in run_cases(group, tmp_path).items():
        assert_close(array, expected[name].ravel())
