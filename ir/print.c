/* The text form, .rir; described in docs/ir.md. The output depends on nothing but the graph. */
#include "ir/answer.h"
#include "ir/formula.h"
#include "ir/labels.h"
#include "ir/names.h"
#include "ir/quote.h"

#include <stdlib.h>
#include <string.h>

/* How a value is written: by its name where that is an identifier that no other value has, else by
 * its position among all values. */
typedef struct Spelling {
    const Value *value;
    int position;
    bool by_name;
} Spelling;

typedef struct Printer {
    const Graph *graph;
    Text *text;
    Spelling *spellings; /* by value id */
    Arena *scratch;
} Printer;

static int compare_names(const void *left, const void *right) {
    const Spelling *a = *(Spelling *const *)left, *b = *(Spelling *const *)right;
    return strcmp(a->value->name, b->value->name);
}

static void note_value(Printer *printer, const Value *value, int *position) {
    printer->spellings[value->id] = (Spelling){.value = value, .position = (*position)++};
}

static void choose_spellings(Printer *printer) {
    const Graph *graph = printer->graph;
    int position = 0;
    for (int i = 0; i < graph->input_count; i++)
        note_value(printer, graph->inputs[i].value, &position);
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < node->result_count; i++)
            note_value(printer, node->results[i], &position);
    }
    Spelling **named = ARENA_ARRAY(printer->scratch, Spelling *, graph->next_value_id);
    size_t count = 0;
    for (int id = 0; id < graph->next_value_id; id++) {
        Spelling *spelling = &printer->spellings[id];
        if (spelling->value != NULL && spelling->value->name != NULL)
            named[count++] = spelling;
    }
    qsort(named, count, sizeof *named, compare_names);
    for (size_t i = 0; i < count; i++) {
        const char *name = named[i]->value->name;
        bool shared = (i > 0 && strcmp(named[i - 1]->value->name, name) == 0) ||
                      (i + 1 < count && strcmp(named[i + 1]->value->name, name) == 0);
        named[i]->by_name = !shared && is_identifier(name);
    }
}

static void print_quoted(Text *text, const char *string) {
    text_append(text, "\"");
    while (*string != '\0') {
        if (*string == '"' || *string == '\\')
            text_append(text, "\\");
        string += quote_character(text, string);
    }
    text_append(text, "\"");
}

static void print_path(Text *text, const char *path) {
    const char *at = path;
    while (is_path_character(*at))
        at++;
    text_append(text, "@");
    if (*at == '\0' && at > path)
        text_append(text, path);
    else
        print_quoted(text, path);
}

static void print_use(Printer *printer, const Value *value) {
    const Spelling *spelling = &printer->spellings[value->id];
    if (spelling->by_name)
        text_format(printer->text, "%%%s", value->name);
    else
        text_format(printer->text, "%%%d", spelling->position);
}

static void print_definition(Printer *printer, const Value *value) {
    print_use(printer, value);
    if (value->name != NULL && !printer->spellings[value->id].by_name) {
        text_append(printer->text, " ");
        print_quoted(printer->text, value->name);
    }
}

/* Three or more consecutive numbers print as their first and last: 0..57. */
static void print_list(Text *text, IntegerList list) {
    text_append(text, "[");
    for (size_t i = 0; i < list.count;) {
        size_t last = i;
        while (last + 1 < list.count && list.items[last] < INT64_MAX &&
               list.items[last + 1] == list.items[last] + 1)
            last++;
        text_format(text, "%s%lld", i > 0 ? ", " : "", (long long)list.items[i]);
        if (last >= i + 2) {
            text_format(text, "..%lld", (long long)list.items[last]);
            i = last + 1;
        } else {
            i++;
        }
    }
    text_append(text, "]");
}

static void print_numbers(Text *text, const double *numbers, int count) {
    text_append(text, "[");
    for (int i = 0; i < count; i++) {
        text_append(text, i > 0 ? ", " : "");
        text_append_double(text, numbers[i]);
    }
    text_append(text, "]");
}

static void print_formula(Text *text, const Formula *formula) {
    Text plain = {0};
    formula_print(formula, &plain);
    text_format(text, formula_is_short(formula) ? "%s" : "\"%s\"", plain.data);
    text_free(&plain);
}

static void print_attribute(Text *text, const OpAttribute *row, const Attribute *attribute) {
    text_format(text, "%s = ", row->name);
    switch (row->kind) {
    case ATTRIBUTE_INTEGER:
        text_format(text, "%lld", (long long)attribute->integer);
        break;
    case ATTRIBUTE_NUMBER:
        text_append_double(text, attribute->number);
        break;
    case ATTRIBUTE_LIST:
        print_list(text, attribute->list);
        break;
    case ATTRIBUTE_CHOICE:
        text_append(text, choice_words(row->name)[attribute->integer]);
        break;
    case ATTRIBUTE_FLAG:
        text_append(text, attribute->flag ? "true" : "false");
        break;
    case ATTRIBUTE_FORMULA:
        print_formula(text, attribute->formula);
        break;
    }
}

