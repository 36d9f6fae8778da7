"""The programs that compare.py times: each runs one network on one thread, from the same weights.

To add a peer: a class with `name`, `version`, `run()` and `output()`, and a row in PEERS. `run()` is what is
timed: it must leave out converting inputs and outputs as far as the peer's interface allows.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "numeric"))

import onnx_builder  # noqa: E402
from support import EXAMPLES, riffle, settings  # noqa: E402

# A shared object that Python can call: the library's own symbols may be hidden.
BRIDGE = """\
#include "model.h"
int bridge_run(const float *image, float *logits, void *workspace) {
    struct model_inputs inputs = {image};
    struct model_outputs outputs = {logits};
    return model_run(&inputs, &outputs, workspace);
}
size_t bridge_workspace_bytes(void) { return MODEL_WORKSPACE_BYTES; }
size_t bridge_workspace_alignment(void) { return MODEL_WORKSPACE_ALIGNMENT; }
"""


def aligned_bytes(size, alignment):
    room = np.zeros(size + alignment, np.uint8)
    begin = -room.ctypes.data % alignment
    return room[begin:begin + size]


class Riffle:
    """The static library as a user gets it, linked by the system's compiler."""

    name = "riffle"

    def __init__(self, task, folder, *options):
        riffle("compile", EXAMPLES / task.spec, *settings(**task.parameters), "--weights", task.weights_file,
               "--name", "model", "--target", task.target, "-o", folder, *options)
        (folder / "bridge.c").write_text(BRIDGE)
        shared = folder / "bridge.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-I", folder, folder / "bridge.c",
                        folder / "libmodel.a", "-o", shared], check=True)
        library = ctypes.CDLL(str(shared))
        for function in (library.bridge_workspace_bytes, library.bridge_workspace_alignment):
            function.restype = ctypes.c_size_t
        self._image = np.ascontiguousarray(task.image)
        self._logits = np.zeros(task.output_shape, np.float32)
        self._workspace = aligned_bytes(library.bridge_workspace_bytes(), library.bridge_workspace_alignment())
        self._arguments = [ctypes.c_void_p(array.ctypes.data)
                           for array in (self._image, self._logits, self._workspace)]
        self._run = library.bridge_run
        self.version = riffle("--version").split()[1]
        self.library_bytes = (folder / "libmodel.a").stat().st_size

    def run(self):
        status = self._run(*self._arguments)
        if status != 0:
            raise RuntimeError(f"the compiled library returned error {status}")

    def output(self):
        return self._logits.copy()


class OnnxRuntime:
    """One intra-op thread, all optimisations, inputs and outputs bound once."""

    name = "onnxruntime"

    def __init__(self, task, _folder):
        import onnxruntime

        self.version = onnxruntime.__version__
        self._session = onnx_builder.session(task.model, threads=1)
        self._binding = self._session.io_binding()
        self._image = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(task.image))
        self._logits = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(task.output_shape, np.float32))
        self._binding.bind_ortvalue_input("image", self._image)
        self._binding.bind_ortvalue_output("logits", self._logits)

    def run(self):
        self._session.run_with_iobinding(self._binding)

    def output(self):
        return self._logits.numpy().copy()


PEERS = {engine.name: engine for engine in (OnnxRuntime,)}
