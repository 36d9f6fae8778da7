/* An abstract run of a kernel: loops and addresses are executed; of registers it is known only
 * which lanes hold a number as it was loaded, and which a constant.
 *
 * A loop is not run to its end when addresses in it are linear in its variable and inner bounds do
 * not depend on it. Once an iteration leaves the registers as the one before it did, all further
 * ones do the same at addresses that are known, and are counted at once: while the body runs one
 * more time, every access stands for a regular grid of them. A loop that did so from its start, and
 * finds the registers as it did then, need not try again. */
#include "ir/kernel_count.h"
#include "ir/float_grid.h"
#include "ir/kernel_lanes.h"
#include <assert.h>
#include <limits.h>
#include <string.h>

/* Iterations of a loop that are counted at once. */
typedef struct Dimension {
    int variable;
    int64_t step, times;
} Dimension;

/* A statement, and what the run remembers of it. */
typedef struct Site {
    const Statement *statement;
    struct Site *body;
    int body_count;
    int64_t runs;                      /* of the body */
    bool regular;                      /* a loop that can be counted at once */
    int first_register, last_register; /* a range that holds all registers of the body */
    int inner_count;      /* of loops and conditions in it, at any depth; -1 when one depends on the
                             variable of another */
    bool uniform;         /* its iterations were all alike, when it ran last, */
    RegisterState *entry; /* with these registers before the first; NULL before it ever ran, */
    int64_t *inner_times; /* and so many iterations of each loop in it */
    RegisterState result; /* when it ran last */
    int64_t added_first;  /* what was collected last */
    FloatGrid *added;     /* NULL before the first that is more than one access */
    LaneMask added_moved; /* with it */
} Site;

typedef struct BufferCollector {
    FloatCollector read, written, moved;
} BufferCollector;

typedef struct Counter {
    const Kernel *kernel;
    const int32_t *const *tables; /* by parameter */
    Arena *arena;
    KernelCount *count;
    BufferCollector collectors[MAX_KERNEL_BUFFERS];
    int64_t *variables;
    int64_t *inner_times; /* room for those of any loop */
    RegisterState *registers;
    LaneMask *used;                             /* per register: lanes that reach a store */
    Dimension dimensions[MOST_GRID_DIMENSIONS]; /* of the loops around that are counted at once */
    int dimension_count;
    int64_t times; /* the product of them */
    bool changed;  /* some instruction's result is not what it was the last time */
    bool computes; /* a number was stored that is neither moved nor constant */
    bool moves;
} Counter;

/* ---- expressions ---- */

static int64_t current_value(const Counter *counter, const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return expression->constant;
    if (expression->kind == EXPRESSION_VARIABLE)
        return counter->variables[expression->variable];
    if (expression->kind == EXPRESSION_ELEMENT)
        return counter->tables[expression->variable][current_value(counter, expression->left)];
    int64_t a = current_value(counter, expression->left),
            b = current_value(counter, expression->right);
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
    case EXPRESSION_ELEMENT:
        break;
    }
    assert(false);
    return 0;
}

/* ---- sites ---- */

static bool is_regular_in(const Block *block, int variable) {
    int64_t factor;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind == STATEMENT_INSTRUCTION) {
            const Expression *offset = statement->instruction.offset;
            if (offset && !expression_is_linear(offset, variable, &factor))
                return false;
        } else if (expression_mentions(statement->begin, variable) ||
                   expression_mentions(statement->end, variable) ||
                   !is_regular_in(&statement->body, variable)) {
            return false;
        }
    }
    return true;
}

static Site *make_sites(const Block *block, Arena *arena, int *count);

static void include_registers(Site *loop, int first, int last) {
    if (first < loop->first_register)
        loop->first_register = first;
    if (last > loop->last_register)
        loop->last_register = last;
}

static bool bounds_mention(const Block *block, int variable) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind != STATEMENT_INSTRUCTION &&
            (expression_mentions(statement->begin, variable) ||
                expression_mentions(statement->end, variable) ||
                bounds_mention(&statement->body, variable)))
            return true;
    return false;
}

static void count_inner(Site *site) {
    for (int i = 0; i < site->body_count && site->inner_count >= 0; i++) {
        const Site *inner = &site->body[i];
        const Statement *statement = inner->statement;
        if (statement->kind == STATEMENT_INSTRUCTION)
            continue;
        if (statement->kind == STATEMENT_LET) { /* has its value when it is come to */
            if (bounds_mention(&site->statement->body, statement->variable))
                site->inner_count = -1;
            continue;
        }
        bool depends = statement->kind == STATEMENT_FOR &&
                       bounds_mention(&statement->body, statement->variable);
        site->inner_count =
            depends || inner->inner_count < 0 ? -1 : site->inner_count + 1 + inner->inner_count;
    }
}

