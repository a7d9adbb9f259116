"""The doorstep: a wrong address of Kafka is told before anything starts."""

import socket

import pytest

from winback_sender.cluster import Cluster
from winback_sender.doorstep import require_reachable
from winback_sender.errors import Unavailable


def test_one_of_several_servers_is_enough_and_a_blank_may_follow_the_comma() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        require_reachable(Cluster.plain(f"127.0.0.1:1, 127.0.0.1:{port}"))


def test_each_server_is_named_with_its_reason() -> None:
    with pytest.raises(Unavailable, match=r"127.0.0.1:1: .*refused; 127.0.0.1:2: .*refused"):
        require_reachable(Cluster.plain("127.0.0.1:1, 127.0.0.1:2"))
