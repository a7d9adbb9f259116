"""What adapters of SMS providers have in common: the number of a touch, and questions about one."""

from abc import abstractmethod
from urllib.parse import urlsplit

from winback_sender.adapter import Adapter, Limits, Sent
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.phone import normalise
from winback_sender.contract.messages import TouchRequested
from winback_sender.http.calls import UnclearError, make_calls
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.tools import Tools


class SmsAdapter(Adapter):
    """An adapter of an SMS provider.

    Args:
        tools: Addresses, templates, environment.
        endpoint: Where its API is.
        timeout_s: Of a call.
        per_s: Calls a second.
    """

    def __init__(self, tools: Tools, endpoint: str, timeout_s: float, per_s: float) -> None:
        self.limits = Limits(per_s=per_s, burst=max(1, round(per_s / 10)))
        self._tools = tools
        self._host = urlsplit(endpoint).netloc
        self._calls = make_calls(tools, self.name, endpoint, timeout_s)

    def ask(self, sent: Sent) -> Receipt | None:
        """Look a touch up among the messages to its number."""
        try:
            address = self._tools.addresses.resolve(sent.user_id, sent.channel)
            return None if address is None else self._find(sent, normalise(address))
        except (NotSentError, UnclearError):
            return None

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _text(self, touch: TouchRequested) -> tuple[str, ProviderTemplate, dict[str, str]]:
        """Return the number of a touch, its template, and the variables by the provider's names.

        Raises:
            NotSentError: Number, template or a variable is missing, or is none.
        """
        number = normalise(address_for(touch, self._tools.addresses))
        template = self._tools.templates.lookup(self.name, touch.template_key)
        return number, template, self._tools.templates.values(template, touch.params)

    @abstractmethod
    def _find(self, sent: Sent, number: str) -> Receipt | None:
        """Ask the provider for the messages to a number.

        Raises:
            NotSentError, UnclearError: It cannot be asked now.
        """
