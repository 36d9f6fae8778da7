/* An abstract run of a kernel: loops and addresses are executed; of registers it is known only
 * which lanes hold a number as it was loaded, and which a constant.
 *
 * An innermost loop without inner statements, whose addresses are linear in its variable, is not
 * run to its end. Once an iteration leaves the registers as the one before it did, all further
 * ones do the same at addresses that are known, and are counted at once. */
#include "ir/kernel_count.h"
#include <assert.h>
#include <string.h>

enum { MOST_LANES = 64 };

typedef uint64_t LaneMask;

/* What is known of a register. */
typedef struct RegisterState {
    LaneMask moved, constant;
    bool is_splat; /* every lane is `value` */
    float value;
} RegisterState;

/* A statement, and what the run remembers of it. */
typedef struct Site {
    const Statement *statement;
    struct Site *body;
    int body_count;
    bool straight;         /* a loop that can be counted at once */
    int64_t stride;        /* of the offset, per unit of the innermost loop's variable */
    RegisterState result;  /* when it ran last */
    int64_t offset, times; /* what was added to the sets when more than one iteration was */
    LaneMask offset_moved; /* with it */
} Site;

typedef struct Counter {
    const Kernel *kernel;
    Arena *arena;
    KernelCount *count;
    int64_t *variables;
    RegisterState *registers;
    LaneMask *used; /* per register: lanes that reach a store */
    bool changed;   /* some instruction's result is not what it was the last time */
    bool computes;  /* a number was stored that is neither moved nor constant */
    bool moves;
} Counter;

static LaneMask lane_range(int first, int count) {
    LaneMask lanes = count >= MOST_LANES ? ~(LaneMask)0 : ((LaneMask)1 << count) - 1;
    return lanes << first;
}

/* ---- which lanes reach a store ---- */

static LaneMask permuted_sources(
    const Instruction *instruction, LaneMask used, int lanes, int source_lanes, int source) {
    LaneMask mask = 0;
    for (int i = 0; i < lanes; i++) {
        int from = instruction->indices[i] - source * source_lanes;
        if ((used >> i & 1) && from >= 0 && from < source_lanes)
            mask |= (LaneMask)1 << from;
    }
    return mask;
}

/* The lanes of its source that the instruction needs for the lanes of its result that are used. */
static LaneMask needed_lanes(const Counter *counter, const Instruction *instruction, int source) {
    const int *lanes = counter->kernel->register_lanes;
    if (instruction->kind == INSTRUCTION_store)
        return lane_range(instruction->first_lane, instruction->lane_count);
    LaneMask used = counter->used[instruction->destination];
    int source_lanes = lanes[instruction->sources[source]];
    if (instruction->kind == INSTRUCTION_permute)
        return permuted_sources(
            instruction, used, lanes[instruction->destination], source_lanes, source);
    if (instruction->kind == INSTRUCTION_reduce_add ||
        instruction->kind == INSTRUCTION_reduce_maximum)
        return used != 0 ? lane_range(0, source_lanes) : 0;
    return used;
}

/* Whatever its place in the text: a register that serves two purposes is used for both. */
static bool spread_used_lanes(Counter *counter, const Block *block) {
    bool changed = false;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind != STATEMENT_INSTRUCTION) {
            changed |= spread_used_lanes(counter, &statement->body);
            continue;
        }
        const Instruction *instruction = &statement->instruction;
        int sources = instruction_info(instruction->kind)->source_count;
        for (int i = 0; i < sources; i++) {
            LaneMask *used = &counter->used[instruction->sources[i]];
            LaneMask more = *used | needed_lanes(counter, instruction, i);
            changed |= more != *used;
            *used = more;
        }
    }
    return changed;
}

/* ---- expressions ---- */

static int64_t evaluate(const Counter *counter, const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return expression->constant;
    if (expression->kind == EXPRESSION_VARIABLE)
        return counter->variables[expression->variable];
    int64_t a = evaluate(counter, expression->left), b = evaluate(counter, expression->right);
    switch (expression->kind) {
    case EXPRESSION_ADD:
        return a + b;
    case EXPRESSION_MULTIPLY:
        return a * b;
    case EXPRESSION_DIVIDE:
        return a / b;
    case EXPRESSION_REMAINDER:
        return a % b;
    case EXPRESSION_MINIMUM:
        return a < b ? a : b;
    case EXPRESSION_MAXIMUM:
        return a > b ? a : b;
    case EXPRESSION_CONSTANT:
    case EXPRESSION_VARIABLE:
        break;
    }
    assert(false);
    return 0;
}

