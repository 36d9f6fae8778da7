/* The order of an inner loop's instructions on a core that takes them as they come.
 *
 * The multiply-adds set the pace, weight after weight; beside them stand the loads of what comes
 * later. On cores that nothing begins beside a load of a full vector (Core.wide_load_blocks), a
 * vector is two loads of half of it, of which the second goes through an integer register. A value
 * that multiply-adds take lanes of has a register of its own; weights share a ring of them. A load
 * may begin when its register is no longer read, and must be there when it is needed: where that is
 * before the round begins, it stands at the end of the round before. In the last round there is
 * nothing to load for the next: its pointers stay, so that what is loaded there is what was loaded
 * already.
 *
 * Cycles of a round are numbered from 0; negative ones are those of the round before. */
#include "backends/schedule/loop_schedule.h"
#include "backends/program/loop_schedule.h"
#include "backends/schedule/inner_products.h"
#include "backends/schedule/loop_place.h"
#include "backends/target/core.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <stdbool.h>

static int round_up(int number, double rate) {
    int whole = (int)(number / rate);
    return whole * rate < number ? whole + 1 : whole;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* Fewer cycles than that a round cannot take. */
static int least_cycles(const Placer *p) {
    const InnerProducts *products = p->products;
    const Core *core = p->core;
    int count = products->product_count, loads = (p->halves ? 2 : 1) * products->load_count;
    int inserts = p->halves ? products->load_count : 0, most = 0;
    for (int sum = 0; sum < products->sum_count; sum++) {
        int chain = 0;
        for (int i = 0; i < count; i++)
            chain += products->products[i].sum == sum;
        most = larger(most, chain);
    }
    int pointers = 2 * 2 + products->prefetch_count; /* at least */
    int all = count + loads + inserts + 2 + pointers;
    return larger(larger(round_up(count, core->multiply_adds), round_up(loads, core->loads)),
        larger(round_up(all, core->issue), most * (int)core->multiply_add_latency));
}

/* Within a cycle multiply-adds first: what is loaded then may overwrite what they read. */
static int rank_of(const LoopAction *action) {
    return action->kind == ACTION_MULTIPLY_ADD ? 0 : action->kind == ACTION_REPEAT ? 2 : 1;
}

/* By cycle: all, or those that stand before the first round. */
static const LoopAction *sorted_actions(const Placer *p, bool before, int *count, Arena *arena) {
    LoopAction *sorted = ARENA_ARRAY(arena, LoopAction, p->action_count + 1);
    *count = 0;
    for (int cycle = before ? -p->cycles : 0; cycle < (before ? 0 : p->cycles); cycle++)
        for (int rank = 0; rank < 3; rank++)
            for (int i = 0; i < p->action_count; i++) {
                const LoopAction *action = &p->actions[i];
                int at = before ? action->cycle : loop_cycle(p, action->cycle);
                bool moves = action->kind == ACTION_NEXT || action->kind == ACTION_CHOOSE;
                if (at != cycle || rank_of(action) != rank || (before && moves))
                    continue;
                sorted[*count] = *action;
                sorted[(*count)++].cycle = cycle;
            }
    return sorted;
}

static LoopSchedule *finish(const Placer *p, const Statement *loop, Arena *arena) {
    LoopSchedule *schedule = ARENA_NEW(arena, LoopSchedule);
    *schedule = (LoopSchedule){.loop = loop,
        .sums = p->products->sums,
        .sum_count = p->products->sum_count,
        .vector_count = p->vector_count,
        .first_value = p->ring,
        .type = p->products->type,
        .integer_count = p->integer_count,
        .pointers = p->pointers,
        .pointer_count = p->pointer_count,
        .cycles = p->cycles,
        .multiply_adds = p->products->product_count};
    schedule->before = sorted_actions(p, true, &schedule->before_count, arena);
    schedule->round = sorted_actions(p, false, &schedule->round_count, arena);
    return schedule;
}

LoopSchedule *loop_schedule_make(
    const Statement *loop, const InnerProducts *products, const Core *core, Arena *arena) {
    enum { LEAST_PRODUCTS = 8 };
    Placer blank = {.products = products, .core = core, .halves = core->wide_load_blocks > 0};
    if (products->product_count < LEAST_PRODUCTS || !loop_choose_ring(&blank))
        return NULL;
    int least = least_cycles(&blank), most = 2 * least;
    int actions = products->product_count + 3 * products->load_count + products->prefetch_count +
                  2 * MOST_LOOP_POINTERS + 2;
    LoopSchedule *schedule = NULL;
    for (int cycles = least; cycles <= most && schedule == NULL; cycles++) {
        Arena *scratch = arena_create();
        Placer placer = blank;
        placer.cycles = cycles;
        placer.issued = ARENA_ARRAY(scratch, int, cycles);
        placer.loads = ARENA_ARRAY(scratch, int, cycles);
        placer.begin = ARENA_ARRAY(scratch, int, products->product_count);
        placer.loading = ARENA_ARRAY(scratch, Loading, products->load_count);
        placer.pointers = ARENA_ARRAY(arena, LoopPointer, MOST_LOOP_POINTERS);
        placer.actions = ARENA_ARRAY(scratch, LoopAction, actions);
        placer.uses = ARENA_ARRAY(scratch, IntegerUse, actions);
        if (loop_place(&placer, scratch))
            schedule = finish(&placer, loop, arena);
        arena_destroy(scratch);
    }
    return schedule;
}

typedef struct Found {
    const Kernel *kernel;
    const Core *core;
    LoopSchedule *last;
    Arena *arena;
} Found;

static void schedule_block(Found *found, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind == STATEMENT_IF || statement->kind == STATEMENT_FOR)
            schedule_block(found, &statement->body);
        if (statement->kind != STATEMENT_FOR)
            continue;
        const InnerProducts *products = inner_products(found->kernel, statement, found->arena);
        LoopSchedule *schedule =
            products ? loop_schedule_make(statement, products, found->core, found->arena) : NULL;
        if (schedule)
            found->last = found->last->next = schedule;
    }
}

const LoopSchedule *loop_schedules_make(
    Kernel *const *kernels, int kernel_count, const Target *target, Arena *arena) {
    const Core *core = core_find(target->cpu);
    if (target->architecture != ARCHITECTURE_AARCH64 || core == NULL || !core->in_order)
        return NULL;
    LoopSchedule first = {0};
    Found found = {.core = core, .last = &first, .arena = arena};
    for (int i = 0; i < kernel_count; i++) {
        found.kernel = kernels[i];
        schedule_block(&found, &kernels[i]->body);
    }
    return first.next;
}
