"""What there can be many of: for each kind, files with n of it, and the command that reads them.

A row is (command, files, smallest, largest, exit status): `files(n)` gives the contents by name, and the
command is run in a folder with them. From the smallest n on it is doubled; the largest is what takes a second
or two when all is well, or the limit of riffle."""

import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
import torch_files  # noqa: E402

KINDS = {}


def kind(command, smallest, largest, status=0):
    def add(files):
        KINDS[files.__name__] = (command.split(), files, smallest, largest, status)
        return files
    return add


def specs(command, smallest, largest, status=0):
    """The same, for a function that gives the text of a spec."""
    def add(text):
        def files(n):
            return {"many.rfl": text(n).encode()}
        KINDS[text.__name__] = (command.split(), files, smallest, largest, status)
        return text
    return add


INSPECT = "inspect many.rfl"
INPUT = "    input x: f32[1, 8, 4, 4]\n"
OUTPUT = "    output y = x |> relu\n"


def network(body, parameters=""):
    return f"network n({parameters}) {{\n{INPUT}{body}{OUTPUT}}}\n"


def names(n, form="p{i}"):
    return ", ".join(form.format(i=i) for i in range(n))


def lines(n, form):
    return "".join(form.format(i=i, before=i - 1) for i in range(n))


# ---- the language ----


@specs(INSPECT, 4000, 64000)
def lets(n):
    return network("    let v0 = 1\n" + "".join(f"    let v{i} = v{i - 1} + v0\n" for i in range(1, n)))


@specs(INSPECT, 4000, 64000)
def parameters(n):
    return network("", names(n, "p{i} = {i}"))


@specs(INSPECT, 4000, 64000)
def arguments(n):
    """Half of them are given by name."""
    given = ", ".join(f"{i}" if i < n // 2 else f"p{i} = {i}" for i in range(n))
    return f"unit u({names(n)}) {{\n    return p0\n}}\n" + network(f"    let v = u({given})\n")


@specs(INSPECT, 2000, 16000, status=1)
def unknown_arguments(n):
    given = names(n, "q{i} = {i}")
    return f"unit u({names(n)}) {{\n    return p0\n}}\n" + network(f"    let v = u({names(n, '{i}')}, {given})\n")


@specs(INSPECT, 4000, 64000)
def units(n):
    return lines(n, "unit u{i}(x) {{\n    return x |> relu\n}}\n") + network(f"    x = x |> u{n - 1}\n")


@specs(INSPECT, 4000, 64000, status=1)
def equal_units(n):
    return "unit u(x) {\n    return x |> relu\n}\n" * n + network("")


@specs(INSPECT, 4000, 64000, status=1)
def unknown_names(n):
    return network(lines(n, "    let v{i} = w{i}\n"))


@specs(INSPECT, 4000, 64000)
def inputs(n):
    return "network n {\n" + lines(n, "    input x{i}: f32[1, 8]\n") + "    output y = x0 |> relu\n}\n"


@specs(INSPECT, 4000, 64000)
def outputs(n):
    return "network n {\n" + INPUT + lines(n, "    output y{i} = x\n") + "}\n"


@specs(INSPECT, 8000, 128000)
def turns_of_a_loop(n):
    return network(f"    let s = 0\n    for i in 0 .. {n // 4} {{\n        s = s + i\n    }}\n" * 4)


@specs(INSPECT, 8000, 64000)
def items_of_a_list(n):
    return network(f"    let l = [{names(n, '{i}')}]\n    let s = sum(l) + l[{n - 1}]\n")


@specs(INSPECT, 2000, 16000)
def layers(n):
    return network(lines(n, "    x = x |> conv(8, 1) @ layer{i}\n"))


@specs("fmt many.rfl", 8000, 256000)
def stages_of_a_pipe(n):
    return network("    x = x" + " |> relu" * n + "\n")


@specs("fmt many.rfl", 4000, 64000)
def comments(n):
    return "# one\n\n" * n + network("    # two\n" * n + "    let a = [\n        # three\n" + "        1, # four\n" * n + "    ]\n")


# ---- the same as JSON ----


def read(name):
    return {"name": name}


def json_network(parameters=(), body=()):
    return {"network": "n", "parameters": list(parameters), "body": [
        {"input": "x", "type": "f32", "dimensions": [1, 8, 4, 4]}, *body, {"output": "y", "value": read("x")}]}


def json_spec(*items, **members):
    return {"many.json": json.dumps({"riffle": 1, "items": items, **members}).encode()}


JSON = "inspect many.json"


@kind(JSON, 2500, 40000)
def json_units(n):
    return json_spec(*({"unit": f"u{i}", "parameters": [], "body": [{"return": [1]}]} for i in range(n)),
                     json_network())


@kind(JSON, 2500, 40000)
def json_lets(n):
    return json_spec(json_network(body=({"let": [f"v{i}"], "value": i} for i in range(n))))


@kind(JSON, 2500, 40000)
def json_parameters(n):
    return json_spec(json_network(parameters=({"argument": f"p{i}", "value": i} for i in range(n))))


@kind(JSON, 2500, 40000, status=1)
def json_patterns(n):
    return json_spec(json_network(body=[{"let": [f"v{i}" for i in range(n)], "value": 1}]))


@kind(JSON, 5000, 40000, status=1)
def json_arguments_without_value(n):
    call = {"call": "relu", "arguments": [{"argument": f"a{i}"} for i in range(n)]}
    return json_spec(json_network(body=[{"let": ["v"], "value": call}]))


@kind(JSON, 5000, 40000, status=1)
def json_unknown_members(n):
    return json_spec(json_network(), **{f"member{i}": i for i in range(n)})


@kind("convert many.json", 2500, 40000)
def json_comments(n):
    return json_spec(json_network(), closing_comments=["# one"] * n)


# ---- the text of a graph ----


@kind("opt many.rir -O2", 2000, 16000)
def operands_of_a_concat(n):
    return {"many.rir": f"graph t {{\n  input %x : f32[1,4,4,4]\n  %1 = concat {', '.join(['%x'] * n)} : "
                        f"f32[1,{4 * n},4,4]\n  %2 = relu %1 : f32[1,{4 * n},4,4]\n  output z = %2\n}}\n".encode()}


# ---- weights ----


def tensors(paths):
    header = {path: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]}
              for i, path in enumerate(paths)}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(4 * len(header))


