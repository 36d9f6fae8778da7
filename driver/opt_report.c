/* --stats and --time-passes: what each pass did, and how long it took. */
#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/opt.h"
#include "driver/table.h"

#include <math.h>

static void write_table(Table *table) {
    Text text = {0};
    table_print(table, &text);
    fwrite(text.data, 1, text.length, stderr);
    text_free(&text);
    table_free(table);
}

static void print_stats(const PipelineOptions *pipeline) {
    static const TableColumn columns[] = {{"pass", ALIGN_LEFT}, {"rewrites", ALIGN_RIGHT},
        {"nodes before", ALIGN_RIGHT}, {"after", ALIGN_RIGHT}};
    Table table = table_create(columns, 4);
    for (int i = 0; i < pipeline->report_count; i++) {
        const PassReport *report = &pipeline->reports[i];
        char rewrites[24], before[24], after[24];
        snprintf(rewrites, sizeof rewrites, "%lld", (long long)report->rewrites);
        snprintf(before, sizeof before, "%d", report->nodes_before);
        snprintf(after, sizeof after, "%d", report->nodes_after);
        Text name = {0};
        pipeline_step_name(report->step, &name);
        table_add_row(&table, (const char *const[]){name.data, rewrites, before, after});
        text_free(&name);
    }
    write_table(&table);
}

static double total_seconds(const PipelineOptions *pipeline) {
    double total = 0;
    for (int i = 0; i < pipeline->report_count; i++)
        total += pipeline->reports[i].seconds;
    return total;
}

static void add_time(Table *table, const char *name, double seconds, double total) {
    char time[32], share[32];
    snprintf(time, sizeof time, "%.3f", seconds * 1e3);
    snprintf(share, sizeof share, "%.1f", total > 0 ? 100 * seconds / total : 0);
    table_add_row(table, (const char *const[]){name, time, share});
}

static void print_times(const PipelineOptions *pipeline) {
    static const TableColumn columns[] = {
        {"pass", ALIGN_LEFT}, {"ms", ALIGN_RIGHT}, {"percent", ALIGN_RIGHT}};
    Table table = table_create(columns, 3);
    double total = total_seconds(pipeline);
    for (int i = 0; i < pipeline->report_count; i++) {
        Text name = {0};
        pipeline_step_name(pipeline->reports[i].step, &name);
        add_time(&table, name.data, pipeline->reports[i].seconds, total);
        text_free(&name);
    }
    table_add_rule(&table);
    add_time(&table, "all", total, total);
    write_table(&table);
}

/* ---- JSON; the schema is in docs/opt.md ---- */

static void write_json_step(JsonWriter *writer, const OptRun *run, const PassReport *report) {
    const OptOptions *opt = run->opt;
    Text text = {0};
    pipeline_step_print(report->step, &text);
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "pass", report->name);
    json_write_integer(writer, "run", report->step->occurrence);
    json_write_string(writer, "text", text.data);
    if (opt->stats == REPORT_JSON) {
        json_write_integer(writer, "rewrites", report->rewrites);
        json_write_integer(writer, "nodes_before", report->nodes_before);
        json_write_integer(writer, "nodes_after", report->nodes_after);
    }
    if (opt->times == REPORT_JSON)
        json_write_number(writer, "seconds", report->seconds);
    if (opt->check_each && !opt->check_exact)
        json_write_number(
            writer, "difference", run->steps[report->step - run->pipeline->steps].difference);
    json_write_object_end(writer);
    text_free(&text);
}

static void print_json(const OptRun *run, const PipelineOptions *pipeline) {
    Text text = {0}, passes = {0};
    JsonWriter writer = {.out = &text};
    pipeline_print(run->pipeline, 0, &passes);
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "network", run->original->name);
    json_write_string(&writer, "pipeline", passes.data != NULL ? passes.data : "");
    json_write_flag(&writer, "succeeded", pipeline->failed_step == NULL);
    json_write_array(&writer, "passes", JSON_LINES);
    for (int i = 0; i < pipeline->report_count; i++)
        write_json_step(&writer, run, &pipeline->reports[i]);
    json_write_array_end(&writer);
    if (run->opt->times == REPORT_JSON)
        json_write_number(&writer, "seconds", total_seconds(pipeline));
    json_write_object_end(&writer);
    json_write_end(&writer);
    fwrite(text.data, 1, text.length, stderr);
    text_free(&text);
    text_free(&passes);
}

void opt_report(const OptRun *run, const PipelineOptions *pipeline) {
    if (run->opt->stats == REPORT_TEXT)
        print_stats(pipeline);
    if (run->opt->times == REPORT_TEXT)
        print_times(pipeline);
    if (run->opt->stats == REPORT_JSON || run->opt->times == REPORT_JSON)
        print_json(run, pipeline);
}
