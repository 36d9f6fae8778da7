"""docs/networks.md: the networks of published.json, what riffle counts of them, and what was measured.

The rows are those of published.json; the numbers beside them are kept in docs/networks.json, by the name of the
row, and the page is made from both. `tests/bench/networks.py` counts, measures and writes; `test_networks_page.py`
counts again and compares.
"""

import json

from support import EXAMPLES, MOST_LOST, ROOT, TARGET_FLAGS, riffle_json, settings, spell
from test_counts import PUBLISHED, row_name

DOCS = ROOT / "docs"
DATA, PAGE = "networks.json", "networks.md"
COMMAND = "python tests/bench/networks.py"
ABOUT = "Made by tests/bench/networks.py: what is counted and measured of the networks of tests/numeric/published.json."
FORMS = ("as_written", "merged", "routed")
TIMED = tuple(reversed(TARGET_FLAGS))[:2]  # x86-64-v4 and v3
DASH = "–"

HEAD = f"""\
# Networks

The networks of the papers that riffle compiles, each a spec in [`examples/`](../examples). The page is made from
[published.json](../tests/numeric/published.json), which says what was published and where, and
[networks.json](networks.json), which keeps the exact numbers; do not edit it but run

    {COMMAND} --counts-only     # after a change of specs or of what is emitted
    {COMMAND}                   # the times, too: on a quiet machine
    {COMMAND} --only 'shufflenet_v2-*' --seconds 10

One image, and 224x224 where no size is given. A test counts again and fails when the page is out of date.
"""
COUNTS = """\
## Parameters and multiply-accumulates

Parameters are what is trained; multiply-accumulates (MACs) are those of convolutions and fully connected layers.
What deviates from the published figure by more than its rounding has a footnote.
"""
BYTES = """\
## Bytes moved, and workspace

What the kernels of one run read and write in each form of concat, split, shuffle and gather, and how much of it
only copies ([counting.md](counting.md)), and the workspace of the routed form; in MB (10^6 bytes), for x86-64-v3.
"""
TIMES = """\
## Time

One thread, pinned to one core; riffle for two targets and ONNX Runtime take turns in one process, with the same
weights and image. Milliseconds: 5th percentile / median. The limit is the time of the network's MACs at the
machine's measured rate of multiply-adds; "of it" is riffle's 5th percentile over the limit, "times as fast" ONNX
Runtime's over riffle's for {best}. The difference is the largest to any output of ONNX Runtime, relative to the
largest output, of both targets.
"""


def count(row):
    """What riffle counts of a row of published.json."""
    report = riffle_json("inspect", EXAMPLES / f"{row['network']}.rfl", *settings(**row["settings"]), "--routing")
    totals = report["totals"]
    return {"parameters": totals["parameters"], "macs": totals["macs"], "bytes_moved": report["bytes_moved"],
            "layout_bytes": report["layout_bytes"], "workspace_bytes": report["workspace_bytes"],
            "copies": [{key: copy.get(key) for key in ("layer", "label", "bytes", "reason")}
                       for copy in report["copies"]]}


def read_data():
    file = DOCS / DATA
    return json.loads(file.read_text())["networks"] if file.exists() else {}


def write_data(networks, folder=DOCS):
    """The numbers and the page; the rows in the order of published.json, and no others."""
    kept = {name: networks[name] for name in distinct_rows() if name in networks}
    (folder / DATA).write_text(json.dumps({"about": ABOUT, "networks": kept}, indent=1) + "\n")
    (folder / PAGE).write_text(page(kept))


# ---- cells ----

def title(row):
    said = [f"{name} = {spell(value)}" for name, value in row["settings"].items()]
    return f"[{row['network']}](../examples/{row['network']}.rfl) {', '.join(said)}".strip()


def three_digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def megabytes(count):
    return three_digits(count / 1e6) if count else "0"


def published(value):
    return "" if value is None else f"{value:,}" if isinstance(value, int) else value


def pair_of_times(times):
    return f"{three_digits(times['p5_ms'])} / {three_digits(times['median_ms'])}" if times else DASH


