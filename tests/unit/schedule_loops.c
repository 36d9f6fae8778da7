/* The orders of inner loops, carried out with what registers hold in place of numbers: each
 * multiply-add must take what the loop of the kernel multiplies in that round, and no load may look
 * elsewhere than the loop does. */
#include "backends/backends.h"
#include "backends/program/loop_schedule.h"
#include "backends/program/program.h"
#include "backends/schedule/inner_products.h"
#include "backends/target/core.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "tests/unit/ir_cmocka.h"
#include <string.h>

enum { MOST_REGISTERS = 64, MOST_ROUNDS = 4, HALF_BYTES = 8 };

/* Half of a vector, by where it was loaded from: an offset that several loads may have, and bytes
 * from there; offset -1: nothing. */
typedef struct Half {
    int offset;
    int64_t bytes;
} Half;

typedef struct Machine {
    const LoopSchedule *schedule;
    const InnerProducts *products;
    Half vectors[MOST_REGISTERS][2], integers[MOST_REGISTERS];
    int64_t pointers[MOST_REGISTERS], next[MOST_REGISTERS]; /* bytes from where they began */
    int rounds, round, left;
    bool is_last;
    int *done; /* by multiply-add of the loop: in how many rounds */
} Machine;

static bool have_same_offset(const InnerLoad *load, int parameter, const Expression *offset) {
    return load->parameter == parameter && expressions_are_equal(load->offset, offset);
}

/* The half that a load of the loop brings in that round. */
static Half half_of(const Machine *m, int load, int round, int which) {
    const InnerLoad *loads = m->products->loads;
    int first = 0;
    while (!have_same_offset(&loads[first], loads[load].parameter, loads[load].offset))
        first++;
    return (Half){first, loads[load].bytes + round * loads[load].increment + which * HALF_BYTES};
}

/* What is at so many bytes from the pointer: the loop must load it, in some round. */
static Half half_at(const Machine *m, int pointer, int64_t bytes) {
    const LoopPointer *from = &m->schedule->pointers[pointer];
    int64_t at = from->bytes + m->pointers[pointer] + bytes;
    for (int i = 0; i < m->products->load_count; i++)
        for (int round = 0; round < m->rounds; round++)
            for (int which = 0; which < 2; which++) {
                Half half = half_of(m, i, round, which);
                if (half.bytes == at &&
                    have_same_offset(&m->products->loads[i], from->parameter, from->offset))
                    return half;
            }
    fail_msg(
        "%lld bytes from pointer %d lie outside of what the loop reads", (long long)bytes, pointer);
    return (Half){-1, 0};
}

static void assert_half(const Machine *m, Half half, int load, int which) {
    Half wanted = half_of(m, load, m->round, which);
    assert_int_equal(half.offset, wanted.offset);
    assert_int_equal(half.bytes, wanted.bytes);
}

static void multiply_add(Machine *m, const LoopAction *action) {
    int half = action->lane / (m->products->lanes / 2);
    Half value = m->vectors[action->value][half];
    for (int i = 0; i < m->products->product_count; i++) {
        const InnerProduct *product = &m->products->products[i];
        if (product->sum != action->sum || product->lane != action->lane || m->done[i] != m->round)
            continue;
        /* The first that this sum still lacks. */
        Half low = m->vectors[action->vector][0], high = m->vectors[action->vector][1];
        assert_half(m, low, product->weight, 0);
        assert_half(m, high, product->weight, 1);
        assert_half(m, value, product->value, half);
        for (int j = 0; j < i; j++) /* in the order of the kernel */
            assert_true(m->products->products[j].sum != product->sum || m->done[j] == m->round + 1);
        m->done[i]++;
        return;
    }
    fail_msg("a multiply-add that the loop has not");
}

static void act(Machine *m, const LoopAction *action) {
    Half *vector = m->vectors[action->vector];
    switch (action->kind) {
    case ACTION_MULTIPLY_ADD:
        multiply_add(m, action);
        break;
    case ACTION_LOAD:
        vector[0] = half_at(m, action->pointer, action->bytes);
        vector[1] = half_at(m, action->pointer, action->bytes + HALF_BYTES);
        break;
    case ACTION_LOAD_LOW:
        vector[0] = half_at(m, action->pointer, action->bytes);
        vector[1] = (Half){-1, 0};
        break;
    case ACTION_LOAD_HIGH:
        m->integers[action->integer] = half_at(m, action->pointer, action->bytes);
        break;
    case ACTION_INSERT_HIGH:
        vector[1] = m->integers[action->integer];
        m->integers[action->integer] = (Half){-1, 0};
        break;
    case ACTION_COUNT:
        m->is_last = --m->left == 0;
        break;
    case ACTION_NEXT:
        m->next[action->integer] = m->pointers[action->pointer] + action->bytes;
        m->integers[action->integer] = (Half){-1, 0};
        break;
    case ACTION_CHOOSE:
        if (!m->is_last)
            m->pointers[action->pointer] = m->next[action->integer];
        break;
    case ACTION_PREFETCH:
    case ACTION_REPEAT:
    case ACTION_KINDS:
        break;
    }
}

