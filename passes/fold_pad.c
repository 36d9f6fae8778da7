/* fold-pad: zeros become the padding of the layer that reads them, and what pad adds crop does not
 * take away again. Rules, by the reader of a pad or crop, numbered as tried:
 *
 *     1. a convolution's first operand is a pad by zero: its padding grows by the pad's
 *     2. likewise an average pooling that counts its padding, or has none, and rounds down, when
 * the sum stays smaller than the kernel
 *     3. pad of pad by the same number, crop of crop: one node with the sums
 *     4. crop of pad: at each side only the difference is padded or cropped, crop first, so that a
 *        view is left and the pad can fold into its reader. Refused when the crop reaches all of
 *        what was padded and no pixel of the operand would be left.
 *
 * A maximum pooling keeps its pad: its own padding never wins, zeros may. Pads that others read
 * stay for them; what is left by nothing is for simplify and dead-code. */
#include "passes/rewrite.h"

static const char *border_attribute(OpKind op) {
    return op == OP_crop ? "margins" : "padding";
}

typedef struct Border {
    int64_t sides[4]; /* top, left, bottom, right */
} Border;

static Border node_border(const Node *node) {
    Border border;
    for (int i = 0; i < 4; i++)
        border.sides[i] = node_list(node, border_attribute(node->op)).items[i];
    return border;
}

static Border joined(Border a, Border b) {
    for (int i = 0; i < 4; i++)
        a.sides[i] += b.sides[i];
    return a;
}

static double pad_value(const Node *node) {
    return node->op == OP_pad ? node_number(node, "value") : 0;
}

/* The pad or crop before the node. */
static const Node *producer_of(const Node *node, OpKind op) {
    const Node *producer = node->operand_count > 0 ? node->operands[0]->producer : NULL;
    return producer != NULL && producer->op == op ? producer : NULL;
}

/* What infer refuses must not be made: sums stay below its limit. */
static bool within_limits(Border border) {
    for (int i = 0; i < 4; i++)
        if (border.sides[i] > 1 << 20)
            return false;
    return true;
}

/* The node reads the operand of the pad or crop before it, with `border` in place of its own. */
static void take_border(Graph *graph, Node *node, const Node *before, Border border) {
    node->operands[0] = before->operands[0];
    node_set_list(graph, node, border_attribute(node->op), border.sides, 4);
    if (node->op == OP_avg_pool)
        node_attribute(node, "count_padding")->flag = true;
}

/* Whether the cells of an average pooling's padding count, or could: where there are none. */
static bool counts_padding(const Node *node) {
    Border border = node_border(node);
    return node_flag(node, "count_padding") ||
           (border.sides[0] | border.sides[1] | border.sides[2] | border.sides[3]) == 0;
}

/* Rules 1 to 3: the node and the one before add up. */
static bool adds_up(const Node *node, const Node *before, Border sum) {
    switch (node->op) {
    case OP_conv:
        return before->op == OP_pad && pad_value(before) == 0;
    case OP_avg_pool:
        if (before->op != OP_pad || pad_value(before) != 0 || !counts_padding(node) ||
            node_flag(node, "ceil"))
            return false;
        for (int i = 0; i < 4; i++)
            if (sum.sides[i] >= node_list(node, "kernel").items[i % 2])
                return false;
        return true;
    case OP_pad:
    case OP_crop:
        return before->op == node->op && pad_value(before) == pad_value(node);
    default:
        return false;
    }
}

/* The pad or crop whose border the node can take over, and the sum of both; NULL without. */
static const Node *foldable(const Node *node, Border *sum) {
    const Node *before = producer_of(node, OP_pad);
    if (before == NULL)
        before = producer_of(node, OP_crop);
    if (before == NULL || (node->op != OP_conv && node->op != OP_avg_pool && node->op != OP_pad &&
                              node->op != OP_crop))
        return NULL;
    *sum = joined(node_border(node), node_border(before));
    return within_limits(*sum) && adds_up(node, before, *sum) ? before : NULL;
}

typedef struct NewBorder {
    const Border *border;
    double value; /* of a pad */
} NewBorder;

static void set_border(Graph *graph, Node *node, const void *context) {
    const NewBorder *new_border = context;
    node_set_list(graph, node, border_attribute(node->op), new_border->border->sides, 4);
    if (node->op == OP_pad)
        node_attribute(node, "value")->number = new_border->value;
}

/* Rule 4: what crop and pad come to. False where it is refused. */
static bool cancels(const Node *crop, Border *added, Border *taken) {
    const Node *pad = crop->op == OP_crop ? producer_of(crop, OP_pad) : NULL;
    if (pad == NULL)
        return false;
    *added = node_border(pad);
    *taken = node_border(crop);
    for (int i = 0; i < 4; i++) {
        int64_t both = added->sides[i] < taken->sides[i] ? added->sides[i] : taken->sides[i];
        added->sides[i] -= both;
        taken->sides[i] -= both;
    }
    const int64_t *size = pad->operands[0]->type.dims + 2;
    return taken->sides[0] + taken->sides[2] < size[0] &&
           taken->sides[1] + taken->sides[3] < size[1];
}

/* Returns the crop that is left, which may cancel with a pad before it. */
static Node *cancel(Graph *graph, Node *crop, const Border *added, const Border *taken) {
    Node *pad = crop->operands[0]->producer;
    Node *inner = insert_node(graph, crop, OP_crop, crop->path, &pad->operands[0], 1, set_border,
        &(NewBorder){.border = taken});
    Node *outer = insert_node(graph, crop, OP_pad, pad->path, &inner->results[0], 1, set_border,
        &(NewBorder){added, pad_value(pad)});
    replace_node(graph, crop, outer->results[0]);
    return inner;
}

bool pass_fold_pad(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        Border sum, added, taken;
        const Node *before;
        while ((before = foldable(node, &sum)) != NULL && pass_may_rewrite(context, node))
            take_border(graph, node, before, sum);
        if (cancels(node, &added, &taken) && pass_may_rewrite(context, node))
            next = cancel(graph, node, &added, &taken);
    }
    return true;
}
