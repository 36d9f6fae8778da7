/* Folding a batch norm: the numbers themselves, and what must not change. */
#include "ir_cmocka.h"
#include "ir_support.h"

#include "passes/passes.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char statements[] =
    "input %x : f32[1,2,1,1]\n"
    "weight @w : f32[2,2,1,1]\n"
    "weight @b : f32[2]\n"
    "weight @n.weight : f32[2]\n"
    "weight @n.bias : f32[2]\n"
    "weight @n.running_mean : f32[2]\n"
    "weight @n.running_var : f32[2]\n"
    "%a = conv %x weight=@w bias=@b : f32[1,2,1,1]\n"
    "%y = batch_norm %a weight=@n.weight bias=@n.bias running_mean=@n.running_mean "
    "running_var=@n.running_var {epsilon = 0.001} : f32[1,2,1,1]\n"
    "output y = %y\n";

/* Numbers for which float arithmetic on the way rounds differently from double. */
static const float w[] = {0.1f, -1.7f, 3.3333333f, 1e-3f}, b[] = {0.7f, -1e-4f};
static const float scale[] = {1.1f, 0.3f}, shift[] = {-0.2f, 5.5f};
static const float mean[] = {0.123f, -4.5f}, variance[] = {0.037f, 9.9f};

static void give(const Graph *graph, const char *path, const float *data) {
    graph_find_weight(graph, path)->data = data;
}

static Fixture batch_norm_graph(void) {
    Fixture fixture = fixture_parse_statements(statements);
    assert_non_null(fixture.graph);
    give(fixture.graph, "w", w);
    give(fixture.graph, "b", b);
    give(fixture.graph, "n.weight", scale);
    give(fixture.graph, "n.bias", shift);
    give(fixture.graph, "n.running_mean", mean);
    give(fixture.graph, "n.running_var", variance);
    return fixture;
}

static void rounds_once(void **state) {
    (void)state;
    Fixture fixture = batch_norm_graph();
    assert_true(pipeline_run(fixture.graph, "fold-batchnorm", NULL, fixture.diagnostics));
    const Node *conv = fixture.graph->first;
    assert_null(conv->next);
    assert_int_equal(conv->op, OP_conv);
    for (int o = 0; o < 2; o++) {
        double factor = scale[o] / sqrt(variance[o] + 0.001);
        for (int c = 0; c < 2; c++)
            assert_true(conv->weights[0]->data[2 * o + c] == (float)(w[2 * o + c] * factor));
        double folded = b[o] * factor + (shift[o] - mean[o] * factor);
        assert_true(fabs(conv->weights[1]->data[o] - folded) <= 0x1p-24 * fabs(folded));
    }
    /* The old weights are in other hands: a mapped file, perhaps. */
    assert_ptr_equal(graph_find_weight(fixture.graph, "w")->data, w);
    assert_ptr_equal(graph_find_weight(fixture.graph, "b")->data, b);
    fixture_free(&fixture);
}

static void half_of_the_data_is_none(void **state) {
    (void)state;
    Fixture fixture = batch_norm_graph();
    give(fixture.graph, "b", NULL);
    assert_true(pipeline_run(fixture.graph, "fold-batchnorm", NULL, fixture.diagnostics));
    assert_null(fixture.graph->first->next);
    assert_null(fixture.graph->first->weights[0]->data);
    assert_null(fixture.graph->first->weights[1]->data);
    fixture_free(&fixture);
}

static void variance_must_be_positive(void **state) {
    (void)state;
    static const float bad[] = {1, -0.001f};
    static const char *const pipelines[] = {"fold-batchnorm", "lower-batchnorm"};
    for (int i = 0; i < 2; i++) {
        Fixture fixture = batch_norm_graph();
        give(fixture.graph, "n.running_var", bad);
        assert_false(pipeline_run(fixture.graph, pipelines[i], NULL, fixture.diagnostics));
        char *text = diagnostics_text(fixture.diagnostics);
        assert_non_null(strstr(text, "weight 'n.running_var': variance plus epsilon is"));
        assert_non_null(strstr(text, "at channel 1; it must be positive"));
        free(text);
        fixture_free(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_once),
        cmocka_unit_test(half_of_the_data_is_none),
        cmocka_unit_test(variance_must_be_positive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
