"""examples/cluster/query.py: a library as a function of DuckDB, beside the library itself."""

import sys

import numpy as np
import PIL.Image
import riffle
from support import DIGITS, EXAMPLES, compile_digits, write_digits

sys.path.insert(0, str(EXAMPLES / "cluster"))
import query  # noqa: E402


def test_page():
    """docs/cluster.md shows the function as it is."""
    source = (EXAMPLES / "cluster" / "query.py").read_text()
    shown = (EXAMPLES.parent / "docs" / "cluster.md").read_text().split("The whole of it:\n\n```python\n")[1].split("```")[0]
    assert len(shown.splitlines()) <= 20 and shown in source


def test_query(tmp_path):
    write_digits(tmp_path / "pictures")
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no picture")
    compile_digits(tmp_path / "out")
    connection = query.connect(tmp_path / "out")
    folder = f"read_blob('{tmp_path}/pictures/*.jpg')"
    rows = connection.sql(f"SELECT filename, classify(content) FROM {folder} ORDER BY filename").fetchall()
    assert len(rows) == 361 and rows[-1] == (f"{tmp_path}/pictures/broken.jpg", None)
    net = riffle.load_library(tmp_path / "out")
    for file, answer in rows[:-1]:
        with PIL.Image.open(file) as picture:
            ((which, probability),) = net.top(net(net.prepare(picture)), 1)
        assert answer == {"class": which, "probability": np.float32(probability), "label": None}
    connection.sql(f"COPY (SELECT content FROM {folder}) TO '{tmp_path}/pictures.parquet'")
    counts = connection.sql(f"SELECT classify(content).class AS c, count(*) FROM '{tmp_path}/pictures.parquet' GROUP BY c")
    counts = dict(counts.fetchall())
    assert counts[None] == 1 and sum(counts.values()) == 361
    assert connection.sql("SELECT classify(NULL), classify(''::BLOB)").fetchall() == [(None, None)]


def test_labels(tmp_path):
    """A spec with labels: each picture has the name of its class."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    write_digits(tmp_path / "pictures", 40)
    (tmp_path / "names.txt").write_text("\n".join(names))
    spec = (DIGITS / "digits.rfl").read_text()
    (tmp_path / "digits.rfl").write_text(spec.replace("output logits", 'labels = "names.txt"\n    output logits'))
    riffle.load(tmp_path / "digits.rfl", weights=DIGITS / "digits.safetensors").compile().save(tmp_path / "out")
    connection = query.connect(tmp_path / "out")
    answers = connection.sql(f"SELECT classify(content) AS a FROM read_blob('{tmp_path}/pictures/*.jpg')").fetchall()
    assert len({answer["label"] for (answer,) in answers}) > 5
    assert all(answer["label"] == names[answer["class"]] for (answer,) in answers)
