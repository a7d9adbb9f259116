/* Features of users at instants, and the path of the hazard along a silence.
 *
 * The formulas are those of `models.features` and `models.hazard`, in their order, so that the
 * results are equal to the last bit: compiled without contraction, and with no function of the C
 * library that rounds. Between the passes numpy takes the powers and the logarithms, for all items
 * at once. An item is a user (a row of `heads`) at an instant; what is computed of items lies in
 * columns of `count` numbers, in a room of the caller. */

#include <math.h>
#include <stdint.h>

/* Columns of the head, as in `models.feature_list.Rhythm`. */
enum {
    FIRST, LAST, ACTIVE_DAYS, DAYS_30TH, DAYS_10TH, DAYS_HALF, DAYS_1, DAYS_2, DAYS_4, DAYS_8,
    EVENTS_30TH, EVENTS_8, AMOUNT_1, AMOUNT_4, KIND0, KIND1, GAPS, GAP_LOG_MEAN, GAP_LOG_SQUARE,
    GAP_MEAN, GAP_0, GAP_1, GAP_2, GAP_3, GAP_4, GAP_5, GAP_6, SLOTS, DAY_EVENTS, DAY_LOG_MEAN,
    KIND2, KIND3, KIND4, KIND5, TRAITS, TRAITS_AT
};

enum { PERIODS = 4, SLOTS_PER_HORIZON = 32, SLOTS_KEPT = 16, BINS = 7, LOGS = 26, MORE_KINDS = 4 };
enum { PLAIN_WIDTH = 31, WIDTH = 40, TRAITS_MAX = 5 };

/* Columns of the room; the logarithms of the more kinds are asked for only with all features. */
enum { SILENCE, DECAY, PROBABILITY, LOG, FEATURE = LOG + LOGS + MORE_KINDS };

#define EXPORT __attribute__((visibility("default")))

EXPORT const char winback_source[] = SOURCE;

static const double LOGIT_MAX = 15.0, GAP_LEAST = 0.02;
static const double LOW[BINS] = {0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0};
static const double HIGH[BINS] = {0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 32.0};
static const double PRIOR[BINS] = {0.90, 0.24, 0.24, 0.20, 0.16, 0.12, 0.14};

/* As numpy's: what is no number stays none. */
static inline double least(double a, double b) { return a < b || a != a ? a : b; }
static inline double most(double a, double b) { return a > b || a != a ? a : b; }

typedef struct {
    const double *heads;
    int64_t stride;      /* from row to row of the heads, in numbers */
    const int64_t *rows; /* of each item; NULL = its own number */
    const double *at_ms; /* of each item */
    double horizon_ms;
    int64_t count, width;
} Items;

static inline const double *head_of(const Items *items, int64_t i) {
    return items->heads + (items->rows ? items->rows[i] : i) * items->stride;
}

/* Write the silences, in U, and the exponents of two. */
EXPORT void winback_silences(const Items *items, double *room) {
    double unit_ms = items->horizon_ms / PERIODS;
    double *silence = room + SILENCE * items->count, *decay = room + DECAY * items->count;
    for (int64_t i = 0; i < items->count; i++) {
        silence[i] = most(items->at_ms[i] - head_of(items, i)[LAST], 0.0) / unit_ms;
        decay[i] = silence[i] * (-1.0 / (8 * PERIODS));
    }
}

static double longer(const double *weights, double silence) {
    double s[BINS];
    for (int i = 0; i < BINS; i++) {
        double share = (HIGH[i] - silence) * (1.0 / (HIGH[i] - LOW[i]));
        s[i] = most(least(share, 1.0), 0.0) * weights[i];
    }
    for (int i = 0; i < 3; i++) s[i] += s[i + 4];
    for (int i = 0; i < 2; i++) s[i] += s[i + 2];
    return s[0] + s[1];
}

static double return_probability(const double *head, double silence) {
    double weights[BINS];
    for (int i = 0; i < BINS; i++) weights[i] = head[GAP_0 + i] + PRIOR[i];
    double now = longer(weights, silence) + 0.15;
    double later = longer(weights, silence + 1.0) + 0.1;
    return 1.0 - later / now;
}

static uint32_t mask_of(const double *head, double at_ms, double slot_ms) {
    double passed = floor(at_ms / slot_ms) - floor(head[LAST] / slot_ms);
    passed = most(least(passed, SLOTS_KEPT), 0.0);
    return (uint32_t)head[SLOTS] << (uint32_t)passed & 0xFFFF;
}

