/* --weights-names: what layers are called in a file of weights, and their paths in the network. One
 * pair a line, with blanks between; '#' begins a comment. */
#include "frontend/weights_loader.h"
#include "ir/name_map.h"
#include "ir/quote.h"
#include "ir/source_file.h"

#include <string.h>

enum { LARGEST_NAMES = 16 << 20 };

typedef struct NamePair {
    const char *name, *path;
    SourceRange where; /* of the name */
    bool used;
    struct NamePair *next;
} NamePair;

typedef struct RenamedWeights {
    const SourceFile *file;
    Arena *arena;
    Diagnostics *diagnostics;
    NameMap *by_name;
    NamePair *first, **end;
} RenamedWeights;

/* The next word of the line; its length is 0 where there is none. */
static SourceRange next_word(const RenamedWeights *names, size_t *at, size_t end) {
    const char *text = names->file->text;
    while (*at < end && text_is_blank(text[*at]))
        ++*at;
    SourceRange word = {names->file, (uint32_t)*at, (uint32_t)*at};
    while (*at < end && !text_is_blank(text[*at]) && text[*at] != '#')
        ++*at;
    word.end = (uint32_t)*at;
    return word;
}

static const char *copy_word(const RenamedWeights *names, SourceRange word) {
    return arena_copy_bytes(names->arena, names->file->text + word.begin, word.end - word.begin);
}

static bool read_line(RenamedWeights *names, size_t begin, size_t end) {
    SourceRange name = next_word(names, &begin, end), path = next_word(names, &begin, end);
    SourceRange more = next_word(names, &begin, end);
    if (name.begin == name.end)
        return true;
    if (path.begin == path.end || more.begin != more.end) {
        diagnostics_report(names->diagnostics, SEVERITY_ERROR, name, NULL,
            "a line has a layer's name in the file and its path in the network");
        return false;
    }
    NamePair *pair = ARENA_NEW(names->arena, NamePair);
    *pair =
        (NamePair){.name = copy_word(names, name), .path = copy_word(names, path), .where = name};
    if (name_map_find(names->by_name, pair->name) != NULL) {
        diagnostics_report(names->diagnostics, SEVERITY_ERROR, name, NULL,
            "there is a line for this name already");
        return false;
    }
    name_map_put(names->by_name, pair->name, pair);
    *names->end = pair;
    names->end = &pair->next;
    return true;
}

static bool read_names(RenamedWeights *names) {
    const SourceFile *file = names->file;
    bool good = true;
    for (size_t begin = 0; good && begin < file->length;) {
        const char *found = memchr(file->text + begin, '\n', file->length - begin);
        size_t end = found == NULL ? file->length : (size_t)(found - file->text);
        good = read_line(names, begin, end);
        begin = end + 1;
    }
    return good;
}

/* Its layer is what stands before the last dot; a pair may also be of a whole tensor. */
static void rename_tensor(const RenamedWeights *names, FileTensor *tensor, Arena *arena) {
    const char *dot = strrchr(tensor->key, '.');
    size_t length = dot == NULL ? strlen(tensor->key) : (size_t)(dot - tensor->key);
    NamePair *pair = name_map_find(names->by_name, tensor->key);
    const char *ending = "";
    if (pair == NULL) {
        pair = name_map_find(names->by_name, arena_copy_bytes(arena, tensor->key, length));
        ending = tensor->key + length;
    }
    if (pair == NULL)
        return;
    pair->used = true;
    tensor->key = arena_format(arena, "%s%s", pair->path, ending);
    tensor->name = file_word(arena, tensor->key);
}

static bool all_used(const RenamedWeights *names, const TensorFile *file) {
    for (const NamePair *pair = names->first; pair != NULL; pair = pair->next) {
        if (pair->used)
            continue;
        diagnostics_report(names->diagnostics, SEVERITY_ERROR, pair->where, NULL,
            "%s: no layer is called '%s'", file->path, file_word(names->arena, pair->name));
        return false;
    }
    return true;
}

bool weights_take_names(
    TensorFile *file, const char *path, Arena *arena, Diagnostics *diagnostics) {
    static const WantedFile wanted = {"a list of names", {FILE_KIND_UNKNOWN}};
    RenamedWeights names = {.arena = arena, .diagnostics = diagnostics};
    names.file = source_file_read_text(path, LARGEST_NAMES, &wanted, arena, diagnostics);
    if (names.file == NULL)
        return false;
    names.by_name = name_map_create(arena);
    names.end = &names.first;
    if (!read_names(&names))
        return false;
    for (size_t i = 0; i < file->tensor_count; i++)
        rename_tensor(&names, &file->tensors[i], file->arena);
    return all_used(&names, file) && tensor_file_sort(file, diagnostics);
}
