/* Random graphs around a rule. Sizes, attributes and weights are picked so that ops go together
 * more often than by plain chance; what does not fit is thrown away, and another one tried. */
#include "passes/rules/random_graph.h"
#include "passes/random_numbers.h"
#include "passes/rules/apply.h"

#include <string.h>

enum { MOST_ELEMENTS = 1 << 14, MOST_PICKED_CHANNELS = 8 };

/* What the compiler alone chooses stays as it is. */
static bool is_compilers_choice(const char *name) {
    return strcmp(name, "result") == 0 || strcmp(name, "part") == 0 || strcmp(name, "rounds") == 0;
}

static const RuleArgument *argument_of(const RuleNode *pattern, const char *name) {
    for (int i = 0; i < pattern->argument_count; i++)
        if (strcmp(pattern->arguments[i].name, name) == 0)
            return &pattern->arguments[i];
    return NULL;
}

static bool is_broken(const GraphMaker *maker, int index, const char *name) {
    const RuleCheck *broken = maker->broken;
    return broken != NULL && broken->node == index && strcmp(broken->name, name) == 0;
}

static bool is_free(const GraphMaker *maker, const RuleExpression *value) {
    return value->kind == RULE_VARIABLE && !maker->match.known[value->index] &&
           maker->rule->variables[value->index].value == NULL;
}

static bool make_attribute(GraphMaker *maker, int index, Node *node, const OpAttribute *attribute) {
    const RuleNode *pattern = &maker->rule->nodes[index];
    const RuleArgument *argument = argument_of(pattern, attribute->name);
    bool compilers = is_compilers_choice(attribute->name);
    bool anything = argument == NULL ? !compilers && pattern->any && random_chance(maker, 50)
                                     : is_free(maker, argument->value);
    bool must = *attribute->default_text == '\0' && argument == NULL;
    if ((anything || must || is_broken(maker, index, attribute->name)) && !compilers)
        random_attribute(maker, node, attribute);
    else if (argument != NULL) {
        RuleDatum datum = rule_evaluate(&maker->match, argument->value);
        if (datum.kind == RULE_DATUM_FAULT ||
            !rule_set_attribute(maker->graph, node, attribute, datum))
            return false;
    }
    if (argument != NULL && is_free(maker, argument->value)) {
        int variable = argument->value->index;
        maker->match.variables[variable] = rule_attribute_datum(
            attribute->kind, attribute->name, node_attribute(node, attribute->name));
        maker->match.known[variable] = true;
    }
    return true;
}

/* ---- weights ---- */

static Weight *make_weight(
    GraphMaker *maker, int index, const char *name, int rank, const int64_t *dims, double spread) {
    TensorType type = tensor_type(rank, dims);
    int64_t elements = tensor_elements(&type);
    if (elements < 1 || elements > MOST_ELEMENTS)
        return NULL;
    Weight *weight = graph_weight(
        maker->graph, arena_format(maker->arena, "n%d.%s", index, name), type, (SourceRange){0});
    float *data = ARENA_ARRAY(maker->arena, float, elements);
    bool positive = strcmp(name, "running_var") == 0;
    for (int64_t i = 0; i < elements; i++)
        data[i] = positive ? (float)random_pick(maker, 20, 220) / 100
                           : (float)spread * random_normal(&maker->state);
    weight->data = data;
    return weight;
}

static int64_t size_of(GraphMaker *maker, int index, const char *name, int64_t usual) {
    const RuleArgument *argument = argument_of(&maker->rule->nodes[index], name);
    bool bound =
        argument != NULL && !is_broken(maker, index, name) && !is_free(maker, argument->value);
    RuleDatum datum = bound ? rule_evaluate(&maker->match, argument->value) : rule_integer(usual);
    int64_t size = datum.kind == RULE_DATUM_INTEGER ? datum.integer : usual;
    if (argument != NULL && is_free(maker, argument->value)) {
        maker->match.variables[argument->value->index] = rule_integer(size);
        maker->match.known[argument->value->index] = true;
    }
    return size;
}

static IntegerList kernel_of(GraphMaker *maker, int index) {
    const RuleArgument *argument = argument_of(&maker->rule->nodes[index], "kernel");
    IntegerList kernel = random_kernel(maker);
    if (argument != NULL && is_free(maker, argument->value)) {
        maker->match.variables[argument->value->index] =
            (RuleDatum){.kind = RULE_DATUM_LIST, .list = kernel};
        maker->match.known[argument->value->index] = true;
    } else if (argument != NULL && !is_broken(maker, index, "kernel")) {
        RuleDatum datum = rule_evaluate(&maker->match, argument->value);
        if (datum.kind == RULE_DATUM_LIST && datum.list.count == 2)
            return datum.list;
        if (datum.kind == RULE_DATUM_INTEGER)
            return random_list(maker, 2, datum.integer, datum.integer);
    }
    return kernel;
}

