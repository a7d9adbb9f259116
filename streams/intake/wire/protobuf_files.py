"""Protobuf's files: what the texts of a registry are compiled to, by protoc.

protoc runs as a process of its own, once for a schema: a text that it stumbles over, or takes long
for, is no matter of the worker's. So this is called beside the event loop.
"""

import subprocess
import sys
from collections.abc import Mapping
from errno import EEXIST, EISDIR, ENAMETOOLONG, ENOTDIR
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from streams.intake.wire.schemas import Schema

KIND: Final = "PROTOBUF"
MAIN: Final = "the-schema-itself.proto"
PATIENCE_S: Final = 30.0
WORDS_MAX: Final = 300
UNFIT: Final = frozenset({EEXIST, EISDIR, ENAMETOOLONG, ENOTDIR})
"""What the names of files lead to; all else that can happen to a file is weather."""
SHIPPED: Final = {
    # What Confluent's registry knows without being told; the numbers are its own.
    "confluent/type/decimal.proto": """
        syntax = "proto3";
        package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
    """,
    "confluent/meta.proto": """
        syntax = "proto3";
        package confluent;
        import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FileOptions { Meta file_meta = 1088; }
        extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
        extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
        extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
    """,
}


def with_files(schema: Schema) -> Schema:
    """Return a schema with its descriptors, or with what is wrong with it."""
    texts: dict[str, str] = dict(SHIPPED)
    _gather(schema, texts)
    texts[MAIN] = schema.text
    if any(not _is_inside(name) for name in texts):
        return msgspec.structs.replace(schema, fault="a reference names a place outside")
    with TemporaryDirectory(prefix="winback-protobuf-") as folder:
        try:
            _write(Path(folder), texts)
        except OSError as error:
            if error.errno not in UNFIT:
                raise
            return msgspec.structs.replace(schema, fault="a reference is no name of a file")
        out = Path(folder) / "out"
        command = [
            sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--include_imports",
            f"--descriptor_set_out={out}", MAIN,
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 (our own words; the texts are files)
                command, capture_output=True, timeout=PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired:
            return msgspec.structs.replace(schema, fault=f"protoc took more than {PATIENCE_S:g} s")
        if done.returncode or not out.exists():
            said = done.stderr.decode(errors="replace").replace(f"{folder}/", "").splitlines()
            errors = [line for line in said if ".proto" in line and not line.startswith("WARN")]
            words = "; ".join(errors or said)[:WORDS_MAX]
            return msgspec.structs.replace(schema, fault=f"protoc: {words}")
        return msgspec.structs.replace(schema, files=out.read_bytes())


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _gather(schema: Schema, texts: dict[str, str]) -> None:
    for name, other in schema.references:
        texts[name] = other.text
        _gather(other, texts)


def _is_inside(name: str) -> bool:
    """Whether the name of an import stays in the folder that it is written to."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