/* Those that differ from their default, in the order of ops.def. */
static void print_attributes(Printer *printer, const Node *node) {
    const OpInfo *info = op_info(node->op);
    const char *before = " {";
    for (int i = 0; i < info->attribute_count; i++) {
        const OpAttribute *row = &info->attributes[i];
        Attribute usual = op_attribute_default(row, printer->scratch);
        if (row->default_text[0] != '\0' &&
            op_attribute_equal(row->kind, &usual, &node->attributes[i]))
            continue;
        text_append(printer->text, before);
        print_attribute(printer->text, row, &node->attributes[i]);
        before = ", ";
    }
    if (before[0] == ',')
        text_append(printer->text, "}");
}

static void print_node(Printer *printer, const Node *node) {
    Text *text = printer->text;
    const OpInfo *info = op_info(node->op);
    text_append(text, "  ");
    for (int i = 0; i < node->result_count; i++) {
        text_append(text, i > 0 ? ", " : "");
        print_definition(printer, node->results[i]);
    }
    text_format(text, " = %s", info->name);
    for (int i = 0; i < node->operand_count; i++) {
        text_append(text, i > 0 ? ", " : " ");
        print_use(printer, node->operands[i]);
    }
    for (int i = 0; i < info->weight_count; i++) {
        if (node->weights[i] == NULL)
            continue;
        text_format(text, " %s=", info->weights[i].name);
        print_path(text, node->weights[i]->path);
    }
    print_attributes(printer, node);
    for (int i = 0; i < node->result_count; i++) {
        text_append(text, i > 0 ? ", " : " : ");
        tensor_type_print(&node->results[i]->type, text);
    }
    if (node->path[0] != '\0') {
        text_append(text, " ");
        print_quoted(text, node->path);
    }
    text_append(text, "\n");
}

static void print_input(Printer *printer, const GraphInput *input) {
    Text *text = printer->text;
    text_append(text, "  input ");
    print_definition(printer, input->value);
    text_append(text, " : ");
    tensor_type_print(&input->value->type, text);
    if (input->layout == LAYOUT_NHWC)
        text_append(text, " nhwc");
    if (input->has_preprocessing) {
        const Preprocessing *pixels = &input->preprocessing;
        int channels = preprocessing_channels(&input->value->type);
        text_format(text, " pixels(%s, scale = ", pixel_order_name(pixels->order));
        text_append_double(text, pixels->scale);
        text_append(text, ", mean = ");
        print_numbers(text, pixels->mean, channels);
        text_append(text, ", std = ");
        print_numbers(text, pixels->std, channels);
        text_format(text, ", resize = %lld", (long long)pixels->resize);
        if (pixels->letterbox != LETTERBOX_NONE)
            text_format(text, ", letterbox = %s", letterbox_name(pixels->letterbox));
        if (pixels->fill != 0)
            text_format(text, ", fill = %lld", (long long)pixels->fill);
        text_append(text, ")");
    }
    text_append(text, "\n");
}

static void print_output(Printer *printer, const GraphOutput *output) {
    Text *text = printer->text;
    text_append(text, "  output ");
    if (is_identifier(output->name))
        text_append(text, output->name);
    else
        print_quoted(text, output->name);
    text_append(text, " = ");
    print_use(printer, output->value);
    text_append(text, output->layout == LAYOUT_NHWC ? " nhwc\n" : "\n");
}

static Printer printer_create(const Graph *graph, Text *text) {
    Printer printer = {.graph = graph, .text = text, .scratch = arena_create()};
    printer.spellings = ARENA_ARRAY(printer.scratch, Spelling, graph->next_value_id);
    choose_spellings(&printer);
    return printer;
}

void node_print(const Graph *graph, const Node *node, Text *text) {
    Printer printer = printer_create(graph, text);
    print_node(&printer, node);
    arena_destroy(printer.scratch);
}

/* labels = ["cat", "dog"] */
static void print_labels(Text *text, const GraphLabels *labels) {
    text_append(text, "  labels = [");
    for (int i = 0; i < labels->count; i++) {
        text_append(text, i > 0 ? ", " : "");
        print_quoted(text, labels->names[i]);
    }
    text_append(text, "]\n");
}

void graph_print(const Graph *graph, Text *text) {
    Printer printer = printer_create(graph, text);
    text_append(text, "graph ");
    if (is_identifier(graph->name))
        text_append(text, graph->name);
    else
        print_quoted(text, graph->name);
    text_append(text, " {\n");
    for (int i = 0; i < graph->input_count; i++)
        print_input(&printer, &graph->inputs[i]);
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next) {
        text_append(text, "  weight ");
        print_path(text, weight->path);
        text_append(text, " : ");
        tensor_type_print(&weight->type, text);
        text_append(text, "\n");
    }
    for (const Node *node = graph->first; node != NULL; node = node->next)
        print_node(&printer, node);
    for (int i = 0; i < graph->output_count; i++)
        print_output(&printer, &graph->outputs[i]);
    if (graph->answer != NULL)
        answer_print(graph, text);
    if (graph->labels != NULL)
        print_labels(text, graph->labels);
    text_append(text, "}\n");
    arena_destroy(printer.scratch);
}
