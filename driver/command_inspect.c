/* riffle inspect: what a network consists of and costs, layer by layer, before anything is
 * compiled. */
#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/inspect_guidelines.h"
#include "driver/inspect_routing.h"
#include "driver/inspect_time.h"
#include "driver/model.h"
#include "driver/table.h"
#include "ir/formula.h"
#include "passes/passes.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_JSON = 1000, OPTION_ROUTING, OPTION_GUIDELINES, OPTION_CLOCK };

typedef struct InspectOptions {
    ModelOptions model;
    bool json, routing, guidelines;
    double hertz; /* 0: no time is predicted */
} InspectOptions;

typedef struct Totals {
    int64_t layers, parameters, macs, bytes, layout_bytes;
} Totals;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    InspectOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_ROUTING:
        options->routing = true;
        return 0;
    case OPTION_GUIDELINES:
        options->guidelines = true;
        return 0;
    case OPTION_CLOCK:
        return clock_parse(options->model.session, argument, &options->hertz) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"json", OPTION_JSON, NULL, 0, "Print JSON: layers, and totals.parameters, totals.macs", 0},
    {"routing", OPTION_ROUTING, NULL, 0,
        "Print also what layout ops and all kernels move: with the ops as written, merged to one "
        "copy per tree (guideline G4), and routed, where producers write to where consumers read; "
        "and each copy that stays",
        0},
    {"guidelines", OPTION_GUIDELINES, NULL, 0,
        "Print also each layer's lower bound of bytes moved, where guidelines G1 to G4 of the "
        "ShuffleNet V2 paper are broken, what that costs on the target, and what would not",
        0},
    {"clock", OPTION_CLOCK, "FREQUENCY", 0,
        "Print also how long each layer's kernels should take on the processor of --cpu or "
        "--target at "
        "this clock, as in 1.8GHz: an estimate by a model of its core (docs/predicted_time.md)",
        0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Prints for each layer its shape, parameters, multiply-accumulates (MACs) and bytes "
        "moved. The network is shown as written, or after passes when -O or --passes is given. No "
        "weights are needed.\v"
        "Counting is that of the papers: MACs are those of convolutions and fully connected "
        "layers; "
        "parameters are what is trained (batch norm counts scale and shift). Bytes moved are the "
        "operands, weights and results of each layer, touched once; layout ops are concat, split, "
        "shuffle, gather and route.\n"
        "\n"
        "Examples:\n"
        "  riffle inspect examples/shufflenet_v2.rfl --set width=0.5\n"
        "  riffle inspect examples/shufflenet_v1.rfl --set groups=3 -O2\n"
        "  riffle inspect examples/shufflenet_v2.rfl --routing\n"
        "  riffle inspect examples/shufflenet_v1.rfl --guidelines --target=x86-64-v3\n"
        "  riffle inspect examples/shufflenet_v2.rfl --cpu=cortex-a55 --clock=1.8GHz\n"
        "  riffle inspect net.rfl --json | python3 -m json.tool\n",
    .children = children};

static bool is_layout_op(OpKind op) {
    return op == OP_concat || op == OP_split || op == OP_shuffle || op == OP_gather ||
           op == OP_route || op == OP_pad || op == OP_take;
}

static void append_pair(Text *text, int64_t a, int64_t b) {
    if (a == b)
        text_format(text, "%lld", (long long)a);
    else
        text_format(text, "%lldx%lld", (long long)a, (long long)b);
}

static void describe_convolution(const Node *node, Text *text) {
    const TensorType *filter = &node_weight(node, "weight")->type;
    IntegerList stride = node_list(node, "stride"), dilation = node_list(node, "dilation");
    int64_t groups = node_integer(node, "groups");
    text_format(text, "%s %lldx%lld", op_info(node->op)->name, (long long)filter->dims[2],
        (long long)filter->dims[3]);
    if (stride.items[0] != 1 || stride.items[1] != 1) {
        text_append(text, " /");
        append_pair(text, stride.items[0], stride.items[1]);
    }
    if (dilation.items[0] != 1 || dilation.items[1] != 1) {
        text_append(text, " dilated ");
        append_pair(text, dilation.items[0], dilation.items[1]);
    }
    if (groups > 1 && filter->dims[1] == 1 && filter->dims[0] == groups)
        text_append(text, " depthwise");
    else if (groups > 1)
        text_format(text, " groups %lld", (long long)groups);
}

static void describe_pool(const Node *node, Text *text) {
    IntegerList kernel = node_list(node, "kernel"), stride = node_list(node, "stride");
    text_format(text, "%s %lldx%lld", op_info(node->op)->name, (long long)kernel.items[0],
        (long long)kernel.items[1]);
    if (stride.items[0] != 1 || stride.items[1] != 1) {
        text_append(text, " /");
        append_pair(text, stride.items[0], stride.items[1]);
    }
}

