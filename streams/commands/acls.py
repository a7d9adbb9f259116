"""``winback topics acls``: the least that each role needs in Kafka, as commands, or done."""

import os
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from streams.commands.counted import counted
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.runtime.acls import Grant, Role

COMMON_NAME: Final = "CN="
TOOL: Final = "kafka-acls --bootstrap-server $KAFKA --command-config admin.properties --add"


@click.command(name="acls")
@click.option("--role", "only", multiple=True, metavar="ROLE", help="Only this one; repeatable.")
@click.option("--principal", "stated", multiple=True, metavar="ROLE=PRINCIPAL",
              help="As in pipeline=User:winback-pipeline; repeatable. "
                   "Default: User:<app id>-<role>.")  # fmt: skip
@click.option("--channel", "channels", multiple=True, metavar="CHANNEL[,CHANNEL…]",
              help="A sender with a principal of its own sends these; repeatable.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--strimzi", "as_strimzi", is_flag=True, help="Print KafkaUsers of Strimzi (YAML).")
@click.option("--check", "does_check", is_flag=True,
              help="Compare with the ACLs that Kafka has; exit code 1 when some are missing or "
                   "there are more.")  # fmt: skip
@click.option("--apply", "does_apply", is_flag=True, help="Make those that are missing.")
def acls_command(
    *,
    only: tuple[str, ...],
    stated: tuple[str, ...],
    channels: tuple[str, ...],
    rules: str | None,
    as_json: bool,
    as_strimzi: bool,
    does_check: bool,
    does_apply: bool,
) -> int:
    """Print the least that each role needs: commands of kafka-acls.

    \b
    winback topics acls --role pipeline
    winback topics acls --channel sms --principal sender-sms=User:sms-sender --json
    winback topics acls --check
    """  # noqa: D301  # \b is click's sign for lines as they are
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)
    from streams.runtime.acls import principals, roles  # noqa: PLC0415

    settings = load_settings(os.environ)
    book = rules_at(rules or settings.rules, settings.id_keys)
    made = _chosen(roles(settings, book.sources, channels), only)
    named = principals(made, settings, _stated(stated, [role.name for role in made]))
    if does_check or does_apply:
        return _hold_against_kafka(settings, made, named, as_json=as_json, does_apply=does_apply)
    if as_json:
        click.echo(msgspec.json.encode([_facts(role, named) for role in made]).decode())
    else:
        for line in (_strimzi if as_strimzi else _commands)(made, named):
            click.echo(line)
    return Exit.OK


def _chosen(made: "tuple[Role, ...]", only: tuple[str, ...]) -> "tuple[Role, ...]":
    names = [role.name for role in made]
    if unknown := sorted(set(only) - set(names)):
        raise UserError(f"there is no role {unknown[0]}", f"there are: {', '.join(names)}")
    return tuple(role for role in made if not only or role.name in only)


def _stated(words: Iterable[str], names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, sign, principal = word.partition("=")
        if name not in names or not sign or not principal.partition(":")[2]:
            raise UserError(
                f"--principal {word} cannot be",
                f"as in {names[0]}=User:name; there are: {', '.join(names)}",
            )
        found[name] = principal
    return found


def _facts(role: "Role", named: dict[str, str]) -> dict[str, Any]:
    grants = [
        {
            "kind": grant.kind, "name": grant.name, "operations": grant.operations,
            "pattern": _pattern(grant),
        }
        for grant in role.grants
    ]  # fmt: skip
    principal = named[role.name]
    return {"role": role.name, "principal": principal, "runs": role.what, "grants": grants}


def _pattern(grant: "Grant") -> str:
    return "prefixed" if grant.is_prefix else "literal"


def _commands(made: "Iterable[Role]", named: dict[str, str]) -> Iterator[str]:
    for role in made:
        yield f"# {role.name}: {role.what}"
        for grant in role.grants:
            words = ["--allow-principal", named[role.name]]
            for operation in grant.operations:
                words += ["--operation", operation]
            words += [f"--{grant.kind}", grant.name]
            words += ["--resource-pattern-type", "prefixed"] if grant.is_prefix else []
            yield f"{TOOL} {shlex.join(words)}"


def _strimzi(made: "Iterable[Role]", named: dict[str, str]) -> Iterator[str]:
    kinds = {"topic": "topic", "group": "group", "transactional-id": "transactionalId"}
    for role in made:
        acls = [
            {
                "resource": {
                    "type": kinds[grant.kind], "name": grant.name,
                    "patternType": "prefix" if grant.is_prefix else "literal",
                },
                "operations": [str(operation) for operation in grant.operations],
            }
            for grant in role.grants
        ]  # fmt: skip
        name = named[role.name].partition(":")[2]
        is_certificate = name.startswith(COMMON_NAME)  # Strimzi makes it of the name by itself
        user = {
            "apiVersion": "kafka.strimzi.io/v1beta2", "kind": "KafkaUser",
            "metadata": {"name": name.removeprefix(COMMON_NAME)},
            "spec": {
                "authentication": {"type": "tls" if is_certificate else "scram-sha-512"},
                "authorization": {"type": "simple", "acls": acls},
            },
        }  # fmt: skip
        yield f"---\n{msgspec.yaml.encode(user).decode().rstrip()}"


def _hold_against_kafka(
    settings: Settings,
    made: "tuple[Role, ...]",
    named: dict[str, str],
    *,
    as_json: bool,
    does_apply: bool,
) -> int:
    from streams.runtime.acl_admin import compare, create  # noqa: PLC0415 (quick --help)
    from streams.runtime.acls import acls  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415
    from winback_sender.doorstep import admin_client  # noqa: PLC0415

    with admin_client(resolve_cluster(settings, os.environ)) as client:
        found = compare(client, acls(made, named))
        if does_apply and found.missing:
            create(client, found.missing)
    if as_json:
        click.echo(msgspec.json.encode(found._asdict() | {"applied": does_apply}).decode())
    else:
        sign = "+" if does_apply else "missing"
        for acl in found.missing:
            name = f"{acl.name}*" if acl.is_prefix else acl.name
            click.echo(f"{sign} {acl.principal} {acl.operation} {acl.kind} {name}")
        for line in found.more:
            click.echo(f"more: {line}")
        click.echo(
            f"{counted(len(found.there), 'ACL')} there, {len(found.missing)} "
            f"{'made' if does_apply else 'missing'}, {len(found.more)} more than are needed"
        )
    is_well = not found.more and (does_apply or not found.missing)
    return Exit.OK if is_well else Exit.FAILED
