/* Instructions that LLVM has intrinsics for: on each ISA either the instruction that the table
 * names comes out, or the kernel is refused before any code is made. */
#include "backends/backends.h"
#include "backends/program/program.h"
#include "ir/kernel_parse.h"
#include "tests/unit/ir_cmocka.h"
#include "tests/unit/schedule_support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rounding[] = "kernel rounding(read f32 input, write s32 output) items 1 {\n"
                               "  v0.4 = load input[0] lanes 0..3\n"
                               "  v1.4s32 = to_integer v0\n"
                               "  store output[0], v1.4s32 lanes 0..3\n}\n";
static const char dots[] = "kernel dots(read u8 bytes, write s32 sums) items 1 {\n"
                           "  v0.16u8 = load bytes[0] lanes 0..15\n"
                           "  v1.4s32 = splat 0\n"
                           "  v1.4s32 = dot_add v0, v0, v1\n"
                           "  store sums[0], v1.4s32 lanes 0..3\n}\n";
static const char words[] =
    "kernel words(read u8 bytes, weights s16 weights, write s32 sums) items 1 {\n"
    "  v0.16u8 = load bytes[0] lanes 0..15\n"
    "  v1.8s16 = load weights[0] lanes 0..7\n"
    "  v2.8s16 = widen_even v0\n"
    "  v3.8s16 = widen_odd v0\n"
    "  v4.4s32 = splat 0\n"
    "  v4.4s32 = pair_add v2, v1, v4\n"
    "  v4.4s32 = pair_add v3, v1, v4\n"
    "  store sums[0], v4.4s32 lanes 0..3\n}\n";
static const char signed_dots[] = "kernel signed_dots(read u8 bytes, write s32 sums) items 1 {\n"
                                  "  v0.16u8 = load bytes[0] lanes 0..15\n"
                                  "  v2.16u8 = flip v0\n"
                                  "  v3.16u8 = permute v2, v2 [4 5 6 7 4 5 6 7 4 5 6 7 4 5 6 7]\n"
                                  "  v1.4s32 = splat 0\n"
                                  "  v1.4s32 = signed_dot_add v3, v0, v1\n"
                                  "  store sums[0], v1.4s32 lanes 0..3\n}\n";
static const char half_dots[] = "kernel half_dots(read u8 bytes, write s32 sums) items 1 {\n"
                                "  v0.16u8 = load bytes[0] lanes 0..15\n"
                                "  v1.4s32 = splat 0\n"
                                "  v1.4s32 = half_dot_add v0, v0, v1\n"
                                "  store sums[0], v1.4s32 lanes 0..3\n}\n";
static const char multiplies[] = "kernel multiplies(read u8 bytes, write s32 sums) items 1 {\n"
                                 "  v0.8u8 = load bytes[0] lanes 0..7\n"
                                 "  v1.8s16 = widen v0\n"
                                 "  v2.8s32 = splat 7\n"
                                 "  v2.8s32 = multiply_add v1, v1, v2\n"
                                 "  store sums[0], v2.8s32 lanes 0..7\n}\n";
static const char packs[] = "kernel packs(read s32 sums, write u8 output) items 1 {\n"
                            "  v0.4s32 = load sums[0] lanes 0..3\n"
                            "  v1.8s16 = pack v0, v0\n"
                            "  v2.16u8 = pack v1, v1\n"
                            "  store output[0], v2.16u8 lanes 0..15\n}\n";
static const char pairs[] = "kernel pairs(read bf16 input, write f32 output) items 1 {\n"
                            "  v0.8bf16 = load input[0] lanes 0..7\n"
                            "  v1.4 = splat 0\n"
                            "  v1.4 = pair_add v0, v0, v1\n"
                            "  store output[0], v1.4 lanes 0..3\n}\n";
static const char wide[] = "kernel wide(read f32 input, write s32 output) items 1 {\n"
                           "  v0.8 = load input[0] lanes 0..7\n"
                           "  v1.8s32 = to_integer v0\n"
                           "  store output[0], v1.8s32 lanes 0..7\n}\n";

/* The assembly of a program with one step, which calls the one kernel; what is said instead. */
static bool assemble(
    const char *text, const Target *target, Fixture *fixture, Text *out, Text *messages) {
    Arena *arena = fixture->arena;
    SourceFile file = {.name = "test.rkir", .text = text, .length = strlen(text)};
    KernelFile *kernels = kernels_parse(&file, arena, fixture->diagnostics);
    assert_non_null(kernels);
    Kernel *kernel = kernels->kernels[0];
    Buffer buffers[2] = {{.kind = BUFFER_INPUT, .bytes = 64}, {.kind = BUFFER_OUTPUT, .bytes = 64}};
    Step step = {.arguments = {{.buffer = 0}, {.buffer = 1}}};
    Measured measured = {0};
    Program program = {.arena = arena,
        .name = "test",
        .target = target,
        .kernels = &kernel,
        .kernel_count = 1,
        .steps = &step,
        .step_count = 1,
        .buffers = buffers,
        .buffer_count = 2,
        .input_count = 1,
        .output_count = 1,
        .measured = &measured};
    bool good = llvm_emit(&program, EMIT_ASSEMBLY, out, fixture->diagnostics);
    char *said = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&said, &length);
    diagnostics_print(fixture->diagnostics, stream);
    fclose(stream);
    text_append(messages, said);
    free(said);
    return good;
}

