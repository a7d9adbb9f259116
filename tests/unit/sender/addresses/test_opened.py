"""Which address book a setting names."""

import sqlite3
from pathlib import Path

import pytest

from winback_sender.addresses.cached import CachedAddresses
from winback_sender.addresses.csv import CsvAddresses
from winback_sender.addresses.http import HttpAddresses
from winback_sender.addresses.opened import open_addresses
from winback_sender.contract.words import UNSENT
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError
from winback_sender.standins.addresses import Addresses

P = "WINBACK_SENDER_ADDRESSES_"


def test_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("user_id,channel,address\n会员,sms,1\n", encoding="gbk")

    book = open_addresses(f"csv:{path}", {f"{P}ENCODING": "gbk"})

    assert isinstance(book, CsvAddresses)
    assert book.resolve("会员", "sms") == "1"


def test_a_database_is_asked_through_a_cache(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    crm = sqlite3.connect(path)
    crm.execute("CREATE TABLE people (id TEXT, phone TEXT)")
    crm.execute("INSERT INTO people VALUES ('900', '13800138000')")
    crm.commit()
    query = "SELECT phone FROM people WHERE id = :user_id AND :channel = 'sms'"

    book = open_addresses(f"sql:sqlite:///{path}", {f"{P}QUERY": query})

    assert isinstance(book, CachedAddresses)
    assert book.resolve("900", "sms") == "13800138000"
    crm.execute("DELETE FROM people")
    crm.commit()
    assert book.resolve("900", "sms") == "13800138000"
    book.close()
    crm.close()


def test_a_service_with_its_token_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("t0ken\n")
    with Addresses(lambda user_id, channel: f"{user_id}@{channel}") as service:
        environ = {f"{P}TOKEN_FILE": str(secret), f"{P}CACHE_S": "0"}
        book = open_addresses(service.addresses_url + "/", environ)

        assert isinstance(book, HttpAddresses)
        assert book.resolve("900", "sms") == "900@sms"
        book.close()


def test_without_a_book_no_user_is_to_blame() -> None:
    book = open_addresses("", {})

    with pytest.raises(NotSentError) as said:
        book.resolve("900", "sms")
    assert (said.value.reason, said.value.outcome) == ("no_address_book", UNSENT)
    assert not said.value.retry
    assert book.find("sms", "1") is None
    book.close()


@pytest.mark.parametrize(
    "spec", ["csv:", "sql:", "https:", "http://", "ftp://x", "redis:secret@x", "/srv/book.csv"]
)
def test_a_setting_that_names_none_is_refused_without_being_shown(spec: str) -> None:
    with pytest.raises(UserError) as refused:
        open_addresses(spec, {})
    assert "secret" not in refused.value.message


def test_a_misspelt_setting_is_told() -> None:
    with pytest.raises(UserError, match=r"unknown setting .*TOKN .*TOKEN"):
        open_addresses("", {f"{P}TOKN": "x"})
