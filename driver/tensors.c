#include "driver/tensors.h"

#include "ir/source_file.h"

#include <stdlib.h>
#include <string.h>

enum { TENSOR_ALIGNMENT = 64, GUARD_BYTES = 256, GUARD_VALUE = 0xa5, NAN_BYTE = 0xff };

/* How much of a file that is too long is read, to say how long it is. */
enum { SURPLUS_BYTES = 64 << 20 };

static size_t round_up(size_t size) {
    return (size + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
}

/* The upper guard begins right behind the last byte. */
static size_t upper_guard_bytes(const GuardedBuffer *buffer) {
    return GUARD_BYTES + round_up(buffer->bytes) - buffer->bytes;
}

static bool create_buffer(
    GuardedBuffer *buffer, const char *name, int64_t bytes, int fill, Session *session) {
    buffer->name = name;
    buffer->bytes = (size_t)bytes;
    buffer->memory = aligned_alloc(TENSOR_ALIGNMENT, 2 * GUARD_BYTES + round_up(buffer->bytes));
    if (buffer->memory == NULL) {
        diagnostics_error(session->diagnostics, NULL, "not enough memory for %lld bytes of '%s'",
            (long long)bytes, name);
        return false;
    }
    unsigned char *data = buffer->memory + GUARD_BYTES;
    memset(buffer->memory, GUARD_VALUE, GUARD_BYTES);
    memset(data, fill, buffer->bytes);
    memset(data + buffer->bytes, GUARD_VALUE, upper_guard_bytes(buffer));
    buffer->data = (float *)(void *)data;
    return true;
}

static int buffer_count(const Tensors *tensors) {
    return tensors->graph->input_count + tensors->graph->output_count + 1;
}

bool tensors_create(
    const Graph *graph, int64_t workspace_bytes, Session *session, Tensors *tensors) {
    *tensors = (Tensors){.graph = graph};
    int inputs = graph->input_count, outputs = graph->output_count;
    tensors->buffers = ARENA_ARRAY(session->arena, GuardedBuffer, inputs + outputs + 1);
    tensors->inputs = jit_inputs_create(inputs, session->arena);
    tensors->outputs = ARENA_ARRAY(session->arena, float *, outputs);
    for (int i = 0; i < inputs; i++) {
        const Value *value = graph->inputs[i].value;
        int64_t bytes = element_type_bytes(value->type.element) * tensor_elements(&value->type);
        if (!create_buffer(&tensors->buffers[i], value->name, bytes, 0, session))
            return false;
        tensors->inputs[i] = tensors->buffers[i].data;
    }
    for (int i = 0; i < outputs; i++) {
        const GraphOutput *output = &graph->outputs[i];
        GuardedBuffer *buffer = &tensors->buffers[inputs + i];
        int64_t bytes = 4 * tensor_elements(&output->value->type);
        if (!create_buffer(buffer, output->name, bytes, NAN_BYTE, session))
            return false;
        tensors->outputs[i] = buffer->data;
    }
    GuardedBuffer *workspace = &tensors->buffers[inputs + outputs];
    if (!create_buffer(workspace, "the workspace", workspace_bytes, NAN_BYTE, session))
        return false;
    tensors->workspace = workspace->data;
    return true;
}

void tensors_free(Tensors *tensors) {
    if (tensors->buffers != NULL) {
        for (int i = 0; i < buffer_count(tensors); i++)
            free(tensors->buffers[i].memory);
    }
    *tensors = (Tensors){0};
}

void *tensors_input(const Tensors *tensors, int index) {
    return tensors->buffers[index].data;
}

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void tensors_randomize_inputs(Tensors *tensors, uint64_t seed) {
    uint64_t state = seed;
    for (int i = 0; i < tensors->graph->input_count; i++) {
        GuardedBuffer *buffer = &tensors->buffers[i];
        if (tensors->graph->inputs[i].value->type.element == ELEMENT_U8) {
            for (size_t j = 0; j < buffer->bytes; j++)
                buffer->memory[GUARD_BYTES + j] = (unsigned char)next_random(&state);
            continue;
        }
        for (size_t j = 0; j < buffer->bytes / sizeof(float); j++) {
            double unit = (double)(next_random(&state) >> 11) * 0x1p-53;
            buffer->data[j] = (float)((2 * unit - 1) * 1.7320508075688772);
        }
    }
}

void tensors_spoil(Tensors *tensors) {
    for (int i = tensors->graph->input_count; i < buffer_count(tensors); i++)
        memset(tensors->buffers[i].data, NAN_BYTE, tensors->buffers[i].bytes);
}

static bool is_filled(const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != GUARD_VALUE)
            return false;
    }
    return true;
}

bool tensors_check_guards(const Tensors *tensors, Session *session) {
    bool intact = true;
    for (int i = 0; i < buffer_count(tensors); i++) {
        const GuardedBuffer *buffer = &tensors->buffers[i];
        const unsigned char *end = buffer->memory + GUARD_BYTES + buffer->bytes;
        if (is_filled(buffer->memory, GUARD_BYTES) && is_filled(end, upper_guard_bytes(buffer)))
            continue;
        diagnostics_error(session->diagnostics, "this is a fault of riffle: please report it",
            "compiled code wrote outside '%s'", buffer->name);
        intact = false;
    }
    return intact;
}

bool tensors_run(Tensors *tensors, const LoadedModel *loaded, riffle_pool *pool, Session *session) {
    int status = pool == NULL
                     ? jit_run(loaded, tensors->inputs, tensors->outputs, tensors->workspace)
                     : jit_run_parallel(loaded, tensors->inputs, tensors->outputs,
                           tensors->workspace, riffle_pool_parallel_for, pool);
    return jit_succeeded(status, session->diagnostics);
}

static bool read_input(
    GuardedBuffer *buffer, ElementType element, const char *path, Session *session) {
    static const WantedFile numbers = {"raw float32 numbers", {FILE_KIND_UNKNOWN}},
                            pixels = {"raw bytes of pixels", {FILE_KIND_UNKNOWN}};
    const WantedFile *wanted = element == ELEMENT_U8 ? &pixels : &numbers;
    SourceFile *file = source_file_read(
        path, buffer->bytes + SURPLUS_BYTES, NULL, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    if (file->length != buffer->bytes) { /* else numbers, however they begin */
        if (!file_is_wanted(path, file->text, file->length, wanted, session->diagnostics))
            return false;
        diagnostics_error(session->diagnostics,
            element == ELEMENT_U8 ? "the file holds the bytes of packed pixels, nothing else"
                                  : "the file holds raw little-endian float32 numbers",
            "'%s' has %zu bytes where input '%s' takes %zu", path, file->length, buffer->name,
            buffer->bytes);
        return false;
    }
    memcpy(buffer->data, file->text, buffer->bytes);
    return true;
}

bool tensors_read_inputs(
    Tensors *tensors, const char *const *paths, size_t path_count, Session *session) {
    if (path_count != (size_t)tensors->graph->input_count) {
        diagnostics_error(session->diagnostics, "repeat --input, in the order of the spec",
            "%zu files were given with --input where the network has %d inputs", path_count,
            tensors->graph->input_count);
        return false;
    }
    for (size_t i = 0; i < path_count; i++) {
        if (!read_input(&tensors->buffers[i], tensors->graph->inputs[i].value->type.element,
                paths[i], session))
            return false;
    }
    return true;
}
