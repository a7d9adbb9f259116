"""Operator settings: where things are and how they run, from ``WINBACK_*`` variables.

The fields of ``Settings`` are the catalogue: name, type, bounds, default, unit and meaning stand in
one place, and ``docs/settings.md`` is written from it. Business numbers are rules, not settings.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta

from streams.errors import UserError

PREFIX: Final = "WINBACK_"
DEVELOPMENT_KEY: Final = "winback-development-key"

_HOST_PORT: Final = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}"

Bootstrap = Annotated[
    str, Meta(title="host:port[,host:port…]", pattern=rf"^({_HOST_PORT}(,\s*{_HOST_PORT})*)?$")
]
Topic = Annotated[str, Meta(title="a Kafka name", pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Secret = Annotated[str, Meta(title="text of at least 16 characters", min_length=16)]


def _says(meaning: str, unit: str = "", *, is_secret: bool = False) -> Meta:
    return Meta(description=meaning, extra={"unit": unit, "is_secret": is_secret})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides. Read once by ``load_settings`` and handed on."""

    kafka_bootstrap: Annotated[
        Bootstrap,
        _says(
            "Kafka brokers as `host:port`, several separated by commas. "
            "Empty: the running embedded Kafka."
        ),
    ] = ""
    data_dir: Annotated[
        str, _says("Where the embedded Kafka keeps its data. Empty: under the user's data home.")
    ] = ""
    app_id: Annotated[
        Topic, _says("Name of this deployment: consumer groups, transactions, changelog.")
    ] = "winback"
    rules: Annotated[str, _says("Path of the business rules (YAML). Empty: the shipped ones.")] = ""
    clock: Annotated[
        Literal["wall", "event"],
        _says(
            "What makes timers due: `wall` for live traffic, `event` for a log that is fed in "
            "(only events and watermark records move time)."
        ),
    ] = "wall"
    topic_activity: Annotated[Topic, _says("In: what users do.")] = "user-activity"
    topic_touches: Annotated[Topic, _says("Out: touches for the senders.")] = "win-back"
    topic_feedback: Annotated[Topic, _says("In: what happened to each touch.")] = (
        "win-back-feedback"
    )
    topic_decisions: Annotated[Topic, _says("Out: every decision with its reason.")] = (
        "win-back-decisions"
    )
    topic_examples: Annotated[Topic, _says("Internal: matured training examples.")] = (
        "churn-examples"
    )
    topic_models: Annotated[Topic, _says("Internal: signed model snapshots.")] = "churn-models"
    topic_control: Annotated[Topic, _says("Internal: orders of operators to every worker.")] = (
        "winback-control"
    )
    topic_dead_letters: Annotated[Topic, _says("Out: records that could not be understood.")] = (
        "winback-dead-letters"
    )
    topic_journal: Annotated[Topic, _says("Internal: the order in which inputs were taken.")] = (
        "winback-journal"
    )
    partitions: Annotated[
        int,
        Meta(ge=1, le=4096),
        _says("Partitions of the co-partitioned topics when `topics apply` makes them."),
    ] = 4
    replication: Annotated[
        int, Meta(ge=1, le=15), _says("Replicas of the topics when `topics apply` makes them.")
    ] = 1
    model_file: Annotated[
        str, _says("A frozen model; then no newer one is followed. Empty: follow the learner.")
    ] = ""
    model_key: Annotated[
        Secret,
        _says("Secret that signs model snapshots, shared by learner and workers.", is_secret=True),
    ] = DEVELOPMENT_KEY
    id_key: Annotated[
        Secret,
        _says(
            "Secret that ids of touches and cases, and pseudonyms in logs, are made with. Workers "
            "and replays that are to agree share it; another one gives every touch a new id.",
            is_secret=True,
        ),
    ] = DEVELOPMENT_KEY
    web_host: Annotated[str, _says("Address of `/metrics` and `/health`.")] = "127.0.0.1"
    web_port: Annotated[
        int, Meta(ge=0, le=65535), _says("Port of `/metrics` and `/health`; 0 takes a free one.")
    ] = 6066
    session_timeout_s: Annotated[
        float,
        Meta(ge=1, le=300),
        _says(
            "Silence after which the group takes a worker for dead. Not below the broker's "
            "`group.min.session.timeout.ms`.",
            "s",
        ),
    ] = 10.0
    commit_interval_s: Annotated[
        float, Meta(ge=0.01, le=10), _says("Shortest time between two commits of a lane.", "s")
    ] = 0.1
    chunk_max: Annotated[
        int, Meta(ge=1, le=100_000), _says("Most records a lane takes at once.", "records")
    ] = 8000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _says("Least important log line printed.")
    ] = "info"

    @property
    def topic_users_changelog(self) -> str:
        """Name of the changelog of the users' state; Faust derives it from the app's id."""
        return f"{self.app_id}-users-changelog"

    @property
    def has_development_key(self) -> bool:
        """Whether anybody could sign a model or tell whose an id is: say so in the log."""
        return DEVELOPMENT_KEY in {self.model_key, self.id_key}


