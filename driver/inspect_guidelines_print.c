/* Prints what driver/inspect_guidelines.c finds. */
#include "driver/inspect_guidelines.h"

#include "driver/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const guideline_names[GUIDELINE_COUNT] = {"G1", "G2", "G3", "G4"};
static const char *const guideline_rules[GUIDELINE_COUNT] = {
    "equal channel widths", "few groups", "few fragments", "few element-wise and layout ops"};

static const char *rounded_number(double number, char *buffer) {
    return grouped_number(llround(number), buffer);
}

static void append_broken(unsigned broken, Text *text) {
    for (int i = 0; i < GUIDELINE_COUNT; i++)
        if (broken & 1u << i)
            text_format(text, "%s%s", text->length > 0 ? " " : "", guideline_names[i]);
}

static const char *path_or_dash(const Node *node) {
    return *node->path != '\0' ? node->path : "-";
}

static void print_layers(const Guidelines *guidelines, Text *text) {
    static const TableColumn columns[] = {{"layer", ALIGN_LEFT}, {"op", ALIGN_LEFT},
        {"bytes moved", ALIGN_RIGHT}, {"bound", ALIGN_RIGHT}, {"in one group", ALIGN_RIGHT},
        {"cycles", ALIGN_RIGHT}, {"breaks", ALIGN_LEFT}};
    Table table = table_create(columns, 7);
    for (int i = 0; i < guidelines->layer_count; i++) {
        const LayerBound *layer = &guidelines->layers[i];
        char bytes[32], bound[32] = "", one_group[32] = "", cycles[32];
        if (layer->has_bound) {
            rounded_number(layer->bound_bytes, bound);
            rounded_number(layer->bound_one_group_bytes, one_group);
        }
        Text broken = {0};
        append_broken(layer->broken, &broken);
        const char *cells[] = {path_or_dash(layer->node), op_info(layer->node->op)->name,
            grouped_number(node_bytes(layer->node), bytes), bound, one_group,
            rounded_number(layer->cycles, cycles), broken.data != NULL ? broken.data : ""};
        table_add_row(&table, cells);
        text_free(&broken);
    }
    table_print(&table, text);
    table_free(&table);
}

/* G4 is met too often for a row each: it is summed up by op. */
static void print_findings(const Guidelines *guidelines, Text *text) {
    static const TableColumn columns[] = {{"", ALIGN_LEFT}, {"layer", ALIGN_LEFT},
        {"is", ALIGN_LEFT}, {"bytes more", ALIGN_RIGHT}, {"cycles more", ALIGN_RIGHT},
        {"with the same MACs", ALIGN_LEFT}};
    Table table = table_create(columns, 6);
    for (int rule = 0; rule < GUIDELINE_ELEMENTWISE; rule++) {
        for (int i = 0; i < guidelines->finding_count; i++) {
            const Finding *finding = &guidelines->findings[i];
            if (finding->guideline != (Guideline)rule)
                continue;
            char bytes[32], cycles[32];
            const char *cells[] = {guideline_names[rule], path_or_dash(finding->node),
                finding->what, rounded_number(finding->bytes, bytes),
                rounded_number(finding->cycles, cycles), finding->suggestion};
            table_add_row(&table, cells);
        }
    }
    if (table.row_count > 0) {
        text_append(text, "\n");
        table_print(&table, text);
    }
    table_free(&table);
}

typedef struct RuleSum {
    int count;
    double bytes, cycles;
} RuleSum;

static RuleSum sum_up(const Guidelines *guidelines, Guideline rule, const char *what) {
    RuleSum sum = {0};
    for (int i = 0; i < guidelines->finding_count; i++) {
        const Finding *finding = &guidelines->findings[i];
        if (finding->guideline != rule || (what != NULL && strcmp(finding->what, what) != 0))
            continue;
        sum.count++;
        sum.bytes += finding->bytes;
        sum.cycles += finding->cycles;
    }
    return sum;
}

static void add_sum(
    Table *table, const char *name, const char *rule, RuleSum sum, double all_cycles) {
    char count[32], bytes[32], cycles[32], share[32];
    snprintf(count, sizeof count, "%d", sum.count);
    snprintf(share, sizeof share, "%.1f %%", all_cycles > 0 ? 100 * sum.cycles / all_cycles : 0);
    const char *cells[] = {name, rule, count, rounded_number(sum.bytes, bytes),
        rounded_number(sum.cycles, cycles), share};
    table_add_row(table, cells);
}

static bool is_first_of_its_kind(const Guidelines *guidelines, int index) {
    const Finding *finding = &guidelines->findings[index];
    for (int i = 0; i < index; i++) {
        const Finding *before = &guidelines->findings[i];
        if (before->guideline == finding->guideline && strcmp(before->what, finding->what) == 0)
            return false;
    }
    return true;
}

