"""Call-backs of WeChat and WeCom: whether they are genuine, and what they say.

With an EncodingAESKey only sealed messages are taken: the plain signature covers the time and the
nonce alone, so whoever has seen one could put other words under it.

Source:
    https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.md;
    https://developer.work.weixin.qq.com/document/path/90930. An answer that is not ``success``
    within 5 s is followed by two more tries.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from xml.parsers import expat

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.adapters.wechat.seal import Seal, SealError, is_signed
from winback_sender.log_errors import unquoted
from winback_sender.logs import get_logger

log = get_logger(__name__)

Event = Mapping[str, Any]
"""Names to texts, to further names, or to lists of both, as in the XML."""

TEXT: Final = "text/plain"
SUCCESS: Final = Answer(body=b"success", content_type=TEXT)
FORBIDDEN: Final = Answer(403, b"forbidden", TEXT)


class Callbacks:
    """What a provider calls.

    Args:
        provider: Its name, for logs.
        token: The Token that is set beside the address of the call-backs.
        seal: Opens sealed messages; None = they come in the clear.
        hear: Takes an event and returns what it says of touches.
    """

    def __init__(
        self,
        provider: str,
        token: str,
        seal: Seal | None,
        hear: Callable[[Event], Sequence[Heard]],
    ) -> None:
        self._provider = provider
        self._token = token
        self._seal = seal
        self._hear = hear

    def handle(self, request: Request) -> Answer:
        """Return the answer to a call: ``echostr`` when the address is tried, else ``success``."""
        try:
            if request.method == "GET":
                return Answer(body=self._echo(request.query), content_type=TEXT)
            message = self._message(request)
        except SealError as error:
            log.warning("callback_refused", provider=self._provider, reason=str(error))
            return FORBIDDEN
        try:
            event = read_event(message)
        except (
            ValueError,
            RecursionError,
        ) as error:  # A repeat would be no better: it is taken and passed over.
            log.warning(
                "callback_not_readable", provider=self._provider, reason=unquoted(str(error))
            )
            return SUCCESS
        return SUCCESS._replace(heard=self._hear(event))

    def _echo(self, query: Mapping[str, str]) -> bytes:
        """Return what shows that the Token is known.

        WeCom seals what is to be echoed; WeChat sends it in the clear, whatever the mode.
        """
        echo = query.get("echostr", "")
        if self._seal is not None and "msg_signature" in query:
            return self._opened(self._seal, query, echo)
        self._demand_signed(query)
        return echo.encode()

    def _message(self, request: Request) -> bytes:
        if self._seal is None:
            self._demand_signed(request.query)
            return request.body
        try:
            sealed = str(read_event(request.body)["Encrypt"])
        except (ValueError, KeyError, RecursionError) as error:
            raise SealError("not sealed") from error
        return self._opened(self._seal, request.query, sealed)

    def _opened(self, seal: Seal, query: Mapping[str, str], sealed: str) -> bytes:
        if not is_signed(query.get("msg_signature", ""), self._token, *_instant(query), sealed):
            raise SealError("wrong signature")
        return seal.open(sealed)

    def _demand_signed(self, query: Mapping[str, str]) -> None:
        if not is_signed(query.get("signature", ""), self._token, *_instant(query)):
            raise SealError("wrong signature")


def read_event(message: bytes) -> Event:
    """Return a message that is XML or, where the account is set so, JSON.

    Raises:
        ValueError: It is neither, or declares a document type: entities are never expanded.
    """
    if message.lstrip()[:1] == b"{":
        event: dict[str, Any] = json.loads(message)
        return event
    return _Tree().read(message)


def items(event: Event, name: str) -> list[Event]:
    """Return a list that is an object when it has one item, here or one level down.

    Source:
        https://developers.weixin.qq.com/community/develop/doc/00042034428fa074706c908245b800
    """
    inner = event.get(name)
    found = (inner if isinstance(inner, Mapping) else event).get("List", ())
    many = found if isinstance(found, list) else [found]
    return [item for item in many if isinstance(item, Mapping)]


class _Tree:
    """XML as names and texts; attributes are passed over."""

    def __init__(self) -> None:
        self._open: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def read(self, message: bytes) -> dict[str, Any]:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = lambda _, __: self._open.append(({}, []))
        parser.CharacterDataHandler = self._text
        parser.EndElementHandler = self._end
        try:
            parser.Parse(message, True)  # noqa: FBT003 (the whole message)
        except expat.ExpatError as error:
            raise ValueError(f"not XML: {error}") from error
        ((root, _),) = self._open
        (found,) = root.values()
        return found if isinstance(found, dict) else {}

    def _text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def _end(self, name: str) -> None:
        children, texts = self._open.pop()
        value = children or "".join(texts).strip()
        siblings = self._open[-1][0]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]


def _instant(query: Mapping[str, str]) -> tuple[str, str]:
    return query.get("timestamp", ""), query.get("nonce", "")


def _refuse(*_: object) -> None:
    raise ValueError("a document type is declared")
