/* Graph IR: a list of nodes in topological order over SSA values with static shapes.
 *
 * Everything is allocated from the graph's arena. Ops, their operand counts, weights and attributes
 * come from ops.def. */
#ifndef RIFFLE_IR_GRAPH_H
#define RIFFLE_IR_GRAPH_H

#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 6, MAX_OP_WEIGHTS = 4 };

typedef enum OpKind {
#define OP(name, ...) OP_##name,
#include "ir/ops.def"
    OP_COUNT
} OpKind;

typedef enum ElementType {
    ELEMENT_F32,
    ELEMENT_U8,   /* quantised: what a number means is the business of who reads it */
    ELEMENT_BF16, /* the upper half of a float: numbers of f32 with eight bits of precision */
    ELEMENT_F16,  /* IEEE's binary16 */
    ELEMENT_TYPE_COUNT
} ElementType;

typedef struct TensorType {
    ElementType element;
    int rank;               /* 1 to MAX_RANK */
    int64_t dims[MAX_RANK]; /* [batch, channels, height, width] or [batch, channels]; what only
                               moves numbers takes and gives any */
} TensorType;

/* What is computed of single numbers: ir/formula.h. */
typedef struct Formula Formula;

typedef enum ShuffleForm { SHUFFLE_PAPER, SHUFFLE_MEGVII } ShuffleForm;

/* What a layer gives, in the order of choices.def: quantised ones F32 or U8, others F32, BF16 or
 * F16. */
typedef enum LayerResult { RESULT_F32, RESULT_U8, RESULT_BF16, RESULT_F16 } LayerResult;

typedef enum AttributeKind {
    ATTRIBUTE_INTEGER,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_LIST,
    ATTRIBUTE_CHOICE,
    ATTRIBUTE_FLAG,
    ATTRIBUTE_FORMULA
} AttributeKind;

typedef struct IntegerList {
    const int64_t *items;
    size_t count;
} IntegerList;

typedef union Attribute {
    int64_t integer;        /* INTEGER, and the index of the word of a CHOICE */
    double number;          /* NUMBER */
    bool flag;              /* FLAG */
    IntegerList list;       /* LIST */
    const Formula *formula; /* FORMULA; NULL: none */
} Attribute;

/* A constant tensor that nodes refer to. `data` is NULL until weights are loaded; it may point into
 * a mapped file (and then lives as long as that mapping) or into the arena. */
typedef struct Weight {
    const char *path; /* unique in the graph: "stage2.0.branch1.0.weight" */
    TensorType type;
    const float *data;
    struct Pair *pairs; /* of a proof that follows the graph (ir/pair.h), or NULL */
    double degree;      /* of the pairs (ir/pair_degree.h); 0: they are drawn */
    bool rests;         /* the data lies where it can rest (ir/resting.h) */
    SourceRange where;
    struct Weight *next;
} Weight;

typedef struct Node Node;

typedef struct Value {
    int id;           /* unique in the graph, small */
    const char *name; /* NULL, or a name for people and for the text form */
    TensorType type;
    Node *producer; /* NULL for a graph input */
    SourceRange where;
} Value;

struct Node {
    OpKind op;
    const char *path; /* "stage2.0.branch1.0"; "" when the spec gave none. Not unique. */
    Value **operands;
    int operand_count;
    Value **results;
    int result_count;
    Weight *weights[MAX_OP_WEIGHTS]; /* in the order of ops.def; NULL for an absent optional one */
    Attribute *attributes;           /* in the order of ops.def */
    SourceRange where;
    Node *previous, *next;
};

typedef enum Layout { LAYOUT_NCHW, LAYOUT_NHWC } Layout;

enum { MOST_PIXEL_CHANNELS = 4 };

/* How pixels (0 to 255) become the numbers of an input: (pixel * scale - mean[c]) / std[c],
 * channels in the order the network wants them. An input of u8 takes the pixels, and a node
 * `pixels` makes the numbers. */
/* The whole picture in its own proportions, as large as the input allows. The order of the words
 * in choices.def. */
typedef enum Letterbox { LETTERBOX_NONE, LETTERBOX_CENTRE, LETTERBOX_CORNER } Letterbox;

const char *letterbox_name(Letterbox letterbox);

