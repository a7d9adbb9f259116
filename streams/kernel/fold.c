/* The activities of many users, one user after the other, up to the first that asks for more.
 *
 * In two passes: `winback_follow` finds out what each activity is and how far a user gets, of which
 * no sum is needed; then numpy takes every logarithm and power that is asked for; then
 * `winback_fold` does the sums. The formulas are those of `streams.core.rhythm` and
 * `streams.core.timers`, in their order, so that the results are equal to the last bit: compiled
 * without contraction, and with no function of the C library that rounds. */

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Columns of the head, as in `models.feature_list.Rhythm` and `streams.core.state.Column`. */
enum {
    FIRST, LAST, ACTIVE_DAYS, DAYS_30TH, DAYS_10TH, DAYS_HALF, DAYS_1, DAYS_2, DAYS_4, DAYS_8,
    EVENTS_30TH, EVENTS_8, AMOUNT_1, AMOUNT_4, KIND0, KIND1, GAPS, GAP_LOG_MEAN, GAP_LOG_SQUARE,
    GAP_MEAN, GAP_0, GAP_1, GAP_2, GAP_3, GAP_4, GAP_5, GAP_6, SLOTS, DAY_EVENTS, DAY_LOG_MEAN,
    KIND2, KIND3, KIND4, KIND5, TRAITS, TRAITS_AT, EVENTS, VALUE_NET, VALUE_DECAYED, SCORED_AT,
    FROZEN_AT, PHASE, BAND, RISK, DUE, CASE_AT, CLOSED_AT, TREATED_AT, EXPOSED_AT, WAKES_AT,
    AWAY_FROM, AWAY_TO, BID, MATURES, UNHEARD, WIDTH
};
enum { RING_BYTES = 64, DIGEST = 8, SLOTS_KEPT = 16, PLAIN_KINDS = 2 };

#define EXPORT __attribute__((visibility("default")))
#define DAY_MS 86400000.0
#define GAP_LEAST 0.02
#define GAP_FADE 0.97
#define GAP_RATE_LEAST 0.07
#define DAY_RATE_LEAST 0.1

/* What an activity is. */
enum { TAKEN = 1, TWICE = 2, LATE = 4, NEW_DAY = 8, ASKS = 16, FREEZES = 32 };
/* Which sources this was compiled from. */
EXPORT const char winback_source[] = SOURCE;

/* Why a user gets no further. */
enum { DONE = 0, TIMER = 1, MORE = 2 };

/* The numbers of the rules. */
typedef struct {
    double unit, slot_ms, rescore, period, horizon, limit, check, backstop, alert_days;
    int64_t kinds, answers;
} Rules;

/* Inputs of a chunk, by place. */
typedef struct {
    const double *at_ms, *bound, *log_amount, *money;
    const int8_t *slot;
    const uint8_t *is_act, *is_risky;
    const uint64_t *digest;
} Inputs;

typedef struct {
    double head[WIDTH];
    uint8_t ring[RING_BYTES];
} Record;

static double least(double a, double b) { return b < a ? b : a; }
static double most(double a, double b) { return b > a ? b : a; }

/* a // b of Python and of numpy, b > 0. */
static double floor_divided(double a, double b) {
    double rest = fmod(a, b), whole = (a - rest) / b;
    if (rest < 0.0) whole -= 1.0;
    double floored = floor(whole);
    return whole - floored > 0.5 ? floored + 1.0 : floored;
}

static int is_in_ring(const uint8_t *ring, uint64_t digest) {
    for (int at = 0; at <= RING_BYTES - DIGEST; at++) { /* At any byte: as `bytes.find`. */
        uint64_t word;
        memcpy(&word, ring + at, DIGEST);
        if (word == digest) return 1;
    }
    return 0;
}

static double grid_at(const Rules *rules, double phase, double at) {
    return floor((at - phase) / rules->period) * rules->period + phase;
}

/* `Timers.deadlines` of one user while nothing is missing. */
static double deadline_of(const Rules *rules, const double *head, double shift, double after) {
    double last = head[LAST];
    if (head[EVENTS] == 0.0) return INFINITY;
    after = most(after, last);
    double grid = grid_at(rules, head[PHASE], after) + rules->period;
    if (grid - rules->period < head[FIRST]) grid += rules->period;
    if (grid - rules->period - last >= rules->limit) grid = INFINITY;
    shift += last;
    double check = (floor((after - shift) / rules->check) + 1.0) * rules->check + shift;
    double backstop = last + rules->backstop;
    if (backstop > after) check = least(check, backstop);
    if (check - last >= rules->horizon || head[ACTIVE_DAYS] < rules->alert_days) check = INFINITY;
    double mark = last + rules->horizon;
    if (mark <= after) mark = last + rules->limit > after ? last + rules->limit : INFINITY;
    double due = least(least(head[DUE], head[MATURES]), head[UNHEARD]);
    due = due > after ? due : after + 1.0;
    return least(least(grid, check), least(mark, due));
}