static void assert_code(const Target *target, const char *text, const char *mnemonic) {
    Fixture fixture = no_graph();
    Text out = {0}, messages = {0};
    assert_true(assemble(text, target, &fixture, &out, &messages));
    assert_non_null(strstr(out.data, mnemonic));
    text_free(&out);
    text_free(&messages);
    fixture_free(&fixture);
}

static void assert_refused(const Target *target, const char *text, const char *message) {
    Fixture fixture = no_graph();
    Text out = {0}, messages = {0};
    assert_false(assemble(text, target, &fixture, &out, &messages));
    assert_int_equal(out.length, 0);
    assert_string_equal(messages.data, message);
    text_free(&out);
    text_free(&messages);
    fixture_free(&fixture);
}

static void x86_has_code(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    const Target *pairs_of_bytes = target_class("x86-64-v3");
    const Target *quads = target_find("znver4", fixture.arena, fixture.diagnostics);
    assert_code(target_class("x86-64"), rounding, "cvtps2dq");
    assert_code(pairs_of_bytes, wide, "cvtps2dq");
    assert_code(pairs_of_bytes, words, "pmaddwd");
    assert_code(quads, dots, "vpdpbusd");
    assert_code(target_class("x86-64"), packs, "packssdw");
    assert_code(pairs_of_bytes, packs, "packuswb");
    assert_code(quads, pairs, "vdpbf16ps");
    fixture_free(&fixture);
}

static void neon_has_code(void **state) {
    (void)state;
    const Target *neon = target_class("armv8-a");
    Target quads = *neon;
    quads.bytes = BYTES_IN_QUADS;
    quads.features = "+i8mm";
    assert_code(neon, rounding, "fcvtns");
    assert_code(neon, packs, "sqxtn");
    assert_code(neon, packs, "sqxtun");
    assert_code(&quads, dots, "usdot");
    assert_code(neon, half_dots, "smlal2");
    assert_code(neon, multiplies, "smlal");
    quads.bytes = BYTES_IN_SIGNED_QUADS;
    quads.features = "+dotprod";
    assert_code(&quads, signed_dots, ".4b[1]");
}

static void what_is_missing_is_refused(void **state) {
    (void)state;
    assert_refused(target_class("armv8-a"), dots,
        "riffle: error: the LLVM backend has no code on 'armv8-a' for 'dot_add', which dots "
        "needs\n");
    assert_refused(target_class("x86-64"), dots,
        "riffle: error: the LLVM backend has no code on 'x86-64' for 'dot_add', which dots "
        "needs\n");
    assert_refused(target_class("x86-64-v3"), dots,
        "riffle: error: the LLVM backend has no code on 'x86-64-v3' for 'dot_add', which dots "
        "needs\n");
    assert_refused(target_class("x86-64-v4"), signed_dots,
        "riffle: error: the LLVM backend has no code on 'x86-64-v4' for 'signed_dot_add', which "
        "signed_dots needs\n");
    assert_refused(target_class("x86-64-v3"), half_dots,
        "riffle: error: the LLVM backend has no code on 'x86-64-v3' for 'half_dot_add', which "
        "half_dots needs\n");
    assert_refused(target_class("x86-64-v3"), multiplies,
        "riffle: error: the LLVM backend has no code on 'x86-64-v3' for 'multiply_add', which "
        "multiplies needs\n");
    assert_refused(target_class("armv8-a"), words,
        "riffle: error: the LLVM backend has no code on 'armv8-a' for 'pair_add', which words "
        "needs\n");
    assert_refused(target_class("x86-64-v4"), pairs,
        "riffle: error: the LLVM backend has no code on 'x86-64-v4' for 'pair_add', which pairs "
        "needs\n");
    assert_refused(target_class("armv7-a"), packs,
        "riffle: error: the LLVM backend has no code on 'armv7-a' for 'pack', which packs needs\n");
    assert_refused(target_class("wasm32-simd128"), rounding,
        "riffle: error: the LLVM backend has no code on 'wasm32-simd128' for 'to_integer', which "
        "rounding needs\n");
    assert_refused(target_class("x86-64-v2"), wide,
        "riffle: error: the LLVM backend has no code on 'x86-64-v2' for 'to_integer', which wide "
        "needs\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_has_code),
        cmocka_unit_test(neon_has_code),
        cmocka_unit_test(what_is_missing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
