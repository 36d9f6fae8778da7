/* The model as ncnn has it: its files, its inputs, and who imports its layers. */
#include "frontend/ncnn/importer.h"
#include "ir/file_kind.h"
#include "ir/mapped_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- layers ---- */

static bool has_word(const char *words, int key) {
    for (const char *at = words; *at != '\0';) {
        char *end;
        if (strtol(at, &end, 10) == key)
            return true;
        at = end + strspn(end, " ");
    }
    return false;
}

static bool check_parameters(Importer *importer, const NcnnLayer *layer) {
    enum { SHAPE_HINTS = 30, FEATURE_MASK = 31 }; /* of ncnn's own optimiser */
    bool good = true;
    for (size_t i = 0; i < layer->parameter_count; i++) {
        int key = layer->parameters[i].key;
        if (key != SHAPE_HINTS && key != FEATURE_MASK && !has_word(layer->type->parameters, key))
            good = node_fault(importer, NULL, "the parameter %d is not known of it", key);
    }
    return good;
}

/* What can be said about a layer before its inputs are known: so that one run tells all. */
static bool check_layer(Importer *importer) {
    const NcnnLayer *layer = ncnn_layer(importer);
    const ModelNode *node = importer->node;
    if (layer->type == NULL) {
        const char *closest = ncnn_type_closest(node->op_type);
        return node_fault(importer,
            closest == NULL ? "docs/import.md lists the layers that can be imported"
                            : arena_format(importer->arena, "did you mean '%s'?", closest),
            "riffle does not know this layer");
    }
    if (layer->type->import == NULL)
        return node_fault(importer, NULL, "%s", layer->type->reason);
    if (node->n_input < layer->type->least || node->n_input > layer->type->most)
        return node_fault(importer, NULL, "it has %zu inputs", node->n_input);
    if (layer->weight_fault != NULL)
        return node_fault(importer, layer->weight_hint, "%s", layer->weight_fault);
    return check_parameters(importer, layer);
}

/* Whether all inputs are there and whole; reports those that are nowhere. */
static bool has_inputs(Importer *importer) {
    bool good = true;
    for (size_t i = 0; i < importer->node->n_input; i++) {
        const Symbol *symbol = input_symbol(importer, i);
        if (symbol == NULL)
            good = node_fault(importer, NULL, "its input '%.200s' is no layer's result",
                importer->node->input[i]);
        else
            good = good && symbol->kind != SYMBOL_BROKEN;
    }
    return good;
}

static bool import_layer(Importer *importer) {
    bool good = check_layer(importer);
    if (!has_inputs(importer) || !good || !ncnn_layer(importer)->type->import(importer))
        return false;
    for (size_t i = 0; i < importer->node->n_output; i++)
        if (result_is_used(importer, i) &&
            name_map_find(importer->symbols, importer->node->output[i]) == NULL)
            return node_fault(importer, NULL, "its result %zu, '%.200s', is used; riffle has none",
                i + 1, importer->node->output[i]);
    return true;
}

/* ---- Input ---- */

static const ModelShape *given_shape(const Importer *importer) {
    for (size_t i = 0; i < importer->options->shape_count; i++) {
        const char *name = importer->options->shapes[i].input;
        if (strcmp(name, importer->node->name) == 0 || strcmp(name, importer->node->output[0]) == 0)
            return &importer->options->shapes[i];
    }
    return NULL;
}

