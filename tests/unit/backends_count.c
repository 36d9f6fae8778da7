/* The counts of kernels as the lowering makes them: against a run that takes no short cuts, on
 * random graphs; and for the forms of layout ops, on networks whose copies are known. */
#include "backends/backends.h"
#include "backends/program/program.h"
#include "frontend/frontend.h"
#include "ir/kernel_count.h"
#include "ir/kernel_lanes.h"
#include "passes/passes.h"
#include "tests/random/random_graph.h"
#include "tests/unit/ir_cmocka.h"
#include <string.h>

enum { SEEDS = 60 };

/* Every iteration of every loop, lane by lane. */
typedef struct PlainRun {
    const Kernel *kernel;
    const int32_t *const *tables; /* by parameter */
    Arena *arena;
    int64_t *variables;
    RegisterState *registers;
    LaneMask *used;
    KernelCount count;
    const Statement **bodies; /* loops and conditions, as body_runs has them */
    int body_count;
    bool computes, moves;
} PlainRun;

/* NULL in place of the array only counts. */
static int list_bodies(const Block *block, const Statement **bodies, int count) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_FOR || statement->kind == STATEMENT_IF) {
            if (bodies)
                bodies[count] = statement;
            count = list_bodies(&statement->body, bodies, count + 1);
        }
    return count;
}

static int64_t evaluate(const PlainRun *run, const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return expression->constant;
    if (expression->kind == EXPRESSION_VARIABLE)
        return run->variables[expression->variable];
    if (expression->kind == EXPRESSION_ELEMENT)
        return run->tables[expression->variable][evaluate(run, expression->left)];
    int64_t a = evaluate(run, expression->left), b = evaluate(run, expression->right);
    switch (expression->kind) {
    case EXPRESSION_ADD:
        return a + b;
    case EXPRESSION_MULTIPLY:
        return a * b;
    case EXPRESSION_DIVIDE:
        return a / b;
    case EXPRESSION_REMAINDER:
        return a % b;
    case EXPRESSION_MINIMUM:
        return a < b ? a : b;
    case EXPRESSION_MAXIMUM:
    case EXPRESSION_ELEMENT:
    case EXPRESSION_CONSTANT:
    case EXPRESSION_VARIABLE:
        break;
    }
    return a > b ? a : b;
}

static void run_access(PlainRun *run, const Instruction *instruction) {
    bool stores = instruction->kind == INSTRUCTION_store;
    BufferCount *buffer = &run->count.buffers[instruction->parameter];
    int64_t offset = evaluate(run, instruction->offset);
    int64_t bytes = lane_bytes(kernel_buffer_element(run->kernel, instruction->parameter));
    int local = instruction->parameter - MAX_KERNEL_PARAMETERS;
    *(stores ? &run->count.stores : &run->count.loads) += 1;
    *(stores ? &run->count.stored_bytes : &run->count.loaded_bytes) +=
        bytes * instruction->lane_count;
    for (int i = 0; i < instruction->lane_count; i++) {
        int lane = instruction->first_lane + i;
        if (!stores) {
            LaneMask used = run->used[instruction->destination];
            bool is_used =
                instruction->kind == INSTRUCTION_broadcast ? used != 0 : used >> lane & 1;
            float_set_add(&buffer->read, offset + i, is_used, run->arena);
            continue;
        }
        const RegisterState *state = &run->registers[instruction->sources[0]];
        bool moved = state->moved >> lane & 1, constant = state->constant >> lane & 1;
        float_set_add(&buffer->written, offset + i, 1, run->arena);
        float_set_add(&buffer->moved, offset + i, moved, run->arena);
        run->moves |= moved;
        run->computes |= !moved && !constant;
        run->count.local_moved_bytes +=
            moved && local >= 0 && !run->kernel->local_packs[local] ? bytes : 0;
    }
}

static void run_block(PlainRun *run, const Block *block);

static void run_body(PlainRun *run, const Statement *statement) {
    for (int i = 0; i < run->body_count; i++)
        run->count.body_runs[i] += run->bodies[i] == statement;
    run_block(run, &statement->body);
}