static void push(uint8_t *ring, const uint64_t *digest) {
    memmove(ring, ring + DIGEST, RING_BYTES - DIGEST);
    memcpy(ring + RING_BYTES - DIGEST, digest, DIGEST);
}

/* Follow users through their inputs.
 *   count: users.
 *   order, starts: places of inputs; those of user u from starts[u] to starts[u + 1].
 *   value_starts: where each one's changelog value begins among values.
 *   values: their changelog values.
 *   most_taken: of each user, at most so many inputs.
 *   deadline, grid: of each user, as in `streams.core.users.Users`; changed.
 *   what, since, day: by place in the order: what it is, how long after the last one, and how many
 *     events the active day had before.
 *   taken, why: of each user: inputs that were done, and why no more. */
EXPORT void winback_follow(const Rules *rules, const Inputs *inputs, int64_t count,
                           const int64_t *order, const int64_t *starts, const int64_t *value_starts,
                           const uint8_t *values, const int64_t *most_taken, double *deadline,
                           double *grid, uint8_t *what, double *since, double *day, int64_t *taken,
                           uint8_t *why) {
    for (int64_t u = 0; u < count; u++) {
        Record now;
        memcpy(&now, values + value_starts[u], sizeof now);
        double *head = now.head, shift = fmod(head[PHASE], rules->check);
        int64_t k = starts[u], end = starts[u + 1];
        int has_frozen = 0;
        why[u] = DONE;
        for (; k < end; k++) {
            int64_t place = order[k];
            double at = inputs->at_ms[place], bound = inputs->bound[place];
            if (!inputs->is_act[place] || k - starts[u] >= most_taken[u]) {
                why[u] = MORE;
                break;
            }
            if (is_in_ring(now.ring, inputs->digest[place])) {
                what[k] = TWICE;
                continue;
            }
            if (deadline[u] <= bound) {
                why[u] = TIMER;
                break;
            }
            int is = TAKEN, is_first = head[EVENTS] == 0.0, is_risky = inputs->is_risky[place];
            double last = is_first ? at : head[LAST], days = head[ACTIVE_DAYS];
            since[k] = at - last, day[k] = head[DAY_EVENTS];
            if (since[k] < 0.0) is |= LATE;
            else if (days == 0.0 || floor(at / DAY_MS) != floor(last / DAY_MS)) is |= NEW_DAY;
            if (at >= grid[u] + rules->period) is |= FREEZES;
            if (days + !!(is & NEW_DAY) >= head[WAKES_AT] || head[BID] != 0.0 ||
                (is_risky && rules->answers) || (is & FREEZES && has_frozen)) {
                why[u] = MORE;
                break;
            }
            has_frozen |= is & FREEZES;
            if (is_first) head[FIRST] = at;
            if (is & LATE) {
                head[FIRST] = least(head[FIRST], at);
            } else {
                if (is & NEW_DAY) head[ACTIVE_DAYS] += 1.0, head[DAY_EVENTS] = 0.0;
                head[DAY_EVENTS] += 1.0;
                head[LAST] = at;
                if (at - head[SCORED_AT] >= rules->rescore || is_risky) head[SCORED_AT] = at;
            }
            if (head[SCORED_AT] == at && head[ACTIVE_DAYS] >= rules->alert_days) is |= ASKS;
            head[EVENTS] += 1.0;
            push(now.ring, &inputs->digest[place]);
            grid[u] = grid_at(rules, head[PHASE], head[LAST]);
            deadline[u] = deadline_of(rules, head, shift, bound);
            what[k] = (uint8_t)is;
        }
        taken[u] = k - starts[u];
    }
}

static void note_gap(double *head, double gap, double log_gap, double log_day) {
    static const double EDGES[6] = {0.125, 0.25, 0.5, 1.0, 2.0, 4.0};
    head[GAPS] += 1.0;
    double rate = most(1.0 / (head[GAPS] + 1.0), GAP_RATE_LEAST);
    head[GAP_LOG_MEAN] += rate * (log_gap - head[GAP_LOG_MEAN]);
    head[GAP_LOG_SQUARE] += rate * (log_gap * log_gap - head[GAP_LOG_SQUARE]);
    head[GAP_MEAN] += rate * (gap - head[GAP_MEAN]);
    int bin = 0;
    while (bin < 6 && gap >= EDGES[bin]) bin++;
    for (int i = GAP_0; i <= GAP_6; i++) head[i] *= GAP_FADE;
    head[GAP_0 + bin] += 1.0;
    rate = most(1.0 / head[ACTIVE_DAYS], DAY_RATE_LEAST);
    head[DAY_LOG_MEAN] += rate * (log_day - head[DAY_LOG_MEAN]);
}

/* `Timers.deadlines` of many users while nothing is missing. */
EXPORT void winback_deadlines(const Rules *rules, int64_t count, const double *heads,
                              const double *after, double *deadlines) {
    for (int64_t u = 0; u < count; u++) {
        const double *head = heads + u * WIDTH;
        deadlines[u] = deadline_of(rules, head, fmod(head[PHASE], rules->check), after[u]);
    }
}

