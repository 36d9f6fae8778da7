/* What `riffle precision` prints. */
#include "backends/output/json_writer.h"
#include "driver/precision.h"
#include "driver/precision_search.h"
#include "driver/table.h"

#include <math.h>
#include <stdio.h>

/* ---- tables ---- */

typedef struct AccuracyCells {
    char error[32], snr[32], agreement[32];
} AccuracyCells;

static AccuracyCells accuracy_cells(const Accuracy *accuracy) {
    AccuracyCells cells;
    snprintf(cells.error, sizeof cells.error, "%.3f %%", 100 * accuracy_error(accuracy));
    snprintf(cells.snr, sizeof cells.snr, "%.1f dB", accuracy_snr(accuracy));
    if (isinf(accuracy_snr(accuracy)))
        snprintf(cells.snr, sizeof cells.snr, "exact");
    snprintf(
        cells.agreement, sizeof cells.agreement, "%.1f %%", 100 * accuracy_agreement(accuracy));
    return cells;
}

static void add_layer(Table *table, const LayerEffect *effect) {
    char macs[32], cost[32] = "", without[32] = "";
    AccuracyCells numbers = accuracy_cells(&effect->alone);
    if (effect->is_reduced && !isnan(effect->cost))
        snprintf(cost, sizeof cost, "%+.1f %%", 100 * effect->cost);
    if (effect->is_reduced)
        snprintf(without, sizeof without, "%s", accuracy_cells(&effect->without).snr);
    const char *cells[] = {effect->layer.path, op_info(effect->layer.op)->name,
        grouped_number(effect->layer.macs, macs), effect->is_reduced ? numbers.error : "",
        effect->is_reduced ? numbers.snr : "", effect->is_reduced ? numbers.agreement : "", without,
        cost,
        !effect->is_reduced ? "always"
        : effect->kept      ? "yes"
                            : ""};
    table_add_row(table, cells);
}

/* `time` is relative to all reduced; NAN: not known. */
static void add_whole(Table *table, const char *what, const Accuracy *accuracy, double time) {
    char cost[32] = "";
    AccuracyCells numbers = accuracy_cells(accuracy);
    if (!isnan(time))
        snprintf(cost, sizeof cost, "%+.1f %%", 100 * (time - 1));
    const char *cells[] = {
        what, "", "", numbers.error, numbers.snr, numbers.agreement, "", cost, ""};
    table_add_row(table, cells);
}

static const char *plural(int64_t count) {
    return count == 1 ? "" : "s";
}

static void print_ways(const PrecisionSearch *search, Text *text) {
    static const TableColumn columns[] = {{"all layers reduced", ALIGN_LEFT},
        {"largest error", ALIGN_RIGHT}, {"SNR", ALIGN_RIGHT}, {"same first class", ALIGN_RIGHT}};
    if (search->way_count == 0)
        return;
    text_append(text, "\n");
    Table table = table_create(columns, 4);
    for (int i = 0; i < search->way_count; i++) {
        AccuracyCells numbers = accuracy_cells(&search->ways[i].whole);
        const char *cells[] = {
            search->ways[i].spelling, numbers.error, numbers.snr, numbers.agreement};
        table_add_row(&table, cells);
    }
    table_print(&table, text);
    table_free(&table);
}

