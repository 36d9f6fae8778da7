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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_fold),
        cmocka_unit_test(loops_that_run_once_vanish),
        cmocka_unit_test(kernels_print),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
