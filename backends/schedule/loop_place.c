/* Places the instructions of a round beside its multiply-adds: see loop_schedule.c for what they
 * are. */
#include "backends/schedule/loop_place.h"
#include "backends/program/loop_schedule.h"
#include "backends/schedule/inner_products.h"
#include "backends/target/core.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <limits.h>

enum {
    VECTOR_REGISTERS = 32,
    MOST_INTEGERS = 8, /* beside pointers and the count */
    HALF_BYTES = 8,
    NEVER = INT_MAX
};

static const int64_t most_displacement = 4095 * HALF_BYTES;

/* ---- slots ---- */

int loop_cycle(const Placer *p, int cycle) {
    int rest = cycle % p->cycles;
    return rest < 0 ? rest + p->cycles : rest;
}

static bool is_open(const Placer *p, int cycle, bool load) {
    int at = loop_cycle(p, cycle);
    return p->issued[at] < (int)p->core->issue && (!load || p->loads[at] < (int)p->core->loads);
}

/* The first open cycle from one to another, both included; NEVER. */
static int first_open(const Placer *p, int from, int to, bool load) {
    for (int cycle = from; cycle <= to; cycle++)
        if (is_open(p, cycle, load))
            return cycle;
    return NEVER;
}

static int last_open(const Placer *p, int from, int to, bool load) {
    for (int cycle = to; cycle >= from; cycle--)
        if (is_open(p, cycle, load))
            return cycle;
    return NEVER;
}

static LoopAction *add_action(Placer *p, LoopActionKind kind, int cycle) {
    int at = loop_cycle(p, cycle);
    p->issued[at]++;
    p->loads[at] += kind == ACTION_LOAD || kind == ACTION_LOAD_LOW || kind == ACTION_LOAD_HIGH ||
                    kind == ACTION_PREFETCH;
    LoopAction *action = &p->actions[p->action_count++];
    *action = (LoopAction){.kind = kind, .cycle = cycle};
    return action;
}

static void add_access(Placer *p, LoopAction *action, int pointer, int64_t bytes) {
    action->pointer = pointer;
    action->bytes = bytes;
    if (action->cycle < p->first_access[pointer])
        p->first_access[pointer] = action->cycle;
    if (action->cycle > p->last_access[pointer])
        p->last_access[pointer] = action->cycle;
}

/* Whether two spans of cycles share one, round after round. */
static bool spans_meet(const Placer *p, int first, int last, int other_first, int other_last) {
    for (int cycle = first; cycle <= last; cycle++)
        for (int other = other_first; other <= other_last; other++)
            if (loop_cycle(p, cycle) == loop_cycle(p, other))
                return true;
    return false;
}

/* An integer register from one cycle to another; -1 where all are taken. */
static int take_integer(Placer *p, int first, int last) {
    for (int integer = 0; integer < MOST_INTEGERS; integer++) {
        bool taken = false;
        for (int i = 0; i < p->use_count && !taken; i++)
            taken = p->uses[i].integer == integer &&
                    spans_meet(p, first, last, p->uses[i].first, p->uses[i].last);
        if (taken)
            continue;
        p->uses[p->use_count++] = (IntegerUse){integer, first, last};
        if (integer >= p->integer_count)
            p->integer_count = integer + 1;
        return integer;
    }
    return -1;
}

/* ---- addresses ---- */

/* Displacements are whole multiples of what is loaded. */
static int64_t displacement_step(const Placer *p) {
    return p->halves ? HALF_BYTES : 2 * HALF_BYTES;
}

static int find_pointer(Placer *p, const InnerLoad *load) {
    int64_t step = displacement_step(p);
    for (int i = 0; i < p->pointer_count; i++) {
        const LoopPointer *pointer = &p->pointers[i];
        int64_t bytes = load->bytes - pointer->bytes;
        if (pointer->parameter == load->parameter && pointer->increment == load->increment &&
            bytes >= 0 && bytes % step == 0 && bytes + HALF_BYTES <= most_displacement &&
            expressions_are_equal(pointer->offset, load->offset))
            return i;
    }
    if (p->pointer_count == MOST_LOOP_POINTERS)
        return -1;
    p->first_access[p->pointer_count] = NEVER;
    p->last_access[p->pointer_count] = INT_MIN;
    p->pointers[p->pointer_count] = (LoopPointer){.parameter = load->parameter,
        .offset = load->offset,
        .bytes = load->bytes,
        .increment = load->increment};
    return p->pointer_count++;
}