static void make_body(Site *site, Arena *arena) {
    site->body = make_sites(&site->statement->body, arena, &site->body_count);
    count_inner(site);
    site->first_register = INT_MAX;
    site->last_register = -1;
    for (int i = 0; i < site->body_count; i++) {
        const Site *inner = &site->body[i];
        const Instruction *instruction = &inner->statement->instruction;
        if (inner->statement->kind != STATEMENT_INSTRUCTION) {
            include_registers(site, inner->first_register, inner->last_register);
            continue;
        }
        int sources = instruction_info(instruction->kind)->source_count;
        for (int j = 0; j < sources; j++)
            include_registers(site, instruction->sources[j], instruction->sources[j]);
        if (instruction->destination >= 0)
            include_registers(site, instruction->destination, instruction->destination);
    }
    if (site->last_register < 0)
        site->first_register = 0; /* none */
}

static Site *make_sites(const Block *block, Arena *arena, int *count) {
    *count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        (*count)++;
    Site *sites = ARENA_ARRAY(arena, Site, *count + 1), *site = sites;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        site->statement = statement;
        if (statement->kind != STATEMENT_INSTRUCTION)
            make_body(site, arena);
        if (statement->kind == STATEMENT_FOR)
            site->regular = is_regular_in(&statement->body, statement->variable);
        site++;
    }
    return sites;
}

/* ---- memory ---- */

static FloatGrid access_grid(const Counter *counter, const Expression *offset) {
    FloatGrid grid = {.count = counter->dimension_count};
    for (int i = 0; i < grid.count; i++) {
        int64_t factor;
        bool linear = expression_is_linear(offset, counter->dimensions[i].variable, &factor);
        assert(linear);
        (void)linear;
        grid.steps[i] = factor * counter->dimensions[i].step;
        grid.times[i] = counter->dimensions[i].times;
    }
    return grid;
}

static void collect_lanes(
    FloatCollector *collector, int64_t first, LaneMask lanes, const FloatGrid *grid, Arena *arena) {
    while (lanes != 0) {
        int skipped = __builtin_ctzll(lanes);
        lanes >>= skipped;
        int count = ~lanes == 0 ? MOST_LANES : __builtin_ctzll(~lanes);
        lanes = count == MOST_LANES ? 0 : lanes >> count;
        first += skipped;
        float_collector_add(collector, (FloatRange){first, count}, grid, arena);
        first += count;
    }
}

/* Weights are read again and again from the same addresses. */
static bool was_added(
    Counter *counter, Site *site, int64_t first, const FloatGrid *grid, LaneMask moved) {
    if (grid->count == 0)
        return false;
    if (site->added && site->added_first == first && site->added_moved == moved &&
        float_grid_equal(site->added, grid))
        return true;
    if (!site->added)
        site->added = ARENA_NEW(counter->arena, FloatGrid);
    *site->added = *grid;
    site->added_first = first;
    site->added_moved = moved;
    return false;
}

static int64_t number_bytes(const Counter *counter, int parameter) {
    return lane_bytes(kernel_buffer_element(counter->kernel, parameter));
}

/* Which of the four bytes that are repeated some lane uses. */
static LaneMask used_of_quad(LaneMask used) {
    LaneMask quad = 0;
    for (; used != 0; used >>= 4)
        quad |= used & 15;
    return quad;
}

/* The same of two numbers. */
static LaneMask used_of_pair(LaneMask used) {
    LaneMask pair = 0;
    for (; used != 0; used >>= 2)
        pair |= used & 3;
    return pair;
}

static void run_load(Counter *counter, Site *site, int64_t first, const FloatGrid *grid) {
    const Instruction *instruction = &site->statement->instruction;
    BufferCollector *buffer = &counter->collectors[instruction->parameter];
    LaneMask used = counter->used[instruction->destination];
    counter->count->loads += counter->times;
    counter->count->loaded_bytes +=
        counter->times * instruction->lane_count * number_bytes(counter, instruction->parameter);
    if (instruction->kind == INSTRUCTION_broadcast)
        used = used != 0;
    else if (instruction->kind == INSTRUCTION_broadcast_quad)
        used = used_of_quad(used);
    else if (instruction->kind == INSTRUCTION_broadcast_pair)
        used = used_of_pair(used);
    else
        used = (used & lane_range(instruction->first_lane, instruction->lane_count)) >>
               instruction->first_lane;
    if (!was_added(counter, site, first, grid, 0))
        collect_lanes(&buffer->read, first, used, grid, counter->arena);
}

