#include "driver/calibration_method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIVERGENCE_STEP = 16 }; /* bins: ends that are tried lie so far apart */

bool calibration_method_parse(Session *session, const char *text, CalibrationMethod *method) {
    static const char percentile[] = "percentile=";
    size_t length = sizeof percentile - 1;
    *method = (CalibrationMethod){CALIBRATION_RANGE, 100};
    if (strcmp(text, "range") == 0)
        return true;
    if (strcmp(text, "kl") == 0) {
        method->kind = CALIBRATION_KL;
        return true;
    }
    if (strncmp(text, percentile, length) == 0) {
        char *end;
        method->kind = CALIBRATION_PERCENTILE;
        method->percentile = strtod(text + length, &end);
        if (end != text + length && *end == '\0' && method->percentile >= 50 &&
            method->percentile <= 100)
            return true;
    }
    diagnostics_error(session->diagnostics, "a percentile is a number from 50 to 100",
        "'%s' is no value for --calibration-method: give range, percentile=99.99 or kl", text);
    return false;
}

static int64_t count_all(const int64_t *bins) {
    int64_t count = 0;
    for (int i = 0; i < MAGNITUDE_BINS; i++)
        count += bins[i];
    return count;
}

/* Bins that hold so many percent of the numbers. */
static int bins_of_percentile(const int64_t *bins, double percentile) {
    double wanted = percentile / 100 * (double)count_all(bins) - 1e-6; /* 99.9 % of 1000 is 999 */
    int64_t seen = 0;
    int used = 0;
    while (used < MAGNITUDE_BINS && (used == 0 || (double)seen < wanted))
        seen += bins[used++];
    return used;
}

/* The divergence of what `levels` bytes make of the first bins, each byte spread over the bins that
 * it stands for and that are not empty, from these bins with all beyond them in the last. */
static double divergence(const int64_t *bins, int used, int levels, int64_t all) {
    double sum = 0;
    int64_t beyond = all;
    for (int i = 0; i < used; i++)
        beyond -= bins[i];
    for (int level = 0; level < levels; level++) {
        int begin = (int)((int64_t)level * used / levels);
        int end = (int)((int64_t)(level + 1) * used / levels);
        int64_t count = 0;
        int filled = 0;
        for (int i = begin; i < end; i++) {
            count += bins[i];
            filled += bins[i] > 0 || (i == used - 1 && beyond > 0);
        }
        for (int i = begin; i < end; i++) {
            double number = (double)(bins[i] + (i == used - 1 ? beyond : 0));
            double byte = (double)count / (double)(filled > 0 ? filled : 1);
            if (number > 0)
                sum +=
                    number * log(number / fmax(byte, 1e-3)); /* a byte that nothing has: unlikely */
        }
    }
    return sum;
}

static int bins_of_least_divergence(const int64_t *bins, int levels) {
    int64_t all = count_all(bins);
    int best = MAGNITUDE_BINS;
    double least = INFINITY;
    for (int used = MAGNITUDE_BINS; used >= levels; used -= DIVERGENCE_STEP) {
        double found = divergence(bins, used, levels, all);
        if (found >= least)
            continue;
        least = found;
        best = used;
    }
    return best;
}

double calibration_share(
    const CalibrationMethod *method, const int64_t bins[MAGNITUDE_BINS], int levels) {
    int used = MAGNITUDE_BINS;
    if (count_all(bins) == 0)
        return 1;
    switch (method->kind) {
    case CALIBRATION_RANGE:
        break;
    case CALIBRATION_PERCENTILE:
        used = bins_of_percentile(bins, method->percentile);
        break;
    case CALIBRATION_KL:
        used = bins_of_least_divergence(bins, levels);
        break;
    }
    return (double)used / (double)MAGNITUDE_BINS;
}