/* Of the channels, where there are three; or four, of which the last may mean nothing. The order of
 * the words in choices.def. */
typedef enum PixelOrder { PIXELS_RGB, PIXELS_BGR, PIXELS_RGBA, PIXELS_BGRA } PixelOrder;

const char *pixel_order_name(PixelOrder order);
bool pixel_order_is_bgr(PixelOrder order);

typedef struct Preprocessing {
    PixelOrder order;
    double scale;           /* 1/255 or 1 */
    double mean[4], std[4]; /* per channel of the network's order; 4 is enough for any image */
    int64_t resize; /* shorter side is resized to this (antialiased bilinear) before a centre crop
                       to the input's size; 0: resize straight to the input's size */
    Letterbox letterbox; /* instead of both; `resize` is 0 */
    int64_t fill;        /* the pixel of what lies outside the picture, 0 to 255 */
} Preprocessing;

/* Entries of mean and std that count for an input of that type: its channels, at most 4. */
int preprocessing_channels(const TensorType *type);

typedef struct GraphInput {
    Value *value;  /* value->name is the public name */
    Layout layout; /* of the caller's buffer */
    bool has_preprocessing;
    Preprocessing preprocessing;
} GraphInput;

typedef struct GraphOutput {
    const char *name; /* public name */
    Value *value;
    Layout layout;
    SourceRange where;
} GraphOutput;

typedef struct Graph {
    Arena *arena;     /* owns everything reachable from here */
    const char *name; /* a C identifier: prefix of the library's symbols */
    GraphInput *inputs;
    int input_count;
    GraphOutput *outputs;
    int output_count;
    struct GraphAnswer *answer; /* what the outputs mean (answer.h), or NULL */
    struct GraphLabels *labels; /* what classes are called (labels.h), or NULL */
    Weight *first_weight, *last_weight;
    struct NameMap *weights_by_path; /* kept by graph_weight and the like */
    Node *first, *last;
    int next_value_id;
    bool has_pairs; /* a proof follows it: weights have pairs (ir/weight_numbers.h) */
} Graph;

/* ---- op table (ops.c) ---- */

typedef struct OpWeight {
    const char *name;
    bool required;
    const char *shape; /* for people */
} OpWeight;

typedef struct OpAttribute {
    const char *name;
    AttributeKind kind;
    const char *default_text; /* "" when it must be given */
    const char *meaning;
} OpAttribute;

typedef struct OpInfo {
    OpKind op;
    const char *name;
    int least_operands, most_operands; /* most is INT_MAX for MANY */
    int least_results, most_results;
    const char *summary, *shape_rule, *source;
    const OpWeight *weights;
    int weight_count;
    const OpAttribute *attributes;
    int attribute_count;
} OpInfo;

const OpInfo *op_info(OpKind op);
bool op_find(const char *name, OpKind *op);
/* The words of a CHOICE attribute. The array ends with NULL. */
const char *const *choice_words(const char *attribute_name);
/* The value that default_text stands for; zero or an empty list for "". Lists come from the arena.
 */
Attribute op_attribute_default(const OpAttribute *attribute, Arena *arena);
bool op_attribute_equal(AttributeKind kind, const Attribute *a, const Attribute *b);
/* docs/ops.md: every op of the table, in Markdown. */
void op_reference_print(Text *text);
/* What it says of one op, without its heading. */
void op_reference_print_op(OpKind op, Text *text);

/* range, quantize, quantized_conv, quantized_linear: what compiling with bytes makes. The language
 * has no names for them. */
bool op_is_quantized(OpKind op);
/* Taps of a depthwise convolution of bytes, whose sums are exact. */
enum { MOST_EXACT_TAPS = 256 };
/* "int8" when some layer computes with bytes, "bf16" or "fp16" when some weight is of bf16 or f16,
 * else "fp32". */
const char *graph_precision(const Graph *graph);
/* conv, linear and their quantised forms. */
bool op_multiplies(OpKind op);
/* A fully connected layer, or a convolution that adds up several channels: what can multiply
 * numbers of bf16. */