static void append_activation(const Node *node, const char *attribute, Text *text) {
    const Formula *activation = node_formula_attribute(node, attribute);
    if (activation == NULL)
        return;
    text_append(text, " + ");
    formula_print(activation, text);
}

static bool has_attribute(const Node *node, const char *name) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        if (strcmp(info->attributes[i].name, name) == 0)
            return true;
    }
    return false;
}

/* "conv 3x3 /2 depthwise + relu" */
static void describe_op(const Node *node, Text *text) {
    if (node->op == OP_conv || node->op == OP_conv_transpose)
        describe_convolution(node, text);
    else if (node->op == OP_max_pool || node->op == OP_avg_pool)
        describe_pool(node, text);
    else
        text_append(text, op_info(node->op)->name);
    if (has_attribute(node, "activation"))
        append_activation(node, "activation", text);
    if (node->op == OP_conv && node->operand_count == 2) {
        text_append(text, " + add");
        append_activation(node, "residual_activation", text);
    }
}

static void append_shape(Text *text, const TensorType *type) {
    for (int i = 0; i < type->rank; i++)
        text_format(text, i > 0 ? "x%lld" : "%lld", (long long)type->dims[i]);
}

static void append_results(const Node *node, Text *text) {
    append_shape(text, &node->results[0]->type);
    bool all_equal = true;
    for (int i = 1; i < node->result_count; i++)
        all_equal =
            all_equal && tensor_type_equal(&node->results[0]->type, &node->results[i]->type);
    if (node->result_count > 1 && all_equal)
        text_format(text, " (%d times)", node->result_count);
    for (int i = 1; i < node->result_count && !all_equal; i++) {
        text_append(text, ", ");
        append_shape(text, &node->results[i]->type);
    }
}

static Totals count_totals(const Graph *graph) {
    Totals totals = {0};
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        totals.layers++;
        totals.parameters += node_parameters(node);
        totals.macs += node_macs(node);
        totals.bytes += node_bytes(node);
        if (is_layout_op(node->op))
            totals.layout_bytes += node_bytes(node);
    }
    return totals;
}

static const char *number_or_blank(int64_t number, char *buffer) {
    return number == 0 ? "" : grouped_number(number, buffer);
}

static void add_layer(Table *table, const Node *node) {
    char parameters[32], macs[32], bytes[32];
    Text op = {0}, shape = {0};
    describe_op(node, &op);
    append_results(node, &shape);
    const char *cells[] = {*node->path != '\0' ? node->path : "-", op.data, shape.data,
        number_or_blank(node_parameters(node), parameters), number_or_blank(node_macs(node), macs),
        grouped_number(node_bytes(node), bytes)};
    table_add_row(table, cells);
    text_free(&op);
    text_free(&shape);
}

static void print_table(const Graph *graph, Text *text) {
    static const TableColumn columns[] = {{"layer", ALIGN_LEFT}, {"op", ALIGN_LEFT},
        {"output", ALIGN_LEFT}, {"parameters", ALIGN_RIGHT}, {"MACs", ALIGN_RIGHT},
        {"bytes moved", ALIGN_RIGHT}};
    Table table = table_create(columns, 6);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        add_layer(&table, node);
    Totals totals = count_totals(graph);
    char layers[48], parameters[32], macs[32], bytes[32], layout[32];
    snprintf(layers, sizeof layers, "%lld layers", (long long)totals.layers);
    const char *cells[] = {"total", layers, "", grouped_number(totals.parameters, parameters),
        grouped_number(totals.macs, macs), grouped_number(totals.bytes, bytes)};
    table_add_rule(&table);
    table_add_row(&table, cells);
    const char *layout_cells[] = {
        "of which layout ops", "", "", "", "", grouped_number(totals.layout_bytes, layout)};
    table_add_row(&table, layout_cells);
    table_print(&table, text);
    table_free(&table);
}

static void print_inputs(const Graph *graph, Text *text) {
    text_format(text, "%s\n", graph->name);
    for (int i = 0; i < graph->input_count; i++) {
        text_format(text, "  input  %s ", graph->inputs[i].value->name);
        append_shape(text, &graph->inputs[i].value->type);
        text_append(
            text, graph->inputs[i].layout == LAYOUT_NHWC ? " (caller's array: NHWC)\n" : "\n");
    }
    for (int i = 0; i < graph->output_count; i++) {
        text_format(text, "  output %s ", graph->outputs[i].name);
        append_shape(text, &graph->outputs[i].value->type);
        text_append(text, "\n");
    }
    text_append(text, "\n");
}

