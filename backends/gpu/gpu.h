/* Inside the lowering for GPUs: where tensors are, and what the lowerings of several ops share.
 *
 * Inside the network a tensor is planar: each channel is a plane of all images, rows and columns
 * of the batch, one after the other, padded to four numbers. So a plane may lie anywhere: concat,
 * split, shuffle and every other route are lists of planes, and never a kernel. A picture of bytes
 * is a view, too: what the numbers are, kernels compute when they read it. */
#ifndef RIFFLE_BACKENDS_GPU_GPU_H
#define RIFFLE_BACKENDS_GPU_GPU_H

#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/claims.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

enum {
    BLOCK_THREADS = 256,      /* of every kernel */
    PLANE_ALIGNMENT = 4,      /* floats: a load of four never leaves its plane */
    LARGEST_OFFSET = 1 << 30, /* floats; offsets are computed in 32 bits */
    WHOLE_WORKSPACE = 1,      /* the buffer that tables of its planes count from */
    FIRST_INPUT_BUFFER = 2
};

typedef struct Plane {
    int buffer;
    int64_t offset; /* in floats, or bytes of a picture */
} Plane;

/* Of a channel's bytes: the number is byte * factor + term. */
typedef struct ByteMeaning {
    float factor, term;
} ByteMeaning;

/* Element (image, row, column) of channel c is at planes[c] + image*image_stride +
 * row*row_stride + column*pixel_stride. Of bytes, the caller says how far rows are apart. */
typedef struct Tensor {
    Plane *planes; /* one per channel */
    int64_t images, channels, height, width;
    int64_t image_stride, row_stride, pixel_stride;
    bool flat; /* pixels are consecutive over all images, planes aligned and padded */
    const ByteMeaning *bytes; /* one per channel of a picture of bytes; NULL: floats */
} Tensor;

/* A tensor that a step reaches through a table of offsets. */
typedef struct TableUse {
    int step;
    bool writes;
    size_t weights_offset; /* bytes: of the table in the packed weights */
    const Tensor *tensor;
    struct TableUse *next;
} TableUse;

typedef struct GpuLowering {
    Emission emission; /* program, graph, target, arena, diagnostics */
    Tensor **tensors;  /* by value id; NULL until it is placed */
    Arrangements arrangements;
    Claims claims;
    Tensor **owned;          /* by value id: of a layout op that owns what it reads */
    const Node **fused_into; /* by value id: the op that the convolution's kernel computes, too */
    const GraphOutput **direct; /* by value id: the output that its producer writes */
    TableUse *table_uses;
} GpuLowering;

/* ---- place.c ---- */

void gpu_add_public_buffers(GpuLowering *gpu);
/* Decides, before anything is lowered, which layout ops own the planes that they read. */
void gpu_claim_planes(GpuLowering *gpu);
/* The tensor of a value that is an input or was lowered. */
Tensor *gpu_tensor(const GpuLowering *gpu, const Value *value);
/* The place of a value that a kernel is about to compute. */
Tensor *gpu_place(GpuLowering *gpu, const Value *value);
/* The place of a constant, whose numbers lie with the weights. */
void gpu_constant(GpuLowering *gpu, const Node *node);
/* A new flat tensor of that shape in the workspace. */
Tensor *gpu_new_tensor(GpuLowering *gpu, const char *name, int64_t images, int64_t channels,
    int64_t height, int64_t width);
/* The result of a layout op, flatten or crop: planes of its operands. */
void gpu_view(GpuLowering *gpu, const Node *node);
/* The tensor of an operand as a flat one in the workspace: copied when it is not. */
const Tensor *gpu_make_flat(GpuLowering *gpu, const Node *node, const Value *value);
/* The tensor of an operand as one of floats: of bytes a copy. */
const Tensor *gpu_make_floats(GpuLowering *gpu, const Node *node, const Value *value);
Tensor *gpu_output_tensor(GpuLowering *gpu, int output);
/* With the shape of the type, but without places of its planes. */
Tensor *tensor_of_type(Arena *arena, const TensorType *type);
int64_t tensor_pixels(const Tensor *tensor); /* of all images */
int64_t plane_floats(int64_t pixels);

/* ---- access.c: a tensor as a parameter of a kernel ---- */

typedef struct Access {
    const Tensor *tensor;
    Arena *arena;
    int parameter;
    int table; /* parameter; -1: planes are at a regular distance */
    int64_t channel_stride;
    ByteRows rows; /* of bytes: */
    const Expression *apart;
    int scales; /* parameter: the factor and the term of each channel */
} Access;

Access gpu_access(
    GpuLowering *gpu, KernelCall *call, ParameterRole role, const char *name, const Tensor *tensor);
/* Offset of a plane. */
const Expression *access_plane(const Access *access, const Expression *channel);
/* Offset, within the plane, of a pixel by its number in all images. */
const Expression *access_pixel(const Access *access, const Expression *pixel);
const Expression *access_position(
    const Access *access, const Expression *image, const Expression *row, const Expression *column);
/* Where a row begins, which may lie beside the tensor; and where one so many rows below does. */
const Expression *access_row(const Access *access, const Expression *image, const Expression *row);
const Expression *access_rows(const Access *access, const Expression *rows);

/* Registers with the factor and the term of a channel of bytes; of floats none. */
typedef struct AccessScale {
    int factor, term;
} AccessScale;

AccessScale access_scale(KernelBuilder *builder, const Access *access, const Expression *channel);
/* A number of the tensor in a register of one lane. */
void access_load(KernelBuilder *builder, const Access *access, const AccessScale *scale, int reg,
    const Expression *offset);

/* A kernel for blocks of threads, `items` of them; *thread is the variable. */
void gpu_call_begin(
    GpuLowering *gpu, KernelCall *call, const Node *node, int64_t items, const Expression **thread);
/* Bytes that the step reads and writes, beside weights, for its description. */
void gpu_call_count(KernelCall *call, const Tensor *read, const Tensor *written);
void gpu_call_end(GpuLowering *gpu, KernelCall *call);
/* A register with one lane of another. */
int emit_lane(KernelBuilder *builder, int source, int lane);
int emit_splat(KernelBuilder *builder, int lanes, float value);
/* A register of `lanes` that are all lane `lane` of another. */
int emit_spread_lane(KernelBuilder *builder, int source, int lane, int lanes);
/* shared[base + thread] of the first `count` threads (a power of two) becomes their sum or largest,
 * in shared[base]; all threads of the block must get there. */
void emit_block_reduce(KernelBuilder *builder, int shared, int count, const Expression *thread,
    InstructionKind combine);

/* ---- one per family of ops ---- */

bool gpu_lower_convolution(GpuLowering *gpu, const Node *node);
void gpu_find_fusions(GpuLowering *gpu);
bool gpu_lower_map(GpuLowering *gpu, const Node *node);     /* one thread an output number */
bool gpu_arrange(GpuLowering *gpu, const Node *node);       /* rearrange, slice, join */
bool gpu_lower_reduce(GpuLowering *gpu, const Node *node);  /* global_avg_pool, softmax */
bool gpu_lower_numbers(GpuLowering *gpu, const Node *node); /* reduce, arg_max */
void gpu_copy(GpuLowering *gpu, const Node *node, const Tensor *from, const Tensor *to,
    const char *label, const char *reason);

/* ---- schedule.c ---- */

/* Phases, memory, and the entries of tables. False after reporting that it is too large. */
bool gpu_finish(GpuLowering *gpu);

#endif
