"""NEON: released weights under qemu against the reference logits, for 64-bit and 32-bit ARM.

By default SqueezeNet on one photo, by clang where it is there; RIFFLE_FULL_MATRIX=1 takes all networks, photos
and compilers.
"""

import shutil

import numpy as np
import pytest
from compilers import AARCH64, ARMV7, make_source, run
from marks import needs_shared
from networks import FULL
from support import EXAMPLES, SHARED, assert_close, read_floats
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
