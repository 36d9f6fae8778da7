/* A random graph under construction: what the functions share that add ops and units to it.
 *
 * Whatever adds to the graph takes a value and returns one. NULL, for "could not be made", goes
 * in and comes out everywhere, so that units need not look at each step. */
#ifndef RIFFLE_TESTS_RANDOM_MAKER_H
#define RIFFLE_TESTS_RANDOM_MAKER_H

#include "ir/graph.h"

enum { MOST_VALUES = 1024, MOST_OPERANDS = 8 };

typedef struct Maker {
    Graph *graph;
    uint64_t random;
    int64_t most_channels, most_floats; /* of a value that more is made of */
    Value *values[MOST_VALUES];
    int value_count;
    Diagnostics *refusals; /* what the shape rules said of nodes that were dropped */
} Maker;

/* ---- chance ---- */

int64_t pick(Maker *maker, int64_t count); /* 0 to count-1 */
bool chance(Maker *maker, int percent);
int64_t pick_between(Maker *maker, int64_t least, int64_t most);
/* A number of channels, at most the maker's: small ones, odd ones, those of real networks. */
int64_t pick_channels(Maker *maker);
/* A number of groups that divides the channels: of V1's 1, 2, 3, 4, 8 and others. */
int64_t pick_groups(Maker *maker, int64_t channels);
/* [n,c,h,w] or [n,c]: what most ops take. */
bool has_channels(const Value *value);
Value *pick_value(Maker *maker); /* newer ones more often */
/* A value of the same batch, height and width; the other itself if there is none. */
Value *pick_alike(Maker *maker, Value *other, bool same_channels);
/* Entries of a channel list over `channels` channels: runs, permutations, repeats, omissions. */
size_t pick_list(Maker *maker, int64_t channels, int64_t *list, size_t capacity);

/* ---- nodes ---- */

Node *maker_node(Maker *maker, OpKind op, Value *const *operands, int operand_count);
/* Gives the node that weight; at times one that another node has, when the shape is equal. */
void maker_weight(Maker *maker, Node *node, const char *name, int rank, const int64_t *dims);
void maker_list(Maker *maker, Node *node, const char *name, size_t count, ...);
/* Infers and appends; the first result, or NULL where the shape rule refuses the node. */
Value *maker_finish(Maker *maker, Node *node);

/* ---- one op of random attributes (make_op.c) ---- */

/* The value is an operand; others are picked. NULL where the op cannot take the value. */
Value *make_op(Maker *maker, OpKind op, Value *x);
/* Whether make_op knows the op: every row of ops.def must be. */
bool make_op_knows(OpKind op);

/* ---- layers (make_layer.c) ---- */

typedef struct ConvShape {
    int64_t outputs, kernel, stride, groups; /* 0: 1, but for outputs: those of the operand */
    int64_t dilation;
    bool bias;
} ConvShape;

Value *make_conv(Maker *maker, Value *x, ConvShape shape); /* padded to keep the size */
Value *make_depthwise(Maker *maker, Value *x, int64_t kernel, int64_t stride);
Value *make_linear(Maker *maker, Value *x, int64_t outputs, bool bias);
Value *make_unary(Maker *maker, OpKind op, Value *x);
Value *make_activation(Maker *maker, Value *x); /* any of them, relu most */
Value *make_norm(Maker *maker, Value *x);       /* batch norm, bias, or nothing */
/* 1x1 convolution, norm and activation at times. */
Value *make_layer(Maker *maker, Value *x, ConvShape shape);
Value *make_sum(Maker *maker, Value *x, Value *y);
Value *make_scale(Maker *maker, Value *x, Value *y);
Value *make_concat(Maker *maker, Value *const *operands, int count);
/* Sets results[0] and [1]: halves one after the other, or even and odd channels. */
bool make_halves(Maker *maker, Value *x, bool interleaved, Value **results);
Value *make_shuffle(Maker *maker, Value *x, int64_t groups, ShuffleForm form);
Value *make_op_with_list(Maker *maker, OpKind op, Value *const *operands, int operand_count,
    const int64_t *list, size_t count);
Value *make_pool(Maker *maker, OpKind op, Value *x, int64_t kernel, int64_t stride);
/* x with a number of channels that the divisor divides, by a convolution where need be. */
Value *make_divisible(Maker *maker, Value *x, int64_t divisor);

/* ---- numbers in other places (make_moved.c), for make_op ---- */

Value *make_rearranged(Maker *maker, OpKind op, Value *x);
Value *make_slice(Maker *maker, OpKind op, Value *x);
Value *make_join(Maker *maker, OpKind op, Value *x);

/* ---- units of networks (make_unit.c, make_routing.c) ---- */

typedef Value *MakeUnit(Maker *maker, Value *x);

MakeUnit make_shufflenet_v1, make_shufflenet_v2, make_squeeze_excitation, make_residual,
    make_dense_block, make_fire, make_inception, make_stem, make_head, make_shift, make_twin,
    make_enlarged;
MakeUnit make_interleaved_groups, make_gathered_groups, make_layout_tree, make_permuted_readers,
    make_joined_activation;
MakeUnit make_pyramid, make_detector_heads, make_views, make_focus; /* make_moved.c */

#endif