bool node_adds_channels(const Node *node);
/* A flatten or unflatten of one pixel: the same channels, with another shape. */
bool node_renames_channels(const Node *node);
/* concat, split, shuffle, gather, route: ops that only say which channel is where. */
bool op_moves_channels(OpKind op);
/* These, crop, take and max_pool: what comes out are numbers that went in, whatever their type. */
bool op_keeps_numbers(OpKind op);
/* These, and ops that take numbers of f16 and then give such: element by element, and the mean of
 * windows and of all pixels. They compute in f32 and round what they give. */
bool op_takes_f16(OpKind op);
/* rearrange, slice, join: ops that only say which number is where, in tensors of any rank. */
bool op_moves_numbers(OpKind op);
/* A rearrange that repeats rows and columns of [n,c,h,w] by whole numbers (a resize by the
 * nearest), which are set. */
bool node_repeats_pixels(const Node *node, int64_t *rows, int64_t *columns);
/* Sizes that both lists of dimensions, of equal products, are cut into in turn: the factors of a
 * rearrange that is a reshape. At most `most`; 0 where there are none, since a dimension of one
 * cuts through one of the other: then the tensor becomes a row in between. */
size_t common_factors(
    const int64_t *a, int a_rank, const int64_t *b, int b_rank, int64_t *factors, size_t most);
/* Which channel of such a node's operands, joined along the channels, becomes that channel of that
 * result. */
int64_t node_source_channel(const Node *node, int result, int64_t channel);

/* The same by operand: which of them a channel of the value, a result of such a node, is, and which
 * channel of that. */
typedef struct ChannelSource {
    int operand;
    int64_t channel;
} ChannelSource;

ChannelSource channel_source(const Value *value, int64_t channel);

/* ---- building (graph.c, graph_weights.c, graph_copy.c) ---- */

Graph *graph_create(Arena *arena, const char *name);
Value *graph_add_input(
    Graph *graph, const char *name, TensorType type, Layout layout, SourceRange where);
void graph_add_output(
    Graph *graph, const char *name, Value *value, Layout layout, SourceRange where);
/* The weight with that path, made when there is none. NULL when one exists with another shape. */
Weight *graph_weight(Graph *graph, const char *path, TensorType type, SourceRange where);
Weight *graph_find_weight(const Graph *graph, const char *path);
/* A weight computed by a pass, with a path made unique by a suffix; `data` must live in the arena.
 */
Weight *graph_add_computed_weight(
    Graph *graph, const char *path, TensorType type, const float *data);
/* Gives the weight memory for its numbers, in the arena, to be filled. */
float *weight_allocate(const Graph *graph, Weight *weight);
/* Its numbers are not needed for now; whoever goes through all weights says so of each. NULL and
 * no numbers are allowed. */
void weight_rest(const Weight *weight);
void node_rest_weights(const Node *node);
void graph_rest_weights(const Graph *graph);
/* Drops weights that no node refers to from the list. */
void graph_drop_unused_weights(Graph *graph);

/* A node with default attributes and no results yet, not in the list. */
Node *node_create(Graph *graph, OpKind op, const char *path, Value *const *operands,
    int operand_count, SourceRange where);
/* Infers and creates the results from operands, weights and attributes. On a fault reports every
 * one of them at node->where and returns false. */
bool node_infer(Graph *graph, Node *node, Diagnostics *diagnostics);
/* Infers the result types without touching the node: `types` has room for `capacity` results, and
 * *count is set. */
bool node_result_types(
    const Node *node, TensorType *types, int capacity, int *count, Diagnostics *diagnostics);

void graph_append(Graph *graph, Node *node);
void graph_insert_before(Graph *graph, Node *position, Node *node);
void graph_remove(Graph *graph, Node *node); /* unlinks only */
/* Replaces every use of `from` (operands of nodes and graph outputs) by `to`. */
void graph_replace_uses(Graph *graph, Value *from, Value *to);
int graph_node_count(const Graph *graph);
/* Number of uses by nodes (a node counts once per operand) and graph outputs. O(nodes). */
int graph_use_count(const Graph *graph, const Value *value);
/* use_counts[value id], allocated from `arena`, graph->next_value_id entries. */
int *graph_use_counts(const Graph *graph, Arena *arena);
bool graph_is_output(const Graph *graph, const Value *value);
/* Whether no output is the value, and each node that reads it is accepted. O(nodes). */
typedef bool AcceptsReader(const Node *reader, const void *context);
bool graph_is_read_only_by(
    const Graph *graph, const Value *value, AcceptsReader *accepts, const void *context);