/* The sizes that the layer has, or that ncnn's optimiser left: [c,h,w], [h,w] or [w]. */
static bool own_sizes(Importer *importer, Shape *shape) {
    int64_t sizes[3] = {0};
    const double *hints;
    size_t count;
    for (int i = 0; i < 3; i++)
        if (!ncnn_integer(importer, i, 0, &sizes[i]))
            return false;
    if (sizes[0] == 0 && ncnn_numbers(importer, 30, &hints, &count) && count == 4)
        for (int i = 0; i < (int)hints[0] && i < 3; i++)
            sizes[i] = hints[i + 1] > 0 && hints[i + 1] < 1 << 20 ? (int64_t)hints[i + 1] : 0;
    int64_t deep;
    if (!ncnn_integer(importer, 11, 0, &deep))
        return false;
    if (deep != 0)
        return node_fault(importer, NULL, "its blob has four dimensions; riffle reads up to three");
    if (sizes[0] > 0 && (sizes[1] > 0 || sizes[2] == 0)) {
        int rank = sizes[2] > 0 ? 3 : sizes[1] > 0 ? 2 : 1;
        shape->rank = rank + 1;
        shape->dims[0] = 1;
        for (int i = 0; i < rank; i++)
            shape->dims[i + 1] = sizes[rank - 1 - i];
        return true;
    }
    return node_fault(importer,
        arena_format(importer->arena, "give its shape, as in --set-shape '%.200s=1,3,224,224'",
            importer->node->output[0]),
        "the sizes of its blob are open");
}

bool ncnn_import_input(Importer *importer) {
    const ModelNode *node = importer->node;
    if (node->n_output != 1)
        return node_fault(importer, NULL, "it has %zu results, not one", node->n_output);
    const ModelShape *given = given_shape(importer);
    Shape shape = {0};
    if (given != NULL) {
        shape.rank = given->rank;
        memcpy(shape.dims, given->dims, sizeof shape.dims);
        if (shape.rank < 2 || shape.rank > 4 || shape.dims[0] != 1)
            return node_fault(importer, "as in --set-shape image=1,3,224,224",
                "the shape %s is none of a blob of ncnn, which has a batch of 1 and up to three "
                "dimensions more",
                shape_spelling(importer->arena, &shape));
    } else if (!own_sizes(importer, &shape)) {
        return false;
    }
    Shape whole = shape;
    if (shape.rank == 3) /* one channel, as the graph has it */
        whole = (Shape){.rank = 4, .dims = {1, 1, shape.dims[1], shape.dims[2]}};
    TensorType type = tensor_type(whole.rank, whole.dims);
    if (tensor_elements(&type) < 1)
        return node_fault(importer, NULL, "a blob of the shape %s is too large",
            shape_spelling(importer->arena, &shape));
    Value *value = graph_add_input(
        importer->graph, port_name(importer, node->output[0]), type, LAYOUT_NCHW, node->where);
    return set_result(importer, view_over(importer, value, &shape));
}

bool ncnn_import_memory_data(Importer *importer) {
    Shape shape = {.rank = 1, .dims = {1}};
    int64_t kind, count = ncnn_layer(importer)->weights[0].count;
    if (!ncnn_integer(importer, 21, 1, &kind))
        return false;
    if (kind != 1)
        return node_fault(
            importer, NULL, "its numbers have a tag (parameter 21), which is not read");
    for (int key = 2; key >= 0; key--) {
        int64_t size;
        if (!ncnn_integer(importer, key, 0, &size))
            return false;
        if (size > 0)
            shape.dims[shape.rank++] = size;
    }
    if (shape_elements(&shape) != count)
        return node_fault(importer, NULL, "it has %" PRId64 " numbers for the shape %s", count,
            shape_spelling(importer->arena, &shape));
    const float *floats = ncnn_weight(importer, 0, count);
    return floats != NULL && set_result(importer, symbol_floats(importer, &shape, floats));
}

/* ---- the whole ---- */

static bool read_model(Importer *importer) {
    NcnnState *state = ARENA_NEW(importer->arena, NcnnState);
    state->weights_path = ((const NcnnSource *)importer->source)->weights->path;
    importer->own = state;
    return ncnn_read_text(importer);
}

static bool names_input(const Importer *importer, const char *name) {
    for (size_t i = 0; i < importer->model->node_count; i++) {
        const ModelNode *node = &importer->model->nodes[i];
        if (strcmp(node->op_type, "Input") != 0)
            continue;
        if (strcmp(node->name, name) == 0 ||
            (node->n_output > 0 && strcmp(node->output[0], name) == 0))
            return true;
    }
    return false;
}

