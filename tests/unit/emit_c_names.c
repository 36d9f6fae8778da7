/* C of kernels: a variable that is called like a parameter is another thing. */
#include "backends/emit/c/kernel.h"
#include "backends/target/target.h"
#include "tests/unit/ir_cmocka.h"
#include <string.h>

/* output[input] = input[input], where the index is called `input`, too. */
static Kernel *shadowing_kernel(Arena *arena) {
    KernelBuilder builder;
    kernel_begin(&builder, arena, 8);
    builder.kernel->name = "shadow";
    int input = kernel_parameter(&builder, PARAMETER_READ, "input");
    int output = kernel_parameter(&builder, PARAMETER_WRITE, "output");
    const Expression *index = kernel_open_for(&builder, "input",
        kernel_variable(&builder, VARIABLE_BEGIN), kernel_variable(&builder, VARIABLE_END), 1);
    int value = kernel_register(&builder, 1);
    kernel_load(&builder, value, input, index, 0, 1);
    kernel_store(&builder, value, output, index, 0, 1);
    kernel_close(&builder);
    return builder.kernel;
}

static void variables_are_no_parameters(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Text text = {0};
    const Target *generic = target_class("generic");
    assert_non_null(generic);
    c_kernel_write(shadowing_kernel(arena), vectors_create(generic, arena), arena, &text);
    assert_non_null(strstr(text.data, "restrict input,"));
    assert_non_null(strstr(text.data, "input2 = begin"));
    assert_non_null(strstr(text.data, "input[input2]"));
    assert_null(strstr(text.data, "[input]"));
    text_free(&text);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(variables_are_no_parameters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
