"""Ask Kafka who may do what, and have it say so."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.errors import Exit, UserError
from streams.runtime.acls import Acl, Kind, Operation

EVERYBODY: Final = "User:*"
_ANYWHERE: Final = "*"
_KINDS: Final = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTION: ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS: Final = {
    Operation.READ: ACLOperation.READ,
    Operation.WRITE: ACLOperation.WRITE,
    Operation.CREATE: ACLOperation.CREATE,
    Operation.DESCRIBE: ACLOperation.DESCRIBE,
    Operation.ALTER: ACLOperation.ALTER,
    Operation.DESCRIBE_CONFIGS: ACLOperation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS: ACLOperation.ALTER_CONFIGS,
}
_ANY: Final = ACLFilter(
    principal=None, host=None, operation=ACLOperation.ANY, permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)  # fmt: skip


class Compared(NamedTuple):
    """The catalogue beside what Kafka says.

    Attributes:
        there: Lines of the catalogue that Kafka has.
        missing: Lines that it has not.
        more: What else our principals, or everybody, may or must not do, in words.
    """

    there: tuple[Acl, ...]
    missing: tuple[Acl, ...]
    more: tuple[str, ...]


def compare(client: Any, wanted: Sequence[Acl]) -> Compared:
    """Compare the catalogue with what Kafka says.

    Raises:
        UserError: Kafka has no authorizer, or does not tell us.
    """
    found, error = client.describe_acls(_ANY)
    if int(getattr(error, "errno", 0)):
        raise UserError(
            f"Kafka does not tell its ACLs ({error})",
            "it needs an authorizer, and this user Describe on the cluster",
            Exit.FAILED,
        )
    ours = {_native(acl): acl for acl in wanted}
    there = {each for each in found if each in ours}
    principals = {acl.principal for acl in wanted} | {EVERYBODY}
    more = [each for each in found if each.principal in principals and each not in ours]
    return Compared(
        tuple(acl for native, acl in ours.items() if native in there),
        tuple(acl for native, acl in ours.items() if native not in there),
        tuple(sorted(map(_words, more))),
    )


def create(client: Any, missing: Iterable[Acl]) -> None:
    """Have Kafka allow what the catalogue lists.

    Raises:
        UserError: It refuses; what it has taken stays.
    """
    faults = client.create_acls([_native(acl) for acl in missing])["failed"]
    if faults:
        raise UserError(
            f"Kafka does not take {len(faults)} ACLs: {faults[0]}",
            "it needs an authorizer, and this user Alter on the cluster",
            Exit.FAILED,
        )


def _native(acl: Acl) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if acl.is_prefix else ACLResourcePatternType.LITERAL
    return ACL(
        acl.principal, _ANYWHERE, _OPERATIONS[acl.operation], ACLPermissionType.ALLOW,
        ResourcePattern(_KINDS[acl.kind], acl.name, pattern),
    )  # fmt: skip


def _words(each: ACL) -> str:
    about = each.resource_pattern
    return (
        f"{each.principal} {each.permission_type.name.lower()} {each.operation.name.lower()} "
        f"{about.resource_type.name.lower()} {about.pattern_type.name.lower()} "
        f"{about.resource_name} from {each.host}"
    )
