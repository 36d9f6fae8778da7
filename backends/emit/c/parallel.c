/* NAME_run_parallel: see backends/program/parallel.h, whose terms these are. */
#include "backends/program/parallel.h"
#include "backends/emit/c/source.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/summary.h"
#include "ir/text.h"

static const char counters[] =
    "\n/* ---- a run that several threads share ---- */\n"
    "\n#if !defined(__STDC_NO_ATOMICS__)\n"
    "\n#include <stdatomic.h>\n"
    "\n#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))\n"
    "#define PAUSE() __builtin_ia32_pause()\n#define LOOKS 2000\n"
    "#elif defined(__GNUC__) && (defined(__aarch64__) || defined(__ARM_ARCH_7A__))\n"
    "#define PAUSE() __asm__ volatile(\"yield\")\n#define LOOKS 20000\n"
    "#else\n#define PAUSE() ((void)0)\n#define LOOKS 20000\n#endif\n"
    "\n/* The items of a step are cut into slices. */\n"
    "struct share {\n"
    "    _Atomic uint32_t before; /* slices of the step before that are not done */\n"
    "    _Atomic uint32_t taken;  /* a bit for each slice: somebody does it%s */\n"
    "};\n";

static const char do_part[] =
    "\nstruct step {\n"
    "    void (*task)(void *context, size_t begin, size_t end);\n"
    "    size_t items;\n"
    "    uint32_t slices, least_piece%s;\n};\n"
    "\n/* Does the slices whose bits are set, neighbours in one call. */\n"
    "static void do_slices(struct call *call, const struct step *step, struct share *next,\n"
    "    uint32_t bits) {\n"
    "    uint32_t first = 0;\n"
    "    while (bits >> first != 0) {\n"
    "        uint32_t end = first;\n"
    "        while ((bits >> end & 1) != 0)\n"
    "            end++;\n"
    "        if (end > first) {\n"
    "            step->task(call, step->items * first / step->slices,\n"
    "                step->items * end / step->slices);\n"
    "            atomic_fetch_sub_explicit(&next->before, end - first, memory_order_release);\n"
    "        }\n"
    "        first = end + 1;\n"
    "    }\n"
    "}\n"
    "\n/* The part of a thread, piece by piece, as far as nobody has taken it. */\n"
    "static void do_part(struct call *call, const struct step *step, struct share *share,\n"
    "    uint32_t owner, uint32_t threads) {\n"
    "    const uint32_t end = step->slices * (owner + 1) / threads;\n"
    "    uint32_t begin = step->slices * owner / threads;\n"
    "    uint32_t piece = (end - begin + %d) / %d;\n"
    "    if (piece < step->least_piece)\n"
    "        piece = step->least_piece;\n"
    "    while (begin < end) {\n"
    "        const uint32_t count = end - begin < piece ? end - begin : piece;\n"
    "        const uint32_t wanted = (((uint32_t)1 << count) - 1) << begin;\n"
    "        uint32_t taken = atomic_load_explicit(&share->taken, memory_order_relaxed);\n"
    "        if ((wanted & ~taken) != 0) {\n"
    "            taken = atomic_fetch_or_explicit(&share->taken, wanted, memory_order_relaxed);\n"
    "            do_slices(call, step, share + 1, wanted & ~taken);\n"
    "        }\n"
    "        begin += count;\n"
    "    }\n"
    "}\n";

/* Beside slices, `taken` has a bit for each slot of the step's scratch. */
static const char take_slot[] =
    "\n/* Takes a slot of the scratch; 0 if none is free: then those who hold them do all. */\n"
    "static uint32_t take_slot(struct call *call, const struct step *step, struct share *share) {\n"
    "    const uint32_t all = (((uint32_t)1 << step->slots) - 1) << FIRST_SLOT;\n"
    "    uint32_t taken = atomic_load_explicit(&share->taken, memory_order_relaxed), mine;\n"
    "    do {\n"
    "        mine = all & ~taken;\n"
    "        mine &= ~mine + 1; /* the lowest bit */\n"
    "        if (mine == 0)\n"
    "            return 0;\n"
    "    } while (!atomic_compare_exchange_weak_explicit(&share->taken, &taken, taken | mine,\n"
    "        memory_order_acquire, memory_order_relaxed));\n"
    "    call->slot = 0;\n"
    "    while (mine >> FIRST_SLOT >> call->slot != 1)\n"
    "        call->slot++;\n"
    "    return mine;\n"
    "}\n";

