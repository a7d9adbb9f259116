"""What every role does in a secured world, from the first topic to the last look."""

from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions

from streams.runtime.topics import topics
from streams.settings import Settings, load_settings
from tests.security.broker import super_user
from tests.security.world import KIT_SENDER, ORDERS, Said, World, order


def run(world: World) -> None:
    """Have every role do its whole work, with exactly the ACLs of the catalogue."""
    done(world.winback("", "topics", "acls", "--apply"))
    world.log_decisions()
    make_topics(world)
    for role in ("pipeline", "learner", "router"):
        world.start(role)
    world.start("sender", KIT_SENDER)
    play(world)
    world.words = [*operate(world), *look(world)]
    world.end()
    migrate(world)
    world.decided = set(world.decisions())


def done(said: Said, *codes: int) -> Said:
    assert said.code in (codes or (0,)), said
    return said


def make_topics(world: World) -> None:
    """Make the topics, let others spoil them, and put them right."""
    done(world.winback("init", "topics", "apply", WINBACK_PARTITIONS="3"))
    settings = settings_of(world)
    with super_user(world.kafka.plain) as client:
        client.create_partitions({ORDERS: NewPartitions(4)})
        letters = settings.topic_dead_letters
        client.delete_topics([letters])
        world.wait_for(lambda: letters not in client.list_topics())
        client.create_topics({letters: {"num_partitions": 2, "replication_factor": 1}})
        world.wait_for(lambda: letters in client.list_topics())
        world.wait_for(lambda: len(client.describe_topics([ORDERS])[0]["partitions"]) == 4)
        names = [topic.name for topic in topics(settings)]
        for name in (*names, settings.router_changelog(ORDERS)):
            wrong = dict.fromkeys(
                ("retention.ms", "segment.ms", "max.compaction.lag.ms"), "31536000000000"
            )
            client.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name, wrong)], incremental=True
            )
    done(world.winback("init", "topics", "apply", WINBACK_PARTITIONS="3"))


def settings_of(world: World) -> Settings:
    return load_settings(
        {name: text for name, text in world.environ("").items() if name.startswith("WINBACK_")}
    )


def play(world: World) -> None:
    """Users look, buy, log in and complain; much of what stands on the topics is broken."""
    done(world.winback("feeder", "feed", str(world.complaints()), "--quiet"))
    world.publish(
        (ORDERS, b"1", order(1)), (ORDERS, b"2", order(2, "logged_in", device="tablet")),
        (ORDERS, b"3", b"{oops"), ("user-activity", b"x", b"{oops"),
        ("win-back-feedback", b"x", b"{oops"), ("win-back", b"x", b"{oops"),
    )  # fmt: skip
    calls = world.directory / "calls.txt"
    world.wait_for(lambda: calls.exists() and len(calls.read_text().split()) == 12)


def operate(world: World) -> list[Said]:
    world.wait_for(lambda: "4 open" in world.winback("letters", "dead-letters", "list").out)
    return [
        done(world.winback("operator", *words.split()))
        for words in (
            "models promote recency_v1", "control pause --playbook sorry", "control mode observe",
        )
    ] + [
        done(world.winback("letters", "dead-letters", *words.split()))
        for words in (
            "replay --force --yes --topic user-activity",  # it is rejected again
            "replay --force --yes --topic win-back-feedback",
            "discard --everything --because broken --yes",
        )
    ] + [
        done(world.winback("feeder", "coverage", *words.split()))
        for words in ("add --from 2023-12-01 --to 2023-12-02", "list")
    ] + [done(world.winback("eraser", "erase", "user-3", "--yes", "--wait", "20"))]  # fmt: skip


def migrate(world: World) -> None:
    """Carry the users over to other rules; no worker may run then."""
    rules = world.directory / "new.yaml"
    rules.write_text(world.rules.read_text().replace("horizon: 8d", "horizon: 10d"))
    done(world.winback("migrator", "state", "migrate", "--history", "topic", "--rules", str(rules)))
    done(world.winback("migrator", "bootstrap", str(world.complaints())), 2)  # There is a state.


def look(world: World) -> list[Said]:
    return [
        done(world.winback("reader", *words.split()), 0, 1)  # 1: something is found
        for words in (
            "doctor", "report", "explain user-1", "state export", "models list", "control",
            "erased user-3 --no-files",  # it reads every topic
        )
    ]  # fmt: skip
