/* Which layers share a kernel, row by row. */
#include "backends/schedule/chains.h"
#include "backends/program/lowering.h"
#include "backends/program/options.h"
#include "backends/schedule/chain_cost.h"
#include "backends/schedule/tuning.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/graph.h"

static bool is_row_node(const Node *node) {
    return node->op == OP_conv || node->op == OP_max_pool || node->op == OP_avg_pool ||
           node->op == OP_pad;
}

const Node *lowering_chain_next(const Lowering *lowering, const Node *node) {
    return node->result_count == 1 ? lowering->chain_next[node->results[0]->id] : NULL;
}

const Node *lowering_chain_previous(const Lowering *lowering, const Node *node) {
    const Node *previous = node->operand_count > 0 ? node->operands[0]->producer : NULL;
    return previous && lowering_chain_next(lowering, previous) == node ? previous : NULL;
}

/* The nodes from the head of the chain to `last`, at most MOST_CHAIN. */
int chain_nodes(const Lowering *lowering, const Node *last, const Node **nodes) {
    int count = 0;
    for (const Node *node = last; node; node = lowering_chain_previous(lowering, node))
        nodes[count++] = node;
    for (int i = 0; i < count / 2; i++) {
        const Node *swapped = nodes[i];
        nodes[i] = nodes[count - 1 - i];
        nodes[count - 1 - i] = swapped;
    }
    return count;
}

/* Numbered as docs/kernels.md lists them. */
static bool may_link(
    const Lowering *lowering, const Node *node, const Node *next, const int *uses) {
    const Value *value = node->results[0];
    const Node *nodes[MOST_CHAIN + 1];
    WinogradBlock block;
    /* 1. both can compute row by row */
    if (!is_row_node(node) || !is_row_node(next) || value->type.element == ELEMENT_U8 ||
        lowering_takes_winograd(lowering, node, &block) ||
        lowering_takes_winograd(lowering, next, &block))
        return false;
    /* 2. nobody else reads what lies between, and it is no residual */
    if (uses[value->id] != 1 || next->operands[0] != value)
        return false;
    /* 3. nor is it written to an output or into a route's buffer */
    if (lowering->outputs[value->id] || lowering->claims[value->id])
        return false;
    /* 4. the rings of the whole chain fit */
    int count = chain_nodes(lowering, node, nodes);
    if (count == MOST_CHAIN)
        return false;
    double apart = chain_cycles(lowering, nodes, count) + chain_cycles(lowering, &next, 1);
    nodes[count++] = next;
    if (chain_strips(lowering, nodes, count) == 0)
        return false;
    /* 5. and take no more time than two kernels */
    bool joined;
    if (lowering->chains == CHAINS_BY_COST && tuning_link(lowering->target, node, next, &joined))
        return joined;
    return lowering->chains == CHAINS_ALWAYS || chain_cycles(lowering, nodes, count) <= apart;
}

void lowering_find_chains(Lowering *lowering) {
    const Graph *graph = lowering->graph;
    lowering->chain_next = ARENA_ARRAY(lowering->arena, const Node *, graph->next_value_id + 1);
    const int *uses = graph_use_counts(graph, lowering->arena);
    if (lowering->chains == CHAINS_NEVER)
        return;
    for (const Node *next = graph->first; next; next = next->next) {
        const Node *node = next->operand_count > 0 ? next->operands[0]->producer : NULL;
        if (node && node->result_count == 1 && may_link(lowering, node, next, uses))
            lowering->chain_next[node->results[0]->id] = next;
    }
}
