"""Time and memory grow no faster than n log n in each kind of thing that there can be many of (kinds.py).

    growth.py                 the smallest and the largest of each kind: what ctest runs
    growth.py --double        each size doubled, as a table
    growth.py --kind lets     one kind; may be repeated

RIFFLE names the program. Processor time is measured, not that on the wall."""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from kinds import KINDS

RIFFLE = os.environ.get("RIFFLE", str(Path(__file__).resolve().parents[2] / "build" / "release" / "riffle"))
LEAST_SECONDS = 0.1  # shorter times and
LEAST_MEGABYTES = 32  # less memory are those of the start of a process, and say nothing of growth
SLACK = 2  # caches, allocators and other processes
TIMEOUT = 300


class Failure(Exception):
    pass


def measure(command, files, status):
    """Seconds of processor time, megabytes, and what was said last."""
    with tempfile.TemporaryDirectory(prefix="riffle-growth-") as folder:
        for name, contents in files.items():
            (Path(folder) / name).write_bytes(contents)
        with open(Path(folder) / "said", "w+b") as said:
            process = subprocess.Popen([RIFFLE, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=said,
                                       stderr=said, preexec_fn=limit_time)
            _, result, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(result)
            said.seek(0)
            text = said.read()[:2000].decode(errors="replace")
    if process.returncode != status:
        raise Failure(f"status {process.returncode}, not {status}: {text}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT, TIMEOUT))


def most(before, cost, least, size):
    """What n log n allows at a size, for a cost at one before."""
    factor = size / before * math.log(size) / math.log(before)
    return SLACK * factor * max(cost, least)


def check(name, sizes, costs):
    """The last against the first, and all between."""
    faults = []
    seconds, megabytes = costs[-1]
    for size, (seconds_before, megabytes_before) in zip(sizes[:-1], costs[:-1]):
        allowed = most(size, seconds_before, LEAST_SECONDS, sizes[-1])
        if seconds > allowed:
            faults.append(f"{name}: {sizes[-1]} take {seconds:.2f} s, at most {allowed:.2f} after {seconds_before:.2f}"
                          f" for {size}")
        allowed = most(size, megabytes_before, LEAST_MEGABYTES, sizes[-1])
        if megabytes > allowed:
            faults.append(f"{name}: {sizes[-1]} take {megabytes:.0f} MB, at most {allowed:.0f} after"
                          f" {megabytes_before:.0f} for {size}")
    return faults


def all_sizes(smallest, largest):
    size = smallest
    while size <= largest:
        yield size
        size *= 2


def run_kind(name, double):
    command, files, smallest, largest, status = KINDS[name]
    sizes = list(all_sizes(smallest, largest)) if double else [smallest, largest]
    costs, faults = [], []
    for size in sizes:
        try:
            costs.append(measure(command, files(size), status))
        except Failure as failure:
            return faults + [f"{name}: {size}: {failure}"]
        print(f"{name:32} {size:8} {costs[-1][0]:8.2f} s {costs[-1][1]:6.0f} MB", flush=True)
        faults += check(name, sizes[:len(costs)], costs)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--double", action="store_true", help="all sizes between the smallest and the largest, too")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="one of them; may be repeated")
    options = parser.parse_args()
    faults = [fault for name in options.kind or KINDS for fault in run_kind(name, options.double)]
    print("\n".join(faults), file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
