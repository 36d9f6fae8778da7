"""docs/networks.md and networks.json against `riffle inspect` and published.json: the page must not be out of date."""

import pytest
from networks_page import COMMAND, DOCS, PAGE, count, distinct_rows, page, read_data

pytestmark = pytest.mark.part(2)

AGAIN = f"out of date; run {COMMAND} --counts-only"


@pytest.mark.parametrize("name", distinct_rows())
def test_counts(name):
    kept = read_data()
    assert name in kept, AGAIN
    assert kept[name]["counts"] == count(distinct_rows()[name]), AGAIN


def test_page_is_made_from_the_numbers():
    kept = read_data()
    assert list(kept) == list(distinct_rows()), AGAIN
    assert (DOCS / PAGE).read_text() == page(kept), AGAIN