static void write_json_layer(JsonWriter *writer, const Node *node) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "name", node->path);
    json_write_string(writer, "op", op_info(node->op)->name);
    json_write_shape(writer, "shape", &node->results[0]->type);
    if (node->result_count > 1) {
        json_write_array(writer, "shapes", JSON_INLINE);
        for (int i = 0; i < node->result_count; i++)
            json_write_shape(writer, NULL, &node->results[i]->type);
        json_write_array_end(writer);
    }
    json_write_integer(writer, "parameters", node_parameters(node));
    json_write_integer(writer, "macs", node_macs(node));
    json_write_integer(writer, "bytes", node_bytes(node));
    json_write_object_end(writer);
}

static void write_json_tensor(JsonWriter *writer, const char *name, const TensorType *type) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "name", name);
    json_write_shape(writer, "shape", type);
    json_write_object_end(writer);
}

static void print_json(const Graph *graph, const Routing *routing, const Guidelines *guidelines,
    const PredictedTime *predicted, Text *text) {
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", graph->name);
    json_write_array(&writer, "inputs", JSON_LINES);
    for (int i = 0; i < graph->input_count; i++)
        write_json_tensor(&writer, graph->inputs[i].value->name, &graph->inputs[i].value->type);
    json_write_array_end(&writer);
    json_write_array(&writer, "outputs", JSON_LINES);
    for (int i = 0; i < graph->output_count; i++)
        write_json_tensor(&writer, graph->outputs[i].name, &graph->outputs[i].value->type);
    json_write_array_end(&writer);
    json_write_array(&writer, "layers", JSON_LINES);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        write_json_layer(&writer, node);
    json_write_array_end(&writer);
    Totals totals = count_totals(graph);
    json_write_object(&writer, "totals", JSON_LINES);
    json_write_integer(&writer, "layers", totals.layers);
    json_write_integer(&writer, "parameters", totals.parameters);
    json_write_integer(&writer, "macs", totals.macs);
    json_write_integer(&writer, "bytes", totals.bytes);
    json_write_integer(&writer, "layout_bytes", totals.layout_bytes);
    json_write_object_end(&writer);
    if (routing != NULL)
        routing_write_json(routing, &writer);
    if (guidelines != NULL)
        guidelines_write_json(guidelines, &writer);
    if (predicted != NULL)
        predicted_time_write_json(predicted, &writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

/* Passes may compute with weights. Their values change no count, so any will do. */
static bool run_wanted_passes(const InspectOptions *options, Model *model) {
    if (!model_passes_given(&options->model))
        return true;
    if (options->model.weights_file == NULL && !options->model.random_weights)
        weights_randomize(model->graph, 0);
    return model_run_passes(&options->model, model);
}

static bool inspect(const InspectOptions *options, Model *model, PredictedTime *predicted) {
    if (!model_read(&options->model, model))
        return false;
    bool has_weights = options->model.weights_file != NULL || options->model.random_weights;
    if (has_weights && !model_load_weights(&options->model, model))
        return false;
    Routing routing;
    if (options->routing && !routing_count(model->graph, options->model.session, &routing))
        return false;
    Session *session = options->model.session;
    const char *target = options->model.target;
    Guidelines guidelines = {0};
    if (options->guidelines &&
        !guidelines_compiled_cost(model->graph, target, session, &guidelines.compiled))
        return false;
    if (options->hertz > 0 &&
        !time_predict(model->graph, &options->model, options->hertz, predicted))
        return false;
    if (!run_wanted_passes(options, model))
        return false;
    if (options->guidelines && !guidelines_find(model->graph, target, session, &guidelines))
        return false;
    Text text = {0};
    if (options->json) {
        print_json(model->graph, options->routing ? &routing : NULL,
            options->guidelines ? &guidelines : NULL, options->hertz > 0 ? predicted : NULL, &text);
    } else {
        print_inputs(model->graph, &text);
        print_table(model->graph, &text);
        if (options->routing)
            routing_print(&routing, &text);
        if (options->guidelines)
            guidelines_print(&guidelines, &text);
        if (options->hertz > 0)
            predicted_time_print(predicted, &text);
    }
    fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
    return true;
}

int command_inspect(int argc, char **argv) {
    Session session = session_begin();
    static const char any_target[] = "native";
    InspectOptions options = {.model = model_options(&session, any_target)};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    if (options.model.processor != NULL && options.model.target == any_target) {
        options.model.target = options.model.processor; /* on the platform that it stands for */
        options.model.processor = NULL;
    }
    Model model = {0};
    PredictedTime predicted = {0};
    bool done = inspect(&options, &model, &predicted);
    predicted_time_close(&predicted);
    model_close(&model);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
