/* The model as a whole: its nodes in order, its inputs and outputs. */
#include "frontend/onnx/import.h"
#include "frontend/evaluate.h"
#include "frontend/onnx/importer.h"
#include "frontend/onnx/order.h"
#include "frontend/onnx/read.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool onnx_is_built_in(void) {
    return true;
}

/* ---- initializers and inputs ---- */

static void add_initializers(Importer *importer) {
    for (size_t i = 0; i < importer->proto->n_initializer; i++) {
        const Onnx__TensorProto *tensor = importer->proto->initializer[i];
        if (name_map_find(importer->symbols, tensor->name) != NULL) {
            model_fault(importer, NULL, "two initializers have the name '%.200s'", tensor->name);
            continue;
        }
        const char *what = arena_format(importer->arena, "initializer '%.200s'", tensor->name);
        Symbol *symbol = constant_from_tensor(importer, tensor, what);
        if (symbol == NULL)
            symbol = symbol_create(importer, SYMBOL_BROKEN, NULL);
        symbol->name = tensor->name;
        name_map_put(importer->symbols, tensor->name, symbol);
    }
    if (importer->proto->n_sparse_initializer > 0)
        model_fault(importer, "make them dense", "the model has sparse initializers");
}

static const OnnxShape *given_shape(const Importer *importer, const char *name) {
    for (size_t i = 0; i < importer->options->shape_count; i++)
        if (strcmp(importer->options->shapes[i].input, name) == 0)
            return &importer->options->shapes[i];
    return NULL;
}

/* One dimension as the model has it, or what the user gave for an open batch. */
static bool read_dimension(
    Importer *importer, const Onnx__ValueInfoProto *input, size_t index, int64_t *size) {
    const Onnx__TensorShapeProto__Dimension *dimension =
        input->type->tensor_type->shape->dim[index];
    bool known = dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    if (known && dimension->dim_value < 1)
        return model_fault(importer, NULL, "input '%.200s': dimension %zu is %" PRId64, input->name,
            index, dimension->dim_value);
    if (known) {
        *size = dimension->dim_value;
        return true;
    }
    if (index == 0 && importer->options->batch > 0) {
        *size = importer->options->batch;
        return true;
    }
    const char *name = dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                           ? dimension->dim_param
                           : "?";
    return model_fault(importer,
        index == 0 ? "give it: --batch 1"
                   : arena_format(importer->arena,
                         "give its shape: --set-shape '%.200s=1,3,224,224'", input->name),
        "input '%.200s': dimension %zu is left open ('%.100s')", input->name, index, name);
}

static bool read_input_shape(Importer *importer, const Onnx__ValueInfoProto *input, Shape *shape) {
    const OnnxShape *given = given_shape(importer, input->name);
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
    size_t rank = type->shape->n_dim;
    if (rank > ONNX_MAX_RANK)
        return model_fault(importer, NULL, "input '%.200s' has %zu dimensions", input->name, rank);
    shape->rank = (int)rank;
    bool good = true;
    for (size_t i = 0; i < rank; i++)
        good = read_dimension(importer, input, i, &shape->dims[i]) && good;
    return good;
}

static bool check_input(Importer *importer, const Onnx__ValueInfoProto *input, const Shape *shape) {
    int type = input->type->tensor_type->elem_type;
    bool wide = type == ONNX_FLOAT16 || type == ONNX_DOUBLE || type == ONNX_BFLOAT16;
    if (wide && !importer->options->convert_precision)
        return model_fault(importer, "riffle computes in float32; --convert-precision converts it",
            "input '%.200s' is of %s precision", input->name,
            type == ONNX_DOUBLE ? "double" : "half");
    if (!wide && type != ONNX_FLOAT)
        return model_fault(importer, "riffle's inputs are float32",
            "input '%.200s' has the type %s", input->name, onnx_type_name(importer, type));
    TensorType value_type =
        tensor_type(shape->rank <= MAX_RANK ? shape->rank : MAX_RANK, shape->dims);
    if (shape->rank != 2 && shape->rank != 4)
        return model_fault(importer,
            "inputs are [batch, channels, height, width] or [batch, channels]",
            "input '%.200s' has the shape %s", input->name, shape_spelling(importer->arena, shape));
    return tensor_elements(&value_type) > 0 ||
           model_fault(importer, NULL, "input '%.200s' of the shape %s is too large", input->name,
               shape_spelling(importer->arena, shape));
}

