"""The compose file is one, and what it starts may do little."""

import base64
import re
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from streams.runtime.embedded.jars import KAFKA_VERSION
from tests.unit.deploy.deployed import COMPOSE, ROOT, is_ours, plain

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VOLUMES = COMPOSE["volumes"]


def test_it_keeps_the_schema_of_compose() -> None:
    validator = Draft7Validator(get_builtin_schema("vendor.compose-spec"))
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["restart"] in {"no", "unless-stopped"}
    assert "privileged" not in service
    assert service.get("network_mode") in {None, "none"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_on_is_looked_after_and_what_ends_is_not(name: str) -> None:
    service = SERVICES[name]
    is_lasting = service["restart"] == "unless-stopped"
    probe = service["healthcheck"]
    assert is_lasting == ("test" in probe)
    if is_lasting:
        assert {"interval", "timeout", "retries", "start_period"} <= probe.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_there_is_in_a_state_that_it_comes_to(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        condition, target = wait["condition"], SERVICES[other]
        if condition == "service_healthy":
            assert "test" in target["healthcheck"]
        else:
            assert condition == "service_completed_successfully"
            assert target["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert mode == ["ro"]
            assert (ROOT / source).is_dir(), source
        else:
            assert source in VOLUMES


def test_no_volume_is_left_over() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ())]
    assert {mount.split(":")[0] for mount in mounts if mount[0] != "."} == VOLUMES.keys()


def test_only_who_makes_the_secrets_may_write_them() -> None:
    writers = [
        name for name, service in SERVICES.items()
        for mount in service.get("volumes", ())
        if mount.startswith("keys:") and not mount.endswith(":ro")
    ]  # fmt: skip
    assert writers == ["keys"]


def test_images_of_others_have_a_version() -> None:
    for service in SERVICES.values():
        if not is_ours(service):
            assert re.search(r":v?\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$", service["image"])


def test_the_containers_kafka_is_the_embedded_one() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_cluster_has_an_id_that_kafka_takes() -> None:
    text = SERVICES["kafka"]["environment"]["CLUSTER_ID"]
    assert len(base64.urlsafe_b64decode(text + "==")) == 16


def test_ours_ask_the_kafka_that_there_is() -> None:
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    inside = dict(each.split("://") for each in listeners.split(","))["INSIDE"]
    for service in SERVICES.values():
        if is_ours(service) and service["environment"]:
            assert plain(service["environment"]["WINBACK_KAFKA_BOOTSTRAP"]) == inside


def test_prometheus_asks_every_role_at_its_port_with_its_token() -> None:
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8")
    (job,) = (job for job in yaml.safe_load(text)["scrape_configs"] if job["job_name"] == "winback")
    asked = {(name, at["port"]) for at in job["dns_sd_configs"] for name in at["names"]}
    probed = {
        (name, int(found[1]))
        for name, service in SERVICES.items()
        if is_ours(service)
        and (found := re.search(r":(\d+)/health", str(service["healthcheck"].get("test"))))
    }
    assert asked == probed
    token = job["authorization"]["credentials_file"]
    assert {
        service["environment"]["WINBACK_WEB_TOKEN_FILE"]
        for service in SERVICES.values()
        if is_ours(service) and service["environment"]
    } == {token}
    folder = token.rpartition("/")[0]
    assert f"keys:{folder}:ro" in SERVICES["prometheus"]["volumes"]
    (script,) = SERVICES["keys"]["command"]
    assert f"chmod 0444 {token}" in script, "Prometheus is somebody else and has to read it"


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    grafana = SERVICES["grafana"]
    (mount,) = (each for each in grafana["volumes"] if each.startswith("."))
    source, target, _ = mount.split(":")
    folder = ROOT / source / "provisioning"
    assert grafana["environment"]["GF_PATHS_PROVISIONING"] == f"{target}/provisioning"
    (shown,) = yaml.safe_load((folder / "dashboards/winback.yaml").read_text("utf-8"))["providers"]
    assert shown["options"]["path"] == target
    (asked,) = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text("utf-8"))[
        "datasources"
    ]
    assert asked["url"] == "http://prometheus:9090"
    assert "prometheus" in SERVICES
