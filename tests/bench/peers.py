"""The engines that riffle is compared with, each with the settings that make it fastest in its precision.

To add one: a class as those below and a row in PEERS; its packages go to requirements.txt. All read the ONNX model or
what their own converter makes of it. Packages are imported late: an engine whose package is missing is left out.
"""

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from engines import Engine, OnnxRuntime, join


def tool(name):
    """A program that a package brought, beside this Python."""
    return Path(sys.executable).parent / name


def convert(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(words[0]).name}: {(done.stderr or done.stdout).strip()[-500:]}")


class Ncnn(Engine):
    """Converted by pnnx. It takes one image at a time."""

    name = "ncnn"
    settings = "fp32, packed layout, Winograd"

    def __init__(self, task, folder):
        import ncnn

        self.version = metadata.version("ncnn")
        self._net, self._ncnn = ncnn.Net(), ncnn
        options = self._net.opt
        options.num_threads = task.threads
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = options.use_vulkan_compute = False
        batch = len(task.image)
        if batch > 1:
            raise RuntimeError("it takes one image at a time")
        shape = ",".join(map(str, task.image.shape))
        convert(self._converter(), task.model_file, f"inputshape=[{shape}]", "fp16=0",
                *(f"{kind}={folder / 'model'}.{kind.replace('ncnn', 'ncnn.')}" for kind in ("ncnnparam", "ncnnbin")),
                *(f"{kind}={folder / kind}" for kind in ("pnnxparam", "pnnxbin", "pnnxpy", "pnnxonnx", "ncnnpy")))
        self._net.load_param(str(folder / "model.ncnn.param"))
        self._net.load_model(str(folder / "model.ncnn.bin"))
        self._image = np.ascontiguousarray(task.image[0])
        self._input = ncnn.Mat(self._image)
        self._outputs = self._net.output_names()

    @staticmethod
    def _converter():
        """The package's program; its Python part would want PyTorch."""
        files = metadata.distribution("pnnx").files
        return next(file for file in files if file.parts[-2:] == ("pnnx", "pnnx")).locate()

    def run(self):
        extractor = self._net.create_extractor()
        extractor.input("in0", self._input)
        self._found = [extractor.extract(name)[1] for name in self._outputs]

    def output(self):
        return join(np.array(each) for each in self._found)


def folded(task, folder):
    """The ONNX model without batch norms, as ONNX Runtime folds them."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "folded.onnx")
    onnxruntime.InferenceSession(task.model_file.read_bytes(), options, providers=["CPUExecutionProvider"])
    return folder / "folded.onnx"


def quantised(task, folder):
    """The ONNX model in int8, calibrated with the image that is timed, as riffle is."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class OneImage(CalibrationDataReader):
        images = iter([{task.input_name: np.ascontiguousarray(task.image)}])

        def get_next(self):
            return next(self.images, None)

    quantize_static(folded(task, folder), folder / "quantised.onnx", OneImage(), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return folder / "quantised.onnx"


class LiteRt(Engine):
    """XNNPACK, its default; the model is written by tflite_model.py, channels last."""

    name = "litert"
    settings = "XNNPACK"

    def __init__(self, task, folder):
        import onnx
        from ai_edge_litert.interpreter import Interpreter
        from tflite_model import write_tflite

        self.version = metadata.version("ai-edge-litert")
        write_tflite(onnx.load(folded(task, folder)), folder / "model.tflite")
        self._interpreter = Interpreter(model_path=str(folder / "model.tflite"), num_threads=task.threads)
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"],
                                     np.ascontiguousarray(task.image.transpose(0, 2, 3, 1)))
        self._outputs = [slot["index"] for slot in self._interpreter.get_output_details()]
        if len(task.output_shapes) > 1 or len(task.output_shapes[0]) != 2:
            raise RuntimeError("outputs other than one row of numbers are not compared")

    def run(self):
        self._interpreter.invoke()

    def output(self):
        return join(self._interpreter.get_tensor(index) for index in self._outputs)


class OpenVino(Engine):
    name = "openvino"
    settings = "f32, one stream"

    def __init__(self, task, folder):
        import openvino

        self.version = openvino.__version__.split("-")[0]
        model = openvino.Core().compile_model(self.model(task, folder), "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": task.threads, "ENABLE_CPU_PINNING": False})
        self._request = model.create_infer_request()
        self._image = np.ascontiguousarray(task.image)
        self._request.set_input_tensor(openvino.Tensor(self._image, shared_memory=True))
        self._count = len(model.outputs)

    def model(self, task, _folder):
        """The file that it reads."""
        return task.model_file

    def run(self):
        self._request.infer()

    def output(self):
        return join(self._request.get_output_tensor(index).data for index in range(self._count))


