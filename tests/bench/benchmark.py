#!/usr/bin/env python3
"""The benchmark: riffle and its peers on the networks of rows.py, and what the machine allows.

Installs the newest peers into a virtual environment (build/bench-venv), builds the same networks with the same
weights for all, checks that they agree, times them in turns (compare.py), and writes to --output: table.txt,
benchmark.json, benchmark.csv, latency.svg (each engine beside the limit) and kinds.svg (riffle's time by kind of op).

  benchmark.py                                    everything: about ten minutes on a quiet machine
  benchmark.py --quick                            three rows, few runs
  benchmark.py --rows 'v1-*' --engines onnxruntime litert
  benchmark.py --write-docs                       the same, and puts tables and plots into docs/performance.md
  benchmark.py --read build/benchmark/benchmark.json --write-docs    from what was measured before
"""

import argparse
import datetime
import json
import sys
import tempfile
import time
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parents[2]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the names of the rows and of the engines")
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="NAME", help="these rows; * stands for anything")
    parser.add_argument("--engines", nargs="*", metavar="NAME", help="these peers (default: all; the slow compilers "
                        "only in one row)")
    parser.add_argument("--quick", action="store_true", help="three rows and a tenth of the runs")
    parser.add_argument("--runs", type=int, help="of each engine in each row (default: 200, of large images 30)")
    parser.add_argument("--retries", type=int, default=2, metavar="N", help="measure a row again, at most so often, while "
                        "other programs have the cores, and keep the least disturbed (default: %(default)s)")
    parser.add_argument("--retry-seconds", type=float, default=600, metavar="N",
                        help="for all such repetitions together (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the first core to stay on (default: the last ones allowed)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "benchmark", metavar="FOLDER",
                        help="(default: build/benchmark)")
    parser.add_argument("--read", type=Path, metavar="FILE", help="measure nothing: take the results from this JSON")
    parser.add_argument("--write-docs", action="store_true", help="put tables and plots into docs/performance.md")
    parser.add_argument("--beside", action="store_true",
                        help="put the tables into docs/performance.md, as those of another machine")
    parser.add_argument("--no-kinds", action="store_true", help="leave out the time by kind of op")
    parser.add_argument("--upgrade", action="store_true", help="install the newest engines again")
    parser.add_argument("--here", action="store_true", help="install nothing: the Python that runs this has what "
                        "is wanted")
    return parser.parse_args()


def wanted_rows(arguments):
    from rows import QUICK, matching

    try:
        return matching(QUICK if arguments.quick and arguments.rows == ["*"] else arguments.rows)
    except ValueError as error:
        sys.exit(f"benchmark.py: {error}")


def wanted_peers(arguments, row):
    from peers import PEERS, SLOW

    for name in arguments.engines or ():
        if name not in PEERS:
            sys.exit(f"benchmark.py: no engine is called '{name}'; --list prints them")
    if not row.peers:
        return []
    those = [name for name, peer in PEERS.items() if peer.precision == row.precision]
    if arguments.engines is not None:
        return [name for name in those if name in arguments.engines]
    return [name for name in those if row.compilers or name not in SLOW]


def precision_options(row, folder, image=None):
    """riffle's options for the row's precision; int8 is calibrated with the image that is timed."""
    if row.precision == "fp32":
        return []
    options = ["--precision", row.precision]
    if row.precision == "int8":
        options += ["--calibration", "random"] if image is None else ["--calibration", folder / "image.f32"]
    if image is not None:
        image.tofile(folder / "image.f32")
    return options


def why_impossible(row):
    """Why this riffle, or this machine, lacks the row's precision or model; nothing where it has it."""
    from task import EXAMPLES, MODELS

    from support import invoke, settings

    if row.model and not (MODELS / row.model).is_file():
        return f"{MODELS / row.model} is not there"
    if row.precision == "fp32":
        return ""
    with tempfile.TemporaryDirectory(prefix="riffle-benchmark-") as folder:
        done = invoke("compile", EXAMPLES / f"{row.network}.rfl", *settings(width=0.5, size=(32, 32)),
                      "--random-weights", 1, "--target", row.target, *precision_options(row, folder), "-o", folder)
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return "" if done.returncode == 0 else said[0]


