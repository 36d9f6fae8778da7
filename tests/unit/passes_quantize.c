/* The numbers of quantised layers: what calibration's means do to biases. */
#include "ir_cmocka.h"
#include "ir_support.h"

#include "passes/passes.h"
#include "passes/quantize.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS = 4, SIDE = 5, PLANE = SIDE * SIDE, MOST_WEIGHTS = 4 * 4 * 9 };

/* Planes of one number each, which bytes hold exactly: only weights are rounded. */
static const float low[CHANNELS] = {0, 0, -1, 0}, high[CHANNELS] = {2.55f, 2.55f, 1.55f, 2.55f};
static const float mean[CHANNELS] = {1.23f, 2, -0.75f, 0.5f};

typedef struct Case {
    const char *name, *filter, *layer;
} Case;

static const Case cases[] = {
    {"1x1", "f32[4,4,1,1]", "conv %r weight=@w bias=@b : f32[1,4,5,5]"},
    {"padded, so that borders see less", "f32[4,4,3,3]",
        "conv %r weight=@w bias=@b {padding = [1, 1, 1, 1]} : f32[1,4,5,5]"},
    {"strides, dilation and another padding on each side", "f32[4,4,3,3]",
        "conv %r weight=@w bias=@b {stride = [2, 1], padding = [2, 0, 1, 3], dilation = [2, 1]} : "
        "f32[1,4,2,6]"},
    {"depthwise", "f32[4,1,3,3]",
        "conv %r weight=@w bias=@b {padding = [1, 1, 1, 1], groups = 4} : f32[1,4,5,5]"},
    {"groups, no bias", "f32[4,2,1,1]", "conv %r weight=@w {groups = 2} : f32[1,4,5,5]"},
};

static void give(const Graph *graph, const char *path, const float *data) {
    Weight *weight = graph_find_weight(graph, path);
    if (weight != NULL)
        weight->data = data;
}

static Fixture graph_of(const Case *row, bool has_mean) {
    static float weights[MOST_WEIGHTS], bias[CHANNELS] = {0.3f, -0.2f, 0, 1};
    char text[1024];
    snprintf(text, sizeof text,
        "input %%x : f32[1,4,5,5]\nweight @w : %s\n%sweight @l : f32[4]\nweight @h : f32[4]\n"
        "%s%%r = range %%x low=@l high=@h%s : f32[1,4,5,5]\n%%y = %s \"y\"\noutput y = %%y\n",
        row->filter, strstr(row->layer, "@b") ? "weight @b : f32[4]\n" : "",
        has_mean ? "weight @m : f32[4]\n" : "", has_mean ? " mean=@m" : "", row->layer);
    Fixture fixture = fixture_parse_statements(text);
    assert_non_null(fixture.graph);
    for (int i = 0; i < MOST_WEIGHTS; i++)
        weights[i] = sinf((float)(7 * i + 1)) + 0.4f;
    give(fixture.graph, "w", weights);
    give(fixture.graph, "b", bias);
    give(fixture.graph, "l", low);
    give(fixture.graph, "h", high);
    give(fixture.graph, "m", mean);
    return fixture;
}

/* The largest difference of a channel's mean result, relative to the largest number. */
static double mean_difference(const Fixture *fixture, const char *pipeline) {
    float x[CHANNELS * PLANE], before[CHANNELS * PLANE], after[CHANNELS * PLANE];
    for (int i = 0; i < CHANNELS * PLANE; i++)
        x[i] = mean[i / PLANE];
    const float *inputs[] = {x};
    float *floats[] = {before}, *bytes[] = {after};
    Graph *graph = fixture->graph;
    assert_true(graph_interpret(graph, inputs, floats, NULL, NULL, fixture->diagnostics));
    assert_true(pipeline_run(graph, pipeline, NULL, fixture->diagnostics));
    assert_true(graph_verify(graph, fixture->diagnostics));
    assert_int_equal(graph->last->op, OP_quantized_conv);
    assert_true(graph_interpret(graph, inputs, bytes, NULL, NULL, fixture->diagnostics));
    int64_t plane = tensor_elements(&graph->outputs[0].value->type) / CHANNELS;
    double worst = 0, largest = 0;
    for (int c = 0; c < CHANNELS; c++) {
        double sum = 0;
        for (int64_t i = c * plane; i < (c + 1) * plane; i++) {
            sum += (double)after[i] - (double)before[i];
            largest = fmax(largest, fabs((double)before[i]));
        }
        worst = fmax(worst, fabs(sum) / (double)plane);
    }
    return worst / largest;
}