/* ---- registers ---- */

/* How many weights are in registers at a time: as few as give loads time, of those whose number
 * divides that of all, so that each has the same one in each round. */
bool loop_choose_ring(Placer *p) {
    enum { ENOUGH_CYCLES = 14 };
    const InnerProducts *products = p->products;
    int weights = 0, values = 0;
    for (int i = 0; i < products->load_count; i++)
        *(products->loads[i].by_lane ? &values : &weights) += 1;
    int most = VECTOR_REGISTERS - products->sum_count - values;
    int uses = products->product_count / weights;
    for (int ring = 2; ring <= most && ring <= weights; ring++)
        if (weights % ring == 0) {
            p->ring = ring;
            if ((ring - 1) * uses >= ENOUGH_CYCLES)
                break;
        }
    p->vector_count = p->ring + values;
    bool any = products->type == LANE_F32; /* f16: lanes are taken of half of the registers */
    return p->ring > 0 && (any || values <= VECTOR_REGISTERS / 2);
}

static void earlier(int *cycle, int other) {
    if (other < *cycle)
        *cycle = other;
}

/* When the multiply-adds need what, and which register each load has. */
static void note_uses(Placer *p) {
    const InnerProducts *products = p->products;
    int count = products->load_count, value = p->ring, weight = 0;
    for (int i = 0; i < count; i++) {
        Loading *loading = &p->loading[i];
        loading->first_low = loading->first_high = NEVER;
        loading->last_use = -1;
        loading->vector = products->loads[i].by_lane ? value++ : weight++ % p->ring;
    }
    for (int i = 0; i < products->product_count; i++) {
        const InnerProduct *product = &products->products[i];
        Loading *by_lane = &p->loading[product->value], *whole = &p->loading[product->weight];
        earlier(&whole->first_low, p->begin[i]);
        earlier(&whole->first_high, p->begin[i]);
        earlier(product->lane < products->lanes / 2 ? &by_lane->first_low : &by_lane->first_high,
            p->begin[i]);
        whole->last_use = by_lane->last_use = p->begin[i];
    }
    for (int i = 0; i < count; i++) { /* the one before in the same register, maybe a round ago */
        Loading *loading = &p->loading[i];
        int before = INT_MIN;
        for (int j = 0; j < count; j++) {
            if (p->loading[j].vector != loading->vector)
                continue;
            int last = p->loading[j].last_use - (j < i ? 0 : p->cycles);
            before = last > before ? last : before;
        }
        loading->free = before;
    }
}

/* ---- placing ---- */

/* Evenly, behind a pause where there is time: what a round ends with is there when the next begins.
 */
static void place_products(Placer *p) {
    enum { LONGEST_PAUSE = 4 };
    int count = p->products->product_count, rate = (int)p->core->multiply_adds;
    int spare = p->cycles - (count - 1) / rate - 1;
    int pause = spare < LONGEST_PAUSE ? spare : LONGEST_PAUSE;
    for (int i = 0; i < count; i++) {
        const InnerProduct *product = &p->products->products[i];
        int cycle = pause + (int)((int64_t)i * (p->cycles - pause) / count);
        LoopAction *action = add_action(p, ACTION_MULTIPLY_ADD, cycle);
        action->sum = product->sum;
        action->lane = product->lane;
        p->begin[i] = cycle;
    }
    add_action(p, ACTION_COUNT, 0);
    add_action(p, ACTION_REPEAT, p->cycles - 1);
}

static void name_vectors(Placer *p) {
    for (int i = 0; i < p->products->product_count; i++) {
        p->actions[i].vector = p->loading[p->products->products[i].weight].vector;
        p->actions[i].value = p->loading[p->products->products[i].value].vector;
    }
}

static int latest_low(const Placer *p, const Loading *loading) {
    int needed = loading->first_low;
    earlier(&needed, loading->first_high);
    return needed - (int)p->core->load_latency;
}

static bool place_low(Placer *p, Loading *loading) {
    loading->low = first_open(p, loading->free, latest_low(p, loading), true);
    if (loading->low == NEVER)
        return false;
    LoopAction *action = add_action(p, p->halves ? ACTION_LOAD_LOW : ACTION_LOAD, loading->low);
    action->vector = loading->vector;
    add_access(p, action, loading->pointer, loading->bytes);
    return true;
}

static int latest_high(const Placer *p, const Loading *loading) {
    return loading->first_high - (int)p->core->vector_latency;
}