static void add_input(Importer *importer, const Onnx__ValueInfoProto *input) {
    if (name_map_find(importer->symbols, input->name) != NULL) {
        const Symbol *symbol = name_map_find(importer->symbols, input->name);
        if (symbol->kind == SYMBOL_TENSOR)
            model_fault(importer, NULL, "two inputs have the name '%.200s'", input->name);
        return; /* an initializer, which early versions list among the inputs */
    }
    Shape shape = {0};
    Symbol *symbol = symbol_create(importer, SYMBOL_BROKEN, NULL);
    if (use_count(importer, input->name) == 0) {
        diagnostics_report(importer->diagnostics, SEVERITY_WARNING, importer->where, NULL,
            "no node reads the input '%.200s': the network goes without it", input->name);
    } else if (read_input_shape(importer, input, &shape) && check_input(importer, input, &shape)) {
        Value *value = graph_add_input(importer->graph, port_name(importer, input->name),
            tensor_type(shape.rank, shape.dims), LAYOUT_NCHW, importer->where);
        symbol = view_over(importer, value, &shape);
    }
    symbol->name = input->name;
    name_map_put(importer->symbols, input->name, symbol);
}

static void add_inputs(Importer *importer) {
    for (size_t i = 0; i < importer->options->shape_count; i++) {
        const char *name = importer->options->shapes[i].input;
        bool found = false;
        for (size_t k = 0; k < importer->proto->n_input; k++)
            found = found || strcmp(importer->proto->input[k]->name, name) == 0;
        if (!found)
            model_fault(importer, NULL, "there is no input '%.200s' to set the shape of", name);
    }
    for (size_t i = 0; i < importer->proto->n_input; i++)
        add_input(importer, importer->proto->input[i]);
}

/* ---- nodes ---- */

