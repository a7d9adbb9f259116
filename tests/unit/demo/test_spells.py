"""What came of every time at risk: all of them are accounted for."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.messages import RiskChanged
from streams.core.time import DAY_MS, iso
from streams.demo.spells import (
    CONTACTED,
    COOLING,
    NO_PLACE,
    WAITING,
    Course,
    Spell,
    Spells,
    fates,
)

COOL_DOWN_MS = 7 * DAY_MS


def spells(**of_users: list[tuple[float, str]]) -> Spells:
    """Return the spells of users from the days on which their risk moved to a band."""
    found = Spells()
    for user_id, moves in of_users.items():
        before = "calm"
        for day, band in moves:
            found.see(RiskChanged(user_id, band, before, 0.5, "", "", 0, "", "v",
                                  iso(round(day * DAY_MS))))  # fmt: skip
            before = band
    return found


def course(begin: float, end: float | None, fate: str) -> Course:
    return Course(round(begin * DAY_MS), None if end is None else round(end * DAY_MS), fate)


def test_a_spell_lasts_while_the_risk_is_high() -> None:
    found = spells(ada=[(1, "elevated"), (2, "high"), (5, "calm"), (9, "high")])

    assert list(found) == [
        Spell("ada", 2 * DAY_MS, 5 * DAY_MS),
        Spell("ada", 9 * DAY_MS, None),
    ]
    assert (len(found), found.now, found.newest) == (2, 1, "ada")
    assert found.begins() == {"ada": [2 * DAY_MS, 9 * DAY_MS]}


def test_everybody_gets_the_reason_of_the_case_or_of_its_absence() -> None:
    found = spells(
        contacted=[(2, "high"), (5, "calm")],
        held_out=[(2, "high"), (5, "calm")],
        passed_over=[(2, "high"), (5, "calm")],
        waits=[(2, "high")],
        # again at risk while the case is open, once it is closed, and long after
        again=[(2, "high"), (3, "calm"), (4, "high"), (5, "calm"), (8, "high"), (9, "calm"),
               (20, "high"), (21, "calm")],
    )  # fmt: skip
    courses = {
        "contacted": [course(4, 5, CONTACTED)],
        "held_out": [course(2, 5, "holdout")],
        "again": [course(2, 6, CONTACTED)],
    }

    assert fates(found, lambda user_id: courses.get(user_id, []), COOL_DOWN_MS) == {
        CONTACTED: 3, "holdout": 1, NO_PLACE: 2, WAITING: 1, COOLING: 1,
    }  # fmt: skip


DAYS = st.lists(st.integers(0, 99), unique=True, max_size=12).map(sorted)


@given(DAYS, DAYS)
def test_fates_add_up_to_the_spells(moves: list[int], cases: list[int]) -> None:
    found = spells(ada=[(day, ("high", "calm")[place % 2]) for place, day in enumerate(moves)])
    courses = [
        course(begin, end, CONTACTED) for begin, end in zip(cases[::2], cases[1::2], strict=False)
    ]

    assert fates(found, lambda _: courses, COOL_DOWN_MS).total() == len(found)
