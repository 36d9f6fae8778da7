#!/usr/bin/env python3
"""A compiled library as a function of DuckDB:

    query.py out/ "SELECT filename, classify(content) FROM read_blob('pictures/*.jpg')"
"""

import sys

import classifier
import duckdb
import pyarrow as pa

BEST = pa.struct([("class", pa.int32()), ("probability", pa.float32())])


def connect(library):
    """A connection that knows classify(image): the best class of the bytes of a picture; NULL for what is none."""
    classify = classifier.Classifier(library, top=1)

    def best_of(images):
        best, _ = classify.answers(images.to_pylist())
        return pa.array([dict(zip(("class", "probability"), row[0])) if row else None for row in best], BEST)

    connection = duckdb.connect()
    connection.create_function("classify", best_of, ["BLOB"], "STRUCT(class INTEGER, probability FLOAT)", type="arrow",
                               null_handling="special", side_effects=False)
    return connection


if __name__ == "__main__":
    print(connect(sys.argv[1]).sql(sys.argv[2]))
