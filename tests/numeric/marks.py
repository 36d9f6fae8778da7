"""When tests are skipped, and the reason they give."""

import pytest
from support import SHARED, TARGET_FLAGS, lacking_flags

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"{SHARED} is absent: no real weights and reference logits to compare with")


def target_parameter(target):
    lacking = ", ".join(lacking_flags(target))
    skip = pytest.mark.skipif(bool(lacking), reason=f"this processor cannot run {target}: no {lacking}")
    return pytest.param(target, marks=skip, id=target)


def target_parameters():
    """One pytest parameter per target; skipped, with the reason, where this processor cannot run it."""
    return [target_parameter(target) for target in TARGET_FLAGS]
