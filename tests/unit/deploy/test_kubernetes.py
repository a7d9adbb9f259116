"""What is applied to a cluster keeps its schemas, may do little, and fits together."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.unit.deploy.deployed import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    kubernetes,
    pod_of,
    pods,
    put_together,
    rendered,
    settings_of,
)

OLDEST: Final = "1.30"
NEWEST: Final = kubernetes_validate.latest_version()
KEDA: Final = ROOT / "tests/unit/deploy/keda"
KAFKA_ROLES: Final = {"pipeline", "learner", "router", "sender", "eraser", "init"}
"""Users of Kafka, named as in docs/acls.md, of whom there is a workload."""


def objects(overlay: str, kind: str) -> list[dict[str, Any]]:
    return [thing for thing in rendered(overlay) if thing["kind"] == kind]


def strict(schema: Any) -> Any:
    """Return a schema that refuses what it does not name; Kubernetes would pass over it."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


@cache
def keda() -> dict[str, Any]:
    """Return the schemas of KEDA's resources by kind."""
    found = {}
    for path in KEDA.glob("*.yaml"):
        spec = yaml.safe_load(path.read_text("utf-8"))["spec"]
        schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
        closed = strict(schema)
        closed["properties"]["metadata"] = {"type": "object"}
        found[spec["names"]["kind"]] = closed
    return found


@pytest.mark.parametrize(
    ("overlay", "version"), [("production", OLDEST), ("production", NEWEST), ("trial", NEWEST)]
)
def test_every_object_keeps_its_schema(overlay: str, version: str) -> None:
    for thing in rendered(overlay):
        if thing["apiVersion"].startswith("keda.sh/"):
            errors = Draft202012Validator(keda()[thing["kind"]]).iter_errors(thing)
            assert [error.message for error in errors] == []
        else:
            kubernetes_validate.validate(thing, version, strict=True)


