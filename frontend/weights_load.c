/* Gives a graph's weights their data from a safetensors file.
 *
 * 1. Open the file; safetensors.c checks it for itself.
 * 2. For each weight of the graph, find the tensor of its path; shapes must be equal.
 * 3. F32 that is aligned is used in place, everything else is converted into the graph's arena.
 * 4. What the file has and the graph does not want is an error too: it is how a wrong width or a
 *    forgotten layer shows.
 *
 * Every step goes on after a fault, so that the user sees all of them at once. */
#include "frontend/frontend.h"
#include "frontend/safetensors.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A candidate list longer than this, as only a hostile file has, is not searched for look-alikes.
 */
enum { MOST_HINT_CANDIDATES = 5000, LONGEST_HINT_NAME = 200 };

struct WeightFile {
    SafetensorsFile *file;
};

typedef struct Loader {
    Graph *graph;
    SafetensorsFile *file;
    Diagnostics *diagnostics;
    Arena *scratch;
    const char *
        *spare_names; /* tensors that no weight asks for: what a missing one may be called */
    size_t spare_count;
} Loader;

/* ---- conversion; exact, since every f16 and bf16 number is an f32 number ---- */

static float float_from_bits(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static float float_from_bf16(uint16_t half) {
    return float_from_bits((uint32_t)half << 16);
}

static float float_from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) /* infinity, NaN */
        return float_from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) { /* zero, subnormal: fraction * 2^-24 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static const float *tensor_floats(
    const SafetensorsFile *file, const SafetensorsTensor *tensor, size_t count, Arena *arena) {
    const unsigned char *bytes = file->data + tensor->begin;
    if (tensor->type == SAFETENSORS_F32 && (uintptr_t)bytes % _Alignof(float) == 0)
        return (const float *)(const void *)bytes;
    float *floats = ARENA_ARRAY(arena, float, count);
    if (tensor->type == SAFETENSORS_F32) {
        memcpy(floats, bytes, count * sizeof(float));
        return floats;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        floats[i] = tensor->type == SAFETENSORS_F16 ? float_from_f16(half) : float_from_bf16(half);
    }
    return floats;
}

/* ---- faults ---- */

static void check_finite(Loader *loader, const Weight *weight, const float *data, size_t count) {
    size_t nan_count = 0, infinite_count = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(data[i]))
            continue;
        if (nan_count + infinite_count == 0)
            first = i;
        if (isnan(data[i]))
            nan_count++;
        else
            infinite_count++;
    }
    if (nan_count + infinite_count == 0)
        return;
    int64_t index[MAX_RANK];
    for (int i = weight->type.rank - 1; i >= 0; i--) {
        index[i] = (int64_t)(first % (size_t)weight->type.dims[i]);
        first /= (size_t)weight->type.dims[i];
    }
    diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, NULL,
        "weight '%s' holds %zu NaN and %zu infinite numbers in %s, the first at %s", weight->path,
        nan_count, infinite_count, loader->file->path,
        shape_text(loader->scratch, weight->type.rank, index));
}

static void report_missing(Loader *loader, const Weight *weight) {
    const char *hint = NULL;
    if (loader->spare_count <= MOST_HINT_CANDIDATES) {
        const char *closest = closest_word(weight->path, loader->spare_names, loader->spare_count);
        if (closest != NULL)
            hint = arena_format(loader->scratch, "did you mean '%s'?", closest);
    }
    diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, hint,
        "weight '%s' of shape %s is missing from %s", weight->path,
        shape_text(loader->scratch, weight->type.rank, weight->type.dims), loader->file->path);
}

static bool is_ignored(const SafetensorsTensor *tensor) {
    static const char suffix[] = "num_batches_tracked";
    size_t length = strlen(tensor->key), suffix_length = sizeof suffix - 1;
    return length >= suffix_length && strcmp(tensor->key + length - suffix_length, suffix) == 0 &&
           (length == suffix_length || tensor->key[length - suffix_length - 1] == '.');
}

