/* Cycles of kernels: each block of instructions is priced by itself, and counted as often as it
 * runs. What takes longest of the classes of instructions, of issuing them all, and of the chain of
 * what waits for each other is the time of a block; a core that works in order runs through the
 * whole chain each time, another one only through what the next round waits for. */
#include "backends/program/predict.h"
#include "backends/program/loop_schedule.h"
#include "backends/program/program.h"
#include "backends/target/core.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/float_set.h"
#include "ir/kernel.h"
#include "ir/kernel_count.h"
#include <string.h>

const char *bound_name(Bound bound) {
    static const char *const names[BOUND_COUNT] = {"multiply-adds", "vector operations", "loads",
        "stores", "addresses and loops", "issue", "latency", "memory"};
    return names[bound];
}

/* The machine instructions of one of a kernel, where that is not one. Those of comparisons and
 * conversions are of ARM; x86 differs by one or two. */
static const struct {
    unsigned char operations; /* 0: one */
    unsigned char cycles;     /* of a pipe, for each; 0: one */
} costs[INSTRUCTION_COUNT] = {
    [INSTRUCTION_divide] = {1, 8},
    [INSTRUCTION_square_root] = {1, 8},
    [INSTRUCTION_floor] = {5, 1},
    [INSTRUCTION_power_of_two] = {3, 1},
    [INSTRUCTION_exponent] = {4, 1},
    [INSTRUCTION_reduce_add] = {3, 1},
    [INSTRUCTION_reduce_maximum] = {3, 1},
    [INSTRUCTION_to_integer] = {3, 1},
    [INSTRUCTION_is_less] = {2, 1},
};

/* What the instructions of a block do in one run. */
typedef struct Work {
    double of[BOUND_COUNT]; /* cycles of each class */
    double instructions;
    double blocked; /* cycles in which one alone begins */
} Work;

typedef struct Predictor {
    const Kernel *kernel;
    const Target *target;
    const Core *core;
    const LoopSchedule *loops;
    const int64_t *runs; /* of the next bodies */
    double *ready;       /* by register: when it has its value */
    double cycles;
    double by_bound[BOUND_COUNT]; /* of those, what took longest */
} Predictor;

static int register_bytes(const Kernel *kernel, int reg) {
    return kernel->register_lanes[reg] * (int)lane_bytes(kernel->register_types[reg]);
}

/* Pieces of which each is a power of two. */
static int pieces_of(const Target *target, const Instruction *instruction, int lanes) {
    bool whole = instruction->lane_count == lanes || target->masks;
    return whole ? 1 : __builtin_popcount((unsigned)instruction->lane_count);
}

static double vectors_of(const Predictor *p, int reg) {
    int bytes = register_bytes(p->kernel, reg);
    return (bytes - 1) / p->core->vector_bytes + 1;
}

static bool is_wide(const Predictor *p, const Instruction *instruction, int reg) {
    return instruction->lane_count == p->kernel->register_lanes[reg] &&
           register_bytes(p->kernel, reg) >= p->core->vector_bytes;
}

static void add_load(const Predictor *p, const Instruction *instruction, Work *work) {
    int reg = instruction->destination;
    bool whole = instruction->kind == INSTRUCTION_load;
    int pieces = whole ? pieces_of(p->target, instruction, p->kernel->register_lanes[reg]) : 1;
    double loads = whole ? pieces * vectors_of(p, reg) : 1;
    /* An operand in memory is part of the instruction that takes it. */
    bool folded = instruction->kind == INSTRUCTION_broadcast && p->target->memory_broadcast;
    work->of[BOUND_LOADS] += loads / p->core->loads;
    work->of[BOUND_VECTORS] += (pieces - 1) / p->core->vectors;
    work->instructions += folded ? 0 : loads + pieces - 1;
    if (whole && is_wide(p, instruction, reg)) {
        work->blocked += loads * p->core->wide_load_blocks;
        if (p->core->wide_load_blocks > 0) {
            work->of[BOUND_LOADS] -= loads / p->core->loads;
            work->instructions -= loads;
        }
    }
}

static void add_store(const Predictor *p, const Instruction *instruction, Work *work) {
    int reg = instruction->sources[0];
    double stores =
        pieces_of(p->target, instruction, p->kernel->register_lanes[reg]) * vectors_of(p, reg);
    if (is_wide(p, instruction, reg) && p->core->wide_store_blocks > 0) {
        work->blocked += stores * p->core->wide_store_blocks;
        return;
    }
    work->of[BOUND_STORES] += stores / p->core->stores;
    work->instructions += stores;
}

