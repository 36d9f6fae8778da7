/* The interpreter of kernels: what it refuses, to the letter, and instructions whose answers can be
 * told by hand. */
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "tests/unit/ir_cmocka.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Fixture {
    Arena *arena;
    const Kernel *kernel;
    KernelBuffer buffers[5];
    unsigned char bytes[5][256];
} Fixture;

/* Of a text; each parameter is a buffer of 64 bytes. */
static void begin(Fixture *fixture, const char *text) {
    *fixture = (Fixture){.arena = arena_create()};
    SourceFile file = {"k.rkir", text, strlen(text)};
    Diagnostics *diagnostics = diagnostics_create();
    KernelFile *kernels = kernels_parse(&file, fixture->arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    assert_non_null(kernels);
    assert_int_equal(kernels->count, 1);
    fixture->kernel = kernels->kernels[0];
    for (int i = 0; i < 5; i++)
        fixture->buffers[i] = (KernelBuffer){fixture->bytes[i], 0, 64, 64, NULL, NULL};
}

static const char *run(Fixture *fixture, int64_t steps) {
    KernelRun result = {.steps_left = steps};
    bool good = kernel_interpret(
        fixture->kernel, fixture->buffers, 0, fixture->kernel->extent, &result, fixture->arena);
    assert_int_equal(good, result.fault == NULL);
    return result.fault;
}

/* Of what the reader refuses. */
static void expect_refusal(const char *text, const char *message) {
    Arena *arena = arena_create();
    SourceFile file = {"k.rkir", text, strlen(text)};
    Diagnostics *diagnostics = diagnostics_create();
    assert_null(kernels_parse(&file, arena, diagnostics));
    char *said = diagnostics_text(diagnostics);
    assert_non_null(strstr(said, message));
    free(said);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void expect_fault(const char *text, const char *fault) {
    Fixture fixture;
    begin(&fixture, text);
    assert_string_equal(run(&fixture, 100), fault);
    arena_destroy(fixture.arena);
}

static void refuses_accesses_outside(void **state) {
    (void)state;
    expect_fault("kernel k(read a) items 3 { for row2 = begin0 .. end1 {\n"
                 "v0.4 = load a[(row2*7)] lanes 0..3 } }",
        "v0.4 = load a[(row2*7)] lanes 0..3: element 14 is outside: the buffer has 64 bytes, and "
        "begins at 0");
    expect_fault("kernel k(write u8 a) items 1 { v0.4u8 = splat 1.0\n"
                 "store a[-1], v0.4u8 lanes 1..1 }",
        "store a[-1], v0.4u8 lanes 1..1: element -1 is outside: the buffer has 64 bytes, and "
        "begins at 0");
    expect_fault("kernel k(read a) items 1 { local0 = 4 floats\n"
                 "v0.4 = load local0[1] lanes 0..3 }",
        "v0.4 = load local0[1] lanes 0..3: element 1 is outside: the buffer has 16 bytes, and "
        "begins at 0");
    expect_fault("kernel k(read a) items 1 { v0.1 = broadcast a[(9223372036854775807*2)] }",
        "v0.1 = broadcast a[(9223372036854775807*2)]: an integer overflows");
    expect_fault(
        "kernel k(table t) items 1 { let x2 = t[16] }", "let x2: an element outside of its table");
}

static void refuses_endless_and_senseless_runs(void **state) {
    (void)state;
    expect_fault("kernel k(read a) items 1 { for i2 = 0 .. 99999999 { } }",
        "for i2: more steps than allowed");
    expect_fault("kernel k(read a) items 1 { if (1 % begin0) < 1 { } }",
        "if: a division of what is negative, or by what is not positive");
    expect_fault("kernel k(write a) items 1 { store a[0], v0.1 lanes 0..0 }",
        "store a[0], v0.1 lanes 0..0: a register that has no value yet");
}

/* Integers hold no fractions, and nothing beyond their range. */
static void refuses_constants_of_other_types(void **state) {
    (void)state;
    static const char *const refused[] = {"v0.4u8 = splat 3922.34", "v0.4u8 = splat 256.0",
        "v0.4u8 = splat -1.0", "v0.4s16 = splat 32768.0", "v0.4s32 = splat 0.5",
        "v0.4s32 = splat 2147483648.0"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "kernel k(read a) items 1 { %s }", refused[i]);
        expect_refusal(text, "the lanes of the register cannot hold the constant");
    }
    Fixture fixture;
    begin(&fixture, "kernel k(read a) items 1 { v0.4u8 = splat 255.0\nv1.4s16 = splat -32768.0\n"
                    "v2.4s32 = splat -2147483648.0 }");
    assert_null(run(&fixture, 100));
    arena_destroy(fixture.arena);
}

/* Prefetches may be of anywhere. */
static void takes_hints(void **state) {
    (void)state;
    Fixture fixture;
    begin(&fixture, "kernel k(read a) items 1 { prefetch a[1000000] }");
    assert_null(run(&fixture, 100));
    arena_destroy(fixture.arena);
}

static void computes_bytes(void **state) {
    (void)state;
    Fixture fixture;
    begin(&fixture, "kernel k(read u8 a, weights u8 b, read c, write d, weights s16 e) items 1 {\n"
                    "v0.4u8 = load a[0] lanes 0..3\n"
                    "v1.4u8 = load b[0] lanes 0..3\n"
                    "v2.1s32 = splat 7.0\n"
                    "v3.1s32 = dot_add v0, v1, v2\n"
                    "v4.1 = to_float v3\n"
                    "store d[0], v4.1 lanes 0..0\n"
                    "v5.4 = load c[0] lanes 0..3\n"
                    "v6.4s32 = to_integer v5\n"
                    "v7.4u8 = narrow v6\n"
                    "v8.4s32 = widen v7\n"
                    "v9.4 = to_float v8\n"
                    "store d[1], v9.4 lanes 0..3\n"
                    "v10.8s16 = pack v6, v6\n"
                    "v11.16u8 = pack v10, v10\n"
                    "v16.4u8 = flip v0\n"
                    "v2.1s32 = splat 7.0\n"
                    "v2.1s32 = signed_dot_add v16, v1, v2\n"
                    "v4.1 = to_float v2\n"
                    "store d[6], v4.1 lanes 0..0\n"
                    "v2.1s32 = splat 7.0\n"
                    "v2.1s32 = half_dot_add v16, v1, v2\n"
                    "v17.4s16 = widen v0\n"
                    "v18.4s32 = splat -1.0\n"
                    "v18.4s32 = multiply_add v17, v17, v18\n"
                    "v19.4 = to_float v18\n"
                    "store d[7], v19.4 lanes 0..3\n"
                    "v4.1 = to_float v2\n"
                    "store d[11], v4.1 lanes 0..0\n"
                    "v13.2s16 = load e[0] lanes 0..1\n"
                    "v14.2s16 = widen_even v0\n"
                    "v15.2s16 = widen_odd v0\n"
                    "v2.1s32 = splat 7.0\n"
                    "v2.1s32 = pair_add v14, v13, v2\n"
                    "v2.1s32 = pair_add v15, v13, v2\n"
                    "v4.1 = to_float v2\n"
                    "store d[5], v4.1 lanes 0..0\n"
                    "v12.16u8 = permute v11, v11 [0 1 2 3 0 0 0 0 0 0 0 0 0 0 0 0]\n"
                    "}\n");
    memcpy(fixture.bytes[0], (unsigned char[]){255, 2, 0, 1}, 4);
    memcpy(fixture.bytes[1], (signed char[]){-128, 3, 5, -1}, 4);
    memcpy(fixture.bytes[2], (float[]){2.5f, -3.0f, 1e9f, NAN}, 16);
    memcpy(fixture.bytes[4], (int16_t[]){-32768, 300}, 4);
    assert_null(run(&fixture, 100));
    float results[12];
    memcpy(results, fixture.bytes[3], sizeof results);
    /* pairs: 255 and 0, then 2 and 1 */
    const float expected[] = {255 * -128 + 6 - 1 + 7, 2, 0, 255, 0,
        255 * -32768 + 7 + 2 * -32768 + 300, 127 * -128 + -126 * 3 + -128 * 5 + 127 + 7,
        255 * 255 - 1, 3, -1, 0, 127 * -128 + -126 * 3 + -128 * 5 + 127 + 7};
    assert_memory_equal(results, expected, sizeof expected);
    arena_destroy(fixture.arena);
}

static void computes_floats(void **state) {
    (void)state;
    Fixture fixture;
    begin(&fixture, "kernel k(read a, write b) items 1 {\n"
                    "v0.4 = load a[0] lanes 0..3\n"
                    "v1.4 = power_of_two v0\n"
                    "store b[0], v1.4 lanes 0..3\n"
                    "v2.2 = load a[4] lanes 0..1\n"
                    "v3.2 = permute v2, v2 [1 0]\n"
                    "v4.2 = minimum v2, v3\n"
                    "v5.2 = maximum_or_nan v2, v3\n"
                    "store b[4], v4.2 lanes 0..1\n"
                    "store b[6], v5.2 lanes 1..1\n"
                    "v6.4 = reduce_add v1\n"
                    "store b[7], v6.4 lanes 3..3\n"
                    "}\n");
    memcpy(fixture.bytes[0], (float[]){-127, 0, 3, 128, NAN, 5}, 24);
    assert_null(run(&fixture, 100));
    float results[8];
    memcpy(results, fixture.bytes[1], sizeof results);
    const float powers[] = {0, 1, 8, INFINITY};
    assert_memory_equal(results, powers, sizeof powers);
    assert_true(results[4] == 5 && results[5] != results[5]); /* b where one is NaN */
    assert_true(results[6] != results[6]);
    assert_true(results[7] == INFINITY);
    arena_destroy(fixture.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_accesses_outside),
        cmocka_unit_test(refuses_endless_and_senseless_runs),
        cmocka_unit_test(refuses_constants_of_other_types),
        cmocka_unit_test(takes_hints),
        cmocka_unit_test(computes_bytes),
        cmocka_unit_test(computes_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
