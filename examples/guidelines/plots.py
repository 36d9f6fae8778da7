"""Draws the results of run.py as SVG."""

import matplotlib
from experiments import FORM_SIZES, FORMS, NETWORKS, SIZES

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "riffle", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
                            "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402  (after the settings)

COLOURS = ["#1f5f8b", "#7fb2d6", "#c9c9c9"]


def bars(axis, groups, series):
    """`series` is a list of (name, one number for each group)."""
    width = 0.8 / len(series)
    for i, (name, numbers) in enumerate(series):
        places = [group + (i - (len(series) - 1) / 2) * width for group in range(len(groups))]
        axis.bar(places, numbers, width * 0.92, label=name, color=COLOURS[i])
    axis.set_xticks(range(len(groups)), groups, rotation=20, ha="right")


def relative(figures, column):
    return [100 * row[column] / figures[0][column] for row in figures]


def draw_experiment(axes, experiment, result):
    for column, axis in enumerate(axes):
        bars(axis, experiment.rows, [("riffle", relative(result["speeds"], column)),
                                     ("the paper's CPU", relative(experiment.cpu, column)),
                                     ("the paper's GPU", relative(experiment.gpu, column))])
        axis.axhline(100, color="#888888", linewidth=0.6)
        axis.set_title(experiment.columns[column])
    axes[0].set_ylabel("speed, % of the first row's")


def draw_forms(axes, result):
    for axis, size in zip(axes, FORM_SIZES):
        first = result[size, "as written"]
        series = [("time", [100 * result[size, form][0] / first[0] for form in FORMS]),
                  ("bytes moved", [100 * result[size, form][1]["bytes_moved"] / first[1]["bytes_moved"]
                                   for form in FORMS])]
        bars(axis, list(FORMS), series)
        axis.axhline(100, color="#888888", linewidth=0.6)
        axis.set_title(f"{size[0]}x{size[1]}")
    axes[0].set_ylabel("% of as written")


def draw_table8(axes, result):
    for column, axis in enumerate(axes):
        ours = [result["AlexNet"][column][0] / result[name][column][0] for name in NETWORKS]
        theirs = [NETWORKS["AlexNet"][2][column] / NETWORKS[name][2][column] for name in NETWORKS]
        bars(axis, list(NETWORKS), [("riffle", ours), ("the paper's CPU", theirs)])
        axis.set_title(f"{SIZES[column][0]}x{SIZES[column][1]}")
    axes[0].set_ylabel("times AlexNet's speed")


def draw(key, experiment, result, path):
    columns = len(FORM_SIZES) if key == "forms" else 3
    figure, axes = plt.subplots(1, columns, figsize=(10, 3.4), sharey=True, layout="constrained")
    if experiment is not None:
        draw_experiment(axes, experiment, result)
    elif key == "forms":
        draw_forms(axes, result)
    else:
        draw_table8(axes, result)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