class Mnn(Engine):
    """Converted by its own converter, without the program around it: that installs further packages, for whichever
    Python `pip` belongs to, and reports over the network what was converted.
    """

    CONVERTER = "import sys, _tools; sys.argv[0] = 'mnnconvert'; _tools.mnnconvert(sys.argv)"
    name = "mnn"
    settings = "high precision"

    def __init__(self, task, folder):
        import MNN

        self.version = metadata.version("MNN")
        file = folder / "model.mnn"
        convert(sys.executable, "-c", self.CONVERTER, "-f", "ONNX", "--modelFile", task.model_file, "--MNNModel", file,
                "--bizCode", "-")
        if not file.exists():
            raise RuntimeError("mnnconvert wrote no model")
        self._interpreter = MNN.Interpreter(str(file))
        self._session = self._interpreter.createSession({"numThread": task.threads, "precision": "high",
                                                         "backend": "CPU"})
        self._image = np.ascontiguousarray(task.image)
        given = MNN.Tensor(self._image.shape, MNN.Halide_Type_Float, self._image, MNN.Tensor_DimensionType_Caffe)
        self._interpreter.getSessionInput(self._session).copyFrom(given)
        self._outputs = list(self._interpreter.getSessionOutputAll(self._session).values())
        self._host = lambda shape: MNN.Tensor(shape, MNN.Halide_Type_Float, np.zeros(shape, np.float32),
                                              MNN.Tensor_DimensionType_Caffe)

    def run(self):
        self._interpreter.runSession(self._session)

    def output(self):
        hosts = [self._host(each.getShape()) for each in self._outputs]
        for each, host in zip(self._outputs, hosts):
            each.copyToHostTensor(host)
        return join(np.array(host.getData(), np.float32) for host in hosts)


class Iree(Engine):
    """A compiler: ahead of time for this processor, through LLVM."""

    name = "iree"
    settings = "host CPU, -O3, data tiling"

    def __init__(self, task, folder):
        import iree.runtime

        self.version = metadata.version("iree-base-compiler")
        convert(tool("iree-import-onnx"), task.model_file, "-o", folder / "model.mlir")
        begin = time.monotonic()
        convert(tool("iree-compile"), folder / "model.mlir", "-o", folder / "model.vmfb",
                "--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
                "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3", "--iree-opt-data-tiling=true")
        self.compile_seconds = time.monotonic() - begin
        if task.threads > 1:
            raise RuntimeError("timed on one thread only")
        configuration = iree.runtime.Config("local-sync")
        context = iree.runtime.SystemContext(config=configuration)
        module = iree.runtime.VmModule.mmap(context.instance, str(folder / "model.vmfb"))
        context.add_vm_module(module)
        name = next(name for name in module.function_names if "$" not in name and not name.startswith("__"))
        self._function = getattr(context.modules, module.name)[name]
        self._image = iree.runtime.asdevicearray(configuration.device, np.ascontiguousarray(task.image))

    def run(self):
        self._found = self._function(self._image)

    def output(self):
        found = self._found if isinstance(self._found, (list, tuple)) else [self._found]
        return join(each.to_host() for each in found)


class Tvm(Engine):
    """A compiler, with its default schedules: to tune them takes hours."""

    name = "tvm"
    settings = "not tuned"
    slowness = 10

    def __init__(self, task, _folder):
        import onnx
        import tvm
        from tvm import relax
        from tvm.relax.frontend.onnx import from_onnx

        if task.threads > 1:
            raise RuntimeError("timed on one thread only")
        self.version = tvm.__version__
        target = tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu(), "num-cores": 1})
        begin = time.monotonic()
        with target:
            module = relax.get_pipeline("zero")(from_onnx(onnx.load(task.model_file)))
            self._machine = relax.VirtualMachine(tvm.compile(module, target=target), tvm.cpu())
        self.compile_seconds = time.monotonic() - begin
        self._image = tvm.runtime.tensor(np.ascontiguousarray(task.image))

    def run(self):
        self._found = self._machine["main"](self._image)

    def output(self):
        return join(each.numpy() for each in ([self._found] if hasattr(self._found, "numpy") else self._found))


class OnnxRuntimeBytes(OnnxRuntime):
    name = "onnxruntime, int8"
    settings = f"{OnnxRuntime.settings}; its own quantisation, for each channel, as QDQ"
    precision = "int8"

    def model(self, task, folder):
        return quantised(task, folder)


class OpenVinoBytes(OpenVino):
    name = "openvino, int8"
    settings = "one stream; ONNX Runtime's quantisation, as QDQ"
    precision = "int8"

    def model(self, task, folder):
        return quantised(task, folder)


PEERS = {engine.name: engine for engine in (OnnxRuntime, Ncnn, LiteRt, OpenVino, Mnn, Iree, Tvm, OnnxRuntimeBytes,
                                            OpenVinoBytes)}
SLOW = ("iree", "tvm")  # many times slower than the others, and slow to compile
