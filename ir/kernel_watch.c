#include "ir/kernel_watch.h"
#include <inttypes.h>

void kernel_run_next_phase(KernelRun *run) {
    run->blocks_before = run->blocks;
}

/* ---- at the same time: nothing puts one before the other ---- */

static bool is_of_other_block(const KernelToucher *toucher, const KernelRun *run) {
    return toucher->block > run->blocks_before &&
           (toucher->block != run->blocks || toucher->other_blocks);
}

static bool is_of_other_thread(const KernelToucher *toucher, int thread, const KernelRun *run) {
    return toucher->interval == run->intervals &&
           (toucher->thread != thread || toucher->other_threads);
}

/* NULL, or what is wrong where the run's block must come before or behind the toucher. */
static const char *conflict(const KernelToucher *toucher, const char *touched, bool shared,
    int thread, const KernelRun *run, int64_t element, Arena *arena) {
    if (toucher->block == 0)
        return NULL;
    if (!shared && is_of_other_block(toucher, run))
        return arena_format(arena,
            "element %" PRId64 " is %s by another block, which may run at the same time", element,
            touched);
    if (is_of_other_thread(toucher, thread, run))
        return arena_format(arena,
            "element %" PRId64 " is %s by thread %d, with no barrier between", element, touched,
            (int)toucher->thread);
    return NULL;
}

static void note(KernelToucher *toucher, int thread, const KernelRun *run) {
    bool other_blocks = is_of_other_block(toucher, run);
    bool other_threads = is_of_other_thread(toucher, thread, run);
    *toucher = (KernelToucher){run->blocks, run->intervals,
        other_threads ? toucher->thread : thread, other_blocks, other_threads};
}

static const char *watch(KernelWord *word, bool shared, bool write, int thread,
    const KernelRun *run, int64_t element, Arena *arena) {
    const char *fault = conflict(&word->written, "written", shared, thread, run, element, arena);
    if (fault == NULL && write)
        fault = conflict(&word->read, "read", shared, thread, run, element, arena);
    if (fault == NULL && shared && !write && word->written.block != run->blocks)
        fault =
            arena_format(arena, "element %" PRId64 " of shared memory was never written", element);
    if (fault == NULL)
        note(write ? &word->written : &word->read, thread, run);
    return fault;
}

const char *kernel_watch(KernelWord *words, int count, bool shared, bool write, int thread,
    const KernelRun *run, int64_t offset, Arena *arena) {
    const char *fault = NULL;
    for (int i = 0; i < count && fault == NULL; i++)
        fault = watch(&words[i], shared, write, thread, run, offset + i, arena);
    return fault;
}
