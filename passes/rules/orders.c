/* Orders of channels in rules: lists of the channels that are taken, as `gather` has them. */
#include "passes/rules/match.h"

enum { MOST_CHANNELS = 1 << 20 };

static RuleDatum list_datum(int64_t *items, int64_t count) {
    return (RuleDatum){.kind = RULE_DATUM_LIST, .list = {items, (size_t)count}};
}

/* Whether the list holds each of the first numbers once; places[n] is then where n stands. */
static bool find_places(IntegerList list, int64_t *places) {
    int64_t count = (int64_t)list.count;
    for (int64_t i = 0; i < count; i++)
        places[i] = -1;
    for (int64_t i = 0; i < count; i++) {
        int64_t item = list.items[i];
        if (item < 0 || item >= count || places[item] >= 0)
            return false;
        places[item] = i;
    }
    return true;
}

static RuleDatum range(RuleMatch *match, const RuleExpression *call, RuleDatum count) {
    if (count.kind != RULE_DATUM_INTEGER || count.integer < 0 || count.integer > MOST_CHANNELS)
        return rule_fault(match, call, "'range' takes a number from 0 to %d", MOST_CHANNELS);
    int64_t *items = ARENA_ARRAY(match->arena, int64_t, count.integer + 1);
    for (int64_t i = 0; i < count.integer; i++)
        items[i] = i;
    return list_datum(items, count.integer);
}

static RuleDatum through(
    RuleMatch *match, const RuleExpression *call, IntegerList first, IntegerList second) {
    int64_t *items = ARENA_ARRAY(match->arena, int64_t, second.count + 1);
    for (size_t i = 0; i < second.count; i++) {
        if (second.items[i] < 0 || second.items[i] >= (int64_t)first.count)
            return rule_fault(match, call, "the list has no item %lld", (long long)second.items[i]);
        items[i] = first.items[second.items[i]];
    }
    return list_datum(items, (int64_t)second.count);
}

static RuleDatum inverse(RuleMatch *match, const RuleExpression *call, IntegerList list) {
    int64_t *places = ARENA_ARRAY(match->arena, int64_t, list.count + 1);
    return find_places(list, places)
               ? list_datum(places, (int64_t)list.count)
               : rule_fault(match, call, "only an order can be undone: 'is_order' tells");
}

/* Groups of channels side by side become one channel of each in turn. */
static RuleDatum shuffled(
    RuleMatch *match, const RuleExpression *call, RuleDatum channels, RuleDatum groups) {
    bool good = channels.kind == RULE_DATUM_INTEGER && groups.kind == RULE_DATUM_INTEGER &&
                channels.integer > 0 && channels.integer <= MOST_CHANNELS && groups.integer > 0 &&
                channels.integer % groups.integer == 0;
    if (!good)
        return rule_fault(
            match, call, "'shuffled' takes a number of channels, and of groups that divides it");
    int64_t *items = ARENA_ARRAY(match->arena, int64_t, channels.integer + 1);
    int64_t of_group = channels.integer / groups.integer;
    for (int64_t i = 0; i < channels.integer; i++)
        items[i] = i % groups.integer * of_group + i / groups.integer;
    return list_datum(items, channels.integer);
}

RuleDatum rule_order_call(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    if (call->function == RULE_range)
        return range(match, call, items[0]);
    if (call->function == RULE_shuffled)
        return shuffled(match, call, items[0], items[1]);
    for (int i = 0; i < call->count; i++)
        if (items[i].kind != RULE_DATUM_LIST)
            return rule_fault(
                match, call, "a list is wanted, not %s", rule_datum_describe(items[i]));
    if (call->function == RULE_through)
        return through(match, call, items[0].list, items[1].list);
    if (call->function == RULE_inverse)
        return inverse(match, call, items[0].list);
    int64_t *places = ARENA_ARRAY(match->arena, int64_t, items[0].list.count + 1);
    return rule_boolean(find_places(items[0].list, places));
}
