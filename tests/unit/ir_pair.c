/* Pairs of a residue and a double: arithmetic, constants, marks, and kernels that run on them. */
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "tests/unit/ir_cmocka.h"

#include <string.h>

static Pair draw(uint64_t index) {
    return (Pair){residue_draw(1, 2, index), (double)index + 0.5};
}

static void assert_same(Pair a, Pair b) {
    assert_int_equal(a.residue, b.residue);
}

static Pair fraction(int64_t numerator, int64_t denominator) {
    return pair_divide(pair_of_integer(numerator), pair_of_integer(denominator));
}

/* ---- residues ---- */

static void reduces_the_largest_numbers(void **state) {
    (void)state;
    Pair last = {PAIR_PRIME - 1, -1}; /* it is -1 */
    assert_int_equal(pair_multiply(last, last).residue, 1);
    assert_int_equal(pair_add(last, pair_of_integer(1)).residue, 0);
    assert_int_equal(pair_subtract(pair_of_integer(0), pair_of_integer(1)).residue, last.residue);
    assert_int_equal(pair_multiply_add(last, last, last).residue, 0);
    Pair many[100];
    for (int i = 0; i < 100; i++)
        many[i] = last;
    assert_int_equal(pair_dot_product(many, 1, many, 1, 100).residue, 100);
    assert_int_equal(pair_of_power(61).residue, 1);
    assert_same(pair_multiply(pair_of_power(-13), pair_of_power(13)), pair_of_integer(1));
}

static void sums_are_the_same_in_any_order(void **state) {
    (void)state;
    Pair forward = {0}, backward = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        forward = pair_add(forward, pair_multiply(draw(i), draw(i + 7)));
        backward = pair_multiply_add(draw(999 - i), draw(1006 - i), backward);
    }
    assert_same(forward, backward);
    for (uint64_t i = 0; i < 100; i++)
        assert_same(pair_multiply(pair_divide(draw(i), draw(i + 1)), draw(i + 1)), draw(i));
    Pair square = pair_multiply(draw(3), draw(3)), root = pair_square_root(square);
    assert_same(pair_multiply(root, root), square);
}

/* ---- constants ---- */

static void constants_are_fractions(void **state) {
    (void)state;
    assert_same(pair_of_constant((double)(1.0f / 9)), fraction(1, 9));
    assert_same(pair_of_constant((double)(1.0f / 50176)), fraction(1, 50176));
    assert_same(pair_of_constant((double)-0.1f), fraction(-1, 10));
    assert_same(pair_of_constant(0.75), fraction(3, 4));
    assert_same(pair_of_constant(16777216), pair_of_integer(16777216));
    assert_same(pair_of_constant(0), pair_of_integer(0));
    /* no small fraction: what it is, a whole number of 2^-24 */
    float constant = 0.7978845608f;
    assert_same(pair_of_constant((double)constant),
        pair_multiply(pair_of_integer((int64_t)ldexp((double)constant, 24)), pair_of_power(-24)));
    assert_int_not_equal(
        pair_of_constant((double)INFINITY).residue, pair_of_constant(-(double)INFINITY).residue);
}

static void constants_differ_where_floats_do(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        float a = (float)(residue_draw(5, 6, i) >> 40) * 0x1p-21f;
        float b = nextafterf(a, INFINITY);
        assert_int_not_equal(
            pair_of_constant((double)a).residue, pair_of_constant((double)b).residue);
    }
}

/* ---- choices and marks ---- */

static void marks_stay(void **state) {
    (void)state;
    Pair zero = pair_of_integer(0), unknown = pair_unknown(), sum = pair_add(unknown, draw(1));
    assert_int_equal(pair_multiply(unknown, zero).residue, PAIR_UNKNOWN);
    assert_int_equal(pair_multiply_add(zero, sum, zero).residue, PAIR_UNKNOWN);
    assert_int_equal(pair_larger(draw(1), unknown).residue & PAIR_UNKNOWN, PAIR_UNKNOWN);
    assert_int_equal(pair_divide(zero, unknown).residue, PAIR_UNKNOWN);
    assert_int_equal(pair_square_root(unknown).residue, PAIR_UNKNOWN);
    assert_true(pair_is_marked((Pair){PAIR_REST, NAN}));
}

