/* Kernels as text: what is taken prints as text that reads back as the same, keeps the rules, and
 * can be run: each access is inside of its buffer or refused, and so is each race of threads. */
#include "backends/backends.h"
#include "frontend/frontend.h"
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "passes/passes.h"
#include "tests/fuzz/work.h"

#include <string.h>

enum {
    BUFFER_BYTES = 1 << 12,
    MOST_STEPS = 20000,
    MOST_ROOM_BYTES = 1 << 16,
    MOST_LANES_OF_THREADS = 1 << 18,
    MOST_ITEMS_ONE_BY_ONE = 32,
    MOST_RUN = 8
};

/* In memory of its own size, so that a sanitizer sees what lies outside. */
static void make_buffers(const Kernel *kernel, KernelBuffer *buffers, Arena *arena) {
    for (int i = 0; i < kernel->parameter_count; i++)
        buffers[i] = (KernelBuffer){.begin = ARENA_ARRAY(arena, unsigned char, BUFFER_BYTES),
            .readable = BUFFER_BYTES,
            .writable = BUFFER_BYTES,
            .words = ARENA_ARRAY(arena, KernelWord, BUFFER_BYTES / sizeof(uint32_t))};
}

/* Whether it has no fault. */
static bool run_items(const Kernel *kernel, const KernelBuffer *buffers, KernelRun *run,
    int64_t begin, int64_t end, Work *work) {
    bool good = kernel_interpret(kernel, buffers, begin, end, run, work->arena);
    if (good != (run->fault == NULL))
        work_fail(work, "a run of a kernel fails in silence, or has a fault and does not");
    return good;
}

/* A kernel of threads that has no fault gives the same in any order of threads and blocks. */
static void run_otherwise(
    const Kernel *kernel, const KernelBuffer *expected, KernelOrder order, Work *work) {
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS];
    KernelRun run = {.steps_left = MOST_STEPS, .order = order};
    bool good = true;
    make_buffers(kernel, buffers, work->arena);
    for (int64_t item = kernel->extent; item-- > 0 && good;)
        good = run_items(kernel, buffers, &run, item, item + 1, work);
    for (int i = 0; good && i < kernel->parameter_count; i++)
        good = memcmp(buffers[i].begin, expected[i].begin, BUFFER_BYTES) == 0;
    if (!good)
        work_fail(work, "a kernel of threads depends on their order, and no fault says so");
}

static void run_kernel(const Kernel *kernel, Work *work) {
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS];
    int64_t lanes = 0;
    for (int i = 0; i < kernel->register_count; i++)
        lanes += kernel->register_lanes[i];
    if (kernel_local_bytes(kernel) + kernel_scratch_bytes(kernel) > MOST_ROOM_BYTES ||
        lanes * kernel->threads > MOST_LANES_OF_THREADS)
        return;
    KernelRun run = {.steps_left = MOST_STEPS};
    make_buffers(kernel, buffers, work->arena);
    if (!run_items(kernel, buffers, &run, 0, kernel->extent, work) || kernel->threads == 0 ||
        kernel->extent > MOST_ITEMS_ONE_BY_ONE)
        return;
    run_otherwise(kernel, buffers, KERNEL_BACKWARD, work);
    run_otherwise(kernel, buffers, KERNEL_IN_TURNS, work);
}

bool try_rkir(const Text *text) {
    Work work = work_begin();
    SourceFile file = {"net.rkir", text->data, text->length};
    KernelFile *kernels = kernels_parse(&file, work.arena, work.diagnostics);
    bool taken = work_check(&work, kernels != NULL);
    if (taken) {
        Text first = {0}, second = {0};
        kernels_print(kernels, &first);
        SourceFile printed = {"printed.rkir", first.data != NULL ? first.data : "", first.length};
        KernelFile *again = kernels_parse(&printed, work.arena, work.diagnostics);
        if (again == NULL)
            work_fail(&work, "the text of kernels does not read back");
        kernels_print(again, &second);
        if (first.length != second.length ||
            (first.length > 0 && memcmp(first.data, second.data, first.length) != 0))
            work_fail(&work, "the text of kernels reads back as another");
        text_free(&first);
        text_free(&second);
    }
    for (int i = 0; taken && i < kernels->count && i < MOST_RUN; i++)
        run_kernel(kernels->kernels[i], &work);
    work_end(&work);
    return taken;
}

