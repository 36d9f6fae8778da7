"""The rows of the benchmark, and what each aims at: riffle / limit, and the best peer / riffle."""

import fnmatch
from dataclasses import dataclass, field

SMALL_RUNS, SMALL_BLOCK = 200, 10
LARGE_RUNS, LARGE_BLOCK = 30, 3
LARGE_PIXELS = 300_000  # an image, or images, of so many are large
QUICK = ("v2-0.5x", "v2-1.0x", "v1-1.0x-g3")


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    network: str
    parameters: dict = field(default_factory=dict)
    aim_limit: float = None  # at most
    aim_peer: float = None  # at least
    threads: int = 1
    target: str = None  # riffle's; the machine's best
    compilers: bool = False  # with the slow peers, too
    peers: bool = True
    precision: str = "fp32"  # riffle's; others are timed beside fp32
    aim_floats: float = None  # fp32 / riffle, at least
    model: str = None  # a file of ../shared/models that is imported, in place of a network of the examples
    tolerance: float = None  # how far engines may differ, where it is not as usual

    @property
    def images(self):
        return self.parameters.get("batch", 1)

    @property
    def pixels(self):
        height, width = self.parameters.get("size", (224, 224))
        return height * width * self.images

    @property
    def runs(self):
        return LARGE_RUNS if self.pixels > LARGE_PIXELS else SMALL_RUNS

    @property
    def block(self):
        return LARGE_BLOCK if self.pixels > LARGE_PIXELS else SMALL_BLOCK


def v2(width, *aims, suffix="", said="", **more):
    parameters = {"width": width} | more.pop("parameters", {})
    return Row(f"v2-{width}x{suffix}", f"ShuffleNet V2 {width}x{said}", "shufflenet_v2", parameters, *aims, **more)


def v1(width, groups, *aims, suffix="", said="", **more):
    parameters = {"width": width, "groups": groups} | more.pop("parameters", {})
    return Row(f"v1-{width}x-g{groups}{suffix}", f"ShuffleNet V1 {width}x, g = {groups}{said}", "shufflenet_v1",
               parameters, *aims, **more)


def sized(make, *arguments, size):
    text = "x".join(map(str, size))
    return make(*arguments, suffix=f"-{text}", said=f", {text}", parameters={"size": size})


def reduced(precision, make=v2, *arguments, target="native", peers=True, **more):
    """A reduced precision beside fp32, both for the same target, and peers of that precision."""
    return make(*(arguments or (1.0,)), None, more.pop("aim_peer", None), precision=precision, peers=peers,
                target=target, **more)


def named(network, title, *aims, suffix="", said="", **more):
    return Row(f"{network.replace('_', '-')}{suffix}", f"{title}{said}", network, more.pop("parameters", {}), *aims, **more)


def detector(file, title, **more):
    return Row(file.partition("_")[0], title, file, aim_peer=1.3, model=f"{file}.onnx", **more)


ROWS = {row.name: row for row in (
    v2(0.5, 1.3, 1.3),
    v2(1.0, 1.15, 1.3, compilers=True),
    v2(1.5, 1.12, 1.15),
    v2(2.0, 1.12, 1.15),
    v1(0.5, 3, 1.25, 1.3),
    v1(1.0, 3, 1.25, 1.3),
    v1(2.0, 3, 1.25, 1.3),
    v1(1.0, 8, 1.25, 1.3),
    sized(v2, 1.0, 1.2, 1.25, size=(480, 640)),
    sized(v1, 1.0, 3, 1.2, 1.25, size=(480, 640)),
    sized(v2, 1.0, 1.25, 1.35, size=(720, 1280)),
    sized(v1, 1.0, 3, 1.25, 1.35, size=(720, 1280)),
    named("mobilenet_v1", "MobileNet V1", 1.12, 1.05),
    named("mobilenet_v2", "MobileNet V2", 1.15, 1.15),
    Row("squeezenet-1.1", "SqueezeNet 1.1, 227x227", "squeezenet", {"version": 1.1, "size": (227, 227)}, 1.1, 1.1),
    v2(1.0, None, 1.2, threads=2, suffix="-2threads", said=", 2 threads"),
    v2(1.0, None, 1.2, threads=2, suffix="-720x1280-2threads", said=", 720x1280, 2 threads",
       parameters={"size": (720, 1280)}),
    v1(1.0, 3, None, 1.2, threads=2, suffix="-2threads", said=", 2 threads"),
    v2(1.0, 1.25, None, target="x86-64-v3", peers=False, suffix="-avx2", said=", AVX2"),
    v2(1.0, None, None, suffix="-batch8", said=", 8 images, each", parameters={"batch": 8}),
    reduced("int8", suffix="-int8", said=", int8", aim_floats=3.5, aim_peer=2.4),
    reduced("int8", v2, 0.5, suffix="-int8", said=", int8", aim_peer=3.1),
    reduced("int8", v1, 1.0, 3, suffix="-int8", said=", int8", aim_peer=2.1),
    reduced("int8", named, "mobilenet_v2", "MobileNet V2", suffix="-int8", said=", int8", aim_peer=2.0),
    reduced("int8", suffix="-int8-2threads", said=", int8, 2 threads", threads=2),
    reduced("int8", suffix="-int8-avx2", said=", int8, AVX2", target="x86-64-v3", peers=False, aim_floats=2.2),
    reduced("bf16", suffix="-bf16", said=", bf16"),
    detector("fastestdet", "FastestDet"),
    detector("ultraface_rfb_320", "UltraFace"),
    # Its objectness at places without a face is 1e-5, where the rounding of engines is large beside it.
    detector("yunet_n_320", "YuNet", tolerance=0.05),
)}
# How far outputs may be from those of fp32, of the largest: with random weights, and one image to calibrate with.
TOLERANCES = {"int8": 0.2, "bf16": 0.05}
AIM_OF_THREADS = 1.85  # two threads over one
COMPILED, AIM_OF_COMPILING = "v2-1.0x", 3.0  # seconds
# Whose time is shown by kind of op, as in figure 2 of ShuffleNet V2's paper.
PROFILED = ("v2-1.0x", "v1-1.0x-g3", "v2-1.0x-720x1280", "mobilenet-v2")


def matching(patterns):
    """Rows by name, * standing for anything; ValueError names a pattern that is none."""
    found = {}
    for pattern in patterns:
        names = fnmatch.filter(ROWS, pattern)
        if not names:
            raise ValueError(f"no row is called '{pattern}'; --list prints them")
        found |= {name: ROWS[name] for name in names}
    return list(found.values())