static void run_store(Counter *counter, Site *site, int64_t first, const FloatGrid *grid) {
    const Instruction *instruction = &site->statement->instruction;
    BufferCollector *buffer = &counter->collectors[instruction->parameter];
    const RegisterState *state = &counter->registers[instruction->sources[0]];
    LaneMask lanes = lane_range(instruction->first_lane, instruction->lane_count);
    LaneMask moved = state->moved & lanes;
    counter->count->stores += counter->times;
    counter->count->stored_bytes +=
        counter->times * instruction->lane_count * number_bytes(counter, instruction->parameter);
    counter->computes |= (lanes & ~state->moved & ~state->constant) != 0;
    counter->moves |= moved != 0;
    int local = instruction->parameter - MAX_KERNEL_PARAMETERS;
    if (local >= 0 && !counter->kernel->local_packs[local])
        counter->count->local_moved_bytes += counter->times * __builtin_popcountll(moved) *
                                             number_bytes(counter, instruction->parameter);
    if (was_added(counter, site, first, grid, moved))
        return;
    lanes >>= instruction->first_lane;
    moved >>= instruction->first_lane;
    collect_lanes(&buffer->written, first, lanes, grid, counter->arena);
    collect_lanes(&buffer->moved, first, moved, grid, counter->arena);
}

static void run_access(Counter *counter, Site *site) {
    const Instruction *instruction = &site->statement->instruction;
    int64_t first = current_value(counter, instruction->offset);
    FloatGrid grid = access_grid(counter, instruction->offset);
    if (instruction->kind == INSTRUCTION_store)
        run_store(counter, site, first, &grid);
    else
        run_load(counter, site, first, &grid);
}

static void run_instruction(Counter *counter, Site *site) {
    const Instruction *instruction = &site->statement->instruction;
    int products = instruction->kind == INSTRUCTION_multiply_add ? 1
                   : instruction->kind == INSTRUCTION_dot_add ||
                           instruction->kind == INSTRUCTION_signed_dot_add ||
                           instruction->kind == INSTRUCTION_half_dot_add
                       ? 4
                   : instruction->kind == INSTRUCTION_pair_add ? 2
                                                               : 0;
    if (products > 0) {
        LaneMask used = counter->used[instruction->destination];
        counter->count->multiply_adds_issued +=
            counter->times * products * counter->kernel->register_lanes[instruction->destination];
        counter->count->multiply_adds_useful +=
            counter->times * products * __builtin_popcountll(used);
    }
    if (instruction->offset && instruction->kind != INSTRUCTION_prefetch)
        run_access(counter, site);
    if (instruction->destination < 0)
        return;
    RegisterState state = register_state_after(counter->kernel, instruction, counter->registers);
    counter->changed |= !register_state_equal(&state, &site->result);
    site->result = state;
    counter->registers[instruction->destination] = state;
}

/* ---- statements ---- */

static void run_sites(Counter *counter, Site *sites, int count);

static void run_body(Counter *counter, Site *site) {
    site->runs += counter->times;
    run_sites(counter, site->body, site->body_count);
}

/* All iterations that are left, at once. */
static void run_rest(Counter *counter, Site *site, int64_t times) {
    assert(counter->dimension_count < MOST_GRID_DIMENSIONS);
    counter->dimensions[counter->dimension_count++] =
        (Dimension){site->statement->variable, site->statement->step, times};
    counter->times *= times;
    run_body(counter, site);
    counter->times /= times;
    counter->dimension_count--;
}

/* How often each inner loop or condition will run its body; returns the place behind the last. */
static int64_t *write_inner_times(const Counter *counter, const Site *loop, int64_t *times) {
    for (int i = 0; i < loop->body_count; i++) {
        const Site *inner = &loop->body[i];
        const Statement *statement = inner->statement;
        if (statement->kind == STATEMENT_INSTRUCTION || statement->kind == STATEMENT_LET)
            continue;
        int64_t begin = current_value(counter, statement->begin),
                end = current_value(counter, statement->end);
        int64_t step = statement->kind == STATEMENT_FOR ? statement->step : INT64_MAX;
        *times++ = begin < end ? (end - begin - 1) / step + 1 : 0;
        times = write_inner_times(counter, inner, times);
    }
    return times;
}

/* Whether the loop will do what it did last: the same instructions on registers in the same state.
 */
static bool enters_as_before(const Counter *counter, const Site *site) {
    const RegisterState *now = counter->registers + site->first_register;
    int count = site->last_register - site->first_register + 1;
    for (int i = 0; i < count; i++)
        if (!register_state_equal(&now[i], &site->entry[i]))
            return false;
    write_inner_times(counter, site, counter->inner_times);
    return memcmp(counter->inner_times, site->inner_times,
               (size_t)site->inner_count * sizeof(int64_t)) == 0;
}

