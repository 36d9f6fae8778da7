/* Names that differ by a prefix alone: files have module.conv1.weight, as DataParallel of PyTorch
 * makes them, or model. or state_dict. before each name, and networks may have one, too. */
#include "frontend/weights_loader.h"

#include <string.h>

enum { MOST_TRIED_WEIGHTS = 8, MOST_TRIED_PREFIXES = 16 };

typedef struct CommonPrefix {
    const char *text; /* with the dot at its end; NULL for none */
    bool of_file;     /* else of the graph's paths */
    size_t explained; /* weights */
} CommonPrefix;

/* What `name` has before the dot before `ending`, dot and all. NULL when it does not end so. */
static const char *before_ending(Arena *arena, const char *name, const char *ending) {
    size_t length = strlen(name), ending_length = strlen(ending);
    if (length < ending_length + 2 || name[length - ending_length - 1] != '.' ||
        strcmp(name + length - ending_length, ending) != 0)
        return NULL;
    return arena_copy_bytes(arena, name, length - ending_length);
}

/* The spare tensor that the weight is by that prefix. */
static FileTensor *find_renamed(
    const WeightLoader *loader, const Weight *weight, const CommonPrefix *prefix) {
    size_t length = strlen(prefix->text);
    const char *name = weight->path;
    if (prefix->of_file)
        name = arena_format(loader->scratch, "%s%s", prefix->text, name);
    else if (strncmp(name, prefix->text, length) == 0)
        name += length;
    else
        return NULL;
    FileTensor *tensor = tensor_file_find(loader->file, name);
    return tensor == NULL || tensor->used ? NULL : tensor;
}

static size_t count_explained(const WeightLoader *loader, const CommonPrefix *prefix) {
    size_t count = 0, i = 0;
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next, i++)
        count +=
            loader->faults[i] == WEIGHT_MISSING && find_renamed(loader, weight, prefix) != NULL;
    return count;
}

/* Tries all prefixes by which a spare name is the weight's path; keeps the one that explains most.
 */
static void try_weight(
    const WeightLoader *loader, const Weight *weight, int *tries, CommonPrefix *best) {
    for (size_t i = 0; i < loader->spare_count && *tries > 0; i++) {
        const char *name = loader->spare_names[i];
        CommonPrefix prefix = {.text = before_ending(loader->scratch, name, weight->path)};
        prefix.of_file = prefix.text != NULL;
        if (prefix.text == NULL)
            prefix.text = before_ending(loader->scratch, weight->path, name);
        if (prefix.text == NULL || (best->text != NULL && best->of_file == prefix.of_file &&
                                       strcmp(best->text, prefix.text) == 0))
            continue;
        --*tries;
        prefix.explained = count_explained(loader, &prefix);
        if (prefix.explained > best->explained)
            *best = prefix;
    }
}

static void apply(WeightLoader *loader, const CommonPrefix *prefix) {
    size_t i = 0;
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next, i++) {
        FileTensor *tensor =
            loader->faults[i] == WEIGHT_MISSING ? find_renamed(loader, weight, prefix) : NULL;
        if (tensor == NULL)
            continue;
        tensor->used = true;
        loader->faults[i] = WEIGHT_RENAMED;
    }
    if (prefix->of_file)
        loader->file_prefix = prefix->text;
    else
        loader->graph_prefix = prefix->text;
}

void weights_find_prefix(WeightLoader *loader) {
    if (loader->spare_count > MOST_HINT_CANDIDATES)
        return;
    CommonPrefix best = {0};
    size_t missing = 0, i = 0;
    int tries = MOST_TRIED_PREFIXES;
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next, i++) {
        if (loader->faults[i] == WEIGHT_MISSING && missing++ < MOST_TRIED_WEIGHTS)
            try_weight(loader, weight, &tries, &best);
    }
    /* One weight among many is rather another layer of the same name. */
    if (best.text != NULL && 2 * best.explained >= missing &&
        (best.explained > 1 || loader->weight_count == 1))
        apply(loader, &best);
}
