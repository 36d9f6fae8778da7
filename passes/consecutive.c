/* The PQ-tree of consecutive.h.
 *
 * A leaf is an element. The children of a P node may stand in any order, those of a Q node in the
 * given one or its reverse. Nodes are never changed once made, so a step that fails leaves the old
 * tree as it was. */
#include "passes/consecutive.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef enum TreeKind { TREE_LEAF, TREE_P, TREE_Q } TreeKind;

typedef struct Tree Tree;
struct Tree {
    TreeKind kind;
    int64_t element; /* LEAF; -1 is the mark at the left end */
    Tree **children;
    int64_t child_count, leaf_count;
    int64_t member_count; /* leaves in the set of the present step */
    int64_t key;          /* smallest of the leaves, while an order is chosen */
};

struct ConsecutiveOrders {
    Arena *arena;
    int64_t count;
    Tree *root;
};

/* A list of subtrees that are going to stand side by side. */
typedef struct Row {
    Tree **trees;
    int64_t count;
} Row;

static Tree *make_leaf(Arena *arena, int64_t element) {
    Tree *leaf = ARENA_NEW(arena, Tree);
    *leaf = (Tree){.kind = TREE_LEAF, .element = element, .leaf_count = 1};
    return leaf;
}

/* A node over copies of the pointers; a single child stands for itself. NULL for no child. */
static Tree *make_node(Arena *arena, TreeKind kind, Tree *const *children, int64_t count) {
    if (count <= 1)
        return count == 1 ? children[0] : NULL;
    Tree *tree = ARENA_NEW(arena, Tree);
    *tree = (Tree){.kind = kind, .child_count = count};
    tree->children = ARENA_ARRAY(arena, Tree *, count);
    memcpy(tree->children, children, (size_t)count * sizeof *children);
    for (int64_t i = 0; i < count; i++) {
        tree->leaf_count += children[i]->leaf_count;
        tree->member_count += children[i]->member_count;
    }
    return tree;
}

ConsecutiveOrders *consecutive_orders(Arena *arena, int64_t count, const bool *starts) {
    ConsecutiveOrders *orders = ARENA_NEW(arena, ConsecutiveOrders);
    Tree **blocks = ARENA_ARRAY(arena, Tree *, count + 1);
    Tree **leaves = ARENA_ARRAY(arena, Tree *, count);
    int64_t block_count = 0;
    for (int64_t i = 0; i < count; i++)
        leaves[i] = make_leaf(arena, i);
    /* A Q node whose first child is no member of any set keeps the blocks in their places: one of
     * its two directions has the mark at the left. */
    blocks[block_count++] = make_leaf(arena, -1);
    for (int64_t first = 0; first < count;) {
        int64_t end = first + 1;
        while (end < count && !(starts != NULL && starts[end]))
            end++;
        blocks[block_count++] = make_node(arena, TREE_P, leaves + first, end - first);
        first = end;
    }
    *orders = (ConsecutiveOrders){arena, count, make_node(arena, TREE_Q, blocks, block_count)};
    return orders;
}

/* ---- one step ---- */

static void count_members(Tree *tree, const bool *members) {
    if (tree->kind == TREE_LEAF) {
        tree->member_count = tree->element >= 0 && members[tree->element];
        return;
    }
    tree->member_count = 0;
    for (int64_t i = 0; i < tree->child_count; i++) {
        count_members(tree->children[i], members);
        tree->member_count += tree->children[i]->member_count;
    }
}

static bool is_empty(const Tree *tree) {
    return tree->member_count == 0;
}

static bool is_full(const Tree *tree) {
    return tree->member_count == tree->leaf_count;
}

/* The children of a P node, sorted by what they hold. */
typedef struct Children {
    Row empty, full, partial;
} Children;

