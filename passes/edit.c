/* The graph is built anew, node by node, with one thing changed. Types are inferred again; where a
 * change of shape makes a later node ill-formed, it is fitted (edit_fit.c). */
#include "passes/edit.h"

#include "ir/answer.h"
#include "ir/labels.h"
#include "passes/edit_fit.h"

#include <string.h>

typedef struct Rebuild {
    const Graph *from;
    Graph *to;
    Edit edit;
    Value **values; /* of the new graph, by the old value's id */
    bool applied;   /* the edit changed something */
    Diagnostics *refusals;
} Rebuild;

static const Node *node_at(const Graph *graph, int index) {
    const Node *node = graph->first;
    while (node != NULL && index-- > 0)
        node = node->next;
    return node;
}

int edit_index_count(const Graph *graph, EditKind kind) {
    switch (kind) {
    case EDIT_DROP_DEAD:
    case EDIT_PLAIN_PORTS:
        return 1;
    case EDIT_DROP_ANSWER:
        return graph->answer != NULL || graph->labels != NULL;
    case EDIT_DROP_OUTPUT:
        return graph->output_count;
    case EDIT_SMALLER_INPUT:
        return graph->input_count;
    case EDIT_END_AT_NODE:
    case EDIT_DROP_NODE:
    case EDIT_FRESH_INPUT:
    case EDIT_DROP_OPERAND:
    case EDIT_DEFAULT_ATTRIBUTE:
    case EDIT_SHORTER_LIST:
    case EDIT_DROP_WEIGHT:
    case EDIT_OWN_WEIGHT:
    case EDIT_FEWER_GROUPS:
    case EDIT_FEWER_FILTERS:
    case EDIT_FEWER_ALIKE:
    case EDIT_SMALLER_KERNEL:
        return graph_node_count(graph);
    case EDIT_COUNT:
        break;
    }
    return 0;
}

int edit_part_count(const Graph *graph, EditKind kind, int index) {
    switch (kind) {
    case EDIT_DROP_NODE:
    case EDIT_DROP_OPERAND:
        return node_at(graph, index)->operand_count;
    case EDIT_DEFAULT_ATTRIBUTE:
        return op_info(node_at(graph, index)->op)->attribute_count;
    case EDIT_DROP_WEIGHT:
        return op_info(node_at(graph, index)->op)->weight_count;
    case EDIT_SHORTER_LIST:
    case EDIT_FEWER_GROUPS:
        return 2;
    case EDIT_FEWER_FILTERS:
    case EDIT_FEWER_ALIKE:
        return 3;
    case EDIT_SMALLER_INPUT:
        return 3 * graph->inputs[index].value->type.rank;
    case EDIT_END_AT_NODE:
    case EDIT_DROP_DEAD:
    case EDIT_DROP_OUTPUT:
    case EDIT_FRESH_INPUT:
    case EDIT_OWN_WEIGHT:
    case EDIT_SMALLER_KERNEL:
    case EDIT_PLAIN_PORTS:
    case EDIT_DROP_ANSWER:
    case EDIT_COUNT:
        break;
    }
    return 1;
}

bool edit_leaves_dead(EditKind kind) {
    return kind == EDIT_DROP_OUTPUT || kind == EDIT_DROP_NODE || kind == EDIT_FRESH_INPUT ||
           kind == EDIT_DROP_OPERAND;
}

/* How the sizes of edits shrink: to one, to half, by one. The size itself where an earlier way has
 * given the same. */
static int64_t shrunk(int64_t size, int how) {
    int64_t half = (size + 1) / 2;
    if (how == 0)
        return 1;
    if (how == 1)
        return half > 1 ? half : size;
    return size - 1 > half ? size - 1 : size;
}

/* ---- inputs and outputs ---- */

static void rebuild_input(Rebuild *rebuild, int index, bool used) {
    const GraphInput *input = &rebuild->from->inputs[index];
    TensorType type = input->value->type;
    Edit edit = rebuild->edit;
    if (edit.kind == EDIT_DROP_DEAD && !used) {
        rebuild->applied = true;
        return;
    }
    if (edit.kind == EDIT_SMALLER_INPUT && edit.index == index) {
        int64_t *size = &type.dims[edit.part / 3], smaller = shrunk(*size, edit.part % 3);
        rebuild->applied = smaller < *size;
        *size = smaller;
    }
    bool plain = edit.kind == EDIT_PLAIN_PORTS;
    rebuild->applied |= plain && (input->layout != LAYOUT_NCHW || input->has_preprocessing);
    Value *value = graph_add_input(rebuild->to, input->value->name, type,
        plain ? LAYOUT_NCHW : input->layout, (SourceRange){0});
    GraphInput *copy = &rebuild->to->inputs[rebuild->to->input_count - 1];
    copy->has_preprocessing =
        input->has_preprocessing && !plain && type.dims[1] == input->value->type.dims[1];
    copy->preprocessing = input->preprocessing;
    rebuild->values[input->value->id] = value;
}