static void run(
    const LoopSchedule *schedule, const InnerProducts *products, int rounds, Arena *arena) {
    Machine m = {.schedule = schedule, .products = products, .rounds = rounds, .left = rounds};
    m.done = ARENA_ARRAY(arena, int, products->product_count);
    memset(m.vectors, -1, sizeof m.vectors);
    memset(m.integers, -1, sizeof m.integers);
    for (int i = 0; i < schedule->before_count; i++)
        act(&m, &schedule->before[i]);
    for (; m.round < rounds; m.round++)
        for (int i = 0; i < schedule->round_count; i++)
            act(&m, &schedule->round[i]);
    for (int i = 0; i < products->product_count; i++)
        assert_int_equal(m.done[i], rounds);
}

/* No cycle has more instructions than the core begins, nor more loads or multiply-adds. */
static void check_rates(const LoopSchedule *schedule, const Core *core) {
    for (int i = 0, all = 0, loads = 0, products = 0; i < schedule->round_count; i++) {
        const LoopAction *action = &schedule->round[i];
        if (i > 0 && action->cycle != action[-1].cycle)
            all = loads = products = 0;
        all++;
        loads += action->kind == ACTION_LOAD || action->kind == ACTION_LOAD_LOW ||
                 action->kind == ACTION_LOAD_HIGH || action->kind == ACTION_PREFETCH;
        products += action->kind == ACTION_MULTIPLY_ADD;
        assert_true(all <= core->issue && loads <= core->loads && products <= core->multiply_adds);
        assert_true(action->cycle >= 0 && action->cycle < schedule->cycles);
        if (core->wide_load_blocks > 0)
            assert_true(action->kind != ACTION_LOAD);
    }
    assert_int_equal(schedule->round[schedule->round_count - 1].kind, ACTION_REPEAT);
    assert_true(schedule->sum_count + schedule->vector_count <= 32);
}

static bool has_loop(const Block *block, const Statement *loop) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement == loop ||
            (statement->kind != STATEMENT_INSTRUCTION && has_loop(&statement->body, loop)))
            return true;
    return false;
}

static const Kernel *kernel_of(const Program *program, const Statement *loop) {
    for (int i = 0; i < program->kernel_count; i++)
        if (has_loop(&program->kernels[i]->body, loop))
            return program->kernels[i];
    fail_msg("a loop of no kernel");
    return NULL;
}

static Program *compile(const char *name, const char *target_name, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_format(arena, "%s/examples/%s", RIFFLE_SOURCE_DIR, name);
    Spec *spec = spec_read(path, arena, diagnostics);
    Graph *graph = spec ? spec_elaborate(spec, NULL, 0, arena, diagnostics) : NULL;
    assert_non_null(graph);
    weights_randomize(graph, 1);
    const Compilation compilation = {.target = target_find(target_name, arena, diagnostics)};
    Program *program = NULL;
    if (pipeline_run(graph, pipeline_preset(2), NULL, diagnostics))
        program = program_lower(graph, &compilation, arena, diagnostics);
    diagnostics_print(diagnostics, stdout);
    diagnostics_destroy(diagnostics);
    assert_non_null(program);
    return program;
}

static void orders_do_what_loops_do(void **state) {
    (void)state;
    static const char *const targets[] = {"cortex-a53", "cortex-a55", "cortex-a510"};
    static const char *const specs[] = {"shufflenet_v2.rfl", "shufflenet_v1.rfl", "squeezenet.rfl"};
    for (int i = 0; i < 9; i++) {
        Arena *arena = arena_create();
        Program *program = compile(specs[i / 3], targets[i % 3], arena);
        const Core *core = core_find(targets[i % 3]);
        int count = 0;
        for (const LoopSchedule *loop = program->loop_schedules; loop; loop = loop->next, count++) {
            const InnerProducts *products =
                inner_products(kernel_of(program, loop->loop), loop->loop, arena);
            assert_non_null(products);
            check_rates(loop, core);
            for (int rounds = 1; rounds <= MOST_ROUNDS; rounds++)
                run(loop, products, rounds, arena);
        }
        assert_true(count > 10);
        program_destroy(program);
        arena_destroy(arena);
    }
}

/* The tile of ShuffleNet's pointwise convolutions: a multiply-add in each cycle. */
static void tiles_are_paced_by_multiply_adds(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Program *program = compile("shufflenet_v2.rfl", "cortex-a55", arena);
    int tiles = 0;
    for (const LoopSchedule *loop = program->loop_schedules; loop; loop = loop->next)
        if (loop->multiply_adds == 7 * 3 * 4) {
            assert_in_range(loop->cycles, 84, 86);
            tiles++;
        }
    assert_true(tiles > 10);
    program_destroy(program);
    arena_destroy(arena);
}

static void other_cores_choose_themselves(void **state) {
    (void)state;
    static const char *const targets[] = {"cortex-a76", "armv8-a", "x86-64-v3", "armv7-a"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        Arena *arena = arena_create();
        Program *program = compile("shufflenet_v2.rfl", targets[i], arena);
        assert_null(program->loop_schedules);
        program_destroy(program);
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_do_what_loops_do),
        cmocka_unit_test(tiles_are_paced_by_multiply_adds),
        cmocka_unit_test(other_cores_choose_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
