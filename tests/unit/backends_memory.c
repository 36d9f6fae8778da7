/* What a program keeps in memory: how much, and that no two buffers meet; and that computing chains
 * of layers row by row, in strips or not, changes no bit of an answer. */
#include "backends/backends.h"
#include "backends/program/emission.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/unit/ir_cmocka.h"
#include <stdlib.h>
#include <string.h>

typedef struct Network {
    const char *spec;
    Setting settings[3];
    size_t count;
} Network;

static Graph *read_network(const Network *network, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_format(arena, "%s/examples/%s", RIFFLE_SOURCE_DIR, network->spec);
    Spec *spec = spec_read(path, arena, diagnostics);
    Graph *graph =
        spec ? spec_elaborate(spec, network->settings, network->count, arena, diagnostics) : NULL;
    assert_non_null(graph);
    weights_randomize(graph, 1);
    PassRegistry *registry = pass_registry_create(arena);
    assert_true(pipeline_run(
        graph, pipeline_preset(2), &(PipelineOptions){.registry = registry}, diagnostics));
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    return graph;
}

static Program *lower(
    const Graph *graph, const char *name, const LowerOptions *options, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const Target *target = target_find(name, arena, diagnostics);
    assert_non_null(target);
    const Compilation compilation = {.target = target, .options = *options};
    Program *program = program_lower(graph, &compilation, arena, diagnostics);
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    assert_non_null(program);
    return program;
}

/* ---- how much ---- */

static bool meet(const Buffer *a, const Buffer *b) {
    return a->first_step <= b->last_step && b->first_step <= a->last_step &&
           a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static void check_buffers(const Program *program) {
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *a = &program->buffers[i];
        if (a->kind != BUFFER_WORKSPACE || a->first_step < 0)
            continue;
        assert_true(a->offset >= 0 && a->offset + a->bytes <= program->workspace_bytes);
        for (int j = 0; j < i; j++) {
            const Buffer *b = &program->buffers[j];
            assert_false(b->kind == BUFFER_WORKSPACE && b->first_step >= 0 && meet(a, b));
        }
    }
}

static void workspace_is_small(void **state) {
    (void)state;
    static const struct {
        Network network;
        const char *target;
        int64_t most;
    } cases[] = {
        {{"shufflenet_v2.rfl", {{"width", "1.0"}}, 1}, "x86-64", 1000000},
        {{"shufflenet_v2.rfl", {{"width", "1.0"}}, 1}, "x86-64-v3", 1000000},
        {{"shufflenet_v2.rfl", {{"width", "1.0"}}, 1}, "x86-64-v4", 1000000},
        {{"shufflenet_v2.rfl", {{"width", "1.0"}, {"size", "[720, 1280]"}}, 2}, "x86-64-v3",
            14000000},
        /* As if what kernels keep on the stack were nowhere else. */
        {{"shufflenet_v2.rfl", {{"width", "1.0"}, {"size", "[480, 640]"}}, 2}, "x86-64-v3",
            4400000},
        {{"shufflenet_v2_plus.rfl", {{0}}, 0}, "x86-64-v4", 1600000},
        {{"squeezenet.rfl", {{0}}, 0}, "x86-64-v3", 1850000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Arena *arena = arena_create();
        Graph *graph = read_network(&cases[i].network, arena);
        Program *program = lower(graph, cases[i].target, &(LowerOptions){0}, arena);
        ProgramSummary summary = program_summary(program);
        printf("%s: workspace %lld, buffers %lld, live channels %lld\n", cases[i].target,
            (long long)summary.workspace_bytes, (long long)summary.workspace_lower_bound_bytes,
            (long long)summary.live_bytes);
        assert_in_range(summary.workspace_bytes, 1, cases[i].most);
        assert_true(summary.live_bytes <= summary.workspace_lower_bound_bytes);
        assert_true(summary.workspace_lower_bound_bytes <= summary.workspace_bytes);
        if (i < 4)
            assert_int_equal(summary.layout_bytes, 0);
        check_buffers(program);
        program_destroy(program);
        arena_destroy(arena);
    }
}

/* ---- chains ---- */

static void two_at_a_time(void *pool, riffle_task *task, void *context, size_t count) {
    (void)pool;
    for (size_t begin = 0; begin < count; begin += 2)
        task(context, begin, begin + 2 < count ? begin + 2 : count);
}

/* The first output of a run; all at once, or in slices of two items. */
static float *answer(const Graph *graph, Program *program, bool sliced, Arena *arena) {
    program_set_loops(program, LOOP_PER_STEP);
    Diagnostics *diagnostics = diagnostics_create();
    int64_t count = tensor_elements(&graph->inputs[0].value->type);
    float *input = ARENA_ARRAY(arena, float, count);
    for (int64_t i = 0; i < count; i++)
        input[i] = (float)(i * 7919 % 2003) / 1001.0f - 1.0f;
    float *output = ARENA_ARRAY(arena, float, tensor_elements(&graph->outputs[0].value->type));
    size_t bytes = ((size_t)program_summary(program).workspace_bytes + 63) / 64 * 64;
    void *workspace = aligned_alloc(64, bytes);
    assert_non_null(workspace);
    memset(workspace, 0xff, bytes);
    LoadedModel *model = jit_load(program, diagnostics);
    assert_non_null(model);
    const float *inputs[] = {input};
    float *outputs[] = {output};
    int status = sliced ? jit_run_parallel(model, inputs, outputs, workspace, two_at_a_time, NULL)
                        : jit_run(model, inputs, outputs, workspace);
    assert_int_equal(status, 0);
    jit_unload(model);
    free(workspace);
    diagnostics_destroy(diagnostics);
    return output;
}

static void chains_change_no_bit(void **state) {
    (void)state;
    if (!llvm_is_built_in())
        skip();
    static const Network networks[] = {
        {"shufflenet_v2.rfl", {{"width", "0.5"}, {"size", "[70, 134]"}, {"classes", "9"}}, 3},
        {"shufflenet_v1.rfl", {{"width", "0.5"}, {"size", "[64, 96]"}, {"classes", "9"}}, 3},
    };
    static const LowerOptions options[] = {{.chains = CHAINS_ALWAYS},
        {.chains = CHAINS_ALWAYS, .ring_bytes = 6000}, {.chains = CHAINS_BY_COST}};
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        Arena *arena = arena_create();
        Graph *graph = read_network(&networks[i], arena);
        size_t bytes = (size_t)tensor_elements(&graph->outputs[0].value->type) * sizeof(float);
        Program *apart = lower(graph, "x86-64-v3", &(LowerOptions){.chains = CHAINS_NEVER}, arena);
        const float *expected = answer(graph, apart, false, arena);
        for (size_t j = 0; j < sizeof options / sizeof options[0]; j++) {
            Program *program = lower(graph, "x86-64-v3", &options[j], arena);
            assert_in_range(program_local_bytes(program), 1, MOST_STACK_BYTES);
            assert_true(program_summary(program).step_count < program_summary(apart).step_count);
            if (options[j].ring_bytes > 0)
                assert_in_range(program_local_bytes(program), 1, options[j].ring_bytes);
            assert_memory_equal(answer(graph, program, false, arena), expected, bytes);
            assert_memory_equal(answer(graph, program, true, arena), expected, bytes);
            program_destroy(program);
        }
        program_destroy(apart);
        arena_destroy(arena);
    }
}

