/* Whether the tables of processors say what can be: each row, and rows beside those of their class.
 */
#include "backends/backends.h"
#include "backends/target/target.h"
#include "tests/unit/ir_cmocka.h"
#include "tests/unit/schedule_support.h"
#include <string.h>

static void assert_caches_in_order(int64_t l1_bytes, int64_t l2_bytes) {
    assert_in_range(l1_bytes, 16 << 10, 256 << 10);
    assert_in_range(l2_bytes, 2 * l1_bytes, 16 << 20);
    assert_int_equal(l1_bytes % 1024 + l2_bytes % 1024, 0);
}

static void classes_are_sane(void **state) {
    (void)state;
    size_t count;
    const Target *targets = target_table(&count);
    for (size_t i = 0; i < count; i++) {
        const Target *target = &targets[i];
        assert_caches_in_order(target->l1_bytes, target->l2_bytes);
        assert_true(target->lanes == 4 || target->lanes == 8 || target->lanes == 16);
        assert_true(target->registers == 8 || target->registers == 16 || target->registers == 32);
        assert_false(target->memory_broadcast && target->lane_multiply_add);
        assert_true(target->bf16 == BF16_NONE && target->gpu == NULL);
        assert_ptr_equal(target_class(target->name), target);
    }
}

/* A row stands for a class, says nothing that its class says too, and has what implies what it has:
 * pairs of bf16 came with AVX-512 and after quads of bytes; these, to processors that multiplied
 * bytes in pairs or in steps; signed quads, to ARM alone. */
static void assert_processor(const Processor *processor) {
    const Target *class = target_class(processor->class_name);
    assert_non_null(class);
    assert_null(target_class(processor->name));
    assert_int_equal(processor->l1_kib > 0, processor->l2_kib > 0);
    if (processor->l1_kib > 0) {
        int64_t l1_bytes = processor->l1_kib * 1024LL, l2_bytes = processor->l2_kib * 1024LL;
        assert_caches_in_order(l1_bytes, l2_bytes);
        assert_false(l1_bytes == class->l1_bytes && l2_bytes == class->l2_bytes);
    }
    assert_true(processor->bytes == BYTES_NONE || processor->bytes > class->bytes);
    bool arm = class->architecture == ARCHITECTURE_AARCH64;
    if (processor->bytes != BYTES_NONE)
        assert_int_equal(class->bytes, arm ? BYTES_IN_STEPS : BYTES_IN_PAIRS);
    if (processor->bytes != BYTES_NONE && !arm)
        assert_int_equal(processor->bytes, BYTES_IN_QUADS);
    if (processor->bf16 != BF16_NONE) {
        assert_int_equal(processor->bytes, BYTES_IN_QUADS);
        assert_int_equal(class->lanes, 16);
    }
}

/* Rows are of processors that code is made for, and have what divides. */
static void cores_are_sane(void **state) {
    (void)state;
    size_t count;
    int found = 0;
    const Processor *processors = processor_table(&count);
    for (size_t i = 0; i < count; i++) {
        const Core *core = core_find(processors[i].name);
        if (core == NULL)
            continue;
        found++;
        const Target *class = target_class(processors[i].class_name);
        assert_int_equal(core->vector_bytes, class->lanes * (int)sizeof(float));
        assert_true(core->multiply_adds > 0 && core->multiply_adds <= core->vectors);
        assert_true(core->vectors <= core->issue && core->loads > 0 && core->stores > 0);
        assert_true(core->integers > 0 && core->next_bytes > 0 && core->memory_gigabytes > 0);
        assert_true(core->hidden > 0 && core->hidden <= 1);
        assert_true(core->l1_kib >= 32 && core->last_kib > core->l1_kib);
        assert_true(core->in_order || core->wide_load_blocks == 0);
    }
    Arena *arena = arena_create();
    int named = 1;
    for (const char *at = core_names(arena); *at; at++)
        named += *at == ',';
    assert_int_equal(found, named);
    arena_destroy(arena);
    assert_null(core_find("cortex"));
    assert_null(core_find(""));
}

