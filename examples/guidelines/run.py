#!/usr/bin/env python3
"""Runs the experiments behind guidelines G1 to G4 and V1's table 8, and prints them beside the papers' figures.

Each network is compiled and timed by `riffle bench` on one core; a figure is its 5th percentile. The papers'
processors are others, so what can be compared is how the rows of a table stand to its first row.

  run.py                                        all tables, to standard output
  run.py --page docs/guidelines_measured.md --images docs/images    the page, and its plots as SVG (with matplotlib)
  run.py --only g1 --only g4 --widths gpu --seconds 2
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments import EXPERIMENTS, FORM_SIZES, FORM_SPEC, FORMS, NETWORKS, SIZES

ROOT = Path(__file__).resolve().parents[2]
KEYS = [experiment.key for experiment in EXPERIMENTS] + ["forms", "table8"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--riffle", default=os.environ.get("RIFFLE", str(ROOT / "build" / "release" / "riffle")),
                        help="the program (default: $RIFFLE, or %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.4, help="of timing each network (default: %(default)s)")
    parser.add_argument("--only", choices=KEYS, action="append", help="may be repeated (default: all)")
    parser.add_argument("--widths", choices=["cpu", "gpu"], default="cpu",
                        help="which of the papers' channel widths (default: %(default)s)")
    parser.add_argument("--target", default="native", help="(default: %(default)s)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="draw the tables as guidelines_*.svg there")
    return parser.parse_args()


class Riffle:
    def __init__(self, options):
        self.options = options
        self.machine = None  # what bench says of it

    def call(self, command, spec, settings, *words):
        words = [self.options.riffle, command, spec, f"--target={self.options.target}", *words]
        for name, value in settings.items():
            value = json.dumps(list(value) if isinstance(value, tuple) else value)
            words += ["--set", f"{name}={value}"]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}\n{done.stderr}")
        return done.stdout

    def bench(self, spec, settings, *words):
        """The time of a run in milliseconds."""
        text = self.call("bench", spec, settings, "--json", f"--seconds={self.options.seconds}", *words)
        self.machine = json.loads(text)
        print(f"{Path(spec).stem} {settings} {' '.join(words)}: {self.machine['p5_ms']:.3f} ms", file=sys.stderr)
        return self.machine["p5_ms"]

    def inspect(self, spec, settings):
        return json.loads(self.call("inspect", spec, settings, "--json"))["totals"]

    def compiled(self, spec, settings, *words):
        """The counts of the compiled network."""
        with tempfile.TemporaryDirectory() as folder:
            self.call("compile", spec, settings, "--random-weights=0", "--name=net", f"--output={folder}", *words)
            return json.loads((Path(folder) / "net.json").read_text())["totals"]


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def share(figures, row, column, digits=1):
    """A speed, and what part of the first row's it is."""
    return f"{figures[row][column]:.{digits}f} ({100 * figures[row][column] / figures[0][column]:.0f} %)"


def run_experiment(riffle, experiment):
    """Images per second, row by row."""
    cases = experiment.cases(riffle.options.widths)
    speeds = [[1000 / riffle.bench(experiment.spec, settings) for settings in row] for row in cases]
    totals = [[riffle.inspect(experiment.spec, settings) for settings in row] for row in cases]
    return {"speeds": speeds, "totals": totals, "cases": cases}


def print_experiment(experiment, result):
    header = ["", "M MACs", "MB"]
    for column in experiment.columns:
        header += [f"{column}: images/s", "paper's CPU", "paper's GPU"]
    rows = []
    for row, name in enumerate(experiment.rows):
        totals = result["totals"][row]
        cells = [name, " / ".join(f"{total['macs'] / 1e6:.0f}" for total in totals),
                 " / ".join(f"{total['bytes'] / 1e6:.0f}" for total in totals)]
        for column in range(len(experiment.columns)):
            cells += [share(result["speeds"], row, column, 0), share(experiment.cpu, row, column),
                      share(experiment.gpu, row, column, 0)]
        rows.append(cells)
    return f"## {experiment.title}\n\n" + markdown(header, rows)


