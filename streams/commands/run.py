"""``winback run``: the service itself."""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.errors import Exit, UserError
from streams.own_keys import demand_own_keys
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.core.sources import Source
    from streams.runtime.rules_watch import Loaded
    from winback_sender.cluster import Cluster


@click.command()
@click.option(
    "--role",
    type=click.Choice(["pipeline", "learner", "router", "all"]),
    default="all",
    show_default=True,
    help="What this process does; all: one of each, side by side.",
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="NAME",
    help="Of the router: only this topic; may be repeated. Default: all that the rules route.",
)
@click.option("--local", "is_local", is_flag=True, help="Start the embedded Kafka if need be.")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option(
    "--model-file",
    metavar="FILE",
    help="A frozen model, followed by no other. Default: WINBACK_MODEL_FILE.",
)
@click.option(
    "--clock",
    type=click.Choice(["wall", "event"]),
    help="What makes timers due. Default: WINBACK_CLOCK.",
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65535),
    help="Of /metrics and /health. Default: WINBACK_WEB_PORT.",
)
@click.option(
    "--skip-lost",
    is_flag=True,
    help="Go on behind records that Kafka deleted before they were read.",
)
def run(
    *,
    role: str,
    topics: tuple[str, ...],
    is_local: bool,
    rules: str | None,
    model_file: str | None,
    clock: str | None,
    web_port: int | None,
    skip_lost: bool,
) -> int:
    """Run the service until SIGTERM or Ctrl-C.

    The pipeline turns activity into touches; start as many as there are partitions to share them.
    The learner learns who leaves; a second one stands by.
    The router brings topics that are not keyed by user to the users' partitions.
    """
    from streams.runtime.page_places import demand_pages  # noqa: PLC0415 (quick --help)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415
    from winback_sender.doorstep import require_reachable  # noqa: PLC0415

    settings = _changed(
        load_settings(os.environ), rules=rules, model_file=model_file, clock=clock,
        web_port=web_port,
    )  # fmt: skip
    sources = _routed(settings, role, topics)
    routers = [["router", f"--topic={source.topic}"] for source in sources]
    roles = [["pipeline"], ["learner"], *routers] if role == "all" else routers or [[role]]
    demand_pages(settings, len(roles))
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    require_reachable(cluster)
    if len(roles) > 1:
        from streams.runtime.side_by_side import run_side_by_side  # noqa: PLC0415

        if role == "all":
            from streams.replay.rulebook import rules_at  # noqa: PLC0415
            from streams.runtime.topic_check import check_topics  # noqa: PLC0415

            all_sources = rules_at(settings.rules, settings.id_keys).sources
            asyncio.run(check_topics(settings, cluster, all_sources))  # all would complain
        return run_side_by_side(settings, cluster, roles, may_skip_lost=skip_lost)
    _work(role, settings, cluster, sources, may_skip_lost=skip_lost)
    return Exit.OK


def _routed(settings: Settings, role: str, topics: tuple[str, ...]) -> "tuple[Source, ...]":
    """Return the topics that are to be routed here.

    Raises:
        UserError: The rules cannot be used, or route none, or not one that is asked for.
    """
    from streams.core.routed import routed  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    if topics and role != "router":
        raise UserError("--topic is of --role router", "Leave it out.")
    if role not in {"router", "all"}:
        return ()
    sources = routed(rules_at(settings.rules, settings.id_keys).sources)
    known = {source.topic for source in sources}
    if unknown := sorted(set(topics) - known):
        routes = f"they route {', '.join(sorted(known))}" if known else "they route none"
        raise UserError(
            f"the rules do not route {', '.join(unknown)}; {routes}",
            "The router reads what stands under inputs: in the rules with keyed_by: anything.",
        )
    if role == "router" and not sources:
        raise UserError(
            "the rules route no topic",
            "Name topics under inputs: in the rules; keyed_by: anything goes through the router.",
        )
    return tuple(source for source in sources if not topics or source.topic in topics)


def _changed(settings: Settings, **given: Any) -> Settings:
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(settings, **changes)


def _loaded(settings: Settings, cluster: "Cluster") -> "Loaded":
    """Return the rules, their files, and a fingerprint of these.

    Raises:
        UserError: They cannot be used, or not with the keys that there are.
    """
    from streams.core.rules import fed  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.rule_files import watched  # noqa: PLC0415
    from streams.runtime.rules_watch import Loaded, version_of  # noqa: PLC0415

    rules = rules_at(settings.rules, settings.id_keys)
    if settings.clock == "event":
        rules = fed(rules)
    if rules.mode == "live":
        demand_own_keys(settings, cluster)
    files = watched(settings.rules)
    return Loaded(rules, files, version_of(files))


def _work(
    role: str,
    settings: Settings,
    cluster: "Cluster",
    sources: "tuple[Source, ...]" = (),
    *,
    may_skip_lost: bool,
) -> None:
    from streams.kernel.library import why_not  # noqa: PLC0415
    from streams.replay.run import model_at  # noqa: PLC0415
    from streams.runtime.roles import run_learner, run_pipeline  # noqa: PLC0415
    from streams.runtime.wait_for_kafka import wait_until_back  # noqa: PLC0415
    from streams.runtime.worker import BrokerAway  # noqa: PLC0415
    from winback_sender.logs import configure, get_logger  # noqa: PLC0415

    configure(settings.log_level, settings.id_key)
    loaded = _loaded(settings, cluster)
    rules = loaded.rules
    log = get_logger(__name__)
    if settings.has_development_key:
        log.warning("development_key", hint="set WINBACK_MODEL_KEY and WINBACK_ID_KEY to secrets")
    log.info("starting", role=role, kafka=str(cluster), app=settings.app_id, rules=rules.hash,
             version=loaded.version, kernel=why_not() or "native")  # fmt: skip
    path = settings.model_file
    scorer = model_at(path, settings.model_keys, rules) if path and role == "pipeline" else None
    try:
        if role == "learner":
            asyncio.run(
                run_learner(
                    settings, cluster, rules, port=settings.web_port, may_skip_lost=may_skip_lost
                )
            )
        elif role == "router":
            from streams.runtime.router_role import run_router  # noqa: PLC0415

            (source,) = sources
            asyncio.run(
                run_router(
                    settings, cluster, loaded, source,
                    load=lambda: _loaded(settings, cluster), may_skip_lost=may_skip_lost,
                )
            )  # fmt: skip
        else:
            asyncio.run(
                run_pipeline(
                    settings, cluster, loaded, scorer,
                    load=lambda: _loaded(settings, cluster), may_skip_lost=may_skip_lost,
                )
            )  # fmt: skip
    except BrokerAway as error:
        log.warning("kafka_away", reason=error.message, next="begin anew when it is back")
        asyncio.run(wait_until_back(settings, cluster, role))
        # A new process image is the one way that surely leaves nothing of the old state behind.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (ourselves)
