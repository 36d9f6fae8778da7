/* The counting of what kernels read, write, move and multiply, on kernels small enough to count by
 * hand. */
#include "ir/kernel_count.h"
#include "tests/unit/ir_cmocka.h"

typedef struct Fixture {
    Arena *arena;
    KernelBuilder builder;
    int input, weights, output;
} Fixture;

static Fixture fixture_begin(int64_t extent) {
    Fixture fixture = {.arena = arena_create()};
    kernel_begin(&fixture.builder, fixture.arena, extent);
    fixture.input = kernel_parameter(&fixture.builder, PARAMETER_READ, "input");
    fixture.weights = kernel_parameter(&fixture.builder, PARAMETER_WEIGHTS, "weights");
    fixture.output = kernel_parameter(&fixture.builder, PARAMETER_WRITE, "output");
    return fixture;
}

static const Expression *constant(Fixture *fixture, int64_t value) {
    return expression_constant(fixture->arena, value);
}

static const Expression *open_items(Fixture *fixture) {
    KernelBuilder *builder = &fixture->builder;
    return kernel_open_for(builder, "item", kernel_variable(builder, VARIABLE_BEGIN),
        kernel_variable(builder, VARIABLE_END), 1);
}

static const KernelCount *count(Fixture *fixture) {
    assert_null(kernel_fault(fixture->builder.kernel));
    return kernel_count(fixture->builder.kernel, NULL, fixture->arena);
}

static int64_t floats_read(const KernelCount *counts, int parameter) {
    return float_set_count(&counts->buffers[parameter].read);
}

static int64_t floats_written(const KernelCount *counts, int parameter) {
    return float_set_count(&counts->buffers[parameter].written);
}

static int64_t floats_moved(const KernelCount *counts, int parameter) {
    return float_set_count(&counts->buffers[parameter].moved);
}

static void sets_grow_both_ways(void **state) {
    (void)state;
    Arena *arena = arena_create();
    FloatSet set = {0}, sum = {0};
    float_set_add(&set, 1000, 3, arena);
    float_set_add(&set, -70, 5, arena);
    float_set_add(&set, 1001, 5, arena);
    float_set_add(&set, 64, 64, arena);
    float_set_add(&set, 5, 0, arena);
    assert_int_equal(float_set_count(&set), 5 + 64 + 6);
    float_set_add_set(&sum, &set, 1, arena);
    float_set_add_set(&sum, &set, 0, arena);
    assert_int_equal(float_set_count(&sum), 6 + 65 + 7);
    float_set_add(&sum, -100000, 200000, arena);
    assert_int_equal(float_set_count(&sum), 200000);
    arena_destroy(arena);
}