static void processors_are_sane(void **state) {
    (void)state;
    size_t count;
    const Processor *processors = processor_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_processor(&processors[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(processors[i].name, processors[j].name);
    }
}

/* What is found by name has what its row says, and the rest from its class. */
static void processors_are_found(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    size_t count;
    const Processor *processors = processor_table(&count);
    for (size_t i = 0; i < count; i++) {
        const Processor *row = &processors[i];
        const Target *class = target_class(row->class_name);
        const Target *target = target_find(row->name, fixture.arena, fixture.diagnostics);
        assert_non_null(target);
        assert_string_equal(target->name, row->name);
        assert_string_equal(target->cpu, row->name);
        assert_string_equal(target->triple, class->triple);
        assert_int_equal(target->lanes, class->lanes);
        assert_int_equal(
            target->l1_bytes, row->l1_kib > 0 ? row->l1_kib * 1024LL : class->l1_bytes);
        assert_int_equal(
            target->l2_bytes, row->l2_kib > 0 ? row->l2_kib * 1024LL : class->l2_bytes);
        assert_int_equal(target->bytes, row->bytes != BYTES_NONE ? row->bytes : class->bytes);
        assert_int_equal(target->bf16, row->bf16);
    }
    fixture_free(&fixture);
}

/* Rows that were in tables of their own: one of each kind, and one that has nothing besides its
 * class. */
static void processors_have_their_facts(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    const Target *target = target_find("sapphirerapids", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->l1_bytes, 49152);
    assert_int_equal(target->l2_bytes, 2097152);
    assert_int_equal(target->bytes, BYTES_IN_QUADS);
    assert_int_equal(target->bf16, BF16_SLOW);
    target = target_find("znver4", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->l2_bytes, 1048576);
    assert_int_equal(target->bf16, BF16_FAST);
    target = target_find("alderlake", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_IN_QUADS);
    assert_int_equal(target->bf16, BF16_NONE);
    target = target_find("skylake-avx512", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_IN_PAIRS);
    assert_int_equal(target->bf16, BF16_NONE);
    target = target_find("cortex-a76", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_IN_SIGNED_QUADS);
    assert_true(target->f16);
    target = target_find("cortex-a510", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_IN_QUADS);
    target = target_find("cortex-a72", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_IN_STEPS);
    assert_false(target->f16);
    target = target_find("cortex-a7", fixture.arena, fixture.diagnostics);
    assert_int_equal(target->bytes, BYTES_NONE);
    assert_string_equal(target_names_with_bf16(fixture.arena),
        "cooperlake, sapphirerapids, emeraldrapids, "
        "graniterapids, graniterapids-d, znver4, znver5");
    fixture_free(&fixture);
}

/* Each level of a library has what the one below it has. */
static void levels_rise(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    size_t count;
    const TargetLevels *table = target_levels_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(target_class(table[i].base));
        for (int j = 0; j < target_levels_count(&table[i]); j++) {
            const Target *lower =
                j == 0 ? target_class(table[i].base)
                       : target_levels_target(&table[i], j - 1, fixture.arena, fixture.diagnostics);
            const Target *level =
                target_levels_target(&table[i], j, fixture.arena, fixture.diagnostics);
            assert_non_null(level);
            assert_string_equal(level->triple, table[i].triple);
            assert_true(level->lanes >= lower->lanes && level->registers >= lower->registers);
            assert_true(level->bytes >= lower->bytes);
            assert_true(level->fused_multiply_add || !lower->fused_multiply_add);
            assert_true(level->masks || !lower->masks);
            assert_true(level->f16 || !lower->f16);
        }
    }
    fixture_free(&fixture);
}

/* A platform stands for a class of its architecture. */
static void platforms_are_sane(void **state) {
    (void)state;
    size_t count;
    const Platform *platforms = platform_table(&count);
    for (size_t i = 0; i < count; i++) {
        const Target *class = target_class(platforms[i].target);
        assert_non_null(class);
        assert_int_equal(class->architecture, platforms[i].architecture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_sane),
        cmocka_unit_test(processors_are_sane),
        cmocka_unit_test(cores_are_sane),
        cmocka_unit_test(processors_are_found),
        cmocka_unit_test(processors_have_their_facts),
        cmocka_unit_test(levels_rise),
        cmocka_unit_test(platforms_are_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
