"""Which part of a long list of cases is tried: all of it by hand, one in so many by tests/run, whose seed goes on with
each commit."""

import os

FULL = os.environ.get("RIFFLE_FULL_MATRIX") == "1"
SEED = os.environ.get("RIFFLE_TEST_SEED")


def part(cases, of):
    """One in `of` of the cases, chosen by RIFFLE_TEST_SEED; all without it, or with RIFFLE_FULL_MATRIX=1."""
    cases = list(cases)
    return cases if FULL or SEED is None else cases[int(SEED) % of::of]


def keep_part(config, items):
    """Of tests marked `part(of)`, one in `of` of each test's cases stays: pytest's hook of folders that have such."""
    kept, left_out, cases = [], [], {}
    for item in items:
        mark = item.get_closest_marker("part")
        if mark is None or not hasattr(item, "callspec"):
            kept.append(item)
            continue
        cases.setdefault((item.path, item.originalname, mark.args[0]), []).append(item)
    for (_, _, of), those in cases.items():
        chosen = part(those, of)
        kept += chosen
        left_out += [item for item in those if item not in chosen]
    if left_out:
        items[:] = [item for item in items if item in set(kept)]
        config.hook.pytest_deselected(items=left_out)