void precision_report(const PrecisionSearch *search, const PrecisionBudget *budget, Text *text) {
    static const TableColumn columns[] = {{"layer", ALIGN_LEFT}, {"op", ALIGN_LEFT},
        {"MACs", ALIGN_RIGHT}, {"largest error", ALIGN_RIGHT}, {"SNR", ALIGN_RIGHT},
        {"same first class", ALIGN_RIGHT}, {"SNR if float", ALIGN_RIGHT},
        {"time if float", ALIGN_RIGHT}, {"float", ALIGN_LEFT}};
    const char *precision = precision_name(search->options->precision);
    text_format(text, "%s at %s on %zu input%s: what each layer alone adds\n\n",
        search->prepared->name, precision, search->evaluation->count,
        plural((int64_t)search->evaluation->count));
    Table table = table_create(columns, 9);
    for (size_t i = 0; i < search->count; i++)
        add_layer(&table, &search->layers[i]);
    table_add_rule(&table);
    add_whole(&table, "all reduced", &search->all, NAN);
    if (search->kept_count > 0)
        add_whole(&table, "as chosen", &search->chosen, search->times.chosen);
    table_print(&table, text);
    table_free(&table);
    if (isnan(search->times.floats))
        text_format(text, "\nThere is no model of %s to estimate times by (--cpu, --target)\n",
            search->times.processor);
    else
        text_format(text,
            "\nTimes are estimates by a model of %s, beside all layers reduced; with all layers "
            "float: %+.1f %%\n",
            search->times.processor, 100 * (search->times.floats - 1));
    print_ways(search, text);
    if (!budget_is_given(budget))
        return;
    if (search->kept_count == 0)
        text_format(text, "\n%s holds with all layers reduced\n", budget->spelling);
    else
        text_format(text, "\n%s holds with %zu layer%s float of %zu\n", budget->spelling,
            search->kept_count, plural((int64_t)search->kept_count), search->count);
}

/* ---- JSON ---- */

static void write_accuracy(JsonWriter *writer, const Accuracy *accuracy) {
    json_write_number(writer, "largest_error", accuracy_error(accuracy));
    json_write_number(writer, "snr_db", accuracy_snr(accuracy));
    json_write_number(writer, "top1_agreement", accuracy_agreement(accuracy));
}

static void write_whole(JsonWriter *writer, const char *key, const Accuracy *accuracy) {
    json_write_object(writer, key, JSON_INLINE);
    write_accuracy(writer, accuracy);
    json_write_object_end(writer);
}

static void write_layer(JsonWriter *writer, const LayerEffect *effect) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "layer", effect->layer.path);
    json_write_string(writer, "op", op_info(effect->layer.op)->name);
    json_write_integer(writer, "macs", effect->layer.macs);
    json_write_flag(writer, "reducible", effect->is_reduced);
    json_write_flag(writer, "kept", effect->kept);
    if (effect->is_reduced) {
        write_accuracy(writer, &effect->alone);
        json_write_number(writer, "snr_db_if_float", accuracy_snr(&effect->without));
    }
    if (effect->is_reduced && !isnan(effect->cost))
        json_write_number(writer, "estimated_cost_if_float", effect->cost);
    json_write_object_end(writer);
}

void precision_report_json(
    const PrecisionSearch *search, const PrecisionBudget *budget, Text *text) {
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", search->prepared->name);
    json_write_string(&writer, "precision", precision_name(search->options->precision));
    json_write_integer(&writer, "inputs", (int64_t)search->evaluation->count);
    if (budget_is_given(budget))
        json_write_string(&writer, "budget", budget->spelling);
    json_write_array(&writer, "layers", JSON_LINES);
    for (size_t i = 0; i < search->count; i++)
        write_layer(&writer, &search->layers[i]);
    json_write_array_end(&writer);
    write_whole(&writer, "all_reduced", &search->all);
    write_whole(&writer, "chosen", &search->chosen);
    if (search->way_count > 0) {
        json_write_array(&writer, "ways", JSON_LINES);
        for (int i = 0; i < search->way_count; i++) {
            json_write_object(&writer, NULL, JSON_INLINE);
            json_write_string(&writer, "options", search->ways[i].spelling);
            write_accuracy(&writer, &search->ways[i].whole);
            json_write_object_end(&writer);
        }
        json_write_array_end(&writer);
    }
    if (!isnan(search->times.floats)) {
        json_write_object(&writer, "estimated_time", JSON_INLINE);
        json_write_string(&writer, "processor", search->times.processor);
        json_write_number(&writer, "all_float", search->times.floats);
        json_write_number(&writer, "chosen", search->times.chosen);
        json_write_object_end(&writer);
    }
    json_write_object_end(&writer);
    json_write_end(&writer);
}
