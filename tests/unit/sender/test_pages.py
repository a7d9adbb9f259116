"""The pages about senders say what the catalogues in code say."""

from pathlib import Path

from click.testing import CliRunner

from winback_sender.adapters.roster import ROSTER
from winback_sender.cli import group_of
from winback_sender.cluster import Cluster
from winback_sender.commands.pages import markdown

DOCS = Path(__file__).parents[3] / "docs"
SENDER = group_of(lambda settings, _: Cluster.plain(settings.kafka_bootstrap), has_embedded=False)


def test_the_page_of_settings_is_that_of_the_code() -> None:
    assert (DOCS / "sender-settings.md").read_text(encoding="utf-8") == markdown(), "run: make docs"


def test_every_adapter_is_listed_with_what_it_needs() -> None:
    said = CliRunner().invoke(SENDER, ["adapters"]).output
    assert all(f"{name}  (" in said for name in ROSTER)
    assert "WINBACK_SENDER_ALIYUN_ACCESS_KEY_SECRET, needed" in said


def test_a_secret_is_hidden_among_the_settings_in_force() -> None:
    said = CliRunner(env={"WINBACK_ID_KEY": "0123456789abcdef-secret"}).invoke(SENDER, ["settings"])
    assert "0123456789abcdef" not in said.output
    assert "WINBACK_ID_KEY" in said.output
