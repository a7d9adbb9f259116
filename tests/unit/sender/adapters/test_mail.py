"""E-mail against a server that behaves and misbehaves as the RFCs say."""

import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch as a_touch
from tests.unit.sender.mail.certificates import make_certificate
from winback_sender.adapters.mail import Mail, make
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.errors import UserError
from winback_sender.last_look import looking
from winback_sender.mail import smtp
from winback_sender.mail.address import mail_address
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.smtp import MailServer
from winback_sender.standins.stand_in import Fate, Receipts, Turn
from winback_sender.templating.templates import ProviderTemplate

P = "WINBACK_SENDER_EMAIL_"
BASIC = {
    f"{P}SENDER": "care@example.com",
    f"{P}UNSUBSCRIBE_URL": "https://mail.example.com/u",
    f"{P}TIMEOUT_S": "0.5",
}
BOOK = {"ada": "Ada@Example.com", "bob": "bob", "lilei": "李雷@example.com"}
TEMPLATES = {
    "member_care_greeting": ProviderTemplate(
        text="${name}\n", params=("name",), extra={"subject": "你好"}
    ),
    "plain": ProviderTemplate(text="x"),
}


def touch(touch_id: str, user_id: str = "ada", key: str = "member_care_greeting") -> TouchRequested:
    return msgspec.structs.replace(
        a_touch(touch_id, user_id, channel="email"), params={"name": "李雷"}, template_key=key
    )


def mail_to(server: MailServer, scheme: str = "smtp", **more: str) -> Mail:
    environ = BASIC | {f"{P}ENDPOINT": f"{scheme}://127.0.0.1:{server.port}"}
    environ |= {f"{P}{name}": text for name, text in more.items()}
    return make(tools(environ, BOOK, TEMPLATES))


def refusal(mail: Mail, touch: TouchRequested) -> NotSentError:
    with pytest.raises(NotSentError) as refused:
        mail.deliver(touch)
    return refused.value


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as found:
        yield found


@pytest.fixture
def mail(server: MailServer) -> Iterator[Mail]:
    made = mail_to(server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_a_message_is_handed_over(server: MailServer, mail: Mail) -> None:
    receipt = mail.deliver(touch("t1"))

    assert receipt == Receipt(Status.ACCEPTED, ref="M-1", address="ada@example.com")
    (letter,) = server.letters
    assert letter["Message-ID"] == "<t1@example.com>"
    assert letter["List-Unsubscribe"].strip().startswith("<https://mail.example.com/u?t=t1&s=")
    part = letter.get_body(("plain",))
    assert part is not None
    assert part.get_content().startswith("李雷\r\n")
    assert server.commands[1:3] == [
        "mail FROM:<care@example.com> ENVID=t1", "rcpt TO:<Ada@example.com>",
    ]  # fmt: skip


def test_a_dot_alone_in_a_line_ends_nothing(server: MailServer, mail: Mail) -> None:
    text = b"Message-ID: <t1@example.com>\r\n\r\none\r\n.\r\n..two\r\nQUIT\r\n"

    mail._office.send(mail_address("a@b.cn"), mail_address("c@d.cn"), "t1", text)

    assert server.letters[0].get_content() == "one\r\n.\r\n..two\r\nQUIT\r\n"


def test_what_is_taken_back_before_the_dot_does_not_leave(server: MailServer, mail: Mail) -> None:
    """A server may take a minute for each answer before."""

    def look() -> None:
        if any(line.startswith("rcpt") for line in server.commands):
            raise NotSentError("revoked")

    with looking(look):
        assert refusal(mail, touch("t1")).reason == "revoked"
    assert not server.letters
    assert mail.deliver(touch("t2")).status == Status.ACCEPTED
    assert [letter["Message-ID"] for letter in server.letters] == ["<t2@example.com>"]


def test_a_connection_is_used_again(server: MailServer, mail: Mail) -> None:
    for number in range(3):
        mail.deliver(touch(f"t{number}"))

    assert [line.split()[0].lower() for line in server.commands].count("ehlo") == 1
    assert [call.touch_id for call in server.calls] == ["t0", "t1", "t2"]


def test_a_server_that_has_hung_up_meanwhile_is_called_anew(server: MailServer, mail: Mail) -> None:
    mail.deliver(touch("t1"))
    server.restart()

    assert mail.deliver(touch("t2")).status == Status.ACCEPTED


def test_after_many_messages_a_connection_is_ended(
    server: MailServer, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LETTERS_MAX", 2)
    for number in range(4):
        mail.deliver(touch(f"t{number}"))

    assert [line.split()[0].lower() for line in server.commands].count("ehlo") == 2


def test_many_threads_share_a_few_connections(server: MailServer) -> None:
    mail = mail_to(server, CONNECTIONS="2", TIMEOUT_S="5")
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(mail.deliver, [touch(f"t{number}") for number in range(24)]))
    mail.close()

    assert {receipt.status for receipt in receipts} == {Status.ACCEPTED}
    assert len(server.calls) == 24
    assert [line.split()[0].lower() for line in server.commands].count("ehlo") <= 2


def by(fate: Fate) -> Any:
    return lambda _touch_id, tried: Turn(Fate.OK if tried else fate, Receipts.NEVER)


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Fate.LOST_ANSWER, "timed_out"),
        (Fate.ERROR_AFTER, "timed_out"),
        (Fate.HTML, "unreadable_answer"),
    ],
)
def test_after_the_dot_nobody_knows(fate: Fate, reason: str) -> None:
    with MailServer(by(fate)) as server:
        mail = mail_to(server)

        receipt = mail.deliver(touch("t1"))
        mail.close()

    assert receipt == Receipt(Status.UNKNOWN, "", reason, address="ada@example.com")
    assert len(server.letters) == 1


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Fate.LOST_CALL, "provider_unavailable"),
        (Fate.ERROR_BEFORE, "4.3.0"),
        (Fate.THROTTLED, "4.7.1"),
    ],
)
def test_before_it_is_taken_it_may_be_tried_again(fate: Fate, reason: str) -> None:
    with MailServer(by(fate)) as server:
        mail = mail_to(server)

        refused = refusal(mail, touch("t1"))
        assert (refused.retry, refused.reason) == (True, reason)
        assert mail.deliver(touch("t1")).status == Status.ACCEPTED
        mail.close()

    assert len(server.letters) == 1


