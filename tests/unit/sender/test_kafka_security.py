"""What the settings say of Kafka's security: what cannot be is refused, and no secret is shown."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tests.security.authority import DAY, Authority
from winback_sender.cluster import Cluster, Login, Security
from winback_sender.errors import UserError
from winback_sender.kafka_security import cluster_of, security_of
from winback_sender.settings import load_sender_settings
from winback_sender.settings_catalogue import PREFIX

SECRET = "open-sesame-4711"
USER = {"SECURITY": "sasl_ssl", "USERNAME": "ada", "PASSWORD": SECRET}


def security(**stated: object) -> Security:
    environ = {f"{PREFIX}KAFKA_{name}": str(value) for name, value in stated.items()}
    return security_of(load_sender_settings(environ)[0])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def test_without_a_word_it_is_plain_text() -> None:
    assert security() == Security()
    assert Cluster.plain("a:1, b:2").options() == {
        "bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT",
    }  # fmt: skip


def test_a_user_is_known_behind_tls_that_checks_certificate_and_name(authority: Authority) -> None:
    found = security(**USER, CA=authority.ca)
    assert found.protocol == "SASL_SSL"
    assert found.login == Login("SCRAM-SHA-512", "ada", SECRET)
    assert found.context is not None
    assert found.context.check_hostname
    options = Cluster.at("a:1", found).options()
    assert options["sasl_plain_password"] == SECRET
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


def test_a_certificate_alone_is_enough_and_its_key_may_be_sealed(authority: Authority) -> None:
    open_one = authority.issue("open")
    sealed = authority.issue("sealed", password=SECRET)
    for pair, more in ((open_one, {}), (sealed, {"CERTIFICATE_PASSWORD": SECRET})):
        found = security(
            SECURITY="ssl", CA=authority.ca, CERTIFICATE=pair.certificate,
            CERTIFICATE_KEY=pair.key, **more,
        )  # fmt: skip
        assert found.protocol == "SSL"
        assert found.has_certificate
    both = open_one.both
    assert security(SECURITY="ssl", CERTIFICATE=both, CERTIFICATE_KEY=both).has_certificate


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"PASSWORD": SECRET}, "PLAINTEXT|plaintext, but WINBACK_KAFKA_PASSWORD is set"),
        ({"USERNAME": "ada", "PASSWORD": SECRET}, "USERNAME, WINBACK_KAFKA_PASSWORD are set"),
        ({"CA": "ca.pem"}, "WINBACK_KAFKA_CA is set"),
        ({"SECURITY": "sasl_plaintext", "USERNAME": "ada", "PASSWORD": SECRET}, "must be one of"),
        ({"SECURITY": "ssl", "USERNAME": "ada", "PASSWORD": SECRET}, "by a certificate, not by a"),
        ({"SECURITY": "sasl_ssl"}, "USERNAME and WINBACK_KAFKA_PASSWORD are not set"),
        ({"SECURITY": "sasl_ssl", "USERNAME": "ada"}, "PASSWORD is not set"),
        ({"SECURITY": "sasl_ssl", "PASSWORD": SECRET}, "USERNAME is not set"),
        ({**USER, "SASL_MECHANISM": "GSSAPI"}, "must be one of"),
        ({**USER, "CA": "/nowhere/ca.pem"}, "WINBACK_KAFKA_CA = /nowhere/ca.pem: No such file"),
        ({**USER, "CA": str(Path(__file__).with_name("letters.py"))}, "PEM is needed"),
        ({"SECURITY": "ssl", "CERTIFICATE": "c.pem"}, "without WINBACK_KAFKA_CERTIFICATE_KEY"),
        ({"SECURITY": "ssl", "CERTIFICATE_KEY": "k"}, "without WINBACK_KAFKA_CERTIFICATE$"),
        ({"SECURITY": "ssl", "CERTIFICATE_PASSWORD": SECRET}, "without WINBACK_KAFKA_CERTIFICATE$"),
    ],
)
def test_what_cannot_be_is_refused_and_no_secret_shown(stated: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        security(**stated)
    assert caught.value.exit_code == 2
    assert SECRET not in caught.value.message + caught.value.hint


def refusal(authority: Authority, name: str, begin: timedelta, end: timedelta) -> str:
    pair = authority.issue(name, begin=begin, end=end)
    with pytest.raises(UserError) as caught:
        security(SECURITY="ssl", CERTIFICATE=pair.certificate, CERTIFICATE_KEY=pair.key)
    return caught.value.message


def test_a_certificate_that_is_not_valid_now_is_told_before_anything_connects(
    authority: Authority,
) -> None:
    assert "it expired at 20" in refusal(authority, "old", -2 * DAY, -DAY)
    assert "is the clock of this machine right?" in refusal(authority, "young", DAY, 2 * DAY)


def test_a_key_that_does_not_fit_or_does_not_open_is_told(
    authority: Authority, tmp_path: Path
) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    sealed = authority.issue("locked", password=SECRET)
    broken = tmp_path / "broken.pem"
    broken.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for certificate, key, password, says in (
        (one.certificate, other.key, "", "it is not the key of"),
        (one.certificate, one.certificate, "", "not a key in PEM"),
        (sealed.certificate, sealed.key, "", "CERTIFICATE_PASSWORD is not set"),
        (sealed.certificate, sealed.key, "wrong-" + SECRET, "does not open it"),
        (broken, one.key, "", "not a certificate in PEM"),
    ):
        with pytest.raises(UserError, match=says) as caught:
            security(SECURITY="ssl", CERTIFICATE=certificate, CERTIFICATE_KEY=key,
                     CERTIFICATE_PASSWORD=password)  # fmt: skip
        assert SECRET not in caught.value.message
    with pytest.raises(UserError, match="WINBACK_KAFKA_CA"):
        security(SECURITY="ssl", CA=broken)


def test_a_password_without_tls_cannot_even_be_thought() -> None:
    with pytest.raises(AssertionError, match="a password needs TLS"):
        Security(login=Login("PLAIN", "ada", SECRET))


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET + "\n")
    found = security(SECURITY="sasl_ssl", USERNAME="ada", PASSWORD_FILE=tmp_path / "password")
    assert found.login is not None
    assert found.login.password == SECRET


def test_nothing_shows_a_secret(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """Clients of Kafka write all their options to the log when they start."""
    stated = {**USER, "BOOTSTRAP": "127.0.0.1:1", "CA": str(authority.ca)}
    settings, _ = load_sender_settings({f"{PREFIX}KAFKA_{n}": v for n, v in stated.items()})
    cluster = cluster_of(settings)
    with caplog.at_level(logging.DEBUG), pytest.raises(KafkaError):
        KafkaAdminClient(**cluster.options(), bootstrap_timeout_ms=100)
    assert "sasl_plain_password" in caplog.text
    shown = [caplog.text, repr(settings), str(settings), repr(cluster), str(cluster),
             repr(cluster.options()), f"{cluster.security}"]  # fmt: skip
    assert not any(SECRET in text for text in shown)
