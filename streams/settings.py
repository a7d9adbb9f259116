"""Operator settings: where things are and how they run, from ``WINBACK_*`` variables.

The fields of ``Settings`` are the catalogue: name, type, bounds, default, unit and meaning stand in
one place, and ``docs/settings.md`` is written from it. Business numbers are rules, not settings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from streams.errors import UserError
from winback_sender.http.guard import demand_hidden
from winback_sender.keys import DEVELOPMENT_KEY, accepted
from winback_sender.settings import SENDER_PREFIX, Secret, Topic
from winback_sender.settings import Settings as Shared
from winback_sender.settings_catalogue import FILE, PREFIX, catalogue, load, says, table, unknown


class Settings(Shared, frozen=True, kw_only=True):
    """What the operator decides: what senders share, and what the service alone has.

    Read once by ``load_settings`` and handed on.
    """

    data_dir: Annotated[
        str,
        says(
            "Where the embedded Kafka keeps its data, and workers their state files (`state/`). "
            "Empty: under the user's data home."
        ),
    ] = ""
    state_files_every_s: Annotated[
        float,
        Meta(ge=0, le=21_600),
        says(
            "Least time between two state files of a partition: from them a restart on the same "
            "machine takes half the time. 0: none are written or read.",
            "s",
        ),
    ] = 600.0
    rules: Annotated[str, says("Path of the business rules (YAML). Empty: the shipped ones.")] = ""
    topic_activity: Annotated[Topic, says("In: what users do.")] = "user-activity"
    topic_decisions: Annotated[Topic, says("Out: every decision with its reason.")] = (
        "win-back-decisions"
    )
    topic_examples: Annotated[Topic, says("Internal: matured training examples.")] = (
        "churn-examples"
    )
    topic_models: Annotated[Topic, says("Internal: signed model snapshots.")] = "churn-models"
    topic_control: Annotated[Topic, says("Internal: orders of operators to every worker.")] = (
        "winback-control"
    )
    topic_journal: Annotated[Topic, says("Internal: the order in which inputs were taken.")] = (
        "winback-journal"
    )
    topic_identity: Annotated[
        Topic, says("Internal: what the partitions tell each other of ids that are one person.")
    ] = "winback-identity"
    schema_registry_url: Annotated[
        str,
        Meta(title="http(s)://…, no password", pattern=r"^(https?://[^\s@]+)?$"),
        says("Schema registry of topics in Avro or Protobuf, as `http://registry:8081`."),
    ] = ""
    schema_registry_auth: Annotated[
        str,
        Meta(title="user:password", pattern=r"^(\S*:.*)?$"),
        says("`user:password` for the schema registry.", is_secret=True),
    ] = ""
    router_begin: Annotated[
        Literal["oldest", "newest"],
        says("With which record the router begins a partition that it has never read."),
    ] = "oldest"
    partitions: Annotated[
        int,
        Meta(ge=1, le=4096),
        says("Partitions of the co-partitioned topics when `topics apply` makes them."),
    ] = 4
    replication: Annotated[
        int, Meta(ge=1, le=15), says("Replicas of the topics when `topics apply` makes them.")
    ] = 1
    model_file: Annotated[
        str, says("A frozen model; then no newer one is followed. Empty: follow the learner.")
    ] = ""
    model_key: Annotated[
        Secret,
        says("Secret that signs model snapshots, shared by learner and workers.", is_secret=True),
    ] = DEVELOPMENT_KEY
    model_keys_accepted: Annotated[
        str,
        says(
            "Other secrets whose signatures are accepted, separated by commas: the former "
            "`WINBACK_MODEL_KEY`, or the next one.",
            is_secret=True,
        ),
    ] = ""
    web_host: Annotated[str, says("Address of `/metrics` and `/health`.")] = "127.0.0.1"
    web_port: Annotated[
        int, Meta(ge=0, le=65535), says("Port of `/metrics` and `/health`; 0 takes a free one.")
    ] = 6066
    console_host: Annotated[str, says("Address of the pages of `winback console`.")] = "127.0.0.1"
    console_port: Annotated[
        int, Meta(ge=0, le=65535), says("Port of these pages; 0 takes a free one.")
    ] = 6070
    decisions_kept_days: Annotated[
        int,
        Meta(ge=1, le=3_650),
        says("Decisions are kept so long; those of whom is erased go sooner.", "days"),
    ] = 180
    dead_letters_kept_days: Annotated[
        int,
        Meta(ge=1, le=28),
        says(
            "Dead letters are kept so long; an erasure waits for it, so a month is the end.", "days"
        ),
    ] = 28
    commit_interval_s: Annotated[
        float, Meta(ge=0.01, le=10), says("Shortest time between two commits of a lane.", "s")
    ] = 0.1
    users_max: Annotated[
        int,
        Meta(ge=1, le=100_000_000),
        says("Most users of a partition, some 800 B each; beyond it nobody new is taken in."),
    ] = 2_000_000
    fuse_share: Annotated[
        float,
        Meta(gt=0, le=1),
        says("An input is not read on when more of its records are rejected; 1: it is, always."),
    ] = 0.5
    fuse_records: Annotated[
        int,
        Meta(ge=10, le=1_000_000),
        says("The share is taken of so many records of a partition in a row.", "records"),
    ] = 1_000
    chunk_max: Annotated[
        int, Meta(ge=1, le=100_000), says("Most records a lane takes at once.", "records")
    ] = 8000
    native: Annotated[
        Literal["on", "off"],
        says("Off: Python does what C would; the same comes out, in twice the CPU."),
    ] = "on"

    @property
    def topic_users_changelog(self) -> str:
        """Name of the changelog of the users' state; Faust derives it from the app's id."""
        return f"{self.app_id}-users-changelog"

    def router_id(self, topic: str) -> str:
        """Return the id of the router of a topic: its group and its fence are named after it."""
        return f"{self.app_id}-router-{topic}"

    def router_changelog(self, topic: str) -> str:
        """Return the topic in which the router of a topic keeps how far it has come."""
        return f"{self.router_id(topic)}-changelog"

    @property
    def model_keys(self) -> tuple[bytes, ...]:
        """Secrets that models may be signed with; the first one signs.

        Raises:
            UserError: One is too short.
        """
        others = f"{PREFIX}MODEL_KEYS_ACCEPTED"
        return accepted(self.model_key, self.model_keys_accepted, others)

    @property
    def has_development_key(self) -> bool:
        """Whether anybody could sign a model or tell whose an id is: say so in the log."""
        return self.id_key == DEVELOPMENT_KEY or DEVELOPMENT_KEY.encode() in self.model_keys


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; an empty variable counts as not set.

    Raises:
        UserError: A variable is unknown or its value cannot be; all faults are named at once.
    """
    environ = {name: text for name, text in environ.items() if not name.startswith(SENDER_PREFIX)}
    entries = [*catalogue(Settings)]
    files = [f"{entry.variable}{FILE}" for entry in entries if entry.is_secret]
    faults = unknown(environ, [entry.variable for entry in entries] + files)
    try:
        settings = load(Settings, environ)
    except UserError as error:
        raise UserError("; ".join([*faults, error.message]), error.hint) from None
    if faults:
        raise UserError("; ".join(faults), "`winback settings` prints all settings")
    _demand_distinct_topics(settings)
    _ = settings.id_keys, settings.model_keys  # What cannot be read is told now.
    registry, auth = settings.schema_registry_url, settings.schema_registry_auth
    demand_hidden(registry, auth, f"{PREFIX}SCHEMA_REGISTRY_AUTH")
    return settings


def markdown() -> str:
    """Return ``docs/settings.md``."""
    return "\n".join(
        [
            "# Settings",
            "",
            "Written by `make docs` from the catalogues in code.",
            "Read from the environment once, at start; what is not listed here is an error.",
            "A secret may also stand in a file: `NAME_FILE=path`.",
            "",
            *table(catalogue(Settings)),
            "",
        ]
    )


def absolute(path: str) -> Path:
    """Return a path of a setting, ``~`` resolved."""
    return Path(path).expanduser().absolute()


def _demand_distinct_topics(settings: Settings) -> None:
    users: dict[str, str] = {settings.topic_users_changelog: "the changelog of WINBACK_APP_ID"}
    for entry in catalogue(Settings):
        if entry.field.startswith("topic_"):
            name = getattr(settings, entry.field)
            if name in users:
                raise UserError(
                    f"{entry.variable} = {name!r} is also {users[name]}",
                    "give every topic a name of its own",
                )
            users[name] = entry.variable
