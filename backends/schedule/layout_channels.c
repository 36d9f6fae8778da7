#include "backends/schedule/layout_channels.h"
#include "ir/arena.h"
#include "ir/graph.h"

const int64_t *layout_channels(Arena *arena, const Node *node, int result) {
    int64_t count = node->results[result]->type.dims[1];
    int64_t *channels = ARENA_ARRAY(arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        channels[i] = node_source_channel(node, result, i);
    return channels;
}