def test_a_typing_error_in_what_keda_is_told_is_found() -> None:
    (scaled,) = objects("production", "ScaledObject")
    wrong = scaled | {"spec": scaled["spec"] | {"maxReplicas": 4}}
    assert list(Draft202012Validator(keda()["ScaledObject"]).iter_errors(wrong))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_may_do_little(overlay: str) -> None:
    """As the pod security standard `restricted`, which the namespace enforces, and more."""
    for name, template in pods(overlay).items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (box,) = spec["containers"]
        assert box["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"cpu", "memory"} <= box["resources"]["requests"].keys()
        assert box["resources"]["limits"]["memory"] == box["resources"]["requests"]["memory"] or (
            name not in {"winback-worker", "winback-learner", "winback-sender"}
        ), "who holds state or a journal is not to be the first whom a full node ends"
    (space,) = objects(overlay, "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_mounted_is_there_and_what_is_written_to_is_a_volume(overlay: str) -> None:
    for thing in rendered(overlay):
        template = pod_of(thing)
        if template is None:
            continue
        spec, settings = template["spec"], settings_of(overlay)
        claims = {
            each["metadata"]["name"] for each in thing["spec"].get("volumeClaimTemplates", ())
        }
        volumes = {each["name"] for each in spec["volumes"]} | claims
        mounts = {each["mountPath"]: each for each in spec["containers"][0]["volumeMounts"]}
        assert {each["name"] for each in mounts.values()} == volumes
        for path in (text for key, text in settings.items() if key.endswith("_FILE")):
            assert path.rpartition("/")[0] in mounts
        if claims:
            where = settings["WINBACK_DATA_DIR"]
            assert mounts[where]["name"] in claims
            assert settings["WINBACK_SENDER_STATE"] == where


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_hold_back_until_a_worker_serves_and_bear_with_a_slow_answer(overlay: str) -> None:
    for name, template in pods(overlay).items():
        (box,) = template["spec"]["containers"]
        if "livenessProbe" not in box:
            assert thing_kind(overlay, name) in {"Job", "CronJob"}
            continue
        paths = {kind: box[f"{kind}Probe"]["httpGet"]["path"]
                 for kind in ("startup", "liveness", "readiness")}  # fmt: skip
        assert paths == {
            "startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready",
        }  # fmt: skip
        ports = {port["name"] for port in box["ports"]}
        assert {box[f"{kind}Probe"]["httpGet"]["port"] for kind in paths} == ports


def thing_kind(overlay: str, name: str) -> str:
    (kind,) = (
        thing["kind"] for thing in rendered(overlay)
        if thing["metadata"]["name"] == name and pod_of(thing) is not None
    )  # fmt: skip
    return str(kind)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everybody_reads_the_settings_that_there_are(overlay: str) -> None:
    """Their name has a hash of them, so changed settings make other pods of all who read them."""
    (settings,) = (each["metadata"]["name"] for each in objects(overlay, "ConfigMap"))
    assert settings.startswith("winback-settings-")
    for template in pods(overlay).values():
        (box,) = template["spec"]["containers"]
        assert box["envFrom"] == [{"configMapRef": {"name": settings}}]


def test_who_keeps_something_is_a_stateful_set() -> None:
    """State files and a journal wait for who comes back; a learner keeps nothing (ADR 49)."""
    kinds = {name: thing_kind("trial", name) for name in pods("trial")}
    assert kinds == {
        "winback-worker": "StatefulSet", "winback-sender": "StatefulSet",
        "winback-learner": "Deployment", "winback-topics": "Job", "winback-sweep": "CronJob",
    }  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_disk_with_people_on_it_goes_with_its_worker_and_a_journal_stays(overlay: str) -> None:
    kept = {
        each["metadata"]["name"]: set(each["spec"]["persistentVolumeClaimRetentionPolicy"].values())
        for each in objects(overlay, "StatefulSet")
    }
    assert kept == {"winback-worker": {"Delete"}, "winback-sender": {"Retain"}}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_whom_they_mean(overlay: str) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods(overlay).items()}
    selected = list(selectors(overlay))
    assert selected
    for owner, wanted in selected:
        found = [name for name, has in labels.items() if wanted.items() <= has.items()]
        assert found, f"{owner} selects nobody"
        if not owner.startswith("NetworkPolicy"):
            assert len(found) == 1, f"{owner} selects {found}"


def selectors(overlay: str) -> Iterator[tuple[str, dict[str, str]]]:
    for thing in rendered(overlay):
        owner, spec = f"{thing['kind']}/{thing['metadata']['name']}", thing.get("spec", {})
        if thing["kind"] == "Service":
            yield owner, spec["selector"]
        elif thing["kind"] == "NetworkPolicy":
            yield owner, spec["podSelector"].get("matchLabels", {})
        elif "selector" in spec:
            yield owner, spec["selector"]["matchLabels"]
        for spread in (pod_of(thing) or {}).get("spec", {}).get("topologySpreadConstraints", ()):
            yield owner, spread["labelSelector"]["matchLabels"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_reached_but_for_a_reason(overlay: str) -> None:
    policies = {
        each["metadata"]["name"]: each["spec"] for each in objects(overlay, "NetworkPolicy")
    }
    nobody = policies["winback-nobody"]
    assert (nobody["podSelector"], nobody["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert "ingress" not in nobody
    assert "egress" not in nobody
    let_in = {
        (port["port"])
        for spec in policies.values()
        for rule in spec.get("ingress", ())
        for port in rule["ports"]
    }
    served = {port for load in kubernetes(overlay) for port in load.ports}
    assert let_in == served
    for spec in policies.values():
        assert all("from" in rule for rule in spec.get("ingress", ())), "anybody could ask"
    brokers = settings_of(overlay)["WINBACK_KAFKA_BOOTSTRAP"].split(",")
    let_out = {
        port["port"]
        for rule in policies["winback-names-and-kafka"]["egress"]
        for port in rule["ports"]
    }
    assert {int(broker.rpartition(":")[2]) for broker in brokers} <= let_out


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_worker_at_a_time_is_taken_away(overlay: str) -> None:
    (budget,) = objects(overlay, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    (worker,) = (each for each in objects(overlay, "StatefulSet")
                 if each["metadata"]["name"] == "winback-worker")  # fmt: skip
    assert budget["spec"]["selector"] == worker["spec"]["selector"]
    assert worker["spec"]["updateStrategy"] == {"type": "RollingUpdate"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_version_is_deployed_and_not_whatever_is_newest(overlay: str) -> None:
    for template in pods(overlay).values():
        name, _, tag = template["spec"]["containers"][0]["image"].rpartition(":")
        assert name.endswith("winback")
        assert tag
        assert tag != "latest"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_named_and_never_held(overlay: str) -> None:
    assert not objects(overlay, "Secret")
    users = set()
    for template in pods(overlay).values():
        for variable in template["spec"]["containers"][0]["env"]:
            assert variable["name"] in {"WINBACK_KAFKA_USERNAME", "WINBACK_KAFKA_PASSWORD"}
            users.add(variable["valueFrom"]["secretKeyRef"]["name"].removeprefix("winback-kafka-"))
    assert users <= KAFKA_ROLES


def test_there_are_never_more_workers_than_partitions() -> None:
    (scaled,) = objects("production", "ScaledObject")
    spec, settings = scaled["spec"], settings_of("production")
    assert spec["maxReplicaCount"] == int(settings["WINBACK_PARTITIONS"])
    assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]
    assert "idleReplicaCount" not in spec
    (worker,) = (each for each in objects("production", "StatefulSet")
                 if each["metadata"]["name"] == spec["scaleTargetRef"]["name"])  # fmt: skip
    assert spec["scaleTargetRef"]["kind"] == worker["kind"]
    assert "replicas" not in worker["spec"], "an apply would undo what KEDA has done"
    trial = next(load for load in kubernetes("trial") if load.role == "pipeline")
    assert trial.replicas <= int(settings_of("trial")["WINBACK_PARTITIONS"])


def test_keda_asks_for_the_lag_of_the_workers() -> None:
    (scaled,) = objects("production", "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    settings, asked = settings_of("production"), trigger["metadata"]
    assert asked["bootstrapServers"] == settings["WINBACK_KAFKA_BOOTSTRAP"]
    assert (asked["consumerGroup"], asked["topic"]) == ("winback", "user-activity")
    assert (asked["sasl"], asked["tls"]) == ("scram_sha512", "enable")
    assert asked["allowIdleConsumers"] == "false"
    (who,) = objects("production", "TriggerAuthentication")
    assert trigger["authenticationRef"] == {"name": who["metadata"]["name"]}


def test_the_pod_of_the_daily_job_is_that_of_all_others() -> None:
    plain = yaml.safe_load((KUBERNETES / "components/pod/pod.yaml").read_text("utf-8"))
    deeper = yaml.safe_load((KUBERNETES / "components/pod/cron-pod.yaml").read_text("utf-8"))
    assert deeper["spec"]["jobTemplate"]["spec"]["template"] == plain["spec"]["template"]


def test_a_disk_has_room_for_the_state_files() -> None:
    """Of all users of a worker, and once more of the partition that is being written (ADR 47)."""
    for overlay in OVERLAYS:
        (worker,) = (load for load in kubernetes(overlay) if load.role == "pipeline")
        settings = settings_of(overlay)
        share = -(-int(settings["WINBACK_PARTITIONS"]) // (worker.replicas - 1))
        needed = (share + 1) * int(settings["WINBACK_USERS_MAX"]) * 1_000
        (claim,) = (
            each["spec"]["resources"]["requests"]["storage"]
            for thing in objects(overlay, "StatefulSet")
            if thing["metadata"]["name"] == "winback-worker"
            for each in thing["spec"]["volumeClaimTemplates"]
        )
        assert int(claim.removesuffix("Gi")) << 30 >= needed


def test_the_router_is_put_in_where_it_is_asked_for(tmp_path: Path) -> None:
    """The component is whole: what all pods share is laid under its own, too."""
    folder = os.path.relpath(KUBERNETES, tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{folder}/base]\ncomponents: [{folder}/components/router]\n"
        "namespace: winback\nimages: [{name: winback, newTag: 0.2.0}]\n"
    )
    things = put_together(tmp_path)
    (settings,) = (each["metadata"]["name"] for each in things if each["kind"] == "ConfigMap")
    (template,) = (pod_of(each) for each in things if each["metadata"]["name"] == "winback-router")
    assert template is not None
    (box,) = template["spec"]["containers"]
    assert box["args"][:3] == ["run", "--role", "router"]
    assert box["image"] == "winback:0.2.0"
    others = pods("trial")["winback-learner"]["spec"]
    assert box["securityContext"] == others["containers"][0]["securityContext"]
    assert box["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert template["metadata"]["labels"]["app.kubernetes.io/part-of"] == "winback"
