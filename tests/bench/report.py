"""The results of benchmark.py as text, JSON, CSV, and as the tables of docs/performance.md."""

import csv
import io
import json
import shutil

from rows import AIM_OF_COMPILING, AIM_OF_THREADS
from timing import disturbance

from support import MOST_LOST, ROOT

TABLE, DATA, SHEET = "table.txt", "benchmark.json", "benchmark.csv"
PLOTS = ("latency.svg", "kinds.svg")
PAGE, IMAGES = ROOT / "docs" / "performance.md", ROOT / "docs" / "images"
BEGIN, END = "<!-- benchmark.py writes from here", "<!-- to here -->"
BEGIN_BESIDE = "<!-- benchmark.py --beside writes from here"
DASH = "–"


def own(row):
    return row["engines"][0]


def peers(row):
    return [each for each in row["engines"] if not each["name"].startswith("riffle")]


def best_peer(row):
    return min(peers(row), key=lambda each: each["p5_ms"], default=None)


def beside(row):
    """What riffle is timed beside in a row of its own kind: itself on one thread, or with fp32."""
    return next((each for each in row["engines"][1:] if each["name"].startswith("riffle")), None)


def gain(row):
    """How much faster riffle is than that, and what it should be."""
    other = beside(row)
    if other is None:
        return ""
    aim = row["aim_floats"] if row["precision"] != "fp32" else AIM_OF_THREADS
    return f"{aimed(other['p5_ms'] / own(row)['p5_ms'], aim, False)} {other['name'].removeprefix('riffle, ')}"


def digits(value):
    return f"{value:#.3g}".rstrip(".")


def aimed(value, aim, at_most):
    """The figure, what it should be, and whether it is."""
    if aim is None:
        return f"{value:.2f}"
    met = round(value, 2) <= aim if at_most else round(value, 2) >= aim
    return f"{value:.2f} ({'<=' if at_most else '>='} {aim}{'' if met else ': no'})"


def both(each, images):
    return f"{digits(each['p5_ms'] / images)} / {digits(each['median_ms'] / images)}"


# ---- one line of the summary ----

COLUMNS = ("", "M MACs", "limit, ms", "riffle, ms", "of limit", "of medians", "of best limit", "best peer, ms", "which",
           "peer / riffle", "of medians", "riffle over")


def figures(row):
    """Cells of COLUMNS; of several images, those of each."""
    best, first, images = best_peer(row), own(row), row["images"]
    cells = [row["title"], f"{row['macs'] / images / 1e6:.1f}", both(row["limit"], images), both(first, images),
             aimed(first["ratio_to_limit"], row["aim_limit"], True), f"{first['ratio_of_medians']:.2f}",
             f"{first['ratio_to_best_limit']:.2f}"]
    if best:
        cells += [both(best, images), best["name"], aimed(best["p5_ms"] / first["p5_ms"], row["aim_peer"], False),
                  f"{best['median_ms'] / first['median_ms']:.2f}"]
    else:
        cells += [DASH] * 4
    cells.append(gain(row))
    if row["lost_share"] > MOST_LOST:
        cells[0] += " *"
    return cells


CAPTION = ("Milliseconds: 5th percentile / median. Limit: a program of nothing but as many multiply-adds of float32 as "
           "the network has MACs, timed in turns with the engines, in the same way. \"of limit\" and \"peer / "
           "riffle\": ratios of 5th percentiles, in brackets what is aimed at, with those of the medians beside them. "
           "\"of best limit\": riffle's 5th percentile over the time at the best rate seen in any moment of the row, "
           "which is stricter where others share the machine. \"riffle over\": against itself on "
           "one thread, or with fp32.")


def every_engine(result):
    """Cells of a table with a column for each engine: 5th percentile / median, ms."""
    names = []
    for row in result["rows"]:
        names += [each["name"] for each in row["engines"] if each["name"] not in names and each is not beside(row)]
    lines = []
    for row in result["rows"]:
        found = {each["name"]: both(each, row["images"]) for each in row["engines"]}
        lines.append([row["title"], *(found.get(name, DASH) for name in names)])
    version = {each["name"]: each["version"] for row in result["rows"] for each in row["engines"]}
    return ["ms, 5th percentile / median", *(f"{name} {version[name]}" for name in names)], lines


def versions(result):
    found = {}
    for row in result["rows"]:
        for each in row["engines"]:
            if each is not beside(row):
                found.setdefault(each["name"], each)
    return [f"{name} {each['version']}" + (f" ({each['settings']})" if name != "riffle" else "")
            for name, each in found.items()]


def failures(result):
    """Which engine did not run where, and why; equal reasons once."""
    rows_of = {}
    for row in result["rows"]:
        for name, why in row["failed"].items():
            rows_of.setdefault((name, why.splitlines()[-1] if why else "no reason given"), []).append(row["name"])
    for (name, why), rows in rows_of.items():
        where = "no row" if len(rows) == len(result["rows"]) else "not " + ", ".join(rows)
        yield f"{name}, {where}: {why}"
    for name, why in result["left_out"].items():
        yield f"{name}, left out: {why}"


