/* Kernel IR: expressions fold, kernels print, faults are named. */
#include "ir/kernel.h"
#include "tests/unit/ir_cmocka.h"
#include <string.h>

static void expressions_fold(void **state) {
    (void)state;
    Arena *arena = arena_create();
    KernelBuilder builder;
    kernel_begin(&builder, arena, 4);
    const Expression *i = kernel_variable(&builder, VARIABLE_BEGIN);
    int64_t constant = 0;
    assert_true(expression_is_constant(expression_multiply(arena, i, 0), &constant));
    assert_int_equal(constant, 0);
    assert_ptr_equal(expression_multiply(arena, i, 1), i);
    assert_ptr_equal(expression_offset(arena, expression_offset(arena, i, 3), -3), i);
    const Expression *sum =
        expression_add(arena, expression_constant(arena, 2), expression_offset(arena, i, 5));
    assert_int_equal(sum->kind, EXPRESSION_ADD);
    assert_ptr_equal(sum->left, i);
    assert_int_equal(sum->right->constant, 7);
    assert_true(expression_is_constant(
        expression_remainder(arena, expression_constant(arena, 17), 5), &constant));
    assert_int_equal(constant, 2);
    arena_destroy(arena);
}

static void loops_that_run_once_vanish(void **state) {
    (void)state;
    Arena *arena = arena_create();
    KernelBuilder builder;
    kernel_begin(&builder, arena, 1);
    int64_t constant = 0;
    const Expression *once = kernel_open_range(&builder, "once", 3, 4, 1);
    assert_true(expression_is_constant(once, &constant));
    assert_int_equal(constant, 3);
    kernel_close(&builder);
    assert_null(builder.kernel->body.first);
    kernel_open_range(&builder, "twice", 3, 5, 1);
    kernel_close(&builder);
    assert_int_equal(builder.kernel->body.first->kind, STATEMENT_FOR);
    arena_destroy(arena);
}

static Kernel *scale_kernel(Arena *arena) {
    KernelBuilder builder;
    kernel_begin(&builder, arena, 8);
    builder.kernel->name = "scale";
    int input = kernel_parameter(&builder, PARAMETER_READ, "input");
    int output = kernel_parameter(&builder, PARAMETER_WRITE, "output");
    const Expression *i = kernel_open_for(&builder, "i", kernel_variable(&builder, VARIABLE_BEGIN),
        kernel_variable(&builder, VARIABLE_END), 1);
    const Expression *offset = expression_offset(arena, expression_multiply(arena, i, 4), 2);
    int value = kernel_register(&builder, 4), factor = kernel_register(&builder, 4);
    kernel_splat(&builder, factor, 0.5f);
    kernel_load(&builder, value, input, offset, 0, 4);
    kernel_binary(&builder, INSTRUCTION_multiply, value, value, factor);
    kernel_store(&builder, value, output, offset, 0, 3);
    kernel_close(&builder);
    return builder.kernel;
}

static void kernels_print(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Text text = {0};
    kernel_print(scale_kernel(arena), &text);
    assert_string_equal(text.data, "kernel scale(read input, write output) items 8 {\n"
                                   "  for i2 = begin0 .. end1 {\n"
                                   "    v1.4 = splat 0.5\n"
                                   "    v0.4 = load input[((i2*4) + 2)] lanes 0..3\n"
                                   "    v0.4 = multiply v0, v1\n"
                                   "    store output[((i2*4) + 2)], v0.4 lanes 0..2\n"
                                   "  }\n"
                                   "}\n");
    text_free(&text);
    arena_destroy(arena);
}

static void faults_are_named(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Kernel *kernel = scale_kernel(arena);
    Instruction *store = &kernel->body.first->body.last->instruction;
    assert_null(kernel_fault(kernel));
    store->lane_count = 5;
    assert_non_null(strstr(kernel_fault(kernel), "lanes"));
    store->lane_count = 3;
    store->parameter = 0;
    assert_non_null(strstr(kernel_fault(kernel), "role"));
    store->parameter = 7;
    assert_non_null(strstr(kernel_fault(kernel), "parameter"));
    store->parameter = 1;
    store->sources[0] = 99;
    assert_non_null(strstr(kernel_fault(kernel), "register"));
    arena_destroy(arena);
}

