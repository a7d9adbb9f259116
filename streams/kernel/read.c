/* Native events of a chunk, read at once into columns.
 *
 * What is read here is plain: an object whose members stand there once, texts without escapes where
 * they are read, a time and an amount as they are usually written. Of anything else, and of all that
 * could be wrong with a record, nothing is said here: its kind is ASK, and `streams.core.native` reads
 * it. So this file refuses nothing, and what it reads, that module reads alike. */

#include <math.h>
#include "xxh3.h"

enum { ASK = 0, ACT = 1, IGNORED = 2 };
enum { NESTING_MAX = 16, ID_MAX = XXH3_MAX, KEY_MAX = 256, NAME_MAX = 200, VALUE_MAX = 65536 };
enum { DIGITS_MAX = 15, SKIPPED_MAX = 24, YEAR_MAX = 2099 };

#define EXPORT __attribute__((visibility("default")))
#define FUTURE_MAX_MS 3600000
#define AMOUNT_MAX 1e12

typedef struct {
    const uint8_t *at, *end;
    uint8_t high; /* All bytes of texts, or-ed: from 0x80 on, some is not ASCII. */
} Reader;

typedef struct {
    const uint8_t *text; /* NULL = it does not stand there. */
    size_t size;
} Text;

typedef struct {
    Text event, user_id, event_id, currency;
    int64_t at_ms; /* 0 = it does not stand there. */
    double amount;
    int has_amount;
    unsigned seen; /* One bit a member. */
} Event;

static void skip_blanks(Reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static int take(Reader *r, uint8_t byte) {
    if (r->at == r->end || *r->at != byte) return 0;
    r->at++;
    return 1;
}

/* A text without escapes. */
static int read_text(Reader *r, Text *found) {
    if (!take(r, '"')) return 0;
    const uint8_t *start = r->at, *at = start;
    uint8_t high = 0;
    for (; at < r->end && *at != '"'; at++) {
        if (*at == '\\' || *at < 0x20) return 0;
        high |= *at;
    }
    if (at == r->end) return 0;
    found->text = start, found->size = (size_t)(at - start);
    r->high |= high, r->at = at + 1;
    return 1;
}

static int is_digit(const Reader *r) { return r->at < r->end && *r->at >= '0' && *r->at <= '9'; }

static int is_hex(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'f');
}

/* A text that nobody reads; escapes of surrogates are not plain. */
static int skip_text(Reader *r) {
    if (!take(r, '"')) return 0;
    while (r->at < r->end) {
        uint8_t byte = *r->at++;
        if (byte == '"') return 1;
        if (byte < 0x20) return 0;
        r->high |= byte;
        if (byte != '\\') continue;
        if (r->at == r->end) return 0;
        byte = *r->at++;
        if (byte == 'u') {
            if (r->end - r->at < 4) return 0;
            for (int i = 0; i < 4; i++)
                if (!is_hex(r->at[i])) return 0;
            if ((r->at[0] | 32) == 'd' && r->at[1] >= '8') return 0;
            r->at += 4;
        } else if (!memchr("\"\\/bfnrt", byte, 8)) {
            return 0;
        }
    }
    return 0;
}

/* A number in digits, no power of ten: its value is exact, or it is not plain. */
static int read_number(Reader *r, double *found) {
    static const double TENS[DIGITS_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int is_negative = take(r, '-'), digits = 0, behind = 0;
    int64_t whole = 0;
    const uint8_t *start = r->at;
    for (; is_digit(r) && digits <= DIGITS_MAX; r->at++, digits++) whole = 10 * whole + (*r->at - '0');
    if (!digits || (digits > 1 && *start == '0')) return 0;
    if (take(r, '.')) {
        for (; is_digit(r) && digits <= DIGITS_MAX; r->at++, digits++, behind++)
            whole = 10 * whole + (*r->at - '0');
        if (!behind) return 0;
    }
    if (digits > DIGITS_MAX || (r->at < r->end && (*r->at | 32) == 'e')) return 0;
    double number = (double)whole / TENS[behind]; /* Both are exact, so it is rounded once. */
    *found = is_negative ? -number : number;
    return 1;
}

/* A number that nobody reads. */
static int skip_number(Reader *r) {
    take(r, '-');
    const uint8_t *start = r->at;
    while (is_digit(r)) r->at++;
    if (r->at == start || (r->at - start > 1 && *start == '0')) return 0;
    if (take(r, '.')) {
        const uint8_t *point = r->at;
        while (is_digit(r)) r->at++;
        if (r->at == point) return 0;
    }
    return r->at - start <= SKIPPED_MAX && (r->at == r->end || (*r->at | 32) != 'e');
}

static int skip_word(Reader *r, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size)) return 0;
    r->at += size;
    return 1;
}

