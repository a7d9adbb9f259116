"""What every sender is told by the environment; adapters have settings of their own."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from winback_sender.keys import DEVELOPMENT_KEY, SECRET_CHARACTERS_MIN, KeyRing, ring_of
from winback_sender.settings_catalogue import PREFIX, load, says, shown

SENDER_PREFIX: Final = f"{PREFIX}SENDER_"
"""Of the settings that senders alone have; the service passes over them."""

_HOST_PORT: Final = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}"

Bootstrap = Annotated[
    str, Meta(title="host:port[,host:port…]", pattern=rf"^({_HOST_PORT}(,\s*{_HOST_PORT})*)?$")
]
Topic = Annotated[str, Meta(title="a Kafka name", pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Secret = Annotated[
    str, Meta(title="text of at least 16 characters", min_length=SECRET_CHARACTERS_MIN)
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that senders share with the service: ``WINBACK_*``."""

    kafka_bootstrap: Annotated[
        Bootstrap,
        says(
            "Kafka brokers as `host:port`, several separated by commas. "
            "Empty: the running embedded Kafka."
        ),
    ] = ""
    kafka_security: Annotated[
        Literal["plaintext", "ssl", "sasl_ssl"],
        says(
            "How one is let in: `sasl_ssl` by user and password, `ssl` by a certificate or by "
            "none. A password never travels in plain text, so there is no `sasl_plaintext`."
        ),
    ] = "plaintext"
    kafka_sasl_mechanism: Annotated[
        Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"],
        says("How the password is proven under `sasl_ssl`."),
    ] = "SCRAM-SHA-512"
    kafka_username: Annotated[str, says("User of Kafka under `sasl_ssl`.")] = ""
    kafka_password: Annotated[
        str, says("Password of that user, under `sasl_ssl`.", is_secret=True)
    ] = ""
    kafka_ca: Annotated[
        str,
        says("Path of the authorities (PEM) that sign the brokers' certificates. Empty: those "
             "that the machine trusts."),
    ] = ""  # fmt: skip
    kafka_certificate: Annotated[
        str, says("Path of our certificate (PEM), where brokers want one.")
    ] = ""
    kafka_certificate_key: Annotated[
        str, says("Path of its private key (PEM); may be the same file.")
    ] = ""
    kafka_certificate_password: Annotated[
        str, says("Password of that key, if it is encrypted.", is_secret=True)
    ] = ""
    app_id: Annotated[
        Topic, says("Name of this deployment: consumer groups, transactions, changelog.")
    ] = "winback"
    clock: Annotated[
        Literal["wall", "event"],
        says(
            "What makes timers due: `wall` for live traffic, `event` for a log that is fed in "
            "(only events and watermark records move time)."
        ),
    ] = "wall"
    topic_touches: Annotated[Topic, says("Out: touches for the senders.")] = "win-back"
    topic_feedback: Annotated[Topic, says("In: what happened to each touch.")] = "win-back-feedback"
    topic_dead_letters: Annotated[Topic, says("Out: records that could not be understood.")] = (
        "winback-dead-letters"
    )
    id_key: Annotated[
        Secret,
        says(
            "Secret that ids of touches and cases, and pseudonyms in logs, are made with. Workers, "
            "replays and senders that are to agree share it; docs/keys.md says how it is changed.",
            is_secret=True,
        ),
    ] = DEVELOPMENT_KEY
    id_keys_before: Annotated[
        str,
        says(
            "Former `WINBACK_ID_KEY`s, each with the instant until which it was in force, oldest "
            "first: `2026-11-01T00:00Z=secret,…`. What was made with them stays as it is.",
            is_secret=True,
        ),
    ] = ""
    web_token: Annotated[
        str,
        Meta(title="text of at least 16 characters", pattern=r"^(\S{16,})?$"),
        says(
            "Secret that who reads `/metrics` and all of `/health` shows "
            "(`Authorization: Bearer …`). Needed where the address is not this machine's own.",
            is_secret=True,
        ),
    ] = ""
    session_timeout_s: Annotated[
        float,
        Meta(ge=1, le=300),
        says(
            "Silence after which the group takes a worker for dead. Not below the broker's "
            "`group.min.session.timeout.ms`.",
            "s",
        ),
    ] = 10.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], says("Least important log line printed.")
    ] = "info"

    def __repr__(self) -> str:
        return shown(self)

    @property
    def id_keys(self) -> KeyRing:
        """Every secret that ids were made with.

        Raises:
            UserError: The former ones cannot be read.
        """
        return ring_of(self.id_key, self.id_keys_before, f"{PREFIX}ID_KEYS_BEFORE")


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that every sender has: ``WINBACK_SENDER_*``."""

    group: Annotated[
        str, says("Consumer group. Empty: from WINBACK_APP_ID and the channels that are sent.")
    ] = ""
    state: Annotated[
        str,
        says(
            "Directory of the journal, which remembers what was sent; all senders of a group "
            "share it. Empty: under the user's data home."
        ),
    ] = ""
    parallel: Annotated[
        int, Meta(ge=1, le=1_000), says("Touches under way at the same time, of different users.")
    ] = 128
    other_channels: Annotated[
        Literal["pass", "refuse"],
        says(
            "Touches of a channel that is not sent here: `pass` leaves them to another sender, "
            "`refuse` reports them as failed, unknown_channel."
        ),
    ] = "pass"
    web_host: Annotated[str, says("Address of `/metrics`, `/health` and the call-backs.")] = (
        "127.0.0.1"
    )
    web_port: Annotated[
        int,
        Meta(ge=0, le=65_535),
        says("Port of `/metrics`, `/health` and the call-backs; 0 takes a free one."),
    ] = 6067
    templates: Annotated[
        str, says("Path of the templates (YAML): template key to the provider's template.")
    ] = ""
    law: Annotated[
        str, says("Path of what is changed in the channel law (YAML), each with a reason.")
    ] = ""
    addresses: Annotated[
        str,
        says("Where addresses are: `csv:PATH`, `sql:URL`, `http://…` or `https://…`."),
    ] = ""
    unknown_after_s: Annotated[
        float,
        Meta(ge=1, le=86_400),
        says("A touch that is unknown is asked about for so long.", "s"),
    ] = 86_400.0


def load_sender_settings(environ: Mapping[str, str]) -> tuple[Settings, SenderSettings]:
    """Return the settings of an environment.

    Raises:
        UserError: A value cannot be; all faults are named at once.
    """
    return load(Settings, environ), load(SenderSettings, environ, SENDER_PREFIX)
