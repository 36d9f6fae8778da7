/* merge-branches: a sum of two convolutions of one value becomes one convolution, whose filters are
 * the sums of theirs. Networks that are trained with parallel branches (RepVGG, MobileOne) compute
 * the same afterwards with a fraction of the work. The smaller window is put into the larger one
 * where its padding says: a 1x1 into the middle of a 3x3.
 *
 * Legal when
 *     1. both operands of the addition are convolutions of the same value, without a residual
 *     2. whose results have no other use and no activation
 *     3. which have one shape (else the addition repeats one of them)
 *     4. stride, dilation and groups are equal
 *     5. and the smaller window lies within the larger one, in rows and in columns. */
#include <riffle/pass.h>

#include <string.h>

static bool is_branch(riffle_graph *graph, riffle_node *node) {
    return graph->is(graph, node, "conv") && graph->operand_count(graph, node) == 1 &&
           graph->use_count(graph, graph->result(graph, node, 0)) == 1 &&
           strcmp(graph->choice(graph, node, "activation"), "none") == 0;
}

static bool same_shape(riffle_graph *graph, riffle_node *a, riffle_node *b) {
    riffle_shape x = graph->shape(graph, graph->result(graph, a, 0));
    riffle_shape y = graph->shape(graph, graph->result(graph, b, 0));
    return memcmp(x.dims, y.dims, sizeof x.dims) == 0;
}

static bool same_list(riffle_graph *graph, riffle_node *a, riffle_node *b, const char *name) {
    size_t count, other;
    const int64_t *x = graph->list(graph, a, name, &count),
                  *y = graph->list(graph, b, name, &other);
    return count == other && memcmp(x, y, count * sizeof *x) == 0;
}

/* Where the window of b begins in that of a, in rows and columns. False when it is not inside. */
static bool window_offset(riffle_graph *graph, riffle_node *a, riffle_node *b, int64_t offset[2]) {
    size_t count;
    const int64_t *outer = graph->list(graph, a, "padding", &count);
    const int64_t *inner = graph->list(graph, b, "padding", &count);
    const int64_t *dilation = graph->list(graph, a, "dilation", &count);
    riffle_shape large = graph->weight_shape(graph, graph->weight(graph, a, "weight"));
    riffle_shape small = graph->weight_shape(graph, graph->weight(graph, b, "weight"));
    for (int i = 0; i < 2; i++) {
        offset[i] = (outer[i] - inner[i]) / dilation[i];
        if (offset[i] < 0 || offset[i] * dilation[i] != outer[i] - inner[i] ||
            offset[i] + small.dims[2 + i] > large.dims[2 + i])
            return false;
    }
    return true;
}

static bool can_merge(riffle_graph *graph, riffle_node *a, riffle_node *b, int64_t offset[2]) {
    return is_branch(graph, a) && is_branch(graph, b) && /* 1, 2 */
           graph->operand(graph, a, 0) == graph->operand(graph, b, 0) &&
           same_shape(graph, a, b) &&                                                /* 3 */
           same_list(graph, a, b, "stride") && same_list(graph, a, b, "dilation") && /* 4 */
           graph->integer(graph, a, "groups") == graph->integer(graph, b, "groups") &&
           window_offset(graph, a, b, offset); /* 5 */
}

/* The weight of a plus that of b, which begins at the offset. Either may lack a bias. */
static riffle_weight *sum(riffle_graph *graph, riffle_node *a, riffle_node *b, const char *name,
    const int64_t offset[2]) {
    riffle_weight *first = graph->weight(graph, a, name), *second = graph->weight(graph, b, name);
    if (first == NULL || second == NULL)
        return first != NULL ? first : second;
    riffle_shape large = graph->weight_shape(graph, first);
    riffle_shape small = graph->weight_shape(graph, second);
    for (int i = large.rank; i < 4; i++)
        large.dims[i] = small.dims[i] = 1; /* a bias is a filter of one number */
    int64_t filters = large.dims[0] * large.dims[1], height = large.dims[2], width = large.dims[3];
    const float *x = graph->weight_data(graph, first), *y = graph->weight_data(graph, second);
    float *data = NULL;
    if (x != NULL && y != NULL) {
        size_t bytes = (size_t)(filters * height * width) * sizeof *data;
        data = memcpy(graph->allocate(graph, bytes), x, bytes);
        for (int64_t f = 0; f < filters; f++)
            for (int64_t row = 0; row < small.dims[2]; row++)
                for (int64_t column = 0; column < small.dims[3]; column++)
                    data[(f * height + offset[0] + row) * width + offset[1] + column] += *y++;
    }
    return graph->new_weight(graph, graph->weight_path(graph, first), large, data);
}

/* The new convolution takes the place of the addition, and its activation. */
static void merge(riffle_graph *graph, riffle_node *add, riffle_node *a, riffle_node *b,
    const int64_t offset[2]) {
    riffle_node *merged = graph->copy_node(graph, a);
    graph->set_weight(graph, merged, "weight", sum(graph, a, b, "weight", offset));
    graph->set_weight(graph, merged, "bias", sum(graph, a, b, "bias", (int64_t[]){0, 0}));
    graph->set_choice(graph, merged, "activation", graph->choice(graph, add, "activation"));
    graph->insert_node(graph, add, merged);
    graph->replace_uses(graph, graph->result(graph, add, 0), graph->result(graph, merged, 0));
    graph->remove_node(graph, add);
    graph->remove_node(graph, a);
    graph->remove_node(graph, b);
}

static bool run(riffle_graph *graph) {
    for (riffle_node *add = graph->first_node(graph), *next; add != NULL; add = next) {
        next = graph->next_node(graph, add);
        if (!graph->is(graph, add, "add"))
            continue;
        riffle_node *a = graph->producer(graph, graph->operand(graph, add, 0));
        riffle_node *b = graph->producer(graph, graph->operand(graph, add, 1));
        int64_t offset[2];
        if (can_merge(graph, a, b, offset)) {
            if (graph->may_rewrite(graph, add))
                merge(graph, add, a, b, offset);
        } else if (can_merge(graph, b, a, offset) && graph->may_rewrite(graph, add)) {
            merge(graph, add, b, a, offset);
        }
    }
    return true;
}

static const riffle_pass pass = {
    .name = "merge-branches",
    .summary = "Makes one convolution of two whose results are added.",
    .statistic = "one addition",
    .run = run,
};

static const riffle_pass_plugin plugin = {
    .abi_major = RIFFLE_PASS_ABI_MAJOR,
    .abi_minor = RIFFLE_PASS_ABI_MINOR,
    .name = "merge_branches",
    .passes = &pass,
    .pass_count = 1,
};

const riffle_pass_plugin *riffle_pass_plugin_entry(void) {
    return &plugin;
}
