/* Gives a graph's weights their data from a file of tensors.
 *
 * 1. Open the file; the reader of its format checks it for itself.
 * 2. For each weight of the graph, find the tensor of its path; shapes must be equal.
 * 3. float32 that is aligned and in order is used in place, everything else is copied or converted
 *    into the graph's arena.
 * 4. What the file has and the graph does not want is an error too: it is how a wrong width or a
 *    forgotten layer shows.
 *
 * Every step goes on after a fault, so that the user sees all kinds of them at once. */
#include "frontend/frontend.h"
#include "frontend/weights_loader.h"
#include "ir/resting.h"

#include <math.h>
#include <string.h>

struct WeightFile {
    TensorFile *file;
};

/* How many numbers were rounded. */
static uint64_t take_floats(const WeightLoader *loader, const FileTensor *tensor, Weight *weight) {
    const unsigned char *bytes = loader->file->data + tensor->begin;
    if (tensor->type == FILE_F32 && tensor->strides == NULL &&
        (uintptr_t)bytes % _Alignof(float) == 0) {
        weight->data = (const float *)(const void *)bytes;
        weight->rests = true;
        return 0;
    }
    return tensor_numbers(loader->file, tensor, weight_allocate(loader->graph, weight));
}

/* ---- matching ---- */

static bool is_ignored(const FileTensor *tensor) {
    static const char suffix[] = "num_batches_tracked";
    size_t length = strlen(tensor->key), suffix_length = sizeof suffix - 1;
    return length >= suffix_length && strcmp(tensor->key + length - suffix_length, suffix) == 0 &&
           (length == suffix_length || tensor->key[length - suffix_length - 1] == '.');
}

bool weight_has_shape(const Weight *weight, const FileTensor *tensor) {
    if (weight->type.rank != tensor->rank)
        return false;
    for (int i = 0; i < tensor->rank; i++)
        if (weight->type.dims[i] != tensor->dims[i])
            return false;
    return true;
}

static bool all_finite(const float *data, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(data[i]))
            return false;
    return true;
}

/* Gives the weight its data where it can. */
static WeightFault load_weight(WeightLoader *loader, Weight *weight) {
    FileTensor *tensor = tensor_file_find(loader->file, weight->path);
    if (tensor == NULL)
        return WEIGHT_MISSING;
    tensor->used = true;
    if (!tensor->sound)
        return WEIGHT_REPORTED;
    if (!weight_has_shape(weight, tensor) || tensor->type == FILE_OTHER)
        return WEIGHT_MISSHAPEN;
    /* Sound and of equal shape: the count is bounded by the size of the file. */
    size_t count = (size_t)tensor_elements(&weight->type);
    if (take_floats(loader, tensor, weight) > 0 && loader->rounded_count++ == 0)
        loader->first_rounded = weight;
    bool finite = all_finite(weight->data, count);
    weight_rest(weight);
    memory_rest(loader->file->data + tensor->begin, tensor->end - tensor->begin);
    return finite ? WEIGHT_FITS : WEIGHT_NOT_FINITE;
}

static void find_spare_names(WeightLoader *loader) {
    const TensorFile *file = loader->file;
    loader->spare_names = ARENA_ARRAY(loader->scratch, const char *, file->tensor_count + 1);
    for (size_t i = 0; i < file->tensor_count; i++) {
        FileTensor *tensor = &file->tensors[i];
        tensor->used = tensor->used || is_ignored(tensor);
        if (!tensor->used && strlen(tensor->name) <= LONGEST_HINT_NAME)
            loader->spare_names[loader->spare_count++] = tensor->name;
    }
}

static void load_all(WeightLoader *loader) {
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next)
        loader->weight_count++;
    loader->faults = ARENA_ARRAY(loader->scratch, WeightFault, loader->weight_count + 1);
    size_t i = 0;
    for (Weight *weight = loader->graph->first_weight; weight; weight = weight->next)
        loader->faults[i++] = load_weight(loader, weight);
    find_spare_names(loader);
    weights_find_prefix(loader);
    weights_report(loader);
    if (loader->rounded_count > 0)
        diagnostics_report(loader->diagnostics, SEVERITY_WARNING, loader->first_rounded->where,
            NULL,
            loader->rounded_count == 1
                ? "%s: %zu weight of the type %s was rounded to float32: '%s'"
                : "%s: %zu weights of the type %s were rounded to float32, the first is '%s'",
            loader->file->path, loader->rounded_count,
            tensor_file_find(loader->file, loader->first_rounded->path)->type_name,
            loader->first_rounded->path);
}

WeightFile *weights_load(Graph *graph, const char *path, const char *prefix, const char *names,
    Diagnostics *diagnostics) {
    size_t errors_before = diagnostics_error_count(diagnostics);
    TensorFile *file = tensor_file_open(path, diagnostics);
    if (file == NULL)
        return NULL;
    if ((prefix != NULL && !tensor_file_take_prefix(file, prefix, diagnostics)) ||
        (names != NULL && !weights_take_names(file, names, graph->arena, diagnostics))) {
        tensor_file_close(file);
        return NULL;
    }
    WeightLoader loader = {.given_prefix = prefix == NULL ? "" : prefix,
        .graph = graph,
        .file = file,
        .diagnostics = diagnostics,
        .scratch = arena_create()};
    load_all(&loader);
    arena_destroy(loader.scratch);

    if (diagnostics_error_count(diagnostics) > errors_before) {
        /* Nothing may point into the mapping that goes away. */
        for (Weight *weight = graph->first_weight; weight; weight = weight->next) {
            weight->data = NULL;
            weight->rests = false;
        }
        tensor_file_close(file);
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
        tensor_file_close(file->file);
}
