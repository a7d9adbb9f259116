"""The cache of any address book."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.addresses.away import away
from winback_sender.addresses.cached import CachedAddresses
from winback_sender.receipt import NotSentError


class Company:
    """A book whose answers can be changed, and that counts the questions."""

    def __init__(self) -> None:
        self.addresses: dict[tuple[str, str], str] = {}
        self.asked: Counter[str] = Counter()
        self.is_away = False
        self.now_s = 0.0
        self.is_closed = False

    def resolve(self, user_id: str, channel: str) -> str | None:
        self.asked[user_id] += 1
        if self.is_away:
            raise away()
        return self.addresses.get((user_id, channel))

    def find(self, channel: str, address: str) -> str | None:
        owners = {(key[1], found): key[0] for key, found in self.addresses.items()}
        return owners.get((channel, address))

    def close(self) -> None:
        self.is_closed = True


def cached(company: Company, size: int = 100) -> CachedAddresses:
    return CachedAddresses(company, 60.0, 10.0, size, lambda: company.now_s)


def test_an_address_is_asked_for_once_and_again_when_it_is_old() -> None:
    company = Company()
    company.addresses["900", "sms"] = "1"
    book = cached(company)

    assert [book.resolve("900", "sms") for _ in range(3)] == ["1"] * 3
    assert company.asked["900"] == 1
    company.addresses["900", "sms"] = "2"
    company.now_s = 60.0
    assert book.resolve("900", "sms") == "2"


def test_that_there_is_none_is_remembered_for_a_shorter_time() -> None:
    company = Company()
    book = cached(company)

    assert book.resolve("900", "sms") is None
    company.addresses["900", "sms"] = "1"
    company.now_s = 9.9
    assert book.resolve("900", "sms") is None
    company.now_s = 10.0
    assert book.resolve("900", "sms") == "1"


def test_weather_is_not_remembered_and_old_answers_do_not_help() -> None:
    company = Company()
    company.addresses["900", "sms"] = "1"
    book = cached(company)
    book.resolve("900", "sms")

    company.is_away = True
    assert book.resolve("900", "sms") == "1"
    company.now_s = 60.0
    with pytest.raises(NotSentError):
        book.resolve("900", "sms")
    company.is_away = False
    assert book.resolve("900", "sms") == "1"


def test_of_too_many_those_not_used_for_longest_go() -> None:
    company = Company()
    book = cached(company, size=2)

    for user in ("a", "b", "a", "c", "a", "b"):
        book.resolve(user, "sms")

    assert company.asked == {"a": 1, "b": 2, "c": 1}


def test_replies_are_looked_up_in_the_book_itself() -> None:
    company = Company()
    company.addresses["900", "sms"] = "1"
    book = cached(company)

    assert book.find("sms", "1") == "900"
    book.close()
    assert company.is_closed


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), st.floats(0, 40)),
    max_size=40,
)


@given(steps, st.integers(1, 3))
def test_no_answer_is_older_than_its_expiry(
    history: list[tuple[str, str | None, float]], size: int
) -> None:
    """Whatever is answered was true at some instant of the last minute."""
    company = Company()
    book = cached(company, size)
    told: list[tuple[float, str, str | None]] = [(0.0, user, None) for user in "abc"]
    for user, address, pause_s in history:
        company.now_s += pause_s
        company.addresses.pop((user, "sms"), None)
        if address is not None:
            company.addresses[user, "sms"] = address
        told.append((company.now_s, user, address))
        for other in "abc":
            changes = [(at, what) for at, whose, what in told if whose == other]
            lately = {what for (_, what), (until, _) in pairwise(changes)
                      if until > company.now_s - 60.0}  # fmt: skip
            assert book.resolve(other, "sms") in lately | {changes[-1][1]}
