/* Passes of your own for riffle, from a shared object: riffle opt --load-pass-plugin=mine.so.
 * C99 and C++; nothing of riffle is linked.
 *
 * The shared object exports one function, riffle_pass_plugin_entry, which returns a description of
 * its passes. Riffle calls a pass with a graph: a table of functions and, behind it, the network. A
 * network is a list of nodes in topological order: each computes values from the values of nodes
 * before it, from weights, and by attributes. 'riffle ops' lists the ops; names of ops, attributes
 * and weights are those of the textual IR. Tensors are float32, [batch, channels, height, width] or
 * [batch, channels].
 *
 *     static bool run(riffle_graph *graph) {
 *         for (riffle_node *node = graph->first_node(graph), *next; node != NULL; node = next) {
 *             next = graph->next_node(graph, node);
 *             if (graph->is(graph, node, "flatten") && ...)
 *                 ...
 *         }
 *         return true;
 *     }
 *
 *     static const riffle_pass passes[] = {
 *         {"my-pass", "Says what it does.", "one node that was changed", run, NULL, 0, NULL}};
 *     static const riffle_pass_plugin plugin = {
 *         RIFFLE_PASS_ABI_MAJOR, RIFFLE_PASS_ABI_MINOR, "mine", passes, 1};
 *
 *     RIFFLE_PASS_EXPORT const riffle_pass_plugin *riffle_pass_plugin_entry(void) {
 *         return &plugin;
 *     }
 *
 * What may be relied on:
 *
 * - Handles and strings that riffle returns live until the pass returns, those of nodes that were
 *   removed included. Nothing is freed. What riffle is given, it copies.
 * - Wherever a handle is taken, NULL is allowed, and the answer is then NULL, 0, false or "": a
 *   chain of questions needs one check, at its end.
 * - A wrong question (an attribute that the op does not have, an index beyond the last) is reported
 *   as an error with the name of the pass, answered in the same way, and the pass counts as failed.
 * - After each pass of a plugin the graph is verified. What does not verify is an error.
 * - A graph may come without numbers in its weights (riffle opt without --weights). A pass should
 *   then still do what it does to the graph, and make weights without numbers. */
#ifndef RIFFLE_PASS_H
#define RIFFLE_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A plugin is loaded when its major number is that of riffle and its minor number is not larger.
 * The minor number rises when functions are added at the end of riffle_graph, the major number with
 * every other change of this file. */
enum { RIFFLE_PASS_ABI_MAJOR = 2, RIFFLE_PASS_ABI_MINOR = 1 };

#if defined(__GNUC__)
#define RIFFLE_PASS_EXPORT __attribute__((visibility("default")))
#define RIFFLE_PASS_MESSAGE __attribute__((format(printf, 3, 4)))
#else
#define RIFFLE_PASS_EXPORT
#define RIFFLE_PASS_MESSAGE
#endif

typedef struct riffle_graph riffle_graph;
typedef struct riffle_node riffle_node;
typedef struct riffle_value riffle_value;
typedef struct riffle_weight riffle_weight;

typedef struct riffle_shape {
    int32_t rank; /* 1 to 6; 0 where there is no tensor */
    int64_t dims[6];
} riffle_shape;

/* ---- what a plugin says about itself ---- */

typedef enum riffle_option_kind {
    RIFFLE_OPTION_INTEGER,
    RIFFLE_OPTION_NUMBER,
    RIFFLE_OPTION_FLAG
} riffle_option_kind;

/* What stands in braces after the pass: --passes='my-pass{depth=4}'. */
typedef struct riffle_pass_option {
    const char *name; /* lower-case letters, digits and '-' */
    riffle_option_kind kind;
    const char *default_text; /* as one would write it: "8", "0.5", "true" */
    double least, most;       /* of an INTEGER or a NUMBER */
    const char *meaning;
} riffle_pass_option;

typedef struct riffle_pass {
    const char *name;      /* in pipelines: lower-case letters, digits and '-' */
    const char *summary;   /* a sentence for 'riffle passes' */
    const char *statistic; /* what one of its rewrites is: "one pair of convolutions" */
    /* Returns false when the pass failed, after saying why by graph->error. */
    bool (*run)(riffle_graph *graph);
    const riffle_pass_option *options; /* NULL when there are none */
    size_t option_count;
    void *data; /* yours: graph->data while the pass runs */
} riffle_pass;

typedef struct riffle_pass_plugin {
    uint32_t abi_major, abi_minor; /* RIFFLE_PASS_ABI_MAJOR, RIFFLE_PASS_ABI_MINOR */
    const char *name;
    const riffle_pass *passes;
    size_t pass_count;
} riffle_pass_plugin;

/* The function that a plugin exports. What it returns must stay as it is until the program ends. */
RIFFLE_PASS_EXPORT const riffle_pass_plugin *riffle_pass_plugin_entry(void);

/* ---- the graph ---- */

struct riffle_graph {
    void *data; /* of the riffle_pass that runs */

    /* Nodes in topological order; NULL at the end. A node that was removed has no next one: ask
     * for the next before you remove. */
    riffle_node *(*first_node)(riffle_graph *graph);
    riffle_node *(*last_node)(riffle_graph *graph);
    riffle_node *(*next_node)(riffle_graph *graph, riffle_node *node);
    riffle_node *(*previous_node)(riffle_graph *graph, riffle_node *node);

