"""ncnn itself, where its package is installed; and what it said of the cases of ncnn_layers.py, kept in a file.

    python tests/import/ncnn_oracle.py      writes ncnn_layers.json again
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from ncnn_layers import GROUPS, cases, inputs

RECORDED = Path(__file__).with_name("ncnn_layers.json")
SUMS = 6

try:
    import ncnn
except ImportError:
    ncnn = None


def run_ncnn(folder, arrays, results, stem="model"):
    """The results of the model by name, computed in float32."""
    net = ncnn.Net()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage",
                   "use_winograd_convolution", "lightmode"):
        setattr(net.opt, option, False)
    net.opt.num_threads = 1
    assert net.load_param(str(folder / f"{stem}.param")) == 0
    assert net.load_model(str(folder / f"{stem}.bin")) == 0
    extractor = net.create_extractor()
    for name, array in arrays.items():
        extractor.input(name, ncnn.Mat(array))
    answers = {}
    for name in results:
        status, mat = extractor.extract(name)
        assert status == 0, name
        answers[name] = np.array(mat)
    return answers


def summary(array):
    """Sums of the elements with factors that differ for each, and the largest element: what any other order or number
    changes."""
    flat = array.astype(np.float64).ravel()
    factors = np.random.default_rng(flat.size).uniform(-1, 1, size=(SUMS, flat.size))
    return [*(factors @ flat), np.abs(flat).max()]


def ask(group):
    model = cases(group)
    with tempfile.TemporaryDirectory() as folder:
        model.write(Path(folder))
        return run_ncnn(Path(folder), inputs(), model.results)


def main():
    said = {}
    for group in GROUPS:
        for name, array in ask(group).items():
            said[name] = {"shape": list(array.shape), "sums": [float(f"{one:.8g}") for one in summary(array)]}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in said.items())
    RECORDED.write_text(f'{{"ncnn": "{ncnn.__version__}", "results": {{\n{lines}\n}}}}\n')


if __name__ == "__main__":
    main()
