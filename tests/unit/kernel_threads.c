/* The interpreter of kernels with kernels of threads: what threads may not do to each other, to the
 * letter and in each order; and that what they may do has one answer. */
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "tests/unit/ir_cmocka.h"

#include <string.h>

enum { NUMBERS = 16 };

typedef struct Fixture {
    Arena *arena;
    Kernel *kernel;
    KernelBuffer buffers[2];
    float numbers[2][NUMBERS];
    KernelWord words[2][NUMBERS];
    KernelRun run;
} Fixture;

/* Two buffers of 16 numbers; the first holds 0 to 15. */
static void begin(Fixture *fixture, const char *text, KernelOrder order) {
    *fixture = (Fixture){.arena = arena_create(), .run = {.steps_left = 10000, .order = order}};
    SourceFile file = {"k.rkir", text, strlen(text)};
    Diagnostics *diagnostics = diagnostics_create();
    KernelFile *kernels = kernels_parse(&file, fixture->arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    assert_non_null(kernels);
    fixture->kernel = kernels->kernels[0];
    for (int i = 0; i < NUMBERS; i++)
        fixture->numbers[0][i] = (float)i;
    for (int i = 0; i < 2; i++)
        fixture->buffers[i] = (KernelBuffer){(unsigned char *)fixture->numbers[i], 0,
            sizeof fixture->numbers[i], sizeof fixture->numbers[i], fixture->words[i], NULL};
}

static const char *run_items(Fixture *fixture, int64_t first, int64_t end) {
    bool good = kernel_interpret(
        fixture->kernel, fixture->buffers, first, end, &fixture->run, fixture->arena);
    assert_int_equal(good, fixture->run.fault == NULL);
    return fixture->run.fault;
}

static const char *run(Fixture *fixture) {
    return run_items(fixture, 0, fixture->kernel->extent);
}

static void expect_in(KernelOrder order, const char *text, const char *fault) {
    Fixture fixture;
    begin(&fixture, text, order);
    assert_string_equal(run(&fixture), fault);
    arena_destroy(fixture.arena);
}

/* Each thread takes its neighbour's number; `between` stands where the barrier must be. */
#define ROTATION(between)                                                                          \
    "kernel k(read a, write b) items 2 threads 8 as thread2 {\n"                                   \
    "shared0 = 8 floats\n"                                                                         \
    "let at3 = ((begin0*8) + thread2)\n"                                                           \
    "v0.1 = load a[at3] lanes 0..0\n"                                                              \
    "store shared0[thread2], v0.1 lanes 0..0\n" between                                            \
    "v1.1 = load shared0[((thread2 + 1) % 8)] lanes 0..0\n"                                        \
    "store b[at3], v1.1 lanes 0..0 }"

static void gives_one_answer_in_each_order(void **state) {
    (void)state;
    for (int order = 0; order < KERNEL_ORDER_COUNT; order++) {
        Fixture fixture;
        begin(&fixture, ROTATION("barrier\n"), (KernelOrder)order);
        assert_null(run(&fixture));
        for (int i = 0; i < NUMBERS; i++)
            assert_true(fixture.numbers[1][i] == (float)(i / 8 * 8 + (i + 1) % 8));
        arena_destroy(fixture.arena);
    }
}

static void finds_a_missing_barrier(void **state) {
    (void)state;
    expect_in(KERNEL_FORWARD, ROTATION(""),
        "v1.1 = load shared0[((thread2 + 1) % 8)] lanes 0..0: element 1 of shared memory was never "
        "written (thread 0 of item 0)");
    expect_in(KERNEL_BACKWARD, ROTATION(""),
        "v1.1 = load shared0[((thread2 + 1) % 8)] lanes 0..0: element 0 of shared memory was never "
        "written (thread 7 of item 0)");
    expect_in(KERNEL_IN_TURNS, ROTATION(""),
        "v1.1 = load shared0[((thread2 + 1) % 8)] lanes 0..0: element 1 is written by thread 1, "
        "with no barrier between (thread 0 of item 0)");
}

/* The barrier that is missing is the one before the second store. */
static void finds_a_number_written_too_early(void **state) {
    (void)state;
    const char *text = "kernel k(read a) items 1 threads 2 as thread2 {\n"
                       "shared0 = 2 floats\n"
                       "v0.1 = splat 1.0\n"
                       "store shared0[thread2], v0.1 lanes 0..0\n"
                       "barrier\n"
                       "v1.1 = load shared0[(1 + (thread2*-1))] lanes 0..0\n"
                       "store shared0[thread2], v1.1 lanes 0..0 }";
    expect_in(KERNEL_FORWARD, text,
        "v1.1 = load shared0[(1 + (thread2*-1))] lanes 0..0: element 0 is written by thread 0, "
        "with no barrier between (thread 1 of item 0)");
    expect_in(KERNEL_IN_TURNS, text,
        "store shared0[thread2], v1.1 lanes 0..0: element 0 is read by thread 1, with no barrier "
        "between (thread 0 of item 0)");
}

static void finds_two_writers(void **state) {
    (void)state;
    expect_in(KERNEL_FORWARD,
        "kernel k(write a) items 1 threads 4 as thread2 { v0.1 = splat 1.0\n"
        "store a[(thread2 / 2)], v0.1 lanes 0..0 }",
        "store a[(thread2 / 2)], v0.1 lanes 0..0: element 0 is written by thread 0, with no "
        "barrier between (thread 1 of item 0)");
    expect_in(KERNEL_BACKWARD,
        "kernel k(write a) items 4 threads 1 as thread2 { v0.1 = splat 1.0\n"
        "store a[(begin0 / 2)], v0.1 lanes 0..0 }",
        "store a[(begin0 / 2)], v0.1 lanes 0..0: element 0 is written by another block, which may "
        "run at the same time (thread 0 of item 1)");
}

/* What several have read, one may not write: neither another block, nor another thread. */
static void finds_readers(void **state) {
    (void)state;
    expect_in(KERNEL_FORWARD,
        "kernel k(update a) items 3 threads 1 as thread2 { v0.1 = load a[7] lanes 0..0\n"
        "if 1 < begin0 { store a[7], v0.1 lanes 0..0 } }",
        "store a[7], v0.1 lanes 0..0: element 7 is read by another block, which may run at the "
        "same time (thread 0 of item 2)");
    expect_in(KERNEL_FORWARD,
        "kernel k(update a) items 1 threads 3 as thread2 { v0.1 = load a[7] lanes 0..0\n"
        "if 1 < thread2 { store a[7], v0.1 lanes 0..0 } }",
        "store a[7], v0.1 lanes 0..0: element 7 is read by thread 0, with no barrier between "
        "(thread 2 of item 0)");
}

/* Blocks of one phase may run at the same time; those of the next come behind them. */
static void knows_phases(void **state) {
    (void)state;
    Fixture fixture;
    begin(&fixture,
        "kernel k(update a) items 2 threads 1 as thread2 { v0.1 = splat 1.0\n"
        "store a[0], v0.1 lanes 0..0 }",
        KERNEL_FORWARD);
    assert_null(run_items(&fixture, 1, 2));
    kernel_run_next_phase(&fixture.run);
    assert_null(run_items(&fixture, 0, 1));
    assert_non_null(run_items(&fixture, 1, 2));
    arena_destroy(fixture.arena);
}

static void refuses_what_it_cannot_do(void **state) {
    (void)state;
    expect_in(KERNEL_FORWARD, "kernel k(read a) items 1000000 threads 2 as thread2 { }",
        "more steps than allowed");
    expect_in(KERNEL_FORWARD,
        "kernel k(read a) items 1 threads 2 as thread2 { v0.4 = load a[(thread2*2)] lanes 0..3 }",
        "v0.4 = load a[(thread2*2)] lanes 0..3: element 2 is not aligned to 4 of them (thread 1 of "
        "item 0)");
    expect_in(KERNEL_FORWARD,
        "kernel k(read a) items 1 threads 2 as thread2 { let x3 = ((thread2*1073741824)*2) }",
        "let x3: an integer overflows (thread 1 of item 0)");
    expect_in(KERNEL_FORWARD,
        "kernel k(read a) items 1 threads 2 as thread2 { v0.1 = load a[(thread2*16)] lanes 0..0 }",
        "v0.1 = load a[(thread2*16)] lanes 0..0: element 16 is outside: the buffer has 64 bytes, "
        "and begins at 0 (thread 1 of item 0)");
}

/* kernel_fault refuses such kernels before they are run. Here one is broken behind its back. */
static void finds_a_barrier_that_not_all_reach(void **state) {
    (void)state;
    Fixture fixture;
    begin(&fixture,
        "kernel k(read a) items 1 threads 4 as thread2 { if begin0 < 1 { barrier }\n"
        "let x3 = thread2\n"
        "barrier }",
        KERNEL_FORWARD);
    assert_null(kernel_fault(fixture.kernel));
    Statement *branch = fixture.kernel->body.first;
    branch->begin = branch->next->begin; /* thread2 < 1 */
    assert_string_equal(kernel_fault(fixture.kernel), "a barrier that not all threads reach");
    assert_string_equal(
        run(&fixture), "barrier: thread 0 waits at another barrier (thread 3 of item 0)");
    branch->next->next = NULL; /* without the second */
    assert_string_equal(
        run(&fixture), "barrier: thread 1 ends and never gets here (thread 0 of item 0)");
    arena_destroy(fixture.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_one_answer_in_each_order),
        cmocka_unit_test(finds_a_missing_barrier),
        cmocka_unit_test(finds_a_number_written_too_early),
        cmocka_unit_test(finds_two_writers),
        cmocka_unit_test(finds_readers),
        cmocka_unit_test(knows_phases),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(finds_a_barrier_that_not_all_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
