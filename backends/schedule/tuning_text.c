/* The text of a tuning. A first line, then one choice a line; `#` begins a comment:
 *
 *     riffle tuning 1 for x86-64-v4
 *     tile 116 outputs, 196 pixels, 116 taps: 14 pixels x 2 vectors
 *     link conv 1x1 58 -> 58 at 28x28, conv 3x3 58 -> 58 groups 58 at 28x28: joined
 *
 * A file may come from anywhere: lines, numbers and entries are limited. */
#include "backends/schedule/tuning_text.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/tuning.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/file_kind.h"
#include "ir/source_file.h"
#include "ir/text.h"

#include <ctype.h>
#include <string.h>

enum { TUNING_VERSION = 1, LARGEST_FILE = 1 << 20, MOST_ENTRIES = 10000 };

static const char *const kind_words[TUNING_KINDS] = {
    [TUNING_TILE] = "tile", [TUNING_LINK] = "link"};
static const char first_line[] = "riffle tuning %d for %s\n";

/* ---- printing ---- */

void tuning_print(const Tuning *tuning, Text *text) {
    text_format(text, first_line, TUNING_VERSION, tuning->target);
    for (int i = 0; i < tuning->count; i++) {
        const TuningEntry *entry = &tuning->entries[i];
        text_format(text, "%s %s: ", kind_words[entry->kind], entry->key);
        switch (entry->kind) {
        case TUNING_TILE:
            text_format(text, "%d pixels x %d vectors\n", entry->values[0], entry->values[1]);
            break;
        case TUNING_LINK:
            text_append(text, entry->values[0] ? "joined\n" : "apart\n");
            break;
        case TUNING_KINDS:
            break;
        }
    }
}

/* ---- reading ---- */

typedef struct Reader {
    const SourceFile *file;
    const Target *target;
    Tuning *tuning;
    Diagnostics *diagnostics;
    size_t begin, end; /* of the line, without spaces around it and without a comment */
} Reader;

static SourceRange range(const Reader *reader, size_t begin, size_t end) {
    return (SourceRange){reader->file, (uint32_t)begin, (uint32_t)(end > begin ? end : begin + 1)};
}

static void trim(const Reader *reader, size_t *begin, size_t *end) {
    while (*begin < *end && isspace((unsigned char)reader->file->text[*begin]))
        (*begin)++;
    while (*end > *begin && isspace((unsigned char)reader->file->text[*end - 1]))
        (*end)--;
}

/* The next line that says something; false at the end. `next` is where it is looked for. */
static bool next_line(Reader *reader, size_t *next) {
    const SourceFile *file = reader->file;
    while (*next < file->length) {
        const char *from = file->text + *next;
        const char *line_end = memchr(from, '\n', file->length - *next);
        size_t length = line_end ? (size_t)(line_end - from) : file->length - *next;
        const char *comment = memchr(from, '#', length);
        reader->begin = *next;
        reader->end = *next + (comment ? (size_t)(comment - from) : length);
        *next += length + 1;
        trim(reader, &reader->begin, &reader->end);
        if (reader->begin < reader->end)
            return true;
    }
    return false;
}

static bool words_equal(const Reader *reader, size_t begin, size_t end, const char *words) {
    return end - begin == strlen(words) &&
           memcmp(reader->file->text + begin, words, end - begin) == 0;
}

/* Takes the words off the beginning of the stretch. */
static bool take_words(const Reader *reader, size_t *begin, size_t end, const char *words) {
    size_t length = strlen(words);
    if (end - *begin < length || memcmp(reader->file->text + *begin, words, length) != 0)
        return false;
    *begin += length;
    return true;
}

/* A number of at most three digits: no choice is larger. */
static bool take_number(const Reader *reader, size_t *begin, size_t end, int *number) {
    size_t digits = 0;
    *number = 0;
    for (; *begin + digits < end && isdigit((unsigned char)reader->file->text[*begin + digits]);
        digits++) {
        if (digits == 3)
            return false;
        *number = 10 * *number + (reader->file->text[*begin + digits] - '0');
    }
    *begin += digits;
    return digits > 0;
}

static void read_tile(Reader *reader, const char *key, size_t begin) {
    TileShape shape;
    size_t at = begin;
    if (!take_number(reader, &at, reader->end, &shape.pixels) ||
        !take_words(reader, &at, reader->end, " pixels x ") ||
        !take_number(reader, &at, reader->end, &shape.vectors) ||
        !words_equal(reader, at, reader->end, " vectors")) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, begin, reader->end),
            "write '14 pixels x 2 vectors'", "this is no size of a tile");
        return;
    }
    if (shape.pixels < 1 || shape.pixels > MAX_TILE_PIXELS || shape.vectors < 1 ||
        shape.vectors > MAX_TILE_VECTORS || !tile_fits(reader->target, shape)) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, begin, reader->end),
            NULL, "a tile of %d pixels x %d vectors does not fit the %d registers of '%s'",
            shape.pixels, shape.vectors, reader->target->registers, reader->target->name);
        return;
    }
    tuning_set(reader->tuning, TUNING_TILE, key, shape.pixels, shape.vectors)->where =
        range(reader, reader->begin, reader->end);
}

