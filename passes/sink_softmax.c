/* sink-softmax: softmax(rearrange(x)) becomes rearrange(softmax(x)) when the rearrange keeps the
 * channels. Exporters bring the channels to the end, take a softmax there, and bring them back:
 * the two rearranges then meet, and merge-rearrange drops them.
 *
 * Legal when
 *     1. the rearrange puts all channels of a pixel where they were, in some pixel
 *     2. and nobody else reads its result.
 * Values are the same: a softmax looks at one pixel. Where pixels are repeated, it is computed
 * fewer times. */
#include "ir/index_map.h"
#include "passes/rewrite.h"

static bool keeps_channels(const Node *node) {
    IndexMap map;
    return index_map_of(node, &map) && index_map_keeps_channels(&map);
}

bool pass_sink_softmax(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        Node *layout = node->op == OP_softmax ? node->operands[0]->producer : NULL;
        if (layout == NULL || layout->op != OP_rearrange)
            continue;
        const char *missing = !keeps_channels(layout) /* 1 */
                                  ? "the rearrange before it moves channels"
                                  : !used_once(graph, layout->results[0]) /* 2 */
                                        ? "the result of the rearrange before it has another use"
                                        : NULL;
        if (missing != NULL)
            pass_missed(context, node, missing);
        if (missing != NULL || !pass_may_rewrite(context, node))
            continue;
        layout->operands[0] =
            insert_node(graph, layout, OP_softmax, node->path, layout->operands, 1, NULL, NULL)
                ->results[0];
        replace_node(graph, node, layout->results[0]);
    }
    return true;
}