def test_no_such_user_is_hard() -> None:
    with MailServer(by(Fate.REFUSED)) as server:
        mail = mail_to(server)
        refused = refusal(mail, touch("t1"))
        mail.close()

    assert (refused.retry, refused.reason, refused.outcome) == (False, "5.1.1", "hard")


def test_a_slow_server_is_waited_for() -> None:
    with MailServer(by(Fate.SLOW)) as server:
        server.slow_s = 0.2
        mail = mail_to(server)
        assert mail.deliver(touch("t1")).ref == "M-1"
        mail.close()


@pytest.mark.parametrize(
    ("what", "answer", "reason", "outcome", "retry"),
    [
        ("greeting", "554 5.3.2 No service", "provider_unavailable", "unsent", True),
        ("greeting", "HTTP/1.1 400 Bad Request", "provider_unavailable", "unsent", True),
        ("mail", "421 4.3.2 Shutting down", "4.3.2", "unsent", True),
        ("mail", "452 4.3.1 Out of storage", "4.3.1", "unsent", True),
        ("mail", "550 5.7.1 Sender not allowed", "5.7.1", "unsent", False),
        ("mail", "552 5.3.4 Too big", "5.3.4", "unsent", False),
        ("rcpt", "550 No such user", "smtp_550", "hard", False),
        ("rcpt", "553 5.1.3 Bad syntax", "5.1.3", "hard", False),
        ("rcpt", "550 5.2.1 Mailbox disabled", "5.2.1", "hard", False),
        ("rcpt", "550 5.7.1 Blocked by policy", "5.7.1", "unsent", False),
        ("rcpt", "552 5.2.2 Mailbox full", "5.2.2", "soft", False),
        ("rcpt", "452 4.2.2 Mailbox full", "4.2.2", "unsent", True),
        ("rcpt", "450 Greylisted", "smtp_450", "unsent", True),
        ("data", "554 5.7.1 No", "5.7.1", "unsent", False),
        ("data", "451 4.3.0 Later", "4.3.0", "unsent", True),
        ("dot", "550 5.7.1 Spam", "5.7.1", "unsent", False),
        ("dot", "550 5.1.1 No such user after all", "5.1.1", "hard", False),
        ("dot", "554 Refused", "smtp_554", "unsent", False),
        ("dot", "552 5.2.2 Over quota", "5.2.2", "soft", False),
        ("dot", "452 4.3.1 Disk full", "4.3.1", "unsent", True),
    ],
)
def test_every_answer_of_the_rfcs(
    server: MailServer,
    mail: Mail,
    what: str,
    answer: str,
    reason: str,
    outcome: str,
    *,
    retry: bool,
) -> None:
    server.answers[what] = answer

    refused = refusal(mail, touch("t1"))

    assert (refused.reason, refused.outcome, refused.retry) == (reason, outcome, retry)
    assert "example.com" not in str(refused)
    server.answers.clear()
    assert mail.deliver(touch("t2")).status == Status.ACCEPTED, "the next one is not disturbed"


def test_a_server_that_is_away_took_nothing(server: MailServer, mail: Mail) -> None:
    server.go_away()

    assert refusal(mail, touch("t1")).retry


