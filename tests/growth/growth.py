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
SLACK = 3  # caches, allocators and other processes
TIMEOUT = 300


class Failure(Exception):
    pass


def measure(command, files, status):
    """Seconds of processor time, megabytes, and kilobytes of C that were written."""
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
        code = sum(file.stat().st_size for file in Path(folder).glob("*.c"))
    if process.returncode != status:
        raise Failure(f"status {process.returncode}, not {status}: {text}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, code / 1024


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT, TIMEOUT))


# What is measured, in which unit, the least of it that tells, and the slack.
MEASURES = [("s", LEAST_SECONDS, SLACK), ("MB", LEAST_MEGABYTES, SLACK), ("KB of code", 1, 1)]


def most(before, cost, least, size):
    """What n log n allows at a size, for a cost at one before."""
    return size / before * math.log(size) / math.log(before) * max(cost, least)


def check(name, sizes, costs):
    """The last against the first, and all between."""
    faults = []
    for size, before in zip(sizes[:-1], costs[:-1]):
        for (unit, least, slack), cost, cost_before in zip(MEASURES, costs[-1], before):
            allowed = slack * most(size, cost_before, least, sizes[-1])
            if cost > allowed:
                faults.append(f"{name}: {sizes[-1]} take {cost:.2f} {unit}, at most {allowed:.2f} after"
                              f" {cost_before:.2f} for {size}")
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
        seconds, megabytes, code = costs[-1]
        print(f"{name:32} {size:8} {seconds:8.2f} s {megabytes:6.0f} MB {code:6.0f} KB of code", flush=True)
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