static bool mentions(const Expression *expression, int variable) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return false;
    if (expression->kind == EXPRESSION_VARIABLE)
        return expression->variable == variable;
    return mentions(expression->left, variable) || mentions(expression->right, variable);
}

/* Whether the expression is linear in the variable; *factor is what one unit adds. */
static bool is_linear(const Expression *expression, int variable, int64_t *factor) {
    int64_t left, right;
    *factor = 0;
    if (!mentions(expression, variable))
        return true;
    switch (expression->kind) {
    case EXPRESSION_VARIABLE:
        *factor = 1;
        return true;
    case EXPRESSION_ADD:
        if (!is_linear(expression->left, variable, &left) ||
            !is_linear(expression->right, variable, &right))
            return false;
        *factor = left + right;
        return true;
    case EXPRESSION_MULTIPLY: /* the right side is constant */
        if (expression->right->kind != EXPRESSION_CONSTANT ||
            !is_linear(expression->left, variable, &left))
            return false;
        *factor = left * expression->right->constant;
        return true;
    case EXPRESSION_CONSTANT:
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
    case EXPRESSION_MINIMUM:
    case EXPRESSION_MAXIMUM:
        break;
    }
    return false;
}

/* ---- sites ---- */

static bool is_straight(Site *loop) {
    for (int i = 0; i < loop->body_count; i++) {
        Site *site = &loop->body[i];
        if (site->statement->kind != STATEMENT_INSTRUCTION)
            return false;
        const Expression *offset = site->statement->instruction.offset;
        if (offset && !is_linear(offset, loop->statement->variable, &site->stride))
            return false;
    }
    return true;
}

static Site *make_sites(const Block *block, Arena *arena, int *count) {
    *count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        (*count)++;
    Site *sites = ARENA_ARRAY(arena, Site, *count + 1), *site = sites;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        site->statement = statement;
        if (statement->kind != STATEMENT_INSTRUCTION)
            site->body = make_sites(&statement->body, arena, &site->body_count);
        if (statement->kind == STATEMENT_FOR)
            site->straight = is_straight(site);
        site++;
    }
    return sites;
}

/* ---- memory ---- */

static void add_lanes(
    Counter *counter, FloatSet *set, int64_t offset, LaneMask lanes, int64_t times, int64_t step) {
    while (lanes != 0) {
        int skipped = __builtin_ctzll(lanes);
        lanes >>= skipped;
        int count = ~lanes == 0 ? MOST_LANES : __builtin_ctzll(~lanes);
        lanes = count == MOST_LANES ? 0 : lanes >> count;
        offset += skipped;
        if (step >= 0 && step <= count)
            float_set_add(set, offset, step * (times - 1) + count, counter->arena);
        else
            for (int64_t i = 0; i < times; i++)
                float_set_add(set, offset + i * step, count, counter->arena);
        offset += count;
    }
}

/* Weights are read again and again from the same addresses. */
static bool was_added(const Site *site, int64_t offset, int64_t times) {
    return times > 1 && site->times == times && site->offset == offset;
}

static void run_load(Counter *counter, Site *site, int64_t offset, int64_t times, int64_t step) {
    const Instruction *instruction = &site->statement->instruction;
    BufferCount *buffer = &counter->count->buffers[instruction->parameter];
    LaneMask used = counter->used[instruction->destination];
    counter->count->loads += times;
    counter->count->loaded_bytes += times * instruction->lane_count * (int64_t)sizeof(float);
    if (instruction->kind == INSTRUCTION_broadcast)
        used = used != 0;
    else
        used = (used & lane_range(instruction->first_lane, instruction->lane_count)) >>
               instruction->first_lane;
    if (!was_added(site, offset, times))
        add_lanes(counter, &buffer->read, offset, used, times, step);
}

