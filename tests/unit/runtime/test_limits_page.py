"""The page of limits is made of the catalogues, and names nothing that there is not."""

import re
from pathlib import Path

from streams.runtime.limits_page import PER_PARTITION, PER_USER, PER_WORKER, page
from streams.runtime.metric_list import Metric
from streams.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_bound_says_what_happens_beyond_it_and_names_real_things() -> None:
    bounds = (*PER_USER, *PER_PARTITION, *PER_WORKER)
    assert len({bound.what for bound in bounds}) == len(bounds)
    for bound in bounds:
        assert bound.most
        assert bound.beyond
        for name in re.findall(r"winback_[a-z_]+", bound.seen):
            assert name in set(Metric), name
        for name in re.findall(r"WINBACK_([A-Z_]+)", bound.most):
            assert hasattr(Settings(), name.lower()), name
