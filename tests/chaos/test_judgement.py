"""What a soak is judged by must see growth, and must not see rebalances, outliers or noise."""

from random import Random

import pytest

from tests.chaos.judgement import Sample, judge, slope

RATE = 1_000
CALM = Sample(
    at_s=0.0, used_mb=100.0, resident_mb=200.0, tasks=50, threads=3, handles=18, lag=100,
    partitions=2, users=5_000,
)  # fmt: skip


def hour(**growth_per_h: float) -> list[Sample]:
    """Return an hour of samples: noise, a third of the time with twice the partitions, growth."""
    chance = Random(1)
    samples = []
    for number in range(720):
        at_s = number * 5.0
        more = {name: per_h * at_s / 3_600 for name, per_h in growth_per_h.items()}
        noise = chance.gauss(0.0, 1.0) + (60.0 if chance.random() < 0.05 else 0.0)
        waiting = chance.expovariate(0.05)  # What is on its way: 20 MB on average.
        has_all = number % 60 < 20
        samples.append(CALM._replace(
            at_s=at_s, partitions=4 if has_all else 2,
            used_mb=CALM.used_mb + waiting + more.get("used_mb", 0.0) + 80.0 * has_all,
            tasks=CALM.tasks + more.get("tasks", 0.0) + 9 * has_all,
            handles=CALM.handles + more.get("handles", 0.0) + 4 * has_all,
            lag=CALM.lag + abs(noise) * 10 + more.get("lag", 0.0),
        ))  # fmt: skip
    return samples


def test_the_slope_of_a_line_is_its_slope_though_a_quarter_of_it_lies() -> None:
    xs = list(range(40))
    ys = [3.0 * x if x % 4 else 1e6 for x in xs]

    assert slope(xs, ys) == pytest.approx(3.0)


def test_a_worker_that_does_not_grow_is_flat_whatever_it_owns_for_a_while() -> None:
    judged = judge(hour(), RATE)

    assert judged.is_flat
    assert abs(judged.slope_mb_per_h) < 1.0


@pytest.mark.parametrize(
    ("what", "per_h"), [("used_mb", 4.0), ("tasks", 4.0), ("handles", 6.0), ("lag", 4.0 * RATE)]
)
def test_growth_of_any_kind_is_seen(what: str, per_h: float) -> None:
    assert not judge(hour(**{what: per_h}), RATE).is_flat


def test_what_grows_while_it_warms_up_is_not_held_against_it() -> None:
    samples = hour()
    warming = [
        sample._replace(used_mb=sample.used_mb - 100 + sample.at_s / 7) for sample in samples
    ]

    assert judge(warming[:140] + samples[140:], RATE).is_flat
