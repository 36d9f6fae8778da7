/* The text of the model: a number that tells what it is, how many layers and blobs there are, and a
 * line for each layer: type, name, how many inputs and results, their names, parameters. */
#include "frontend/ncnn/importer.h"
#include "frontend/syntax.h"
#include "ir/file_kind.h"
#include "ir/names.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 7767517,
    FIRST_LIST_KEY = -23300, /* a list has this less its key in front of the '=' */
    FIRST_STRING_KEY = -23400,
    LARGEST_KEY = 99,
    MOST_LAYERS = 1 << 16,
    LARGEST_TEXT = 1 << 26,
};

typedef struct TextReader {
    Importer *importer;
    const SourceFile *file;
    const char *at, *line_end; /* of the current line */
    const char *word;          /* begin of the last word */
} TextReader;

static SourceRange range(const TextReader *reader, const char *begin, const char *end) {
    return (SourceRange){
        reader->file, (uint32_t)(begin - reader->file->text), (uint32_t)(end - reader->file->text)};
}

/* The place of the last word. */
static SourceRange here(const TextReader *reader) {
    return range(reader, reader->word, reader->at);
}

/* ---- lines and words ---- */

static void skip_blanks(TextReader *reader) {
    while (reader->at < reader->line_end && text_is_blank(*reader->at))
        reader->at++;
}

/* Goes to the next line that holds a word; false at the end. */
static bool next_line(TextReader *reader) {
    const char *end = reader->file->text + reader->file->length;
    const char *begin = reader->line_end == NULL ? reader->file->text : reader->line_end;
    for (;;) {
        begin += begin < end && *begin == '\n';
        if (begin == end)
            return false;
        const char *line_end = memchr(begin, '\n', (size_t)(end - begin));
        reader->at = reader->word = begin;
        reader->line_end = line_end == NULL ? end : line_end;
        skip_blanks(reader);
        if (reader->at < reader->line_end)
            return true;
        begin = reader->line_end;
    }
}

/* The next word of the line in the importer's arena, or NULL. */
static char *next_word(TextReader *reader) {
    skip_blanks(reader);
    reader->word = reader->at;
    bool quoted = false;
    for (; reader->at < reader->line_end && (quoted || !text_is_blank(*reader->at)); reader->at++)
        quoted = quoted != (*reader->at == '"');
    return reader->at == reader->word ? NULL
                                      : arena_copy_bytes(reader->importer->arena, reader->word,
                                            (size_t)(reader->at - reader->word));
}

/* A whole number of at least 0 as the next word. */
static bool next_count(TextReader *reader, const char *what, size_t most, size_t *count) {
    const char *word = next_word(reader);
    char *end = NULL;
    errno = 0;
    unsigned long long number = word == NULL || !is_digit(*word) ? 0 : strtoull(word, &end, 10);
    if (word == NULL)
        return model_fault_at(
            reader->importer, here(reader), NULL, "the line ends before %s", what);
    if (end == NULL || *end != '\0' || errno != 0)
        return model_fault_at(
            reader->importer, here(reader), NULL, "%s is no whole number: '%.60s'", what, word);
    *count = (size_t)number;
    return number <= most || model_fault_at(reader->importer, here(reader), NULL,
                                 "%s is %llu; at most %zu are read", what, number, most);
}

/* ---- parameters ---- */

static bool read_number(TextReader *reader, const char **at, double *number) {
    char *end;
    *number = strtod(*at, &end);
    if (end == *at || (*end != '\0' && *end != ',') || isnan(*number))
        return model_fault_at(reader->importer, here(reader), NULL, "'%.60s' is no number", *at);
    if (!isfinite((float)*number))
        return model_fault_at(
            reader->importer, here(reader), NULL, "'%.60s' is larger than float32 holds", *at);
    *at = end;
    return true;
}

