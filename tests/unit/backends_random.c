/* Compiled code against the interpreter: seeded random graphs, on every target that this machine
 * runs, at every optimisation level, on one thread and cut into pieces, with guard bytes round
 * every buffer. */
#include "backends/backends.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/unit/ir_cmocka.h"
#include "tests/unit/random_graph.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0x5a, MOST_BUFFERS = 16 };

/* A buffer between two guards, aligned to 64 bytes. */
static char *guarded_allocate(size_t bytes) {
    size_t room = (bytes + 63) / 64 * 64;
    char *memory = aligned_alloc(64, GUARD + room + GUARD);
    assert_non_null(memory);
    memset(memory, GUARD_BYTE, GUARD + room + GUARD);
    return memory + GUARD;
}

static void guarded_check_and_free(char *buffer, size_t bytes) {
    size_t room = (bytes + 63) / 64 * 64;
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(buffer[(ptrdiff_t)i - GUARD], GUARD_BYTE);
    for (size_t i = bytes; i < room + GUARD; i++)
        assert_int_equal(buffer[i], GUARD_BYTE);
    free(buffer - GUARD);
}

static size_t bytes_of(const TensorType *type) {
    return (size_t)tensor_elements(type) * sizeof(float);
}

/* Does the items of a loop in pieces of one, last item first: order must not matter. */
static void backwards(void *pool, riffle_task *task, void *context, size_t count) {
    (void)pool;
    for (size_t i = count; i > 0; i--)
        task(context, i - 1, i);
}

typedef struct Buffers {
    const float *inputs[MOST_BUFFERS];
    float *outputs[MOST_BUFFERS], *expected[MOST_BUFFERS];
} Buffers;

static void make_buffers(const Graph *graph, Buffers *buffers) {
    assert_true(graph->input_count <= MOST_BUFFERS && graph->output_count <= MOST_BUFFERS);
    unsigned seed = 7;
    for (int i = 0; i < graph->input_count; i++) {
        size_t bytes = bytes_of(&graph->inputs[i].value->type);
        float *input = (float *)(void *)guarded_allocate(bytes);
        for (size_t j = 0; j < bytes / sizeof(float); j++) {
            seed = seed * 1664525u + 1013904223u;
            input[j] = (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
        }
        buffers->inputs[i] = input;
    }
    for (int i = 0; i < graph->output_count; i++) {
        size_t bytes = bytes_of(&graph->outputs[i].value->type);
        buffers->outputs[i] = (float *)(void *)guarded_allocate(bytes);
        buffers->expected[i] = (float *)(void *)guarded_allocate(bytes);
    }
}

static void free_buffers(const Graph *graph, Buffers *buffers) {
    for (int i = 0; i < graph->input_count; i++)
        guarded_check_and_free(
            (char *)(uintptr_t)buffers->inputs[i], bytes_of(&graph->inputs[i].value->type));
    for (int i = 0; i < graph->output_count; i++) {
        guarded_check_and_free(
            (char *)buffers->outputs[i], bytes_of(&graph->outputs[i].value->type));
        guarded_check_and_free(
            (char *)buffers->expected[i], bytes_of(&graph->outputs[i].value->type));
    }
}

static void compare(const Graph *graph, const Buffers *buffers, const char *what) {
    for (int i = 0; i < graph->output_count; i++) {
        int64_t count = tensor_elements(&graph->outputs[i].value->type);
        double largest = 0, difference = 0;
        for (int64_t j = 0; j < count; j++) {
            double expected = (double)buffers->expected[i][j];
            double distance = fabs((double)buffers->outputs[i][j] - expected);
            largest = fabs(expected) > largest ? fabs(expected) : largest;
            difference = distance <= difference ? difference : distance; /* NaN sticks */
        }
        if (!(difference <= 1e-5 + 1e-4 * largest))
            fail_msg("%s: output %d differs by %g, largest %g", what, i, difference, largest);
    }
}

static void run_compiled(
    const Graph *graph, const Program *program, Buffers *buffers, const char *what) {
    Diagnostics *diagnostics = diagnostics_create();
    LoadedModel *model = jit_load(program, diagnostics);
    diagnostics_print(diagnostics, stderr);
    assert_non_null(model);
    size_t bytes = (size_t)program_summary(program).workspace_bytes;
    char *workspace = guarded_allocate(bytes);
    for (int parallel = 0; parallel < 2; parallel++) {
        for (int i = 0; i < graph->output_count; i++)
            memset(buffers->outputs[i], 0xff, bytes_of(&graph->outputs[i].value->type));
        memset(workspace, 0xff, bytes); /* NaN: nothing may depend on what was there */
        int status = parallel ? jit_run_parallel(model, buffers->inputs, buffers->outputs,
                                    workspace, backwards, NULL)
                              : jit_run(model, buffers->inputs, buffers->outputs, workspace);
        assert_int_equal(status, 0);
        compare(graph, buffers, what);
    }
    guarded_check_and_free(workspace, bytes);
    jit_unload(model);
    diagnostics_destroy(diagnostics);
}

static void check_target(
    const Graph *graph, const Target *target, int level, uint64_t seed, Buffers *buffers) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    char what[128];
    snprintf(
        what, sizeof what, "seed %llu, %s, -O%d", (unsigned long long)seed, target->name, level);
    Graph *copy = graph_copy(graph, arena);
    bool good = pipeline_run(copy, pipeline_preset(level), NULL, diagnostics);
    Program *program = good ? program_lower(copy, target, arena, diagnostics) : NULL;
    diagnostics_print(diagnostics, stderr);
    if (!program)
        fail_msg("%s: does not compile", what);
    run_compiled(copy, program, buffers, what);
    program_destroy(program);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void check_seed(uint64_t seed) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Graph *graph = random_graph(seed, 6 + (int)(seed % 12), arena);
    weights_randomize(graph, seed);
    Buffers buffers;
    make_buffers(graph, &buffers);
    assert_true(graph_interpret(graph, buffers.inputs, buffers.expected, NULL, NULL, diagnostics));
    size_t count;
    const Target *targets = target_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!target_runs_here(&targets[i]))
            continue;
        check_target(graph, &targets[i], (int)((seed + i) % 3), seed, &buffers);
        /* With a tiny cache every chain that can be is computed row by row. */
        Target tiny = targets[i];
        tiny.l2_bytes = 64;
        tiny.name = "tiny cache";
        check_target(graph, &tiny, (int)((seed + i + 1) % 3), seed, &buffers);
    }
    free_buffers(graph, &buffers);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void random_graphs_compile_right(void **state) {
    (void)state;
    const char *wanted = getenv("RIFFLE_RANDOM_GRAPHS");
    uint64_t count = wanted ? strtoull(wanted, NULL, 10) : 60;
    for (uint64_t seed = 1; seed <= count; seed++)
        check_seed(seed);
    print_message("%llu random graphs\n", (unsigned long long)count);
}

int main(void) {
    if (!llvm_is_built_in()) {
        print_message("skipped: built without LLVM\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_compile_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
