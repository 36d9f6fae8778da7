/* The model as ONNX has it: what is checked of its nodes, and who imports them. */
#include "frontend/onnx/importer.h"
#include "frontend/onnx/inputs.h"
#include "frontend/onnx/read.h"

#include <inttypes.h>
#include <string.h>

bool onnx_is_built_in(void) {
    return true;
}

/* ---- nodes ---- */

static bool is_known_attribute(const OnnxOp *op, const char *name) {
    size_t length = strlen(name);
    for (const char *at = op->attributes; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == length && strncmp(at, name, word) == 0)
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* What can be said about a node before its operands are known: so that one run tells all. */
static bool check_node(Importer *importer) {
    const Onnx__NodeProto *node = onnx_node(importer->node);
    const OnnxOp *op = onnx_op_of(importer->node);
    if (op == NULL)
        return unknown_op(importer);
    bool good = node->n_input <= op->operands ||
                node_fault(importer, NULL, "it has %zu inputs; at most %zu are known of it",
                    node->n_input, op->operands);
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *attribute = node->attribute[i];
        if (!is_known_attribute(op, attribute->name))
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is not known of it", attribute->name);
        else if (good && attribute_find(importer, attribute->name) != attribute)
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is there twice", attribute->name);
        else if (*attribute->ref_attr_name != '\0')
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is that of a function", attribute->name);
    }
    return check_fixed_attributes(importer) && good;
}

typedef enum Operands {
    OPERANDS_MISSING,
    OPERANDS_BROKEN,
    OPERANDS_CONSTANT,
    OPERANDS_MIXED
} Operands;

static Operands look_at_operands(Importer *importer) {
    Operands result = OPERANDS_CONSTANT;
    bool missing = false, broken = false;
    for (size_t i = 0; i < importer->node->n_input; i++) {
        if (!has_operand(importer, i))
            continue;
        const Symbol *symbol = input_symbol(importer, i);
        if (symbol == NULL) {
            bool sparse = onnx_state(importer)->proto->n_sparse_initializer > 0;
            node_fault(importer,
                sparse ? "the model has sparse initializers, which are not read: make them dense"
                       : NULL,
                "its input '%.200s' is no input, no initializer and no node's output",
                importer->node->input[i]);
            missing = true;
        } else if (symbol->kind == SYMBOL_BROKEN) {
            broken = true;
        } else if (symbol->kind == SYMBOL_TENSOR) {
            result = OPERANDS_MIXED;
        }
    }
    return missing ? OPERANDS_MISSING : broken ? OPERANDS_BROKEN : result;
}

/* What an op of the standard also results in and riffle does not make may be named, but not read.
 */
static bool check_results(Importer *importer) {
    for (size_t i = 0; i < importer->node->n_output; i++)
        if (result_is_used(importer, i) &&
            name_map_find(importer->symbols, importer->node->output[i]) == NULL)
            return node_fault(importer, NULL, "its output %zu, '%.200s', is used; riffle has none",
                i + 1, importer->node->output[i]);
    return true;
}

static bool import_node(Importer *importer) {
    const OnnxOp *op = onnx_op_of(importer->node);
    bool good = check_node(importer);
    switch (look_at_operands(importer)) {
    case OPERANDS_MISSING:
    case OPERANDS_BROKEN:
        return false;
    case OPERANDS_CONSTANT:
        if (good && op->folds && has_operand(importer, 0))
            return fold_node(importer) && check_results(importer);
        break;
    case OPERANDS_MIXED:
        break;
    }
    return good && op->import(importer) && check_results(importer);
}

/* ---- the whole ---- */

static bool declare(Importer *importer) {
    add_initializers(importer);
    add_inputs(importer);
    return true;
}

static const ModelFormat format = {.item = "node",
    .items = "nodes",
    .read = onnx_model_read,
    .declare = declare,
    .import_node = import_node};

Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    OnnxSource source = {bytes, length};
    Importer importer = importer_create(&format, &source, path, options, arena, diagnostics);
    return model_import(&importer);
}