static void remember_entry(Counter *counter, Site *site) {
    int count = site->last_register - site->first_register + 1;
    if (!site->entry)
        site->entry = ARENA_ARRAY(counter->arena, RegisterState, count);
    if (!site->inner_times)
        site->inner_times = ARENA_ARRAY(counter->arena, int64_t, site->inner_count + 1);
    write_inner_times(counter, site, site->inner_times);
    for (int i = 0; i < count; i++)
        site->entry[i] = counter->registers[site->first_register + i];
    site->uniform = false;
}

static void run_loop(Counter *counter, Site *site) {
    const Statement *statement = site->statement;
    int64_t *variable = &counter->variables[statement->variable];
    int64_t end = current_value(counter, statement->end), step = statement->step;
    bool changed = counter->changed;
    *variable = current_value(counter, statement->begin);
    if (site->uniform && *variable < end && enters_as_before(counter, site)) {
        run_rest(counter, site, (end - *variable + step - 1) / step);
        return;
    }
    bool remembers = site->regular && site->inner_count >= 0;
    if (remembers)
        remember_entry(counter, site);
    for (int iteration = 0; *variable < end; *variable += step) {
        bool settled = iteration >= 2 && !counter->changed;
        counter->changed = false;
        if (site->regular && settled) {
            run_rest(counter, site, (end - *variable + step - 1) / step);
            break;
        }
        run_body(counter, site);
        if (iteration == 1 && remembers)
            site->uniform = !counter->changed;
        changed |= counter->changed;
        iteration += iteration < 2;
    }
    counter->changed |= changed;
}

static void run_sites(Counter *counter, Site *sites, int count) {
    for (int i = 0; i < count; i++) {
        Site *site = &sites[i];
        switch (site->statement->kind) {
        case STATEMENT_INSTRUCTION:
            run_instruction(counter, site);
            break;
        case STATEMENT_FOR:
            run_loop(counter, site);
            break;
        case STATEMENT_IF:
            if (current_value(counter, site->statement->begin) <
                current_value(counter, site->statement->end))
                run_body(counter, site);
            break;
        case STATEMENT_LET:
            counter->variables[site->statement->variable] =
                current_value(counter, site->statement->begin);
            break;
        }
    }
}

static void finish_sets(Counter *counter) {
    for (int i = 0; i < MAX_KERNEL_BUFFERS; i++) {
        BufferCollector *collector = &counter->collectors[i];
        float_collector_finish(&collector->read, counter->arena);
        float_collector_finish(&collector->written, counter->arena);
        float_collector_finish(&collector->moved, counter->arena);
        counter->count->buffers[i] =
            (BufferCount){collector->read.set, collector->written.set, collector->moved.set};
    }
}

static int count_controls(const Block *block) {
    int count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind != STATEMENT_INSTRUCTION)
            count += 1 + count_controls(&statement->body);
    return count;
}

/* Returns the place behind the last. */
static int64_t *write_runs(const Site *sites, int count, int64_t *runs) {
    for (int i = 0; i < count; i++) {
        StatementKind kind = sites[i].statement->kind;
        if (kind != STATEMENT_FOR && kind != STATEMENT_IF)
            continue;
        *runs++ = sites[i].runs;
        runs = write_runs(sites[i].body, sites[i].body_count, runs);
    }
    return runs;
}

KernelCount *kernel_count(const Kernel *kernel, const int32_t *const *tables, Arena *arena) {
    Counter counter = {.kernel = kernel, .tables = tables, .arena = arena, .times = 1};
    counter.count = ARENA_NEW(arena, KernelCount);
    counter.variables = ARENA_ARRAY(arena, int64_t, kernel->variable_count);
    counter.registers = ARENA_ARRAY(arena, RegisterState, kernel->register_count + 1);
    counter.used = kernel_used_lanes(kernel, arena);
    counter.variables[VARIABLE_END] = kernel->extent;
    int controls = count_controls(&kernel->body);
    counter.inner_times = ARENA_ARRAY(arena, int64_t, controls + 1);
    counter.count->body_runs = ARENA_ARRAY(arena, int64_t, controls + 1);
    int count;
    Site *sites = make_sites(&kernel->body, arena, &count);
    run_sites(&counter, sites, count);
    finish_sets(&counter);
    write_runs(sites, count, counter.count->body_runs);
    counter.count->only_moves = counter.moves && !counter.computes;
    return counter.count;
}
