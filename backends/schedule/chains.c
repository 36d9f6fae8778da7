/* Which layers share a kernel, row by row. */
#include "backends/schedule/chains.h"
#include "backends/program/options.h"
#include "backends/schedule/chain_cost.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/stored.h"
#include "backends/schedule/tuning.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/graph.h"

const Node *chain_next(const Decisions *decisions, const Node *node) {
    return node->result_count == 1 ? decisions->chain_next[node->results[0]->id] : NULL;
}

const Node *chain_previous(const Decisions *decisions, const Node *node) {
    const Node *previous = node->operand_count > 0 ? node->operands[0]->producer : NULL;
    return previous && chain_next(decisions, previous) == node ? previous : NULL;
}

int chain_nodes(const Decisions *decisions, const Node *last, const Node **nodes) {
    int count = 0;
    for (const Node *node = last; node; node = chain_previous(decisions, node))
        nodes[count++] = node;
    for (int i = 0; i < count / 2; i++) {
        const Node *swapped = nodes[i];
        nodes[i] = nodes[count - 1 - i];
        nodes[count - 1 - i] = swapped;
    }
    return count;
}

/* By how much a chain must be faster than its parts, by the model. Tensors of bytes are small: what
 * a chain saves of their traffic is about as much as the model errs by. */
static double worth_of(const Value *between) {
    static const double of_bytes = 0.9;
    return between->type.element == ELEMENT_U8 ? of_bytes : 1;
}

/* Numbered as docs/kernels.md lists them. */
static bool may_link(
    const Decisions *decisions, const Node *node, const Node *next, const int *uses) {
    const Value *value = node->results[0];
    const Node *nodes[MOST_CHAIN + 1];
    WinogradBlock block;
    /* 1. both can compute row by row */
    if (!computes_rows(node) || !computes_rows(next) || takes_winograd(decisions, node, &block) ||
        takes_winograd(decisions, next, &block))
        return false;
    /* 2. nobody else reads what lies between, and it is no residual */
    if (uses[value->id] != 1 || next->operands[0] != value)
        return false;
    /* 3. nor is it written to an output or into a route's buffer */
    if (lies_elsewhere(decisions, value) || decisions->claims[value->id])
        return false;
    /* 4. the rings of the whole chain fit */
    int count = chain_nodes(decisions, node, nodes);
    if (count == MOST_CHAIN)
        return false;
    double apart = chain_cycles(decisions->compilation, nodes, count) +
                   chain_cycles(decisions->compilation, &next, 1);
    nodes[count++] = next;
    if (chain_strips(decisions, nodes, count) == 0)
        return false;
    /* 5. and take no more time than two kernels, unless they spare a picture of floats */
    bool joined;
    if (decisions->compilation->options.chains == CHAINS_BY_COST &&
        tuning_link(decisions->compilation, node, next, &joined))
        return joined;
    if (node->op == OP_pixels)
        return true;
    return decisions->compilation->options.chains == CHAINS_ALWAYS ||
           chain_cycles(decisions->compilation, nodes, count) <= apart * worth_of(value);
}

void find_chains(Decisions *decisions) {
    const Graph *graph = decisions->graph;
    decisions->chain_next = ARENA_ARRAY(decisions->arena, const Node *, graph->next_value_id + 1);
    const int *uses = graph_use_counts(graph, decisions->arena);
    if (decisions->compilation->options.chains == CHAINS_NEVER)
        return;
    for (const Node *next = graph->first; next; next = next->next) {
        const Node *node = next->operand_count > 0 ? next->operands[0]->producer : NULL;
        if (node && node->result_count == 1 && may_link(decisions, node, next, uses))
            decisions->chain_next[node->results[0]->id] = next;
    }
}
