#!/usr/bin/env python3
"""Times riffle against other engines on one network, and all against what the machine allows.

Each engine has a process of its own, pinned to the same cores, with the same weights and image; they take turns in
short blocks of runs, so that a change of the machine's speed meets all alike. First they must agree. The limit is
the time that the network's multiply-accumulates take at the machine's measured multiply-add peak (`riffle bench`).
benchmark.py does this for a table of networks.

  compare.py                                        ShuffleNet V2 1.0x, 224 x 224
  compare.py --set width=0.5 --set size=480,640 --peer onnxruntime
  compare.py --network shufflenet_v1 --set groups=3 --threads 2 --json out.json
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import timing
from engines import Riffle
from peers import PEERS, SLOW
from task import NETWORKS, make_task, parse_setting
from workers import EngineError, Remote

from support import TOLERANCE, best_target, relative_error

PAUSE = 0.05  # seconds: threads of a pool look for work for some milliseconds before they sleep


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="shufflenet_v2")
    parser.add_argument("--set", type=parse_setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of the network; may be repeated")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors file (default: random weights)")
    parser.add_argument("--peer", choices=PEERS, action="append",
                        help=f"engine to compare with (default: all but {', '.join(SLOW)})")
    parser.add_argument("--target", default=best_target(), help="riffle's target (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of every engine (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="time to measure for (default: %(default)s)")
    parser.add_argument("--block", type=int, default=10, metavar="RUNS", help="runs per turn (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the first core to stay on (default: the last ones allowed)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here too; - for standard output")
    parser.add_argument("--at-least", type=float, metavar="RATIO",
                        help="fail unless riffle is this many times as fast as every peer (5th percentiles)")
    return parser.parse_args()


def start(task, folder, peers, cores, extra=()):
    """riffle, `extra` engines not yet waited for, and peers; and why those that do not run do not. riffle must."""
    engines = [Remote(Riffle, task, folder / "riffle", cores=cores), *extra,
               *(Remote(PEERS[peer], task, folder / peer, cores=cores) for peer in peers)]
    running, failed = [], {}
    for engine in engines:
        try:
            running.append(engine.wait())
            engine.run()
        except EngineError as error:
            failed[engine.name] = str(error)
            running = [each for each in running if each is not engine]
            engine.close()
    if "riffle" in failed:
        sys.exit(f"riffle: {failed['riffle']}")
    return running, failed


def keep_agreeing(engines, failed):
    """The engines whose outputs are those of ONNX Runtime, or of riffle where that is missing, and how far they are
    from them; the others are closed and put into `failed`. riffle must agree."""
    outputs = {engine.name: engine.output() for engine in engines}
    reference = outputs.get("onnxruntime", outputs["riffle"])
    differences = {name: relative_error(each, reference) for name, each in outputs.items()}
    if not differences["riffle"] <= TOLERANCE:  # NaN, too
        sys.exit(f"riffle disagrees with onnxruntime: {differences['riffle']:.3g} of the largest output")
    for engine in engines:
        if not differences[engine.name] <= TOLERANCE:
            failed[engine.name] = f"disagrees: {differences.pop(engine.name):.3g} of the largest output"
            engine.close()
    return [engine for engine in engines if engine.name in differences], differences


def compare(task, folder, peers, cores, extra=(), **how):
    """What was found, as it goes into a file of JSON. `how` is for timing.measure."""
    engines, failed = start(task, folder, peers, cores, extra)
    try:
        engines, differences = keep_agreeing(engines, failed)
        before = timing.peak_gflops(task.target, task.threads)
        times, lost = timing.measure(engines, pause=PAUSE if task.threads > 1 else 0, **how)
        peak = max(before, timing.peak_gflops(task.target, task.threads))
    finally:
        for engine in engines:
            engine.close()
    limit = timing.limit_ms(task.macs, peak)
    described = [{"name": engine.name, "version": engine.version, "settings": engine.settings}
                 | timing.statistics(times[engine.name]) for engine in engines]
    for each, engine in zip(described, engines):
        each["ratio_to_limit"], each["difference"] = each["p5_ms"] / limit, differences[engine.name]
        if hasattr(engine, "compile_seconds"):
            each["compile_seconds"] = engine.compile_seconds
    return {"network": task.spec.stem, "parameters": task.parameters, "macs": task.macs, "target": task.target,
            "threads": task.threads, "cores": sorted(cores), "peak_gflops": peak, "limit_ms": limit,
            "lost_share": lost, "engines": described, "failed": failed}


def print_comparison(result):
    said = " ".join(f"{name}={value}" for name, value in result["parameters"].items())
    print(f"{result['network']} {said or 'as by default'}, {result['macs'] / 1e6:.1f} M MACs, "
          f"target {result['target']}, {result['threads']} thread{'s' if result['threads'] > 1 else ''}")
    print(f"limit of the machine: {result['limit_ms']:.3f} ms at {result['peak_gflops']:.1f} GFLOP/s")
    print(f"{'':28}{'runs':>6}{'p5 ms':>9}{'median':>9}{'min':>9}{'p5/limit':>10}{'vs riffle':>11}{'difference':>12}")
    base = result["engines"][0]["p5_ms"]
    for row in result["engines"]:
        title = f"{row['name']} {row['version']}"
        print(f"{title:28}{row['runs']:6}{row['p5_ms']:9.3f}{row['median_ms']:9.3f}{row['min_ms']:9.3f}"
              f"{row['ratio_to_limit']:10.2f}{row['p5_ms'] / base:11.2f}{row['difference']:12.1e}")
    for name, why in result["failed"].items():
        print(f"{name} was not timed: {why.splitlines()[-1] if why else 'no reason given'}")
    if timing.disturbance(result["lost_share"]):
        print(timing.disturbance(result["lost_share"]))


def write_json(result, file):
    text = json.dumps(result, indent=2) + "\n"
    if str(file) == "-":
        print(text, end="")
    else:
        file.write_text(text)


def main():
    arguments = parse_arguments()
    cores = timing.choose_cores(arguments.threads, arguments.core)
    with tempfile.TemporaryDirectory(prefix="riffle-compare-") as name:
        folder = Path(name)
        task = make_task(arguments.network, dict(arguments.set), arguments.target, folder, arguments.weights,
                         arguments.threads)
        peers = arguments.peer or [peer for peer in PEERS if peer not in SLOW]
        result = compare(task, folder, peers, cores, seconds=arguments.seconds, block=arguments.block)
    print_comparison(result)
    if arguments.json:
        write_json(result, arguments.json)
    own, *others = (row["p5_ms"] for row in result["engines"])
    if arguments.at_least and own * arguments.at_least > min(others):
        sys.exit(f"riffle is {min(others) / own:.2f} times as fast as the fastest peer, wanted {arguments.at_least}")


if __name__ == "__main__":
    main()
