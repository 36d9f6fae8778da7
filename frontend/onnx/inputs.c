/* The constants and the inputs of the model. */
#include "frontend/onnx/inputs.h"

#include <inttypes.h>
#include <string.h>

/* ---- initializers ---- */

/* Names that nodes read whose op is known, and names of outputs: others are no use. */
static NameMap *wanted_names(Importer *importer) {
    NameMap *wanted = name_map_create(importer->arena);
    for (size_t i = 0; i < importer->node_count; i++)
        for (size_t k = 0;
            onnx_op_of(importer->nodes[i]) != NULL && k < importer->nodes[i]->n_input; k++)
            name_map_put(wanted, importer->nodes[i]->input[k], importer);
    for (size_t i = 0; i < importer->output_count; i++)
        name_map_put(wanted, importer->outputs[i], importer);
    return wanted;
}

void add_initializers(Importer *importer) {
    const NameMap *wanted = wanted_names(importer);
    for (size_t i = 0; i < onnx_state(importer)->proto->n_initializer; i++) {
        const Onnx__TensorProto *tensor = onnx_state(importer)->proto->initializer[i];
        if (use_count(importer, tensor->name) == 0)
            continue;
        if (name_map_find(importer->symbols, tensor->name) != NULL) {
            model_fault(importer, NULL, "two initializers have the name '%.200s'", tensor->name);
            continue;
        }
        Symbol *symbol = NULL;
        if (name_map_find(wanted, tensor->name) != NULL)
            symbol = constant_from_tensor(importer, tensor,
                arena_format(importer->arena, "initializer '%.200s'", tensor->name));
        if (symbol == NULL)
            symbol = symbol_create(importer, SYMBOL_BROKEN, NULL);
        symbol->name = tensor->name;
        name_map_put(importer->symbols, tensor->name, symbol);
    }
}

/* ---- inputs ---- */

static const ModelShape *given_shape(const Importer *importer, const char *name) {
    for (size_t i = 0; i < importer->options->shape_count; i++)
        if (strcmp(importer->options->shapes[i].input, name) == 0)
            return &importer->options->shapes[i];
    return NULL;
}

/* 0 where the model leaves the dimension open. */
static int64_t given_size(const Onnx__TensorShapeProto__Dimension *dimension) {
    bool known = dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    return known && dimension->dim_value > 0 ? dimension->dim_value : 0;
}

