#!/usr/bin/env python3
"""Times the three forms of concat, shuffle and split against each other: as written, merged and routed.

Each form is the library that `riffle compile --layout=FORM` makes of the same network with the same weights
(docs/counting.md says what the forms are). They must agree on the output; then they take turns in one process,
pinned to one core, in short blocks of runs. The bytes are those that riffle counts from the kernels.

  forms.py                                   every network at 224 x 224 and 720 x 1280
  forms.py --network v2-1.0x --size 224x224 --seconds 30
  forms.py --json forms.json --markdown forms.md
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from compare import write_json
from engines import Riffle  # puts tests/numeric on the path
from task import make_task
from timing import choose_cores, differences, disturbance, measure, pin, statistics

from support import TOLERANCE, best_target

NETWORKS = {
    "v2-0.5x": ("shufflenet_v2", {"width": 0.5}),
    "v2-1.0x": ("shufflenet_v2", {"width": 1.0}),
    "v2-2.0x": ("shufflenet_v2", {"width": 2.0}),
    "v1-g3": ("shufflenet_v1", {"width": 1.0, "groups": 3}),
    "v1-g8": ("shufflenet_v1", {"width": 1.0, "groups": 8}),
}
SIZES = ("224x224", "720x1280")
FORMS = ("as-written", "merged", "routed")  # the last is what the others are compared with
COLUMNS = ("form", "runs", "p5 ms", "median ms", "p5 / routed", "layout bytes", "bytes moved", "workspace")


class Form(Riffle):
    """The library in one form, and what riffle counts of it."""

    def __init__(self, task, folder, form):
        folder = folder / form
        super().__init__(task, folder, "--layout", form)
        self.name = form
        self.totals = json.loads((folder / "model.json").read_text())["totals"]


def parse_size(text):
    height, cross, width = text.partition("x")
    if not (cross and height.isdigit() and width.isdigit()):
        raise argparse.ArgumentTypeError(f"write HEIGHTxWIDTH, not '{text}'")
    return int(height), int(width)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="may be repeated (default: all)")
    parser.add_argument("--size", type=parse_size, action="append", metavar="HEIGHTxWIDTH",
                        help=f"may be repeated (default: {', '.join(SIZES)})")
    parser.add_argument("--target", default=best_target(), help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="for each network and size (default: %(default)s)")
    parser.add_argument("--block", type=int, default=5, metavar="RUNS", help="runs per turn (default: %(default)s)")
    parser.add_argument("--core", type=int, help="core to stay on (default: the last one allowed)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too; - for standard output")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the same as a table of Markdown")
    return parser.parse_args()


def assert_agreement(forms):
    errors = differences(forms)
    if not max(errors.values()) <= TOLERANCE:  # NaN, too
        sys.exit(f"the forms disagree: {errors} of the largest output")
    return max(errors.values())


def time_case(arguments, network, size):
    spec, parameters = NETWORKS[network]
    with tempfile.TemporaryDirectory(prefix="riffle-forms-") as name:
        folder = Path(name)
        task = make_task(spec, parameters | {"size": size}, arguments.target, folder)
        forms = [Form(task, folder, form) for form in FORMS]
        agreement = assert_agreement(forms)
        times, lost = measure(forms, arguments.block, arguments.seconds)
    return {"network": network, "size": list(size), "target": arguments.target, "agreement": agreement,
            "lost_share": lost, "forms": [describe(form, times[form.name]) for form in forms]}


def describe(form, times):
    found = statistics(times)
    return {"form": form.name, "runs": found["runs"], "p5_ms": found["p5_ms"], "median_ms": found["median_ms"],
            "layout_bytes": form.totals["layout_bytes"],
            "bytes_moved": form.totals["bytes_moved"], "workspace_bytes": form.totals["workspace_bytes"]}


def title(case):
    return f"{case['network']} at {case['size'][0]}x{case['size'][1]}"


def cells(case):
    base = case["forms"][-1]["p5_ms"]
    for form in case["forms"]:
        yield (form["form"], str(form["runs"]), f"{form['p5_ms']:.3f}", f"{form['median_ms']:.3f}",
               f"{form['p5_ms'] / base:.2f}", f"{form['layout_bytes']:,}", f"{form['bytes_moved']:,}",
               f"{form['workspace_bytes']:,}")


def print_case(case):
    print(f"{title(case)}, target {case['target']}; outputs agree to {case['agreement']:.1e}")
    for row in (COLUMNS, *cells(case)):
        print(f"  {row[0]:12}" + "".join(f"{cell:>15}" for cell in row[1:]))
    if disturbance(case["lost_share"]):
        print("  " + disturbance(case["lost_share"]))
    print(flush=True)


def markdown(cases):
    lines = ["| network | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 1)]
    for case in cases:
        for index, row in enumerate(cells(case)):
            lines.append("| " + " | ".join((title(case) if index == 0 else "", *row)) + " |")
    return "\n".join(lines) + "\n"


def main():
    arguments = parse_arguments()
    cores = choose_cores(first=arguments.core)
    pin(cores)
    cases = []
    for size in arguments.size or map(parse_size, SIZES):
        for network in arguments.network or NETWORKS:
            cases.append(time_case(arguments, network, size) | {"core": min(cores)})
            print_case(cases[-1])
    if arguments.markdown:
        arguments.markdown.write_text(markdown(cases))
    if arguments.json:
        write_json(cases, arguments.json)


if __name__ == "__main__":
    main()
