#!/usr/bin/env python3
"""A compiled library as a function of DuckDB:

    query.py out/ "SELECT filename, classify(content) FROM read_blob('pictures/*.jpg')"
"""

import sys

import classifier
import duckdb
import pyarrow as pa

BEST = pa.struct([("class", pa.int32()), ("probability", pa.float32()), ("label", pa.string())])


def connect(library):
    """A connection that knows classify(image): the best class of the bytes of a picture; NULL for what is none."""
    classify = classifier.Classifier(library, top=1)

    def best_of(images):
        best, _ = classify.answers(images.to_pylist())
        rows = [(*row[0], classify.label(row)) if row else None for row in best]
        return pa.array([row and dict(zip(BEST.names, row)) for row in rows], BEST)

    connection = duckdb.connect()
    connection.create_function("classify", best_of, ["BLOB"],
                               "STRUCT(class INTEGER, probability FLOAT, label VARCHAR)", type="arrow",
                               null_handling="special")
    return connection


if __name__ == "__main__":
    print(connect(sys.argv[1]).sql(sys.argv[2]))
