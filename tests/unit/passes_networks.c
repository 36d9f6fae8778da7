/* Passes on the example networks: each pass alone, the presets and random orders keep the answer,
 * and the presets make of the networks what the papers' authors would draw. */
#include "ir_cmocka.h"

#include "frontend/frontend.h"
#include "passes/passes.h"
#include <math.h>
#include <string.h>

typedef struct NetworkCase {
    const char *spec;
    Setting settings[6];
    size_t setting_count;
} NetworkCase;

#define SMALL {"size", "[64, 64]"}, {"classes", "10"}

static const NetworkCase cases[] = {
    {"shufflenet_v2.rfl", {SMALL, {"width", "1.0"}}, 3},
    {"shufflenet_v2.rfl", {SMALL, {"width", "2.0"}}, 3},
    {"shufflenet_v1.rfl", {SMALL, {"width", "1.0"}, {"groups", "3"}}, 4},
    {"shufflenet_v1.rfl", {SMALL, {"width", "0.5"}, {"groups", "8"}}, 4},
    {"shufflenet_v1.rfl", {SMALL, {"width", "0.5"}, {"groups", "3"}, {"megvii", "true"}}, 5},
    {"squeezenet.rfl", {SMALL, {"version", "1.1"}}, 3},
};
enum { CASE_COUNT = sizeof cases / sizeof cases[0], ORDERS = 4, PASSES_PER_ORDER = 8 };

static Graph *build(const NetworkCase *network, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_format(arena, "%s/examples/%s", RIFFLE_SOURCE_DIR, network->spec);
    Spec *spec = spec_read(path, arena, diagnostics);
    Graph *graph = spec == NULL ? NULL
                                : spec_elaborate(spec, network->settings, network->setting_count,
                                      arena, diagnostics);
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    assert_non_null(graph);
    weights_randomize(graph, 11);
    return graph;
}

static void check(const Graph *original, const char *pipeline) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Graph *graph = graph_copy(original, arena);
    PipelineOptions options = {.verify_each = true};
    bool succeeded = pipeline_run(graph, pipeline, &options, diagnostics);
    double difference = succeeded ? graph_difference(original, graph, 1, diagnostics) : NAN;
    diagnostics_print(diagnostics, stdout);
    if (!(difference <= 1e-5))
        fail_msg("%s after %s: the difference is %g", original->name, pipeline, difference);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void passes_keep_the_answer(void **state) {
    (void)state;
    size_t count;
    const Pass *passes = pass_table(&count);
    uint64_t random = 1;
    for (int i = 0; i < CASE_COUNT; i++) {
        Arena *arena = arena_create();
        Graph *graph = build(&cases[i], arena);
        for (int level = 0; level < PIPELINE_LEVELS; level++)
            check(graph, pipeline_preset(level));
        for (size_t k = 0; k < count; k++)
            check(graph, passes[k].name);
        for (int order = 0; order < ORDERS; order++) {
            const char *pipeline = "";
            for (int k = 0; k < PASSES_PER_ORDER; k++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                pipeline = arena_format(
                    arena, "%s%s%s", pipeline, k ? "," : "", passes[(random >> 33) % count].name);
            }
            check(graph, pipeline);
        }
        arena_destroy(arena);
    }
}

/* ---- what comes out ---- */

static void count_ops(const Graph *graph, int *counts) {
    memset(counts, 0, OP_COUNT * sizeof *counts);
    for (const Node *node = graph->first; node; node = node->next)
        counts[node->op]++;
}

static void optimise(const NetworkCase *network, int *counts, Graph **graph, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    *graph = build(network, arena);
    assert_true(pipeline_run(*graph, pipeline_preset(2), NULL, diagnostics));
    diagnostics_destroy(diagnostics);
    count_ops(*graph, counts);
}

/* 16 units: 13 basic ones of three convolutions, 3 for downsampling of five. Each basic unit reads
 * one route, each downsampling unit but the first another, and so does conv5. Nothing else is left.
 */
static void v2_is_convolutions_and_routes(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Graph *graph;
    int counts[OP_COUNT];
    optimise(&cases[0], counts, &graph, arena);
    int total = 0;
    for (int i = 0; i < OP_COUNT; i++)
        total += counts[i];
    assert_int_equal(counts[OP_conv], 2 + 13 * 3 + 3 * 5);
    assert_int_equal(counts[OP_route], 13 + 2 + 1);
    assert_int_equal(counts[OP_max_pool], 1);
    assert_int_equal(counts[OP_global_avg_pool], 1);
    assert_int_equal(counts[OP_linear], 1);
    assert_int_equal(total, counts[OP_conv] + counts[OP_route] + 3);
    arena_destroy(arena);
}

