#!/usr/bin/env python3
"""Classifies many pictures with a library that `riffle compile --shared` made, on a cluster of Ray.

    classify.py PICTURES --library out/ --output answers/

PICTURES is a folder of JPEG and PNG files, or Parquet with the columns `path` and `bytes`. The answers are Parquet, too: a
row for each picture, also for one that cannot be read. Started again with the same --output it does what is left."""

import argparse
import itertools
import time
from pathlib import Path

import answers
import classifier
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

SUFFIXES = {".jpg", ".jpeg", ".png"}
COLUMNS = ["path", "bytes"]
# Of a CPU, as Ray counts. What reads and what classifies have the same share, so that Ray makes them one process and
# pictures do not travel; the rest is for what writes.
MOST, LITTLE = 0.9, 0.1


def read_options(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--library", type=Path, required=True, help="the folder of the library, which all nodes see")
    parser.add_argument("--output", type=Path, required=True, help="a folder that all nodes see")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="classes a picture (default: 5)")
    parser.add_argument("--block", type=int, default=512, metavar="N",
                        help="pictures that are read and written together: what is done again after a worker is lost "
                             "(default: 512; of Parquet its row groups)")
    parser.add_argument("--alone", action="store_true", help="in this process, without Ray")
    return parser.parse_args(words)


def is_of_files(pictures):
    return pictures.is_dir() and next(pictures.glob("*.parquet"), None) is None


def files_in(folder, done):
    done = set(done.to_pylist())
    paths = sorted(str(path) for path in folder.resolve().rglob("*") if path.suffix.lower() in SUFFIXES)
    return [path for path in paths if path not in done]


def on_cluster(options, done, folder):
    """Ray Data does it: whatever a lost worker had in hand is done again by another, under the same name."""
    import ray
    import ray.data

    ray.init(ignore_reinit_error=True)
    for module in (classifier, answers):  # other nodes need not have these files
        ray.cloudpickle.register_pickle_by_value(module)
    if is_of_files(options.pictures):
        paths = files_in(options.pictures, done)
        if not paths:
            return
        data = ray.data.read_binary_files(paths, include_paths=True, override_num_blocks=-(-len(paths) // options.block),
                                          num_cpus=MOST)
    else:
        data = ray.data.read_parquet(str(options.pictures), columns=COLUMNS, num_cpus=MOST)
        if len(done) > 0:
            data = data.map_batches(answers.without, fn_args=[ray.put(done)], batch_format="pyarrow", batch_size=None,
                                    zero_copy_batch=True, num_cpus=MOST)
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    data.map_batches(
        classifier.Classifier, fn_constructor_args=[str(options.library.resolve()), options.top],
        batch_format="pyarrow", batch_size=None, zero_copy_batch=True, num_cpus=MOST,
        compute=ray.data.ActorPoolStrategy(size=workers),
    ).write_parquet(str(folder), ray_remote_args={"num_cpus": LITTLE})


def batches_of(options, done):
    if is_of_files(options.pictures):
        paths = iter(files_in(options.pictures, done))
        while some := list(itertools.islice(paths, options.block)):
            yield pa.table([some, [Path(path).read_bytes() for path in some]], names=COLUMNS)
    else:
        for batch in pa.dataset.dataset(options.pictures, format="parquet").to_batches(
                columns=COLUMNS, batch_size=options.block):
            yield answers.without(pa.table(batch), done)


def alone(options, done, folder):
    classify = classifier.Classifier(str(options.library), options.top)
    for number, batch in enumerate(batches_of(options, done)):
        if len(batch) > 0:
            pa.parquet.write_table(classify(batch), folder / f"{number:08}.parquet")


def main(words=None):
    options = read_options(words)
    with answers.run(options.output) as (done, folder):
        if len(done) > 0:
            print(f"{len(done)} pictures have answers already")
        begin = time.monotonic()
        (alone if options.alone else on_cluster)(options, done, folder)
        seconds = time.monotonic() - begin
    total, errors = answers.counts(options.output)
    new = total - len(done)
    print(f"{new} pictures in {seconds:.1f} s, {new / seconds:.1f} a second; {total} in all, {errors} of them no pictures")


if __name__ == "__main__":
    main()
