/* Passes with a limit of rewrites, on random graphs: with none they change nothing, with as many
 * as they want they do the same as without a limit, and with some of them the answers stay. */
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/random/random_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GRAPHS = 60, NODES = 30 };
static const double largest_difference = 1e-4;

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Runs one step on the graph. */
static int64_t run_step(Graph *graph, const PipelineStep *step, int64_t limit) {
    Diagnostics *diagnostics = diagnostics_create();
    Pipeline one = {(PipelineStep[]){*step}, 1};
    PassReport report = {0};
    PipelineOptions options = {.verify_each = true,
        .reports = &report,
        .report_capacity = 1,
        .limited_step = &one.steps[0],
        .rewrite_limit = limit};
    bool succeeded = pipeline_execute(&one, graph, &options, diagnostics);
    diagnostics_print(diagnostics, stdout);
    assert_true(succeeded);
    diagnostics_destroy(diagnostics);
    return report.rewrites;
}

/* The text of a copy of the graph after the step. */
static Text text_after(
    const Graph *graph, const PipelineStep *step, int64_t limit, int64_t *rewrites) {
    Arena *arena = arena_create();
    Graph *copy = graph_copy(graph, arena);
    Text text = {0};
    *rewrites = run_step(copy, step, limit);
    graph_print(copy, &text);
    arena_destroy(arena);
    return text;
}

static void assert_equal_texts(Text *a, Text *b, const PipelineStep *step, const char *what) {
    if (strcmp(a->data, b->data) != 0)
        fail_msg("%s with %s:\n%s%s", step->pass->name, what, a->data, b->data);
    text_free(a);
    text_free(b);
}

static void check_part(
    const Graph *graph, const PipelineStep *step, int64_t limit, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    Graph *copy = graph_copy(graph, arena);
    assert_int_equal(run_step(copy, step, limit), limit);
    double difference = graph_difference(graph, copy, 1, diagnostics);
    if (!(difference <= largest_difference))
        fail_msg("%s with %lld rewrites: the difference is %g", step->pass->name, (long long)limit,
            difference);
    arena_destroy(arena);
}

/* How many rewrites the step wants. */
static int64_t check_step(
    const Graph *graph, const PipelineStep *step, uint64_t *state, Diagnostics *diagnostics) {
    int64_t none, all, as_many;
    Text before = {0};
    graph_print(graph, &before);
    Text unchanged = text_after(graph, step, 0, &none);
    assert_int_equal(none, 0);
    assert_equal_texts(&before, &unchanged, step, "no rewrite");
    Text unlimited = text_after(graph, step, INT64_MAX, &all);
    Text limited = text_after(graph, step, all, &as_many);
    assert_int_equal(all, as_many);
    assert_equal_texts(&unlimited, &limited, step, "just enough rewrites");
    if (all > 1)
        check_part(
            graph, step, 1 + (int64_t)(next_random(state) % (uint64_t)(all - 1)), diagnostics);
    return all;
}

static void limits_hold(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Pipeline *pipeline = pipeline_parse(pipeline_preset(2), NULL, arena, diagnostics);
    assert_non_null(pipeline);
    int64_t *wanted = ARENA_ARRAY(arena, int64_t, pipeline->count);
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        Arena *graph_arena = arena_create();
        Graph *graph = random_graph(seed, NODES, graph_arena);
        weights_randomize(graph, seed);
        uint64_t random = seed;
        for (size_t i = 0; i < pipeline->count; i++) {
            wanted[i] += check_step(graph, &pipeline->steps[i], &random, diagnostics);
            run_step(graph, &pipeline->steps[i], INT64_MAX);
        }
        arena_destroy(graph_arena);
    }
    for (size_t i = 0; i < pipeline->count; i++)
        print_message("%s: %lld rewrites\n", pipeline->steps[i].pass->name, (long long)wanted[i]);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
