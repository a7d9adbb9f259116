"""Every client of Kafka is let in as the settings say: none is made without a `Cluster`."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLIENTS = {
    "AIOKafkaAdminClient", "AIOKafkaClient", "AIOKafkaConsumer", "AIOKafkaProducer",
    "KafkaAdminClient", "KafkaConsumer", "KafkaProducer",
}  # fmt: skip


def constructions(path: Path) -> Iterator[ast.Call]:
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text if "Kafka" in text else "")):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CLIENTS:
            yield node


def has_options(call: ast.Call) -> bool:
    """Return whether it is told ``**cluster.options()``, and no address beside that."""
    spread = [ast.unparse(each.value) for each in call.keywords if each.arg is None]
    names = {each.arg for each in call.keywords}
    return any(text.endswith("cluster.options()") for text in spread) and not any(
        name and name.startswith(("bootstrap_servers", "security", "sasl", "ssl")) for name in names
    )


def test_no_client_is_made_without_the_options_of_a_cluster() -> None:
    paths = [*ROOT.glob("streams/**/*.py"), *ROOT.glob("sender/winback_sender/**/*.py")]
    found = [(path, call) for path in paths for call in constructions(path)]
    assert len(found) > 15
    bare = [f"{path}:{call.lineno}" for path, call in found if not has_options(call)]
    assert not bare


def test_a_bare_client_would_be_found() -> None:
    for text in (
        "KafkaConsumer(bootstrap_servers='a:1')", "AIOKafkaProducer()",
        "KafkaProducer(**cluster.options(), security_protocol='PLAINTEXT')",
    ):  # fmt: skip
        call = ast.parse(text).body[0].value  # type: ignore[attr-defined]
        assert not has_options(call)
