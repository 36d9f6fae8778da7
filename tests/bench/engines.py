"""The programs that compare.py times: each runs one network on one thread, from the same weights.

To add a peer: a class with `name`, `version`, `run()` and `output()`, and a row in PEERS. `run()` is what is
timed: it must leave out converting inputs and outputs as far as the peer's interface allows. `output()` is all
outputs in one row.
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
int bridge_run(const float *image, const struct model_outputs *outputs, void *workspace) {
    struct model_inputs inputs = {image};
    return model_run(&inputs, outputs, workspace);
}
size_t bridge_workspace_bytes(void) { return MODEL_WORKSPACE_BYTES; }
size_t bridge_workspace_alignment(void) { return MODEL_WORKSPACE_ALIGNMENT; }
"""


def aligned_bytes(size, alignment):
    room = np.zeros(size + alignment, np.uint8)
    begin = -room.ctypes.data % alignment
    return room[begin:begin + size]


def join(outputs):
    """A copy of all outputs, one after another."""
    return np.concatenate([array.ravel() for array in outputs])


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
        self._outputs = [np.zeros(shape, np.float32) for shape in task.output_shapes]
        # struct model_outputs is one pointer for each output.
        self._pointers = (ctypes.c_void_p * len(self._outputs))(*(array.ctypes.data for array in self._outputs))
        self._workspace = aligned_bytes(library.bridge_workspace_bytes(), library.bridge_workspace_alignment())
        self._arguments = [ctypes.c_void_p(self._image.ctypes.data), ctypes.byref(self._pointers),
                           ctypes.c_void_p(self._workspace.ctypes.data)]
        self._run = library.bridge_run
        self.version = riffle("--version").split()[1]
        self.library_bytes = (folder / "libmodel.a").stat().st_size

    def run(self):
        status = self._run(*self._arguments)
        if status != 0:
            raise RuntimeError(f"the compiled library returned error {status}")

    def output(self):
        return join(self._outputs)


class OnnxRuntime:
    """One intra-op thread, all optimisations, inputs and outputs bound once."""

    name = "onnxruntime"

    def __init__(self, task, _folder):
        import onnxruntime

        self.version = onnxruntime.__version__
        self._session = onnx_builder.session(task.model, threads=1)
        self._binding = self._session.io_binding()
        self._image = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(task.image))
        self._outputs = [onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                         for shape in task.output_shapes]
        self._binding.bind_ortvalue_input("image", self._image)
        for slot, value in zip(self._session.get_outputs(), self._outputs, strict=True):
            self._binding.bind_ortvalue_output(slot.name, value)

    def run(self):
        self._session.run_with_iobinding(self._binding)

    def output(self):
        return join(value.numpy() for value in self._outputs)


PEERS = {engine.name: engine for engine in (OnnxRuntime,)}