static const char share_step[] =
    "\n/* Begins when the step before is done. Stops the loop when that takes too long, since "
    "somebody\n"
    " * may need the processor to finish it, and returns 0; also when somebody else has stopped "
    "it. "
    "*/\n"
    "static int share_step(struct crew *crew, struct call *call, uint32_t me,\n"
    "    const struct step *step, struct share *share) {\n"
    "    uint32_t looks = 0, threads = 0;\n"
    "    while (atomic_load_explicit(&share->before, memory_order_acquire) != 0) {\n"
    "        if (++looks > LOOKS) {\n"
    "            atomic_store_explicit(&crew->stopped, 1, memory_order_relaxed);\n"
    "            return 0;\n"
    "        }\n"
    "        PAUSE();\n"
    "    }\n"
    "    if (atomic_load_explicit(&crew->stopped, memory_order_relaxed) != 0)\n"
    "        return 0;\n"
    "    uint32_t present = atomic_load_explicit(&crew->present, memory_order_relaxed);\n"
    "    for (; present != 0; present >>= 1)\n"
    "        threads++;\n"
    "    if (threads < 2) /* the others may only be on their way */\n"
    "        threads = 2;\n"
    "%s"
    "    for (uint32_t i = 0; i < threads; i++)\n"
    "        do_part(call, step, share, (me + i) %% threads, threads);\n"
    "%s"
    "    return 1;\n"
    "}\n";

static const char hold_slot[] =
    "    const uint32_t slot = step->slots > 0 ? take_slot(call, step, share) : 0;\n"
    "    if (step->slots > 0 && slot == 0)\n"
    "        return 1;\n";

static const char give_slot[] =
    "    if (slot != 0)\n"
    "        atomic_fetch_and_explicit(&share->taken, ~slot, memory_order_release);\n";

static const char work[] =
    "\n/* One thread, from step to step. Who waits, waits for threads that work; so whoever is "
    "left\n"
    " * goes on, and no order of calls makes anybody wait for ever. */\n"
    "static void work(void *context, size_t begin, size_t end) {\n"
    "    struct crew *crew = context;\n"
    "    (void)begin;\n    (void)end;\n"
    "    if (atomic_load_explicit(&crew->shares[%d].before, memory_order_relaxed) == 0 ||\n"
    "        atomic_load_explicit(&crew->stopped, memory_order_relaxed) != 0)\n"
    "        return;\n"
    "    uint32_t others = atomic_load_explicit(&crew->present, memory_order_relaxed), mine, me = "
    "0;\n"
    "    do {\n"
    "        mine = ~others & (others + 1); /* the lowest bit that is free */\n"
    "        if (mine == 0)\n"
    "            return;\n"
    "    } while (!atomic_compare_exchange_weak_explicit(&crew->present, &others, others | mine,\n"
    "        memory_order_relaxed, memory_order_relaxed));\n"
    "    while (mine >> me != 1)\n"
    "        me++;\n"
    "    struct call %s;\n"
    "    struct step step;\n";

static const char leave[] =
    "leave:\n"
    "    atomic_fetch_and_explicit(&crew->present, ~mine, memory_order_relaxed);\n"
    "}\n";

static void write_slices(const Program *program, Text *out) {
    text_append(out, "\nstatic const uint8_t slices[] = {");
    for (int i = 0; i < program->step_count; i++)
        text_format(out, i % 16 == 0 ? "\n    %d," : " %d,", step_shares(program, i).slices);
    text_append(out, "\n};\n");
}

