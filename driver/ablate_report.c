#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/ablate.h"
#include "driver/table.h"

#include <stdio.h>

/* ---- for people ---- */

enum { COLUMNS = 8 };

static void add_full(Table *table, const Variant *full) {
    char median[32] = "", p5[32] = "", bytes[32], workspace[32], code[32], steps[32];
    if (full->median_ms > 0) { /* else nothing was timed */
        snprintf(median, sizeof median, "%.4f", full->median_ms);
        snprintf(p5, sizeof p5, "%.4f", full->p5_ms);
    }
    snprintf(steps, sizeof steps, "%d", full->step_count);
    const char *cells[COLUMNS] = {"nothing", median, p5, "",
        grouped_number(full->bytes_moved, bytes), grouped_number(full->workspace_bytes, workspace),
        grouped_number(full->code_bytes, code), steps};
    table_add_row(table, cells);
}

static void add_measured(Table *table, const Variant *variant) {
    char median[32], p5[32], change[32], bytes[32], workspace[32], code[32], steps[32];
    snprintf(median, sizeof median, "%.4f", variant->median_ms);
    snprintf(p5, sizeof p5, "%.4f", variant->p5_ms);
    snprintf(change, sizeof change, "%+.1f %%",
        100 * (variant->median_ms / variant->full_median_ms - 1));
    snprintf(steps, sizeof steps, "%d", variant->step_count);
    const char *cells[COLUMNS] = {variant->without, median, p5, change,
        grouped_number(variant->bytes_moved, bytes),
        grouped_number(variant->workspace_bytes, workspace),
        grouped_number(variant->code_bytes, code), steps};
    table_add_row(table, cells);
}

static void add_unmeasured(Table *table, const Variant *variant) {
    const char *word = variant->state == VARIANT_REQUIRED ? "required" : "same code";
    const char *cells[COLUMNS] = {variant->without, word, "", "", "", "", "", ""};
    table_add_row(table, cells);
}

static void print_table(const Ablation *ablation, Text *text) {
    static const TableColumn columns[COLUMNS] = {{"without", ALIGN_LEFT},
        {"median ms", ALIGN_RIGHT}, {"5th pct. ms", ALIGN_RIGHT}, {"change", ALIGN_RIGHT},
        {"bytes moved", ALIGN_RIGHT}, {"workspace", ALIGN_RIGHT}, {"code", ALIGN_RIGHT},
        {"steps", ALIGN_RIGHT}};
    text_format(text, "%s for %s\n%s\n\n", ablation->network, ablation->target, ablation->pipeline);
    Table table = table_create(columns, COLUMNS);
    add_full(&table, &ablation->full);
    table_add_rule(&table);
    for (int i = 0; i < ablation->variant_count; i++) {
        const Variant *variant = &ablation->variants[i];
        if (variant->state == VARIANT_MEASURED)
            add_measured(&table, variant);
        else
            add_unmeasured(&table, variant);
    }
    table_print(&table, text);
    table_free(&table);
    text_append(text, "\nThe change is that of the median, against the whole pipeline in the same "
                      "minutes.\n");
    for (int i = 0; i < ablation->variant_count; i++) {
        const Variant *variant = &ablation->variants[i];
        if (variant->state == VARIANT_REQUIRED)
            text_format(text, "Without %s: %s\n", variant->without, variant->reason);
    }
}

/* ---- for programs ---- */

static const char *state_word(VariantState state) {
    switch (state) {
    case VARIANT_MEASURED:
        return "measured";
    case VARIANT_SAME:
        return "same";
    case VARIANT_REQUIRED:
        return "required";
    }
    return "";
}

static void write_counts(JsonWriter *writer, const Variant *variant) {
    json_write_number(writer, "median_ms", variant->median_ms);
    json_write_number(writer, "p5_ms", variant->p5_ms);
    json_write_integer(writer, "bytes_moved", variant->bytes_moved);
    json_write_integer(writer, "workspace_bytes", variant->workspace_bytes);
    json_write_integer(writer, "code_bytes", variant->code_bytes);
    json_write_integer(writer, "kernels", variant->kernel_count);
    json_write_integer(writer, "steps", variant->step_count);
}

static void write_variant(JsonWriter *writer, const Variant *variant) {
    json_write_object(writer, NULL, JSON_LINES);
    json_write_string(writer, "without", variant->without);
    json_write_string(writer, "state", state_word(variant->state));
    if (variant->state == VARIANT_REQUIRED)
        json_write_string(writer, "reason", variant->reason);
    if (variant->state == VARIANT_MEASURED) {
        write_counts(writer, variant);
        json_write_number(writer, "with_median_ms", variant->full_median_ms);
        json_write_number(writer, "with_p5_ms", variant->full_p5_ms);
        json_write_number(writer, "difference", variant->difference);
    }
    json_write_object_end(writer);
}

static void print_json(const Ablation *ablation, Text *text) {
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", ablation->network);
    json_write_string(&writer, "target", ablation->target);
    json_write_string(&writer, "pipeline", ablation->pipeline);
    json_write_object(&writer, "full", JSON_LINES);
    write_counts(&writer, &ablation->full);
    json_write_object_end(&writer);
    json_write_array(&writer, "variants", JSON_LINES);
    for (int i = 0; i < ablation->variant_count; i++)
        write_variant(&writer, &ablation->variants[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

void ablation_print(const Ablation *ablation, const AblateOptions *options) {
    Text text = {0};
    if (options->json)
        print_json(ablation, &text);
    else
        print_table(ablation, &text);
    fputs(text.data, stdout);
    text_free(&text);
}
