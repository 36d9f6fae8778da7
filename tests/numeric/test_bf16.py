"""--precision bf16: compiled code against the interpreter, which rounds the same numbers and adds up in double
precision. Sizes are odd, so that tails of every kind and runs with an odd number of channels occur.

Two ways of multiplying are looked at, both on any processor with AVX512-BF16: pairs by one instruction, which code
for cooperlake uses throughout; and widened weights with inputs of f32, which code for native uses for few pixels, and
the pass makes for any number when asked."""

import json
import re

import pytest
from marks import needs_shared
from small_networks import UNITS, WINDOWS
from support import EXAMPLES, SHARED, invoke, processor_flags, riffle, riffle_json

needs_bf16 = pytest.mark.skipif("avx512_bf16" not in processor_flags(),
                                reason="this processor has no AVX512-BF16: code for bf16 does not run")
SPEEDS = {"fast": "cooperlake", "slow": "native"}
WIDENED = "fold-batchnorm,fuse-activation,fuse-residual,merge-layout,absorb-route,bfloat16{most-pixels=1073741824},dead-code"

# The first layer is one product a number, so that both round the same float to bf16. What follows differs by the
# roundings of its sums alone.
PRODUCTS = """network products {{
    input image: f32[{batch}, {inputs}, {height}, {width}] {layout}
    x = image |> depthwise(1) @ z
    output y = x |> conv({outputs}, {kernel}, stride = {stride}, padding = {padding}, groups = {groups}, bias = true) @ a
}}
"""

LINEAR = """network fully_connected {{
    input numbers: f32[{batch}, {inputs}]
    output y = numbers |> linear({outputs}, bias = true) @ a |> relu
}}
"""

FLATTENED = """network flattened {{
    input image: f32[2, {inputs}, 3, 5]
    x = image |> depthwise(3, padding = 1) @ z |> relu
    output y = x |> flatten |> linear({outputs}) @ a
}}
"""

RESIDUAL = """network residual {{
    input image: f32[1, 9, 6, 5]
    x = image |> conv({channels}, 1) @ a |> relu6
    y = add(x |> conv({channels}, 3, padding = 1) @ b, x) |> relu
    output z = y |> conv(5, 1) @ c |> global_avg_pool
}}
"""


def write(folder, text):
    spec = folder / "net.rfl"
    spec.write_text(text)
    return spec


def roundings(products):
    """How far a sum of so many products, whose largest is about the largest sum, can be off in f32."""
    return (products + 4) * 2.0 ** -24


def compare(spec, options, tolerance):
    said = riffle("verify", spec, "--random-weights", 1, *options, "--tolerance", tolerance, "--count", 2)
    good, compared = map(int, re.search(r"^(\d+) of (\d+) tensors within", said, re.MULTILINE).groups())
    assert good == compared > 0


def fast(spec, tolerance):
    compare(spec, ("--precision", "bf16", "--target", SPEEDS["fast"]), tolerance)


def widened(spec, tolerance):
    compare(spec, ("--passes", WIDENED, "--layers", "--target", "native"), tolerance)


def products(**changed):
    parameters = {"batch": 1, "inputs": 16, "height": 5, "width": 7, "layout": "", "outputs": 16, "kernel": 1,
                  "stride": 1, "padding": 0, "groups": 1} | changed
    count = parameters["inputs"] // parameters["groups"] * parameters["kernel"] ** 2
    return PRODUCTS.format(**parameters), roundings(count)


SHAPES = [
    dict(inputs=3, outputs=58), dict(inputs=29, outputs=24, height=1, width=1, batch=3),
    dict(inputs=58, outputs=116, height=4, width=9, layout="nhwc"), dict(inputs=7, outputs=67, batch=2),
    dict(inputs=130, outputs=8, height=2, width=3), dict(inputs=1, outputs=1), dict(inputs=700, outputs=33),
    dict(inputs=36, outputs=24, groups=3, height=4), dict(inputs=45, outputs=21, groups=3), dict(inputs=27, outputs=27, groups=3),
    dict(inputs=5, outputs=20, kernel=3, padding=1), dict(inputs=14, outputs=9, kernel=3, stride=2, padding=1, height=9),
    dict(inputs=15, outputs=10, kernel=3, padding=1, groups=5, batch=2), dict(inputs=33, outputs=17, kernel=2, height=6),
    dict(inputs=10, outputs=6, kernel=5, padding=2, stride=2)]


@needs_bf16
@pytest.mark.parametrize("way", [fast, widened])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape.values())))
def test_products(tmp_path, way, shape):
    text, tolerance = products(**shape)
    way(write(tmp_path, text), tolerance)


@needs_bf16
@pytest.mark.parametrize("target", SPEEDS.values())
@pytest.mark.parametrize("inputs,outputs,batch", [(31, 17, 1), (64, 130, 1), (257, 40, 5), (1, 3, 2)])
def test_fully_connected(tmp_path, target, inputs, outputs, batch):
    spec = write(tmp_path, LINEAR.format(**locals()))
    compare(spec, ("--precision", "bf16", "--target", target), roundings(inputs))


@needs_bf16
@pytest.mark.parametrize("inputs", [5, 16])
def test_flattened(tmp_path, inputs):
    spec = write(tmp_path, FLATTENED.format(inputs=inputs, outputs=19))
    compare(spec, ("--precision", "bf16", "--target", "native"), roundings(15 * inputs))