/* ---- scratch ---- */

static int64_t scratch_bytes(const Program *program) {
    int64_t bytes = 0;
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        assert_int_equal(step->scratch > 0, kernel_scratch_bytes(kernel) > 0);
        if (step->scratch > 0) {
            const Buffer *buffer = &program->buffers[step->scratch];
            assert_int_equal(
                buffer->bytes, step_scratch_slots(program, i) * step_slot_bytes(program, i));
            assert_in_range(step_scratch_slots(program, i), 1, MOST_SCRATCH_SLOTS);
            assert_true(buffer->first_step == i && buffer->last_step == i);
            bytes += buffer->bytes;
        }
    }
    return bytes;
}

/* What must lie in the workspace is the least that leaves the rest small enough. */
static void scratch_is_what_the_stack_cannot_hold(void **state) {
    (void)state;
    static const struct {
        int64_t stack_bytes;
        bool is_scratch[3];
    } cases[] = {{2000, {false, false, false}}, {1900, {false, true, false}},
        {1600, {false, false, true}}, {1500, {false, false, true}}, {1200, {false, true, true}},
        {800, {true, false, false}}, {1, {true, true, true}}};
    Arena *arena = arena_create();
    KernelBuilder builder;
    kernel_begin(&builder, arena, 5);
    kernel_local(&builder, 300);
    kernel_local(&builder, 25);
    kernel_local(&builder, 175);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        choose_scratch(builder.kernel, cases[i].stack_bytes);
        for (int j = 0; j < 3; j++)
            assert_int_equal(builder.kernel->local_is_scratch[j], cases[i].is_scratch[j]);
        assert_true(kernel_local_bytes(builder.kernel) <= cases[i].stack_bytes);
    }
    assert_int_equal(kernel_scratch_offset(builder.kernel, 1), 1216); /* 1200, aligned */
    assert_int_equal(kernel_scratch_bytes(builder.kernel), 1216 + 128 + 704);
    assert_int_equal(scratch_needed((int64_t[]){1200, 100}, 2, 5, 1200), 5 * 100);
    assert_int_equal(scratch_needed((int64_t[]){1200, 100}, 2, 500, 0), 8 * 1300);
    arena_destroy(arena);
}

static void scratch_changes_no_bit(void **state) {
    (void)state;
    if (!llvm_is_built_in())
        skip();
    static const Network network = {
        "shufflenet_v2.rfl", {{"width", "0.5"}, {"size", "[70, 134]"}, {"classes", "9"}}, 3};
    Arena *arena = arena_create();
    Graph *graph = read_network(&network, arena);
    size_t bytes = (size_t)tensor_elements(&graph->outputs[0].value->type) * sizeof(float);
    LowerOptions options = {.chains = CHAINS_ALWAYS, .ring_bytes = 20000};
    Program *stack = lower(graph, "x86-64-v3", &options, arena);
    assert_int_equal(scratch_bytes(stack), 0);
    const float *expected = answer(graph, stack, false, arena);
    static const int64_t most[] = {4000, 1};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        options.stack_bytes = most[i];
        Program *program = lower(graph, "x86-64-v3", &options, arena);
        assert_true(program_local_bytes(program) <= most[i]);
        assert_in_range(scratch_bytes(program), 1, INT64_MAX);
        check_buffers(program);
        assert_memory_equal(answer(graph, program, false, arena), expected, bytes);
        assert_memory_equal(answer(graph, program, true, arena), expected, bytes);
        program_destroy(program);
    }
    program_destroy(stack);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workspace_is_small),
        cmocka_unit_test(chains_change_no_bit),
        cmocka_unit_test(scratch_is_what_the_stack_cannot_hold),
        cmocka_unit_test(scratch_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