static void run_block(PlainRun *run, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        const Instruction *instruction = &statement->instruction;
        switch (statement->kind) {
        case STATEMENT_FOR:
            for (int64_t i = evaluate(run, statement->begin), end = evaluate(run, statement->end);
                i < end; i += statement->step) {
                run->variables[statement->variable] = i;
                run_body(run, statement);
            }
            break;
        case STATEMENT_IF:
            if (evaluate(run, statement->begin) < evaluate(run, statement->end))
                run_body(run, statement);
            break;
        case STATEMENT_LET:
            run->variables[statement->variable] = evaluate(run, statement->begin);
            break;
        case STATEMENT_INSTRUCTION:
            if (instruction->offset && instruction->kind != INSTRUCTION_prefetch)
                run_access(run, instruction);
            if (instruction->kind == INSTRUCTION_multiply_add) {
                int lanes = run->kernel->register_lanes[instruction->destination];
                run->count.multiply_adds_issued += lanes;
                for (int i = 0; i < lanes; i++)
                    if (run->used[instruction->destination] >> i & 1)
                        run->count.multiply_adds_useful++;
            }
            if (instruction->destination >= 0)
                run->registers[instruction->destination] =
                    register_state_after(run->kernel, instruction, run->registers);
            break;
        }
    }
}

static void assert_same_set(const FloatSet *a, const FloatSet *b, Arena *arena) {
    FloatSet both = {0};
    float_set_add_set(&both, a, 0, arena);
    float_set_add_set(&both, b, 0, arena);
    assert_int_equal(float_set_count(a), float_set_count(&both));
    assert_int_equal(float_set_count(b), float_set_count(&both));
}

static int64_t set_bytes(const Kernel *kernel, const KernelCount *count, bool read) {
    int64_t bytes = 0;
    for (int i = 0; i < kernel->parameter_count; i++)
        bytes += float_set_count(read ? &count->buffers[i].read : &count->buffers[i].written) *
                 lane_bytes(kernel->parameters[i].element);
    return bytes;
}

/* What was told of the step from a run of its first row. */
static void check_told(const Kernel *kernel, const KernelCount *count, const StepCount *told) {
    assert_int_equal(told->bytes_read, set_bytes(kernel, count, true));
    assert_int_equal(told->bytes_written, set_bytes(kernel, count, false));
    assert_int_equal(told->loaded_bytes, count->loaded_bytes);
    assert_int_equal(told->stored_bytes, count->stored_bytes);
    assert_int_equal(told->multiply_adds_issued, count->multiply_adds_issued);
    assert_int_equal(told->multiply_adds_useful, count->multiply_adds_useful);
    assert_int_equal(told->only_moves, count->only_moves);
}

static void check_step(const Program *program, const Step *step, bool sampled) {
    const Kernel *kernel = program->kernels[step->kernel];
    Arena *arena = arena_create();
    const int32_t *tables[MAX_KERNEL_PARAMETERS];
    step_tables(program, step, tables);
    const KernelCount *count = kernel_count(kernel, tables, arena);
    if (sampled)
        check_told(kernel, count, &step->count);
    PlainRun run = {.kernel = kernel, .tables = tables, .arena = arena};
    run.variables = ARENA_ARRAY(arena, int64_t, kernel->variable_count);
    run.registers = ARENA_ARRAY(arena, RegisterState, kernel->register_count + 1);
    run.used = kernel_used_lanes(kernel, arena);
    run.variables[VARIABLE_END] = kernel->extent;
    run.body_count = list_bodies(&kernel->body, NULL, 0);
    run.bodies = ARENA_ARRAY(arena, const Statement *, run.body_count + 1);
    run.count.body_runs = ARENA_ARRAY(arena, int64_t, run.body_count + 1);
    list_bodies(&kernel->body, run.bodies, 0);
    run_block(&run, &kernel->body);
    for (int i = 0; i < MAX_KERNEL_BUFFERS; i++) {
        assert_same_set(&count->buffers[i].read, &run.count.buffers[i].read, arena);
        assert_same_set(&count->buffers[i].written, &run.count.buffers[i].written, arena);
        assert_same_set(&count->buffers[i].moved, &run.count.buffers[i].moved, arena);
    }
    assert_int_equal(count->loads, run.count.loads);
    assert_int_equal(count->stores, run.count.stores);
    assert_int_equal(count->loaded_bytes, run.count.loaded_bytes);
    assert_int_equal(count->stored_bytes, run.count.stored_bytes);
    assert_int_equal(count->local_moved_bytes, run.count.local_moved_bytes);
    assert_int_equal(count->multiply_adds_issued, run.count.multiply_adds_issued);
    assert_int_equal(count->multiply_adds_useful, run.count.multiply_adds_useful);
    assert_int_equal(count->only_moves, run.moves && !run.computes);
    for (int i = 0; i < run.body_count; i++)
        assert_int_equal(count->body_runs[i], run.count.body_runs[i]);
    arena_destroy(arena);
}