def table(columns, rows):
    """A table of Markdown; columns whose title begins with '>' are aligned right."""
    lines = ["| " + " | ".join(column.lstrip(">") for column in columns) + " |",
             "|" + "|".join("---:" if column.startswith(">") else "---" for column in columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


# ---- footnotes ----

def note_of(row, before):
    """What is to be said of the published figures; 'as at ...' repeats the note of the row before."""
    said = [before if row.get("note", "").startswith("as at") else row.get("note")]
    if "macs_without" in row:
        said.append(f"without {', '.join(row['macs_without'])}")
    return "; ".join(filter(None, said))


def footnotes():
    """The note of each row of published.json, and the number of each note."""
    notes, numbers, before = [], {}, None
    for row in PUBLISHED:
        before = note_of(row, before)
        notes.append(before)
        if before:
            numbers.setdefault(before, len(numbers) + 1)
    return notes, numbers


# ---- tables ----

def counts_table(networks):
    notes, numbers = footnotes()
    rows = []
    for row, note in zip(PUBLISHED, notes):
        counts = networks[row_name(row)]["counts"]
        mark = f"[^{numbers[note]}]" if note else ""
        rows.append((title(row), f"{counts['parameters']:,}", published(row.get("parameters")),
                     f"{counts['macs'] / 1e6:,.1f} M", published(row.get("macs")), row["source"] + mark))
    columns = ("network", ">parameters", ">published", ">MACs", ">published", "source")
    return table(columns, rows) + "\n" + "\n".join(f"[^{number}]: {note}." for note, number in numbers.items()) + "\n"


def bytes_table(networks):
    columns = ("network", *(f">{kind} {form.replace('_', ' ')}" for kind in ("moved", "by copies") for form in FORMS),
               ">workspace")
    rows = []
    for name, row in distinct_rows().items():
        counts = networks[name]["counts"]
        numbers = [counts[kind][form] for kind in ("bytes_moved", "layout_bytes") for form in FORMS]
        rows.append((title(row), *map(megabytes, [*numbers, counts["workspace_bytes"]["routed"]])))
    return table(columns, rows)


def copies_list(networks):
    lines = ["Copies that stay in the routed form:\n"]
    for name, row in distinct_rows().items():
        for copy in networks[name]["counts"]["copies"]:
            lines.append(f"- {title(row)}: {copy['label']}, {copy['bytes']:,} bytes: {copy['reason']}")
    return "\n".join(lines) + "\n"


def distinct_rows():
    """By name; some networks were published twice, but each is counted and measured once."""
    rows = {}
    for row in PUBLISHED:
        rows.setdefault(row_name(row), row)
    return rows


def times_row(row, measured):
    times, limits = measured.get("times", {}), measured.get("limit_ms", {})
    cells = [title(row)]
    for target in TIMED:
        own, limit = times.get(target), limits.get(target)
        cells += [three_digits(limit), pair_of_times(own), f"{own['p5_ms'] / limit:.2f}"] if own else [DASH] * 3
    peer, own = times.get("onnxruntime"), times.get(TIMED[0])
    if measured.get("lost_share", 0) > MOST_LOST:
        cells[0] += " \\*"
    cells += [pair_of_times(peer), f"{peer['p5_ms'] / own['p5_ms']:.2f}" if peer and own else DASH]
    return (*cells, f"{max(measured['difference'].values()):.1e}" if measured else DASH)


def times_table(networks):
    columns = ("network", *(f">{what}" for target in TIMED for what in (f"limit, {target[-2:]}", target, "of it")),
               ">ONNX Runtime", ">times as fast", ">difference")
    measured = {name: networks[name].get("measured", {}) for name in distinct_rows()}
    rows = [times_row(row, measured[name]) for name, row in distinct_rows().items()]
    return table(columns, rows) + "\n" + measured_where(measured.values())


def measured_where(measured):
    """One line for each machine and set of versions, with its dates."""
    dates = {}
    for each in filter(None, measured):
        said = f"{each['machine']}; " + ", ".join(f"{name} {version}" for name, version in each["versions"].items())
        dates.setdefault(said, set()).add(each["date"])
    if not dates:
        return f"Nothing was measured yet: {DASH}.\n"
    lines = [f"- {said}; {' to '.join(sorted({min(days), max(days)}))}" for said, days in dates.items()]
    marks = (f"\n{DASH}: not measured. \\*: other programs had the core for more than {MOST_LOST:.0%} of the time, "
             "so the times mean little.")
    return "\n".join(["Measured on\n", *lines, marks]) + "\n"


def page(networks):
    return "\n".join([HEAD, COUNTS, counts_table(networks), BYTES, bytes_table(networks), copies_list(networks),
                      TIMES.format(best=TIMED[0]), times_table(networks)])
