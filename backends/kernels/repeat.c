/* Parts of a kernel whose code is alike but for places. Next to a shuffle, the channels of a tensor
 * lie in as many pieces as there are groups, a few numbers each: code of its own for each piece is
 * most of what a compiler would get to see of a ShuffleNet. */
#include "backends/kernels/repeat.h"
#include "ir/kernel.h"
#include <stdbool.h>

/* Whether `part` is `first`, `turns` steps further on. */
static bool lies_steps_on(
    const RepeatPart *part, const RepeatPart *first, const int64_t *steps, int turns) {
    if (part->kind != first->kind)
        return false;
    for (int i = 0; i < MOST_PLACES; i++)
        if (part->places[i] != first->places[i] + turns * steps[i])
            return false;
    return true;
}

static void set_steps(const RepeatPart *from, const RepeatPart *to, int64_t *steps) {
    for (int i = 0; i < MOST_PLACES; i++)
        steps[i] = to->places[i] - from->places[i];
}

/* How many parts from the first on are a loop of one level. */
static int count_turns(const RepeatPart *parts, int count, int64_t *steps) {
    int turns = 1;
    if (count > 1)
        set_steps(&parts[0], &parts[1], steps);
    while (turns < count && lies_steps_on(&parts[turns], &parts[0], steps, turns))
        turns++;
    return turns;
}

/* Whether the inner loop begins again at parts[0]. */
static bool turns_again(const RepeatPart *parts, int count, const Repeat *repeat) {
    if (count < repeat->counts[1])
        return false;
    for (int i = 1; i < repeat->counts[1]; i++)
        if (!lies_steps_on(&parts[i], &parts[0], repeat->steps[1], i))
            return false;
    return true;
}

Repeat find_repeat(const RepeatPart *parts, int count) {
    Repeat repeat = {.counts = {1, 1}};
    int inner = repeat.counts[1] = count_turns(parts, count, repeat.steps[1]);
    if (count > inner)
        set_steps(&parts[0], &parts[inner], repeat.steps[0]);
    for (int first = inner; first < count; first += inner) {
        if (!turns_again(&parts[first], count - first, &repeat) ||
            !lies_steps_on(&parts[first], &parts[0], repeat.steps[0], repeat.counts[0]))
            break;
        repeat.counts[0]++;
    }
    repeat.count = repeat.counts[0] * inner;
    return repeat;
}

void open_repeat(KernelBuilder *builder, const char *name, const Repeat *repeat,
    const Expression *places[MOST_PLACES]) {
    const Expression *turns[2];
    for (int level = 0; level < 2; level++)
        turns[level] = kernel_open_range(builder, name, 0, repeat->counts[level], 1);
    for (int i = 0; i < MOST_PLACES; i++)
        places[i] = expression_add(builder->arena,
            expression_multiply(builder->arena, turns[0], repeat->steps[0][i]),
            expression_multiply(builder->arena, turns[1], repeat->steps[1][i]));
}

void close_repeat(KernelBuilder *builder) {
    kernel_close(builder);
    kernel_close(builder);
}