static void rebuild_outputs(Rebuild *rebuild) {
    const Graph *from = rebuild->from;
    bool plain = rebuild->edit.kind == EDIT_PLAIN_PORTS;
    for (int i = 0; i < from->output_count; i++) {
        const GraphOutput *output = &from->outputs[i];
        if (rebuild->edit.kind == EDIT_DROP_OUTPUT && rebuild->edit.index == i) {
            rebuild->applied = true;
            continue;
        }
        rebuild->applied |= plain && output->layout != LAYOUT_NCHW;
        graph_add_output(rebuild->to, output->name, rebuild->values[output->value->id],
            plain ? LAYOUT_NCHW : output->layout, (SourceRange){0});
    }
}

/* They stay as long as they fit the classes that are left. */
static void rebuild_labels(Rebuild *rebuild) {
    const GraphLabels *labels = rebuild->from->labels;
    if (labels == NULL || rebuild->edit.kind == EDIT_DROP_ANSWER)
        rebuild->applied |= labels != NULL;
    else if (labels_fault(rebuild->to, labels, rebuild->to->arena) == NULL)
        graph_set_labels(rebuild->to, labels);
}

/* An answer stays as long as it fits the outputs that are left. */
static void rebuild_answer(Rebuild *rebuild) {
    const GraphAnswer *answer = rebuild->from->answer;
    Graph *to = rebuild->to;
    SourceRange where;
    if (answer == NULL || rebuild->edit.kind == EDIT_DROP_ANSWER) {
        rebuild->applied |= answer != NULL;
        return;
    }
    bool same_places = to->output_count == rebuild->from->output_count;
    if (same_places && answer_fault(to, answer, to->arena, &where) == NULL)
        graph_set_answer(to, answer);
}

static void end_at(Rebuild *rebuild, const Node *node) {
    for (int i = 0; i < node->result_count; i++)
        graph_add_output(rebuild->to, arena_format(rebuild->to->arena, "y%d", i),
            rebuild->values[node->results[i]->id], LAYOUT_NCHW, (SourceRange){0});
    rebuild->applied = node->next != NULL || rebuild->from->output_count > node->result_count;
}

/* ---- nodes ---- */

static void set_results(Rebuild *rebuild, const Node *node, Value *const *results, int count) {
    for (int i = 0; i < node->result_count; i++)
        rebuild->values[node->results[i]->id] = results[i < count ? i : 0];
}

static bool is_input_name(const Graph *graph, const char *name) {
    for (int i = 0; i < graph->input_count; i++)
        if (strcmp(graph->inputs[i].value->name, name) == 0)
            return true;
    return false;
}

static const char *fresh_name(const Graph *graph) {
    int number = graph->input_count;
    const char *name;
    do
        name = arena_format(graph->arena, "x%d", number++);
    while (is_input_name(graph, name));
    return name;
}

static void make_inputs_of(Rebuild *rebuild, const Node *node) {
    Graph *to = rebuild->to;
    for (int i = 0; i < node->result_count; i++)
        rebuild->values[node->results[i]->id] = graph_add_input(
            to, fresh_name(to), node->results[i]->type, LAYOUT_NCHW, (SourceRange){0});
    rebuild->applied = true;
}

static Node *copy_node(Rebuild *rebuild, const Node *node) {
    Value **operands = ARENA_ARRAY(rebuild->to->arena, Value *, node->operand_count + 1);
    int count = 0;
    bool drops = rebuild->edit.kind == EDIT_DROP_OPERAND;
    for (int i = 0; i < node->operand_count; i++)
        if (!drops || rebuild->edit.part != i ||
            node != node_at(rebuild->from, rebuild->edit.index))
            operands[count++] = rebuild->values[node->operands[i]->id];
    Node *copy = node_create(rebuild->to, node->op, node->path, operands, count, (SourceRange){0});
    node_copy_attributes(rebuild->to, copy, node);
    return copy;
}

