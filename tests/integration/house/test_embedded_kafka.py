"""The broker of tests: stops, kills and restarts that keep address and data."""

import pytest

from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.embedded.process import identity
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

pytestmark = pytest.mark.kafka


def test_address_and_data_live_through_kill_and_restart() -> None:
    with EmbeddedKafka() as kafka:
        bootstrap, directory = kafka.bootstrap, kafka.directory
        with admin_client(Cluster.plain(bootstrap)) as client:
            client.create_topics({"kept": {"num_partitions": 2}})

        for stop in (kafka.kill, kafka.stop):
            pid = kafka.pid
            stop()
            assert identity(pid) is None
            kafka.start()
            assert kafka.bootstrap == bootstrap
            with admin_client(Cluster.plain(bootstrap)) as client:
                assert client.list_topics() == ["kept"]
        pid = kafka.pid
    assert identity(pid) is None
    assert not directory.exists()


def test_two_brokers_stand_side_by_side(embedded_kafka: EmbeddedKafka) -> None:
    with EmbeddedKafka() as other:
        assert other.bootstrap != embedded_kafka.bootstrap
        with admin_client(Cluster.plain(other.bootstrap)) as client:
            assert client.list_topics() == []
