/* What is said of nodes whatever their operands are: that their op is not imported, or what one of
 * their attributes says. */
#include "frontend/onnx/importer.h"

#include <string.h>

static bool is_standard(const char *domain) {
    return *domain == '\0' || strcmp(domain, "ai.onnx") == 0;
}

/* ---- quantised models ---- */

static bool is_quantized(const char *op) {
    static const char *const names[] = {"QuantizeLinear", "DequantizeLinear",
        "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QGemm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(op, names[i]) == 0)
            return true;
    return strncmp(op, "QLinear", strlen("QLinear")) == 0;
}

const OnnxOp *onnx_op_of(const ModelNode *node) {
    const char *domain = onnx_node(node)->domain;
    bool runtime = strcmp(domain, "com.microsoft") == 0 && is_quantized(node->op_type);
    return is_standard(domain) || runtime ? onnx_op_find(node->op_type) : NULL;
}

/* Once for all nodes of the kind. */
static void report_quantized(Importer *importer) {
    enum { MOST_NAMED = 4 };
    const char *named[MOST_NAMED + 1];
    size_t count = 0;
    for (size_t i = 0; i < importer->node_count && count <= MOST_NAMED; i++) {
        const char *op = importer->nodes[i]->op_type;
        bool known = !is_quantized(op) || onnx_op_of(importer->nodes[i]) != NULL;
        for (size_t k = 0; !known && k < count; k++)
            known = strcmp(named[k], op) == 0;
        if (!known)
            named[count++] = op;
    }
    Text text = {0};
    for (size_t i = 0; i < count; i++)
        text_format(&text, "%s%.100s", i > 0 ? ", " : "", i < MOST_NAMED ? named[i] : "...");
    model_fault(importer,
        "import the model that it was made of; `riffle compile --precision int8` quantises",
        "it computes with integers in ways that are not known to riffle (%s)", text.data);
    text_free(&text);
}

bool unknown_op(Importer *importer) {
    const Onnx__NodeProto *node = onnx_node(importer->node);
    if (is_quantized(node->op_type)) {
        if (!onnx_state(importer)->told_quantized)
            report_quantized(importer);
        onnx_state(importer)->told_quantized = true;
        return false;
    }
    if (!is_standard(node->domain)) {
        bool optimized = strncmp(node->domain, "com.microsoft", strlen("com.microsoft")) == 0;
        return node_fault(importer,
            optimized ? "import the model as it was before ONNX Runtime optimised it"
                      : "inline the model's functions, and export without ops of other domains",
            "the op is of the domain '%.100s'", node->domain);
    }
    const char *closest = onnx_op_closest(node->op_type);
    return node_fault(importer,
        closest == NULL ? "docs/import.md lists the ops that can be imported"
                        : arena_format(importer->arena, "did you mean '%s'?", closest),
        "riffle does not know this op");
}

/* ---- attributes of one value ---- */

static bool has_other_value(const Onnx__AttributeProto *attribute, int64_t value) {
    if (attribute->type == ONNX_ATTRIBUTE_INT)
        return attribute->i != value;
    bool other = false;
    for (size_t i = 0; attribute->type == ONNX_ATTRIBUTE_INTS && i < attribute->n_ints; i++)
        other = other || attribute->ints[i] != value;
    return other;
}

bool check_fixed_attributes(Importer *importer) {
    static const struct {
        const char *op, *attribute;
        int64_t value;
        const char *message, *hint;
    } rows[] = {
#define ONNX_FIXED(op, attribute, value, message, hint) {#op, #attribute, value, message, hint},
#include "frontend/onnx/ops.def"
    };
    bool good = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(importer->node->op_type, rows[i].op) != 0)
            continue;
        const Onnx__AttributeProto *attribute = attribute_find(importer, rows[i].attribute);
        if (attribute == NULL)
            continue;
        if (attribute->type != ONNX_ATTRIBUTE_INTS && attribute->type != ONNX_ATTRIBUTE_INT)
            good = attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_INT);
        else if (has_other_value(attribute, rows[i].value))
            good = node_fault(importer, rows[i].hint, "%s", rows[i].message);
    }
    return good;
}