static bool declare(Importer *importer) {
    const ImporterOptions *options = importer->options;
    ncnn_find_weights(importer);
    const NcnnState *state = importer->own;
    if (state->left_over > 0 && !importer->is_cut)
        model_fault(importer, "the file may belong to another model",
            "the file of weights has %" PRIu64 " bytes more than the layers have",
            state->left_over);
    for (size_t i = 0; i < options->shape_count; i++)
        if (!names_input(importer, options->shapes[i].input))
            model_fault(importer, NULL, "there is no input '%.200s' to set the shape of",
                options->shapes[i].input);
    if (options->batch > 1)
        model_fault(importer, NULL, "--batch %" PRId64 ": a model of ncnn has a batch of 1",
            options->batch);
    return true;
}

static const ModelFormat format = {.item = "layer",
    .items = "layers",
    .read = read_model,
    .declare = declare,
    .import_node = import_layer};

Graph *ncnn_import_bytes(const NcnnBytes *text, const NcnnBytes *weights,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    NcnnSource source = {text, weights};
    Importer importer = importer_create(&format, &source, text->path, options, arena, diagnostics);
    return model_import(&importer);
}

/* ---- files ---- */

static const char ending[] = ".param";

static bool has_ending(const char *path) {
    size_t length = strlen(path), size = sizeof ending - 1;
    return length > size && strcmp(path + length - size, ending) == 0;
}

bool ncnn_is_model(const char *path) {
    char bytes[16];
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? -1 : read(descriptor, bytes, sizeof bytes);
    if (descriptor >= 0)
        close(descriptor);
    return has_ending(path) || (length > 0 && file_kind(bytes, (size_t)length) == FILE_KIND_NCNN);
}

/* net.bin for net.param. */
static const char *weights_beside(const char *path, Arena *arena) {
    size_t length = strlen(path) - (has_ending(path) ? sizeof ending - 1 : 0);
    return arena_format(arena, "%.*s.bin", (int)length, path);
}

/* Weights look like nothing; what is there in place of a file that was not fetched does. */
static bool was_fetched(const MappedFile *file, Diagnostics *diagnostics) {
    static const WantedFile wanted = {"weights of an ncnn model", {FILE_KIND_NCNN_WEIGHTS}};
    FileKind kind = file_kind(file->bytes, file->size);
    bool other = kind == FILE_KIND_LFS || kind == FILE_KIND_HTML || kind == FILE_KIND_ZIP;
    return !other || file_is_wanted(file->path, file->bytes, file->size, &wanted, diagnostics);
}

static Graph *import_mapped(MappedFile *text, const char *weights, const ImporterOptions *options,
    Arena *arena, Diagnostics *diagnostics) {
    MappedFile file;
    if (!mapped_file_open(&file, weights, diagnostics))
        return NULL;
    NcnnBytes text_bytes = {text->path, text->bytes, text->size},
              weight_bytes = {weights, file.bytes, file.size};
    Graph *graph = was_fetched(&file, diagnostics)
                       ? ncnn_import_bytes(&text_bytes, &weight_bytes, options, arena, diagnostics)
                       : NULL;
    if (graph != NULL &&
        (!mapped_file_check(text, diagnostics) || !mapped_file_check(&file, diagnostics)))
        graph = NULL;
    mapped_file_close(&file);
    return graph;
}

Graph *ncnn_import(const char *path, const char *weights, const ImporterOptions *options,
    Arena *arena, Diagnostics *diagnostics) {
    MappedFile text;
    if (!mapped_file_open(&text, path, diagnostics))
        return NULL;
    Graph *graph = import_mapped(&text, weights != NULL ? weights : weights_beside(path, arena),
        options, arena, diagnostics);
    mapped_file_close(&text);
    return graph;
}