def measure_row(row, arguments, retries):
    from compare import compare
    from engines import Riffle
    from rows import TOLERANCES
    from task import MODELS, imported_task, make_task
    from timing import choose_cores
    from workers import Remote

    from support import TOLERANCE, best_target

    runs = arguments.runs or (row.runs // 10 if arguments.quick else row.runs)
    block = min(row.block, runs)
    with tempfile.TemporaryDirectory(prefix="riffle-benchmark-") as name:
        folder = Path(name)
        target = row.target or best_target()
        task = imported_task(MODELS / row.model, target, folder) if row.model else \
            make_task(row.network, row.parameters, target, folder, threads=row.threads)
        cores = choose_cores(row.threads, arguments.core)
        extra, agreement = [], {"tolerance": row.tolerance or TOLERANCES.get(row.precision, TOLERANCE)}
        if row.precision != "fp32":  # what the precision is worth
            extra = [Remote(Riffle, task, folder / "floats", name="riffle, fp32", cores=cores)]
            agreement["reference"] = "riffle, fp32"
        elif row.threads > 1:  # what the threads are worth
            alone = make_task(row.network, row.parameters, target, folder)
            extra = [Remote(Riffle, alone, folder / "alone", name="riffle, 1 thread", cores={max(cores)})]
        return compare(task, folder, wanted_peers(arguments, row), cores, precision_options(row, folder, task.image),
                       extra, retries, agreement, block=block, turns=-(-runs // block))


def compile_seconds(row, times=3):
    """The fastest of some, of the command as users give it."""
    from support import EXAMPLES, best_target, riffle, settings

    took = []
    with tempfile.TemporaryDirectory(prefix="riffle-benchmark-") as folder:
        for _ in range(times):
            begin = time.monotonic()
            riffle("compile", EXAMPLES / f"{row.network}.rfl", *settings(**row.parameters), "--random-weights", 1,
                   "--target", best_target(), "-o", folder)
            took.append(time.monotonic() - begin)
    return {"row": row.name, "target": best_target(), "seconds": min(took)}


def kinds_of(row, seconds):
    """riffle's time by kind of op: of the code as it is, and with each layer in a kernel of its own."""
    from task import EXAMPLES

    from support import best_target, riffle_json, settings

    found = {"row": row.name, "title": row.title, "target": best_target()}
    for form, chains in (("chained", "by-cost"), ("apart", "never")):
        report = riffle_json("bench", EXAMPLES / f"{row.network}.rfl", *settings(**row.parameters), "--profile",
                             "--target", best_target(), "--chains", chains, "--seconds", seconds)
        kept = ("kind", "steps", "us", "share_of_time", "macs", "share_of_peak", "bytes")
        found[form] = [{key: kind[key] for key in kept} for kind in report["kinds"]]
    return found


def measure_all(arguments):
    import report
    from compare import Retries
    from rows import COMPILED, PROFILED, ROWS
    from timing import machine

    result = {"machine": machine(), "date": datetime.date.today().isoformat(), "rows": [], "left_out": {}, "kinds": []}
    rows, retries = wanted_rows(arguments), Retries(arguments.retries, arguments.retry_seconds)
    for row in rows:
        why = why_impossible(row)
        if why:
            result["left_out"][row.name] = why
            print(f"{row.name}: left out: {why}", flush=True)
            continue
        found = {"name": row.name, "title": row.title, "images": row.images, "precision": row.precision,
                 "aim_limit": row.aim_limit, "aim_peer": row.aim_peer, "aim_floats": row.aim_floats}
        result["rows"].append(found | measure_row(row, arguments, retries))
        print(report.row_text(result["rows"][-1]), flush=True)
        report.write(result, arguments.output)
    if ROWS[COMPILED] in rows:
        result["compile"] = compile_seconds(ROWS[COMPILED])
    for name in () if arguments.no_kinds else PROFILED:
        if ROWS[name] in rows:
            result["kinds"].append(kinds_of(ROWS[name], 0.3 if arguments.quick else 2))
    return result


def main():
    arguments = parse_arguments()
    if not arguments.here:
        environment.enter(arguments.upgrade)
    import report
    from peers import PEERS
    from rows import ROWS

    from support import RIFFLE

    if arguments.list:
        print("rows:\n  " + "\n  ".join(ROWS) + "\nengines:\n  " + "\n  ".join(PEERS))
        return
    if not arguments.read and not Path(RIFFLE).exists():
        sys.exit(f"benchmark.py: there is no {RIFFLE}; build the release preset, or set RIFFLE to the program")
    if arguments.read:
        result = json.loads(arguments.read.read_text())
    else:
        result = measure_all(arguments)
    report.write(result, arguments.output)
    print((arguments.output / report.TABLE).read_text())
    try:
        import plots

        plots.write(result, arguments.output)
    except ImportError as error:
        print(f"no plots: {error}", file=sys.stderr)
    if arguments.write_docs:
        report.write_docs(result, arguments.output)
    if arguments.beside:
        report.write_beside(result)


if __name__ == "__main__":
    main()
