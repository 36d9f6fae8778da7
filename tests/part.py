"""Which part of a long list of cases is tried: all of it by hand, one in so many by tests/run, whose seed goes on with
each commit."""

import os

FULL = os.environ.get("RIFFLE_FULL_MATRIX") == "1"
SEED = os.environ.get("RIFFLE_TEST_SEED")


def part(cases, of):
    """One in `of` of the cases, chosen by RIFFLE_TEST_SEED; all without it, or with RIFFLE_FULL_MATRIX=1."""
    cases = list(cases)
    return cases if FULL or SEED is None else cases[int(SEED) % of::of]
