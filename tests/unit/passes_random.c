/* What passes do to random graphs beyond keeping their answer, which tests/random looks after:
 * every one finds work, and what presets leave is what backends expect. */
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/random/random_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GRAPHS = 1500, NODES = 24 };

static Graph *graph_of_seed(uint64_t seed, Arena *arena) {
    Graph *graph = random_graph(seed, NODES, arena);
    Diagnostics *diagnostics = diagnostics_create();
    bool valid = graph_verify(graph, diagnostics);
    diagnostics_print(diagnostics, stdout);
    assert_true(valid);
    diagnostics_destroy(diagnostics);
    weights_randomize(graph, seed);
    return graph;
}

static int count_ops(const Graph *graph, OpKind op) {
    int count = 0;
    for (const Node *node = graph->first; node; node = node->next)
        count += node->op == op;
    return count;
}

/* With weights and without: the structure that comes out must be the same. */
static void presets_leave_what_backends_expect(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        Arena *arena = arena_create();
        Diagnostics *diagnostics = diagnostics_create();
        Graph *graph = graph_of_seed(seed, arena), *bare = random_graph(seed, NODES, arena);
        for (int level = 0; level < PIPELINE_LEVELS; level++) {
            Graph *with_data = graph_copy(graph, arena), *without = graph_copy(bare, arena);
            assert_true(pipeline_run(with_data, pipeline_preset(level), NULL, diagnostics));
            assert_true(pipeline_run(without, pipeline_preset(level), NULL, diagnostics));
            assert_int_equal(count_ops(with_data, OP_batch_norm), 0);
            assert_int_equal(count_ops(with_data, OP_bias), 0);
            Text a = {0}, b = {0};
            graph_print(with_data, &a);
            graph_print(without, &b);
            assert_string_equal(a.data, b.data);
            text_free(&a);
            text_free(&b);
        }
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
}

/* Else the tests above would show nothing. */
static void every_pass_finds_work(void **state) {
    (void)state;
    size_t count;
    const Pass *passes = pass_table(&count);
    for (size_t i = 0; i < count; i++) {
        int64_t rewrites = 0;
        if (strcmp(passes[i].name, "quantize") == 0 || strcmp(passes[i].name, "equalize") == 0)
            continue; /* their work is what calibration found, which random graphs have not */
        if (strcmp(passes[i].name, "bfloat16") == 0 || strcmp(passes[i].name, "float16") == 0)
            continue; /* does nothing unless an option asks for it: answers change */
        for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
            Arena *arena = arena_create();
            Diagnostics *diagnostics = diagnostics_create();
            PassReport report;
            PipelineOptions options = {.reports = &report, .report_capacity = 1};
            Graph *graph = random_graph(seed, NODES, arena);
            assert_true(pipeline_run(graph, passes[i].name, &options, diagnostics));
            rewrites += report.rewrites;
            diagnostics_destroy(diagnostics);
            arena_destroy(arena);
        }
        print_message("%s: %lld rewrites\n", passes[i].name, (long long)rewrites);
        assert_true(rewrites >= 30);
    }
}

/* A second run of the merging passes finds nothing left. */
static void layout_is_merged_at_once(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        Arena *arena = arena_create();
        Diagnostics *diagnostics = diagnostics_create();
        Graph *graph = random_graph(seed, NODES, arena);
        PassReport reports[2];
        PipelineOptions options = {.reports = reports, .report_capacity = 2};
        assert_true(pipeline_run(graph, "merge-layout,merge-layout", &options, diagnostics));
        assert_int_equal(reports[1].rewrites, 0);
        assert_int_equal(count_ops(graph, OP_concat) + count_ops(graph, OP_split) +
                             count_ops(graph, OP_shuffle) + count_ops(graph, OP_gather),
            0);
        for (const Node *node = graph->first; node; node = node->next)
            for (int i = 0; node->op == OP_route && i < node->operand_count; i++)
                assert_true(node->operands[i]->producer == NULL ||
                            node->operands[i]->producer->op != OP_route);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_leave_what_backends_expect),
        cmocka_unit_test(every_pass_finds_work),
        cmocka_unit_test(layout_is_merged_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
