/* Attributes of random graphs: small numbers, more often such that ops go together. */
#include "ir/formula.h"
#include "passes/random_numbers.h"
#include "passes/rules/random_graph.h"

#include <string.h>

int64_t random_pick(GraphMaker *maker, int64_t least, int64_t most) {
    return least + (int64_t)(random_bits(&maker->state) % (uint64_t)(most - least + 1));
}

bool random_chance(GraphMaker *maker, int percent) {
    return random_pick(maker, 0, 99) < percent;
}

/* ---- attributes ---- */

IntegerList random_list(GraphMaker *maker, size_t count, int64_t least, int64_t most) {
    int64_t *items = ARENA_ARRAY(maker->arena, int64_t, count + 1);
    bool equal = random_chance(maker, 60);
    for (size_t i = 0; i < count; i++)
        items[i] = equal && i > 0 ? items[0] : random_pick(maker, least, most);
    return (IntegerList){items, count};
}

IntegerList random_kernel(GraphMaker *maker) {
    return random_chance(maker, 40) ? random_list(maker, 2, 1, 1) : random_list(maker, 2, 1, 3);
}

/* Each channel once, or any, in any order. */
static IntegerList pick_channels(GraphMaker *maker, int64_t channels) {
    int64_t *items = ARENA_ARRAY(maker->arena, int64_t, channels + 1);
    if (random_chance(maker, 20))
        return random_list(maker, (size_t)random_pick(maker, 1, channels), 0, channels - 1);
    for (int64_t i = 0; i < channels; i++)
        items[i] = i;
    for (int64_t i = channels - 1; i > 0 && random_chance(maker, 80); i--) {
        int64_t k = random_pick(maker, 0, i), item = items[i];
        items[i] = items[k];
        items[k] = item;
    }
    return (IntegerList){items, (size_t)channels};
}

static IntegerList pick_sizes(GraphMaker *maker, int64_t channels) {
    int64_t *items = ARENA_ARRAY(maker->arena, int64_t, 2);
    if (channels < 2 || random_chance(maker, 15)) {
        items[0] = channels;
        return (IntegerList){items, 1};
    }
    items[0] = random_chance(maker, 60) ? channels / 2 : random_pick(maker, 1, channels - 1);
    items[1] = channels - items[0];
    return (IntegerList){items, 2};
}

static IntegerList pick_list_attribute(
    GraphMaker *maker, const Node *node, const OpAttribute *attribute) {
    const char *name = attribute->name;
    int64_t channels =
        node->operand_count > 0 ? tensor_channels(&node->operands[0]->type) : maker->channels;
    if (strcmp(name, "padding") == 0 || strcmp(name, "margins") == 0)
        return random_list(maker, 4, 0, 2);
    if (strcmp(name, "kernel") == 0)
        return random_kernel(maker);
    if (strcmp(name, "stride") == 0 || strcmp(name, "dilation") == 0)
        return random_list(maker, 2, 1, 2);
    if (strcmp(name, "size") == 0)
        return random_list(maker, 2, 1, 9);
    if (strcmp(name, "sizes") == 0)
        return pick_sizes(maker, channels);
    if (strcmp(name, "channels") == 0)
        return pick_channels(maker, channels);
    return op_attribute_default(attribute, maker->arena).list;
}

static const Formula *pick_formula(GraphMaker *maker) {
    static const OpKind elements[] = {OP_relu, OP_relu6, OP_sigmoid, OP_hard_swish};
    if (random_chance(maker, 40))
        return NULL;
    return formula_of_element(maker->graph->arena, elements[random_pick(maker, 0, 3)], NULL);
}

static int64_t count_words(const char *name) {
    int64_t count = 0;
    while (choice_words(name)[count] != NULL)
        count++;
    return count;
}

void random_attribute(GraphMaker *maker, Node *node, const OpAttribute *attribute) {
    Attribute *slot = node_attribute(node, attribute->name);
    int64_t channels =
        node->operand_count > 0 ? tensor_channels(&node->operands[0]->type) : maker->channels;
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        slot->integer = strcmp(attribute->name, "groups") != 0 ? random_pick(maker, 1, 3)
                        : random_chance(maker, 30)             ? channels
                                                               : random_pick(maker, 1, 2);
        return;
    case ATTRIBUTE_NUMBER:
        slot->number = (double)random_pick(maker, -4, 8) / 4;
        return;
    case ATTRIBUTE_FLAG:
        slot->flag = random_chance(maker, 50);
        return;
    case ATTRIBUTE_CHOICE:
        slot->integer = random_pick(maker, 0, count_words(attribute->name) - 1);
        return;
    case ATTRIBUTE_LIST: {
        IntegerList list = pick_list_attribute(maker, node, attribute);
        node_set_list(maker->graph, node, attribute->name, list.items, list.count);
        return;
    }
    case ATTRIBUTE_FORMULA:
        slot->formula = pick_formula(maker);
        return;
    }
}
