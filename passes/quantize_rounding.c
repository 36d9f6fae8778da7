/* Rounding a filter's weights so that the errors make up for each other.
 *
 * What rounding does to a sum of products, sum of d[i] * q[i] with d[i] the error of weight i and
 * q[i] the byte that it meets, has the mean square d' H d, where H holds the means of q[i] * q[j].
 * Neighbouring pixels and channels behind a relu are far from independent, so the error of one
 * weight can be undone by those after it: each weight is rounded in turn, and what that did is
 * taken off the ones that are left, as least squares have it. (This is how GPTQ rounds weights:
 * Frantar and others, 2022. With U'U the inverse of H, U an upper triangle, the weight i that was
 * rounded by e moves weight j > i by -e * U[i][j] / U[i][i].)
 *
 * Calibration leaves H in terms of x; a byte is x over its channel's scale. */
#include "passes/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the mean of the diagonal: few inputs leave H singular. */
static const double damping = 0.01;

typedef struct RoundingPlace {
    double power; /* mean square of what the weight meets */
    int64_t index;
} RoundingPlace;

/* The largest first: later weights make up for earlier ones. */
static int compare_places(const void *a, const void *b) {
    const RoundingPlace *x = a, *y = b;
    if (x->power != y->power)
        return x->power > y->power ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool sort_places(
    Rounding *rounding, const float *moments, const double *scales, Arena *arena) {
    int64_t length = rounding->length;
    RoundingPlace *places = ARENA_ARRAY(arena, RoundingPlace, length);
    for (int64_t i = 0; i < length; i++) {
        places[i] = (RoundingPlace){(double)moments[i * length + i] / (scales[i] * scales[i]), i};
        if (!(places[i].power >= 0 && isfinite(places[i].power)))
            return false;
    }
    qsort(places, (size_t)length, sizeof *places, compare_places);
    for (int64_t i = 0; i < length; i++)
        rounding->order[i] = places[i].index;
    return places[0].power > 0;
}

/* The lower triangle L of A = LL', in place. False where A is not positive definite. */
static bool factorize(double *a, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0 && isfinite(sum)))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return true;
}

/* The inverse of a lower triangle, row by row, in place; `row` has room for one. */
static void invert_triangle(double *l, int64_t n, double *row) {
    for (int64_t i = 0; i < n; i++) {
        double diagonal = 1 / l[i * n + i];
        memset(row, 0, (size_t)n * sizeof *row);
        for (int64_t k = 0; k < i; k++)
            for (int64_t j = 0; j <= k; j++)
                row[j] += l[i * n + k] * l[k * n + j];
        for (int64_t j = 0; j < i; j++)
            l[i * n + j] = -row[j] * diagonal;
        l[i * n + i] = diagonal;
    }
}

/* With the order turned round, H = LL' gives H^-1 = (L^-1)' L^-1, whose factor L^-1, read from its
 * end, is the upper triangle that is looked for: no product of matrices is needed. */
static double *turned_moments(
    const Rounding *rounding, const float *moments, const double *scales, Arena *arena) {
    int64_t n = rounding->length;
    double *h = ARENA_ARRAY(arena, double, n *n), mean = 0;
    for (int64_t i = 0; i < n; i++)
        mean += (double)moments[i * n + i] / (scales[i] * scales[i]) / (double)n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            int64_t a = rounding->order[n - 1 - i], b = rounding->order[n - 1 - j];
            h[i * n + j] = (double)moments[a * n + b] / (scales[a] * scales[b]);
            if (i == j)
                h[i * n + j] += damping * mean;
        }
    return h;
}

Rounding *rounding_create(
    const float *moments, int64_t length, const double *scales, Arena *arena) {
    Rounding *rounding = ARENA_NEW(arena, Rounding);
    *rounding = (Rounding){.length = length,
        .order = ARENA_ARRAY(arena, int64_t, length),
        .left = ARENA_ARRAY(arena, double, length)};
    if (!sort_places(rounding, moments, scales, arena))
        return NULL;
    rounding->factor = turned_moments(rounding, moments, scales, arena);
    if (!factorize(rounding->factor, length))
        return NULL;
    invert_triangle(rounding->factor, length, rounding->left);
    return rounding;
}

void rounding_apply(const Rounding *rounding, const double *exact, int limit, float *whole) {
    int64_t n = rounding->length;
    for (int64_t i = 0; i < n; i++)
        rounding->left[i] = exact[rounding->order[i]];
    for (int64_t i = 0; i < n; i++) {
        double rounded = fmin(limit, fmax(-limit, rint(rounding->left[i])));
        whole[rounding->order[i]] = (float)rounded;
        const double *row =
            rounding->factor + (n - 1 - i) * n; /* of L^-1, from its diagonal back */
        double error = (rounding->left[i] - rounded) / row[n - 1 - i];
        for (int64_t j = i + 1; j < n; j++)
            rounding->left[j] -= error * row[n - 1 - j];
    }
}