# Between layers that give bf16 a difference in the last bit of a float can become one in that of a bf16.
NEXT_NUMBER = 2.0 ** -8
NETWORKS = [WINDOWS.format(channels=channels, size=size) for channels, size in [(8, 17), (29, 24), (58, 31)]]
NETWORKS += [UNITS.format(channels=channels) for channels in (12, 36, 116)]
NETWORKS += [RESIDUAL.format(channels=channels) for channels in (8, 23)]


@needs_bf16
@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_networks(tmp_path, text):
    spec = write(tmp_path, text)
    fast(spec, NEXT_NUMBER)
    widened(spec, roundings(2000))
    compare(spec, ("--precision", "bf16", "--target", SPEEDS["fast"], "--threads", 3), NEXT_NUMBER)


@needs_bf16
@pytest.mark.parametrize("chains", ["never", "always"])
def test_chains(tmp_path, chains):
    spec = write(tmp_path, WINDOWS.format(channels=29, size=24))
    widened_chains = ("--passes", WIDENED, "--layers", "--target", "native", "--chains", chains)
    compare(spec, widened_chains, roundings(2000))
    compare(spec, ("--precision", "bf16", "--target", SPEEDS["fast"], "--chains", chains), NEXT_NUMBER)


@needs_bf16
@pytest.mark.parametrize("layout", ["merged", "as-written"])
def test_copied_layouts(tmp_path, layout):
    spec = write(tmp_path, UNITS.format(channels=36))
    compare(spec, ("--precision", "bf16", "--target", SPEEDS["fast"], "--layout", layout), NEXT_NUMBER)


def test_rounding_is_seen(tmp_path):
    """The interpreter rounds as the graph says: answers differ from those of fp32, but not by much."""
    spec = write(tmp_path, UNITS.format(channels=36))
    (tmp_path / "x.f32").write_bytes(bytes(4 * 10 * 9 * 7 - 4) + b"\0\0\x80\x3f")
    if "avx512_bf16" not in processor_flags():
        pytest.skip("this processor has no AVX512-BF16: code for bf16 does not run")
    said = riffle("verify", spec, "--random-weights", 1, "--precision", "bf16", "--target", SPEEDS["fast"],
                  "--evaluate", tmp_path / "x.f32")
    difference, largest = map(float, re.search(
        r"^bf16 and fp32 on 1 inputs: .* difference (\S+), where the largest \|value\| is (\S+)$", said,
        re.MULTILINE).groups())
    assert 0 < difference < 0.05 * largest


@pytest.mark.parametrize("target,values", [("cooperlake", True), ("znver5", True), ("sapphirerapids", False)])
def test_files_say_the_precision(tmp_path, target, values):
    spec = write(tmp_path, LINEAR.format(batch=1, inputs=64, outputs=10))
    riffle("compile", spec, "--random-weights", 1, "--precision", "bf16", "--target", target, "-o", tmp_path)
    description = json.loads((tmp_path / "fully_connected.json").read_text())
    assert description["precision"] == "bf16"
    assert f"bfloat16{{values={str(values).lower()}," in description["pipeline"]
    assert "computes with bf16" in (tmp_path / "fully_connected.h").read_text()


def test_routes_move_nothing(tmp_path):
    spec = write(tmp_path, UNITS.format(channels=36))
    riffle("compile", spec, "--random-weights", 1, "--precision", "bf16", "--target", "cooperlake", "-o", tmp_path,
           "--emit", "kernels")
    text = (tmp_path / "units.rkir").read_text()
    steps = re.findall(r"^step .*", text, re.MULTILINE)
    assert len(steps) >= 5 and not any("copied" in step for step in steps)
    assert "pair_add" in text and "read bf16 input" in text and "write bf16 output" in text


@pytest.mark.parametrize("option", ["x86-64-v4", "icelake-server", "aarch64-linux-gnu", "x86-64-multi", "cuda-sm_90"])
def test_other_targets_are_refused(tmp_path, option):
    spec = write(tmp_path, LINEAR.format(batch=1, inputs=64, outputs=10))
    done = invoke("compile", spec, "--random-weights", 1, "--precision", "bf16", "--target", option, "-o", tmp_path)
    assert done.returncode == 1 and "bf16" in done.stderr and "hint:" in done.stderr


def is_decided(photo):
    """Whether float32's two first classes are further apart than what bf16 changes (tiger_cat's are 0.375 and 0.370)."""
    answer = riffle_json("run", EXAMPLES / "shufflenet_v2.rfl", "--weights",
                         SHARED / "weights" / "shufflenet_v2_x1_0.safetensors", "--image", photo, "--top", 2)
    (first, second), = answer["top"]
    return first["probability"] - second["probability"] > 0.02


@needs_shared
@needs_bf16
@pytest.mark.parametrize("target", SPEEDS.values())
def test_first_classes_stay(target):
    photos = [path for path in sorted((SHARED / "photos").iterdir())
              if path.suffix in (".jpg", ".png") and is_decided(path)]
    assert len(photos) >= 8
    said = riffle("verify", EXAMPLES / "shufflenet_v2.rfl", "--weights",
                  SHARED / "weights" / "shufflenet_v2_x1_0.safetensors", "--precision", "bf16", "--target", target,
                  "--count", 1, *[word for photo in photos for word in ("--evaluate", photo)])
    assert f"on {len(photos)} inputs: the same first class on {len(photos)};" in said
