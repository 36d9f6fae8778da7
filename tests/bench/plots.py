"""Two pictures of the results: the latency of each engine beside the limit, and riffle's time by kind of op."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "riffle", "font.size": 9, "axes.spines.top": False,
                            "axes.spines.right": False})

import matplotlib.pyplot as pyplot  # noqa: E402
import numpy  # noqa: E402

MARKERS = "osD^vP*XhH"
ROW_INCHES = 0.34
PALE = pyplot.get_cmap("Set2")  # dark text stands on it
FARTHEST = 16  # times the limit; what is slower stands at the edge, with its number


def save(figure, file):
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def engine_names(result):
    """In the order of their first appearance, riffle first."""
    return list(dict.fromkeys(each["name"] for row in result["rows"] for each in row["engines"]))


def latency(result, file):
    """A line for each row: where each engine's 5th percentile and median are, as multiples of the limit."""
    rows = result["rows"]
    figure, axes = pyplot.subplots(figsize=(8, 1.4 + ROW_INCHES * len(rows)))
    for index, name in enumerate(engine_names(result)):
        found = [(position, each, row["limit_ms"]) for position, row in enumerate(rows)
                 for each in row["engines"] if each["name"] == name]
        shift = 0.05 * (index - 3)
        places = [position + shift for position, _, _ in found]
        fast = [each["p5_ms"] / limit for _, each, limit in found]
        usual = [each["median_ms"] / limit for _, each, limit in found]
        colour = "black" if name == "riffle" else f"C{index % 10}"
        for place, ratio in zip(places, fast):
            if ratio > FARTHEST:
                axes.text(FARTHEST * 1.03, place, f"{ratio:.0f}", va="center", fontsize=7, color=colour)
        fast, usual = numpy.minimum(fast, FARTHEST), numpy.minimum(usual, FARTHEST)
        axes.hlines(places, fast, usual, color=colour, linewidth=1, alpha=0.6)
        axes.plot(fast, places, MARKERS[index % len(MARKERS)], color=colour, markersize=5, linestyle="none",
                  label=name)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_xscale("log", base=2)
    least = min(each["p5_ms"] / row["limit_ms"] for row in rows for each in row["engines"])
    axes.set_xlim(0.9 * min(1, least), FARTHEST * 1.02)  # bytes may take less than multiply-adds of floats
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.set_yticks(range(len(rows)), [f"{row['title']} ({row['limit_ms'] / row['images']:.3g} ms)" for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("time over the limit of the machine (in brackets): 5th percentile, and a line to the median")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.1 - 0.6 / len(rows)), ncols=5, frameon=False)
    save(figure, file)


def kinds(result, file):
    """For each network two bars: each layer in a kernel of its own, and as compiled."""
    names = list(dict.fromkeys(kind["kind"] for each in result["kinds"] for form in ("apart", "chained")
                               for kind in each[form]))
    bars = [(f"{each['title']}, {said}", each[form]) for each in result["kinds"]
            for form, said in (("apart", "layer by layer"), ("chained", "as compiled"))]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + ROW_INCHES * len(bars)))
    for position, (_, found) in enumerate(bars):
        shares, left = {kind["kind"]: kind["share_of_time"] for kind in found}, 0
        for index, name in enumerate(names):
            share = 100 * shares.get(name, 0)
            axes.barh(position, share, left=left, color=PALE(index), label=name if position == 0 else None)
            if share >= 6:
                axes.text(left + share / 2, position, f"{share:.0f} %", ha="center", va="center", fontsize=7)
            left += share
    axes.set_yticks(range(len(bars)), [title for title, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the time, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.12 - 0.6 / len(bars)), ncols=4, frameon=False)
    save(figure, file)


def write(result, folder):
    latency(result, folder / "latency.svg")
    if result["kinds"]:
        kinds(result, folder / "kinds.svg")
