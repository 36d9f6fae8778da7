/* The object file of the weights, against the one that LLVM writes when it sees as many. */
#include "backends/backends.h"
#include "backends/output/weights_object.h"
#include "backends/program/program.h"
#include "tests/unit/ir_cmocka.h"

#include <stdlib.h>
#include <string.h>

/* A target of each architecture and object format. */
static const char *const targets[] = {
#define TARGET(name, architecture, triple, ...) triple[0] != '\0' ? name : NULL,
#define PLATFORM(name, triple, architecture, target, level, ...) level == 0 ? name : name "24",
#include "backends/target/targets.def"
};

/* Small ones, and some from which on WebAssembly's numbers take a byte more. */
static const size_t lengths[] = {
    64, 65, 127, 128, 191, 16383, 16384, 65536, 65537, 2097151, 2097152};

/* The first byte whose bits are of the lowest powers first, without a table. */
static uint32_t remainder_of(const char *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i < 8 * length; i++) {
        uint32_t bit = (uint32_t)(bytes[i / 8] >> (i % 8)) & 1;
        sum = sum >> 1 ^ (((sum ^ bit) & 1) != 0 ? 0xedb88320u : 0);
    }
    return sum;
}

/* COFF has a checksum of the weights, which are not zeros: there and nowhere else the files may
 * differ. */
static void take_checksum(const Program *program, const Text *made, Text *expected, size_t begin) {
    const RestingBytes *weights = &program->weights;
    uint32_t sum = remainder_of(weights->data, weights->length);
    char bytes[4] = {(char)sum, (char)(sum >> 8), (char)(sum >> 16), (char)(sum >> 24)};
    size_t at = begin + weights->length;
    while (at + sizeof bytes < made->length && made->data[at] == expected->data[at])
        at++;
    assert_memory_equal(made->data + at, bytes, sizeof bytes);
    memcpy(expected->data + at, bytes, sizeof bytes);
}

static void compare(const Program *program) {
    Diagnostics *diagnostics = diagnostics_create();
    size_t length = program->weights.length;
    Text expected = {0}, made = {0};
    Splice splice;
    assert_true(llvm_emit_blank_weights(program, length, &expected, diagnostics));
    assert_true(weights_object_write(program, &made, &splice, diagnostics));
    assert_ptr_equal(splice.bytes, program->weights.data);
    assert_int_equal(splice.length, length);
    assert_int_equal(made.length + length, expected.length);
    text_splice(&made, &splice);
    memcpy(expected.data + splice.at, splice.bytes, length);
    if (program->target->format == FORMAT_COFF)
        take_checksum(program, &made, &expected, splice.at);
    assert_memory_equal(made.data, expected.data, expected.length);
    text_free(&expected);
    text_free(&made);
    diagnostics_destroy(diagnostics);
}

static void equals_llvms(void **state) {
    (void)state;
    if (!llvm_is_built_in())
        skip();
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    size_t most = lengths[sizeof lengths / sizeof *lengths - 1];
    char *bytes = malloc(most);
    for (size_t i = 0; i < most; i++)
        bytes[i] = (char)(i * i % 251 + 1);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (targets[i] == NULL)
            continue;
        const Target *target = target_find(targets[i], arena, diagnostics);
        assert_non_null(target);
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            Measured measured = {0};
            compare(&(Program){.arena = arena,
                .name = "small",
                .target = target,
                .measured = &measured,
                .weights = {.data = bytes, .length = lengths[j]}});
        }
    }
    free(bytes);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_llvms)};
    return cmocka_run_group_tests_name("weights_object", tests, NULL, NULL);
}
