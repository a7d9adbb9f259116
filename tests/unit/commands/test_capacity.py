"""``winback capacity`` on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.capacity.load import BOUNDS, Load
from streams.capacity.prices import Prices
from streams.commands.capacity import OPTIONS, PRICES, WHOLE, capacity
from streams.errors import UserError


def asked(*options: str) -> Result:
    return CliRunner().invoke(capacity, options)


def told(*options: str) -> dict[str, dict[str, float]]:
    answer = asked("--json", *options)
    assert answer.exit_code == 0, answer.output
    return dict(json.loads(answer.output))


def test_the_usual_question_has_an_answer() -> None:
    answer = asked()
    assert answer.exit_code == 0
    assert "200,000,000 users, 5,000,000,000 events a day" in answer.output
    assert "cpu_us_per_event_many" in answer.output


def test_numbers_are_given_as_people_write_them() -> None:
    assert told("--users", "5e6")["load"]["users"] == 5_000_000
    assert told("--users", "5,000,000")["load"]["users"] == 5_000_000
    assert told("--price-zone-gb", "0")["dollars"]["between zones"] == 0


def test_every_field_has_an_option_with_its_default() -> None:
    assert {name for name, _ in OPTIONS} == set(Load.__struct_fields__) == set(BOUNDS)
    assert {name for name, _ in PRICES} == set(Prices.__struct_fields__)
    assert {name for name in WHOLE if not isinstance(getattr(Load(), name), int)} == set()
    for name, text in (*OPTIONS, *PRICES):
        default = getattr(Load() if name in Load.__struct_fields__ else Prices(), name)
        if name not in {"users", "partitions"}:
            assert float(text.rpartition("Default: ")[2].rstrip(".")) == default, name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--users", "0"), "users is 0, must be 1 to 1e\\+11"),
        (("--zones", "4"), "some zone would hold no copy"),
        (("--partitions", "4"), "too few for the"),
        (("--users", "1.5"), "must be whole"),
        (("--users", "nan"), "must be finite"),
        (("--price-core-hour", "-1"), "not negative"),
    ],
)
def test_what_cannot_be_is_said(options: tuple[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        capacity.main(list(options), standalone_mode=False)


def test_what_is_no_number_is_said() -> None:
    answer = asked("--users", "many")
    assert answer.exit_code == 2
    assert "'many' is not a number" in answer.output


def test_costs_of_ones_own_machine(tmp_path: Path) -> None:
    figure = {"name": "cpu_us_per_event_many", "value": 5.0}
    (tmp_path / "cpu.json").write_text(json.dumps(figure))
    assert told("--figures", str(tmp_path))["costs"]["pipeline_us"] == 5.0


def test_figures_that_are_none_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no figures"):
        capacity.main(["--figures", str(tmp_path)], standalone_mode=False)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json is no figure"):
        capacity.main(["--figures", str(tmp_path)], standalone_mode=False)
