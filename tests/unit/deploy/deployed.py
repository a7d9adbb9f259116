"""What is deployed, of compose, Kubernetes and systemd in one shape, to be held together."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[3]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
KUBERNETES: Final = ROOT / "deploy/kubernetes"
OVERLAYS: Final = tuple(sorted(path.name for path in (KUBERNETES / "overlays").iterdir()))
UNITS: Final = ROOT / "deploy/systemd"
WORKER_PORT: Final = "6066"
"""The instance that is looked at, of the units whose name ends in @."""

_SIZES: Final = {"k": 2**10, "m": 2**20, "g": 2**30}


class Workload(NamedTuple):
    """A process of ours as somebody starts it.

    Attributes:
        place: Who starts it: compose, an overlay of Kubernetes, systemd.
        name: As it is called there.
        args: Words behind ``winback``.
        environ: Settings in plain text.
        ports: Where it is to be reached.
        pages: What is asked of it.
        grace_s: From SIGTERM to SIGKILL; None = it is not waited for.
        memory_bytes: It is killed beyond.
        replicas: At the start, or at least.
    """

    place: str
    name: str
    args: tuple[str, ...]
    environ: Mapping[str, str]
    ports: frozenset[int]
    pages: frozenset[str]
    grace_s: float | None
    memory_bytes: int
    replicas: int = 1

    @property
    def role(self) -> str:
        """Which part of winback it is."""
        return self.args[2] if self.args[0] == "run" else self.args[0]


def size(text: str) -> int:
    """Return bytes of ``3g``, ``512Mi``, ``8G``."""
    found = re.fullmatch(r"(\d+)([kmg])i?", text.lower())
    assert found is not None, text
    return int(found[1]) * _SIZES[found[2]]


def seconds(text: str) -> float:
    """Return seconds of ``90``, ``60s``, ``30min``, ``6h``."""
    found = re.fullmatch(r"(\d+)(s|min|h|)", text)
    assert found is not None, text
    return int(found[1]) * {"": 1, "s": 1, "min": 60, "h": 3600}[found[2]]


# -- compose


def is_ours(service: Mapping[str, Any]) -> bool:
    """Return whether a service of the compose file runs winback."""
    return bool(service["image"] == "winback")


def compose() -> Iterator[Workload]:
    """Yield what the compose file starts of winback, but what only makes secrets."""
    for name, service in COMPOSE["services"].items():
        if not is_ours(service) or name == "keys":
            continue
        probe = "" if "disable" in service["healthcheck"] else service["healthcheck"]["test"][-1]
        asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/[a-z/]+)", probe)
        yield Workload(
            place="compose", name=name, args=tuple(service["command"]),
            environ={key: plain(text) for key, text in service["environment"].items()},
            ports=frozenset(int(port) for port, _ in asked),
            pages=frozenset(page for _, page in asked),
            grace_s=seconds(service["stop_grace_period"]) if asked else None,
            memory_bytes=size(service["deploy"]["resources"]["limits"]["memory"]),
            replicas=service["deploy"].get("replicas", 1),
        )  # fmt: skip


def plain(text: str) -> str:
    """Return a value with the defaults of its variables in their places."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)


# -- Kubernetes


def kustomize() -> list[str]:
    """Return what puts an overlay together: what is installed, or what make has built."""
    built = ROOT / "build/bin/kustomize"
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    found = shutil.which("kustomize") or (str(built) if built.exists() else "")
    assert found, "there is no kubectl and no kustomize: make kustomize"
    return [found, "build"]


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """Return the objects of an overlay, as they would be applied."""
    return put_together(KUBERNETES / "overlays" / overlay)


def put_together(folder: Path) -> tuple[dict[str, Any], ...]:
    """Return the objects of a folder with a kustomization, as they would be applied."""
    done = subprocess.run([*kustomize(), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def pod_of(thing: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the pod template of an object, if it has one."""
    spec = thing.get("spec", {})
    if thing["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] | None = spec.get("template")
    return template


def pods(overlay: str) -> dict[str, dict[str, Any]]:
    """Return pod templates by the name of what makes them."""
    found = ((thing["metadata"]["name"], pod_of(thing)) for thing in rendered(overlay))
    return {name: pod for name, pod in found if pod is not None}


def settings_of(overlay: str) -> dict[str, str]:
    """Return what stands in the settings of an overlay."""
    (data,) = (
        thing["data"]
        for thing in rendered(overlay)
        if thing["kind"] == "ConfigMap" and thing["metadata"]["name"].startswith("winback-settings")
    )
    return dict(data)


def kubernetes(overlay: str) -> Iterator[Workload]:
    """Yield what an overlay starts of winback."""
    replicas = {
        thing["metadata"]["name"]: thing["spec"]["minReplicaCount"]
        for thing in rendered(overlay)
        if thing["kind"] == "ScaledObject"
    }
    for thing in rendered(overlay):
        template, name = pod_of(thing), thing["metadata"]["name"]
        if template is None:
            continue
        spec = template["spec"]
        (box,) = spec["containers"]
        probes = [box[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
                  if f"{kind}Probe" in box]  # fmt: skip
        yield Workload(
            place=overlay, name=name, args=tuple(box["args"]), environ=settings_of(overlay),
            ports=frozenset(port["containerPort"] for port in box.get("ports", ())),
            pages=frozenset(probe["path"] for probe in probes),
            grace_s=spec.get("terminationGracePeriodSeconds"),
            memory_bytes=size(box["resources"]["limits"]["memory"]),
            replicas=replicas.get(name, thing["spec"].get("replicas", 1)),
        )  # fmt: skip


# -- systemd


def unit(name: str) -> dict[str, list[str]]:
    """Return the settings of a unit of ours with what is common to all, by name."""
    common = (UNITS / "winback-.service.d/all.conf") if name.endswith(".service") else None
    found: dict[str, list[str]] = {}
    for path in (UNITS / name, common):
        for line in path.read_text("utf-8").splitlines() if path is not None else ():
            key, is_setting, value = line.partition("=")
            if is_setting and not line.startswith("#"):
                found.setdefault(key, []).append(value)
    return found


def env_file() -> dict[str, str]:
    """Return what stands in the file of settings that is shipped for systemd."""
    lines = (UNITS / "winback.env").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key: value for key, _, value in pairs}


def systemd() -> Iterator[Workload]:
    """Yield what the units start of winback."""
    for path in sorted(UNITS.glob("*.service")):
        found = unit(path.name)
        stated = " ".join(found["Environment"]).replace("%i", WORKER_PORT)
        environ = env_file() | dict(re.findall(r"(WINBACK_\w+)=(\S+)", stated))
        (start,) = found["ExecStart"]
        program, *args = start.split()
        assert program == "/opt/winback/bin/winback"
        is_lasting = found["Type"] != ["oneshot"]
        port = environ.get("WINBACK_WEB_PORT", "")
        yield Workload(
            place="systemd", name=path.name, args=tuple(args), environ=environ,
            ports=frozenset({int(port)} if port else ()), pages=frozenset(),
            grace_s=seconds(found["TimeoutStopSec"][0]) if is_lasting else None,
            memory_bytes=size(found["MemoryMax"][0]),
        )  # fmt: skip


def workloads() -> tuple[Workload, ...]:
    """Return all that is deployed anywhere."""
    overlays = (load for overlay in OVERLAYS for load in kubernetes(overlay))
    return (*compose(), *overlays, *systemd())