/* N,A,B... has N numbers behind it; without `counted` A,B... is a list by its commas. */
static bool read_list(
    TextReader *reader, const char *text, bool counted, NcnnParameter *parameter) {
    size_t commas = 0, count = 0;
    for (const char *at = text; *at != '\0'; at++)
        commas += *at == ',';
    double *numbers = ARENA_ARRAY(reader->importer->arena, double, commas + 1), length = 0;
    const char *at = text;
    if (counted && !read_number(reader, &at, &length))
        return false;
    while (counted ? *at == ',' : count == 0 || *at == ',') {
        at += *at == ',';
        if (!read_number(reader, &at, &numbers[count++]))
            return false;
    }
    parameter->numbers = numbers;
    parameter->count = count;
    parameter->is_list = counted || count > 1;
    return !counted || length == (double)count ||
           model_fault_at(reader->importer, here(reader), NULL,
               "the list says that it has %g numbers, but has %zu", length, count);
}

static bool read_string(TextReader *reader, const char *text, NcnnParameter *parameter) {
    size_t length = strlen(text);
    if (length < 2 || *text != '"' || text[length - 1] != '"')
        return model_fault_at(
            reader->importer, here(reader), NULL, "'%.60s' is no string in quotes", text);
    parameter->string = arena_copy_bytes(reader->importer->arena, text + 1, length - 2);
    return true;
}

/* KEY=NUMBER, KEY=LIST, or KEY="...". */
static bool read_parameter(TextReader *reader, const char *word, NcnnParameter *parameter) {
    char *end;
    errno = 0;
    long key = strtol(word, &end, 10);
    bool is_list = key <= FIRST_LIST_KEY, is_string = key <= FIRST_STRING_KEY;
    key = is_string ? FIRST_STRING_KEY - key : is_list ? FIRST_LIST_KEY - key : key;
    if (end == word || *end != '=' || errno != 0 || key < 0 || key > LARGEST_KEY)
        return model_fault_at(reader->importer, here(reader),
            "a layer's line is: type, name, how many inputs and results, their names, parameters "
            "as 0=24",
            "'%.60s' is no parameter", word);
    parameter->key = (int)key;
    if (is_string || end[1] == '"')
        return read_string(reader, end + 1, parameter);
    return read_list(reader, end + 1, is_list, parameter);
}

static bool read_parameters(TextReader *reader, NcnnLayer *layer) {
    size_t capacity = 0;
    NcnnParameter *items = NULL;
    for (const char *word; (word = next_word(reader)) != NULL;) {
        ARENA_GROW(reader->importer->arena, items, layer->parameter_count, capacity, 8);
        NcnnParameter parameter = {0};
        if (!read_parameter(reader, word, &parameter))
            return false;
        if (ncnn_parameter(layer, parameter.key) != NULL)
            return model_fault_at(reader->importer, here(reader), NULL,
                "the parameter %d is there twice", parameter.key);
        items[layer->parameter_count++] = parameter;
        layer->parameters = items;
    }
    return true;
}

/* ---- layers ---- */

static bool read_names(
    TextReader *reader, const char *what, size_t count, char ***names, size_t *name_count) {
    Importer *importer = reader->importer;
    *names = ARENA_ARRAY(importer->arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        char *name = next_word(reader);
        if (name == NULL)
            return model_fault_at(importer, here(reader), NULL,
                "the line ends before the name of %s %zu of %zu", what, i + 1, count);
        if (!is_valid_utf8(name, strlen(name)))
            return model_fault_at(
                importer, here(reader), NULL, "the name of %s %zu is not UTF-8", what, i + 1);
        (*names)[i] = name;
    }
    *name_count = count;
    return true;
}

static bool read_layer(TextReader *reader, ModelNode *node) {
    Importer *importer = reader->importer;
    NcnnLayer *layer = ARENA_NEW(importer->arena, NcnnLayer);
    const char *begin = reader->at;
    size_t inputs, outputs, most = (size_t)(reader->line_end - begin);
    char **words;
    size_t count;
    if (!read_names(reader, "the layer's type and name, word", 2, &words, &count))
        return false;
    node->op_type = words[0];
    node->name = words[1];
    node->own = layer;
    node->where = range(reader, begin, reader->at);
    layer->type = ncnn_type_find(node->op_type);
    return next_count(reader, "the number of inputs", most, &inputs) &&
           next_count(reader, "the number of results", most, &outputs) &&
           read_names(reader, "input", inputs, &node->input, &node->n_input) &&
           read_names(reader, "result", outputs, &node->output, &node->n_output) &&
           read_parameters(reader, layer);
}

/* ---- the whole ---- */