static int skip_value(Reader *r, int depth) {
    if (r->at == r->end || depth > NESTING_MAX) return 0;
    uint8_t open = *r->at;
    switch (open) {
    case '"': return skip_text(r);
    case 't': return skip_word(r, "true");
    case 'f': return skip_word(r, "false");
    case 'n': return skip_word(r, "null");
    case '{':
    case '[': break;
    default: return skip_number(r);
    }
    uint8_t close = open == '{' ? '}' : ']';
    r->at++;
    skip_blanks(r);
    if (take(r, close)) return 1;
    for (;;) {
        if (open == '{') {
            if (!skip_text(r)) return 0;
            skip_blanks(r);
            if (!take(r, ':')) return 0;
            skip_blanks(r);
        }
        if (!skip_value(r, depth + 1)) return 0;
        skip_blanks(r);
        if (take(r, close)) return 1;
        if (!take(r, ',')) return 0;
        skip_blanks(r);
    }
}

static int two_digits(const uint8_t *at) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return -1;
    return 10 * (at[0] - '0') + (at[1] - '0');
}

/* Days since 1970 of a date of the Gregorian calendar; 0 = there is none, or it is the first. */
static int64_t days_of(int year, int month, int day) {
    static const int BEFORE[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    if (year < 1970 || year > YEAR_MAX || month < 1 || month > 12 || day < 1) return 0;
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int length = BEFORE[month] - BEFORE[month - 1] + (is_leap && month == 2);
    if (day > length) return 0;
    int past = year - 1;
    int64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return 365LL * (year - 1970) + leaps + BEFORE[month - 1] + (is_leap && month > 2) + day - 1;
}

/* 2026-03-01T08:00:00.123456+08:00, with up to six digits of a second or none, and a zone. */
static int64_t instant_of(Text said) {
    const uint8_t *s = said.text, *end = said.text + said.size;
    if (said.size < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
        return 0;
    int century = two_digits(s), year = two_digits(s + 2), month = two_digits(s + 5);
    int day = two_digits(s + 8), hour = two_digits(s + 11), minute = two_digits(s + 14);
    int second = two_digits(s + 17);
    if (century < 0 || year < 0 || hour < 0 || minute < 0 || second < 0) return 0;
    if (hour > 23 || minute > 59 || second > 59) return 0;
    int64_t days = days_of(100 * century + year, month, day), micro = 0;
    if (!days) return 0;
    s += 19;
    if (*s == '.') {
        int digits = 0;
        for (s++; s < end && *s >= '0' && *s <= '9' && digits <= 6; s++, digits++)
            micro = 10 * micro + (*s - '0');
        if (!digits || digits > 6) return 0;
        for (; digits < 6; digits++) micro *= 10;
    }
    int away = 0;
    if (end - s == 1 && *s == 'Z') {
    } else if (end - s == 6 && (*s == '+' || *s == '-') && s[3] == ':') {
        int hours = two_digits(s + 1), minutes = two_digits(s + 4);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return 0;
        away = (*s == '+' ? 1 : -1) * (60 * hours + minutes);
    } else {
        return 0;
    }
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - away * 60;
    return (int64_t)rint((double)(seconds * 1000000 + micro) / 1e6 * 1e3);
}

static int read_time(Reader *r, int64_t *found) {
    Text said;
    if (r->at < r->end && *r->at == '"') {
        if (!read_text(r, &said)) return 0;
        *found = instant_of(said);
        return *found > 0;
    }
    const uint8_t *start = r->at;
    int64_t at_ms = 0;
    for (; is_digit(r) && r->at - start <= DIGITS_MAX; r->at++) at_ms = 10 * at_ms + (*r->at - '0');
    if (r->at == start || *start == '0' || r->at - start > DIGITS_MAX) return 0;
    if (r->at < r->end && (*r->at == '.' || (*r->at | 32) == 'e')) return 0;
    *found = at_ms;
    return 1;
}

static int read_amount(Reader *r, Event *event) {
    if (skip_word(r, "null")) return 1;
    event->has_amount = 1;
    if (r->at == r->end || *r->at != '"') return read_number(r, &event->amount);
    Text said;
    if (!read_text(r, &said)) return 0;
    Reader inner = {said.text, said.text + said.size, 0};
    return read_number(&inner, &event->amount) && inner.at == inner.end;
}

/* One member; 0 = it is not plain, or stands there twice. */
static int read_member(Reader *r, Event *event) {
    Text key;
    if (!read_text(r, &key)) return 0;
    skip_blanks(r);
    if (!take(r, ':')) return 0;
    skip_blanks(r);
    enum { EVENT, USER_ID, EVENT_ID, EVENT_TIME, AMOUNT, CURRENCY, PROPERTIES, OTHER };
    int which = OTHER;
#define IF(name, member) if (!memcmp(key.text, name, sizeof name - 1)) which = member
    switch (key.size) {
    case 5: IF("event", EVENT); break;
    case 6: IF("amount", AMOUNT); break;
    case 7: IF("user_id", USER_ID); break;
    case 8: IF("event_id", EVENT_ID); else IF("currency", CURRENCY); break;
    case 10: IF("event_time", EVENT_TIME); else IF("properties", PROPERTIES); break;
    default: break;
    }
#undef IF
    if (which < OTHER && event->seen >> which & 1) return 0;
    event->seen |= 1u << which;
    switch (which) {
    case EVENT: return read_text(r, &event->event);
    case USER_ID: return read_text(r, &event->user_id);
    case EVENT_ID: return read_text(r, &event->event_id);
    case EVENT_TIME: return read_time(r, &event->at_ms);
    case AMOUNT: return read_amount(r, event);
    case CURRENCY: return skip_word(r, "null") || read_text(r, &event->currency);
    default: return skip_value(r, 0);
    }
}

static int is_utf8(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        uint8_t lead = *at++;
        if (lead < 0x80) continue;
        int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (lead < 0xC2 || lead > 0xF4 || end - at < more) return 0;
        if ((lead == 0xE0 && at[0] < 0xA0) || (lead == 0xED && at[0] > 0x9F)) return 0;
        if ((lead == 0xF0 && at[0] < 0x90) || (lead == 0xF4 && at[0] > 0x8F)) return 0;
        for (; more; more--)
            if ((*at++ & 0xC0) != 0x80) return 0;
    }
    return 1;
}

static int read_event(Text value, Event *event) {
    Reader r = {value.text, value.text + value.size, 0};
    skip_blanks(&r);
    if (!take(&r, '{')) return 0;
    do {
        skip_blanks(&r);
        if (!read_member(&r, event)) return 0;
        skip_blanks(&r);
    } while (take(&r, ','));
    if (!take(&r, '}')) return 0;
    skip_blanks(&r);
    return r.at == r.end && (r.high < 0x80 || is_utf8(value.text, r.end));
}

/* What the rules say of names.
 *   texts, ends: the names, one behind the other.
 *   kinds, signs: of each name, and behind them of all others; the sign of its money, 0 = a count. */
typedef struct {
    int64_t names;
    const uint8_t *texts;
    const int64_t *ends;
    const uint8_t *kinds;
    const double *signs;
    double minor_units;
    int64_t far_ms;
    const uint8_t *currency;
    int64_t currency_size;
} Plans;

static int64_t plan_of(const Plans *plans, Text name) {
    int64_t start = 0;
    for (int64_t i = 0; i < plans->names; i++) {
        const int64_t end = plans->ends[i];
        if ((size_t)(end - start) == name.size && !memcmp(plans->texts + start, name.text, name.size))
            return i;
        start = end;
    }
    return plans->names;
}

/* Columns of what was read: event time, size and money of each record, its plan, the digest of its
 * event id, and of what kind it is. */
typedef struct {
    double *at_ms, *amount, *money;
    int64_t *plan;
    uint64_t *digest;
    uint8_t *kind;
} Columns;

static int read_one(const Plans *plans, Text key, Text value, int64_t stamp_ms, int64_t i, Columns *out) {
    Event event = {0};
    if (!value.size || value.size > VALUE_MAX || !key.size || key.size > KEY_MAX) return ASK;
    if (!read_event(value, &event) || !event.at_ms || !event.event.size || !event.event_id.size)
        return ASK;
    if (event.at_ms > stamp_ms + FUTURE_MAX_MS || event.at_ms > plans->far_ms) return ASK;
    if (event.user_id.size != key.size || memcmp(event.user_id.text, key.text, key.size)) return ASK;
    if (event.event_id.size > ID_MAX || event.event.size > NAME_MAX || event.event.text[0] == '$')
        return ASK;
    int64_t plan = plan_of(plans, event.event);
    double sign = plans->signs[plan], amount = event.amount;
    if (event.has_amount && fabs(amount) > AMOUNT_MAX) return ASK;
    if (event.has_amount && sign != 0.0) {
        if (amount < 0.0) return ASK;
        if (event.currency.text && (event.currency.size != (size_t)plans->currency_size ||
            memcmp(event.currency.text, plans->currency, event.currency.size)))
            return ASK;
    }
    out->at_ms[i] = (double)event.at_ms;
    out->amount[i] = amount > 0.0 ? amount : 0.0;
    out->money[i] = sign != 0.0 ? sign * rint(amount * plans->minor_units) + 0.0 : 0.0;
    out->plan[i] = plan;
    out->digest[i] = __builtin_bswap64(xxh3(event.event_id.text, event.event_id.size));
    return plans->kinds[plan];
}

/* Read `count` records: keys and values lie one behind the other, and end where their ends say. */
EXPORT void winback_read(const Plans *plans, int64_t count, const uint8_t *keys, const int64_t *key_ends,
                  const uint8_t *values, const int64_t *value_ends, const int64_t *stamps_ms,
                  Columns *out) {
    int64_t key_at = 0, value_at = 0;
    for (int64_t i = 0; i < count; i++) {
        Text key = {keys + key_at, (size_t)(key_ends[i] - key_at)};
        Text value = {values + value_at, (size_t)(value_ends[i] - value_at)};
        out->kind[i] = (uint8_t)read_one(plans, key, value, stamps_ms[i], i, out);
        key_at = key_ends[i], value_at = value_ends[i];
    }
}