/* So that the result has the operand's rows and columns. */
static void keep_size(GraphMaker *maker, int index, Node *node, IntegerList kernel) {
    const RuleNode *pattern = &maker->rule->nodes[index];
    if (!pattern->any || argument_of(pattern, "padding") != NULL || !random_chance(maker, 60))
        return;
    IntegerList dilation = node_list(node, "dilation");
    int64_t sides[4];
    for (int i = 0; i < 2; i++) {
        int64_t both = (kernel.items[i] - 1) * dilation.items[i];
        sides[i] = both / 2;
        sides[i + 2] = both - both / 2;
    }
    node_set_list(maker->graph, node, "padding", sides, 4);
}

static void make_conv_weights(GraphMaker *maker, int index, Node *node) {
    int64_t inputs = tensor_channels(&node->operands[0]->type);
    int64_t groups = node_integer(node, "groups");
    IntegerList kernel = kernel_of(maker, index);
    int64_t usual =
        random_chance(maker, 70) ? maker->channels : random_pick(maker, 1, MOST_PICKED_CHANNELS);
    int64_t outputs = size_of(maker, index, "channels", usual);
    keep_size(maker, index, node, kernel);
    if (groups < 1 || inputs % groups != 0 || outputs % groups != 0)
        return;
    bool transposed = node->op == OP_conv_transpose;
    int64_t dims[] = {transposed ? inputs : outputs, (transposed ? outputs : inputs) / groups,
        kernel.items[0], kernel.items[1]};
    node->weights[0] = make_weight(maker, index, "weight", 4, dims, 0.5);
    if (random_chance(maker, 50))
        node->weights[1] = make_weight(maker, index, "bias", 1, &outputs, 0.5);
}

/* Left out where sizes do not go together: the node then does not infer. */
static void make_weights(GraphMaker *maker, int index, Node *node) {
    const OpInfo *info = op_info(node->op);
    int64_t inputs =
        node->operand_count > 0 ? tensor_channels(&node->operands[0]->type) : maker->channels;
    switch (node->op) {
    case OP_conv:
    case OP_conv_transpose:
        make_conv_weights(maker, index, node);
        return;
    case OP_linear: {
        int64_t outputs =
            size_of(maker, index, "channels", random_pick(maker, 1, MOST_PICKED_CHANNELS));
        int64_t dims[] = {outputs, inputs};
        node->weights[0] = make_weight(maker, index, "weight", 2, dims, 0.5);
        if (random_chance(maker, 50))
            node->weights[1] = make_weight(maker, index, "bias", 1, &outputs, 0.5);
        return;
    }
    default:
        for (int i = 0; i < info->weight_count; i++)
            if (info->weights[i].required || random_chance(maker, 50))
                node->weights[i] = make_weight(maker, index, info->weights[i].name, 1, &inputs, 1);
        return;
    }
}

/* ---- nodes ---- */

/* Of these the last bit of a number can decide what comes out. */
static bool jumps(OpKind op) {
    return op == OP_floor || op == OP_ceil || op == OP_round || op == OP_sign ||
           op == OP_fake_quantize || op == OP_thresholded_relu;
}

static OpKind pick_activation(GraphMaker *maker) {
    for (;;) {
        OpKind op = (OpKind)random_pick(maker, 0, OP_COUNT - 1);
        if (op_is_element(op) && element_operands(op) == 1 && !jumps(op) &&
            (op_info(op)->attribute_count == 0 || random_chance(maker, 20)))
            return random_chance(maker, 40) ? OP_relu : op;
    }
}

static bool append(GraphMaker *maker, Node *node) {
    Diagnostics *unheard = diagnostics_create();
    bool inferred = node_infer(maker->graph, node, unheard);
    diagnostics_destroy(unheard);
    for (int i = 0; inferred && i < node->result_count; i++) {
        int64_t elements = tensor_elements(&node->results[i]->type);
        inferred = elements > 0 && elements <= MOST_ELEMENTS;
    }
    if (inferred)
        graph_append(maker->graph, node);
    return inferred;
}

static bool make_node(GraphMaker *maker, int index) {
    const RuleNode *pattern = &maker->rule->nodes[index];
    Value **operands = ARENA_ARRAY(maker->arena, Value *, pattern->operand_count + 1);
    for (int i = 0; i < pattern->operand_count; i++) {
        RuleOperand operand = pattern->operands[i];
        const Node *producer = operand.node < 0 ? NULL : maker->match.nodes[operand.node];
        if (producer != NULL && operand.index >= producer->result_count)
            return false;
        operands[i] = producer == NULL ? maker->match.parameters[operand.index]
                                       : producer->results[operand.index];
    }
    OpKind op = pattern->is_activation ? pick_activation(maker) : pattern->op;
    Node *node = node_create(maker->graph, op, arena_format(maker->arena, "n%d", index), operands,
        pattern->operand_count, (SourceRange){0});
    for (int i = 0; i < op_info(op)->attribute_count; i++) {
        const OpAttribute *attribute = &op_info(op)->attributes[i];
        if (pattern->is_activation)
            random_attribute(maker, node, attribute);
        else if (!make_attribute(maker, index, node, attribute))
            return false;
    }
    make_weights(maker, index, node);
    for (int i = 0; i < op_info(op)->weight_count; i++)
        if (op_info(op)->weights[i].required && node->weights[i] == NULL)
            return false;
    maker->match.nodes[index] = node;
    return append(maker, node);
}