static Children sort_children(Arena *arena, const Tree *tree) {
    Children sorted;
    sorted.empty = (Row){ARENA_ARRAY(arena, Tree *, tree->child_count + 1), 0};
    sorted.full = (Row){ARENA_ARRAY(arena, Tree *, tree->child_count + 1), 0};
    sorted.partial = (Row){ARENA_ARRAY(arena, Tree *, tree->child_count + 1), 0};
    for (int64_t i = 0; i < tree->child_count; i++) {
        Tree *child = tree->children[i];
        Row *row = is_empty(child)  ? &sorted.empty
                   : is_full(child) ? &sorted.full
                                    : &sorted.partial;
        row->trees[row->count++] = child;
    }
    return sorted;
}

static void push(Row *row, Tree *tree) {
    if (tree != NULL)
        row->trees[row->count++] = tree;
}

static void reverse(Row row) {
    for (int64_t i = 0; i < row.count / 2; i++) {
        Tree *swapped = row.trees[i];
        row.trees[i] = row.trees[row.count - 1 - i];
        row.trees[row.count - 1 - i] = swapped;
    }
}

/* Appends to the row the subtrees of a tree whose members must stand at the right end. False when
 * they cannot. `row` has room for all leaves. */
static bool push_sorted(Arena *arena, Tree *tree, Row *row) {
    if (is_empty(tree) || is_full(tree)) {
        push(row, tree);
        return true;
    }
    if (tree->kind == TREE_P) {
        Children sorted = sort_children(arena, tree);
        if (sorted.partial.count > 1)
            return false;
        push(row, make_node(arena, TREE_P, sorted.empty.trees, sorted.empty.count));
        if (sorted.partial.count == 1 && !push_sorted(arena, sorted.partial.trees[0], row))
            return false;
        push(row, make_node(arena, TREE_P, sorted.full.trees, sorted.full.count));
        return true;
    }
    /* Q: empty ones, at most one partial, full ones; read from the emptier end. */
    int64_t count = tree->child_count;
    const Tree *left = tree->children[0], *right = tree->children[count - 1];
    bool forward = is_empty(left) || is_full(right);
    bool seen = false; /* a child with members */
    for (int64_t i = 0; i < count; i++) {
        Tree *child = tree->children[forward ? i : count - 1 - i];
        if (seen && !is_full(child))
            return false;
        seen = seen || !is_empty(child);
        if (!push_sorted(arena, child, row))
            return false;
    }
    return true;
}

static Tree *reduce(Arena *arena, Tree *tree);

/* The partial trees stand on both sides of the full one, their members towards it. */
static bool push_middle(
    Arena *arena, Tree *left, Tree *const *full, int64_t full_count, Tree *right, Row *row) {
    if (left != NULL && !push_sorted(arena, left, row))
        return false;
    for (int64_t i = 0; i < full_count; i++)
        push(row, full[i]);
    if (right == NULL)
        return true;
    Row side = {ARENA_ARRAY(arena, Tree *, right->leaf_count), 0};
    if (!push_sorted(arena, right, &side))
        return false;
    reverse(side);
    for (int64_t i = 0; i < side.count; i++)
        push(row, side.trees[i]);
    return true;
}

static Tree *reduce_p(Arena *arena, Tree *tree) {
    Children sorted = sort_children(arena, tree);
    Row rest = sorted.empty, middle = {ARENA_ARRAY(arena, Tree *, tree->leaf_count), 0};
    if (sorted.partial.count > 2)
        return NULL;
    if (sorted.full.count == 0 && sorted.partial.count == 1) { /* all members are in one child */
        Tree *child = reduce(arena, sorted.partial.trees[0]);
        push(&rest, child);
        return child ? make_node(arena, TREE_P, rest.trees, rest.count) : NULL;
    }
    Tree *full = make_node(arena, TREE_P, sorted.full.trees, sorted.full.count);
    if (!push_middle(arena, sorted.partial.count > 0 ? sorted.partial.trees[0] : NULL, &full,
            full != NULL, sorted.partial.count > 1 ? sorted.partial.trees[1] : NULL, &middle))
        return NULL;
    push(&rest, make_node(arena, TREE_Q, middle.trees, middle.count));
    return make_node(arena, TREE_P, rest.trees, rest.count);
}