static void print_sums(const Guidelines *guidelines, Text *text) {
    static const TableColumn columns[] = {{"", ALIGN_LEFT}, {"guideline", ALIGN_LEFT},
        {"broken", ALIGN_RIGHT}, {"bytes more", ALIGN_RIGHT}, {"cycles more", ALIGN_RIGHT},
        {"of all cycles", ALIGN_RIGHT}};
    Table table = table_create(columns, 6);
    for (int rule = 0; rule < GUIDELINE_COUNT; rule++)
        add_sum(&table, guideline_names[rule], guideline_rules[rule],
            sum_up(guidelines, (Guideline)rule, NULL), guidelines->cycles);
    for (int i = 0; i < guidelines->finding_count; i++) {
        const Finding *finding = &guidelines->findings[i];
        if (finding->guideline != GUIDELINE_ELEMENTWISE || !is_first_of_its_kind(guidelines, i))
            continue;
        Text name = {0};
        text_format(&name, "  %s", finding->what);
        add_sum(&table, "", name.data, sum_up(guidelines, GUIDELINE_ELEMENTWISE, finding->what),
            guidelines->cycles);
        text_free(&name);
    }
    text_append(text, "\n");
    table_print(&table, text);
    table_free(&table);
}

void guidelines_print(const Guidelines *guidelines, Text *text) {
    char cycles[32], elementwise[32], layout[32];
    text_format(text,
        "\nGuidelines, on one core of %s: %s cycles by the cost model, each layer by itself.\n\n",
        guidelines->target, rounded_number(guidelines->cycles, cycles));
    print_layers(guidelines, text);
    print_findings(guidelines, text);
    print_sums(guidelines, text);
    text_format(text,
        "\nOf G4 the compiled network keeps %s bytes of element-wise kernels and %s of copies.\n",
        grouped_number(guidelines->compiled.elementwise_bytes, elementwise),
        grouped_number(guidelines->compiled.layout_bytes, layout));
}

/* ---- JSON ---- */

static void write_layer(const LayerBound *layer, JsonWriter *writer) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "name", layer->node->path);
    json_write_string(writer, "op", op_info(layer->node->op)->name);
    json_write_integer(writer, "bytes", node_bytes(layer->node));
    if (layer->has_bound) {
        json_write_number(writer, "bound_bytes", layer->bound_bytes);
        json_write_number(writer, "bound_one_group_bytes", layer->bound_one_group_bytes);
    }
    json_write_number(writer, "cycles", layer->cycles);
    json_write_array(writer, "breaks", JSON_INLINE);
    for (int i = 0; i < GUIDELINE_COUNT; i++)
        if (layer->broken & 1u << i)
            json_write_string(writer, NULL, guideline_names[i]);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static void write_finding(const Finding *finding, JsonWriter *writer) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "guideline", guideline_names[finding->guideline]);
    json_write_string(writer, "layer", finding->node->path);
    json_write_string(writer, "op", op_info(finding->node->op)->name);
    json_write_string(writer, "what", finding->what);
    json_write_number(writer, "bytes", finding->bytes);
    json_write_number(writer, "cycles", finding->cycles);
    if (finding->suggestion != NULL)
        json_write_string(writer, "suggestion", finding->suggestion);
    json_write_object_end(writer);
}

static void write_findings(const Guidelines *guidelines, const char *name, JsonWriter *writer) {
    json_write_array(writer, name, JSON_LINES);
    for (int i = 0; i < guidelines->finding_count; i++)
        write_finding(&guidelines->findings[i], writer);
    json_write_array_end(writer);
}

void guidelines_write_findings(const Guidelines *guidelines, JsonWriter *writer) {
    write_findings(guidelines, NULL, writer);
}

void guidelines_write_json(const Guidelines *guidelines, JsonWriter *writer) {
    json_write_object(writer, "guidelines", JSON_LINES);
    json_write_string(writer, "target", guidelines->target);
    json_write_number(writer, "cycles", guidelines->cycles);
    json_write_array(writer, "layers", JSON_LINES);
    for (int i = 0; i < guidelines->layer_count; i++)
        write_layer(&guidelines->layers[i], writer);
    json_write_array_end(writer);
    write_findings(guidelines, "findings", writer);
    json_write_object(writer, "compiled", JSON_INLINE);
    json_write_integer(writer, "elementwise_bytes", guidelines->compiled.elementwise_bytes);
    json_write_integer(writer, "layout_bytes", guidelines->compiled.layout_bytes);
    json_write_object_end(writer);
    json_write_object_end(writer);
}
