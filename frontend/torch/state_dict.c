/* The names of tensors: a state_dict has them as keys, a checkpoint of a training has a state_dict
 * among other things. */
#include "frontend/torch/torch.h"

#include <inttypes.h>
#include <string.h>

/* Values may hold each other in many ways, so that there are more ways to tensors than tensors. */
enum { DEEPEST = 32, MOST_STEPS = 1 << 22, MOST_TENSORS = 1 << 17, LONGEST_NAME = 1000 };

typedef struct StateWalk {
    TensorFile *file;
    Diagnostics *diagnostics;
    Text name;
    size_t capacity, steps;
    int depth;
} StateWalk;

static bool fail(const StateWalk *walk, const char *what) {
    diagnostics_error(walk->diagnostics, NULL, "%s: '%s' %s", walk->file->path,
        file_word(walk->file->arena, walk->name.length > 0 ? walk->name.data : ""), what);
    return false;
}

static bool add_tensor(StateWalk *walk, const TorchTensor *tensor) {
    TensorFile *file = walk->file;
    const TorchStorage *storage = tensor->storage;
    if (file->tensor_count == MOST_TENSORS) {
        diagnostics_error(walk->diagnostics, NULL, "%s: the file has more than %d tensors",
            file->path, MOST_TENSORS);
        return false;
    }
    ARENA_GROW(file->arena, file->tensors, file->tensor_count, walk->capacity, 64);
    FileTensor *result = &file->tensors[file->tensor_count++];
    *result = (FileTensor){.key = arena_copy_string(file->arena, walk->name.data),
        .type_name = storage->type->name,
        .type = storage->type->type,
        .rank = tensor->rank,
        .begin = storage->begin + tensor->first * storage->type->bytes,
        .strides = tensor->dense ? NULL : tensor->strides,
        .sound = storage->sound && !tensor->spread};
    result->name = file_word(file->arena, result->key);
    result->end = result->begin + tensor->reach * storage->type->bytes;
    memcpy(result->dims, tensor->dims, sizeof result->dims);
    if (tensor->spread)
        diagnostics_error(walk->diagnostics, "in Python, tensor.contiguous() has a number for each",
            "%s: tensor '%s' of shape %s repeats the numbers of a storage that has %" PRIu64,
            file->path, result->name, shape_text(file->arena, tensor->rank, tensor->dims),
            storage->count);
    return true;
}

/* Adds a key to the name. */
static bool add_key(StateWalk *walk, const PickleValue *key) {
    if (walk->name.length > 0)
        text_append(&walk->name, ".");
    if (key->kind == PICKLE_INT) {
        text_format(&walk->name, "%" PRId64, key->as.integer);
    } else if (key->kind != PICKLE_STR) {
        text_format(&walk->name, "(%s)", pickle_kind_name(key->kind));
    } else {
        const PickleString *string = key->as.string;
        if (memchr(string->bytes, '\0', string->length) != NULL)
            return fail(walk, "holds a name with a NUL byte");
        if (string->length > LONGEST_NAME)
            return fail(walk, "holds a name that is too long");
        text_append_bytes(&walk->name, string->bytes, string->length);
    }
    text_append(&walk->name, ""); /* a NUL behind it */
    return walk->name.length <= LONGEST_NAME || fail(walk, "is too long a name");
}

static bool holds_values(const PickleValue *value) {
    return value->kind == PICKLE_DICT || value->kind == PICKLE_LIST || value->kind == PICKLE_TUPLE;
}

/* Looks into a value by its name. */
static bool look_into(StateWalk *walk, const PickleValue *value) {
    if (value->kind == PICKLE_TENSOR)
        return add_tensor(walk, value->as.tensor);
    if (value->as.items->open)
        return fail(walk, "holds itself");
    if (walk->depth == DEEPEST)
        return fail(walk, "is nested too deep");
    PickleItems *items = value->as.items;
    size_t step = value->kind == PICKLE_DICT ? 2 : 1;
    items->open = true;
    walk->depth++;
    bool sound = true;
    for (size_t i = 0; i < items->count && sound; i += step) {
        if (walk->steps++ == MOST_STEPS) {
            diagnostics_error(walk->diagnostics, NULL,
                "%s: more than %d values are in the file, or ways to them", walk->file->path,
                MOST_STEPS);
            return false;
        }
        const PickleValue *item = &items->values[i + step - 1];
        if (item->kind != PICKLE_TENSOR && !holds_values(item))
            continue;
        PickleValue place = {PICKLE_INT, {.integer = (int64_t)i}};
        size_t length = walk->name.length;
        sound = add_key(walk, step == 2 ? &items->values[i] : &place) && look_into(walk, item);
        walk->name.length = length;
        if (length > 0)
            walk->name.data[length] = '\0';
    }
    walk->depth--;
    items->open = false;
    return sound;
}

bool torch_name_tensors(TensorFile *file, const PickleValue *saved, Diagnostics *diagnostics) {
    if (!holds_values(saved)) {
        diagnostics_error(diagnostics,
            "in Python, torch.save(model.state_dict(), \"net.pth\") writes a network's weights",
            "%s: the file holds %s, not tensors by their names", file->path,
            pickle_kind_name(saved->kind));
        return false;
    }
    StateWalk walk = {.file = file, .diagnostics = diagnostics};
    bool sound = look_into(&walk, saved);
    text_free(&walk.name);
    return sound;
}
