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

/* What keeps an average pooling from taking over the pad before it; NULL: nothing. */
static const char *pooling_obstacle(const Node *node, Border sum) {
    if (!counts_padding(node))
        return "the pooling does not count its padding";
    if (node_flag(node, "ceil"))
        return "the size of the pooling's result is rounded up";
    for (int i = 0; i < 4; i++)
        if (sum.sides[i] >= node_list(node, "kernel").items[i % 2])
            return "the pooling's padding would be as large as its kernel";
    return NULL;
}

/* Rules 1 to 3: why the node and the one before, which could, do not add up; NULL: they do. */
static const char *obstacle(const Node *node, const Node *before, Border sum) {
    if (!within_limits(sum))
        return "together they are larger than riffle allows";
    if (node->op == before->op)
        return pad_value(before) == pad_value(node) ? NULL : "both pad by different numbers";
    if (pad_value(before) != 0)
        return "what is padded before it is not zeros";
    return node->op == OP_conv ? NULL : pooling_obstacle(node, sum);
}

/* The pad or crop whose border the node could take over. */
static const Node *border_before(const Node *node) {
    switch (node->op) {
    case OP_conv:
    case OP_avg_pool:
    case OP_pad:
        return producer_of(node, OP_pad);
    case OP_crop:
        return producer_of(node, OP_crop);
    default:
        return NULL;
    }
}

/* The pad or crop whose border the node can take over, and the sum of both; NULL without. */
static const Node *foldable(PassContext *context, const Node *node, Border *sum) {
    const Node *before = border_before(node);
    if (before == NULL)
        return NULL;
    *sum = joined(node_border(node), node_border(before));
    const char *missing = obstacle(node, before, *sum);
    if (missing != NULL)
        pass_missed(context, node, missing);
    return missing == NULL ? before : NULL;
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
static bool cancels(PassContext *context, const Node *crop, Border *added, Border *taken) {
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
    bool leaves =
        taken->sides[0] + taken->sides[2] < size[0] && taken->sides[1] + taken->sides[3] < size[1];
    if (!leaves)
        pass_missed(context, crop, "it leaves nothing of what is padded before it");
    return leaves;
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
        while ((before = foldable(context, node, &sum)) != NULL && pass_may_rewrite(context, node))
            take_border(graph, node, before, sum);
        if (cancels(context, node, &added, &taken) && pass_may_rewrite(context, node))
            next = cancel(graph, node, &added, &taken);
    }
    return true;
}
