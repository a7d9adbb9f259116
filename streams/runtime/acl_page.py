"""Print ``docs/acls.md``: what each role may do, with the names of a deployment as it is shipped.

python -m streams.runtime.acl_page
"""

from typing import Final

from streams.core.rules_file import parse_rules
from streams.runtime.acls import Kind, Role, roles
from streams.settings import Settings

RULES: Final = """
inputs:
  app.orders: {format: json, keyed_by: anything, event: $.type, user: $.customer, id: $.order,
               time: {path: $.at, unit: ms}, map: [{event: paid, as: purchase, amount: $.total}]}
"""
HEAD: Final = """\
# What each role may do in Kafka

Written by `make docs` from the catalogue in code (`streams/runtime/acls.py`), for a deployment with
the names as they are shipped and one routed topic, `app.orders`.
`winback topics acls` prints it for yours: as commands of `kafka-acls`, as JSON, or for Strimzi;
`--apply` makes it so, `--check` compares. Everything else is refused. Read, Write and Alter imply
Describe, AlterConfigs implies DescribeConfigs. A `*` ends a prefix.
A test runs every role on a broker with an authorizer, with exactly this, and demands that each
line was needed ([security-kafka.md](security-kafka.md)).
"""
_WORDS: Final = {Kind.TOPIC: "", Kind.GROUP: "group ", Kind.TRANSACTION: "transactional id "}


def page() -> str:
    """Return the page."""
    made = roles(Settings(), parse_rules(RULES).sources)
    lines = ["", "| role | runs | may |", "|---|---|---|", *map(_row, made)]
    return HEAD + "\n".join(lines) + "\n"


def _row(role: Role) -> str:
    told: dict[str, list[str]] = {}
    for grant in role.grants:
        name = f"{_WORDS[grant.kind]}`{grant.name}{'*' if grant.is_prefix else ''}`"
        told.setdefault(", ".join(grant.operations), []).append(name)
    may = "<br>".join(f"**{operations}**: {', '.join(names)}" for operations, names in told.items())
    return f"| `{role.name}` | {role.what} | {may} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 (its output is its purpose)