static void run_store(Counter *counter, Site *site, int64_t offset, int64_t times, int64_t step) {
    const Instruction *instruction = &site->statement->instruction;
    BufferCount *buffer = &counter->count->buffers[instruction->parameter];
    const RegisterState *state = &counter->registers[instruction->sources[0]];
    LaneMask lanes = lane_range(instruction->first_lane, instruction->lane_count);
    LaneMask moved = state->moved & lanes;
    counter->count->stores += times;
    counter->count->stored_bytes += times * instruction->lane_count * (int64_t)sizeof(float);
    counter->computes |= (lanes & ~state->moved & ~state->constant) != 0;
    counter->moves |= moved != 0;
    if (instruction->parameter >= MAX_KERNEL_PARAMETERS)
        counter->count->local_moved_bytes +=
            times * __builtin_popcountll(moved) * (int64_t)sizeof(float);
    if (was_added(site, offset, times) && moved == site->offset_moved)
        return;
    site->offset_moved = moved;
    add_lanes(counter, &buffer->written, offset, lanes >> instruction->first_lane, times, step);
    add_lanes(counter, &buffer->moved, offset, moved >> instruction->first_lane, times, step);
}

static void run_access(Counter *counter, Site *site, int64_t times, int64_t step) {
    const Instruction *instruction = &site->statement->instruction;
    int64_t offset = evaluate(counter, instruction->offset);
    if (instruction->kind == INSTRUCTION_store)
        run_store(counter, site, offset, times, step);
    else
        run_load(counter, site, offset, times, step);
    if (times > 1) {
        site->offset = offset;
        site->times = times;
    }
}

/* ---- registers ---- */

static RegisterState loaded_state(const Counter *counter, const Instruction *instruction) {
    int parameter = instruction->parameter;
    LaneMask all = lane_range(0, counter->kernel->register_lanes[instruction->destination]);
    LaneMask lanes = instruction->kind == INSTRUCTION_broadcast
                         ? all
                         : lane_range(instruction->first_lane, instruction->lane_count);
    if (parameter < MAX_KERNEL_PARAMETERS &&
        counter->kernel->parameters[parameter].role == PARAMETER_WEIGHTS)
        return (RegisterState){.constant = all};
    return (RegisterState){.moved = lanes, .constant = all & ~lanes};
}

static RegisterState permuted_state(const Counter *counter, const Instruction *instruction) {
    const RegisterState *a = &counter->registers[instruction->sources[0]];
    const RegisterState *b = &counter->registers[instruction->sources[1]];
    int lanes = counter->kernel->register_lanes[instruction->destination];
    int source_lanes = counter->kernel->register_lanes[instruction->sources[0]];
    RegisterState state = {0};
    for (int i = 0; i < lanes; i++) {
        int from = instruction->indices[i];
        const RegisterState *source = from < source_lanes ? a : b;
        from -= from < source_lanes ? 0 : source_lanes;
        state.moved |= (source->moved >> from & 1) << i;
        state.constant |= (source->constant >> from & 1) << i;
    }
    return state;
}

static bool is_splat_of(const RegisterState *state, float value) {
    return state->is_splat && state->value == value;
}

/* Arithmetic that changes nothing is no arithmetic: x + 0, x * 1, the larger of x and x. */
static RegisterState computed_state(const Counter *counter, const Instruction *instruction) {
    const RegisterState *states[3] = {NULL};
    int sources = instruction_info(instruction->kind)->source_count;
    for (int i = 0; i < sources; i++)
        states[i] = &counter->registers[instruction->sources[i]];
    InstructionKind kind = instruction->kind;
    bool product = kind == INSTRUCTION_multiply ||
                   (kind == INSTRUCTION_multiply_add && is_splat_of(states[2], 0));
    bool sum = kind == INSTRUCTION_add;
    bool either = kind == INSTRUCTION_minimum || kind == INSTRUCTION_maximum;
    if ((product && is_splat_of(states[0], 1)) || (sum && is_splat_of(states[0], 0)))
        return *states[1];
    if ((product && is_splat_of(states[1], 1)) || (sum && is_splat_of(states[1], 0)) ||
        (kind == INSTRUCTION_subtract && is_splat_of(states[1], 0)) ||
        (kind == INSTRUCTION_divide && is_splat_of(states[1], 1)) ||
        (either && instruction->sources[0] == instruction->sources[1]))
        return *states[0];
    return (RegisterState){0};
}