class Entry(NamedTuple):
    """One line of the catalogue."""

    variable: str
    field: str
    type: str
    default: str
    unit: str
    meaning: str
    is_secret: bool


def catalogue() -> Iterator[Entry]:
    """Yield every setting in the order of ``Settings``."""
    for field in msgspec.structs.fields(Settings):
        metas = [meta for meta in field.type.__metadata__ if isinstance(meta, Meta)]
        said = metas[-1]  # by _says
        assert said.extra is not None
        yield Entry(
            variable=PREFIX + field.name.upper(),
            field=field.name,
            type=_type_text(field.type.__origin__, metas),
            default=str(field.default),
            unit=said.extra["unit"],
            meaning=said.description or "",
            is_secret=said.extra["is_secret"],
        )


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; an empty variable counts as not set.

    Raises:
        UserError: A variable is unknown or its value cannot be; all faults are named at once.
    """
    entries = {entry.variable: entry for entry in catalogue()}
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    faults = []
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(PREFIX) or not text:
            continue
        if variable not in entries:
            faults.append(f"unknown setting {variable}{_nearest(variable, list(entries))}")
            continue
        entry = entries[variable]
        try:
            values[entry.field] = msgspec.convert(text, types[entry.field], strict=False)
        except msgspec.ValidationError:
            shown = "(hidden)" if entry.is_secret else repr(text)
            faults.append(f"{variable} = {shown}, but it must be {entry.type}")
    if faults:
        raise UserError("; ".join(faults), "`winback settings` prints all settings")
    settings = Settings(**values)
    _demand_distinct_topics(settings)
    return settings


def markdown() -> str:
    """Return ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from `streams/settings.py`.",
        "Read from the environment once, at start; an unknown `WINBACK_*` variable is an error.",
        "",
        "| variable | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for entry in catalogue():
        default = f"`{entry.default}`" if entry.default else "(empty)"
        unit = f" ({entry.unit})" if entry.unit else ""
        lines.append(f"| `{entry.variable}` | {entry.type}{unit} | {default} | {entry.meaning} |")
    return "\n".join([*lines, ""])


def absolute(path: str) -> Path:
    """Return a path of a setting, ``~`` resolved."""
    return Path(path).expanduser().absolute()


def _demand_distinct_topics(settings: Settings) -> None:
    users: dict[str, str] = {settings.topic_users_changelog: "the changelog of WINBACK_APP_ID"}
    for entry in catalogue():
        if entry.field.startswith("topic_"):
            name = getattr(settings, entry.field)
            if name in users:
                raise UserError(
                    f"{entry.variable} = {name!r} is also {users[name]}",
                    "give every topic a name of its own",
                )
            users[name] = entry.variable


def _type_text(origin: Any, metas: list[Meta]) -> str:
    for meta in metas:
        if meta.title is not None:
            return meta.title
        if meta.ge is not None and meta.le is not None:
            kind = "a whole number" if origin is int else "a number"
            return f"{kind} from {meta.ge:g} to {meta.le:g}"
    if get_origin(origin) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(origin))
    return "text"


def _nearest(variable: str, known: list[str]) -> str:
    near = difflib.get_close_matches(variable, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