/* A deep copy in another arena (weight data is shared, not copied). */
Graph *graph_copy(const Graph *graph, Arena *arena);

/* ---- attributes by name (node_attributes.c); asserts that the op has it with that kind ---- */

int64_t node_integer(const Node *node, const char *name); /* INTEGER, CHOICE */
double node_number(const Node *node, const char *name);
bool node_flag(const Node *node, const char *name);
IntegerList node_list(const Node *node, const char *name);
const Formula *node_formula_attribute(const Node *node, const char *name);
Attribute *node_attribute(
    Node *node, const char *name); /* for writing; NULL when the op has none */
Weight *node_weight(const Node *node, const char *name); /* NULL when absent */
/* The scale, means and deviations of a node `pixels`. */
Preprocessing node_pixels(const Node *node);
/* The same of a channel: the number is pixel * factor + term. */
double pixel_factor(const Preprocessing *pixels, int64_t channel);
double pixel_term(const Preprocessing *pixels, int64_t channel);
void node_set_pixels(Node *node, const Preprocessing *pixels);
void node_set_integer(Node *node, const char *name, int64_t value);
void node_set_formula(Node *node, const char *name, const Formula *formula); /* not copied */
void node_set_list(Graph *graph, Node *node, const char *name, const int64_t *items, size_t count);
/* Gives `copy`, of the same op, the attributes of `node`, with all they point to copied into the
 * graph's arena: `node` may be of a graph that goes away. */
void node_copy_attributes(Graph *graph, Node *copy, const Node *node);

/* ---- types (types.c) ---- */

TensorType tensor_type(int rank, const int64_t *dims); /* f32 */
bool tensor_type_equal(const TensorType *a, const TensorType *b);
/* Number of elements; -1 when it would exceed 2^40 or a dimension is less than 1. */
int64_t tensor_elements(const TensorType *type);
/* Whether a tensor of that rank is [n,c,h,w] or [n,c]. */
bool rank_has_channels(int rank);
/* Channels of [n,c,h,w] and [n,c]; of any other rank what one index of the first dimension has. */
int64_t tensor_channels(const TensorType *type);
int64_t element_type_bytes(ElementType element);
const char *element_name(ElementType element); /* "f32" */
/* "f32[1,116,28,28]" */
void tensor_type_print(const TensorType *type, Text *text);
const char *tensor_type_spelling(const TensorType *type, Arena *arena);

/* ---- counts (cost.c), the papers' way of counting ---- */

/* Multiply-accumulates of convolutions (transposed ones too) and fully connected layers; 0 for all
 * other ops. */
int64_t node_macs(const Node *node);
/* Elements of the node's weights that are trained: convolution, bias, batch norm scale and shift
 * (not its running statistics), fully connected. */
int64_t node_parameters(const Node *node);
/* Bytes read and written when every operand, weight and result is touched once; of the operands of
 * a gather or a route, the channels that it takes. */
int64_t node_bytes(const Node *node);

/* ---- verifier (verify.c) ---- */

/* Reports every fault: order, arity, types, attributes, weights, outputs. Returns true when none.
 */
bool graph_verify(const Graph *graph, Diagnostics *diagnostics);

/* ---- text form, .rir (print.c, parse.c) ---- */

void graph_print(const Graph *graph, Text *text);
/* The line of one node of the graph. O(nodes). */
void node_print(const Graph *graph, const Node *node, Text *text);
/* NULL after reporting errors. The result is verified. */
Graph *graph_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);

/* ---- interpreter (interpret.c): the oracle ---- */

/* Called after each node with the values of its results (dense, NCHW order). It may change them:
 * the nodes behind read what it leaves. */
typedef void InterpretObserver(void *context, const Node *node, float *const *results);

/* Runs the graph: every op accumulates in double, values are stored as float. inputs[i] and
 * outputs[i] are dense arrays in the layout of the graph's input or output i; inputs of u8 are
 * bytes, whatever the pointer's type. All weights must have data. Returns false after reporting an
 * error (missing weight data). `observer` may be NULL. */
bool graph_interpret(const Graph *graph, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, void *observer_context, Diagnostics *diagnostics);

#endif
