"""Whether this machine can run code that was compiled for some processor: what it lacks would end Python."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": ("x86_64", "AMD64"), "aarch64": ("aarch64", "arm64")}
# By the lanes of the vectors; what each class has besides came with these.
_FLAGS_OF_LANES = {8: {"avx2", "fma"}, 16: {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}
# What LLVM calls a feature, and the system.
_FLAGS = {"avx512vnni": "avx512_vnni", "avx512bf16": "avx512_bf16", "dotprod": "asimddp", "i8mm": "i8mm",
          "fullfp16": "asimdhp"}


def _flags_here() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.split(":", 1)[1].split())
    return set()


def lacking(target: dict[str, Any]) -> str | None:
    """What keeps this machine from running code for the target of a description, in words; None: nothing."""
    triple = target["triple"]
    architecture = triple.split("-")[0]
    if architecture and platform.machine() not in _ARCHITECTURES.get(architecture, ()):
        return f"it is for {architecture}, and this machine is {platform.machine()}"
    if triple and "linux-gnu" not in triple:
        return f"it is for {triple}"
    if "levels" in target:  # it asks the processor itself
        return None
    features = {word[1:] for word in target["features"].split(",") if word.startswith("+")}
    wanted = {_FLAGS[feature] for feature in features if feature in _FLAGS}
    if architecture == "x86_64":
        wanted |= _FLAGS_OF_LANES.get(target["lanes"], set())
    missing = sorted(wanted - _flags_here())
    return f"it is for '{target['name']}', and this processor lacks {', '.join(missing)}" if missing else None
