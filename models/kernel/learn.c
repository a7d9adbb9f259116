/* The steps of online learners, example by example.
 *
 * The formulas are those of `models.scaler`, `models.second_order` and River's logistic regression
 * by AdaGrad, in their order; `exp` and `pow` are those of the C library that Python's `math` and
 * `**` use. The sums over a row of the covariance are those of numpy's own BLAS, whose order is its
 * own: it is called by its address. So the results are equal to the last bit. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { BY_COLUMN = 102, TRANSPOSED = 112 }; /* of CBLAS */

typedef void (*Gemv)(int order, int transposed, int64_t m, int64_t n, double alpha, const double *a,
                     int64_t lda, const double *x, int64_t incx, double beta, double *y,
                     int64_t incy);
typedef double (*Dot)(int64_t n, const double *x, int64_t incx, const double *y, int64_t incy);

static const double CURVATURE_MIN = 1e-4, LOGIT_MAX = 30.0, CLIP = 5.0, DEVIATION_MIN = 1e-3;

/* As numpy's: what is no number stays none. */
static inline double least(double a, double b) { return a < b || a != a ? a : b; }
static inline double most(double a, double b) { return a > b || a != a ? a : b; }

/* Fold rows into means and variances one after the other; write each as it is scaled right after.
 *   seen: rows before the first.
 *   rows, scaled: (count, width). */
EXPORT void winback_scale(int64_t count, int64_t width, double seen, double memory,
                          const double *rows, double *means, double *variances, double *scaled) {
    for (int64_t i = 0; i < count; i++, rows += width, scaled += width) {
        double rate = most(1.0 / (seen + 1.0 + (double)i), 1.0 / memory);
        for (int64_t k = 0; k < width; k++) {
            double away = rows[k] - means[k], step = rate * away;
            means[k] += step;
            variances[k] = (step * away + variances[k]) * (1.0 - rate);
            double deviations = (rows[k] - means[k]) / most(sqrt(variances[k]), DEVIATION_MIN);
            scaled[k] = most(least(deviations, CLIP), -CLIP);
        }
    }
}

/* `SecondOrderLogisticRegression._learn` of rows one after the other.
 *   size: of the belief: the columns of a row, and the intercept before them.
 *   rows: (count, size - 1); active, weight: (count,).
 *   room: 2 * size numbers. */
EXPORT void winback_believe(Gemv gemv, Dot dot, int64_t count, int64_t size, double noise,
                            const double *rows, const uint8_t *active, const double *weight,
                            const double *variance_max, double *mean, double *covariance,
                            double *room) {
    double *row = room, *gain = room + size;
    row[0] = 1.0;
    for (int64_t i = 0; i < count; i++, rows += size - 1) {
        double w = weight[i];
        if (w <= 0.0) continue;
        memcpy(row + 1, rows, (size_t)(size - 1) * sizeof *row);
        gemv(BY_COLUMN, TRANSPOSED, size, size, 1.0, covariance, size, row, 1, 0.0, gain, 1);
        double logit = least(most(dot(size, mean, 1, row, 1), -LOGIT_MAX), LOGIT_MAX);
        double probability = 1.0 / (1.0 + exp(-logit));
        double curvature = most(probability * (1.0 - probability), CURVATURE_MIN) * w;
        double shrink = 1.0 / (1.0 + curvature * dot(size, row, 1, gain, 1));
        double step = ((double)active[i] - probability) * w * shrink;
        double root = sqrt(curvature * shrink);
        for (int64_t k = 0; k < size; k++) {
            mean[k] += gain[k] * step;
            gain[k] *= root;
        }
        for (int64_t j = 0; j < size; j++) {
            double *line = covariance + j * size, by = gain[j];
            for (int64_t k = 0; k < size; k++) line[k] -= by * gain[k];
            line[j] = least(line[j] + noise, variance_max[j]);
        }
    }
}

/* River's `LogisticRegression(AdaGrad(rate)).learn_one` of rows one after the other.
 *   numbers: rate, epsilon, rate of the intercept, limit of a gradient.
 *   state: the intercept, then the weights, then the sums of squares. */
EXPORT void winback_adagrad(int64_t count, int64_t width, const double *numbers, const double *rows,
                            const uint8_t *active, const double *weight, double *state) {
    double rate = numbers[0], epsilon = numbers[1], limit = numbers[3];
    double *weights = state + 1, *squares = weights + width;
    for (int64_t i = 0; i < count; i++, rows += width) {
        double total = 0.0, y = active[i] ? 1.0 : -1.0;
        for (int64_t k = 0; k < width; k++) total += weights[k] * rows[k];
        double z = (total + state[0]) * y, slope;
        if (z > 18.0) slope = exp(-z) * -y;
        else if (z < -18.0) slope = -y;
        else slope = -y / (exp(z) + 1.0);
        slope = most(least(slope * weight[i], limit), -limit);
        state[0] -= numbers[2] * slope;
        for (int64_t k = 0; k < width; k++) {
            double gradient = rows[k] * slope;
            squares[k] += pow(gradient, 2.0);
            weights[k] -= rate / pow(squares[k] + epsilon, 0.5) * gradient;
        }
    }
}
