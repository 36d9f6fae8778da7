#!/usr/bin/env python3
"""Counts and times the networks of tests/numeric/published.json, and makes docs/networks.json and networks.md.

The rows are those of published.json, by the names which --list prints; whatever is not asked for keeps the numbers
it has. Times: riffle for x86-64-v4 and v3 and ONNX Runtime take turns in one process, pinned to one core, as in
compare.py. The outputs must agree.

  networks.py --counts-only                          parameters, MACs, bytes, workspace: two minutes
  networks.py                                        the times, too, of all but the huge networks
  networks.py --only 'shufflenet_v2-*' --seconds 10  some of them
  networks.py --seconds 0                            how far outputs differ, without times
"""

import argparse
import datetime
import fnmatch
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from engines import OnnxRuntime, Riffle  # puts tests/numeric on the path
from task import make_task
from timing import choose_cores, differences, disturbance, limit_ms, machine, measure, peak_gflops, pin, statistics

from networks_page import DOCS, TIMED, count, distinct_rows, read_data, write_data
from support import TOLERANCE, lacking_flags

HUGE_MACS = 5e9
TURNS = 6  # at least so many for each engine, where --seconds allow
BLOCK = 10  # runs per turn, at most


class Target(Riffle):
    """The library for one target, named after it."""

    def __init__(self, task, folder, target):
        super().__init__(replace(task, target=target), folder / target)
        self.name = target


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these rows; * stands for anything")
    parser.add_argument("--counts-only", action="store_true", help="count, but keep what was measured")
    parser.add_argument("--huge", action="store_true", help=f"measure networks of more than {HUGE_MACS:.0e} MACs, too")
    parser.add_argument("--seconds", type=float, default=2, help="time to measure each row for (default: %(default)s)")
    parser.add_argument("--core", type=int, help="core to stay on (default: the last one allowed)")
    parser.add_argument("--output", type=Path, default=DOCS, metavar="FOLDER",
                        help="write networks.json and networks.md there (default: docs, where old numbers are read)")
    arguments = parser.parse_args()
    for pattern in arguments.only or ():
        if not fnmatch.filter(distinct_rows(), pattern):
            parser.error(f"no row is called '{pattern}'; --list prints them")
    return arguments


def wanted_rows(arguments):
    patterns = arguments.only or ["*"]
    return {name: row for name, row in distinct_rows().items()
            # Names may contain brackets, which fnmatch would read as a set.
            if any(pattern == name or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)}


# ---- counting ----

def count_rows(rows, networks):
    """Rows that were never counted are added; of the others the counts are replaced."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, counts in zip(rows, pool.map(count, rows.values())):
            networks[name] = networks.get(name, {}) | {"counts": counts}


# ---- measuring ----

def block_of(engines, seconds):
    """Runs per turn: short enough for several turns of each engine."""
    begin = time.perf_counter()
    for engine in engines:
        engine.run()
    once = time.perf_counter() - begin
    return max(1, min(BLOCK, int(seconds / (TURNS * once)) - 1))


def time_engines(engines, peaks, macs, seconds):
    """The limit is that of the better of the peaks before, which are replaced, and after."""
    times, lost = measure(engines, block_of(engines, seconds), seconds)
    limits = {}
    for target, before in peaks.items():
        peaks[target] = peak_gflops(target)
        limits[target] = limit_ms(macs, max(before, peaks[target]))
    kept = ("runs", "p5_ms", "median_ms")
    found = {name: statistics(each) for name, each in times.items()}
    return {"limit_ms": limits, "lost_share": lost,
            "times": {name: {key: each[key] for key in kept} for name, each in found.items()}}


def measure_row(row, peaks, seconds):
    targets = list(peaks)
    with tempfile.TemporaryDirectory(prefix="riffle-networks-") as name:
        task = make_task(row["network"], row["settings"], targets[0], Path(name))
        peer = OnnxRuntime(task, Path(name))
        engines = [Target(task, Path(name), target) for target in targets]
        difference = differences([*engines, peer])
        del difference[peer.name]
        if not max(difference.values()) <= TOLERANCE:  # NaN, too
            sys.exit(f"the outputs differ from those of ONNX Runtime: {difference} of the largest")
        measured = {"date": datetime.date.today().isoformat(), "machine": machine(),
                    "versions": {"riffle": engines[0].version, "ONNX Runtime": peer.version},
                    "difference": difference}
        return measured | (time_engines([*engines, peer], peaks, task.macs, seconds) if seconds > 0 else {})


def report(name, measured):
    times = ", ".join(f"{engine} {each['p5_ms']:.3g} / {each['median_ms']:.3g} ms"
                      for engine, each in measured.get("times", {}).items())
    print(f"{name}: difference {max(measured['difference'].values()):.1e}; {times or 'not timed'}", flush=True)
    if disturbance(measured.get("lost_share", 0)):
        print("  " + disturbance(measured["lost_share"]), flush=True)


def main():
    arguments = parse_arguments()
    rows = wanted_rows(arguments)
    if arguments.list:
        print("\n".join(rows))
        return
    networks = read_data()
    count_rows(rows, networks)
    write_data(networks, arguments.output)
    if arguments.counts_only:
        return
    if arguments.seconds > 0:
        pin(choose_cores(first=arguments.core))
    targets = [target for target in TIMED if not lacking_flags(target)]
    peaks = {target: peak_gflops(target) if arguments.seconds > 0 else None for target in targets}
    for name, row in rows.items():
        if networks[name]["counts"]["macs"] > HUGE_MACS and not arguments.huge:
            continue
        measured = measure_row(row, peaks, arguments.seconds)
        if arguments.seconds == 0:  # the date stays that of the times
            measured = measured | networks[name].get("measured", {}) | {"difference": measured["difference"]}
        networks[name]["measured"] = measured
        write_data(networks, arguments.output)
        report(name, measured)


if __name__ == "__main__":
    main()