static void read_link(Reader *reader, const char *key, size_t begin) {
    bool joined = words_equal(reader, begin, reader->end, "joined");
    if (!joined && !words_equal(reader, begin, reader->end, "apart")) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, begin, reader->end),
            "write 'joined' or 'apart'", "this does not say how the two layers are computed");
        return;
    }
    tuning_set(reader->tuning, TUNING_LINK, key, joined, 0)->where =
        range(reader, reader->begin, reader->end);
}

/* KIND KEY: VALUE */
static void read_entry(Reader *reader) {
    const char *text = reader->file->text;
    size_t word_end = reader->begin;
    while (word_end < reader->end && !isspace((unsigned char)text[word_end]))
        word_end++;
    int kind = 0;
    while (kind < TUNING_KINDS && !words_equal(reader, reader->begin, word_end, kind_words[kind]))
        kind++;
    const char *colon = memchr(text + reader->begin, ':', reader->end - reader->begin);
    if (kind == TUNING_KINDS || !colon) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR,
            range(reader, reader->begin, kind == TUNING_KINDS ? word_end : reader->end),
            "a line is 'tile LAYER: SIZE' or 'link LAYER, LAYER: joined'", "this is no choice");
        return;
    }
    size_t key_begin = word_end, key_end = (size_t)(colon - text), value = key_end + 1;
    size_t value_end = reader->end;
    trim(reader, &key_begin, &key_end);
    trim(reader, &value, &value_end);
    char key[LONGEST_TUNING_KEY];
    if (key_end - key_begin >= sizeof key || memchr(text + key_begin, '\0', key_end - key_begin)) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, key_begin, key_end),
            NULL, "no layer is called this");
        return;
    }
    memcpy(key, text + key_begin, key_end - key_begin);
    key[key_end - key_begin] = '\0';
    if (tuning_has(reader->tuning, (TuningKind)kind, key)) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, key_begin, key_end),
            "keep one of them", "the file has this choice already");
        return;
    }
    if (kind == TUNING_TILE)
        read_tile(reader, key, value);
    else
        read_link(reader, key, value);
}

/* The first line: version and target. */
static bool read_head(Reader *reader, size_t *next) {
    size_t at;
    int version = 0;
    bool begins = next_line(reader, next);
    at = reader->begin;
    if (!begins || !take_words(reader, &at, reader->end, "riffle tuning ") ||
        !take_number(reader, &at, reader->end, &version) ||
        !take_words(reader, &at, reader->end, " for ")) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR,
            range(reader, reader->begin, reader->end), "`riffle tune` makes one",
            "this is no tuning: it does not begin with 'riffle tuning 1 for TARGET'");
        return false;
    }
    if (version != TUNING_VERSION) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR,
            range(reader, reader->begin, reader->end), "measure again with `riffle tune`",
            "a tuning of version %d; this riffle reads version %d", version, TUNING_VERSION);
        return false;
    }
    if (words_equal(reader, at, reader->end, reader->target->name))
        return true;
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, range(reader, at, reader->end),
        arena_format(
            reader->tuning->arena, "measure with `riffle tune --target %s`", reader->target->name),
        "the tuning is for another target than '%s'", reader->target->name);
    return false;
}

Tuning *tuning_read(
    const char *path, const Target *target, Arena *arena, Diagnostics *diagnostics) {
    static const WantedFile wanted = {"a tuning", {FILE_KIND_TUNING}};
    SourceFile *file = source_file_read_text(path, LARGEST_FILE, &wanted, arena, diagnostics);
    if (!file)
        return NULL;
    if (!file->text)
        file->length = 0;
    Reader reader = {.file = file,
        .target = target,
        .tuning = tuning_create(target->name, arena),
        .diagnostics = diagnostics};
    size_t errors = diagnostics_error_count(diagnostics), next = 0;
    if (!read_head(&reader, &next))
        return NULL;
    while (next_line(&reader, &next)) {
        if (reader.tuning->count == MOST_ENTRIES) {
            diagnostics_report(diagnostics, SEVERITY_ERROR,
                range(&reader, reader.begin, reader.end), NULL, "a tuning has at most %d choices",
                MOST_ENTRIES);
            break;
        }
        read_entry(&reader);
    }
    return diagnostics_error_count(diagnostics) == errors ? reader.tuning : NULL;
}

void tuning_report_unused(const Tuning *tuning, Diagnostics *diagnostics) {
    int unused = 0;
    const TuningEntry *first = NULL;
    for (int i = tuning->count - 1; i >= 0; i--)
        if (!tuning->entries[i].used) {
            unused++;
            first = &tuning->entries[i];
        }
    if (first)
        diagnostics_report(diagnostics, SEVERITY_WARNING, first->where,
            "a tuning of another network does what it can; `riffle tune` makes one of this",
            "%d of %d choices are for layers that the network does not have, this is the first",
            unused, tuning->count);
}
