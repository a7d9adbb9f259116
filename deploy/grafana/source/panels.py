# ruff: noqa: INP001 (run from the repository, never installed)
"""Panels of dashboards: what is asked of Prometheus, and how it is shown."""

from typing import Final, Literal, NamedTuple

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef

SOURCE: Final = "${source}"
HEIGHT: Final = 8
WIDE: Final = 24


class Query(NamedTuple):
    """What Prometheus is asked.

    Attributes:
        expr: In PromQL.
        legend: Name of a line; labels in double braces.
        has_exemplars: Whether the ids of single touches are shown beside it.
    """

    expr: str
    legend: str = ""
    has_exemplars: bool = False


class Panel(NamedTuple):
    """One picture.

    Attributes:
        title: What it shows.
        says: How to read it, and which alert is near.
        unit: Grafana's word for it: s, reqps, short, percentunit, bytes.
        queries: What is asked.
        kind: Lines over time, or the newest number.
        width: Of 24.
    """

    title: str
    says: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["series", "number"] = "series"
    width: int = 8


class Row(NamedTuple):
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """A dashboard.

    Attributes:
        uid: Its name in addresses; never changes.
        title: Its name for people.
        says: Whom it is for.
        rows: Its panels.
    """

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]


def built(board: Board) -> dashboard.Dashboard:
    """Return a dashboard as Grafana's SDK builds it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.says)
        .tags(["winback"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
        )
    )
    for row in board.rows:
        made = made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(_panel(panel))
    return made


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel:
    made = stat.Panel() if panel.kind == "number" else _lines()
    made = (
        made.title(panel.title)
        .description(panel.says)
        .unit(panel.unit)
        .datasource(DataSourceRef(type_val="prometheus", uid=SOURCE))
        .span(panel.width)
        .height(HEIGHT)
    )
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expr)
        target = target.legend_format(query.legend).exemplar(query.has_exemplars)
        target = target.instant() if panel.kind == "number" else target.range()
        made = made.with_target(target)
    return made


def _lines() -> timeseries.Panel:
    # Legends are options of the panel, in a builder of their own.
    from grafana_foundation_sdk.builders import common  # noqa: PLC0415 (its name is ours elsewhere)

    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003 (the SDK's)
    )
    return timeseries.Panel().fill_opacity(8).legend(legend)