/* ---- around the pattern ---- */

static TensorType pick_type(GraphMaker *maker) {
    int64_t dims[4] = {1, maker->channels, 1, 1};
    bool pixel = random_chance(maker, 25);
    if (!pixel) {
        dims[2] = random_pick(maker, 1, 7);
        dims[3] = random_pick(maker, 1, 7);
    }
    dims[0] = random_chance(maker, 15) ? 2 : 1;
    return tensor_type(random_chance(maker, 70) ? 4 : 2, dims);
}

static Value *apply_one(GraphMaker *maker, OpKind op, Value *value) {
    Node *node = node_create(maker->graph, op, "", &value, 1, (SourceRange){0});
    return append(maker, node) ? node->results[0] : value;
}

/* Beyond the bounds that elements have: numbers of unit variance hardly ever reach 6. */
static Value *widen(GraphMaker *maker, Value *value) {
    FormulaFault fault = {0};
    Node *node = node_create(maker->graph, OP_map, "", &value, 1, (SourceRange){0});
    node_set_formula(node, "formula", formula_parse("x * 8", 1, maker->graph->arena, &fault));
    return append(maker, node) ? node->results[0] : value;
}

static void make_parameters(GraphMaker *maker) {
    static const OpKind before[] = {OP_relu, OP_sigmoid, OP_abs, OP_negate, OP_relu6};
    TensorType type = pick_type(maker);
    for (int i = 0; i < maker->rule->parameter_count; i++) {
        TensorType own = type;
        if (i > 0 && random_chance(maker, 25))
            own = pick_type(maker);
        if (i > 0 && random_chance(maker, 10))
            own.dims[1] = random_pick(maker, 1, MOST_PICKED_CHANNELS);
        if (i > 0 && random_chance(maker, 10)) {
            maker->match.parameters[i] = maker->match.parameters[0];
            continue;
        }
        Value *value = graph_add_input(
            maker->graph, arena_format(maker->arena, "x%d", i), own, LAYOUT_NCHW, (SourceRange){0});
        if (random_chance(maker, 40))
            value = widen(maker, value);
        if (random_chance(maker, 40))
            value = apply_one(maker, before[random_pick(maker, 0, 4)], value);
        maker->match.parameters[i] = value;
    }
}

static void add_output(GraphMaker *maker, Value *value) {
    graph_add_output(maker->graph, arena_format(maker->arena, "y%d", maker->graph->output_count),
        value, LAYOUT_NCHW, (SourceRange){0});
}

static void make_outputs(GraphMaker *maker) {
    const Rule *rule = maker->rule;
    for (int i = 0; i < rule->pattern_count; i++) {
        Node *node = maker->match.nodes[i];
        bool root = false;
        for (int r = 0; r < rule->root_count; r++)
            root = root || rule->roots[r] == i;
        for (int k = 0; k < node->result_count; k++) {
            bool unread = graph_use_count(maker->graph, node->results[k]) == 0;
            if (root && k == 0 && random_chance(maker, 30))
                add_output(maker, apply_one(maker, OP_negate, node->results[k]));
            else if (root || unread || random_chance(maker, 12))
                add_output(maker, node->results[k]);
        }
    }
}

/* ---- the whole ---- */

static bool fits(
    GraphMaker *maker, int broken, RandomGraph *made, bool *fault, Diagnostics *diagnostics) {
    Diagnostics *faults = diagnostics_create();
    RuleMatch match = rule_match_create(maker->rule, maker->graph, maker->arena, faults);
    match.ignored = broken;
    made->graph = maker->graph;
    made->root = maker->match.nodes[maker->rule->roots[0]];
    RuleEdit edit = {0};
    bool matches = graph_verify(maker->graph, faults) && rule_match(&match, made->root);
    for (int i = 0; i < match.check_count && matches && edit.graph == NULL; i++)
        if (match.checks[i].of_result)
            matches = rule_edit_prepare(&match, maker->graph, &edit);
    *fault = match.failed && broken < 0;
    if (*fault)
        diagnostics_take(diagnostics, faults);
    diagnostics_destroy(faults);
    return matches && (broken < 0 || match.broken);
}

bool random_graph_make(const Rule *rule, int broken, uint64_t seed, Arena *arena, RandomGraph *made,
    bool *fault, Diagnostics *diagnostics) {
    Diagnostics *unheard = diagnostics_create();
    GraphMaker maker = {
        .rule = rule, .graph = graph_create(arena, rule->name), .arena = arena, .state = seed};
    maker.match = rule_match_create(rule, maker.graph, arena, unheard);
    maker.broken = broken < 0 ? NULL : &maker.match.checks[broken];
    maker.channels = random_pick(&maker, 1, 4) * (random_chance(&maker, 70) ? 2 : 1);
    *fault = false;
    make_parameters(&maker);
    bool good = true;
    for (int i = 0; good && i < rule->pattern_count; i++)
        good = make_node(&maker, i);
    if (good) {
        make_outputs(&maker);
        good = fits(&maker, broken, made, fault, diagnostics);
    }
    diagnostics_destroy(unheard);
    return good;
}
