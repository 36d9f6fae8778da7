/* Passes from shared objects. What a plugin sees is riffle/pass.h and nothing else: a table of
 * functions over the graph, which check what they are asked. */
#ifndef RIFFLE_PASSES_PLUGIN_H
#define RIFFLE_PASSES_PLUGIN_H

#include "passes/passes.h"
#include "passes/riffle/pass.h"

/* Loads a shared object and adds its passes to the registry, with memory of the arena, which must
 * live as long. False after reporting why it cannot be used. It stays loaded until the process
 * ends. */
bool pass_plugin_load(
    PassRegistry *registry, const char *path, Arena *arena, Diagnostics *diagnostics);

/* ---- inside: plugin.c, plugin_questions.c, plugin_changes.c ---- */

/* A pass of a plugin: the `data` of its row in the registry. */
typedef struct PluginPass {
    Pass pass;
    const riffle_pass *description;
    const char *plugin; /* the path as the user gave it */
} PluginPass;

/* One run of such a pass. */
typedef struct PluginRun {
    riffle_graph functions; /* the first member: a riffle_graph is one of these */
    PassContext *context;
    const PluginPass *pass;
    bool failed;
} PluginRun;

void plugin_add_questions(riffle_graph *functions);
void plugin_add_changes(riffle_graph *functions);

static inline PluginRun *plugin_run(riffle_graph *graph) {
    return (PluginRun *)graph;
}

static inline Graph *plugin_graph(riffle_graph *graph) {
    return plugin_run(graph)->context->graph;
}

/* Reports a wrong question or change, the first of a run alone. */
void plugin_misuse(riffle_graph *graph, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The attribute of a node that is not NULL; NULL after reporting that there is none of that kind.
 */
/* Whether the attribute is a formula, which plugins see as a choice. */
bool plugin_is_formula(riffle_node *node, const char *name);
Attribute *plugin_attribute(
    riffle_graph *graph, riffle_node *node, const char *name, AttributeKind kind);
/* The index of a weight of the node's op; -1 after reporting that it has none. */
int plugin_weight_index(riffle_graph *graph, riffle_node *node, const char *name);

#endif
