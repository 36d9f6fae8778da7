#include "tests/fuzz/torch_seeds.h"

#include "tests/fuzz/work.h"
#include <string.h>

/* So many bytes, little-endian. */
static void append_number(Text *text, uint64_t number, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++, number >>= 8)
        text_append_bytes(text, &(char){(char)(number & 255)}, 1);
}

/* BINUNICODE */
static void append_str(Text *text, const char *string) {
    text_append(text, "X");
    append_number(text, strlen(string), 4);
    text_append(text, string);
}

/* BININT1 or BININT */
static void append_int(Text *text, int64_t number) {
    bool small = number >= 0 && number < 256;
    text_append(text, small ? "K" : "J");
    append_number(text, (uint64_t)number, small ? 1 : 4);
}

/* ---- storages: 0.5 and nothing else, in each type ---- */

typedef struct SeedStorage {
    const char *class, *half; /* one half as it stands in the file */
    unsigned bytes;
} SeedStorage;

static const SeedStorage storages[] = {{"FloatStorage", "\0\0\0\x3f", 4},
    {"HalfStorage", "\0\x38", 2}, {"DoubleStorage", "\0\0\0\0\0\0\xe0\x3f", 8},
    {"BFloat16Storage", "\0\x3f", 2}};

static const SeedStorage *storage_of(size_t weight) {
    return &storages[weight % (sizeof storages / sizeof storages[0])];
}

static void append_storage(Text *text, const Weight *weight, size_t number) {
    const SeedStorage *storage = storage_of(number);
    for (int64_t i = 0; i < tensor_elements(&weight->type); i++)
        text_append_bytes(text, storage->half, storage->bytes);
}

/* ---- the pickle ---- */

/* Sizes, or the strides: of the whole in order, or, of a matrix, column by column. */
static void append_extents(Text *text, const TensorType *type, bool strides) {
    text_append(text, "(");
    int64_t step = tensor_elements(type);
    for (int i = 0; i < type->rank; i++) {
        step /= type->dims[i];
        int64_t stride = type->rank != 2 ? step : i == 0 ? 1 : type->dims[0];
        append_int(text, strides ? stride : type->dims[i]);
    }
    text_append(text, "t");
}

static void append_tensor(Text *text, const Weight *weight, size_t number, bool old) {
    char key[24];
    snprintf(key, sizeof key, "%zu", number);
    text_append(text, "ctorch._utils\n_rebuild_tensor_v2\n((");
    append_str(text, "storage");
    text_format(text, "ctorch\n%s\n", storage_of(number)->class);
    append_str(text, key);
    append_str(text, "cpu");
    append_int(text, tensor_elements(&weight->type));
    text_append(text, old ? "NtQ" : "tQ");
    append_int(text, 0);
    append_extents(text, &weight->type, false);
    append_extents(text, &weight->type, true);
    text_append(text, "\x89"
                      "ccollections\nOrderedDict\n)RtR");
}

static void append_pickle(Text *text, const Graph *graph, bool old) {
    text_append(text, "\x80\x02"
                      "ccollections\nOrderedDict\n)Rq");
    append_number(text, 0, 1);
    text_append(text, "(");
    size_t number = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next, number++) {
        append_str(text, weight->path);
        append_tensor(text, weight, number, old);
    }
    append_str(text, "a.c.num_batches_tracked");
    append_tensor(text, graph->first_weight, 0, old);
    text_append(text, "u}");
    append_str(text, "_metadata");
    text_append(text, "h");
    append_number(text, 0, 1);
    text_append(text, "sb.");
}

/* ---- the formats ---- */

static void append_stream(Text *text, const Graph *graph) {
    text_append(text, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
                      "\x80\x02}(");
    append_str(text, "protocol_version");
    text_append(text, "M\xe9\x03");
    append_str(text, "little_endian");
    text_append(text, "\x88u.");
    append_pickle(text, graph, true);
    text_append(text, "\x80\x02](");
    size_t count = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next)
        append_str(text, (char[2]){(char)('0' + count++), '\0'});
    text_append(text, "e.");
    size_t number = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next) {
        append_number(text, (uint64_t)tensor_elements(&weight->type), 8);
        append_storage(text, weight, number++);
    }
}

/* The archive's directory so far, and how many members it has. */
typedef struct SeedArchive {
    Text *text;
    Text directory;
    uint64_t count;
} SeedArchive;

/* From the version on, what the local header and the entry of the directory both have. */
static void append_header(Text *text, const char *name, size_t bytes) {
    append_number(text, 0, 14); /* version, flags, method, time, checksum */
    append_number(text, bytes, 4);
    append_number(text, bytes, 4);
    append_number(text, strlen(name), 2);
    append_number(text, 0, 2);
}

static void add_member(SeedArchive *archive, const char *name, const Text *contents) {
    uint64_t at = archive->text->length;
    text_append(archive->text, "PK\x03\x04");
    append_header(archive->text, name, contents->length);
    text_append(archive->text, name);
    text_append_bytes(archive->text, contents->data, contents->length);
    text_append(&archive->directory, "PK\x01\x02");
    append_number(&archive->directory, 0, 2);
    append_header(&archive->directory, name, contents->length);
    append_number(&archive->directory, 0, 10);
    append_number(&archive->directory, at, 4);
    text_append(&archive->directory, name);
    archive->count++;
}

static void append_archive(Text *text, const Graph *graph) {
    SeedArchive archive = {.text = text};
    Text contents = {0};
    append_pickle(&contents, graph, false);
    add_member(&archive, "n/data.pkl", &contents);
    size_t number = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next, number++) {
        contents.length = 0;
        append_storage(&contents, weight, number);
        add_member(&archive, (char[9]){'n', '/', 'd', 'a', 't', 'a', '/', (char)('0' + number), 0},
            &contents);
    }
    uint64_t begin = text->length;
    text_append_bytes(text, archive.directory.data, archive.directory.length);
    text_append(text, "PK\x05\x06");
    append_number(text, 0, 4);
    append_number(text, archive.count, 2);
    append_number(text, archive.count, 2);
    append_number(text, archive.directory.length, 4);
    append_number(text, begin, 4);
    append_number(text, 0, 2);
    text_free(&contents);
    text_free(&archive.directory);
}

int torch_seeds(Text *seeds, int most) {
    if (most < 2)
        return 0;
    Work work = work_begin();
    Graph *graph = weighted_graph(work.arena, work.diagnostics);
    append_stream(&seeds[0], graph);
    append_archive(&seeds[1], graph);
    work_end(&work);
    return 2;
}