static void corrected_biases_keep_means(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Fixture with = graph_of(&cases[i], true), without = graph_of(&cases[i], true);
        print_message("%s\n", cases[i].name);
        assert_true(mean_difference(&with, "quantize{largest-weight=7}") < 1e-6);
        assert_true(
            mean_difference(&without, "quantize{largest-weight=7,correct-bias=false}") > 1e-3);
        fixture_free(&with);
        fixture_free(&without);
    }
}

/* Nothing is corrected where calibration left no means. */
static void no_mean_no_correction(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Fixture on = graph_of(&cases[i], false), off = graph_of(&cases[i], false);
        assert_true(mean_difference(&on, "quantize{largest-weight=7}") ==
                    mean_difference(&off, "quantize{largest-weight=7,correct-bias=false}"));
        fixture_free(&on);
        fixture_free(&off);
    }
}

/* ---- ranges ---- */

/* As a layer's weights of three channels whose ranges lie in [-1, 3]. */
static ByteScale scale_of_room(Arena *arena, double room, Range bounds) {
    static const float least[] = {-1, 0, 0}, most[] = {3, 3, 0.5f};
    const FoundRange found = {least, most, 3, room, bounds};
    return byte_scale_create(arena, &found);
}

static void ranges_become_wider_within_bounds(void **state) {
    (void)state;
    Arena *arena = arena_create();
    const Range any = {-INFINITY, INFINITY}, relu6 = {0, 3.3};
    ByteScale plain = scale_of_room(arena, 0, any), wide = scale_of_room(arena, 0.5, any);
    ByteScale bounded = scale_of_room(arena, 0.5, relu6);
    assert_true(fabs(plain.scale[0] - 4 / 255.0) < 1e-12 && plain.zero[0] == 64);
    assert_true(fabs(plain.scale[1] - 3 / 255.0) < 1e-12 && plain.zero[1] == 0);
    assert_true(fabs(plain.scale[2] - 2 / 255.0) < 1e-12); /* half of the widest */
    assert_true(fabs(wide.scale[0] - 6 / 255.0) < 1e-12 && wide.zero[0] == 64);
    assert_true(fabs(wide.scale[1] - 4.5 / 255.0) < 1e-12);
    assert_true(fabs(wide.scale[2] - 2 / 255.0) < 1e-12);
    assert_true(fabs(bounded.scale[0] - 4.3 / 255.0) < 1e-12); /* what was found is in it anyway */
    assert_true(fabs(bounded.scale[1] - 3.3 / 255.0) < 1e-12 && bounded.zero[1] == 0);
    arena_destroy(arena);
}

/* ---- rounding weights so that errors make up for each other ---- */

enum { INPUTS = 16, SAMPLES = 200 };

/* Channels that follow a few causes, as neighbours do, and a mean other than 0. */
static void correlated(float *x, int sample) {
    double a = sin(sample * 1.7), b = sin(sample * 0.9 + 1), c = cos(sample * 2.3);
    for (int i = 0; i < INPUTS; i++)
        x[i] = (float)(1 + 0.5 * a * cos(i * 0.3) + 0.4 * b * sin(i * 0.5) + 0.05 * c * (i % 3));
}

