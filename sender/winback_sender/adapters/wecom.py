"""WeCom: a task for the member who looks after a customer, ``wecom``.

The call sends nothing: it puts a message before the member, who must confirm it. So a touch is
``accepted`` until the member has sent it (``sent``), the customer turns out to be gone or to have
had enough (``failed``), or the touch expires: then the task is stopped.

An address is an ``external_userid``, or ``userid/external_userid`` where the member is known;
without one WeCom chooses who last spoke with the customer. WeCom calls back when a customer removes
the member: an opt-out. It takes no id of ours: after a lost answer the task is looked for by its
text and customer among those of the minute.

Source:
    https://developer.work.weixin.qq.com/document/path/92135 (creating), 93338 (results), 97610
    (reminding: at most 3 in 24 h), 97611 (stopping), 91039 (token), 92130 (events), 90454 (limits:
    10,000 calls a minute and 150,000 an hour).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Heard, Limits, Route, Sent
from winback_sender.adapters.callbacks import callback_base
from winback_sender.adapters.wechat.access_token import AccessToken, Token, read_token
from winback_sender.adapters.wechat.account import Account, open_seal
from winback_sender.adapters.wechat.callbacks import Callbacks, Event
from winback_sender.adapters.wechat.codes import judge
from winback_sender.adapters.wechat.memory import before_the_call, open_memory
from winback_sender.adapters.wechat.text import text_of
from winback_sender.adapters.wecom_codes import TOKEN_CODES, WECOM
from winback_sender.adapters.wecom_memory import SCHEMA, Message, Quota, Tasks
from winback_sender.adapters.wecom_results import Results
from winback_sender.adapters.wecom_task import TEXT_BYTES_MAX, Customer, body_of, customer_of
from winback_sender.addresses.needed import address_for
from winback_sender.clock import now_ms
from winback_sender.contract.instants import SECOND_MS, instant_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.errors import UserError
from winback_sender.http.calls import Calls, UnclearError, make_calls, sends_nothing
from winback_sender.own_settings import load_own
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings_catalogue import says
from winback_sender.tools import Tools

NAME: Final = "wecom"
PREFIX: Final = "WINBACK_SENDER_WECOM_"
LIMITS: Final = Limits(per_s=40.0, burst=100)


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of ``wecom``."""

    corp_id: Annotated[str, says("CorpID of the company.")]
    corp_secret: Annotated[
        str, says("Secret of the application that may use customer contact.", is_secret=True)
    ]
    callback_token: Annotated[
        str, says("Token of the call-backs. Empty: none are taken.", is_secret=True)
    ] = ""
    encoding_aes_key: Annotated[
        str, says("EncodingAESKey of the call-backs, which are always sealed.", is_secret=True)
    ] = ""
    sender: Annotated[
        str,
        says(
            "Member who sends where an address names none. Empty: who last spoke with the customer."
        ),
    ] = ""
    quota: Annotated[
        Literal["month", "week", "day"],
        says(
            "Limit of a customer as the company has set it: `month` (as many as it has days), "
            "`week` (7) or `day` (1)."
        ),
    ] = "month"
    remind_after_s: Annotated[
        float,
        Meta(ge=0, le=604_800),
        says("A member who has not confirmed is reminded once after it; 0 = never.", "s"),
    ] = 0.0
    ask_every_s: Annotated[
        float,
        Meta(ge=0.1, le=3_600),
        says("So often a task is asked about in its first hour, later a 15th as often.", "s"),
    ] = 60.0
    endpoint: Annotated[str, says("Where the API is.")] = "https://qyapi.weixin.qq.com"
    timeout_s: Annotated[float, Meta(ge=0.1, le=60), says("Silence that ends a call.", "s")] = 5.0
    pause_s: Annotated[float, Meta(ge=0, le=3_600), says("Pause after too many calls.", "s")] = 60.0


