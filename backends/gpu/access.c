/* Kernels for blocks of threads: how they reach tensors, and what several of them do. */
#include "backends/gpu/gpu.h"
#include "backends/program/call.h"
#include "backends/program/program.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>

/* ---- tensors as parameters ---- */

static bool is_regular(const Tensor *tensor, int64_t *stride) {
    const Plane *planes = tensor->planes;
    *stride = tensor->channels > 1 ? planes[1].offset - planes[0].offset : 0;
    for (int64_t i = 1; i < tensor->channels; i++)
        if (planes[i].buffer != planes[0].buffer ||
            planes[i].offset != planes[0].offset + i * *stride)
            return false;
    return *stride >= 0;
}

/* Where offsets of planes count from: those of a caller's tensor lie in its buffer, all others
 * anywhere in the workspace. */
static int table_base(const Program *program, const Tensor *tensor) {
    int buffer = tensor->planes[0].buffer;
    return program->buffers[buffer].kind == BUFFER_WORKSPACE ? WHOLE_WORKSPACE : buffer;
}

static int access_parameter(
    KernelCall *call, const Access *access, ParameterRole role, const char *name, const Plane *at) {
    return call_parameter_of(call, buffer_role(role, at->buffer), name,
        access->tensor->bytes ? LANE_U8 : LANE_F32, at->buffer, at->offset);
}

/* A tensor whose planes are at no regular distance: their offsets, entered when they are known. */
static void add_table(
    GpuLowering *gpu, KernelCall *call, Access *access, bool writes, const char *name) {
    const Tensor *tensor = access->tensor;
    TableUse *use = ARENA_NEW(gpu->emission.arena, TableUse);
    int base = table_base(gpu->emission.program, tensor);
    access->parameter = access_parameter(
        call, access, writes ? PARAMETER_WRITE : PARAMETER_READ, name, &(Plane){base, 0});
    (void)call_weights(&gpu->emission, call, tensor->channels, &access->table);
    KernelParameter *parameter = &call->builder.kernel->parameters[access->table];
    parameter->name = arena_format(gpu->emission.arena, "%s_planes", name);
    parameter->role = PARAMETER_TABLE;
    use->step = gpu->emission.program->step_count;
    use->writes = writes;
    use->weights_offset = (size_t)call->step.arguments[access->table].offset * sizeof(float);
    use->tensor = tensor;
    use->next = gpu->table_uses;
    gpu->table_uses = use;
}

/* How far its rows are apart, and what its bytes mean. */
static void add_byte_rows(GpuLowering *gpu, KernelCall *call, Access *access) {
    const Tensor *tensor = access->tensor;
    access->rows = call_byte_rows(call, &gpu->emission, tensor->planes[0].buffer, tensor->height);
    access->apart = byte_rows_apart(&call->builder, &access->rows);
    float *scales = call_weights(&gpu->emission, call, 2 * tensor->channels, &access->scales);
    for (int64_t c = 0; c < tensor->channels; c++) {
        scales[2 * c] = tensor->bytes[c].factor;
        scales[2 * c + 1] = tensor->bytes[c].term;
    }
}

Access gpu_access(GpuLowering *gpu, KernelCall *call, ParameterRole role, const char *name,
    const Tensor *tensor) {
    Access access = {.tensor = tensor, .arena = gpu->emission.arena, .table = -1};
    if (is_regular(tensor, &access.channel_stride))
        access.parameter = access_parameter(call, &access, role, name, &tensor->planes[0]);
    else
        add_table(gpu, call, &access, role == PARAMETER_WRITE, name);
    if (tensor->bytes)
        add_byte_rows(gpu, call, &access);
    return access;
}

const Expression *access_plane(const Access *access, const Expression *channel) {
    if (access->table < 0)
        return expression_multiply(access->arena, channel, access->channel_stride);
    return expression_element(access->arena, access->table, channel);
}

const Expression *access_rows(const Access *access, const Expression *rows) {
    return access->apart ? expression_product(access->arena, rows, access->apart)
                         : expression_multiply(access->arena, rows, access->tensor->row_stride);
}

const Expression *access_row(const Access *access, const Expression *image, const Expression *row) {
    Arena *arena = access->arena;
    if (access->apart)
        return access_rows(access,
            expression_add(arena, expression_multiply(arena, image, access->rows.height), row));
    return expression_add(arena, expression_multiply(arena, image, access->tensor->image_stride),
        access_rows(access, row));
}

const Expression *access_position(const Access *access, const Expression *image,
    const Expression *row, const Expression *column) {
    Arena *arena = access->arena;
    const Tensor *tensor = access->tensor;
    const Expression *position = expression_multiply(arena, column, tensor->pixel_stride);
    if (access->apart)
        return expression_add(arena, access_row(access, image, row), position);
    if (tensor->height > 1)
        position =
            expression_add(arena, expression_multiply(arena, row, tensor->row_stride), position);
    if (tensor->images > 1)
        position = expression_add(
            arena, expression_multiply(arena, image, tensor->image_stride), position);
    return position;
}