@pytest.mark.parametrize(
    ("user_id", "key", "reason"),
    [
        ("nobody", "member_care_greeting", "no_address"),
        ("bob", "member_care_greeting", "bad_address"),
        ("ada", "plain", "no_template"),
        ("ada", "unheard_of", "no_template"),
    ],
)
def test_what_cannot_be_written_never_leaves(
    server: MailServer, mail: Mail, user_id: str, key: str, reason: str
) -> None:
    assert refusal(mail, touch("t1", user_id, key)).reason == reason
    assert server.commands == []


@pytest.mark.parametrize("touch_id", ["", "a b", "a>\r\nRCPT TO:<eve@example.com>", "x" * 101])
def test_an_id_cannot_speak_to_the_server(server: MailServer, mail: Mail, touch_id: str) -> None:
    assert refusal(mail, touch(touch_id)).reason == "not_readable"
    assert server.commands == []


def test_a_local_part_in_chinese_needs_a_server_that_knows(server: MailServer, mail: Mail) -> None:
    assert mail.deliver(touch("t1", "lilei")).status == Status.ACCEPTED
    assert server.commands[1].endswith("ENVID=t1 SMTPUTF8")
    assert server.calls[0].address == "李雷@example.com"

    server.extensions.remove("SMTPUTF8")
    server.restart()
    refused = refusal(mail, touch("t2", "lilei"))
    assert (refused.reason, refused.outcome) == ("server_without_smtputf8", "unsent")
    assert mail.deliver(touch("t3")).status == Status.ACCEPTED


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_what_is_said_is_secured(certificate: tuple[Path, ssl.SSLContext], scheme: str) -> None:
    file, context = certificate
    account = ("care", "s3cret")
    with MailServer(
        account=account, context=context, is_tls_first=scheme == "smtps"
    ) as server:  # fmt: skip
        mail = mail_to(
            server, scheme, CA_FILE=str(file), USERNAME="care", PASSWORD="s3cret", TIMEOUT_S="5"
        )
        assert mail.deliver(touch("t1")).status == Status.ACCEPTED
        mail.close()
        distrustful = mail_to(server, scheme, TIMEOUT_S="5")
        assert refusal(distrustful, touch("t2")).retry

    verbs = [line.split()[0].lower() for line in server.commands]
    before = ["ehlo"] if scheme == "smtps" else ["ehlo", "starttls", "ehlo"]
    assert verbs[: len(before) + 2] == [*before, "auth", "mail"]
    assert [call.touch_id for call in server.calls] == ["t1"]


def test_without_starttls_nothing_is_said_in_the_clear(server: MailServer) -> None:
    mail = mail_to(server, "smtp+starttls")

    assert refusal(mail, touch("t1")).retry
    assert server.calls == []


def test_a_wrong_password_can_be_mended() -> None:
    with MailServer(account=("care", "s3cret")) as server:
        mail = mail_to(server, USERNAME="care", PASSWORD="wrong")
        assert refusal(mail, touch("t1")).retry


def test_the_page_for_unsubscribing_is_ours(mail: Mail) -> None:
    (route,) = mail.routes()
    assert route.path == "/callbacks/email/unsubscribe"


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with MailServer() as server:
        server.answers["greeting"] = "220-and then nothing"
        mail = mail_to(server)
        begun_s = time.monotonic()

        assert refusal(mail, touch("t1")).retry
        assert time.monotonic() - begun_s < 5


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({f"{P}ENDPOINT": ""}, "ENDPOINT is not set"),
        ({f"{P}ENDPOINT": "smtp.example.com"}, "is none of smtps"),
        ({f"{P}ENDPOINT": "smtps://care:s3cret@x"}, "is none of smtps"),
        ({f"{P}ENDPOINT": "smtps://x:port"}, "is none of smtps"),
        ({f"{P}SENDER": "Care <care@example.com>"}, "SENDER = .* must be an e-mail address"),
        ({f"{P}SENDER": "李雷@example.com"}, "is not ASCII"),
        ({f"{P}UNSUBSCRIBE_URL": ""}, "are not set"),
        ({f"{P}UNSUBSCRIBE_URL": "http://x"}, "no https:// address"),
        ({f"{P}UNSUBSCRIBE_URL": "https://x/> <mailto:y"}, "no https:// address"),
        ({f"{P}UNSUBSCRIBE_MAILTO": "x"}, "must be an e-mail address"),
        ({f"{P}USERNAME": "care"}, "in the clear"),
        ({f"{P}CA_FILE": "/none.pem"}, "CA_FILE cannot be read"),
    ],
)
def test_wrong_settings_are_told(change: dict[str, str], what: str) -> None:
    environ = BASIC | {f"{P}ENDPOINT": "smtp://mail.example.com"} | change
    with pytest.raises(UserError, match=what) as refused:
        make(tools(environ))
    assert "s3cret" not in refused.value.message
