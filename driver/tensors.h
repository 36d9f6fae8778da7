/* The buffers of one run: inputs, outputs and workspace, each between guard bytes that show when
 * code writes beside it. */
#ifndef RIFFLE_DRIVER_TENSORS_H
#define RIFFLE_DRIVER_TENSORS_H

#include "backends/backends.h"
#include "driver/driver.h"
#include "ir/graph.h"

typedef struct GuardedBuffer {
    const char *name;
    float *data; /* aligned to 64 bytes */
    size_t bytes;
    unsigned char *memory;
} GuardedBuffer;

typedef struct Tensors {
    const Graph *graph;
    GuardedBuffer *buffers; /* inputs, outputs, workspace */
    const float **inputs;
    float **outputs;
    void *workspace;
} Tensors;

/* Zeroed inputs; outputs and workspace full of NaNs, so that what is read before it was written
 * shows. False after reporting that there is not enough memory. Free it in any case. */
bool tensors_create(
    const Graph *graph, int64_t workspace_bytes, Session *session, Tensors *tensors);
void tensors_free(Tensors *tensors); /* a zeroed one is allowed */

/* For writing: floats, or bytes where the input is of u8. */
void *tensors_input(const Tensors *tensors, int index);
/* Numbers in [-1.7, 1.7], of unit variance, or any bytes; from the seed alone. */
void tensors_randomize_inputs(Tensors *tensors, uint64_t seed);
/* Fills outputs and workspace with NaNs again. */
void tensors_spoil(Tensors *tensors);
/* Reports each buffer whose guards were overwritten. */
bool tensors_check_guards(const Tensors *tensors, Session *session);

/* Runs the compiled model; with `pool` on its threads. Reports a status other than success. */
bool tensors_run(Tensors *tensors, const LoadedModel *loaded, riffle_pool *pool, Session *session);

/* Fills the inputs from raw float32 files, or of bytes where the input is of u8, one per input in
 * order; the size must fit. */
bool tensors_read_inputs(
    Tensors *tensors, const char *const *paths, size_t path_count, Session *session);

#endif
