/* What importers of all formats share. Internal to frontend/import and the folders of formats.
 *
 * Each name of the model stands for a Symbol: a constant (weights, shapes, what is computed from
 * them) or a tensor. A tensor is a view: dimensions over the channels of graph values. Reshape,
 * Transpose, Slice, Gather and Concat only change views; a node that computes something asks for
 * the view as a value, and only then is it decided whether a shuffle, a split, a gather or nothing
 * is needed for it. So every spelling of a channel shuffle ends as the same op. */
#ifndef RIFFLE_FRONTEND_IMPORT_IMPORTER_H
#define RIFFLE_FRONTEND_IMPORT_IMPORTER_H

#include "frontend/import/import.h"
#include "ir/name_map.h"
#include "ir/reduction.h"

enum {
    FOLDING_BUDGET = 1 << 25, /* elements that all computed constants may have together */
    FILLING_BUDGET =
        1 << 29, /* and all that repeat one number, which take no room: 2 GB in a file */
    LAYOUT_BUDGET = 1 << 24, /* channels that all views may name together */
};
typedef struct Shape {
    int rank;
    int64_t dims[MODEL_MAX_RANK];
} Shape;

typedef enum SymbolKind {
    SYMBOL_BROKEN, /* already reported; what depends on it is passed over */
    SYMBOL_CONSTANT,
    SYMBOL_TENSOR
} SymbolKind;

/* One channel of one image of the batch: image * channels + channel. */
typedef struct Place {
    Value *value;
    int64_t channel;
} Place;

/* Parts of hard_sigmoid and hard_swish spelled out: what was done to `base` so far. */
typedef enum Pending {
    PENDING_NOTHING,
    PENDING_PLUS_THREE, /* base + 3 */
    PENDING_CLIPPED,    /* relu6(base + 3) */
    PENDING_SIX_TIMES,  /* base * relu6(base + 3) */
} Pending;

typedef struct Symbol {
    SymbolKind kind;
    const char *name;
    Shape shape;
    /* of a constant; one of the two is set */
    const float *floats;
    const int64_t *integers;
    bool is_filled; /* all floats are equal */
    int type;       /* of a constant of an ONNX file, else 0 */
    /* of a tensor: all of `value` in order, seen with other dimensions; or, with places, the
     * channels that they name, one for each index of the first `outer` dimensions, and the rest
     * of the dimensions are height and width in order */
    Value *value;
    Place *places;
    int outer;
    Pending pending; /* then `value` is the base */
    bool is_shared;  /* the tensor has an earlier name, which is read more than once */
} Symbol;

/* What is of half precision in the model and float32 in the graph. */
typedef struct Widened {
    int64_t constants, inputs, casts;
} Widened;

/* Floats that lie where they can rest (ir/resting.h). */
typedef struct RestingConstant {
    const float *floats;
    const struct RestingConstant *next;
} RestingConstant;

typedef struct Trouble Trouble;
typedef struct Importer Importer;

/* A node of the model. */
typedef struct ModelNode {
    const char *name, *op_type; /* "": it has none */
    char **input, **output;     /* names of tensors; "": left out */
    size_t n_input, n_output;
    SourceRange where; /* in a text; else the model file, without a line */
    const void *own;   /* what its format knows of it */
} ModelNode;

/* Names that a selection of outputs has to do with. */
typedef struct ImportedModel {
    const ModelNode *nodes;
    size_t node_count;
    const char **inputs, **outputs, **constants;
    size_t input_count, output_count, constant_count;
} ImportedModel;

typedef struct ModelFormat {
    const char *item, *items; /* "node", "nodes": what the format calls them */
    /* The next three are called one after the other; each returns false after reporting. */
    bool (*read)(Importer *importer);        /* sets the importer's model */
    bool (*declare)(Importer *importer);     /* symbols of what no node makes */
    bool (*import_node)(Importer *importer); /* the current node */
} ModelFormat;

