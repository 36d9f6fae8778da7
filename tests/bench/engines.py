"""What is timed: an engine runs one network from the same weights, in this process or in one of its own."""

import ctypes
import os
import subprocess
import time
from pathlib import Path

import numpy as np
from task import EXAMPLES  # puts tests/numeric on the path

import onnx_builder
from support import ROOT, riffle, settings

# A shared object that Python can call: the library's own symbols may be hidden.
BRIDGE = """\
#include "model.h"
#include "runtime/riffle_runtime.h"
int bridge_run(const float *image, const struct model_outputs *outputs, void *workspace, void *pool) {
    struct model_inputs inputs = {image};
    return pool ? model_run_parallel(&inputs, outputs, workspace, riffle_pool_parallel_for, pool)
                : model_run(&inputs, outputs, workspace);
}
void *bridge_pool(int threads) { return riffle_pool_create(threads); }
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


class EngineError(Exception):
    """An engine in a process of its own does not run, or no more; the text says why."""

    def __init__(self, name, why):
        super().__init__(why)
        self.name = name


class Engine:
    """`run()` is what is timed: it leaves out converting inputs and outputs as far as the engine's interface allows.
    `output()` is all outputs of the last run in one row. `version` and `settings` say what ran, `precision` of which
    rows it is a peer.
    """

    name = version = settings = ""
    precision = "fp32"
    cores = frozenset()  # of a process of its own
    slowness = 1  # it gets that many times fewer runs

    def run(self):
        raise NotImplementedError

    def output(self):
        raise NotImplementedError

    def times(self, runs):
        """Milliseconds of each run, after one that warms up."""
        clock, made = time.perf_counter_ns, []
        self.run()
        for _ in range(runs):
            begin = clock()
            self.run()
            made.append((clock() - begin) / 1e6)
        return made

    def processor_seconds(self):
        """Used so far outside this process."""
        return 0.0

    def close(self):
        pass


def shared_object(source, folder, options=(), archives=()):
    """A C file with the pool of runtime/, compiled and linked by the system's compiler, and loaded."""
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-pthread", *options, "-I", folder, "-I", ROOT]
    subprocess.run([*command, source, ROOT / "runtime" / "pool.c", *archives, "-o", folder / "engine.so"],
                   check=True)
    return ctypes.CDLL(str(folder / "engine.so"))


class Limit(Engine):
    """What the machine allows: limit.c, with as many multiply-adds of float32 as the network has."""

    name = "limit"
    settings = "multiply-adds on registers"

    def __init__(self, task, folder):
        library = shared_object(Path(__file__).with_name("limit.c"), folder, [f"-march={task.target}"])
        library.limit_item_multiply_adds.restype = ctypes.c_double
        library.limit_pool.restype = ctypes.c_void_p
        self._items = ctypes.c_size_t(max(1, round(task.macs / library.limit_item_multiply_adds())))
        self._pool = ctypes.c_void_p(library.limit_pool(task.threads) if task.threads > 1 else None)
        self._run = library.limit_run
        self._run.restype = None

    def run(self):
        self._run(self._pool, self._items)


class Riffle(Engine):
    """The static library as a user gets it, linked by the system's compiler with the pool of runtime/."""

    name = "riffle"

    def __init__(self, task, folder, *options):
        begin = time.monotonic()
        riffle("compile", task.spec, *settings(**task.parameters), "--weights", task.weights_file,
               "--name", "model", "--target", task.target, "-o", folder, *options)
        self.compile_seconds = time.monotonic() - begin
        (folder / "bridge.c").write_text(BRIDGE)
        library = shared_object(folder / "bridge.c", folder, archives=[folder / "libmodel.a"])
        for function in (library.bridge_workspace_bytes, library.bridge_workspace_alignment):
            function.restype = ctypes.c_size_t
        library.bridge_pool.restype = ctypes.c_void_p
        self._image = np.ascontiguousarray(task.image)
        self._outputs = [np.zeros(shape, np.float32) for shape in task.output_shapes]
        # struct model_outputs is one pointer for each output.
        self._pointers = (ctypes.c_void_p * len(self._outputs))(*(array.ctypes.data for array in self._outputs))
        self._workspace = aligned_bytes(library.bridge_workspace_bytes(), library.bridge_workspace_alignment())
        pool = library.bridge_pool(task.threads) if task.threads > 1 else None
        self._arguments = [ctypes.c_void_p(self._image.ctypes.data), ctypes.byref(self._pointers),
                           ctypes.c_void_p(self._workspace.ctypes.data), ctypes.c_void_p(pool)]
        self._run = library.bridge_run
        self.version = riffle("--version").split()[1]
        self.settings = task.target
        self.library_bytes = (folder / "libmodel.a").stat().st_size

    def run(self):
        status = self._run(*self._arguments)
        if status != 0:
            raise RuntimeError(f"the compiled library returned error {status}")

    def output(self):
        return join(self._outputs)

    def answer(self, image):
        """All outputs for another image."""
        self._image[...] = image
        self.run()
        return self.output()


class OnnxRuntime(Engine):
    """All optimisations (its blocked layout among them), inputs and outputs bound once."""

    name = "onnxruntime"
    settings = "all optimisations, inputs and outputs bound"

    def __init__(self, task, folder):
        import onnxruntime

        self.version = onnxruntime.__version__
        self._session = onnx_builder.session(self.model(task, folder).read_bytes(), threads=task.threads)
        self._binding = self._session.io_binding()
        self._image = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(task.image))
        self._outputs = [onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                         for shape in task.output_shapes]
        self._binding.bind_ortvalue_input(task.input_name, self._image)
        for slot, value in zip(self._session.get_outputs(), self._outputs, strict=True):
            self._binding.bind_ortvalue_output(slot.name, value)

    def model(self, task, _folder):
        """The file that it reads."""
        return task.model_file

    def run(self):
        self._session.run_with_iobinding(self._binding)

    def output(self):
        return join(value.numpy() for value in self._outputs)