/* One product of pairs, in an output of bf16. */
static Kernel *pair_kernel(Arena *arena, int lanes) {
    KernelBuilder builder;
    kernel_begin(&builder, arena, 1);
    builder.kernel->name = "pairs";
    int input = kernel_parameter_of(&builder, PARAMETER_READ, "input", LANE_BF16);
    int weights = kernel_parameter_of(&builder, PARAMETER_WEIGHTS, "weights", LANE_BF16);
    int output = kernel_parameter_of(&builder, PARAMETER_WRITE, "output", LANE_BF16);
    const Expression *start = expression_constant(arena, 0);
    int pair = kernel_register_of(&builder, LANE_BF16, 2 * lanes);
    int weight = kernel_register_of(&builder, LANE_BF16, 8);
    int sum = kernel_register(&builder, 4), even = kernel_register(&builder, 4);
    int half = kernel_register_of(&builder, LANE_BF16, 4);
    kernel_broadcast_pair(&builder, pair, input, start);
    kernel_load(&builder, weight, weights, start, 0, 8);
    kernel_unary(&builder, INSTRUCTION_widen_even, even, weight);
    kernel_unary(&builder, INSTRUCTION_move, sum, even);
    kernel_pair_add(&builder, sum, pair, weight, sum);
    kernel_unary(&builder, INSTRUCTION_narrow, half, sum);
    kernel_store(&builder, half, output, start, 0, 3);
    return builder.kernel;
}

static void pairs_of_bf16(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Text text = {0};
    Kernel *kernel = pair_kernel(arena, 4);
    assert_null(kernel_fault(kernel));
    kernel_print(kernel, &text);
    assert_string_equal(text.data,
        "kernel pairs(read bf16 input, weights bf16 weights, write bf16 output) items 1 {\n"
        "  v0.8bf16 = broadcast_pair input[0]\n"
        "  v1.8bf16 = load weights[0] lanes 0..7\n"
        "  v3.4 = widen_even v1\n"
        "  v2.4 = move v3\n"
        "  v2.4 = pair_add v0, v1, v2\n"
        "  v4.4bf16 = narrow v2\n"
        "  store output[0], v4.4bf16 lanes 0..2\n"
        "}\n");
    assert_non_null(strstr(kernel_fault(pair_kernel(arena, 2)), "another type"));
    text_free(&text);
    arena_destroy(arena);
}

/* Threads turn around what their block reads, through memory that they share. */
static Kernel *turn_kernel(Arena *arena, bool barrier_in_condition) {
    KernelBuilder builder;
    kernel_begin(&builder, arena, 3);
    builder.kernel->name = "turn";
    const Expression *thread = kernel_threads(&builder, 32);
    int input = kernel_parameter(&builder, PARAMETER_READ, "input");
    int planes = kernel_parameter(&builder, PARAMETER_TABLE, "planes");
    int output = kernel_parameter(&builder, PARAMETER_WRITE, "output");
    int shared = kernel_local(&builder, 32), value = kernel_register(&builder, 1);
    const Expression *plane = kernel_let(&builder, "plane",
        expression_element(arena, planes, kernel_variable(&builder, VARIABLE_BEGIN)));
    kernel_load(&builder, value, input, expression_add(arena, plane, thread), 0, 1);
    kernel_store(&builder, value, shared, thread, 0, 1);
    if (barrier_in_condition)
        kernel_open_if_less(&builder, thread, expression_constant(arena, 16));
    kernel_barrier(&builder);
    if (barrier_in_condition)
        kernel_close(&builder);
    kernel_load(&builder, value, shared,
        expression_offset(arena, expression_multiply(arena, thread, -1), 31), 0, 1);
    kernel_store(&builder, value, output, thread, 0, 1);
    return builder.kernel;
}

static void blocks_of_threads_print(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Text text = {0};
    kernel_print(turn_kernel(arena, false), &text);
    assert_string_equal(text.data,
        "kernel turn(read input, table planes, write output) items 3 threads 32 as thread2 {\n"
        "  shared0 = 32 floats\n"
        "  let plane3 = planes[begin0]\n"
        "  v0.1 = load input[(plane3 + thread2)] lanes 0..0\n"
        "  store shared0[thread2], v0.1 lanes 0..0\n"
        "  barrier\n"
        "  v0.1 = load shared0[((thread2*-1) + 31)] lanes 0..0\n"
        "  store output[thread2], v0.1 lanes 0..0\n"
        "}\n");
    text_free(&text);
    arena_destroy(arena);
}

static void faults_of_threads_are_named(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Kernel *kernel = turn_kernel(arena, false);
    assert_null(kernel_fault(kernel));
    kernel->threads = 0;
    assert_non_null(strstr(kernel_fault(kernel), "barrier outside"));
    kernel->threads = 32;
    kernel->parameters[1].role = PARAMETER_READ;
    assert_non_null(strstr(kernel_fault(kernel), "no table"));
    assert_non_null(strstr(kernel_fault(turn_kernel(arena, true)), "not all threads"));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_fold),
        cmocka_unit_test(loops_that_run_once_vanish),
        cmocka_unit_test(kernels_print),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(pairs_of_bf16),
        cmocka_unit_test(blocks_of_threads_print),
        cmocka_unit_test(faults_of_threads_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