const Expression *access_pixel(const Access *access, const Expression *pixel) {
    Arena *arena = access->arena;
    const Tensor *tensor = access->tensor;
    int64_t size = tensor->height * tensor->width;
    if (tensor->flat)
        return pixel;
    if (size == 1)
        return access->apart ? access_rows(access, pixel)
                             : expression_multiply(arena, pixel, tensor->image_stride);
    const Expression *image = expression_divide(arena, pixel, size);
    const Expression *rest = tensor->images > 1 ? expression_remainder(arena, pixel, size) : pixel;
    if (!access->apart && tensor->row_stride == tensor->width * tensor->pixel_stride) {
        rest = expression_multiply(arena, rest, tensor->pixel_stride);
        return tensor->images > 1
                   ? expression_add(
                         arena, expression_multiply(arena, image, tensor->image_stride), rest)
                   : rest;
    }
    return access_position(access, image, expression_divide(arena, rest, tensor->width),
        expression_remainder(arena, rest, tensor->width));
}

AccessScale access_scale(KernelBuilder *builder, const Access *access, const Expression *channel) {
    if (!access->tensor->bytes)
        return (AccessScale){-1, -1};
    AccessScale scale = {kernel_register(builder, 1), kernel_register(builder, 1)};
    const Expression *place = expression_multiply(access->arena, channel, 2);
    kernel_load(builder, scale.factor, access->scales, place, 0, 1);
    kernel_load(
        builder, scale.term, access->scales, expression_offset(access->arena, place, 1), 0, 1);
    return scale;
}

void access_load(KernelBuilder *builder, const Access *access, const AccessScale *scale, int reg,
    const Expression *offset) {
    if (!access->tensor->bytes) {
        kernel_load(builder, reg, access->parameter, offset, 0, 1);
        return;
    }
    int byte = kernel_register_of(builder, LANE_U8, 1);
    int integer = kernel_register_of(builder, LANE_S32, 1);
    kernel_load(builder, byte, access->parameter, offset, 0, 1);
    kernel_unary(builder, INSTRUCTION_widen, integer, byte);
    kernel_unary(builder, INSTRUCTION_to_float, reg, integer);
    kernel_multiply_add(builder, reg, reg, scale->factor, scale->term);
}

/* ---- calls ---- */

void gpu_call_begin(GpuLowering *gpu, KernelCall *call, const Node *node, int64_t items,
    const Expression **thread) {
    call_begin(&gpu->emission, call, node, items);
    *thread = kernel_threads(&call->builder, BLOCK_THREADS);
}

static int64_t tensor_bytes(const Tensor *tensor) {
    int64_t bytes = tensor && tensor->bytes ? 1 : (int64_t)sizeof(float);
    return tensor ? tensor->channels * tensor_pixels(tensor) * bytes : 0;
}

void gpu_call_count(KernelCall *call, const Tensor *read, const Tensor *written) {
    call->step.count.bytes_read += tensor_bytes(read);
    call->step.count.bytes_written += tensor_bytes(written);
}

void gpu_call_end(GpuLowering *gpu, KernelCall *call) {
    call_end(&gpu->emission, call);
}

/* ---- code that several kernels have ---- */

int emit_lane(KernelBuilder *builder, int source, int lane) {
    return emit_spread_lane(builder, source, lane, 1);
}

int emit_spread_lane(KernelBuilder *builder, int source, int lane, int lanes) {
    if (builder->kernel->register_lanes[source] == 1 && lanes == 1)
        return source;
    int *indices = ARENA_ARRAY(builder->arena, int, lanes);
    for (int i = 0; i < lanes; i++)
        indices[i] = lane;
    int reg = kernel_register(builder, lanes);
    kernel_permute(builder, reg, source, source, indices);
    return reg;
}

int emit_splat(KernelBuilder *builder, int lanes, float value) {
    int reg = kernel_register(builder, lanes);
    kernel_splat(builder, reg, value);
    return reg;
}

void emit_block_reduce(KernelBuilder *builder, int shared, int count, const Expression *thread,
    InstructionKind combine) {
    Arena *arena = builder->arena;
    kernel_barrier(builder);
    for (int half = count / 2; half > 0; half /= 2) {
        kernel_open_if_less(builder, thread, expression_constant(arena, half));
        int a = kernel_register(builder, 1), b = kernel_register(builder, 1);
        kernel_load(builder, a, shared, thread, 0, 1);
        kernel_load(builder, b, shared, expression_offset(arena, thread, half), 0, 1);
        kernel_binary(builder, combine, a, a, b);
        kernel_store(builder, a, shared, thread, 0, 1);
        kernel_close(builder);
        kernel_barrier(builder);
    }
}
