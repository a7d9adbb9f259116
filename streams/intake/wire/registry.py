"""Asking a schema registry for a schema, by the API that Confluent documents and others keep.

Source:
    https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import msgspec

from streams.intake.wire.schemas import Schema

PATIENCE_S: Final = 8.0
REFERENCES_MAX: Final = 1_000
"""Of one schema, those of its references included; a protocol of hundreds of files has fewer."""
UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""No such subject, version or schema."""
OK: Final = 200
NOT_FOUND: Final = 404
REFUSED: Final = frozenset({401, 403})


class RegistryAwayError(Exception):
    """The registry does not answer, or not as one that is well; ask again later."""


class _Reference(msgspec.Struct, frozen=True):
    name: str
    subject: str
    version: int


class _Answer(msgspec.Struct, rename="camel"):
    schema: str
    schema_type: str = "AVRO"  # registries leave it out where it is that
    references: list[_Reference] = []


class _Complaint(msgspec.Struct):
    error_code: int = 0


class Registry:
    """A client of one registry.

    Args:
        url: As ``http://registry:8081``; a path before the API is kept.
        auth: ``user:password``, empty = none.
        headers: Sent with every request.
    """

    def __init__(self, url: str, auth: str, headers: Mapping[str, str] | None = None) -> None:
        user, _, password = auth.partition(":")
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            auth=httpx.BasicAuth(user, password) if auth else None,
            headers={"Accept": "application/vnd.schemaregistry.v1+json", **(headers or {})},
            timeout=PATIENCE_S,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def fetch(self, schema_id: int) -> Schema | None:
        """Return a schema with what it refers to; None = the registry does not know it.

        Raises:
            RegistryAwayError: Nobody can say now.
        """
        answer = await self._get(f"/schemas/ids/{schema_id}")
        return None if answer is None else await self._whole(answer, {})

    async def _whole(self, answer: _Answer, seen: dict[_Reference, Schema | None]) -> Schema | None:
        """Return a schema with its references; None = one of them is not there."""
        references = []
        for reference in answer.references:
            if reference not in seen:
                if len(seen) >= REFERENCES_MAX:
                    return None
                seen[reference] = None  # one that refers to itself is not there
                # Old versions may be deleted softly, and are still what values were written with.
                path = f"/subjects/{_quoted(reference.subject)}/versions/{reference.version}"
                other = await self._get(f"{path}?deleted=true")
                seen[reference] = None if other is None else await self._whole(other, seen)
            schema = seen[reference]
            if schema is None:
                return None
            references.append((reference.name, schema))
        return Schema(answer.schema_type, answer.schema, tuple(references))

    async def _get(self, path: str) -> _Answer | None:
        """Return an answer; None = there is no such thing.

        Raises:
            RegistryAwayError: It is another one than a registry gives.
        """
        try:
            response = await self._client.get(f"{self._url}{path}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryAwayError(f"{self._url}: {_said(error)}") from None
        status, body = response.status_code, response.content
        if status == OK:
            answer: _Answer = _parsed(body, _Answer, self._url)
            return answer
        if status == NOT_FOUND:
            complaint = _parsed(body, _Complaint, self._url)
            if complaint.error_code in UNKNOWN:
                return None
        hint = ": check WINBACK_SCHEMA_REGISTRY_AUTH" if status in REFUSED else ""
        raise RegistryAwayError(f"{self._url} answers with status {status}{hint}")


def _parsed(body: bytes, kind: type[Any], url: str) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistryAwayError(f"{url} does not answer like a schema registry: {error}") from None


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _said(error: Exception) -> str:
    """Return what went wrong; some errors have no words."""
    return str(error) or type(error).__name__
