/* Kernels under construction, with the arguments of their first call. */
#ifndef RIFFLE_BACKENDS_PROGRAM_CALL_H
#define RIFFLE_BACKENDS_PROGRAM_CALL_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* A kernel under construction together with the arguments of its first call. */
typedef struct KernelCall {
    KernelBuilder builder;
    Step step;
} KernelCall;

void call_begin(Emission *emission, KernelCall *call, const Node *node, int64_t extent);

/* A parameter of floats. */
int call_parameter(
    KernelCall *call, ParameterRole role, const char *name, int buffer, int64_t offset);
int call_parameter_of(KernelCall *call, ParameterRole role, const char *name, LaneType element,
    int buffer, int64_t offset);

/* The rows of an input of bytes, which may have gaps between them. */
typedef struct ByteRows {
    int parameter;  /* how far they are apart */
    int64_t packed; /* bytes of a row */
    int64_t height;
} ByteRows;

/* Of the input in a buffer, of so many rows. */
ByteRows call_byte_rows(KernelCall *call, const Emission *emission, int buffer, int64_t height);
const Expression *byte_rows_apart(KernelBuilder *builder, const ByteRows *rows);
/* The first byte of a row of an image. */
const Expression *byte_row(
    KernelBuilder *builder, const ByteRows *rows, const Expression *image, const Expression *row);

/* One parameter per buffer; returns by run which one is its. */
const int *call_placement(
    KernelCall *call, ParameterRole role, const char *name, const Placement *placement);

/* What a parameter of that role is in the buffer: what is read of the weights is of them. */
ParameterRole buffer_role(ParameterRole role, int buffer);

/* Room in the packed weights for numbers that kernels reach as any tensor: *offset is where it
 * begins, in floats. The pointer is valid until the next call. */
float *emission_weights(Emission *emission, int64_t floats, int64_t *offset);

/* Reserves room in the packed weights, aligned to 64 bytes; the pointer is valid until the next
 * call. The parameter reads from its start. */
float *call_weights(Emission *emission, KernelCall *call, int64_t floats, int *parameter);

/* The same for bytes, for whole numbers of 16 bits, and for numbers of bf16 or f16. */
uint8_t *call_weight_bytes(Emission *emission, KernelCall *call, int64_t bytes, int *parameter);
int16_t *call_weight_words(Emission *emission, KernelCall *call, int64_t count, int *parameter);
uint16_t *call_weight_halves(
    Emission *emission, KernelCall *call, LaneType type, int64_t count, int *parameter);
/* These numbers, as the nearest of f16. */
void call_weights_f16(
    Emission *emission, KernelCall *call, const float *numbers, int64_t count, int *parameter);

/* Says what the kernel computes; what several ops say is joined by " + ". */
void call_describe(KernelCall *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds the step; its kernel is shared with an equal one. */
void call_end(Emission *emission, KernelCall *call);

#endif
