/* The text of a precision map. A first line, then one statement a line; `#` begins a comment:
 *
 *     riffle precision map 1 for int8
 *     network shufflenet_v2 52a1c0e9d1b6f4a7
 *     keep stage2.0.branch2.0
 *
 * The second line holds a fingerprint of the network's layers; one written by hand may do without.
 * A file may come from anywhere: its size and its statements are limited. */
#include "driver/precision_map.h"
#include "driver/precision.h"

#include "ir/names.h"
#include "ir/quote.h"
#include "ir/source_file.h"

#include <string.h>

enum { MAP_VERSION = 1, LARGEST_MAP = 1 << 20 };

static const char first_line[] = "riffle precision map ";

/* ---- layers ---- */

static bool is_layer(const Node *node) {
    return node->weights[0] != NULL && node->path[0] != '\0';
}

PrecisionLayer *precision_layers(const Graph *graph, Arena *arena, size_t *count) {
    size_t nodes = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next)
        nodes += is_layer(node);
    PrecisionLayer *layers = ARENA_ARRAY(arena, PrecisionLayer, nodes + 1);
    NameMap *by_path = name_map_create(arena);
    *count = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        if (!is_layer(node))
            continue;
        PrecisionLayer *layer = name_map_find(by_path, node->path);
        if (layer == NULL) {
            layer = &layers[(*count)++];
            *layer = (PrecisionLayer){node->path, node->op, 0};
            name_map_put(by_path, node->path, layer);
        }
        layer->macs += node_macs(node);
    }
    return layers;
}

/* FNV-1a of all that makes the layers those of another network: names, order and weights' shapes.
 */
static uint64_t mix(uint64_t hash, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_number(uint64_t hash, int64_t number) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)number >> 8 * i);
    return mix(hash, bytes, sizeof bytes);
}

static uint64_t mix_shape(uint64_t hash, const TensorType *type) {
    hash = mix_number(hash, type->rank);
    for (int i = 0; i < type->rank; i++)
        hash = mix_number(hash, type->dims[i]);
    return hash;
}

static uint64_t fingerprint(const Graph *graph) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        if (!is_layer(node))
            continue;
        hash = mix(hash, node->path, strlen(node->path) + 1);
        for (int i = 0; i < MAX_OP_WEIGHTS && node->weights[i] != NULL; i++)
            hash = mix_shape(hash, &node->weights[i]->type);
    }
    return hash;
}

/* ---- reading ---- */

typedef struct MapReader {
    const SourceFile *file;
    const Graph *graph;
    Precision precision;
    Arena *arena;
    Diagnostics *diagnostics;
    PrecisionMap *map;
    const char **layers; /* paths of the network's */
    size_t layer_count;
    NameMap *by_path;
    bool has_network;
    size_t at, end; /* what is left of the line, without its comment */
} MapReader;

/* The next line that says something; false at the end. */
static bool next_line(MapReader *reader, size_t *next) {
    const SourceFile *file = reader->file;
    while (*next < file->length) {
        const char *from = file->text + *next;
        const char *found = memchr(from, '\n', file->length - *next);
        size_t length = found != NULL ? (size_t)(found - from) : file->length - *next;
        const char *comment = memchr(from, '#', length);
        reader->at = *next;
        reader->end = *next + (comment != NULL ? (size_t)(comment - from) : length);
        *next += length + 1;
        while (reader->at < reader->end && text_is_blank(file->text[reader->at]))
            reader->at++;
        if (reader->at < reader->end)
            return true;
    }
    return false;
}

/* The next word of the line; its length is 0 where there is none. */
static SourceRange next_word(MapReader *reader) {
    const char *text = reader->file->text;
    while (reader->at < reader->end && text_is_blank(text[reader->at]))
        reader->at++;
    SourceRange word = {reader->file, (uint32_t)reader->at, (uint32_t)reader->at};
    while (reader->at < reader->end && !text_is_blank(text[reader->at]))
        reader->at++;
    word.end = (uint32_t)reader->at;
    return word;
}

static SourceRange whole_line(const MapReader *reader, SourceRange first) {
    SourceRange line = {reader->file, first.begin, (uint32_t)reader->end};
    while (line.end > line.begin + 1 && text_is_blank(reader->file->text[line.end - 1]))
        line.end--;
    return line;
}

/* "" for a word with a NUL in it, which nothing is called. */
static const char *word_text(const MapReader *reader, SourceRange word) {
    const char *from = reader->file->text + word.begin;
    size_t length = word.end - word.begin;
    return memchr(from, '\0', length) != NULL ? "" : arena_copy_bytes(reader->arena, from, length);
}

static bool word_is(const MapReader *reader, SourceRange word, const char *text) {
    return word.end - word.begin == strlen(text) &&
           memcmp(reader->file->text + word.begin, text, strlen(text)) == 0;
}