static RegisterState result_state(const Counter *counter, const Instruction *instruction) {
    switch (instruction->kind) {
    case INSTRUCTION_splat:
        return (RegisterState){
            .constant = ~(LaneMask)0, .is_splat = true, .value = instruction->constant};
    case INSTRUCTION_load:
    case INSTRUCTION_broadcast:
        return loaded_state(counter, instruction);
    case INSTRUCTION_move:
        return counter->registers[instruction->sources[0]];
    case INSTRUCTION_permute:
        return permuted_state(counter, instruction);
    case INSTRUCTION_add:
    case INSTRUCTION_subtract:
    case INSTRUCTION_multiply:
    case INSTRUCTION_divide:
    case INSTRUCTION_minimum:
    case INSTRUCTION_maximum:
    case INSTRUCTION_multiply_add:
    case INSTRUCTION_floor:
    case INSTRUCTION_square_root:
    case INSTRUCTION_power_of_two:
    case INSTRUCTION_reduce_add:
    case INSTRUCTION_reduce_maximum:
        return computed_state(counter, instruction);
    case INSTRUCTION_store:
    case INSTRUCTION_COUNT:
        break;
    }
    return (RegisterState){0};
}

static bool same_state(const RegisterState *a, const RegisterState *b) {
    return a->moved == b->moved && a->constant == b->constant && a->is_splat == b->is_splat &&
           (!a->is_splat || a->value == b->value);
}

static void run_instruction(Counter *counter, Site *site, int64_t times, int64_t step) {
    const Instruction *instruction = &site->statement->instruction;
    if (instruction->kind == INSTRUCTION_multiply_add) {
        LaneMask used = counter->used[instruction->destination];
        counter->count->multiply_adds_issued +=
            times * counter->kernel->register_lanes[instruction->destination];
        counter->count->multiply_adds_useful += times * __builtin_popcountll(used);
    }
    if (instruction->offset)
        run_access(counter, site, times, step * site->stride);
    if (instruction->destination < 0)
        return;
    RegisterState state = result_state(counter, instruction);
    counter->changed |= !same_state(&state, &site->result);
    site->result = state;
    counter->registers[instruction->destination] = state;
}

/* ---- statements ---- */

static void run_sites(Counter *counter, Site *sites, int count);

static void run_loop(Counter *counter, Site *site) {
    const Statement *statement = site->statement;
    int64_t *variable = &counter->variables[statement->variable];
    int64_t end = evaluate(counter, statement->end), step = statement->step;
    *variable = evaluate(counter, statement->begin);
    for (int64_t iteration = 0; *variable < end; iteration++) {
        int64_t times = 1;
        if (site->straight && iteration >= 2 && !counter->changed)
            times = (end - *variable + step - 1) / step;
        counter->changed = false;
        if (site->straight)
            for (int i = 0; i < site->body_count; i++)
                run_instruction(counter, &site->body[i], times, step);
        else
            run_sites(counter, site->body, site->body_count);
        *variable += times * step;
    }
}

static void run_sites(Counter *counter, Site *sites, int count) {
    for (int i = 0; i < count; i++) {
        Site *site = &sites[i];
        switch (site->statement->kind) {
        case STATEMENT_INSTRUCTION:
            run_instruction(counter, site, 1, 0);
            break;
        case STATEMENT_FOR:
            run_loop(counter, site);
            break;
        case STATEMENT_IF:
            if (evaluate(counter, site->statement->begin) < evaluate(counter, site->statement->end))
                run_sites(counter, site->body, site->body_count);
            break;
        }
    }
}

KernelCount *kernel_count(const Kernel *kernel, Arena *arena) {
    Counter counter = {.kernel = kernel, .arena = arena};
    counter.count = ARENA_NEW(arena, KernelCount);
    counter.variables = ARENA_ARRAY(arena, int64_t, kernel->variable_count);
    counter.registers = ARENA_ARRAY(arena, RegisterState, kernel->register_count + 1);
    counter.used = ARENA_ARRAY(arena, LaneMask, kernel->register_count + 1);
    counter.variables[VARIABLE_END] = kernel->extent;
    while (spread_used_lanes(&counter, &kernel->body))
        continue;
    int count;
    Site *sites = make_sites(&kernel->body, arena, &count);
    run_sites(&counter, sites, count);
    counter.count->only_moves = counter.moves && !counter.computes;
    return counter.count;
}