/* Write what logarithms are taken of; DECAY holds the powers. */
EXPORT void winback_arguments(const Items *items, double *room) {
    int64_t n = items->count;
    double unit_ms = items->horizon_ms / PERIODS;
    double slot_ms = items->horizon_ms / SLOTS_PER_HORIZON;
    for (int64_t i = 0; i < n; i++) {
        const double *head = head_of(items, i);
        double silence = room[SILENCE * n + i], *log = room + LOG * n + i, a[LOGS];
        double d8 = room[DECAY * n + i], d4 = d8 * d8, d2 = d4 * d4, d1 = d2 * d2, dhalf = d1 * d1;
        double d10th = dhalf * dhalf;
        d10th *= d10th;
        d10th *= dhalf;
        double d30th = d10th * d10th;
        d30th *= d10th;
        const double decays[7] = {d30th, d10th, dhalf, d1, d2, d4, d8};
        for (int k = 0; k < 7; k++) a[k] = head[DAYS_30TH + k] * decays[k];
        a[7] = head[EVENTS_30TH] * d30th;
        a[8] = head[EVENTS_8] * d8;
        a[9] = head[AMOUNT_1] * d1;
        a[10] = head[AMOUNT_4] * d4;
        a[11] = head[KIND0] * d1;
        a[12] = head[KIND1] * d1;
        a[13] = a[2] + 1.0;
        for (int k = 0; k < 7; k++) a[k] += k == 1 ? 1.0 : 0.02;
        for (int k = 7; k < 13; k++) a[k] += 1.0;
        double probability = return_probability(head, silence);
        room[PROBABILITY * n + i] = probability;
        a[20] = (probability + 0.01) / (1.01 - probability);
        double span = (head[LAST] - head[FIRST]) / unit_ms, tenure = silence + span;
        a[14] = least(tenure, 4.0 * PERIODS) * 8.0 + 1.0;
        a[15] = silence * 8.0 + 1.0;
        a[16] = silence / head[GAP_MEAN] + 1.0;
        uint32_t mask = mask_of(head, items->at_ms[i], slot_ms);
        a[17] = __builtin_popcount(mask & 0xF) + 1.0;
        a[18] = __builtin_popcount(mask) + 1.0;
        a[19] = head[GAP_MEAN];
        a[21] = most(silence, GAP_LEAST);
        a[22] = least(head[ACTIVE_DAYS], 256.0);
        a[23] = (tenure + 1.0) / (span + 1.0);
        a[24] = 0.7 / (most(least(head[ACTIVE_DAYS] - 1.0, 60.0), 1.0) + 1.2);
        a[25] = head[DAY_EVENTS] + 1.0;
        for (int k = 0; k < LOGS; k++) log[k * n] = a[k];
        if (items->width == WIDTH)
            for (int k = 0; k < MORE_KINDS; k++) log[(LOGS + k) * n] = head[KIND2 + k] * d1 + 1.0;
    }
}

/* Write the features; the arguments have become logarithms. */
EXPORT void winback_features(const Items *items, double *room) {
    int64_t n = items->count;
    for (int64_t i = 0; i < n; i++) {
        const double *head = head_of(items, i);
        double *log = room + LOG * n + i, *out = room + FEATURE * n + i, l[LOGS], f[PLAIN_WIDTH];
        for (int k = 0; k < LOGS; k++) l[k] = log[k * n];
        double mlg = head[GAP_LOG_MEAN], again = least(head[ACTIVE_DAYS] - 1.0, 60.0);
        int once = again == 0.0;
        double slg = sqrt(most(head[GAP_LOG_SQUARE] - mlg * mlg, 0.05));
        double z = least((l[21] - mlg) / slg, 6.0);
        double alive = l[24] + l[23] * (again + 0.5);
        alive = once ? -3.0 : least(most(alive, -8.0), 8.0);
        double daily = once ? l[25] : head[DAY_LOG_MEAN];
        double lg4 = l[3] - 0.69, lrec = l[15] - 2.5, slg_ = slg - 1.22, mlg_ = mlg - -0.57;
        f[0] = l[13], f[1] = l[0], f[2] = l[10], f[3] = l[6], f[4] = l[20], f[5] = z, f[6] = l[7];
        f[7] = l[14], f[8] = l[1], f[9] = l[8], f[10] = l[2], f[11] = l[4], f[12] = l[16];
        f[13] = slg, f[14] = once, f[15] = l[17], f[16] = l[19], f[17] = room[PROBABILITY * n + i];
        f[18] = alive, f[19] = l[11], f[20] = l[15], f[21] = l[9], f[22] = l[12];
        f[23] = mlg_ * (z - 0.58);
        f[24] = lg4 * (l[20] - -0.49);
        f[25] = lrec * (l[5] - 1.47);
        f[26] = (l[14] - 4.12) * lg4;
        f[27] = mlg_ * (l[18] - 0.62);
        f[28] = (l[22] - 1.97) * (daily - 1.1);
        f[29] = slg_ * slg_;
        f[30] = lrec * slg_;
        for (int k = 0; k < PLAIN_WIDTH; k++) out[k * n] = f[k];
        if (items->width != WIDTH) continue;
        out += PLAIN_WIDTH * n;
        for (int k = 0; k < MORE_KINDS; k++) out[k * n] = log[(LOGS + k) * n];
        out += MORE_KINDS * n;
        uint32_t mask = (uint32_t)head[TRAITS];
        if (items->at_ms[i] < head[TRAITS_AT]) mask >>= TRAITS_MAX;
        for (int k = 0; k < TRAITS_MAX; k++) out[k * n] = mask >> k & 1;
    }
}