class WeCom(Adapter):
    """Puts tasks before members of a company.

    Args:
        tools: Address book and templates.
        settings: Of the company.
        account: Makes its calls.
        tasks: What is open, and how many messages customers got.
    """

    name = NAME
    limits = LIMITS

    def __init__(
        self, tools: Tools, settings: AdapterSettings, account: Account, tasks: Tasks
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._account = account
        self._tasks = tasks
        self._results = Results(account, tasks, round(settings.remind_after_s * SECOND_MS))
        seal = open_seal(settings.encoding_aes_key, settings.corp_id, f"{PREFIX}ENCODING_AES_KEY")
        self._callbacks = Callbacks(NAME, settings.callback_token, seal, hear)

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Create the task of one touch.

        Raises:
            NotSentError: It surely is not there.
        """
        template = self._tools.templates.lookup(NAME, touch.template_key)
        values = self._tools.templates.values(template, touch.params)
        text = text_of(template, values, touch.params, TEXT_BYTES_MAX)
        customer = self._customer(touch)
        with before_the_call():
            free_ms = self._tasks.take(self._message(touch, customer, text))
        if free_ms:
            wait_s = (free_ms - now_ms()) / SECOND_MS
            raise NotSentError(Why.OVER_LIMIT, retry=True, after_s=wait_s)
        try:
            return self._create(body_of(template, text, customer), customer, touch)
        except NotSentError:
            self._tasks.give_back(touch.touch_id)
            raise

    def ask(self, sent: Sent) -> Receipt | None:
        """Ask for the result of a task, or look for one whose answer was lost."""
        try:
            if sent.ref:
                found = self._results.of(sent.ref)
                return None if found is None else found.receipt
            message = self._tasks.message(sent.touch_id)
            msgid, customer = self._results.search(message) if message else ("", "")
        except (NotSentError, UnclearError):
            return None
        if message is None or not msgid:
            return None
        self._tasks.began(msgid, now_ms(), message.expires_ms)
        return Receipt(Status.ACCEPTED, ref=msgid, address=customer)

    def collect(self) -> Iterable[Heard]:
        """Return the results of tasks that members have dealt with, or that have expired."""
        return self._results.collect(now_ms())

    def routes(self) -> Sequence[Route]:
        """Return the address that is set in WeCom's console."""
        if not self._settings.callback_token:
            return ()
        return (Route(callback_base(NAME, ""), self._callbacks.handle),)

    def close(self) -> None:
        """Close the connections and the file."""
        self._account.close()
        self._tasks.close()

    def _message(self, touch: TouchRequested, customer: Customer, text: str) -> Message:
        hashes = self._tasks.hashed(customer.external_userid), self._tasks.hashed(text)
        return Message(touch.touch_id, *hashes, now_ms(), instant_ms(touch.expires_at))

    def _create(
        self, body: Mapping[str, Any], customer: Customer, touch: TouchRequested
    ) -> Receipt:
        try:
            code, answer = self._account.call("/cgi-bin/externalcontact/add_msg_template", body)
        except UnclearError as error:
            return error.receipt(customer.external_userid)
        if code:
            return judge(code, WECOM, NAME, self._settings.pause_s, customer.external_userid)
        if customer.external_userid in (answer.get("fail_list") or ()):
            raise NotSentError(Why.REFUSED)
        msgid = str(answer.get("msgid", ""))
        if msgid:
            self._tasks.began(msgid, now_ms(), instant_ms(touch.expires_at))
        return Receipt(Status.ACCEPTED, ref=msgid, address=customer.external_userid)

    def _customer(self, touch: TouchRequested) -> Customer:
        customer = customer_of(address_for(touch, self._tools.addresses))
        return customer if customer.userid else customer._replace(userid=self._settings.sender)


def hear(event: Event) -> list[Heard]:
    """Return what an event says of touches: a customer has removed the member."""
    kind = (event.get("Event"), event.get("ChangeType"))
    customer, at_s = event.get("ExternalUserID"), str(event.get("CreateTime", ""))
    if kind != ("change_external_contact", "del_follow_user") or not isinstance(customer, str):
        return []
    at_ms = int(at_s[:12]) * SECOND_MS if at_s.isascii() and at_s.isdigit() else 0
    return [Heard(Receipt(Status.OPTED_OUT, "", Why.BLOCKED), at_ms, address=customer)]


def make(tools: Tools) -> WeCom:
    """Return the adapter.

    Raises:
        UserError: Settings are wrong or missing, or the file of tasks cannot be used.
    """
    settings = load_own(AdapterSettings, tools.environ, PREFIX)
    if settings.callback_token and not settings.encoding_aes_key:
        raise UserError(
            f"{PREFIX}CALLBACK_TOKEN needs {PREFIX}ENCODING_AES_KEY",
            "WeCom seals every call-back; its console shows both",
        )
    calls = make_calls(tools, NAME, settings.endpoint, settings.timeout_s)
    account = Account(calls, AccessToken(_fetch(calls, settings)), TOKEN_CODES)
    memory = open_memory(tools.environ, NAME, SCHEMA)
    tasks = Tasks(memory, Quota(settings.quota), round(settings.ask_every_s * SECOND_MS))
    return WeCom(tools, settings, account, tasks)


def _fetch(calls: Calls, settings: AdapterSettings) -> Callable[[str], Token]:
    query = {"corpid": settings.corp_id, "corpsecret": settings.corp_secret}

    def fetch(stale: str) -> Token:
        with sends_nothing():
            token = read_token(calls.get("/cgi-bin/gettoken", query=query).json(dict[str, Any]))
        if token.text == stale:  # WeCom gives the same one until it makes a new one.
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=1.0)
        return token

    return fetch
