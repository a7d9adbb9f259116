"""What the events of a sample seem to mean, one rule each, with the evidence."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from streams.core.meanings import MONEY, Meaning
from streams.core.rules_schema import DEFAULT_EVENTS
from streams.replay.define_lexicon import MEANINGS, NOT_PAID, ORDERED, PAID, words_of
from streams.replay.define_words import plain as printable
from streams.replay.propose import lexicon
from streams.replay.propose.fields import Field, Fields
from streams.replay.propose.guesses import (
    SOMETIMES,
    Guess,
    Said,
    amount_guess,
    currency_guess,
    has,
    named,
    time_guess,
    user_guess,
)
from streams.replay.propose.lexicon import plain

VERBS: Final = ("create", "update", "read", "delete")
"""What can be done to a row, as the formats of databases call it."""
ID_COLUMNS: Final = ("id", "uuid", "no", "number")
COLUMN_SHARE: Final = 0.5
"""A row that is deleted, or changed by a tool that tells keys alone, lacks the rest."""
COLUMNS_SHOWN: Final = 40
"""Of a table that no rule is proposed for."""


class RuleGuess(NamedTuple):
    """A rule of the mapping.

    Attributes:
        said: As YAML holds it.
        why: The evidence, a sentence a line.
    """

    said: Said
    why: tuple[str, ...]


class Events(NamedTuple):
    """What a sample says of events.

    Attributes:
        rules: What is proposed.
        others: Names that no rule takes, and how often they came.
        binding: Names that may bind us, so that people must decide, each with the rule that they
            would write; they are among the others.
        currencies: Of the amounts.
    """

    rules: list[RuleGuess]
    others: Counter[str]
    binding: dict[str, Said]
    currencies: Counter[str]


class Setting(NamedTuple):
    """What the rules say apart from the mapping: the currency, and the zone of times without."""

    currency: str
    zone: str


def acts_found(by_name: Mapping[str, Fields], setting: Setting) -> Events:
    """Return what the events of users mean, which each have a name."""
    meanings = {name: _meaning(name) for name in by_name}
    if Meaning.PURCHASE not in {meaning for meaning, _ in meanings.values()}:
        for words in (PAID, ORDERED):
            sold = [
                name
                for name, fields in by_name.items()
                if meanings[name][0] is Meaning.ACTIVITY
                and words.tell(name)
                and not NOT_PAID.tell(name)
                and amount_guess(fields, is_change=False)
            ]
            why = "its name, and it carries amounts"
            meanings |= dict.fromkeys(sold, (Meaning.PURCHASE, why))
            if sold:
                break
    rules: list[RuleGuess] = []
    others, currencies = Counter[str](), Counter[str]()
    for name, fields in by_name.items():
        meaning, why = meanings[name]
        if meaning is Meaning.ACTIVITY:
            others[name] = fields.records
            continue
        said: Said = {"event": name, "as": meaning.value}
        evidence = [f"{_events(fields.records)}: {why}"]
        _money(said, evidence, fields, setting, currencies)
        if meaning is Meaning.OPT_OUT:
            _channel(said, evidence, fields)
        rules.append(RuleGuess(said, tuple(evidence)))
    binding = {name: _consent(name, by_name[name]) for name in others if _binds(name)}
    return Events(rules, others, binding, currencies)


def rows_found(by_table: Mapping[str, Fields], setting: Setting) -> Events:
    """Return what the rows of tables mean, which are created and changed."""
    rules: list[RuleGuess] = []
    others, currencies = Counter[str](), Counter[str]()
    for table, fields in by_table.items():
        rule = _row_rule(table, fields, setting, currencies)
        if rule is None:
            others[table] = fields.records
        else:
            rules.append(rule)
    binding = {
        name: _consent([f"{name}.{verb}" for verb in VERBS[:3]], _columns(by_table[name]))
        for name in others
        if _binds(name)
    }
    if not rules:
        rules = [_no_guess(table, _columns(by_table[table])) for table in by_table]
        others.clear()
    return Events(rules, others, binding, currencies)


def _no_guess(table: str, after: Fields) -> RuleGuess:
    """Return a rule to begin with, of a table of which nobody can tell what it means to us."""
    columns = sorted(after.by_path.values(), key=lambda column: -column.count)
    evidence = [
        f"NONE: is the table {table} of orders, customers, consent? Say what its rows mean",
        "its columns: " + ", ".join(printable(c.path) for c in columns[:COLUMNS_SHOWN]),
    ]
    bind = [printable(column.path) for column in columns if _binds(column.name)]
    if bind:
        evidence.append(f"may be consent, which is never guessed: {', '.join(bind)}")
    said: Said = {"event": [f"{table}.create", f"{table}.update"], "as": "ignored"}
    return RuleGuess(said, tuple(evidence))


def _consent(name: str | list[str], fields: Fields) -> Said:
    """Return the rule that makes consent of an event, as far as its fields are well known."""
    said: Said = {"event": name, "as": "consent"}
    for key, ranks in (("channel", lexicon.CHANNEL), ("granted", lexicon.GRANTED)):
        found = named(fields, ranks, COLUMN_SHARE)
        said[key] = found[0].path if found else f"$.{key}"
    return said


def _row_rule(
    table: str, fields: Fields, setting: Setting, currencies: Counter[str]
) -> RuleGuess | None:
    """Return the rule of a table of orders or refunds; None = it seems to be of another kind."""
    words = words_of(table)
    is_refund = MEANINGS[Meaning.REFUND].tell(table) or bool(words & {"refunds", "chargebacks"})
    is_order = ORDERED.tell(table) or PAID.tell(table) or bool(words & {"payments", "sales"})
    after = _columns(fields)
    if not (is_refund or is_order) or amount_guess(after, is_change=True) is None:
        return None
    meaning = Meaning.REFUND if is_refund else Meaning.PURCHASE
    evidence = [f"{_events(fields.records, 'change')} of the table {table}: its name"]
    said: Said = {"event": [f"{table}.{verb}" for verb in ("create", "update", "read")]}
    status = None if is_refund else _paid(after)
    paid_at = None if is_refund or status else _empty_until_paid(after)
    if paid_at is not None:
        said["when"] = [{"path": paid_at.path, "is_set": True}]
        why = f"when: {has(paid_at, after)}, the others seem to be unpaid; better is the status"
        evidence.append(f"{why} that means paid, with is and was_not, as docs/mapping.md says")
    elif status is None:
        said["event"] = [f"{table}.create", f"{table}.read"]
    else:
        column, word, why = status
        said["when"] = [{"path": column.path, "is": word, "was_not": word}]
        evidence.append(why)
    said["as"] = meaning.value
    for key, guess in (
        ("user", user_guess(after, COLUMN_SHARE)),
        (
            "time",
            time_guess(
                after, setting.zone, lexicon.PAID_AT, SOMETIMES if paid_at else COLUMN_SHARE
            ),
        ),
    ):
        if guess is not None:
            said[key] = guess.said
            evidence.append(f"{key}: {guess.why}")
        elif key == "user":
            said["user"] = "$.after.user_id"
            evidence.append("user: NO column looks like the id of a user: name it")
    if "time" not in said:
        said["event"] = [name for name in said["event"] if not name.endswith(".read")]
        evidence.append("event: without .read, for rows of a snapshot need a column of time")
    _money(said, evidence, after, setting, currencies)
    once = next((f for f in after.by_path.values() if plain(f.name) in ID_COLUMNS), None)
    if once is not None:
        said["once_per"] = once.path
        evidence.append(f"once_per: {once.path}: a row counts once, however often it changes")
    return RuleGuess(said, tuple(evidence))


def _columns(fields: Fields) -> Fields:
    """Return the columns of rows as they are after a change."""
    after = Fields()
    after.by_path = {
        path: field for path, field in fields.by_path.items() if path.startswith("$.after.")
    }
    after.records = max((field.count for field in after.by_path.values()), default=0)
    return after


def _paid(fields: Fields) -> tuple[Field, str, str] | None:
    """Return the column that says whether an order is paid, and what it says then."""
    for column in named(fields, lexicon.STATUS):
        for word in column.words:
            if plain(word) in lexicon.PAID_WORDS:
                seen = ", ".join(
                    f"{printable(text)} {count:,}" for text, count in column.words.most_common(6)
                )
                return column, word, f"when: {column.path} is {seen}; {word!r} seems to mean paid"
    return None


def _empty_until_paid(fields: Fields) -> Field | None:
    """Return the column of when an order was paid, if it is empty in some rows."""
    found = named(fields, lexicon.PAY_TIME, SOMETIMES, kind="time")
    return found[0] if found and found[0].count < fields.records else None


def _money(
    said: Said, evidence: list[str], fields: Fields, setting: Setting, currencies: Counter[str]
) -> None:
    """Add the amount and its currency, where money is meant."""
    if Meaning(said["as"]) not in MONEY:
        return
    is_change = isinstance(said["event"], list)
    amount: Guess | None = amount_guess(fields, is_change=is_change)
    if amount is None:
        evidence.append("NO field looks like an amount: what is it worth?")
        return
    said["amount"] = amount.said
    evidence.append(f"amount: {amount.why}")
    found = currency_guess(fields)
    if found is None:
        default = f"money.currency, {setting.currency} if the rules say none"
        evidence.append(f"currency: no field says it, taken as {default}: check")
        return
    guess, codes = found
    currencies.update(codes)
    said["currency"] = guess.said
    evidence.append(f"currency: {guess.why}")


def _channel(said: Said, evidence: list[str], fields: Fields) -> None:
    found = named(fields, lexicon.CHANNEL)
    if found:
        said["channel"] = found[0].path
        evidence.append(f"channel: {found[0].count:,} of {fields.records:,} have {found[0].path}")
    else:
        evidence.append("no field says the channel, so it is taken for all of them")


def _meaning(name: str) -> tuple[Meaning, str]:
    """Return what an event seems to mean by its name alone."""
    if (known := lexicon.WELL_KNOWN.get(plain(name))) is not None:
        return known, "a well-known name"
    for meaning, names in DEFAULT_EVENTS.items():
        if name in names and meaning in MONEY:
            return meaning, "our own name for it"
    for meaning, words in MEANINGS.items():
        if words.tell(name) and not _binds(name):
            return meaning, "its name"
    return Meaning.ACTIVITY, ""


def _binds(name: str) -> bool:
    words: frozenset[Any] = words_of(name)
    return bool(words & lexicon.BINDING) or any(w in name for w in lexicon.BINDING_CHINESE)


def _events(count: int, noun: str = "event") -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