struct Importer {
    const ModelFormat *format;
    const void *source; /* the model, as its format has it */
    void *own;          /* what its format keeps meanwhile */
    Arena *arena;
    Diagnostics *diagnostics;
    NameMap *troubles; /* kind -> Trouble */
    Trouble *first_trouble, **last_trouble;
    const ImporterOptions *options;
    SourceRange where; /* the model file, without a line */
    const char *path;
    const ImportedModel *model;
    bool is_cut; /* the user named the outputs */
    const char **outputs;
    size_t output_count;
    const ModelNode **nodes; /* those that the outputs depend on */
    size_t node_count;
    const ModelNode *const *order; /* the same, each after those whose results it reads */
    bool *failed;                  /* of each in that order */
    const char **bad_outputs;      /* those that can be no outputs of a graph */
    size_t bad_output_count;
    bool used_batch; /* some input left its batch open */
    Graph *graph;
    NameMap *symbols;     /* name -> Symbol */
    NameMap *uses;        /* name -> int: how many nodes and outputs read it */
    NameMap *paths;       /* of weights, that are taken */
    NameMap *path_nodes;  /* weight path -> the first Node that has it */
    NameMap *sharers;     /* a layer's path and data, in letters -> the path that it was given */
    NameMap *transposed;  /* an address of floats, in letters -> Transposed */
    NameMap *taken_names; /* of values of the spec */
    int64_t opset;        /* of ONNX */
    int64_t layout_spent, folding_spent, filling_spent;
    const RestingConstant *resting;
    int64_t converted; /* tensors whose precision was lessened */
    Widened widened;
    const ModelNode *node; /* the one being imported */
    Node *last;            /* the last node of the graph it was made into */
};

/* ---- the whole of it (import.c, part.c) ---- */

Importer importer_create(const ModelFormat *format, const void *source, const char *path,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics);
/* NULL after reporting; the options' part is then tried and filled in. */
Graph *model_import(Importer *importer);
/* The same without the part. */
Graph *model_import_once(Importer *importer);
/* After that failed: what can be imported, tried. */
void find_part(const Importer *importer, ModelPart *part);

/* ---- reporting (report.c) ----
 *
 * Faults are collected, those of one kind together; troubles_report tells the diagnostics. */