def run_forms(riffle):
    result = {}
    for size in FORM_SIZES:
        for form, words in FORMS.items():
            totals = riffle.compiled(FORM_SPEC, {"size": size}, *words)
            result[size, form] = (riffle.bench(FORM_SPEC, {"size": size}, *words), totals)
    return result


def print_forms(result):
    header = [""]
    for height, width in FORM_SIZES:
        header += [f"{height}x{width}: ms", "MB of layout ops", "MB in all"]
    rows = []
    for form in FORMS:
        cells = [form]
        for size in FORM_SIZES:
            time, totals = result[size, form]
            cells += [f"{time:.2f} ({100 * time / result[size, 'as written'][0]:.0f} %)",
                      f"{totals['layout_bytes'] / 1e6:.1f}", f"{totals['bytes_moved'] / 1e6:.1f}"]
        rows.append(cells)
    return "## G4 in riffle's terms: ShuffleNet V2 1.0x\n\n" + markdown(header, rows)


def run_table8(riffle):
    return {name: [(riffle.bench(spec, {**settings, "size": size}), riffle.inspect(spec, {**settings, "size": size}))
                   for size in SIZES] for name, (spec, settings, _) in NETWORKS.items()}


def print_table8(result):
    """In parentheses: how many times as fast as AlexNet."""
    header = ["", "M MACs"]
    for height, width in SIZES:
        header += [f"{height}x{width}: ms", "paper's ms"]
    rows = []
    for name, (_, _, published) in NETWORKS.items():
        cells = [name, " / ".join(f"{totals['macs'] / 1e6:.0f}" for _, totals in result[name])]
        for column in range(len(SIZES)):
            time = result[name][column][0]
            ours, theirs = result["AlexNet"][column][0] / time, NETWORKS["AlexNet"][2][column] / published[column]
            cells += [f"{time:.2f} ({ours:.1f})", f"{published[column]} ({theirs:.1f})"]
        rows.append(cells)
    return "## ShuffleNet V1, table 8\n\n" + markdown(header, rows)


PAGE = """# The guidelines, measured

Made by `examples/guidelines/run.py`, which says what each figure is; the experiments are in
[`examples/guidelines`](../examples/guidelines), what is left open by the papers at the heads of the specs. Ours: one
core, one image, target {target}, multiply-adds at {peak:.0f} GFLOP/s at the time. The papers': a GeForce GTX 1080Ti and
a Snapdragon 810 (V2), one core of a Snapdragon 820 (V1). Percentages are of the first row; in the last table, numbers in
parentheses say how many times as fast as AlexNet. MACs and MB (bytes moved) are of the network as written, for
the three columns; those of the table of forms are of the compiled network.

"""


def main():
    options = parse_arguments()
    wanted = options.only or KEYS
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    riffle, sections, drawings = Riffle(options), [], []
    for experiment in EXPERIMENTS:
        if experiment.key in wanted:
            result = run_experiment(riffle, experiment)
            sections.append((experiment.key, print_experiment(experiment, result)))
            drawings.append((experiment.key, experiment, result))
    if "forms" in wanted:
        result = run_forms(riffle)
        sections.append(("forms", print_forms(result)))
        drawings.append(("forms", None, result))
    if "table8" in wanted:
        result = run_table8(riffle)
        sections.append(("table8", print_table8(result)))
        drawings.append(("table8", None, result))
    if options.images:
        from plots import draw  # matplotlib is not needed without
        options.images.mkdir(parents=True, exist_ok=True)
        for key, experiment, result in drawings:
            draw(key, experiment, result, options.images / f"guidelines_{key}.svg")
    page = PAGE.format(target=riffle.machine["target"], peak=riffle.machine["peak_gflops"])
    for key, section in sections:
        page += section + "\n"
        if options.images and options.page:
            path = os.path.relpath(options.images / f"guidelines_{key}.svg", options.page.parent)
            page += f"![plot of this table]({path})\n\n"
    if options.page:
        options.page.write_text(page.rstrip("\n") + "\n")
    else:
        print(page, end="")


if __name__ == "__main__":
    main()