static Tree *reduce_q(Arena *arena, Tree *tree) {
    int64_t first = 0, last = tree->child_count - 1;
    Row row = {ARENA_ARRAY(arena, Tree *, tree->leaf_count), 0};
    while (is_empty(tree->children[first]))
        first++;
    while (is_empty(tree->children[last]))
        last--;
    for (int64_t i = 0; i < first; i++)
        push(&row, tree->children[i]);
    if (first == last) {
        Tree *child = reduce(arena, tree->children[first]);
        if (child == NULL)
            return NULL;
        push(&row, child);
    } else {
        for (int64_t i = first + 1; i < last; i++)
            if (!is_full(tree->children[i]))
                return NULL;
        if (!push_middle(arena, tree->children[first], tree->children + first + 1, last - first - 1,
                tree->children[last], &row))
            return NULL;
    }
    for (int64_t i = last + 1; i < tree->child_count; i++)
        push(&row, tree->children[i]);
    return make_node(arena, TREE_Q, row.trees, row.count);
}

/* The tree whose orders keep the members together; NULL when there is none. The tree has some. */
static Tree *reduce(Arena *arena, Tree *tree) {
    if (is_full(tree))
        return tree;
    return tree->kind == TREE_P ? reduce_p(arena, tree) : reduce_q(arena, tree);
}

bool consecutive_require(ConsecutiveOrders *orders, const bool *members) {
    count_members(orders->root, members);
    if (orders->root->member_count < 2)
        return true;
    Tree *reduced = reduce(orders->arena, orders->root);
    if (reduced == NULL)
        return false;
    orders->root = reduced;
    return true;
}

/* ---- choosing an order ---- */

static void find_keys(Tree *tree, const int64_t *keys) {
    if (tree->kind == TREE_LEAF) {
        tree->key = tree->element < 0 ? INT64_MIN : keys[tree->element];
        return;
    }
    tree->key = INT64_MAX;
    for (int64_t i = 0; i < tree->child_count; i++) {
        find_keys(tree->children[i], keys);
        if (tree->children[i]->key < tree->key)
            tree->key = tree->children[i]->key;
    }
}

static int64_t first_element(const Tree *tree) {
    while (tree->kind != TREE_LEAF)
        tree = tree->children[0];
    return tree->element;
}

static int compare_keys(const void *a, const void *b) {
    const Tree *x = *(Tree *const *)a, *y = *(Tree *const *)b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    int64_t first = first_element(x), second = first_element(y);
    return (first > second) - (first < second);
}

/* Writes the leaves at order[at..]; returns the place behind them. */
static int64_t write_leaves(Arena *arena, const Tree *tree, int64_t *order, int64_t at) {
    if (tree->kind == TREE_LEAF) {
        if (tree->element >= 0)
            order[at++] = tree->element;
        return at;
    }
    Row row = {ARENA_ARRAY(arena, Tree *, tree->child_count), tree->child_count};
    memcpy(row.trees, tree->children, (size_t)row.count * sizeof *row.trees);
    if (tree->kind == TREE_P)
        qsort(row.trees, (size_t)row.count, sizeof *row.trees, compare_keys);
    else if (row.trees[0]->key > row.trees[row.count - 1]->key)
        reverse(row);
    for (int64_t i = 0; i < row.count; i++)
        at = write_leaves(arena, row.trees[i], order, at);
    return at;
}

void consecutive_choose(const ConsecutiveOrders *orders, const int64_t *keys, int64_t *order) {
    find_keys(orders->root, keys);
    int64_t count = write_leaves(orders->arena, orders->root, order, 0);
    assert(count == orders->count);
    (void)count;
}