static void moments_of(float *moments) {
    memset(moments, 0, INPUTS * INPUTS * sizeof *moments);
    for (int sample = 0; sample < SAMPLES; sample++) {
        float x[INPUTS];
        correlated(x, sample);
        for (int i = 0; i < INPUTS * INPUTS; i++)
            moments[i] += x[i / INPUTS] * x[i % INPUTS] / (float)SAMPLES;
    }
}

/* Mean square of what rounding to whole numbers from -7 to 7 does to sums of products. */
static double squared_error(const double *exact, const float *whole, const double *scales) {
    double sum = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
        float x[INPUTS];
        correlated(x, sample + SAMPLES); /* others than the moments saw */
        double error = 0;
        for (int i = 0; i < INPUTS; i++)
            error += (exact[i] - (double)whole[i]) * (double)x[i] / scales[i];
        sum += error * error / (double)SAMPLES;
    }
    return sum;
}

static void errors_make_up_for_each_other(void **state) {
    (void)state;
    Arena *arena = arena_create();
    float moments[INPUTS * INPUTS], whole[INPUTS], nearest[INPUTS];
    double scales[INPUTS], compensated = 0, plain = 0;
    moments_of(moments);
    for (int i = 0; i < INPUTS; i++)
        scales[i] = 0.01 * (1 + i % 4);
    const Rounding *rounding = rounding_create(moments, INPUTS, scales, arena);
    assert_non_null(rounding);
    for (int filter = 0; filter < 20; filter++) {
        double exact[INPUTS];
        for (int i = 0; i < INPUTS; i++) {
            exact[i] = 6.9 * sin(filter * 3.1 + i * 2.7);
            nearest[i] = (float)rint(exact[i]);
        }
        rounding_apply(rounding, exact, 7, whole);
        for (int i = 0; i < INPUTS; i++)
            assert_true(whole[i] == rintf(whole[i]) && fabsf(whole[i]) <= 7);
        compensated += squared_error(exact, whole, scales);
        plain += squared_error(exact, nearest, scales);
    }
    assert_true(compensated < 0.1 * plain);
    arena_destroy(arena);
}

/* Independent numbers: nothing can make up for another, so the nearest is the best. */
static void independent_weights_are_rounded_alone(void **state) {
    (void)state;
    Arena *arena = arena_create();
    float moments[INPUTS * INPUTS] = {0}, whole[INPUTS];
    double scales[INPUTS], exact[INPUTS];
    for (int i = 0; i < INPUTS; i++) {
        moments[i * INPUTS + i] = (float)(1 + i);
        scales[i] = 1;
        exact[i] = 6.9 * sin(i * 2.7);
    }
    rounding_apply(rounding_create(moments, INPUTS, scales, arena), exact, 7, whole);
    for (int i = 0; i < INPUTS; i++)
        assert_true(whole[i] == (float)rint(exact[i]));
    arena_destroy(arena);
}

/* What no numbers can have as moments is no reason to fail: files may say anything. */
static void wrong_moments_are_refused(void **state) {
    (void)state;
    static const float kinds[] = {0, -1, NAN, INFINITY};
    double scales[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        scales[i] = 1;
    for (int kind = 0; kind < 4; kind++) {
        Arena *arena = arena_create();
        float moments[INPUTS * INPUTS];
        for (int i = 0; i < INPUTS * INPUTS; i++)
            moments[i] = kinds[kind];
        assert_null(rounding_create(moments, INPUTS, scales, arena));
        for (int i = 0; i < INPUTS * INPUTS; i++) /* the diagonal alone is right */
            moments[i] = i % (INPUTS + 1) == 0 ? 1 : kind == 0 ? 1e30f : kinds[kind];
        if (kind != 1)
            assert_null(rounding_create(moments, INPUTS, scales, arena));
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrected_biases_keep_means),
        cmocka_unit_test(no_mean_no_correction),
        cmocka_unit_test(ranges_become_wider_within_bounds),
        cmocka_unit_test(errors_make_up_for_each_other),
        cmocka_unit_test(independent_weights_are_rounded_alone),
        cmocka_unit_test(wrong_moments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