static void shorten_list(Rebuild *rebuild, Node *node, int half) {
    Attribute *attribute = node_attribute(node, "channels");
    if (attribute == NULL || attribute->list.count < 2)
        return;
    IntegerList list = attribute->list;
    size_t first = list.count / 2;
    node_set_list(rebuild->to, node, "channels", list.items + (half == 0 ? 0 : first),
        half == 0 ? first : list.count - first);
    rebuild->applied = true;
}

static void shrink_window(Rebuild *rebuild, Node *node) {
    static const int64_t one[] = {1, 1}, none[] = {0, 0, 0, 0};
    IntegerList kernel = node_list(node, "kernel");
    rebuild->applied = kernel.items[0] > 1 || kernel.items[1] > 1;
    node_set_list(rebuild->to, node, "kernel", one, 2);
    node_set_list(rebuild->to, node, "padding", none, 4);
}

/* Attributes of the node that the edit is about, before it is fitted. */
static void edit_attributes(Rebuild *rebuild, Node *node) {
    Edit edit = rebuild->edit;
    Attribute *groups = node_attribute(node, "groups");
    if (edit.kind == EDIT_DEFAULT_ATTRIBUTE) {
        const OpAttribute *attribute = &op_info(node->op)->attributes[edit.part];
        Attribute usual = op_attribute_default(attribute, rebuild->to->arena);
        rebuild->applied =
            attribute->default_text[0] != '\0' &&
            !op_attribute_equal(attribute->kind, &usual, &node->attributes[edit.part]);
        if (rebuild->applied)
            node->attributes[edit.part] = usual;
    } else if (edit.kind == EDIT_SHORTER_LIST) {
        shorten_list(rebuild, node, edit.part);
    } else if (edit.kind == EDIT_FEWER_GROUPS && groups != NULL && groups->integer > 1) {
        int64_t fewer = edit.part == 0 ? 1 : groups->integer / 2;
        rebuild->applied = edit.part == 0 || fewer > 1;
        groups->integer = fewer;
    } else if (edit.kind == EDIT_DROP_OPERAND) {
        rebuild->applied = true;
    } else if (edit.kind == EDIT_SMALLER_KERNEL &&
               (node->op == OP_max_pool || node->op == OP_avg_pool)) {
        shrink_window(rebuild, node);
    }
}

/* Filters of a node whose number of filters can be any; 0 of others. */
static int64_t filters_of(const Node *node) {
    return op_multiplies(node->op) ? node->weights[0]->type.dims[0] : 0;
}

static bool takes_filters(const Rebuild *rebuild, const Node *node, bool edited) {
    Edit edit = rebuild->edit;
    return (edit.kind == EDIT_FEWER_FILTERS && edited) ||
           (edit.kind == EDIT_FEWER_ALIKE &&
               filters_of(node) == filters_of(node_at(rebuild->from, edit.index)));
}

/* What the weights of the copy should be; fit_node makes them so. */
static FitWeights wanted_weights(Rebuild *rebuild, const Node *node, bool edited) {
    FitWeights wanted = {.dropped = -1, .filters = filters_of(node)};
    Edit edit = rebuild->edit;
    if (wanted.filters > 1 && takes_filters(rebuild, node, edited)) {
        wanted.filters = shrunk(wanted.filters, edit.part);
        rebuild->applied |= wanted.filters < filters_of(node);
    }
    if (!edited)
        return wanted;
    if (edit.kind == EDIT_DROP_WEIGHT && node->weights[edit.part] != NULL &&
        !op_info(node->op)->weights[edit.part].required) {
        wanted.dropped = edit.part;
        rebuild->applied = true;
    } else if (edit.kind == EDIT_SMALLER_KERNEL &&
               (node->op == OP_conv || node->op == OP_quantized_conv)) {
        wanted.one_tap = true;
        rebuild->applied = node->weights[0]->type.dims[2] > 1 || node->weights[0]->type.dims[3] > 1;
    } else if (edit.kind == EDIT_OWN_WEIGHT) {
        wanted.own = true;
        for (int i = 0; i < op_info(node->op)->weight_count; i++)
            rebuild->applied |=
                node->weights[i] != NULL &&
                strncmp(node->weights[i]->path, node->path, strlen(node->path)) != 0;
    }
    return wanted;
}