static void report_surplus(Loader *loader) {
    for (size_t i = 0; i < loader->file->tensor_count; i++) {
        const SafetensorsTensor *tensor = &loader->file->tensors[i];
        if (tensor->used || is_ignored(tensor))
            continue;
        if (tensor->sound)
            diagnostics_error(loader->diagnostics, NULL,
                "%s: tensor '%s' of shape %s is used by no layer of '%s'", loader->file->path,
                tensor->name, shape_text(loader->scratch, tensor->rank, tensor->dims),
                loader->graph->name);
        else
            diagnostics_error(loader->diagnostics, NULL,
                "%s: tensor '%s' is used by no layer of '%s'", loader->file->path, tensor->name,
                loader->graph->name);
    }
}

/* ---- matching ---- */

static bool same_shape(const Weight *weight, const SafetensorsTensor *tensor) {
    if (weight->type.rank != tensor->rank)
        return false;
    for (int i = 0; i < tensor->rank; i++)
        if (weight->type.dims[i] != tensor->dims[i])
            return false;
    return true;
}

static void load_weight(Loader *loader, Weight *weight) {
    const SafetensorsFile *file = loader->file;
    SafetensorsTensor *tensor = safetensors_find(file, weight->path);
    if (tensor == NULL) {
        report_missing(loader, weight);
        return;
    }
    if (!tensor->sound) /* reported when the file was read */
        return;
    bool fits = true;
    if (!same_shape(weight, tensor)) {
        diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, NULL,
            "weight '%s' has shape %s in the network but %s in %s", weight->path,
            shape_text(loader->scratch, weight->type.rank, weight->type.dims),
            shape_text(loader->scratch, tensor->rank, tensor->dims), file->path);
        fits = false;
    }
    if (tensor->type == SAFETENSORS_OTHER) {
        diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where,
            "convert the file to F32, F16 or BF16", "weight '%s' has the type %s in %s",
            weight->path, tensor->type_name, file->path);
        fits = false;
    }
    if (!fits)
        return;
    /* Sound and of equal shape: the count is bounded by the size of the file. */
    size_t count = (size_t)tensor_elements(&weight->type);
    weight->data = tensor_floats(file, tensor, count, loader->graph->arena);
    check_finite(loader, weight, weight->data, count);
}

static void find_spare_names(Loader *loader) {
    const SafetensorsFile *file = loader->file;
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next) {
        SafetensorsTensor *tensor = safetensors_find(file, weight->path);
        if (tensor != NULL)
            tensor->used = true;
    }
    loader->spare_names = ARENA_ARRAY(loader->scratch, const char *, file->tensor_count + 1);
    for (size_t i = 0; i < file->tensor_count; i++)
        if (!file->tensors[i].used && !is_ignored(&file->tensors[i]) &&
            strlen(file->tensors[i].name) <= LONGEST_HINT_NAME)
            loader->spare_names[loader->spare_count++] = file->tensors[i].name;
}

WeightFile *weights_load(Graph *graph, const char *path, Diagnostics *diagnostics) {
    size_t errors_before = diagnostics_error_count(diagnostics);
    SafetensorsFile *file = safetensors_open(path, diagnostics);
    if (file == NULL)
        return NULL;
    Loader loader = {
        .graph = graph, .file = file, .diagnostics = diagnostics, .scratch = arena_create()};
    find_spare_names(&loader);
    for (Weight *weight = graph->first_weight; weight; weight = weight->next)
        load_weight(&loader, weight);
    report_surplus(&loader);
    arena_destroy(loader.scratch);

    if (diagnostics_error_count(diagnostics) > errors_before) {
        /* Nothing may point into the mapping that goes away. */
        for (Weight *weight = graph->first_weight; weight; weight = weight->next)
            weight->data = NULL;
        safetensors_close(file);
        return NULL;
    }
    WeightFile *result = ARENA_NEW(file->arena, WeightFile);
    result->file = file;
    return result;
}

bool weights_check(const WeightFile *file, Diagnostics *diagnostics) {
    return file == NULL || mapped_file_check(&file->file->mapped, diagnostics);
}

void weights_close(WeightFile *file) {
    if (file != NULL)
        safetensors_close(file->file);
}
