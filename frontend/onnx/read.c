/* Reading the file. protobuf-c unpacks it; what is inside is then checked as a stranger's. */
#include "frontend/onnx/read.h"
#include "frontend/syntax.h"
#include "ir/file_kind.h"
#include "ir/mapped_file.h"

#include <inttypes.h>
#include <string.h>

static const uint64_t largest_file = INT64_C(1) << 31; /* protobuf's own limit */

/* ---- unpacking ---- */

/* The arena aligns to 16 bytes, as protobuf-c expects; nothing is freed alone. */
static void *allocate(void *arena, size_t size) {
    return arena_allocate(arena, size == 0 ? 1 : size);
}

static void release(void *arena, void *pointer) {
    (void)arena, (void)pointer;
}

static bool check_name(Importer *importer, const char *name, const char *what, size_t index) {
    return is_valid_utf8(name, strlen(name)) ||
           model_fault(importer, NULL, "%s %zu has a name that is not UTF-8", what, index + 1);
}

static bool check_node_names(Importer *importer, const Onnx__NodeProto *node, size_t index) {
    bool good = check_name(importer, node->name, "node", index) &&
                check_name(importer, node->op_type, "node", index) &&
                check_name(importer, node->domain, "node", index);
    for (size_t i = 0; good && i < node->n_input; i++)
        good = check_name(importer, node->input[i], "an input of node", index);
    for (size_t i = 0; good && i < node->n_output; i++)
        good = check_name(importer, node->output[i], "an output of node", index);
    for (size_t i = 0; good && i < node->n_attribute; i++)
        good = check_name(importer, node->attribute[i]->name, "an attribute of node", index);
    return good;
}

static bool check_names(Importer *importer, const Onnx__GraphProto *graph) {
    bool good = true;
    for (size_t i = 0; i < graph->n_node; i++)
        good = check_node_names(importer, graph->node[i], i) && good;
    for (size_t i = 0; i < graph->n_initializer; i++)
        good = check_name(importer, graph->initializer[i]->name, "initializer", i) && good;
    for (size_t i = 0; i < graph->n_input; i++)
        good = check_name(importer, graph->input[i]->name, "input", i) && good;
    for (size_t i = 0; i < graph->n_output; i++)
        good = check_name(importer, graph->output[i]->name, "output", i) && good;
    return good;
}

static bool check_opset(Importer *importer, const Onnx__ModelProto *model) {
    importer->opset = 0;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (*domain == '\0' || strcmp(domain, "ai.onnx") == 0)
            importer->opset = model->opset_import[i]->version;
    }
    if (importer->opset == 0)
        return model_fault(
            importer, "is this an ONNX model?", "the model names no version of ONNX's ops");
    if (importer->opset < ONNX_FIRST_OPSET || importer->opset > ONNX_LAST_OPSET)
        return model_fault(importer,
            arena_format(importer->arena, "export it again, with opset_version=18"),
            "the model's ops are of version %" PRId64 "; %d to %d are known", importer->opset,
            (int)ONNX_FIRST_OPSET, (int)ONNX_LAST_OPSET);
    return true;
}

/* The graph's nodes and names as those of any format. */
static const ImportedModel *model_of(Importer *importer, const Onnx__GraphProto *graph) {
    Arena *arena = importer->arena;
    ModelNode *nodes = ARENA_ARRAY(arena, ModelNode, graph->n_node + 1);
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        nodes[i] = (ModelNode){node->name, node->op_type, node->input, node->output, node->n_input,
            node->n_output, importer->where, node};
    }
    const char **inputs = ARENA_ARRAY(arena, const char *, graph->n_input + 1);
    for (size_t i = 0; i < graph->n_input; i++)
        inputs[i] = graph->input[i]->name;
    const char **outputs = ARENA_ARRAY(arena, const char *, graph->n_output + 1);
    for (size_t i = 0; i < graph->n_output; i++)
        outputs[i] = graph->output[i]->name;
    const char **constants = ARENA_ARRAY(arena, const char *, graph->n_initializer + 1);
    for (size_t i = 0; i < graph->n_initializer; i++)
        constants[i] = graph->initializer[i]->name;
    ImportedModel *model = ARENA_NEW(arena, ImportedModel);
    *model = (ImportedModel){nodes, graph->n_node, inputs, outputs, constants, graph->n_input,
        graph->n_output, graph->n_initializer};
    return model;
}

static const Onnx__ModelProto *unpack(Importer *importer, const void *bytes, size_t length) {
    static const WantedFile wanted = {"an ONNX model", {FILE_KIND_ONNX}};
    if (!file_is_wanted(importer->path, bytes, length, &wanted, importer->diagnostics))
        return NULL;
    ProtobufCAllocator allocator = {allocate, release, importer->arena};
    const Onnx__ModelProto *model =
        length == 0 ? NULL : onnx__model_proto__unpack(&allocator, length, bytes);
    if (model == NULL) {
        model_fault(importer, "is this an ONNX model, and whole?",
            "the file is no protobuf message of an ONNX model");
        return NULL;
    }
    if (model->graph == NULL) {
        model_fault(importer, "is this an ONNX model?", "the file holds no graph");
        return NULL;
    }
    return check_names(importer, model->graph) && check_opset(importer, model) ? model : NULL;
}

bool onnx_model_read(Importer *importer) {
    const OnnxSource *source = importer->source;
    const Onnx__ModelProto *model = unpack(importer, source->bytes, source->length);
    if (model == NULL)
        return false;
    OnnxState *state = ARENA_NEW(importer->arena, OnnxState);
    *state = (OnnxState){.proto = model->graph};
    importer->own = state;
    importer->model = model_of(importer, model->graph);
    return true;
}

/* ---- the file ---- */

Graph *onnx_import(
    const char *path, const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    MappedFile file;
    if (!mapped_file_open(&file, path, diagnostics))
        return NULL;
    Graph *graph = NULL;
    if (file.size > largest_file)
        diagnostics_error(diagnostics, "keep the weights in external data",
            "'%s' is larger than the 2 GB that protobuf allows", path);
    else
        graph = onnx_import_bytes(path, file.bytes, file.size, options, arena, diagnostics);
    if (graph != NULL && !mapped_file_check(&file, diagnostics))
        graph = NULL;
    mapped_file_close(&file);
    return graph;
}