/* What the model says of an open dimension. */
static void append_open(
    Text *text, size_t index, const Onnx__TensorShapeProto__Dimension *dimension) {
    text_format(text, "%zu", index);
    if (dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
        text_format(text, " (%" PRId64 ")", dimension->dim_value);
    if (dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
        *dimension->dim_param != '\0')
        text_format(text, " ('%.100s')", dimension->dim_param);
}

/* The option that helps: what is known of the shape, and numbers as they often are for the rest. */
static const char *shape_hint(Importer *importer, const char *input, const Shape *shape) {
    Text text = {0};
    bool images = shape->rank == 4;
    bool last = images && shape->dims[3] > 0 && shape->dims[3] < 5; /* the channels */
    text_format(&text, "give its shape, as in --set-shape '%.200s=", input);
    for (int i = 0; i < shape->rank; i++) {
        int64_t usual = i == 0 || !images ? 1 : i == 1 && !last ? 3 : 224;
        text_format(
            &text, "%s%" PRId64, i > 0 ? "," : "", shape->dims[i] > 0 ? shape->dims[i] : usual);
    }
    text_append(&text, "'");
    const char *hint = arena_copy_string(importer->arena, text.data);
    text_free(&text);
    return hint;
}

/* The shape as the model has it, with what the user gave for an open batch. */
static bool read_input_dimensions(
    Importer *importer, const Onnx__ValueInfoProto *input, Shape *shape) {
    Onnx__TensorShapeProto__Dimension *const *dimensions = input->type->tensor_type->shape->dim;
    int open = 0, last_open = 0;
    for (int i = 0; i < shape->rank; i++) {
        shape->dims[i] = given_size(dimensions[i]);
        if (i == 0 && shape->dims[i] == 0 && importer->options->batch > 0) {
            shape->dims[i] = importer->options->batch;
            importer->used_batch = true;
        }
        if (shape->dims[i] == 0) {
            open++;
            last_open = i;
        }
    }
    if (open == 0)
        return true;
    Text text = {0};
    for (int i = 0, named = 0; i < shape->rank; i++) {
        if (shape->dims[i] > 0)
            continue;
        text_append(&text, named == 0 ? "" : i == last_open ? " and " : ", ");
        append_open(&text, (size_t)i, dimensions[i]);
        named++;
    }
    model_fault(importer,
        last_open == 0 ? "give it: --batch 1" : shape_hint(importer, input->name, shape),
        "input '%.200s' leaves its dimension%s %s open", input->name, open > 1 ? "s" : "",
        text.data);
    text_free(&text);
    return false;
}

static bool read_input_shape(Importer *importer, const Onnx__ValueInfoProto *input, Shape *shape) {
    const ModelShape *given = given_shape(importer, input->name);
    const Onnx__TypeProto__Tensor *type = input->type == NULL ? NULL : input->type->tensor_type;
    if (type == NULL)
        return model_fault(importer, NULL, "input '%.200s' is no tensor", input->name);
    if (given != NULL) {
        shape->rank = given->rank;
        memcpy(shape->dims, given->dims, sizeof shape->dims);
        return true;
    }
    if (type->shape == NULL)
        return model_fault(importer,
            arena_format(importer->arena, "give it: --set-shape '%.200s=1,3,224,224'", input->name),
            "input '%.200s' has no shape", input->name);
    if (type->shape->n_dim > ONNX_MAX_RANK)
        return model_fault(
            importer, NULL, "input '%.200s' has %zu dimensions", input->name, type->shape->n_dim);
    shape->rank = (int)type->shape->n_dim;
    return read_input_dimensions(importer, input, shape);
}

static bool check_input(Importer *importer, const Onnx__ValueInfoProto *input, const Shape *shape) {
    int type = input->type->tensor_type->elem_type;
    if (type != ONNX_FLOAT && type != ONNX_FLOAT16 && type != ONNX_BFLOAT16 && type != ONNX_DOUBLE)
        return model_fault(importer, "riffle's inputs are float32",
            "input '%.200s' has the type %s", input->name, onnx_type_name(importer, type));
    if (!take_precision(importer, type,
            arena_format(importer->arena, "input '%.200s'", input->name),
            &importer->widened.inputs))
        return false;
    if (!rank_has_channels(shape->rank))
        return model_fault(importer,
            "inputs are [batch, channels, height, width] or [batch, channels]",
            "input '%.200s' has the shape %s", input->name, shape_spelling(importer->arena, shape));
    TensorType value_type = tensor_type(shape->rank, shape->dims);
    return tensor_elements(&value_type) > 0 ||
           model_fault(importer, NULL, "input '%.200s' of the shape %s is too large", input->name,
               shape_spelling(importer->arena, shape));
}

static void add_input(Importer *importer, const Onnx__ValueInfoProto *input) {
    const Symbol *known = name_map_find(importer->symbols, input->name);
    if (known != NULL) {
        if (known->kind == SYMBOL_TENSOR)
            model_fault(importer, NULL, "two inputs have the name '%.200s'", input->name);
        return; /* an initializer, which early versions list among the inputs */
    }
    Shape shape = {0};
    Symbol *symbol = symbol_create(importer, SYMBOL_BROKEN, NULL);
    if (read_input_shape(importer, input, &shape) && check_input(importer, input, &shape)) {
        Value *value = graph_add_input(importer->graph, port_name(importer, input->name),
            tensor_type(shape.rank, shape.dims), LAYOUT_NCHW, importer->where);
        symbol = view_over(importer, value, &shape);
    }
    symbol->name = input->name;
    name_map_put(importer->symbols, input->name, symbol);
}

/* Where the user has cut, he knows. */
static void warn_of_unused(Importer *importer) {
    NameMap *constants = name_map_create(importer->arena);
    for (size_t i = 0; i < onnx_state(importer)->proto->n_initializer; i++)
        name_map_put(constants, onnx_state(importer)->proto->initializer[i]->name, importer);
    const char *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < onnx_state(importer)->proto->n_input; i++) {
        const char *name = onnx_state(importer)->proto->input[i]->name;
        if (use_count(importer, name) > 0 || name_map_find(constants, name) != NULL)
            continue;
        more += first != NULL;
        first = first == NULL ? name : first;
    }
    if (first != NULL && !importer->is_cut)
        diagnostics_report(importer->diagnostics, SEVERITY_WARNING, importer->where, NULL,
            "no output depends on the input '%.200s'%s: the network goes without %s", first,
            more == 0 ? "" : arena_format(importer->arena, " and %zu more", more),
            more == 0 ? "it" : "them");
}

void add_inputs(Importer *importer) {
    for (size_t i = 0; i < importer->options->shape_count; i++) {
        const char *name = importer->options->shapes[i].input;
        bool found = false;
        for (size_t k = 0; k < onnx_state(importer)->proto->n_input; k++)
            found = found || strcmp(onnx_state(importer)->proto->input[k]->name, name) == 0;
        if (!found)
            model_fault(importer, NULL, "there is no input '%.200s' to set the shape of", name);
    }
    for (size_t i = 0; i < onnx_state(importer)->proto->n_input; i++)
        if (use_count(importer, onnx_state(importer)->proto->input[i]->name) > 0)
            add_input(importer, onnx_state(importer)->proto->input[i]);
    warn_of_unused(importer);
    if (importer->options->batch > 0 && !importer->used_batch)
        diagnostics_report(importer->diagnostics, SEVERITY_WARNING, importer->where,
            "--set-shape changes the shape of an input",
            "--batch changes nothing: no input leaves its first dimension open");
}