    const char *(*op)(riffle_graph *graph, riffle_node *node); /* "conv" */
    bool (*is)(riffle_graph *graph, riffle_node *node, const char *op);
    /* "stage2.0.branch1.0"; "" where the spec gave none. */
    const char *(*path)(riffle_graph *graph, riffle_node *node);
    size_t (*operand_count)(riffle_graph *graph, riffle_node *node);
    riffle_value *(*operand)(riffle_graph *graph, riffle_node *node, size_t index);
    size_t (*result_count)(riffle_graph *graph, riffle_node *node);
    riffle_value *(*result)(riffle_graph *graph, riffle_node *node, size_t index);

    /* Values. The producer of an input of the graph is NULL. */
    riffle_node *(*producer)(riffle_graph *graph, riffle_value *value);
    riffle_shape (*shape)(riffle_graph *graph, riffle_value *value);
    /* Operands of nodes and outputs of the graph that are this value. */
    size_t (*use_count)(riffle_graph *graph, riffle_value *value);
    /* The next node behind `after` (NULL: of all) that has the value as an operand. */
    riffle_node *(*next_user)(riffle_graph *graph, riffle_value *value, riffle_node *after);
    size_t (*input_count)(riffle_graph *graph);
    riffle_value *(*input)(riffle_graph *graph, size_t index);
    size_t (*output_count)(riffle_graph *graph);
    riffle_value *(*output)(riffle_graph *graph, size_t index);

    /* Attributes by name; the op must have it, and of that kind. A choice is its word: "relu". */
    bool (*has_attribute)(riffle_graph *graph, riffle_node *node, const char *name);
    int64_t (*integer)(riffle_graph *graph, riffle_node *node, const char *name);
    double (*number)(riffle_graph *graph, riffle_node *node, const char *name);
    bool (*flag)(riffle_graph *graph, riffle_node *node, const char *name);
    const char *(*choice)(riffle_graph *graph, riffle_node *node, const char *name);
    const int64_t *(*list)(riffle_graph *graph, riffle_node *node, const char *name, size_t *count);
    /* Whether both are of one op and agree in all attributes. */
    bool (*same_attributes)(riffle_graph *graph, riffle_node *node, riffle_node *other);

    void (*set_integer)(riffle_graph *graph, riffle_node *node, const char *name, int64_t value);
    void (*set_number)(riffle_graph *graph, riffle_node *node, const char *name, double value);
    void (*set_flag)(riffle_graph *graph, riffle_node *node, const char *name, bool value);
    void (*set_choice)(riffle_graph *graph, riffle_node *node, const char *name, const char *word);
    void (*set_list)(riffle_graph *graph, riffle_node *node, const char *name, const int64_t *items,
        size_t count);

    /* Weights by name; NULL for an optional one that is absent. A weight may belong to several
     * nodes: it is never changed, a node gets another one. */
    riffle_weight *(*weight)(riffle_graph *graph, riffle_node *node, const char *name);
    const char *(*weight_path)(riffle_graph *graph, riffle_weight *weight);
    riffle_shape (*weight_shape)(riffle_graph *graph, riffle_weight *weight);
    /* Its numbers, the last dimension fastest. NULL when there are none, see above. */
    const float *(*weight_data)(riffle_graph *graph, riffle_weight *weight);
    /* A weight that was computed. A path that is taken gets a number behind it. `data` is copied,
     * or NULL for a weight without numbers. */
    riffle_weight *(*new_weight)(
        riffle_graph *graph, const char *path, riffle_shape shape, const float *data);
    void (*set_weight)(
        riffle_graph *graph, riffle_node *node, const char *name, riffle_weight *weight);

    /* To be asked before each rewrite, once it is sure that it is right, and before anything is
     * changed. False: leave this one and go on to the next; so 'riffle opt --bisect' finds the
     * rewrite that does harm. `node` is where the rewrite begins. */
    bool (*may_rewrite)(riffle_graph *graph, riffle_node *node);

    /* A new node, not yet part of the graph: set attributes and weights, then insert it. The others
     * are the op's defaults. */
    riffle_node *(*new_node)(riffle_graph *graph, const char *op, const char *path,
        riffle_value *const *operands, size_t operand_count);
    /* Likewise, with the op, path, operands, attributes and weights of another. */
    riffle_node *(*copy_node)(riffle_graph *graph, riffle_node *node);
    /* Makes the results and puts the node before `position` (NULL: behind all). False, after
     * reporting, when operands, attributes and weights do not fit. */
    bool (*insert_node)(riffle_graph *graph, riffle_node *position, riffle_node *node);
    void (*set_operand)(riffle_graph *graph, riffle_node *node, size_t index, riffle_value *value);
    /* Every use of `from` becomes one of `to`, which must have its shape. */
    void (*replace_uses)(riffle_graph *graph, riffle_value *from, riffle_value *to);
    /* No result of it may have uses any more. */
    void (*remove_node)(riffle_graph *graph, riffle_node *node);

    /* Options of the pass that runs. */
    int64_t (*option_integer)(riffle_graph *graph, const char *name);
    double (*option_number)(riffle_graph *graph, const char *name);
    bool (*option_flag)(riffle_graph *graph, const char *name);

    /* Zeroed memory until the pass returns. Never NULL. */
    void *(*allocate)(riffle_graph *graph, size_t bytes);
    /* For the user, shown where the node comes from; NULL for no place. An error makes the pass
     * fail. */
    void (*error)(
        riffle_graph *graph, riffle_node *node, const char *format, ...) RIFFLE_PASS_MESSAGE;
    void (*warning)(
        riffle_graph *graph, riffle_node *node, const char *format, ...) RIFFLE_PASS_MESSAGE;

    /* From 2.1 on. For 'riffle opt --remarks': all that the pass looks for was found at the node,
     * but this condition does not hold: "the result of the convolution has another use". */
    void (*missed)(riffle_graph *graph, riffle_node *node, const char *condition);
};

#ifdef __cplusplus
}
#endif
#endif
