# ruff: noqa: INP001 (run from the repository, never installed)
"""``python -m deploy.grafana.source``: write the dashboards that Grafana reads."""

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source import funnel, models, senders, service_health
from deploy.grafana.source.panels import built

BOARDS: Final = (service_health.BOARD, funnel.BOARD, models.BOARD, senders.BOARD)
FOLDER: Final = Path(__file__).resolve().parents[1] / "dashboards"


def pages() -> dict[Path, str]:
    """Return the text of every dashboard, by its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {
        FOLDER / f"{board.uid}.json": encoder.encode(built(board).build()) + "\n"
        for board in BOARDS
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