def aligned(head, lines):
    widths = [max(len(cells[i]) for cells in [head, *lines]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()
                     for cells in [head, *lines]) + "\n"


def markdown(head, lines):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [head, rule, *lines])


def row_text(row):
    """What is printed as soon as a row is measured."""
    said = [f"{each['name']} {digits(each['p5_ms'])}" for each in row["engines"]]
    lost = disturbance(row["lost_share"])
    tried = [f"the least disturbed of {row['attempts']} attempts"] if row["attempts"] > 1 else []
    return "; ".join([f"{row['name']}: limit {digits(row['limit_ms'])}, " + ", ".join(said) + " ms", *tried,
                      *(f"{name} not timed" for name in row["failed"]), *filter(None, [lost])])


def compiling(result):
    if "compile" not in result:
        return ""
    each = result["compile"]
    return (f"Compile time of {each['row']} for {each['target']}: "
            f"{aimed(each['seconds'], AIM_OF_COMPILING, True)} s.\n")


def text(result):
    parts = [f"{result['machine']}, {result['date']}; " + "; ".join(versions(result)) + "\n",
             CAPTION + "\n" + f"*: other programs had the cores for more than {MOST_LOST:.0%} of the time.\n",
             aligned(COLUMNS, [figures(row) for row in result["rows"]]), aligned(*every_engine(result)),
             compiling(result), "".join(f"not timed: {line}\n" for line in failures(result))]
    return "\n".join(part for part in parts if part)


def sheet(result):
    numbers = ("p5_ms", "median_ms", "min_ms", "ratio_to_limit", "ratio_of_medians", "ratio_to_best_limit")
    head = ("row", "network", "threads", "riffle_target", "macs", "limit_ms", "limit_median_ms", "best_limit_ms", "engine",
            "version", "runs", *numbers, "difference", "lost_share")
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(head)
    for row in result["rows"]:
        for each in row["engines"]:
            threads = 1 if each["name"] == "riffle, 1 thread" else row["threads"]
            writer.writerow((row["name"], row["network"], threads, row["target"], row["macs"],
                             f"{row['limit_ms']:.4f}", f"{row['limit']['median_ms']:.4f}",
                             f"{row['best_limit_ms']:.4f}", each["name"], each["version"], each["runs"],
                             *(f"{each[key]:.4f}" for key in numbers), f"{each['difference']:.2e}",
                             f"{row['lost_share']:.3f}"))
    return made.getvalue()


def write(result, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(json.dumps(result, indent=1) + "\n")
    (folder / SHEET).write_text(sheet(result))
    (folder / TABLE).write_text(text(result))


# ---- docs/performance.md ----

def tables(result):
    lines = [f"Measured on {result['machine']}, {result['date']}. {CAPTION}\n",
             markdown(COLUMNS, [figures(row) for row in result["rows"]]),
             markdown(*every_engine(result)),
             "".join(f"- {each}\n" for each in versions(result)),
             f"{DASH}: not timed. \\*: other programs had the cores for more than {MOST_LOST:.0%} of the time, so the "
             "times mean little.\n" + "".join(f"{line}.\n" for line in failures(result)),
             compiling(result)]
    return "\n".join(line for line in lines if line)


def plots_of(result):
    lines = ["", "![latency of each engine over the limit](images/latency.svg)\n"]
    if result["kinds"]:
        lines.append("Time by kind of op, as in figure 2 of the paper of ShuffleNet V2; above, each layer in a kernel "
                     "of its own, below, as compiled:\n")
        lines.append("![time by kind of op](images/kinds.svg)\n")
    return "\n".join(lines)


def replace_between(begin, made):
    """Replaces what stands between the mark `begin` of the page and the END that follows it."""
    head, mark, rest = PAGE.read_text().partition(begin)
    _, end, tail = rest.partition(END)
    assert mark and end, f"{PAGE} lacks the marks '{begin}' and '{END}'"
    first_line = mark + rest.splitlines()[0]
    PAGE.write_text(f"{head}{first_line}\n\n{made}\n{END}{tail}")


def write_beside(result):
    """Puts the tables of another machine into the section that the page has for it; no plots, no data."""
    replace_between(BEGIN_BESIDE, tables(result))


def write_docs(result, folder):
    """Puts tables and plots of this project's main machine into the page; keeps the data beside it."""
    replace_between(BEGIN, tables(result) + plots_of(result))
    (PAGE.parent / "performance.json").write_text(json.dumps(result, indent=1) + "\n")
    IMAGES.mkdir(exist_ok=True)
    for plot in PLOTS:
        if (folder / plot).exists():
            shutil.copyfile(folder / plot, IMAGES / plot)
