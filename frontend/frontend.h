/* From text to graph: the .rfl language, its JSON spelling, and weights. */
#ifndef RIFFLE_FRONTEND_FRONTEND_H
#define RIFFLE_FRONTEND_FRONTEND_H

#include "ir/graph.h"
#include "ir/resting.h"
#include "ir/rule.h"

/* A parsed spec: the tree of the language, the same whether it came from .rfl or JSON. */
typedef struct Spec Spec;

/* Reads a spec; a name ending in ".json" is JSON, anything else the language. NULL after errors. */
Spec *spec_read(const char *path, Arena *arena, Diagnostics *diagnostics);
/* Its text alone. NULL after errors. */
SourceFile *spec_read_file(const char *path, Arena *arena, Diagnostics *diagnostics);
/* A spec from text in memory. */
Spec *spec_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);
Spec *spec_parse_json(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);

/* The canonical form; comments are kept. */
void spec_print(const Spec *spec, Text *text);
void spec_print_json(const Spec *spec, Text *text);

/* One --set NAME=VALUE; the value is an expression of the language. */
typedef struct Setting {
    const char *name;
    const char *value;
} Setting;

/* Evaluates the spec with its parameters and builds the graph, verified. NULL after errors. */
Graph *spec_elaborate(const Spec *spec, const Setting *settings, size_t setting_count, Arena *arena,
    Diagnostics *diagnostics);

/* Adds the rewrites of the spec, and of the files that it imports, in their order. False after
 * reporting; *rules then has those that are right. */
bool spec_rules(const Spec *spec, RuleList *rules, Arena *arena, Diagnostics *diagnostics);
/* The same of a file, where at least one must be. */
bool rules_read(const char *path, RuleList *rules, Arena *arena, Diagnostics *diagnostics);

/* Writes a graph as a spec, flat and not yet in canonical form; `comment` is its first line. Names
 * of values are taken where they can be. Fused activations and residuals of convolutions are not
 * what the language has: the graph must be one that no pass has changed. */
void graph_print_spec(const Graph *graph, const char *comment, Text *text);

/* Lets the library that reads and writes JSON end the process where memory runs out, as all else
 * does (ir/ending.h): its functions then never fail for that. Once, before anything is read. */
void frontend_expect_endings(void);

/* ---- weights ---- */

typedef struct WeightFile WeightFile;

/* Maps a file of weights read-only, safetensors or what torch.save of PyTorch wrote, and gives each
 * weight of the graph its data: float32 in place, float16, bfloat16 and float64 converted in the
 * graph's arena. float64 becomes the nearest float32; a warning says when that is another number.
 * No code in a file is ever run; one that asks for it is refused. Tensors missing, surplus (but for
 * *.num_batches_tracked), misshapen, truncated, overlapping, oversized, or holding NaN or Inf are
 * all reported by path. With a prefix, which may be NULL,
 * those tensors alone are there whose names begin with it, and without it; with a file of names,
 * which may be NULL, layers of the file are called as it says. NULL after errors. The
 * file must stay open as long as the graph is used. */
WeightFile *weights_load(Graph *graph, const char *path, const char *prefix, const char *names,
    Diagnostics *diagnostics);
/* Whether the file stayed as it is; reports when not. NULL is allowed, and is true. To be asked
 * before anything that was made of the weights is given away. */
bool weights_check(const WeightFile *file, Diagnostics *diagnostics);
void weights_close(WeightFile *file); /* NULL is allowed */

/* The graph's weights, which all have data, as a safetensors file: its header, and the data behind
 * that. */
void weights_write(const Graph *graph, Text *header, RestingBytes *data);

/* Gives each weight random data from the seed and its path alone, scaled so that activations stay
 * near unit scale through the network. */
void weights_randomize(Graph *graph, uint64_t seed);

#endif