static Program *compile(
    Graph *graph, const char *target_name, const char *pipeline, bool copies, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const Target *target = target_find(target_name, arena, diagnostics);
    const Compilation compilation = {.target = target, .options = {.copy_layout = copies}};
    Program *program = NULL;
    if (pipeline_run(graph, pipeline, NULL, diagnostics))
        program = program_lower(graph, &compilation, arena, diagnostics);
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    assert_non_null(program);
    return program;
}

static void short_cuts_change_no_count(void **state) {
    (void)state;
    static const char *const targets[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        Arena *arena = arena_create();
        Graph *graph = random_graph(seed, 4 + (int)(seed % 12), arena);
        weights_randomize(graph, seed);
        Program *program = compile(graph, targets[seed % 3],
            pipeline_preset((int)(seed / 3 % PIPELINE_LEVELS)), seed % 2 == 0, arena);
        for (int i = 0, seen = 0; i < program->step_count; i++) {
            const Step *step = &program->steps[i];
            bool sampled = step->node && (step->node->op == OP_resize || step->node->op == OP_take);
            if (step->kernel >= seen || sampled) /* kernels are numbered as they appear */
                check_step(program, step, sampled);
            seen = step->kernel >= seen ? step->kernel + 1 : seen;
        }
        program_destroy(program);
        arena_destroy(arena);
    }
}

static Graph *example(const char *name, const Setting *settings, size_t count, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_format(arena, "%s/examples/%s", RIFFLE_SOURCE_DIR, name);
    Spec *spec = spec_read(path, arena, diagnostics);
    Graph *graph = spec ? spec_elaborate(spec, settings, count, arena, diagnostics) : NULL;
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    assert_non_null(graph);
    weights_randomize(graph, 1);
    return graph;
}

static int64_t layout_bytes(const Graph *graph, const char *pipeline, bool copies) {
    Arena *arena = arena_create();
    Program *program = compile(graph_copy(graph, arena), "x86-64-v3", pipeline, copies, arena);
    int64_t bytes = program_summary(program).layout_bytes;
    program_destroy(program);
    arena_destroy(arena);
    return bytes;
}

/* As written every concat, shuffle and split reads and writes all that it has: what the graph says
 * of them. Compiled as usual, ShuffleNet moves nothing for them. */
static void copies_are_those_of_the_graph(void **state) {
    (void)state;
    static const struct {
        const char *spec;
        Setting settings[3];
        size_t count;
    } cases[] = {
        {"shufflenet_v2.rfl", {{"size", "[64, 64]"}, {"width", "0.5"}}, 2},
        {"shufflenet_v2.rfl", {{"size", "[64, 64]"}, {"width", "1.0"}}, 2},
        {"shufflenet_v1.rfl", {{"size", "[64, 64]"}, {"groups", "3"}}, 2},
        {"shufflenet_v1.rfl", {{"size", "[64, 64]"}, {"groups", "8"}, {"width", "0.5"}}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Arena *arena = arena_create();
        Graph *graph = example(cases[i].spec, cases[i].settings, cases[i].count, arena);
        int64_t expected = 0;
        for (const Node *node = graph->first; node; node = node->next)
            if (op_moves_channels(node->op))
                expected += node_bytes(node);
        assert_int_equal(layout_bytes(graph, pipeline_preset(1), true), expected);
        assert_int_equal(layout_bytes(graph, pipeline_preset(2), false), 0);
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_cuts_change_no_count),
        cmocka_unit_test(copies_are_those_of_the_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