static void chooses_by_doubles(void **state) {
    (void)state;
    Pair less = {5, 1}, more = {3, 2}, near = {4, 1 + 1e-12};
    assert_same(pair_larger(less, more), more);
    assert_same(pair_smaller(less, more), less);
    assert_int_equal(pair_is_less(less, more).residue, 1);
    assert_int_equal(pair_is_less(more, less).residue, 0);
    assert_int_equal(pair_larger(less, near).residue, PAIR_UNSURE);
    assert_int_equal(pair_is_less(less, near).residue, PAIR_UNSURE);
    assert_same(pair_larger(less, (Pair){5, 1 + 1e-12}), less); /* whichever it is */
    assert_same(pair_larger(pair_of_constant(-(double)INFINITY), less), less);
    assert_same(pair_floor((Pair){9, -1.5}), pair_of_integer(-2));
    assert_int_equal(pair_floor((Pair){9, 3 - 1e-13}).residue, PAIR_UNSURE);
}

/* ---- kernels ---- */

typedef struct Memory {
    Pair pairs[2][16];
    uint32_t writers[16];
    KernelCells cells[2];
    KernelBuffer buffers[2];
} Memory;

/* NULL or the fault. The second buffer is what items write, and was not written yet. */
static const char *run(const char *text, Memory *memory, Arena *arena) {
    SourceFile file = {"k.rkir", text, strlen(text)};
    Diagnostics *diagnostics = diagnostics_create();
    KernelFile *kernels = kernels_parse(&file, arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    assert_non_null(kernels);
    *memory =
        (Memory){.cells = {{4, memory->pairs[0], NULL}, {4, memory->pairs[1], memory->writers}}};
    for (int i = 0; i < 2; i++)
        memory->buffers[i] = (KernelBuffer){NULL, 0, 64, 64, NULL, &memory->cells[i]};
    for (uint64_t i = 0; i < 16; i++) {
        memory->pairs[0][i] = draw(i);
        memory->pairs[1][i] = pair_unknown();
    }
    KernelRun result = {.steps_left = 1000, .pairs = true};
    for (int64_t item = 0; item < kernels->kernels[0]->extent; item++)
        if (!kernel_interpret(kernels->kernels[0], memory->buffers, item, item + 1, &result, arena))
            return result.fault;
    return NULL;
}

static void kernels_compute_pairs(void **state) {
    (void)state;
    Memory memory;
    Arena *arena = arena_create();
    assert_null(run("kernel k(read a, write b) items 2 { v0.4 = load a[(begin0*4)] lanes 0..3\n"
                    "v1.4 = splat 0.25\n"
                    "v0.4 = multiply v0, v1\n"
                    "store b[(begin0*4)], v0.4 lanes 0..3 }",
        &memory, arena));
    for (uint64_t i = 0; i < 8; i++)
        assert_same(memory.pairs[1][i], pair_multiply(draw(i), fraction(1, 4)));
    assert_true(pair_is_marked(memory.pairs[1][8]));
    arena_destroy(arena);
}

static void items_share_nothing(void **state) {
    (void)state;
    Memory memory;
    Arena *arena = arena_create();
    assert_string_equal(run("kernel k(read a, write b) items 2 { v0.1 = load a[0] lanes 0..0\n"
                            "store b[0], v0.1 lanes 0..0 }",
                            &memory, arena),
        "store b[0], v0.1 lanes 0..0: byte 0 of the buffer was written by another item");
    /* each reads what the one before wrote */
    assert_null(run("kernel k(read a, update b) items 2 { v0.1 = load a[0] lanes 0..0\n"
                    "v1.1 = load b[max(0, (begin0 + -1))] lanes 0..0\n"
                    "v2.1 = splat 0.0\n"
                    "v0.1 = multiply_add v1, v2, v0\n"
                    "store b[begin0], v0.1 lanes 0..0 }",
        &memory, arena));
    assert_int_equal(memory.pairs[1][1].residue, PAIR_UNKNOWN);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduces_the_largest_numbers),
        cmocka_unit_test(sums_are_the_same_in_any_order),
        cmocka_unit_test(constants_are_fractions),
        cmocka_unit_test(constants_differ_where_floats_do),
        cmocka_unit_test(marks_stay),
        cmocka_unit_test(chooses_by_doubles),
        cmocka_unit_test(kernels_compute_pairs),
        cmocka_unit_test(items_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
