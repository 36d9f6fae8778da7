/* How much of what calibration has seen a range covers: all of it, or less, so that the numbers
 * that are left have finer steps. */
#ifndef RIFFLE_DRIVER_CALIBRATION_METHOD_H
#define RIFFLE_DRIVER_CALIBRATION_METHOD_H

#include "driver/driver.h"

typedef enum CalibrationKind {
    CALIBRATION_RANGE,      /* all numbers */
    CALIBRATION_PERCENTILE, /* as many of the numbers other than 0 */
    CALIBRATION_KL /* where the bytes' distribution diverges least from that of the numbers */
} CalibrationKind;

typedef struct CalibrationMethod {
    CalibrationKind kind;
    double percentile; /* of CALIBRATION_PERCENTILE */
} CalibrationMethod;

/* "range", "kl", "percentile=99.99"; false after reporting. */
bool calibration_method_parse(Session *session, const char *text, CalibrationMethod *method);

/* Magnitudes of numbers other than 0, each as a share of the largest one, in bins of equal width.
 */
enum { MAGNITUDE_BINS = 2048 };

/* The share of the largest magnitude that the range covers, where so many bytes stand for
 * magnitudes: more than 0, at most 1. */
double calibration_share(
    const CalibrationMethod *method, const int64_t bins[MAGNITUDE_BINS], int levels);

#endif
