#!/usr/bin/env python3
"""Times riffle against other engines on one network, and all against what the machine allows.

Each engine has a process of its own, pinned to the same cores, with the same weights and image; they take turns in
short blocks of runs, so that a change of the machine's speed meets all alike. First they must agree. The limit takes
turns with them: a program of nothing but as many multiply-adds as the network has. The stricter "best limit" is their
time at the best rate seen in any moment, of that program or of `riffle bench` before and after.
benchmark.py does this for a table of networks.

  compare.py                                        ShuffleNet V2 1.0x, 224 x 224
  compare.py --set width=0.5 --set size=480,640 --peer onnxruntime
  compare.py --network shufflenet_v1 --set groups=3 --threads 2 --json out.json
"""

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import timing
from engines import EngineError, Limit, Riffle
from peers import PEERS, SLOW
from task import NETWORKS, make_task, parse_setting
from workers import Remote

from support import TOLERANCE, best_target, relative_error

NEEDED = ("riffle", "limit")  # without these nothing can be said
FLOATS = [name for name, peer in PEERS.items() if peer.precision == "fp32"]
PAUSE = 0.05  # seconds: threads of a pool look for work for some milliseconds before they sleep


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="shufflenet_v2")
    parser.add_argument("--set", type=parse_setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of the network; may be repeated")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors file (default: random weights)")
    parser.add_argument("--peer", choices=FLOATS, action="append",
                        help=f"engine to compare with (default: all but {', '.join(SLOW)})")
    parser.add_argument("--target", default=best_target(), help="riffle's target (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of every engine (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="time to measure for (default: %(default)s)")
    parser.add_argument("--block", type=int, default=10, metavar="RUNS", help="runs per turn (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the first core to stay on (default: the last ones allowed)")
    parser.add_argument("--retries", type=int, default=0, metavar="N",
                        help="measure again, at most so often, when other programs had the cores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here too; - for standard output")
    parser.add_argument("--at-least", type=float, metavar="RATIO",
                        help="fail unless riffle is this many times as fast as every peer (5th percentiles)")
    return parser.parse_args()


def leave_out(engines, name, why, failed):
    """Closes an engine that is not timed, and says why. riffle and the limit must be."""
    for engine in [each for each in engines if each.name == name]:
        engine.close()
        engines.remove(engine)
    if name in NEEDED:
        sys.exit(f"{name}: {why}")
    failed[name] = why


def with_all_that_run(engines, failed, action):
    """What the action makes of the engines. One that ends meanwhile is left out, and it begins again with the others."""
    while True:
        try:
            return action(engines)
        except EngineError as error:
            leave_out(engines, error.name, str(error), failed)


def start(task, folder, peers, cores, options=(), extra=()):
    """riffle, `extra` engines not yet waited for, and peers; and why those that do not run do not. riffle must."""
    engines = [Remote(Riffle, task, folder / "riffle", *options, cores=cores), *extra,
               *(Remote(PEERS[peer], task, folder / peer, cores=cores) for peer in peers)]
    failed = {}
    for engine in list(engines):
        try:
            engine.wait().run()
        except EngineError as error:
            leave_out(engines, engine.name, str(error), failed)
    return engines, failed


def difference_of(output, expected):
    """relative_error, or what there is to say where it has no sense: another shape, or numbers that are none."""
    try:
        return relative_error(output, expected), ""
    except AssertionError as error:
        return math.inf, str(error)


def keep_agreeing(engines, failed, tolerance=TOLERANCE, reference="onnxruntime"):
    """How far the outputs are from those of the reference, or of riffle where that is missing. Engines that are further
    than the tolerance are left out. riffle must agree."""
    outputs = with_all_that_run(engines, failed, lambda those: {engine.name: engine.output() for engine in those})
    expected = outputs.get(reference, outputs["riffle"])
    differences = {}
    for name, output in outputs.items():
        difference, why = difference_of(output, expected)
        if difference <= tolerance:
            differences[name] = difference
        else:
            leave_out(engines, name, f"disagrees: {why or f'{difference:.3g} of the largest output'}", failed)
    return differences


@dataclass
class Retries:
    """How often a disturbed measurement is repeated, and for how many seconds in all."""

    times: int = 0
    seconds: float = 0

    def measure(self, engines, **how):
        """timing.measure, until nothing disturbs it; of several the least disturbed, and how many there were."""
        made = [timing.measure(engines, **how)]
        while timing.disturbance(made[-1][1]) and len(made) <= self.times and self.seconds > 0:
            begin = time.monotonic()
            made.append(timing.measure(engines, **how))
            self.seconds -= time.monotonic() - begin
        return *min(made, key=lambda each: each[1]), len(made)


def describe(engine, times, limit, best_limit_ms, difference):
    found = timing.statistics(times)
    said = {"name": engine.name, "version": engine.version, "settings": engine.settings} | found | {
        "ratio_to_limit": found["p5_ms"] / limit["p5_ms"],
        "ratio_of_medians": found["median_ms"] / limit["median_ms"],
        "ratio_to_best_limit": found["p5_ms"] / best_limit_ms, "difference": difference}
    if hasattr(engine, "compile_seconds"):
        said["compile_seconds"] = engine.compile_seconds
    return said


def compare(task, folder, peers, cores, options=(), extra=(), retries=None, agreement=None, **how):
    """What was found, as it goes into a file of JSON. `options` are riffle's, `agreement` is for keep_agreeing, `how`
    for timing.measure."""
    limiter = Remote(Limit, task, folder / "limit", cores=cores)
    engines, failed = start(task, folder, peers, cores, options, extra)
    try:
        limiter.wait()
        differences = keep_agreeing(engines, failed, **(agreement or {}))
        before = timing.peak_gflops(task.target, task.threads)
        engines.insert(0, limiter)
        times, lost, attempts = with_all_that_run(engines, failed, lambda those: (retries or Retries()).measure(
            those, pause=PAUSE if task.threads > 1 else 0, **how))
        after = timing.peak_gflops(task.target, task.threads)
    finally:
        for engine in {limiter, *engines}:
            engine.close()
    limit = timing.statistics(times[limiter.name])
    peak = max(before, after, timing.gflops(task.macs, limit["min_ms"]))
    best_limit_ms = timing.limit_ms(task.macs, peak)
    described = [describe(engine, times[engine.name], limit, best_limit_ms, differences[engine.name])
                 for engine in engines if engine is not limiter]
    return {"network": task.spec.stem, "parameters": task.parameters, "macs": task.macs, "target": task.target,
            "threads": task.threads, "cores": sorted(cores), "limit_ms": limit["p5_ms"], "limit": limit,
            "peak_gflops": peak, "best_limit_ms": best_limit_ms, "lost_share": lost, "attempts": attempts,
            "engines": described, "failed": failed}


def print_comparison(result):
    said = " ".join(f"{name}={value}" for name, value in result["parameters"].items())
    print(f"{result['network']} {said or 'as by default'}, {result['macs'] / 1e6:.1f} M MACs, "
          f"target {result['target']}, {result['threads']} thread{'s' if result['threads'] > 1 else ''}")
    print(f"limit of the machine: {result['limit_ms']:.3f} ms in turns with the engines (median "
          f"{result['limit']['median_ms']:.3f}), {result['best_limit_ms']:.3f} ms at the best {result['peak_gflops']:.1f} "
          "GFLOP/s")
    print(f"{'':28}{'runs':>6}{'p5 ms':>9}{'median':>9}{'min':>9}{'p5/limit':>10}{'medians':>9}{'p5/best':>9}"
          f"{'vs riffle':>11}{'difference':>12}")
    base = result["engines"][0]["p5_ms"]
    for row in result["engines"]:
        title = f"{row['name']} {row['version']}"
        print(f"{title:28}{row['runs']:6}{row['p5_ms']:9.3f}{row['median_ms']:9.3f}{row['min_ms']:9.3f}"
              f"{row['ratio_to_limit']:10.2f}{row['ratio_of_medians']:9.2f}{row['ratio_to_best_limit']:9.2f}"
              f"{row['p5_ms'] / base:11.2f}{row['difference']:12.1e}")
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
        peers = arguments.peer or [peer for peer in FLOATS if peer not in SLOW]
        result = compare(task, folder, peers, cores, seconds=arguments.seconds, block=arguments.block,
                         retries=Retries(arguments.retries, arguments.retries * 2 * arguments.seconds))
    print_comparison(result)
    if arguments.json:
        write_json(result, arguments.json)
    own, *others = (row["p5_ms"] for row in result["engines"])
    if arguments.at_least and own * arguments.at_least > min(others):
        sys.exit(f"riffle is {min(others) / own:.2f} times as fast as the fastest peer, wanted {arguments.at_least}")


if __name__ == "__main__":
    main()