/* The later its load, the shorter an integer register is in use. */
static bool place_high(Placer *p, const Loading *loading) {
    enum { LONGEST_WAY = 12 };
    int latency = (int)p->core->load_latency;
    for (int insert = loading->low + latency; insert <= latest_high(p, loading); insert++) {
        int latest = insert - latency;
        int earliest = insert - LONGEST_WAY > -p->cycles ? insert - LONGEST_WAY : -p->cycles;
        int load = is_open(p, insert, false) ? last_open(p, earliest, latest, true) : NEVER;
        int integer = load == NEVER ? -1 : take_integer(p, load, insert);
        if (integer < 0)
            continue;
        LoopAction *action = add_action(p, ACTION_LOAD_HIGH, load);
        action->integer = integer;
        add_access(p, action, loading->pointer, loading->bytes + HALF_BYTES);
        action = add_action(p, ACTION_INSERT_HIGH, insert);
        action->integer = integer;
        action->vector = loading->vector;
        return true;
    }
    return false;
}

/* How many cycles there are to choose from. */
static int slack_of(const Placer *p, const Loading *loading, bool high) {
    return high ? latest_high(p, loading) - loading->low - (int)p->core->load_latency
                : latest_low(p, loading) - loading->free;
}

/* Those with the least to choose from first, so that the others go around them. */
static bool place_loads(Placer *p, bool high, Arena *scratch) {
    int count = p->products->load_count;
    bool *placed = ARENA_ARRAY(scratch, bool, count);
    for (int turn = 0; turn < count; turn++) {
        int next = -1;
        for (int i = 0; i < count; i++)
            if (!placed[i] && (next < 0 || slack_of(p, &p->loading[i], high) <
                                               slack_of(p, &p->loading[next], high)))
                next = i;
        placed[next] = true;
        if (high && p->loading[next].first_high == NEVER)
            continue;
        if (!(high ? place_high(p, &p->loading[next]) : place_low(p, &p->loading[next])))
            return false;
    }
    return true;
}

static bool place_prefetches(Placer *p) {
    for (int i = 0; i < p->products->prefetch_count; i++) {
        const InnerLoad *prefetch = &p->products->prefetches[i];
        int pointer = find_pointer(p, prefetch);
        int cycle = first_open(p, 0, p->cycles - 1, true);
        if (pointer < 0 || cycle == NEVER)
            return false;
        add_access(p, add_action(p, ACTION_PREFETCH, cycle), pointer,
            prefetch->bytes - p->pointers[pointer].bytes);
    }
    return true;
}

/* A pointer moves on in the round before, where it is known whether there is another one: behind
 * the last access of that round, before the first for the next. */
static bool move_pointer(Placer *p, int pointer) {
    int first = p->first_access[pointer] < 0 ? p->first_access[pointer] : 0;
    int last = p->last_access[pointer] - p->cycles;
    int counted = -p->cycles; /* ACTION_COUNT */
    int choose = last_open(p, (last > counted ? last : counted) + 1, first - 1, false);
    if (choose == NEVER)
        return false;
    int next = last_open(
        p, counted > choose - p->cycles ? counted : choose - p->cycles + 1, choose - 1, false);
    int integer = next == NEVER ? -1 : take_integer(p, next, choose);
    if (integer < 0)
        return false;
    LoopAction *action = add_action(p, ACTION_NEXT, next);
    action->integer = integer;
    action->pointer = pointer;
    action->bytes = p->pointers[pointer].increment;
    action = add_action(p, ACTION_CHOOSE, choose);
    action->integer = integer;
    action->pointer = pointer;
    return true;
}

static bool move_pointers(Placer *p) {
    for (int i = 0; i < p->pointer_count; i++)
        if (p->pointers[i].increment != 0 && !move_pointer(p, i))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool point_loads(Placer *p) {
    for (int i = 0; i < p->products->load_count; i++) {
        const InnerLoad *load = &p->products->loads[i];
        p->loading[i].pointer = find_pointer(p, load);
        if (p->loading[i].pointer < 0)
            return false;
        p->loading[i].bytes = load->bytes - p->pointers[p->loading[i].pointer].bytes;
    }
    return true;
}

bool loop_place(Placer *p, Arena *scratch) {
    place_products(p);
    note_uses(p);
    name_vectors(p);
    return point_loads(p) && place_loads(p, false, scratch) &&
           (!p->halves || place_loads(p, true, scratch)) && place_prefetches(p) && move_pointers(p);
}