/* The logit of a row of `count` columns at `column`: `Weights.logit`. */
static inline double logit_of(int64_t count, int64_t width, const double *column, const double *w,
                              const double *middle, const double *reach, double b) {
    double parts[WIDTH];
    for (int64_t k = 0; k < width; k++) {
        double part = column[k * count] - middle[k];
        parts[k] = most(least(part, reach[k]), -reach[k]) * w[k];
    }
    int64_t rows = width;
    while (rows > 1) {
        int64_t half = rows / 2;
        for (int64_t k = 0; k < half; k++) parts[k] += parts[rows - half + k];
        rows -= half;
    }
    return most(least(parts[0] + b, LOGIT_MAX), -LOGIT_MAX);
}

/* Write the logits of a linear model, of columns (width, count). */
EXPORT void winback_logits(int64_t count, int64_t width, const double *columns, const double *w,
                           const double *middle, const double *reach, double b, double *logits) {
    for (int64_t i = 0; i < count; i++)
        logits[i] = logit_of(count, width, columns + i, w, middle, reach, b);
}

/* The same of many models.
 *   which, rows: the model of each row, and the row of each item.
 *   models: of each its weights, middles and reaches (width each), and b. */
EXPORT void winback_logits_by(int64_t count, int64_t width, const double *columns,
                              const int64_t *which, const int64_t *rows, const double *models,
                              double *logits) {
    for (int64_t i = 0; i < count; i++) {
        const double *w = models + which[rows[i]] * (3 * width + 1);
        logits[i] = logit_of(count, width, columns + i, w, w + width, w + 2 * width, w[3 * width]);
    }
}

/* Write the steps of each user's path that have a share, step by step: their row, their instant.
 *   items: the users, each at its instant.
 *   is_cut: the path ends H after the last activity, else H after the instant.
 *   shares: (PERIODS, count); later_ms, rows: room for as many.
 * Returns how many there are. */
EXPORT int64_t winback_steps(const Items *items, int64_t is_cut, double *shares, double *later_ms,
                             int64_t *rows) {
    int64_t n = items->count, found = 0;
    double unit_ms = items->horizon_ms / PERIODS, rate = PERIODS / items->horizon_ms;
    for (int64_t i = 0; i < n; i++) {
        double silence = (items->at_ms[i] - head_of(items, i)[LAST]) * rate;
        double left = PERIODS - most(silence, 0.0);
        for (int k = 0; k < PERIODS; k++)
            shares[k * n + i] = is_cut ? most(least(left - k, 1.0), 0.0) : 1.0;
    }
    for (int k = 0; k < PERIODS; k++)
        for (int64_t i = 0; i < n; i++)
            if (shares[k * n + i] != 0.0) {
                later_ms[found] = items->at_ms[i] + k * unit_ms;
                rows[found++] = i;
            }
    return found;
}

/* Write the logarithms of the products: quiet, of the steps in their order, is log(1 + e^logit). */
EXPORT void winback_products(int64_t count, const double *shares, const double *quiet, double *out) {
    const double *parts[PERIODS];
    for (int k = 0; k < PERIODS; k++) {
        parts[k] = quiet;
        for (int64_t i = 0; i < count; i++) quiet += shares[k * count + i] != 0.0;
    }
    for (int64_t i = 0; i < count; i++) {
        double logs[PERIODS];
        for (int k = 0; k < PERIODS; k++) {
            double share = shares[k * count + i];
            logs[k] = share != 0.0 ? *parts[k]++ * share : 0.0;
        }
        out[i] = -((logs[0] + logs[2]) + (logs[1] + logs[3]));
    }
}