static void count_uses(Importer *importer) {
    for (size_t i = 0; i < importer->proto->n_node + 1; i++) {
        bool outputs = i == importer->proto->n_node;
        size_t count = outputs ? importer->proto->n_output : importer->proto->node[i]->n_input;
        for (size_t k = 0; k < count; k++) {
            const char *name =
                outputs ? importer->proto->output[k]->name : importer->proto->node[i]->input[k];
            int *uses = name_map_find(importer->uses, name);
            if (uses == NULL) {
                uses = ARENA_NEW(importer->arena, int);
                name_map_put(importer->uses, name, uses);
            }
            ++*uses;
        }
    }
}

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
    const Onnx__NodeProto *node = importer->node;
    if (*node->domain != '\0' && strcmp(node->domain, "ai.onnx") != 0)
        return node_fault(importer,
            "inline the model's functions, and export without ops of other domains",
            "the op is of the domain '%.100s'", node->domain);
    const OnnxOp *op = onnx_op_find(node->op_type);
    if (op == NULL) {
        const char *closest = onnx_op_closest(node->op_type);
        return node_fault(importer,
            closest == NULL ? "docs/import.md lists the ops that can be imported"
                            : arena_format(importer->arena, "did you mean '%s'?", closest),
            "riffle does not know this op");
    }
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
    return good;
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
            node_fault(importer, NULL,
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
    const OnnxOp *op = onnx_op_find(importer->node->op_type);
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

static void break_results(Importer *importer) {
    for (size_t i = 0; i < importer->node->n_output; i++)
        set_result_at(importer, i, symbol_create(importer, SYMBOL_BROKEN, NULL));
}

static bool import_nodes(Importer *importer) {
    const Onnx__NodeProto *const *order = node_order(importer);
    if (order == NULL)
        return false;
    for (size_t i = 0; i < importer->proto->n_node; i++) {
        importer->node = order[i];
        if (!import_node(importer))
            break_results(importer);
    }
    return true;
}

/* ---- outputs ---- */

static void add_output(Importer *importer, const Onnx__ValueInfoProto *output) {
    Symbol *symbol = name_map_find(importer->symbols, output->name);
    if (symbol == NULL) {
        model_fault(importer, NULL, "nothing makes the output '%.200s'", output->name);
        return;
    }
    if (symbol->kind == SYMBOL_BROKEN)
        return;
    if (symbol->kind == SYMBOL_CONSTANT) {
        model_fault(importer, NULL, "the output '%.200s' is a constant", output->name);
        return;
    }
    /* faults of the view are told as those of an op at the end */
    char *names[] = {(char *)output->name};
    Onnx__NodeProto end = ONNX__NODE_PROTO__INIT;
    end.op_type = (char *)"output";
    end.name = (char *)output->name;
    end.input = names;
    end.n_input = 1;
    importer->node = &end;
    Value *value = symbol_value(importer, symbol);
    if (value != NULL)
        graph_add_output(importer->graph, port_name(importer, output->name), value, LAYOUT_NCHW,
            importer->where);
    importer->node = NULL;
}

static void add_outputs(Importer *importer) {
    if (importer->proto->n_output == 0)
        model_fault(importer, NULL, "the model has no output");
    for (size_t i = 0; i < importer->proto->n_output; i++)
        add_output(importer, importer->proto->output[i]);
}

/* ---- what is left ---- */

/* Views that nobody read leave no nodes; parts of hard swishes spelled out do. */
static void drop_dead_nodes(Importer *importer) {
    Graph *graph = importer->graph;
    int *uses = graph_use_counts(graph, importer->arena);
    for (Node *node = graph->last, *previous; node != NULL; node = previous) {
        previous = node->previous;
        bool used = false;
        for (int i = 0; i < node->result_count; i++)
            used = used || uses[node->results[i]->id] > 0;
        if (used)
            continue;
        for (int i = 0; i < node->operand_count; i++)
            uses[node->operands[i]->id]--;
        graph_remove(graph, node);
    }
    graph_drop_unused_weights(graph);
}

static bool check_count(Importer *importer) {
    int count = 0;
    for (const Node *node = importer->graph->first; node != NULL; node = node->next)
        count++;
    return count <= NODE_LIMIT ||
           model_fault(importer, NULL, "the network has %d nodes, at most %d can be imported",
               count, NODE_LIMIT);
}

static bool check_weights(Importer *importer) {
    bool good = true;
    for (const Weight *weight = importer->graph->first_weight; weight; weight = weight->next) {
        int64_t count = tensor_elements(&weight->type);
        if (count < 1)
            good =
                model_fault(importer, NULL, "the weight '%s' is empty or too large", weight->path);
        for (int64_t i = 0; i < count; i++) {
            if (!isfinite(weight->data[i])) {
                good = model_fault(importer, NULL, "the weight '%s' is not finite", weight->path);
                break;
            }
        }
    }
    return good;
}

static Graph *finish(Importer *importer) {
    if (importer->first_trouble != NULL)
        return NULL;
    drop_dead_nodes(importer);
    gathers_to_splits(importer->graph, importer->arena);
    if (!check_count(importer) || !check_weights(importer))
        return NULL;
    if (importer->converted > 0)
        diagnostics_report(importer->diagnostics, SEVERITY_WARNING, importer->where, NULL,
            "%" PRId64 " tensors of other precision were converted to float32",
            importer->converted);
    return graph_verify(importer->graph, importer->diagnostics) ? importer->graph : NULL;
}

static Graph *import_graph(Importer *importer, const Onnx__GraphProto *proto) {
    importer->proto = proto;
    count_uses(importer);
    add_initializers(importer);
    add_inputs(importer);
    if (import_nodes(importer))
        add_outputs(importer);
    return finish(importer);
}

Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const OnnxOptions *options, Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    file->name = arena_copy_string(arena, path);
    Importer importer = {.arena = arena,
        .diagnostics = diagnostics,
        .options = options,
        .where = {.file = file},
        .path = file->name,
        .graph = graph_create(arena, options->name),
        .symbols = name_map_create(arena),
        .uses = name_map_create(arena),
        .paths = name_map_create(arena),
        .path_nodes = name_map_create(arena),
        .sharers = name_map_create(arena),
        .transposed = name_map_create(arena),
        .taken_names = name_map_create(arena),
        .troubles = name_map_create(arena)};
    importer.last_trouble = &importer.first_trouble;
    const Onnx__ModelProto *model = onnx_model_read(&importer, bytes, length);
    Graph *graph = model == NULL ? NULL : import_graph(&importer, model->graph);
    troubles_report(&importer);
    return graph;
}
