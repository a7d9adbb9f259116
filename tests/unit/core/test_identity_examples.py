"""What merged users teach: every example says what the person did, as far as it was known then."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.harvest import Harvest
from streams.core.outbox import EXAMPLES
from tests.unit.core.kin import Town, link
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import RULES, act, day

PERIOD_MS = RULES.churn.period_ms
DAYS = 50


def examples_of(harvests: list[Harvest]) -> list[tuple[float, bool]]:
    """Return the grid instant and the label of every example."""
    found = []
    for harvest in harvests:
        for record in harvest.outputs.get(EXAMPLES, ()):
            kind, rows = lessons_of(record)
            if kind == "example":
                found += [(row[0], bool(row[1])) for row in rows]
    return found


hours = st.lists(st.integers(0, 24 * DAYS), max_size=25, unique=True)


@settings(max_examples=30)
@given(hours, hours, st.integers(0, 24 * DAYS))
def test_no_example_of_a_person_is_mislabelled(
    mine: list[int], theirs: list[int], linked: int
) -> None:
    """Before the link each id speaks for itself, behind it for both, whatever was pending."""
    town = Town()
    both = [(hour, "ada") for hour in mine] + [(hour, "cookie") for hour in theirs]
    said = [(day(0, hour), user_id, act(day(0, hour), user_id)) for hour, user_id in both]
    linked_ms = day(0, linked) + 1
    said.append((linked_ms, "", link(linked_ms, "ada", "cookie")))
    for at_ms, _, signal in sorted(said, key=lambda each: each[0]):
        town.advance(at_ms - 1)
        town.say(signal)
    town.advance(day(DAYS + 200))

    phases = {RULES.phase_ms(user_id): user_id for user_id in ("ada", "cookie")}
    for opened, is_active in examples_of(town.harvests):
        whose = phases[int(opened) % PERIOD_MS]
        is_behind = opened + PERIOD_MS >= linked_ms
        ids = {"ada", "cookie"} if is_behind else {whose}
        until = opened + PERIOD_MS
        acted = [at for at, user_id, _ in said if user_id in ids and opened <= at < until]
        assert is_active == bool(acted), (whose, opened, is_behind)
        assert whose == "ada" or not is_behind


def test_a_return_under_another_id_is_a_return() -> None:
    """Or the model would learn that nobody comes back who comes back as a visitor first."""
    town = Town()
    town.say(*(act(day(number), "ada") for number in range(4)))
    town.advance(day(20))
    town.say(act(day(20, 13), "cookie"), link(day(20, 14), "ada", "cookie"))
    town.advance(day(60))

    active = [opened for opened, is_active in examples_of(town.harvests) if is_active]
    assert any(opened <= day(20, 13) < opened + PERIOD_MS for opened in active)