static bool read_first_line(MapReader *reader, size_t *next) {
    size_t words = strlen(first_line);
    bool begins = next_line(reader, next) && reader->end - reader->at > words &&
                  memcmp(reader->file->text + reader->at, first_line, words) == 0;
    SourceRange start = {reader->file, (uint32_t)reader->at, (uint32_t)reader->at};
    SourceRange version = start, precision = start;
    if (begins) {
        reader->at += words;
        version = next_word(reader);
        begins = word_is(reader, next_word(reader), "for");
        precision = next_word(reader);
        begins =
            begins && precision.begin < precision.end && next_word(reader).begin == reader->end;
    }
    if (!begins) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, whole_line(reader, start),
            "`riffle precision` writes one",
            "this is no precision map: it does not begin with 'riffle precision map %d for "
            "PRECISION'",
            MAP_VERSION);
        return false;
    }
    if (!word_is(reader, version, arena_format(reader->arena, "%d", MAP_VERSION))) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, version,
            "write it again with `riffle precision`", "this riffle reads maps of version %d",
            MAP_VERSION);
        return false;
    }
    const char *name = precision_name(reader->precision);
    if (word_is(reader, precision, name))
        return true;
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, precision,
        arena_format(reader->arena, "write one with `riffle precision --precision %s`", name),
        "the map is for another precision than %s", name);
    return false;
}

static void report_line(MapReader *reader, SourceRange where) {
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, whole_line(reader, where),
        "a line is 'keep LAYER' or 'network NAME FINGERPRINT'", "this says nothing of a layer");
}

/* network NAME FINGERPRINT */
static bool read_network(MapReader *reader, SourceRange statement) {
    SourceRange name = next_word(reader), digits = next_word(reader), more = next_word(reader);
    if (digits.begin == digits.end || more.begin < more.end) {
        report_line(reader, statement);
        return true;
    }
    if (reader->has_network) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, whole_line(reader, statement),
            "keep one of them", "the map names its network already");
        return true;
    }
    reader->has_network = true;
    const char *own =
        arena_format(reader->arena, "%016llx", (unsigned long long)fingerprint(reader->graph));
    if (word_is(reader, digits, own))
        return true;
    const char *network = reader->graph->name;
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, whole_line(reader, statement),
        "write one for this network with `riffle precision`, or leave the line out if its layers "
        "are meant",
        word_is(reader, name, network)
            ? "the map was made for '%s' with other layers: other parameters, or another form of it"
            : "the map was made for another network than '%s'",
        network);
    return false;
}

/* keep LAYER */
static void read_keep(MapReader *reader, SourceRange statement) {
    SourceRange word = next_word(reader), more = next_word(reader);
    if (word.begin == word.end || more.begin < more.end) {
        report_line(reader, statement);
        return;
    }
    const char *path = word_text(reader, word);
    char *layer = name_map_find(reader->by_path, path);
    if (layer == NULL) {
        const char *closest = closest_word(path, reader->layers, reader->layer_count);
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, word,
            closest != NULL ? arena_format(reader->arena, "did you mean '%s'?", closest)
                            : "`riffle inspect` lists the layers",
            "'%s' has no layer with weights of this name", reader->graph->name);
    } else if (name_map_find(reader->map->kept, path) != NULL) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, word, "keep one of them",
            "the map has this layer already");
    } else {
        name_map_put(reader->map->kept, layer, layer);
        reader->map->count++;
    }
}

/* False ends the reading: what follows would be faults of the same. */
static bool read_line(MapReader *reader) {
    SourceRange statement = next_word(reader);
    if (word_is(reader, statement, "network"))
        return read_network(reader, statement);
    if (word_is(reader, statement, "keep"))
        read_keep(reader, statement);
    else
        report_line(reader, statement);
    return true;
}

static void list_layers(MapReader *reader) {
    const PrecisionLayer *layers =
        precision_layers(reader->graph, reader->arena, &reader->layer_count);
    reader->layers = ARENA_ARRAY(reader->arena, const char *, reader->layer_count + 1);
    reader->by_path = name_map_create(reader->arena);
    for (size_t i = 0; i < reader->layer_count; i++) {
        reader->layers[i] = layers[i].path;
        name_map_put(
            reader->by_path, layers[i].path, arena_copy_string(reader->arena, layers[i].path));
    }
}

bool precision_map_read(const ModelOptions *options, const Graph *graph, PrecisionMap *map) {
    Session *session = options->session;
    static const WantedFile wanted = {"a precision map", {FILE_KIND_PRECISION_MAP}};
    SourceFile *file = source_file_read_text(
        options->precision_map, LARGEST_MAP, &wanted, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    *map = (PrecisionMap){.kept = name_map_create(session->arena)};
    MapReader reader = {.file = file,
        .graph = graph,
        .precision = options->precision,
        .arena = session->arena,
        .diagnostics = session->diagnostics,
        .map = map};
    list_layers(&reader);
    size_t errors = diagnostics_error_count(session->diagnostics), next = 0;
    bool more = read_first_line(&reader, &next);
    while (more && next_line(&reader, &next))
        more = read_line(&reader);
    return diagnostics_error_count(session->diagnostics) == errors;
}

/* ---- printing ---- */

/* One word of the text. */
static bool is_map_word(const char *path) {
    const char *at = path;
    while (*at != '\0' && *at != '#' && !text_is_blank(*at))
        at++;
    return *at == '\0' && at > path;
}

bool precision_map_print(const Graph *graph, Precision precision, const char *about,
    const char *const *kept, size_t count, Session *session, Text *text) {
    text_format(
        text, "%s%d for %s\n# %s\n", first_line, MAP_VERSION, precision_name(precision), about);
    text_format(text, "network %s %016llx\n", graph->name, (unsigned long long)fingerprint(graph));
    for (size_t i = 0; i < count; i++) {
        if (!is_map_word(kept[i])) {
            diagnostics_error(session->diagnostics, "give the layer a name without blanks and '#'",
                "the name of the layer '%s' cannot stand in a precision map", kept[i]);
            return false;
        }
        text_format(text, "keep %s\n", kept[i]);
    }
    return true;
}