/* ---- seeds ---- */

/* Of each form of lanes and statements, in few lines. */
static const char forms[] =
    "program k for all\n\n"
    "kernel k(read input, weights u8 bytes, read bf16 halves, update output) items 4 {\n"
    "  local0 = 16 floats packed\n"
    "  local1 = 16 floats of room for u8\n"
    "  for row2 = begin0 .. end1 step 2 {\n"
    "    let at3 = min((row2*4), ((row2 / 2) % 3))\n"
    "    if at3 < max(end1, -3) {\n"
    "      v0.4 = load input[(at3 + 1)] lanes 1..3\n"
    "      v1.4 = splat 1.5\n"
    "      v0.4 = multiply_add v0, v1, v1\n"
    "      v2.4 = permute v0, v1 [0 4 1 5]\n"
    "      store output[at3], v2.4 lanes 0..2\n"
    "      store local0[at3], v2.4 lanes 0..3\n"
    "      v3.16u8 = broadcast_quad bytes[at3]\n"
    "      v4.4s32 = splat 3.0\n"
    "      v4.4s32 = dot_add v3, v3, v4\n"
    "      v5.8s16 = pack v4, v4\n"
    "      v6.16u8 = pack v5, v5\n"
    "      store local1[0], v6.16u8 lanes 0..15\n"
    "      v7.8bf16 = broadcast_pair halves[at3]\n"
    "      v1.4 = pair_add v7, v7, v1\n"
    "      v8.4 = widen_odd v7\n"
    "      prefetch input[(row2*9999)]\n"
    "    }\n"
    "  }\n"
    "}\n"
    "\n"
    "kernel g(read input, table rows, weights w, write output) items 3 threads 32 as thread2 {\n"
    "  shared0 = 64 floats\n"
    "  shared1 = 32 floats\n"
    "  let at3 = ((begin0*32) + thread2)\n"
    "  v0.1 = load input[(rows[begin0] + thread2)] lanes 0..0\n"
    "  store shared0[thread2], v0.1 lanes 0..0\n"
    "  if thread2 < 8 {\n"
    "    v1.4 = load w[(thread2*4)] lanes 0..3\n"
    "    store shared1[(thread2*4)], v1.4 lanes 0..3\n"
    "  }\n"
    "  barrier\n"
    "  for half4 = 0 .. 2 {\n"
    "    v2.1 = load shared0[((thread2 + 1) % 32)] lanes 0..0\n"
    "    v3.1 = broadcast shared1[half4]\n"
    "    v0.1 = multiply_add v2, v3, v0\n"
    "    barrier\n"
    "    store shared0[thread2], v0.1 lanes 0..0\n"
    "    barrier\n"
    "  }\n"
    "  store output[at3], v0.1 lanes 0..0\n"
    "}\n";

int rkir_seeds(Text *seeds, int most) {
    static const char *const targets[] = {"x86-64", "cuda-sm_80"};
    int count = 0;
    if (count < most)
        text_append(&seeds[count++], forms);
    for (size_t i = 0; i < sizeof targets / sizeof *targets && count < most; i++) {
        Work work = work_begin();
        Graph *graph = weighted_graph(work.arena, work.diagnostics);
        const Target *target = target_find(targets[i], work.arena, work.diagnostics);
        if (graph == NULL || target == NULL)
            work_fail(&work, "there is no seed of kernels");
        weights_randomize(graph, 1);
        if (!pipeline_run(graph, pipeline_preset(2), &(PipelineOptions){0}, work.diagnostics))
            work_fail(&work, "the seed's passes fail");
        Program *program =
            program_lower(graph, &(Compilation){.target = target}, work.arena, work.diagnostics);
        if (program == NULL)
            work_fail(&work, "the seed is not lowered");
        program_print(program, &seeds[count++]);
        program_destroy(program);
        work_end(&work);
    }
    return count;
}
