#!/usr/bin/env python3
"""Times riffle against other engines, side by side, and both against what the machine allows.

One process, pinned to one core, same weights and image; the engines take turns in short blocks of runs, so
that a change of the machine's speed meets all alike. First they must agree. The limit is the time that the
network's multiply-accumulates take at the machine's measured multiply-add peak (`riffle bench`).

  compare.py                                        ShuffleNet V2 1.0x, 224 x 224
  compare.py --set width=0.5 --set size=480,640
  compare.py --network shufflenet_v1 --set groups=3 --json out.json
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engines import PEERS, Riffle  # puts tests/numeric on the path

import classic_onnx
import light_onnx
import nasnet_onnx
import networks_onnx
from support import (EXAMPLES, MOST_LOST, TOLERANCE, best_target, relative_error, riffle_json, settings,
                     write_weights)

# The ONNX twin of each spec, which has its name.
NETWORKS = {name: twin for module in (networks_onnx, classic_onnx, light_onnx, nasnet_onnx)
            for name, twin in vars(module).items() if (EXAMPLES / f"{name}.rfl").exists()}


@dataclass
class Task:
    """What every engine is given."""

    spec: str
    parameters: dict
    target: str
    weights_file: Path
    model: object  # ONNX
    image: np.ndarray
    output_shapes: list
    macs: int


def parse_value(text):
    """true, 3, 0.5, or 480,640."""
    if "," in text:
        return tuple(parse_value(part.strip()) for part in text.strip("[]()").split(","))
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def parse_setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"write NAME=VALUE, not '{text}'")
    try:
        return name, parse_value(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{value}' is no number, flag or pair of numbers") from None


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="shufflenet_v2")
    parser.add_argument("--set", type=parse_setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of the network; may be repeated")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors file (default: random weights)")
    parser.add_argument("--peer", choices=PEERS, action="append", help="engine to compare with (default: all)")
    parser.add_argument("--target", default=best_target(), help="riffle's target (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="time to measure for (default: %(default)s)")
    parser.add_argument("--block", type=int, default=10, metavar="RUNS", help="runs per turn (default: %(default)s)")
    parser.add_argument("--core", type=int, help="core to stay on (default: the last one allowed)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here too; - for standard output")
    parser.add_argument("--at-least", type=float, metavar="RATIO",
                        help="fail unless riffle is this many times as fast as every peer (5th percentiles)")
    return parser.parse_args()


def make_task(arguments, folder):
    parameters = dict(arguments.set)
    twin = NETWORKS[arguments.network](**parameters)
    if arguments.weights:
        from safetensors.numpy import load_file

        weights_file, weights = arguments.weights, load_file(arguments.weights)
    else:
        weights_file, weights = folder / "weights.safetensors", twin.random_weights(seed=1)
        write_weights(weights_file, weights)
    shapes = [[size.dim_value for size in slot.type.tensor_type.shape.dim] for slot in twin.inputs + twin.outputs]
    image = np.random.default_rng(2).normal(size=shapes[0]).astype(np.float32)
    return Task(f"{arguments.network}.rfl", parameters, arguments.target, weights_file, twin.model(weights), image,
                shapes[1:], twin.macs)


def pin(core):
    allowed = sorted(os.sched_getaffinity(0))
    core = allowed[-1] if core is None else core
    os.sched_setaffinity(0, {core})
    return core


def machine_limit(task):
    """Milliseconds the multiply-accumulates need at this machine's peak, as riffle measures it now."""
    report = riffle_json("bench", EXAMPLES / task.spec, *settings(**task.parameters), "--weights", task.weights_file,
                         "--target", task.target, "--threads", 1, "--seconds", 2)
    return report["limit_ms"]


def assert_agreement(engines):
    expected = None
    for engine in reversed(engines):  # a peer first: riffle is compared with it
        engine.run()
        if expected is None:
            expected = engine.output()
        error = relative_error(engine.output(), expected)
        if error > TOLERANCE:
            sys.exit(f"{engine.name} disagrees with {engines[-1].name}: {error:.3g} of the largest output")
    return error


def measure(engines, seconds, block):
    """Milliseconds of each run of each engine, and the share of the time that other programs had the core.

    The first run of a turn warms up and is not counted.
    """
    times = {engine.name: [] for engine in engines}
    clock = time.perf_counter_ns
    start, start_of_work = time.monotonic(), time.process_time()
    end = start + seconds
    turn = 0
    while time.monotonic() < end or turn < 2:
        for engine in engines if turn % 2 == 0 else reversed(engines):
            engine.run()
            for _ in range(block):
                begin = clock()
                engine.run()
                times[engine.name].append((clock() - begin) / 1e6)
        turn += 1
    lost = 1 - (time.process_time() - start_of_work) / (time.monotonic() - start)
    return times, max(0.0, lost)


def statistics(times, limit):
    p5 = float(np.percentile(times, 5))
    return {"runs": len(times), "p5_ms": p5, "median_ms": float(np.median(times)), "min_ms": float(min(times)),
            "ratio_to_limit": p5 / limit}


def print_table(result):
    said = " ".join(f"{name}={value}" for name, value in result["parameters"].items())
    print(f"{result['network']} {said or 'as by default'}, {result['macs'] / 1e6:.1f} M MACs, target {result['target']}, "
          f"core {result['core']}, one thread")
    print(f"limit of the machine: {result['limit_ms']:.3f} ms; outputs agree to {result['agreement']:.1e}")
    print(f"{'':24}{'runs':>7}{'p5 ms':>9}{'median':>9}{'min':>9}{'p5/limit':>10}{'vs riffle':>11}")
    base = result["engines"][0]["p5_ms"]
    for row in result["engines"]:
        title = f"{row['name']} {row['version']}"
        print(f"{title:24}{row['runs']:7}{row['p5_ms']:9.3f}{row['median_ms']:9.3f}{row['min_ms']:9.3f}"
              f"{row['ratio_to_limit']:10.2f}{row['p5_ms'] / base:11.2f}")
    if result["lost_share"] > MOST_LOST:
        print(f"other programs had the core for {result['lost_share']:.0%} of the time: do not trust these figures")


def main():
    arguments = parse_arguments()
    core = pin(arguments.core)
    with tempfile.TemporaryDirectory(prefix="riffle-compare-") as name:
        folder = Path(name)
        task = make_task(arguments, folder)
        peers = [PEERS[peer] for peer in arguments.peer or PEERS]
        engines = [make(task, folder) for make in (Riffle, *peers)]
        agreement = assert_agreement(engines)
        before = machine_limit(task)
        times, lost = measure(engines, arguments.seconds, arguments.block)
        limit = min(before, machine_limit(task))
    result = {
        "network": arguments.network, "parameters": dict(arguments.set), "macs": task.macs,
        "target": task.target, "core": core, "limit_ms": limit, "agreement": agreement, "lost_share": lost,
        "engines": [{"name": engine.name, "version": engine.version} | statistics(times[engine.name], limit)
                    for engine in engines],
    }
    print_table(result)
    if arguments.json:
        text = json.dumps(result, indent=2) + "\n"
        if str(arguments.json) == "-":
            print(text, end="")
        else:
            arguments.json.write_text(text)
    own, *others = (row["p5_ms"] for row in result["engines"])
    if arguments.at_least and own * arguments.at_least > min(others):
        sys.exit(f"riffle is {min(others) / own:.2f} times as fast as the fastest peer, wanted {arguments.at_least}")


if __name__ == "__main__":
    main()