WEIGHTS = "compile many.rfl --weights many.safetensors --backend c"


@kind(WEIGHTS, 2000, 16000, status=1)
def missing_tensors(n):
    return {"many.rfl": layers(n).encode(), "many.safetensors": tensors(f"layers.{i}.weights" for i in range(n))}


@kind(WEIGHTS, 5000, 80000, status=1)
def unused_tensors(n):
    return {"many.rfl": network("").encode(), "many.safetensors": tensors(f"layer{i}.weight" for i in range(n))}


def checkpoint(n, deep):
    """n tensors of one number, in one dict or each in one of its own."""
    names = [f"layer{i}.weight" for i in range(n)]
    one = torch_files.Tensor(torch_files.Storage([1.0], key="0"), [1])
    return torch_files.stream({name: {"weight": one} for name in names} if deep else dict.fromkeys(names, one))


PICKLED = "compile many.rfl --weights many.pth --backend c"


@kind(PICKLED, 2000, 32000, status=1)
def pickled_tensors(n):
    return {"many.rfl": network("").encode(), "many.pth": checkpoint(n, False)}


@kind(PICKLED, 2000, 32000, status=1)
def pickled_dicts(n):
    return {"many.rfl": network("").encode(), "many.pth": checkpoint(n, True)}


@kind(PICKLED, 2000, 32000, status=1)
def members_of_an_archive(n):
    members = [("data.pkl", torch_files.pickled({})[0]), *((f"data/{i}", bytes(4)) for i in range(n))]
    return {"many.rfl": network("    x = x |> conv(8, 1) @ a\n").encode(),
            "many.pth": torch_files.archive(None, members=members)}


# ---- code ----


@specs("compile many.rfl --random-weights 1 --backend c", 8, 32)
def shuffled_groups(n):
    """Each group of the second convolution reads a part of what each group of the first one made."""
    return ("network n {\n" + f"    input x: f32[1, {32 * n}, 7, 7]\n"
            f"    x = x |> conv({32 * n}, 1, groups = {n}) @ a |> shuffle({n})\n"
            f"    output y = x |> conv({32 * n}, 3, groups = {n}) @ b\n" + "}\n")