/* Blobs that no layer reads, and those of Input. */
static void find_ends(Importer *importer, ImportedModel *model) {
    NameMap *read = name_map_create(importer->arena);
    size_t results = 0;
    for (size_t i = 0; i < model->node_count; i++) {
        results += model->nodes[i].n_output;
        for (size_t k = 0; k < model->nodes[i].n_input; k++)
            name_map_put(read, model->nodes[i].input[k], model);
    }
    model->inputs = ARENA_ARRAY(importer->arena, const char *, results + 1);
    model->outputs = ARENA_ARRAY(importer->arena, const char *, results + 1);
    for (size_t i = 0; i < model->node_count; i++) {
        const ModelNode *node = &model->nodes[i];
        bool is_input = strcmp(node->op_type, "Input") == 0;
        for (size_t k = 0; k < node->n_output; k++) {
            if (is_input)
                model->inputs[model->input_count++] = node->output[k];
            else if (name_map_find(read, node->output[k]) == NULL)
                model->outputs[model->output_count++] = node->output[k];
        }
    }
}

static bool read_layers(TextReader *reader, size_t count, ImportedModel *model) {
    Importer *importer = reader->importer;
    ModelNode *nodes = ARENA_ARRAY(importer->arena, ModelNode, count + 1);
    bool good = true;
    size_t found = 0;
    for (; next_line(reader); found++) {
        if (strncmp(reader->at, "pnnx.", strlen("pnnx.")) == 0)
            return model_fault(importer, "import the .ncnn.param that pnnx wrote beside it",
                "it is a model in pnnx's own layers, not in those of ncnn");
        if (found < count)
            good = read_layer(reader, &nodes[found]) && good;
    }
    if (found != count)
        return model_fault(importer, found < count ? "the file may be truncated" : NULL,
            "the file says that there are %zu layers, but there are %zu", count, found);
    model->nodes = nodes;
    model->node_count = count;
    return good;
}

static bool read_head(TextReader *reader, size_t *layers) {
    Importer *importer = reader->importer;
    size_t blobs;
    const char *word = next_line(reader) ? next_word(reader) : NULL;
    char *end = NULL;
    if (word == NULL || strtol(word, &end, 10) != MAGIC || *end != '\0')
        return model_fault(importer, "is this the .param file of an ncnn model?",
            "the file does not begin with %d, as ncnn's text does", (int)MAGIC);
    if (!next_line(reader))
        return model_fault(importer, "the file may be truncated",
            "the file ends before the numbers of layers and blobs");
    return next_count(reader, "the number of layers", MOST_LAYERS, layers) &&
           next_count(reader, "the number of blobs", SIZE_MAX, &blobs);
}

static bool is_text(Importer *importer, const NcnnBytes *text) {
    static const WantedFile wanted = {"the text of an ncnn model", {FILE_KIND_NCNN}};
    static const char binary[] = "\xdd\x85\x76\x00"; /* the same number */
    if (!file_is_wanted(importer->path, text->bytes, text->length, &wanted, importer->diagnostics))
        return false;
    if (text->length >= 4 && memcmp(text->bytes, binary, 4) == 0)
        return model_fault(importer, "import the .param file that it was made of",
            "it is an ncnn model in binary form, which has no names");
    if (text->length > LARGEST_TEXT)
        return model_fault(importer, NULL, "the text is larger than %d bytes", (int)LARGEST_TEXT);
    const char *nul = memchr(text->bytes, '\0', text->length);
    return nul == NULL || model_fault(importer, NULL, "the file is no text: its byte %zu is 0",
                              (size_t)(nul - (const char *)text->bytes));
}

bool ncnn_read_text(Importer *importer) {
    const NcnnBytes *text = ((const NcnnSource *)importer->source)->text;
    if (!is_text(importer, text))
        return false;
    SourceFile *file = ARENA_NEW(importer->arena, SourceFile);
    *file = (SourceFile){
        importer->path, arena_copy_bytes(importer->arena, text->bytes, text->length), text->length};
    TextReader reader = {.importer = importer, .file = file};
    ImportedModel *model = ARENA_NEW(importer->arena, ImportedModel);
    size_t layers;
    if (!read_head(&reader, &layers) || !read_layers(&reader, layers, model))
        return false;
    find_ends(importer, model);
    importer->model = model;
    return true;
}