static double slots_after(const Rules *rules, double slots, double last, double at) {
    double passed = floor_divided(at, rules->slot_ms) - floor_divided(last, rules->slot_ms);
    if (passed >= SLOTS_KEPT) return 1.0;
    int64_t shifted = (int64_t)slots << (int)passed | 1;
    return (double)(shifted & ((1 << SLOTS_KEPT) - 1));
}

static void note_day(const Rules *rules, double *head, double since, double log_gap, double log_day) {
    if (head[ACTIVE_DAYS] > 0.0)
        note_gap(head, most(since / rules->unit, GAP_LEAST), log_gap, log_day);
    for (int i = DAYS_30TH; i <= DAYS_8; i++) head[i] += 1.0;
    head[ACTIVE_DAYS] += 1.0;
    head[DAY_EVENTS] = 0.0;
}

/* Do the sums of what was followed.
 *   count, order, starts, value_starts: as above.
 *   values: changelog values; changed.
 *   what, since: as `winback_follow` found them.
 *   decay, log_gap, log_day: by place in the order; the decay is 2^(-|since|/8H).
 *   heads_asked: the head behind each activity that asks for a score, in the order.
 *   heads_frozen: the head before each that freezes an example. */
EXPORT void winback_fold(const Rules *rules, const Inputs *inputs, int64_t count,
                         const int64_t *order, const int64_t *starts, const int64_t *value_starts,
                         uint8_t *values, const int64_t *taken, const uint8_t *what,
                         const double *since, const double *decay, const double *log_gap,
                         const double *log_day, double *heads_asked, double *heads_frozen) {
    static const int KINDS[6] = {KIND0, KIND1, KIND2, KIND3, KIND4, KIND5};
    int kinds = rules->kinds > PLAIN_KINDS ? 6 : PLAIN_KINDS;
    for (int64_t u = 0; u < count; u++) {
        Record now;
        memcpy(&now, values + value_starts[u], sizeof now);
        double *head = now.head;
        for (int64_t k = starts[u]; k < starts[u] + taken[u]; k++) {
            int is = what[k];
            if (!(is & TAKEN)) continue;
            if (is & FREEZES) memcpy(heads_frozen, head, sizeof now.head), heads_frozen += WIDTH;
            int64_t place = order[k], slot = inputs->slot[place];
            double at = inputs->at_ms[place], money = inputs->money[place];
            double log_amount = inputs->log_amount[place];
            double last = head[EVENTS] == 0.0 ? at : head[LAST];
            if (head[EVENTS] == 0.0) head[FIRST] = at;
            double d8 = decay[k], d4 = d8 * d8, d2 = d4 * d4, d1 = d2 * d2, dhalf = d1 * d1;
            double d10th = dhalf * dhalf;
            d10th *= d10th * dhalf;
            double d30th = d10th * d10th * d10th;
            if (is & LATE) {
                head[FIRST] = least(head[FIRST], at);
                head[EVENTS_30TH] += d30th;
                head[EVENTS_8] += d8;
                head[AMOUNT_1] += log_amount * d1;
                head[AMOUNT_4] += log_amount * d4;
                if (slot >= 0) head[KINDS[slot]] += d1;
                head[VALUE_DECAYED] += money * d4;
            } else {
                const double decays[7] = {d30th, d10th, dhalf, d1, d2, d4, d8};
                for (int i = 0; i < 7; i++) head[DAYS_30TH + i] *= decays[i];
                head[EVENTS_30TH] = head[EVENTS_30TH] * d30th + 1.0;
                head[EVENTS_8] = head[EVENTS_8] * d8 + 1.0;
                head[AMOUNT_1] = head[AMOUNT_1] * d1 + log_amount;
                head[AMOUNT_4] = head[AMOUNT_4] * d4 + log_amount;
                for (int i = 0; i < kinds; i++) head[KINDS[i]] *= d1;
                if (slot >= 0) head[KINDS[slot]] += 1.0;
                head[VALUE_DECAYED] = head[VALUE_DECAYED] * d4 + money;
                if (is & NEW_DAY) note_day(rules, head, since[k], log_gap[k], log_day[k]);
                head[DAY_EVENTS] += 1.0;
                head[SLOTS] = slots_after(rules, head[SLOTS], last, at);
                head[LAST] = at;
                if (at - head[SCORED_AT] >= rules->rescore || inputs->is_risky[place])
                    head[SCORED_AT] = at;
            }
            head[EVENTS] += 1.0;
            head[VALUE_NET] += money;
            push(now.ring, &inputs->digest[place]);
            if (is & ASKS) memcpy(heads_asked, head, sizeof now.head), heads_asked += WIDTH;
        }
        memcpy(values + value_starts[u], &now, sizeof now);
    }
}
