/* How much of what was seen the methods of calibration cover. */
#include "ir_cmocka.h"

#include "driver/calibration_method.h"

#include <math.h>
#include <string.h>

static CalibrationMethod method_of(const char *text) {
    Session session = session_begin();
    CalibrationMethod method;
    assert_true(calibration_method_parse(&session, text, &method));
    session_discard(&session);
    return method;
}

static double share(const char *text, const int64_t *bins, int levels) {
    const CalibrationMethod method = method_of(text);
    return calibration_share(&method, bins, levels);
}

static void evenly(int64_t *bins, int64_t number) {
    for (int i = 0; i < MAGNITUDE_BINS; i++)
        bins[i] = number;
}

static void percentiles_count_numbers(void **state) {
    (void)state;
    int64_t bins[MAGNITUDE_BINS];
    evenly(bins, 3);
    assert_true(share("percentile=50", bins, 256) == 0.5);
    assert_true(share("percentile=75", bins, 256) == 0.75);
    assert_true(share("percentile=100", bins, 256) == 1);
    memset(bins, 0, sizeof bins);
    bins[15] = 999;
    bins[MAGNITUDE_BINS - 1] = 1; /* one in a thousand is far off */
    assert_true(share("percentile=99.9", bins, 256) == 16.0 / (double)MAGNITUDE_BINS);
    assert_true(share("percentile=99.91", bins, 256) == 1);
    assert_true(share("range", bins, 256) == 1);
}

static void divergence_leaves_out_what_is_rare(void **state) {
    (void)state;
    int64_t bins[MAGNITUDE_BINS];
    evenly(bins, 1000);
    assert_true(share("kl", bins, 128) == 1);
    for (int i = 0; i < MAGNITUDE_BINS; i++)
        bins[i] = (int64_t)(1e6 * exp(-0.5 * pow(i / 100.0, 2)));
    bins[MAGNITUDE_BINS - 1] = 1;
    double found = share("kl", bins, 128);
    assert_true(found > 0.1 && found < 0.5); /* two to ten standard deviations */
    assert_true(share("kl", bins, 256) >= found);
}

/* A value that is 0 everywhere, and one with a single number. */
static void nothing_to_leave_out(void **state) {
    (void)state;
    static const char *const methods[] = {"range", "percentile=50", "kl"};
    for (int i = 0; i < 3; i++) {
        int64_t bins[MAGNITUDE_BINS] = {0};
        assert_true(share(methods[i], bins, 128) == 1);
        bins[MAGNITUDE_BINS - 1] = 1;
        assert_true(share(methods[i], bins, 128) == 1);
        bins[0] = 1;
        double found = share(methods[i], bins, 128);
        assert_true(found > 0 && found <= 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_count_numbers),
        cmocka_unit_test(divergence_leaves_out_what_is_rare),
        cmocka_unit_test(nothing_to_leave_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
