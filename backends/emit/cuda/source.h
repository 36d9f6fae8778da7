/* The files that a network for a GPU becomes. */
#ifndef RIFFLE_BACKENDS_EMIT_CUDA_SOURCE_H
#define RIFFLE_BACKENDS_EMIT_CUDA_SOURCE_H

#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/text.h"

/* NAME.cu: kernels and host functions. */
void cuda_source_write(const Graph *graph, const Program *program, Text *out);
/* NAME.h: plain C, self-contained. */
void cuda_header_write(const Graph *graph, const Program *program, Text *out);
/* NAME_weights.S: the weights as a symbol, from the file NAME_weights.bin. */
void cuda_weights_write(const Graph *graph, Text *out);

/* kernel_source.c: the functions that these kernels call, and a kernel as a function, which does
 * the items of one block. */
void cuda_prelude_write(const char *kernels, Text *out);
void cuda_kernel_write(const Program *program, int index, Arena *arena, Text *out);
/* Bytes of shared memory that the largest kernel of the program needs. */
int64_t cuda_shared_bytes(const Program *program);

/* names.c: what the files call things. */
typedef struct Names {
    const char *name, *upper;       /* NAME_cuda, NAME_CUDA */
    const char **inputs, **outputs; /* members of the structs */
} Names;

Names cuda_names(const Graph *graph, Arena *arena);

/* network.c: the global function that runs all phases, and the items of a phase, each done by a
 * block. */
enum { CUDA_THREADS = 256 };
void cuda_network_write(const Program *program, const Names *names, Text *out);
int64_t cuda_phase_items(const Program *program, int phase);

/* model.c: the functions that make, end and launch a model; and those of a graph that was captured.
 */
void cuda_model_write(const Names *names, Text *out);
void cuda_graph_write(const Names *names, Text *out);

bool cuda_input_is_of_bytes(const Graph *graph, int index);
bool cuda_takes_bytes(const Graph *graph); /* any of them */
/* How far rows of an input of bytes may be apart: kernels compute places in 32 bits. */
int64_t cuda_most_row_bytes(const TensorType *type);

/* Whether NAME_cuda_run takes the one input and the one output, and no structs of them. */
bool cuda_takes_pointers(const Graph *graph);

#endif
