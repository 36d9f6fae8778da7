#include "backends/schedule/tuning.h"
#include "backends/program/compilation.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/graph.h"

#include <inttypes.h>
#include <string.h>

Tuning *tuning_create(const char *target, Arena *arena) {
    Tuning *tuning = ARENA_NEW(arena, Tuning);
    tuning->arena = arena;
    tuning->target = target;
    return tuning;
}

static TuningEntry *find(const Tuning *tuning, TuningKind kind, const char *key) {
    for (int i = 0; i < tuning->count; i++)
        if (tuning->entries[i].kind == kind && strcmp(tuning->entries[i].key, key) == 0)
            return &tuning->entries[i];
    return NULL;
}

TuningEntry *tuning_set(Tuning *tuning, TuningKind kind, const char *key, int first, int second) {
    TuningEntry *entry = find(tuning, kind, key);
    if (!entry) {
        ARENA_GROW(tuning->arena, tuning->entries, tuning->count, tuning->capacity, 16);
        entry = &tuning->entries[tuning->count++];
        *entry = (TuningEntry){.kind = kind, .key = arena_copy_string(tuning->arena, key)};
    }
    entry->values[0] = first;
    entry->values[1] = second;
    return entry;
}

const TuningEntry *tuning_find(Tuning *tuning, TuningKind kind, const char *key) {
    TuningEntry *entry = tuning ? find(tuning, kind, key) : NULL;
    if (entry)
        entry->used = true;
    return entry;
}

bool tuning_has(const Tuning *tuning, TuningKind kind, const char *key) {
    return find(tuning, kind, key) != NULL;
}

/* ---- keys ---- */

void tuning_tile_key(char key[LONGEST_TUNING_KEY], int64_t outputs, int64_t pixels, int64_t taps) {
    snprintf(key, LONGEST_TUNING_KEY, "%" PRId64 " outputs, %" PRId64 " pixels, %" PRId64 " taps",
        outputs, pixels, taps);
}

/* What decides the work of a layer; padding changes its edges alone. */
static void append_layer(char *key, size_t room, const Node *node) {
    Window window = node_window(node);
    const int64_t *in = node->operands[0]->type.dims, *out = node->results[0]->type.dims;
    int length = snprintf(key, room, "%s %" PRId64 "x%" PRId64 " %" PRId64 " -> %" PRId64,
        op_info(node->op)->name, window.kernel[0], window.kernel[1], in[1], out[1]);
    if (length > 0 && (size_t)length < room && node->op == OP_conv &&
        node_integer(node, "groups") > 1)
        length += snprintf(
            key + length, room - (size_t)length, " groups %" PRId64, node_integer(node, "groups"));
    if (length > 0 && (size_t)length < room)
        snprintf(key + length, room - (size_t)length, " at %" PRId64 "x%" PRId64, out[2], out[3]);
}

void tuning_link_key(char key[LONGEST_TUNING_KEY], const Node *node, const Node *next) {
    append_layer(key, LONGEST_TUNING_KEY, node);
    size_t length = strlen(key);
    length += (size_t)snprintf(key + length, LONGEST_TUNING_KEY - length, ", ");
    if (length < LONGEST_TUNING_KEY)
        append_layer(key + length, LONGEST_TUNING_KEY - length, next);
}

/* ---- choices ---- */

bool tuning_tile(const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps,
    TileShape *shape) {
    char key[LONGEST_TUNING_KEY];
    if (!compilation->tuning)
        return false;
    tuning_tile_key(key, outputs, pixels, taps);
    const TuningEntry *entry = tuning_find(compilation->tuning, TUNING_TILE, key);
    if (!entry)
        return false;
    *shape = (TileShape){entry->values[0], entry->values[1]};
    return tile_fits(compilation->target, *shape);
}

bool tuning_link(const Compilation *compilation, const Node *node, const Node *next, bool *joined) {
    char key[LONGEST_TUNING_KEY];
    if (!compilation->tuning)
        return false;
    tuning_link_key(key, node, next);
    const TuningEntry *entry = tuning_find(compilation->tuning, TUNING_LINK, key);
    if (entry)
        *joined = entry->values[0] != 0;
    return entry != NULL;
}
