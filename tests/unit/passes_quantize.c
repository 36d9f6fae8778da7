/* The numbers of quantised layers: what calibration's means do to biases. */
#include "ir_cmocka.h"
#include "ir_support.h"

#include "passes/passes.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrected_biases_keep_means),
        cmocka_unit_test(no_mean_no_correction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