/* A permute that gives all lanes one of them, where a multiply-add takes that lane itself. */
static bool is_free(const Predictor *p, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_move)
        return true;
    if (instruction->kind != INSTRUCTION_permute || !p->target->lane_multiply_add)
        return false;
    for (int i = 1; i < p->kernel->register_lanes[instruction->destination]; i++)
        if (instruction->indices[i] != instruction->indices[0])
            return false;
    return true;
}

static double products_of(const Predictor *p, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_dot_add || instruction->kind == INSTRUCTION_signed_dot_add)
        return 1;
    if (instruction->kind == INSTRUCTION_half_dot_add)
        return 3;
    if (instruction->kind == INSTRUCTION_pair_add &&
        p->kernel->register_types[instruction->destination] == LANE_S32)
        return 2;
    if (instruction->kind == INSTRUCTION_pair_add)
        return p->target->bf16 == BF16_FAST ? 1 : 4;
    return p->target->fused_multiply_add ? 1 : 2;
}

/* Returns how many cycles later its result is there. */
static double add_instruction(const Predictor *p, const Instruction *instruction, Work *work) {
    const Core *core = p->core;
    if (instruction->kind == INSTRUCTION_prefetch) {
        work->of[BOUND_LOADS] += 1 / core->loads;
        work->instructions++;
        return 0;
    }
    switch (instruction_info(instruction->kind)->access) {
    case ACCESS_READ:
        add_load(p, instruction, work);
        return core->load_latency;
    case ACCESS_WRITE:
        add_store(p, instruction, work);
        return 0;
    case ACCESS_NONE:
    case ACCESS_HINT:
        break;
    }
    if (instruction->destination < 0 || is_free(p, instruction))
        return 0;
    double vectors = vectors_of(p, instruction->destination);
    if (instruction->kind == INSTRUCTION_multiply_add || instruction->kind == INSTRUCTION_dot_add ||
        instruction->kind == INSTRUCTION_signed_dot_add ||
        instruction->kind == INSTRUCTION_half_dot_add ||
        instruction->kind == INSTRUCTION_pair_add) {
        double products = products_of(p, instruction) * vectors;
        work->of[BOUND_MULTIPLY_ADDS] += products / core->multiply_adds;
        work->of[BOUND_VECTORS] += products / core->vectors;
        work->instructions += products;
        return core->multiply_add_latency;
    }
    double operations =
        costs[instruction->kind].operations ? costs[instruction->kind].operations : 1;
    double cycles = costs[instruction->kind].cycles ? costs[instruction->kind].cycles : 1;
    work->of[BOUND_VECTORS] += operations * vectors * cycles / core->vectors;
    work->instructions += operations * vectors;
    return operations * core->vector_latency * cycles;
}

/* Runs once through the chains of a block; returns when the last result is there. */
static double pass_chains(const Predictor *p, const Block *block, const double *late) {
    double last = 0;
    int index = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind != STATEMENT_INSTRUCTION)
            continue;
        const Instruction *instruction = &statement->instruction;
        double start = 0;
        int sources = instruction_info(instruction->kind)->source_count;
        for (int i = 0; i < sources; i++)
            if (p->ready[instruction->sources[i]] > start)
                start = p->ready[instruction->sources[i]];
        double done = start + late[index++];
        if (instruction->destination >= 0)
            p->ready[instruction->destination] = done;
        last = done > last ? done : last;
    }
    return last;
}

/* Cycles that a round of the block takes at least, because results are waited for. */
static double waiting_cycles(const Predictor *p, const Block *block, const double *late) {
    memset(p->ready, 0, (size_t)p->kernel->register_count * sizeof *p->ready);
    double first = pass_chains(p, block, late);
    if (p->core->in_order)
        return first;
    return pass_chains(p, block, late) - first;
}

static bool seen_before(const Block *block, const Statement *until) {
    for (const Statement *statement = block->first; statement != until; statement = statement->next)
        if (statement->kind == STATEMENT_INSTRUCTION && statement->instruction.offset &&
            statement->instruction.parameter == until->instruction.parameter)
            return true;
    return false;
}

/* A loop counts, compares and branches, a condition does two of that; and each buffer that a block
 * looks at has an address which moves. */
static double integers_of(const Block *block, StatementKind around) {
    double integers = around == STATEMENT_FOR ? 3 : 2;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_INSTRUCTION && statement->instruction.offset)
            integers += !seen_before(block, statement);
    return integers;
}

/* What takes longest. */
static Bound bound_of(const Work *work) {
    Bound bound = BOUND_MULTIPLY_ADDS;
    for (int i = 0; i < BOUND_COUNT; i++)
        if (work->of[i] > work->of[bound])
            bound = (Bound)i;
    return bound;
}

static void predict_block(
    Predictor *p, const Block *block, StatementKind around, double times, Arena *scratch);