static bool is_of_operand(const Node *route, int64_t channel, int operand) {
    for (int i = 0; i < operand; i++)
        channel -= route->operands[i]->type.dims[1];
    return channel >= 0 && channel < route->operands[operand]->type.dims[1];
}

/* What one unit writes and another reads is one run, at every width: a route lists as many runs as
 * it has operands. */
static void v2_routes_are_one_run_for_each_operand(void **state) {
    (void)state;
    static const char *const widths[] = {"0.5", "1.0", "1.5", "2.0"};
    for (int w = 0; w < 4; w++) {
        NetworkCase network = {"shufflenet_v2.rfl", {SMALL, {"width", widths[w]}}, 3};
        Arena *arena = arena_create();
        Graph *graph;
        int counts[OP_COUNT];
        optimise(&network, counts, &graph, arena);
        assert_int_equal(counts[OP_route], 16);
        for (const Node *node = graph->first; node; node = node->next) {
            if (node->op != OP_route)
                continue;
            IntegerList list = node_list(node, "channels");
            int operand = 0;
            for (size_t i = 0; i < list.count; i++) {
                if (!is_of_operand(node, list.items[i], operand))
                    operand++;
                else
                    assert_true(i == 0 || list.items[i] == list.items[i - 1] + 1);
                assert_true(
                    operand < node->operand_count && is_of_operand(node, list.items[i], operand));
            }
        }
        arena_destroy(arena);
    }
}

/* With one group there is nothing to shuffle for; three concats are left. */
static void v1_of_one_group_needs_no_shuffle(void **state) {
    (void)state;
    NetworkCase network = {"shufflenet_v1.rfl", {SMALL, {"groups", "1"}}, 3};
    Arena *arena = arena_create();
    Graph *graph;
    int counts[OP_COUNT];
    optimise(&network, counts, &graph, arena);
    assert_int_equal(counts[OP_route], 3);
    arena_destroy(arena);
}

/* 13 residual units and 3 that concatenate: sums and activations are part of the convolutions. The
 * shuffle of the first unit, whose first convolution has no groups, is in that one's filters. */
static void v1_has_no_sum_and_no_relu_left(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Graph *graph;
    int counts[OP_COUNT];
    optimise(&cases[2], counts, &graph, arena);
    assert_int_equal(counts[OP_add], 0);
    assert_int_equal(counts[OP_relu], 0);
    assert_int_equal(counts[OP_conv], 1 + 16 * 3);
    assert_int_equal(counts[OP_route], 15 + 3);
    int residuals = 0;
    for (const Node *node = graph->first; node; node = node->next)
        residuals += node->op == OP_conv && node->operand_count == 2;
    assert_int_equal(residuals, 13);
    arena_destroy(arena);
}

/* ---- random weights on real networks ---- */

static void random_weights_give_sane_logits(void **state) {
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++) {
        Arena *arena = arena_create();
        Diagnostics *diagnostics = diagnostics_create();
        Graph *graph = build(&cases[i], arena);
        int64_t count = tensor_elements(&graph->inputs[0].value->type);
        float *input = ARENA_ARRAY(arena, float, count), logits[10];
        for (int64_t k = 0; k < count; k++)
            input[k] = sinf((float)(k * 7919 % 10007)) * 1.4142f;
        const float *inputs[] = {input};
        float *outputs[] = {logits};
        assert_true(graph_interpret(graph, inputs, outputs, NULL, NULL, diagnostics));
        float largest = 0;
        for (int k = 0; k < 10; k++)
            largest = fmaxf(largest, fabsf(logits[k]));
        print_message("%s: largest logit %g\n", graph->name, (double)largest);
        assert_true(largest > 0.1f && largest < 10);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_keep_the_answer),
        cmocka_unit_test(v2_is_convolutions_and_routes),
        cmocka_unit_test(v2_routes_are_one_run_for_each_operand),
        cmocka_unit_test(v1_of_one_group_needs_no_shuffle),
        cmocka_unit_test(v1_has_no_sum_and_no_relu_left),
        cmocka_unit_test(random_weights_give_sane_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
