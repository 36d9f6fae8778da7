"""NEON: released weights under qemu against the reference logits, for 64-bit and 32-bit ARM.

By default SqueezeNet on one photo, by clang where it is there; RIFFLE_FULL_MATRIX=1 takes all networks, photos
and compilers.
"""

import shutil

import numpy as np
import pytest
from compilers import AARCH64, ARMV7, PICTURES, make_source, run
from marks import needs_shared
from networks import FULL
from support import EXAMPLES, SHARED, assert_close, read_floats, riffle
from test_reference import RELEASED

MACHINES = {"aarch64-linux-gnu": ("qemu-aarch64", AARCH64), "armv7-linux-gnueabihf": ("qemu-arm", ARMV7)}
PROGRAM = r"""
#include "net.h"
#include <stdio.h>
static _Alignas(NET_WORKSPACE_ALIGNMENT) unsigned char workspace[NET_WORKSPACE_BYTES];
static float image[NET_INPUT_IMAGE_ELEMENTS], logits[NET_OUTPUT_LOGITS_ELEMENTS];
int main(void) {
    struct net_inputs inputs = {image};
    struct net_outputs outputs = {logits};
    if (fread(image, sizeof image, 1, stdin) != 1 || net_run(&inputs, &outputs, workspace) != NET_OK)
        return 1;
    return fwrite(logits, sizeof logits, 1, stdout) != 1;
}
"""

PICTURES_PROGRAM = r"""
#include "net.h"
#include <stdio.h>
static _Alignas(NET_WORKSPACE_ALIGNMENT) unsigned char workspace[NET_WORKSPACE_BYTES];
static unsigned char image[NET_INPUT_IMAGE_ELEMENTS], grey[NET_INPUT_GREY_ELEMENTS], four[NET_INPUT_FOUR_ELEMENTS];
static float logits[NET_OUTPUT_LOGITS_ELEMENTS], y[NET_OUTPUT_Y_ELEMENTS], z[NET_OUTPUT_Z_ELEMENTS];
int main(void) {
    struct net_inputs inputs = {image, grey, four};
    struct net_outputs outputs = {logits, y, z};
    if (fread(image, sizeof image, 1, stdin) != 1 || fread(grey, sizeof grey, 1, stdin) != 1 ||
        fread(four, sizeof four, 1, stdin) != 1 || net_run(&inputs, &outputs, workspace) != NET_OK)
        return 1;
    return fwrite(logits, sizeof logits, 1, stdout) != 1 || fwrite(y, sizeof y, 1, stdout) != 1 ||
           fwrite(z, sizeof z, 1, stdout) != 1;
}
"""


def cases():
    for machine, (_, compilers) in MACHINES.items():
        for network in RELEASED if FULL else ["sq11"]:
            for compiler in compilers if FULL else compilers[-1:]:
                yield pytest.param(machine, network, compiler, id=f"{network}-{machine}-{compiler[0]}")


@needs_shared
@pytest.mark.parametrize("machine, network, compiler", [*cases()])
def test_logits(machine, network, compiler, tmp_path):
    emulator = MACHINES[machine][0]
    if not shutil.which(emulator):
        pytest.skip(f"{emulator} is not here")
    released = RELEASED[network]
    make_source(EXAMPLES / released.spec, machine, tmp_path, *released.options())
    (tmp_path / "program.c").write_text(PROGRAM)
    run(*compiler, "-O1", "-static", "program.c", "net.c", "net_weights.S", "-lm", "-o", "program", cwd=tmp_path)
    for photo in ("dog", "pelican") if FULL else ("dog",):
        stem = SHARED / "reference" / f"{photo}.{network}"
        run("sh", "-c", f"{emulator} {tmp_path}/program <{stem}.input.f32 >{tmp_path}/logits")
        expected = read_floats(f"{stem}.logits.f32")
        assert_close(np.fromfile(tmp_path / "logits", "<f4"), expected)


@pytest.mark.parametrize("machine", MACHINES)
def test_pictures(machine, tmp_path):
    """Bytes as inputs, against the interpreter."""
    emulator, compilers = MACHINES[machine]
    if not shutil.which(emulator) or not compilers:
        pytest.skip(f"no compiler or no emulator for {machine} is here")
    (tmp_path / "net.rfl").write_text(PICTURES)
    make_source(tmp_path / "net.rfl", machine, tmp_path, "--random-weights", 5)
    (tmp_path / "program.c").write_text(PICTURES_PROGRAM)
    run(*compilers[-1], "-O1", "-static", "program.c", "net.c", "net_weights.S", "-lm", "-o", "program", cwd=tmp_path)
    sizes, words = {"image": 621, "grey": 28, "four": 408}, []
    for name, size in sizes.items():
        np.random.default_rng(size).integers(0, 256, size, np.uint8).tofile(tmp_path / name)
        words += ["--input", tmp_path / name]
    files = [tmp_path / f"output{i}" for i in range(3)]
    riffle("run", tmp_path / "net.rfl", "--random-weights", 5, "--interpret", *words,
           *(word for file in files for word in ("--output", file)))
    run("sh", "-c", f"cat {' '.join(sizes)} | {emulator} ./program >answer", cwd=tmp_path)
    expected = np.concatenate([read_floats(file) for file in files])
    assert_close(np.fromfile(tmp_path / "answer", "<f4"), expected)