/* 6 channels of 5 pixels, by vectors of 4 of which the last reads on into the next pixel. */
static void copy_reads_no_slack(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(5);
    KernelBuilder *builder = &fixture.builder;
    const Expression *pixel = open_items(&fixture);
    for (int first = 0; first < 6; first += 4) {
        int reg = kernel_register(builder, 4);
        const Expression *from = expression_multiply(fixture.arena, pixel, 10);
        const Expression *to = expression_multiply(fixture.arena, pixel, 6);
        kernel_load(
            builder, reg, fixture.input, expression_offset(fixture.arena, from, first), 0, 4);
        kernel_store(builder, reg, fixture.output, expression_offset(fixture.arena, to, first), 0,
            first == 0 ? 4 : 2);
    }
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_read(counts, fixture.input), 30);
    assert_int_equal(floats_written(counts, fixture.output), 30);
    assert_int_equal(floats_moved(counts, fixture.output), 30);
    assert_int_equal(counts->loaded_bytes, 5 * 8 * 4);
    assert_int_equal(counts->stored_bytes, 5 * 6 * 4);
    assert_true(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* A channel that is computed beside seven that are copied, and arithmetic that nobody looks at or
 * that changes nothing: none of it hides the copy. */
static void copy_shows_beside_arithmetic(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(3);
    KernelBuilder *builder = &fixture.builder;
    const Expression *at = expression_multiply(fixture.arena, open_items(&fixture), 8);
    int value = kernel_register(builder, 8), one = kernel_register(builder, 8);
    int zero = kernel_register(builder, 8), same = kernel_register(builder, 8);
    int positive = kernel_register(builder, 8);
    kernel_load(builder, value, fixture.input, at, 0, 8);
    kernel_splat(builder, one, 1);
    kernel_splat(builder, zero, 0);
    kernel_multiply_add(builder, same, value, one, zero);
    kernel_binary(builder, INSTRUCTION_add, same, zero, same);
    kernel_binary(builder, INSTRUCTION_maximum, positive, value, zero);
    kernel_store(builder, same, fixture.output, at, 0, 7);
    kernel_store(builder, positive, fixture.output, expression_offset(fixture.arena, at, 7), 7, 1);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_written(counts, fixture.output), 24);
    assert_int_equal(floats_moved(counts, fixture.output), 21);
    assert_false(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* Lanes keep their history through permutes; constants are no copies, but no arithmetic either. */
static void permutes_keep_lanes_apart(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(1);
    KernelBuilder *builder = &fixture.builder;
    const Expression *at = constant(&fixture, 0);
    int value = kernel_register(builder, 4), zero = kernel_register(builder, 4);
    int mixed = kernel_register(builder, 8);
    static const int indices[8] = {3, 4, 2, 5, 1, 6, 3, 7};
    kernel_load(builder, value, fixture.input, at, 0, 4);
    kernel_splat(builder, zero, 0);
    kernel_permute(builder, mixed, value, zero, indices);
    kernel_store(builder, mixed, fixture.output, at, 0, 8);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_read(counts, fixture.input), 3); /* lane 0 goes nowhere */
    assert_int_equal(floats_moved(counts, fixture.output), 4);
    assert_int_equal(floats_written(counts, fixture.output), 8);
    assert_true(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* A 1x1 convolution of 20 channels to 3 of 7 pixels, in a vector of 4: the loop over channels is
 * counted at once. */
static void accumulations_are_no_copies(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(7);
    KernelBuilder *builder = &fixture.builder;
    const Expression *pixel = open_items(&fixture);
    int sum = kernel_register(builder, 4), value = kernel_register(builder, 4);
    int weight = kernel_register(builder, 4);
    kernel_load(builder, sum, fixture.weights, constant(&fixture, 60), 0, 4);
    const Expression *channel = kernel_open_range(builder, "channel", 0, 20, 1);
    kernel_load(
        builder, weight, fixture.weights, expression_multiply(fixture.arena, channel, 3), 0, 4);
    kernel_broadcast(builder, value, fixture.input,
        expression_add(fixture.arena, expression_multiply(fixture.arena, pixel, 20), channel));
    kernel_multiply_add(builder, sum, value, weight, sum);
    kernel_close(builder);
    kernel_store(builder, sum, fixture.output, expression_multiply(fixture.arena, pixel, 3), 0, 3);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_read(counts, fixture.input), 140);
    assert_int_equal(floats_read(counts, fixture.weights), 63);
    assert_int_equal(floats_written(counts, fixture.output), 21);
    assert_int_equal(floats_moved(counts, fixture.output), 0);
    assert_int_equal(counts->loads, 7 * (1 + 2 * 20));
    assert_int_equal(counts->multiply_adds_issued, 7 * 20 * 4);
    assert_int_equal(counts->multiply_adds_useful, 7 * 20 * 3);
    assert_false(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* What a register holds after a loop depends on how often it ran: the first iteration moves, the
 * second one adds. */
static void loops_change_what_is_known(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(1);
    KernelBuilder *builder = &fixture.builder;
    int previous = kernel_register(builder, 1), value = kernel_register(builder, 1);
    kernel_splat(builder, previous, 0);
    const Expression *i = kernel_open_range(builder, "i", 0, 50, 1);
    kernel_load(builder, value, fixture.input, i, 0, 1);
    kernel_binary(builder, INSTRUCTION_add, previous, previous, value);
    kernel_store(builder, previous, fixture.output, i, 0, 1);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_read(counts, fixture.input), 50);
    assert_int_equal(floats_written(counts, fixture.output), 50);
    assert_int_equal(floats_moved(counts, fixture.output), 1);
    arena_destroy(fixture.arena);
}

/* What one row knows of its loop over columns does not hold for a row with fewer inner iterations:
 * in row 0 a number is added to before the next column stores it, in row 1 it is not. */
static void inner_loops_change_what_is_known(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(3);
    KernelBuilder *builder = &fixture.builder;
    int value = kernel_register(builder, 1), kept = kernel_register(builder, 1);
    kernel_load(builder, kept, fixture.weights, constant(&fixture, 0), 0, 1);
    kernel_load(builder, value, fixture.input, constant(&fixture, 0), 0, 1);
    kernel_binary(builder, INSTRUCTION_add, kept, kept, kept);
    const Expression *row = open_items(&fixture);
    const Expression *column = kernel_open_range(builder, "column", 0, 10, 1);
    const Expression *at =
        expression_add(fixture.arena, expression_multiply(fixture.arena, row, 10), column);
    kernel_store(builder, kept, fixture.output, at, 0, 1);
    kernel_load(builder, value, fixture.input, at, 0, 1);
    kernel_unary(builder, INSTRUCTION_move, kept, value);
    kernel_open_for(builder, "again", row, constant(&fixture, 1), 1);
    kernel_binary(builder, INSTRUCTION_add, kept, kept, value);
    kernel_close(builder);
    kernel_close(builder);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_written(counts, fixture.output), 30);
    assert_int_equal(floats_moved(counts, fixture.output), 9 + 10); /* of rows 1 and 2 */
    assert_false(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* Strides wider than the vector leave holes; addresses that are not linear are followed one by one;
 * a branch that is not taken does nothing. */
static void addresses_are_followed(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(1);
    KernelBuilder *builder = &fixture.builder;
    int reg = kernel_register(builder, 4);
    const Expression *i = kernel_open_range(builder, "i", 0, 90, 3);
    kernel_load(builder, reg, fixture.input, expression_multiply(fixture.arena, i, 5), 1, 3);
    kernel_store(builder, reg, fixture.output, expression_multiply(fixture.arena, i, 1), 1, 3);
    kernel_close(builder);
    const Expression *j = kernel_open_range(builder, "j", 0, 40, 1);
    kernel_load(builder, reg, fixture.weights, expression_remainder(fixture.arena, j, 8), 0, 1);
    kernel_store(builder, reg, fixture.output,
        expression_offset(fixture.arena, expression_divide(fixture.arena, j, 4), 1000), 0, 1);
    kernel_open_if_less(builder, constant(&fixture, 39), j);
    kernel_store(builder, reg, fixture.output, constant(&fixture, 5000), 0, 4);
    kernel_close(builder);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(floats_read(counts, fixture.input), 90);
    assert_int_equal(floats_read(counts, fixture.weights), 8);
    assert_int_equal(floats_written(counts, fixture.output), 90 + 10);
    assert_int_equal(counts->stores, 30 + 40);
    arena_destroy(fixture.arena);
}

/* A row that goes to the kernel's own buffer and from there to the output is moved twice. */
static void locals_count_every_time(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(6);
    KernelBuilder *builder = &fixture.builder;
    int local = kernel_local(builder, 8), reg = kernel_register(builder, 8);
    const Expression *at = expression_multiply(fixture.arena, open_items(&fixture), 8);
    kernel_load(builder, reg, fixture.input, at, 0, 8);
    kernel_store(builder, reg, local, constant(&fixture, 0), 0, 8);
    kernel_load(builder, reg, local, constant(&fixture, 0), 0, 8);
    kernel_store(builder, reg, fixture.output, at, 0, 8);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(float_set_count(&counts->buffers[local].written), 8);
    assert_int_equal(counts->local_moved_bytes, 6 * 8 * 4);
    assert_int_equal(floats_moved(counts, fixture.output), 48);
    assert_true(counts->only_moves);
    arena_destroy(fixture.arena);
}

/* Four sums of pairs, of which a store wants two, and the second number of the third pair. */
static void pairs_count_twice(void **state) {
    (void)state;
    Fixture fixture = fixture_begin(5);
    KernelBuilder *builder = &fixture.builder;
    int halves = kernel_parameter_of(builder, PARAMETER_READ, "halves", LANE_BF16);
    int pair = kernel_register_of(builder, LANE_BF16, 8), sum = kernel_register(builder, 4);
    int pairs = kernel_register_of(builder, LANE_BF16, 8), odd = kernel_register(builder, 4);
    const Expression *item = open_items(&fixture);
    kernel_broadcast_pair(builder, pair, halves, expression_multiply(fixture.arena, item, 2));
    kernel_load(builder, pairs, halves, constant(&fixture, 100), 0, 8);
    kernel_splat(builder, sum, 0);
    kernel_pair_add(builder, sum, pair, pairs, sum);
    kernel_unary(builder, INSTRUCTION_widen_odd, odd, pairs);
    kernel_store(builder, sum, fixture.output, expression_multiply(fixture.arena, item, 3), 0, 2);
    kernel_store(builder, odd, fixture.output,
        expression_offset(fixture.arena, expression_multiply(fixture.arena, item, 3), 2), 2, 1);
    kernel_close(builder);
    const KernelCount *counts = count(&fixture);
    assert_int_equal(counts->multiply_adds_issued, 5 * 8);
    assert_int_equal(counts->multiply_adds_useful, 5 * 4);
    assert_int_equal(float_set_count(&counts->buffers[halves].read), 5 * 2 + 4 + 1);
    assert_int_equal(floats_written(counts, fixture.output), 15);
    assert_false(counts->only_moves);
    arena_destroy(fixture.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_grow_both_ways),
        cmocka_unit_test(copy_reads_no_slack),
        cmocka_unit_test(copy_shows_beside_arithmetic),
        cmocka_unit_test(permutes_keep_lanes_apart),
        cmocka_unit_test(accumulations_are_no_copies),
        cmocka_unit_test(loops_change_what_is_known),
        cmocka_unit_test(inner_loops_change_what_is_known),
        cmocka_unit_test(addresses_are_followed),
        cmocka_unit_test(locals_count_every_time),
        cmocka_unit_test(pairs_count_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
