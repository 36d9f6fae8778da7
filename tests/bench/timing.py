"""Turns of runs, their statistics, and what the machine allows; for engines in this process or in others."""

import contextlib
import os
import time
from pathlib import Path

import numpy as np
from task import EXAMPLES  # puts tests/numeric on the path

from support import MOST_LOST, relative_error, riffle_json, settings

PROBE = ("shufflenet_v2.rfl", {"width": 0.5, "size": (32, 32)})  # compiles fast; only the machine's peak is wanted


def machine():
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.split(":", 1)[1].split())
    return "unknown processor"


def pin(cores):
    """Keeps all threads of this process on these cores, and those they will make."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # a thread may end between the listing and this
            os.sched_setaffinity(int(thread), cores)


def choose_cores(count=1, first=None):
    """The last cores that this process may use, or those from `first` on."""
    allowed = sorted(os.sched_getaffinity(0))
    if first is not None:
        return set(range(first, first + count))
    return set(allowed[-count:])


def peak_gflops(target, threads=1):
    """The most that this machine does in a moment of now, by `riffle bench`."""
    spec, parameters = PROBE
    return riffle_json("bench", EXAMPLES / spec, *settings(**parameters), "--target", target, "--threads", threads,
                       "--seconds", 0.3)["peak_gflops"]


def limit_ms(macs, peak):
    """The time that multiply-accumulates take at that many GFLOP/s."""
    return macs * 2 / (peak * 1e6)


def gflops(macs, milliseconds):
    """The rate of multiply-accumulates that take that long."""
    return macs * 2 / (milliseconds * 1e6)


def busy_seconds(cores):
    """For how long each of the cores worked for anybody, other virtual machines included, since the start."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, fields[:8])
            ticks += user + nice + system + interrupts + soft_interrupts + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(engines, block, seconds=0, turns=2, pause=0):
    """Milliseconds of each run of each engine, and the share of the time that other programs had the cores.

    The engines take turns of `block` runs, at least so many turns and for at least so long; the first run of a turn
    warms up and is not counted. `pause` seconds before each turn let the threads of the engine before go to sleep.
    """
    times = {engine.name: [] for engine in engines}
    cores = frozenset().union(*(engine.cores for engine in engines)) or os.sched_getaffinity(0)
    start, busy, own = time.monotonic(), busy_seconds(cores), used_seconds(engines)
    done = 0
    while done < turns or time.monotonic() < start + seconds:
        for engine in engines if done % 2 == 0 else reversed(engines):
            time.sleep(pause)
            times[engine.name] += engine.times(max(1, block // engine.slowness))
        done += 1
    elapsed = (time.monotonic() - start) * len(cores)
    lost = (busy_seconds(cores) - busy - (used_seconds(engines) - own)) / elapsed
    return times, max(0.0, lost)


def used_seconds(engines):
    return time.process_time() + sum(engine.processor_seconds() for engine in engines)


def statistics(times):
    return {"runs": len(times), "p5_ms": float(np.percentile(times, 5)), "median_ms": float(np.median(times)),
            "min_ms": float(min(times))}


def disturbance(lost):
    """A line to print where figures are not to be trusted, else nothing."""
    return f"other programs had the cores for {lost:.0%} of the time: do not trust these figures" \
        if lost > MOST_LOST else ""


def differences(engines):
    """How far the outputs of each engine are from those of the last, relative to the largest."""
    for engine in engines:
        engine.run()
    expected = engines[-1].output()
    return {engine.name: relative_error(engine.output(), expected) for engine in engines}