static void write_work(const Program *program, Text *out) {
    bool scratch = program_has_scratch(program);
    text_format(out, work, program->step_count,
        scratch ? "mine_alone = crew->call, *call = &mine_alone" : "*call = &crew->call");
    for (int i = 0; i < program->step_count; i++) {
        StepShares shares = step_shares(program, i);
        long long items = program->kernels[program->steps[i].kernel]->extent;
        text_format(out, "    step = (struct step){step_%d, %lld, %d, %d", i, items, shares.slices,
            shares.least_piece);
        if (scratch)
            text_format(out, ", %d", step_scratch_slots(program, i));
        text_format(out,
            "};\n"
            "    if (!share_step(crew, call, me, &step, &crew->shares[%d]))\n"
            "        goto leave;\n",
            i);
    }
    text_append(out, leave);
}

void c_parallel_write_slots(const Program *program, Text *out) {
    for (int i = 0; i < program->step_count; i++) {
        int slots = step_scratch_slots(program, i);
        if (slots > 0)
            text_format(out,
                "\n/* Each slot of the scratch does a part of step %d. */\n"
                "static void slots_%d(void *context, size_t begin, size_t end) {\n"
                "    struct call call = *(const struct call *)context;\n"
                "    for (call.slot = begin; call.slot < end; call.slot++)\n"
                "        step_%d(&call, call.slot * %lld / %d, (call.slot + 1) * %lld / %d);\n"
                "}\n",
                i, i, i, (long long)program->kernels[program->steps[i].kernel]->extent, slots,
                (long long)program->kernels[program->steps[i].kernel]->extent, slots);
    }
}

static void write_share_step(const Program *program, Text *out) {
    bool scratch = program_has_scratch(program);
    text_format(out, do_part, scratch ? ", slots" : "", PIECES_OF_PART - 1, PIECES_OF_PART);
    if (scratch)
        text_format(out, "\n#define FIRST_SLOT %d\n%s", MOST_SLICES, take_slot);
    text_format(out, share_step, scratch ? hold_slot : "", scratch ? give_slot : "");
}

void c_parallel_write(const Program *program, Text *out) {
    bool scratch = program_has_scratch(program);
    text_format(out, counters,
        scratch
            ? ",\n"
              "                              * and one for each slot of scratch: somebody has it"
            : "");
    text_format(out,
        "\nstruct crew {\n"
        "    struct call call;\n"
        "    _Alignas(64) _Atomic uint32_t present; /* a bit for each thread */\n"
        "    _Atomic uint32_t stopped;              /* everybody returns at the next step */\n"
        "    _Alignas(64) struct share shares[%d];\n};\n",
        program->step_count + 1);
    write_slices(program, out);
    write_share_step(program, out);
    write_work(program, out);
    text_append(out, scratch ? "\n#else\n" : "");
    c_parallel_write_slots(program, out);
    text_append(out, "\n#endif\n");
}

void c_parallel_write_run(const Program *program, const char *upper, Text *out) {
    text_format(out,
        "#if !defined(__STDC_NO_ATOMICS__)\n"
        "    struct crew crew;\n"
        "    crew.call = (struct call){*inputs, *outputs, workspace%s};\n"
        "    atomic_init(&crew.present, 0);\n"
        "    for (int i = 0; i <= %d; i++) {\n"
        "        atomic_init(&crew.shares[i].before, i > 0 ? slices[i - 1] : 0);\n"
        "        atomic_init(&crew.shares[i].taken, 0);\n"
        "    }\n"
        "    int loops_left = %d;\n"
        "    do { /* once, unless somebody stops the loop */\n"
        "        if (loops_left-- == 0)\n"
        "            return %s_ERROR_PARALLEL_FOR;\n"
        "        atomic_store_explicit(&crew.stopped, 0, memory_order_relaxed);\n"
        "        parallel_for(pool, work, &crew, %d);\n"
        "    } while (atomic_load_explicit(&crew.shares[%d].before, memory_order_acquire) != 0);\n"
        "#else\n",
        program_has_scratch(program) ? ", 0" : "", program->step_count,
        parallel_most_loops(program), upper, STINTS, program->step_count);
}