static bool rebuild_node(Rebuild *rebuild, const Node *node, bool edited, bool used) {
    Edit edit = rebuild->edit;
    if (edit.kind == EDIT_DROP_DEAD && !used) {
        rebuild->applied = true;
        return true;
    }
    if (edited && edit.kind == EDIT_DROP_NODE) {
        set_results(rebuild, node, &rebuild->values[node->operands[edit.part]->id], 1);
        rebuild->applied = true;
        return true;
    }
    if (edited && edit.kind == EDIT_FRESH_INPUT) {
        make_inputs_of(rebuild, node);
        return true;
    }
    Node *copy = copy_node(rebuild, node);
    if (edited)
        edit_attributes(rebuild, copy);
    FitWeights wanted = wanted_weights(rebuild, node, edited);
    if ((copy->operand_count == 0 && node->operand_count > 0) ||
        !fit_node(rebuild->to, copy, node, &wanted))
        return false;
    if (fit_vanishes(copy)) {
        set_results(rebuild, node, &copy->operands[0], 1);
        return true;
    }
    if (!node_infer(rebuild->to, copy, rebuild->refusals))
        return false;
    graph_append(rebuild->to, copy);
    set_results(rebuild, node, copy->results, copy->result_count);
    return true;
}

/* used[id]: some node or output reads the value, or another result of its node. */
static bool *find_used(const Graph *graph, Arena *arena) {
    bool *used = ARENA_ARRAY(arena, bool, graph->next_value_id + 1);
    for (int i = 0; i < graph->output_count; i++)
        used[graph->outputs[i].value->id] = true;
    for (const Node *node = graph->last; node; node = node->previous) {
        bool any = false;
        for (int i = 0; i < node->result_count; i++)
            any |= used[node->results[i]->id];
        for (int i = 0; any && i < node->operand_count; i++)
            used[node->operands[i]->id] = true;
        for (int i = 0; any && i < node->result_count; i++)
            used[node->results[i]->id] = true;
    }
    return used;
}

static bool is_about_node(EditKind kind) {
    return kind != EDIT_DROP_DEAD && kind != EDIT_DROP_OUTPUT && kind != EDIT_SMALLER_INPUT &&
           kind != EDIT_PLAIN_PORTS && kind != EDIT_DROP_ANSWER;
}

static bool rebuild_graph(Rebuild *rebuild) {
    const Graph *from = rebuild->from;
    const bool *used = find_used(from, rebuild->to->arena);
    const Node *about =
        is_about_node(rebuild->edit.kind) ? node_at(from, rebuild->edit.index) : NULL;
    for (int i = 0; i < from->input_count; i++)
        rebuild_input(rebuild, i, used[from->inputs[i].value->id]);
    for (const Node *node = from->first; node; node = node->next) {
        if (!rebuild_node(rebuild, node, node == about, used[node->results[0]->id]))
            return false;
        if (node == about && rebuild->edit.kind == EDIT_END_AT_NODE) {
            end_at(rebuild, node);
            return rebuild->applied;
        }
    }
    rebuild_outputs(rebuild);
    rebuild_answer(rebuild);
    rebuild_labels(rebuild);
    return rebuild->applied;
}

static Graph *rebuilt(const Graph *graph, Edit edit, Arena *arena) {
    Rebuild rebuild = {.from = graph,
        .to = graph_create(arena, graph->name),
        .edit = edit,
        .values = ARENA_ARRAY(arena, Value *, graph->next_value_id + 1),
        .refusals = diagnostics_create()};
    bool good = rebuild_graph(&rebuild) && rebuild.to->output_count > 0;
    if (good) {
        graph_drop_unused_weights(rebuild.to);
        good = graph_verify(rebuild.to, rebuild.refusals);
    }
    diagnostics_destroy(rebuild.refusals);
    return good ? rebuild.to : NULL;
}

/* What was taken away may be what fitting gives back: one filter of two groups becomes two. */
static bool is_same(const Graph *a, const Graph *b) {
    Text text = {0}, other = {0};
    graph_print(a, &text);
    graph_print(b, &other);
    bool same = strcmp(text.data, other.data) == 0;
    text_free(&text);
    text_free(&other);
    return same;
}

Graph *graph_edited(const Graph *graph, Edit edit, Arena *arena) {
    Graph *edited = rebuilt(graph, edit, arena);
    if (edited != NULL && edit.kind == EDIT_FRESH_INPUT) {
        Graph *without_dead = rebuilt(edited, (Edit){.kind = EDIT_DROP_DEAD}, arena);
        edited = without_dead != NULL ? without_dead : edited;
    }
    return edited == NULL || is_same(graph, edited) ? NULL : edited;
}
