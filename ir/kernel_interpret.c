/* Runs kernels: the threads of a block from barrier to barrier, one block after the other. */
#include "ir/kernel_interpret.h"
#include "ir/kernel_thread.h"
#include <string.h>

typedef struct KernelLaunch {
    KernelMachine machine;
    KernelThread *threads;
    int thread_count;
} KernelLaunch;

/* ---- memory ---- */

static int block_depth(const Block *block) {
    int most = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        int depth = block_depth(&statement->body);
        most = depth > most ? depth : most;
    }
    return most + 1;
}

/* Returns how many lanes there are. */
static int place_registers(const Kernel *kernel, int *first_lanes) {
    int lanes = 0;
    for (int i = 0; i < kernel->register_count; i++) {
        first_lanes[i] = lanes;
        lanes += kernel->register_lanes[i];
    }
    return lanes;
}

static void make_locals(KernelMachine *machine, Arena *arena) {
    const Kernel *kernel = machine->kernel;
    for (int i = 0; i < kernel->local_count; i++) {
        int64_t count = kernel->local_floats[i], bytes = count * (int64_t)sizeof(float);
        KernelBuffer *local = &machine->buffers[MAX_KERNEL_PARAMETERS + i];
        *local = (KernelBuffer){.readable = bytes, .writable = bytes};
        machine->arithmetic->make_local(local, kernel->local_elements[i], arena);
        if (kernel->threads > 0)
            local->words = ARENA_ARRAY(arena, KernelWord, count);
    }
}

static void make_threads(KernelLaunch *launch, Arena *arena) {
    const Kernel *kernel = launch->machine.kernel;
    launch->machine.first_lanes = ARENA_ARRAY(arena, int, kernel->register_count + 1);
    int lanes = place_registers(kernel, launch->machine.first_lanes);
    int depth = block_depth(&kernel->body);
    launch->thread_count = kernel->threads > 0 ? kernel->threads : 1;
    launch->threads = ARENA_ARRAY(arena, KernelThread, launch->thread_count);
    for (int i = 0; i < launch->thread_count; i++)
        launch->threads[i] = (KernelThread){.index = i,
            .variables = ARENA_ARRAY(arena, int64_t, kernel->variable_count),
            .registers = {launch->machine.first_lanes,
                arena_allocate(
                    arena, (size_t)(lanes + 1) * launch->machine.arithmetic->lane_bytes)},
            .has_value = ARENA_ARRAY(arena, bool, kernel->register_count + 1),
            .frames = ARENA_ARRAY(arena, KernelFrame, depth)};
}

/* ---- until each thread waits or has ended ---- */

static bool run_in_turns(KernelLaunch *launch) {
    for (bool some = true; some;) {
        some = false;
        for (int i = 0; i < launch->thread_count; i++) {
            KernelThread *thread = &launch->threads[i];
            if (thread->state == THREAD_RUNS && !kernel_thread_step(&launch->machine, thread))
                return false;
            some = some || thread->state == THREAD_RUNS;
        }
    }
    return true;
}

static bool run_one_by_one(KernelLaunch *launch, bool backward) {
    for (int i = 0; i < launch->thread_count; i++) {
        KernelThread *thread = &launch->threads[backward ? launch->thread_count - 1 - i : i];
        while (thread->state == THREAD_RUNS)
            if (!kernel_thread_step(&launch->machine, thread))
                return false;
    }
    return true;
}

static bool run_interval(KernelLaunch *launch) {
    KernelOrder order = launch->machine.run->order;
    launch->machine.run->intervals++;
    return order == KERNEL_IN_TURNS ? run_in_turns(launch)
                                    : run_one_by_one(launch, order == KERNEL_BACKWARD);
}

/* ---- barriers ---- */

/* All threads wait at the same barrier, or all have ended. */
static bool meet(KernelLaunch *launch) {
    KernelMachine *machine = &launch->machine;
    const KernelThread *waiting = &launch->threads[0];
    int waiting_count = 0;
    for (int i = 0; i < launch->thread_count; i++)
        if (launch->threads[i].state == THREAD_WAITS) {
            waiting = &launch->threads[i];
            waiting_count++;
        }
    if (waiting_count == 0)
        return true;
    for (int i = 0; i < launch->thread_count; i++) {
        const KernelThread *thread = &launch->threads[i];
        if (thread->state == THREAD_ENDED || thread->barrier != waiting->barrier)
            return kernel_machine_fail(machine, waiting, waiting->barrier,
                arena_format(machine->arena, "thread %d %s", thread->index,
                    thread->state == THREAD_ENDED ? "ends and never gets here"
                                                  : "waits at another barrier"));
    }
    return true;
}

static bool launch_block(KernelLaunch *launch, int64_t begin, int64_t end) {
    KernelRun *run = launch->machine.run;
    run->blocks++;
    if (run->steps_left-- <= 0)
        return kernel_machine_fail(&launch->machine, NULL, NULL, "more steps than allowed");
    for (int i = 0; i < launch->machine.kernel->local_count; i++)
        launch->machine.arithmetic->forget_local(
            &launch->machine.buffers[MAX_KERNEL_PARAMETERS + i]);
    for (int i = 0; i < launch->thread_count; i++)
        kernel_thread_begin(&launch->machine, &launch->threads[i], begin, end);
    do {
        for (int i = 0; i < launch->thread_count; i++)
            if (launch->threads[i].state == THREAD_WAITS)
                launch->threads[i].state = THREAD_RUNS;
        if (!run_interval(launch) || !meet(launch))
            return false;
    } while (launch->threads[0].state != THREAD_ENDED);
    return true;
}

bool kernel_interpret(const Kernel *kernel, const KernelBuffer *buffers, int64_t begin, int64_t end,
    KernelRun *run, Arena *arena) {
    KernelLaunch launch = {
        .machine = {.kernel = kernel,
            .arithmetic = run->pairs ? &kernel_arithmetic_of_pairs : &kernel_arithmetic_of_bits,
            .run = run,
            .arena = arena}};
    Arena *memory = arena_create();
    run->fault = NULL;
    if (kernel->parameter_count > 0)
        memcpy(launch.machine.buffers, buffers, (size_t)kernel->parameter_count * sizeof *buffers);
    make_locals(&launch.machine, memory);
    make_threads(&launch, memory);
    bool good = true;
    if (kernel->threads == 0)
        good = launch_block(&launch, begin, end);
    for (int64_t item = begin; kernel->threads > 0 && item < end && good; item++)
        good = launch_block(&launch, item, item + 1);
    arena_destroy(memory);
    return good;
}
