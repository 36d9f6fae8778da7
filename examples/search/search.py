#!/usr/bin/env python3
"""Looks for networks that are good and fast: widths, numbers of units and groups of net.rfl, by Optuna.

    search.py --cpu cortex-a76 --clock 2.0GHz --output found/

Each trial sets the parameters of the spec anew. Its time is what riffle predicts for the processor, so no code is made
and no phone is needed; its quality is what --quality says. The front, of networks that none other beats in both, is then
compiled and measured on this machine. found/ has trials.csv and front.svg."""

import argparse
import csv
import json
import shlex
import subprocess
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import optuna
import riffle

HERE = Path(__file__).parent
STEP = 48  # of widths: 1, 2, 3 and 4 groups divide a quarter of it


def read_options(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", type=Path, default=HERE / "net.rfl")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter that is not looked for")
    parser.add_argument("--cpu", default="cortex-a76", help="predict the time on it (default: cortex-a76)")
    parser.add_argument("--clock", default="2.0GHz", help="at this clock (default: 2.0GHz)")
    parser.add_argument("--quality", metavar="COMMAND",
                        help="prints a number, the larger the better; it is given NAME=VALUE for each parameter. "
                             "Without it: multiply-accumulates, which is no accuracy")
    parser.add_argument("--trials", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds make equal trials (default: 1)")
    parser.add_argument("--seconds", type=float, default=1, help="to measure each network of the front (default: 1)")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    return parser.parse_args(words)


def suggest(trial):
    """Parameters of the spec: each stage is wider than the one before."""
    widths, width = [], STEP
    for stage, most in enumerate([4, 6, 10]):
        width += STEP * trial.suggest_int(f"wider{stage}", 1, most)
        widths.append(width)
    units = [trial.suggest_int(f"units{stage}", 1, most) for stage, most in enumerate([4, 8, 4])]
    return {"widths": widths, "units": units, "groups": trial.suggest_int("groups", 1, 4)}


def quality_of(options, settings, macs):
    if options.quality is None:
        return macs / 1e6
    words = [*shlex.split(options.quality), *(f"{name}={json.dumps(value)}" for name, value in settings.items())]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)


class Search:
    def __init__(self, options):
        self.options = options
        self.fixed = dict(word.split("=", 1) for word in options.set)
        self.study = optuna.create_study(directions=["maximize", "minimize"],
                                         sampler=optuna.samplers.NSGAIISampler(population_size=20, seed=options.seed))

    def model(self, settings):
        return riffle.load(self.options.spec, set={**self.fixed, **settings})

    def objective(self, trial):
        settings = suggest(trial)
        inspection = self.model(settings).inspect(cpu=self.options.cpu, clock=self.options.clock)
        macs = inspection.totals["macs"]
        trial.set_user_attr("settings", settings)
        trial.set_user_attr("macs", macs)
        return quality_of(self.options, settings, macs), inspection.estimated_time["microseconds"] / 1000

    def run(self):
        """A row for each trial, in order of quality; those of the front are measured."""
        self.study.optimize(self.objective, n_trials=self.options.trials)
        best = {trial.number for trial in self.study.best_trials}
        rows = []
        for trial in sorted(self.study.trials, key=lambda trial: trial.values[0]):
            row = {"trial": trial.number, **trial.user_attrs["settings"], "macs": trial.user_attrs["macs"],
                   "quality": trial.values[0], "predicted_ms": trial.values[1], "front": trial.number in best,
                   "measured_ms": ""}
            if row["front"]:
                bench = self.model(trial.user_attrs["settings"]).bench(seconds=self.options.seconds)
                row["measured_ms"] = bench["median_ms"]
            rows.append(row)
        return rows


def draw(rows, options, path):
    """Quality over time: predicted for all trials, measured for the front."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    front = [row for row in rows if row["front"]]
    for groups in sorted({row["groups"] for row in rows}):
        some = [row for row in rows if row["groups"] == groups]
        left.scatter([row["predicted_ms"] for row in some], [row["quality"] for row in some], s=14,
                     label=f"{groups} group{'s' if groups > 1 else ''}")
    left.step([row["predicted_ms"] for row in front], [row["quality"] for row in front], where="post", color="black",
              linewidth=0.8, label="front")
    right.scatter([row["measured_ms"] for row in front], [row["quality"] for row in front], s=14, color="black")
    left.set_xlabel(f"ms, predicted for {options.cpu} at {options.clock}")
    right.set_xlabel("ms, measured on this machine: the front")
    left.set_ylabel("million multiply-accumulates" if options.quality is None else "quality")
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main(words=None):
    options = read_options(words)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = Search(options).run()
    with (options.output / "trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, options, options.output / "front.svg")
    print(f"{'quality':>9} {'predicted':>10} {'measured':>10}  parameters")
    for row in rows:
        if row["front"]:
            print(f"{row['quality']:9.1f} {row['predicted_ms']:7.2f} ms {row['measured_ms']:7.2f} ms  "
                  f"widths={row['widths']} units={row['units']} groups={row['groups']}")


if __name__ == "__main__":
    main()
