"""Models compiled to CUDA sources, with inputs and what the interpreter says of them."""

import json
from pathlib import Path

import numpy as np
from shim import HERE, build_program, call
from support import RIFFLE, invoke, run_riffle, settings

PROGRAM = HERE / "program"


def write_sources(spec, options, target, folder):
    """NAME.cu and what belongs to it, without a library: that is what happens where no nvcc is."""
    return call([RIFFLE, "compile", spec, *options, "--target", target, "--name", "network", "-o", folder],
                env={"NVCC": "none"})


class Model:
    """The sources of a network, compiled into a folder under the name `network`."""

    def __init__(self, spec, parameters, folder, target="cuda-sm_80", weights=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.spec, self.target = spec, target
        self.options = [*settings(**parameters), *(["--weights", weights] if weights else ["--random-weights", 3])]
        write_sources(spec, self.options, target, self.folder)
        self.source = self.folder / "network.cu"
        self.description = json.loads((self.folder / "network.json").read_text())
        self.write_tensors()

    def tensors(self, side):
        return [(entry["name"], int(np.prod(entry["shape"]))) for entry in self.description[side]]

    def write_tensors(self):
        """tensors.h: see program/model.h."""
        lines, words = [], {}
        for side in ("inputs", "outputs"):
            tensors = self.tensors(side)
            rows = ", ".join(f'{{"{name}", {elements}}}' for name, elements in tensors)
            lines += [f"enum {{ {side[:-1].upper()}_COUNT = {len(tensors)} }};",
                      f"static const struct tensor {side.upper()}[] = {{{rows}}};"]
            words[side] = ", ".join(f"{side}[{i}]" for i in range(len(tensors)))
        if len(self.tensors("inputs")) == len(self.tensors("outputs")) == 1:
            before, arguments = "", "inputs[0], outputs[0]"
        else:
            before = (f"const struct network_cuda_inputs in = {{{words['inputs']}}}; "
                      f"const struct network_cuda_outputs out = {{{words['outputs']}}}; ")
            arguments = "&in, &out"
        for name, last in (("run", "void *last"), ("capture", "struct network_cuda_graph **last")):
            lines.append(f"static inline int {name}_network(struct network_cuda_model *model, float *const *inputs, "
                         f"float *const *outputs, {last}) "
                         f"{{ {before}return network_cuda_{name}(model, {arguments}, last); }}")
        (self.folder / "tensors.h").write_text("\n".join(lines) + "\n")

    def write_expected(self, seed=5, inputs=None, status=0):
        """Inputs, random ones unless given, and the outputs by the interpreter, as files that programs read."""
        random = np.random.default_rng(seed)
        arrays = inputs or [random.normal(size=count).astype(np.float32) for _, count in self.tensors("inputs")]
        shapes = [(count,) for _, count in self.tensors("outputs")]
        run_riffle(self.spec, [*self.options, "--interpret"], arrays, shapes, self.folder, status=status)

    def assemble_weights(self):
        weights = self.folder / "weights.o"
        call(["cc", "-c", "network_weights.S", "-o", weights.name], cwd=self.folder)
        return weights

    def program(self, build, source="check.cu", options=()):
        """One of the programs, over the stand-in."""
        return build_program(build, [self.source, PROGRAM / source], self.folder / f"{source.split('.')[0]}-{build}",
                             [f"-I{self.folder}", f"-I{PROGRAM}", *options], [self.assemble_weights()])

    def synchronisation(self, fences=True):
        """Line numbers of barriers, and of releases and acquisitions, in the source."""
        words = ("__syncthreads();", "__syncwarp();") + ("asm volatile(",) * fences
        return [number for number, line in enumerate(self.source.read_text().splitlines(), 1)
                if line.split("/*")[0].strip().startswith(words)]


def refuses(*words):
    """Standard error of a riffle that must fail."""
    done = invoke(*words)
    assert done.returncode != 0, done.stdout
    return done.stderr