/* About the file. Returns false. */
bool model_fault(Importer *importer, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, with a place in the file. */
bool model_fault_at(Importer *importer, SourceRange where, const char *hint, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* About the current node: "node 'Conv_12' (Conv): ...". Returns false. */
bool node_fault(Importer *importer, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The errors of `own` about the current node. */
void node_faults(Importer *importer, const Diagnostics *own);
void troubles_report(const Importer *importer);
const char *node_label(const ModelNode *node);
const char *shape_spelling(Arena *arena, const Shape *shape);
const char *list_spelling(Arena *arena, IntegerList list);

/* ---- symbols (symbols.c) ---- */

Symbol *symbol_create(Importer *importer, SymbolKind kind, const Shape *shape);
int64_t shape_elements(const Shape *shape); /* -1 when more than 2^40 or a dimension is negative */
bool shape_equal(const Shape *a, const Shape *b);
/* Steps through a shape: the position in a source whose dimension i has the given step. */
void shape_walk(const Shape *shape, const int64_t *steps, int64_t begin, int64_t *from);
Shape shape_of_value(const Value *value);
Symbol *symbol_of_value(Importer *importer, Value *value);
Symbol *symbol_integers(Importer *importer, const Shape *shape, const int64_t *integers);
Symbol *symbol_floats(Importer *importer, const Shape *shape, const float *floats);

/* Operand i of the current node; NULL when it is left out. */
Symbol *input_symbol(Importer *importer, size_t index);
bool has_operand(const Importer *importer, size_t index);
/* The same; false after reporting when it is left out, no tensor, or no constant. */
bool tensor_operand(Importer *importer, size_t index, Symbol **symbol);
bool constant_operand(Importer *importer, size_t index, const char *what, Symbol **symbol);
/* Constant whole numbers, a list or a scalar. */
bool integers_operand(Importer *importer, size_t index, const char *what, IntegerList *list);
/* An axis, counted from the end when negative. */
bool resolve_axis(Importer *importer, int64_t axis, int rank, int *result);
/* The one number of a constant. */
bool scalar_of(const Symbol *symbol, double *number);
/* Gives result 0 of the current node its meaning. Returns true. */
bool set_result(Importer *importer, Symbol *symbol);
void set_result_at(Importer *importer, size_t index, Symbol *symbol);
/* Whether result `index` is named and read by anyone. */
bool result_is_used(const Importer *importer, size_t index);
int use_count(const Importer *importer, const char *name);

/* ---- making nodes (build.c) ---- */

/* Appends a node of the graph; its result takes its name from the current node. NULL after
 * reporting why it does not fit. `set` may be NULL: it writes the attributes. */
Node *build_node(Importer *importer, OpKind op, Value *const *operands, int count);
/* Node without results, for attributes and weights to be set; then finish_node. */
Node *begin_node(
    Importer *importer, OpKind op, const char *path, Value *const *operands, int count);
bool finish_node(Importer *importer, Node *node);
Value *build_unary(Importer *importer, OpKind op, Value *value); /* NULL after reporting */
void node_set_weight(Importer *importer, Node *node, int index, TensorType type, const float *data);
/* x * scale + shift for each channel; either may be NULL: 1, 0. */
Value *build_affine(Importer *importer, Value *value, const float *scale, const float *shift);
/* What the constant holds, put in that shape. NULL after reporting. */
Value *build_constant(
    Importer *importer, const Symbol *constant, const Shape *shape, const float *numbers);
/* NULL after reporting: computed constants have a limit (spend_elements). */
const float *repeat_number(Importer *importer, double number, int64_t count);

/* ---- names (names.c) ---- */

/* The dotted path for a layer's weights: from the name of `weight`, else from the node's. Unique,
 * but for layers that share all of `data` (then *shared is the node that has it already). */
const char *weight_path(
    Importer *importer, const Symbol *weight, OpKind op, const float *const data[MAX_OP_WEIGHTS]);
/* A name for a value of the spec, from a name of the model. */
const char *value_name(Importer *importer, const char *name);
/* The name of an input or output of the spec. */
const char *port_name(Importer *importer, const char *name);

/* ---- views (view.c, materialize.c) ---- */

/* Whether the first dimensions of the view index channels, and all behind them are height and width
 * in order. */
bool lists_channels(const Symbol *symbol);

/* Each returns a new symbol, or NULL after reporting. */
Symbol *view_reshape(Importer *importer, const Symbol *symbol, const Shape *shape);
Symbol *view_transpose(Importer *importer, const Symbol *symbol, const int *order);
/* Indices `list` of the axis; `drop` leaves the axis out (one index). */
Symbol *view_take(Importer *importer, const Symbol *symbol, int axis, const int64_t *list,
    int64_t count, bool drop);
Symbol *view_concat(Importer *importer, Symbol *const *items, size_t count, int axis);
/* The view as a value [n,c,h,w] or [n,c]. NULL after reporting. */
Value *symbol_value(Importer *importer, Symbol *symbol);
/* The same, for ops that work on each element: the value may have other dimensions than the symbol;
 * view_over makes the symbol that has them. */
Value *symbol_elements(Importer *importer, Symbol *symbol);
/* The same, for ops that do something else to each channel: the first two dimensions of the value
 * are those of the symbol. */
Value *symbol_channels(Importer *importer, Symbol *symbol);
Symbol *view_over(Importer *importer, Value *value, const Shape *shape);
/* The same, [n,c,1,1] being as good as [n,c]. */
Value *symbol_features(Importer *importer, Symbol *symbol);

/* The value that a symbol is all of, in order, whatever its dimensions. */
Value *settle_symbol(Importer *importer, Symbol *symbol);

/* ---- tensors as a whole (arrange.c); each returns NULL after reporting ---- */

/* The view as a value of its very dimensions, up to MAX_RANK. */
Value *symbol_tensor(Importer *importer, Symbol *symbol);
/* A rearrange of the value; what puts back what those before it changed is no node. */
Value *rearrange_value(Importer *importer, Value *value, const Shape *factors, const int64_t *order,
    size_t order_count, const Shape *shape);
/* Its elements as [n,rest]. */
Value *symbol_row(Importer *importer, Symbol *symbol);
Symbol *arrange_transpose(Importer *importer, const Symbol *symbol, const int *order);
Symbol *arrange_take(
    Importer *importer, const Symbol *symbol, int axis, const int64_t *list, int64_t count);
/* The indices of dimension i `times[i]` times each, one after the other. */
Symbol *arrange_repeat(Importer *importer, const Symbol *symbol, const int64_t *times);
/* How often each of `size` indices is in the list, one after the other; 0 where it is no such. */
int64_t times_of(const int64_t *list, int64_t count, int64_t size);
/* sizes[i] indices of each dimension, as its list has them: what a resize by the nearest is. */
Symbol *arrange_pick(
    Importer *importer, const Symbol *symbol, int64_t *const *lists, const int64_t *sizes);
Symbol *arrange_join(Importer *importer, Symbol *const *items, size_t count, int axis);
/* The axis as channels of [1,n,1,rest], and such a value as the symbol with another size of the
 * axis.
 */
Value *axis_to_channels(Importer *importer, Symbol *symbol, int axis);
Symbol *channels_to_axis(
    Importer *importer, Value *value, const Symbol *symbol, int axis, int64_t size);
/* An op that works along the channels, along any axis; where these are the channels, as it is. */
Symbol *along_axis(Importer *importer, Symbol *symbol, int axis, OpKind op);

/* ---- reductions (reduce.c, normalise.c); each returns NULL after reporting ---- */

typedef struct ReduceOp {
    OpKind op;          /* OP_reduce or, over one dimension, OP_arg_max */
    ReductionKind kind; /* of a reduce */
    bool logarithm;     /* of what a reduce gives, */
    bool exponentials;  /* or of the sum of exponentials */
    bool least, last;   /* of an arg_max */
} ReduceOp;

/* The op over the dimensions that are set in `reduced`, at least one, which become 1. */
Symbol *symbol_reduced(Importer *importer, Symbol *symbol, const bool *reduced, const ReduceOp *op);
/* The same of a value [n,c,h,w] or [n,c] as it is. */
Value *reduce_value(Importer *importer, Value *value, ReductionKind kind, const bool *reduced);
/* The formula, a text without faults, of one value or two (y may be NULL). */
Value *map_values(Importer *importer, Value *x, Value *y, const char *formula);

/* (x - mean) / sqrt(variance + epsilon), over those dimensions. */
Symbol *normalise_symbol(Importer *importer, Symbol *symbol, const bool *reduced, double epsilon);
/* The same of a value [n,c,h,w]; where `groups` is not 0, over so many groups of channels, too. */
Value *normalise_value(
    Importer *importer, Value *value, const bool reduced[4], int64_t groups, double epsilon);

/* ---- element by element (elements.c) ---- */

/* The axis of the value along which numbers lie next to each other: that of channels, also where
 * ops like rearrange have brought it elsewhere. */
int fastest_axis(const Value *value);

/* The formula of the operands, which are tensors or constants of floats that are repeated to one
 * shape, as ONNX has it; of constants alone, a constant. NULL after reporting. */
Symbol *apply_elements(
    Importer *importer, const Formula *formula, Symbol *const *operands, int count);
/* The same of a text without faults. */
Symbol *apply_formula(Importer *importer, const char *formula, Symbol *const *operands, int count);
/* The same of one row of ir/elements.def. */
Symbol *apply_element(
    Importer *importer, OpKind op, const double *parameters, Symbol *const *operands);

/* Turns gathers of ranges into splits (slices.c). */
void gathers_to_splits(Graph *graph, Arena *arena);

/* Takes the elements of a constant from what all that are computed may have together; each is kept
 * until the end (build.c). False after reporting. */
bool spend_elements(Importer *importer, const Shape *shape);

#endif