/* A loop or a condition, which is come to so many times. */
static void predict_inside(Predictor *p, const Statement *statement, double times, Arena *scratch) {
    double runs = (double)*p->runs++;
    const LoopSchedule *schedule = loop_schedule_find(p->loops, statement);
    if (!schedule) {
        predict_block(p, &statement->body, statement->kind, runs, scratch);
        return;
    }
    double cycles = runs * schedule->cycles + times * schedule->before_count / p->core->issue;
    bool paced = schedule->multiply_adds + 1 >= schedule->cycles;
    p->cycles += cycles;
    p->by_bound[paced ? BOUND_MULTIPLY_ADDS : BOUND_ISSUE] += cycles;
}

static void predict_block(
    Predictor *p, const Block *block, StatementKind around, double times, Arena *scratch) {
    Work work = {0};
    int count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        count += statement->kind == STATEMENT_INSTRUCTION;
    double *late = ARENA_ARRAY(scratch, double, count + 1);
    count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_INSTRUCTION)
            late[count++] = add_instruction(p, &statement->instruction, &work);
        else if (statement->kind != STATEMENT_LET)
            predict_inside(p, statement, times, scratch);
    double integers = integers_of(block, around);
    work.of[BOUND_INTEGERS] = integers / p->core->integers;
    work.of[BOUND_ISSUE] = (work.instructions + integers) / p->core->issue;
    work.of[BOUND_LATENCY] = waiting_cycles(p, block, late);
    Bound bound = bound_of(&work);
    p->cycles += times * (work.of[bound] + work.blocked);
    p->by_bound[work.blocked > work.of[bound] ? BOUND_LOADS : bound] +=
        times * (work.of[bound] + work.blocked);
}

/* ---- data ---- */

/* Cycles until the bytes are in the first-level cache. */
static double delivery_cycles(const Core *core, double bytes, double kept_bytes, double hertz) {
    if (kept_bytes <= core->l1_kib * 1024.0)
        return 0;
    if (kept_bytes <= core->last_kib * 1024.0)
        return bytes / core->next_bytes;
    double from_memory = core->memory_gigabytes * 1e9 / hertz;
    return bytes / (from_memory < core->next_bytes ? from_memory : core->next_bytes);
}

static double weight_bytes_read(const Kernel *kernel, const KernelCount *count) {
    double bytes = 0;
    for (int i = 0; i < kernel->parameter_count; i++)
        if (kernel->parameters[i].role == PARAMETER_WEIGHTS)
            bytes += (double)(float_set_count(&count->buffers[i].read) *
                              lane_bytes(kernel->parameters[i].element));
    return bytes;
}

/* Weights come from as far as all of a run's data are kept, what the step before has written from
 * as far as what this one looks at is. */
static void add_memory(const Program *program, const Step *step, const Core *core, double hertz,
    double weight_bytes, StepTime *time) {
    double moved = (double)(step->count.bytes_read + step->count.bytes_written);
    double all = (double)(program_summary(program).weight_bytes + program->workspace_bytes);
    double waiting = delivery_cycles(core, weight_bytes, all, hertz) +
                     delivery_cycles(core, moved - weight_bytes, moved, hertz);
    double longer = waiting > time->computing ? waiting : time->computing;
    double shorter = waiting > time->computing ? time->computing : waiting;
    time->cycles = longer + (1 - core->hidden) * shorter;
    if (waiting > time->computing)
        time->bound = BOUND_MEMORY;
}

static StepTime predict_step(
    const Program *program, const Step *step, const Core *core, double hertz) {
    Arena *scratch = arena_create();
    int64_t rounds;
    Kernel kernel = *program->kernels[step->kernel];
    const KernelCount *count = count_step_kernel(program, step, &kernel, &rounds, scratch);
    Predictor p = {.kernel = &kernel,
        .target = program->target,
        .core = core,
        .loops = program->loop_schedules,
        .runs = count->body_runs};
    p.ready = ARENA_ARRAY(scratch, double, kernel.register_count + 1);
    predict_block(&p, &kernel.body, STATEMENT_FOR, 1, scratch);
    StepTime time = {.computing = p.cycles * (double)rounds};
    for (int i = 0; i < BOUND_COUNT; i++)
        if (p.by_bound[i] > p.by_bound[time.bound])
            time.bound = (Bound)i;
    add_memory(
        program, step, core, hertz, weight_bytes_read(&kernel, count) * (double)rounds, &time);
    arena_destroy(scratch);
    return time;
}

StepTime *program_predict(const Program *program, const Core *core, double hertz, Arena *arena) {
    StepTime *times = ARENA_ARRAY(arena, StepTime, program->step_count + 1);
    for (int i = 0; i < program->step_count; i++)
        times[i] = predict_step(program, &program->steps[i], core, hertz);
    return times;
}
