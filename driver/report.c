/* The page is one file: its markup, style and program (report/), and between them what it shows, as
 * JSON: the graphs of all passes that changed something, NAME.json, and the time that is predicted.
 */
#include "driver/report.h"

#include "backends/backends.h"
#include "driver/inspect_guidelines.h"
#include "driver/inspect_time.h"
#include "driver/provenance.h"
#include "driver/report_graph.h"
#include "driver/report_page.h"
#include "driver/report_profile.h"
#include "ir/write_files.h"

#include <string.h>

typedef struct ReportPass {
    const char *name;
    int64_t rewrites;
    size_t graph; /* index of the graph after it */
} ReportPass;

typedef struct NetworkReport {
    const ReportOptions *options;
    Arena *arena;
    ReportFiles files;
    Text graphs; /* items of an array */
    size_t graph_count;
    Text last; /* the graph that was added last, as .rir */
    ReportPass *passes;
    size_t pass_count, pass_capacity;
    Text guidelines; /* an object, of the network as it is written */
} NetworkReport;

static const char *step_name(const NetworkReport *report, const PipelineStep *step) {
    Text name = {0};
    pipeline_step_print(step, &name);
    const char *copy = arena_copy_string(report->arena, name.data);
    text_free(&name);
    return copy;
}

/* ---- graphs ---- */

/* A graph that is as the one before is not there twice. */
static void add_graph(NetworkReport *report, const char *pass, const Graph *graph) {
    Text text = {0};
    graph_print(graph, &text);
    if (report->graph_count == 0 || strcmp(text.data, report->last.data) != 0) {
        JsonWriter writer = {.out = &report->graphs};
        text_append(&report->graphs, report->graph_count++ > 0 ? ",\n" : "");
        report_graph_write(graph, &report->files, &writer);
        text_free(&report->last);
        report->last = text;
    } else {
        text_free(&text);
    }
    ARENA_GROW(report->arena, report->passes, report->pass_count, report->pass_capacity, 16);
    report->passes[report->pass_count++] = (ReportPass){pass, 0, report->graph_count - 1};
}

static bool after_pass(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    NetworkReport *report = context;
    (void)diagnostics;
    add_graph(report, step_name(report, step), graph);
    return true;
}

static bool run_passes(NetworkReport *report, Graph *graph) {
    const ModelOptions *model = &report->options->model;
    Session *session = model->session;
    Pipeline *pipeline = pipeline_parse(
        model_pipeline(model), model->registry, session->arena, session->diagnostics);
    if (pipeline == NULL)
        return false;
    add_graph(report, "", graph);
    PipelineOptions options = {.verify_each = model->verify_each,
        .after = after_pass,
        .context = report,
        .reports = ARENA_ARRAY(session->arena, PassReport, pipeline->count + 1),
        .report_capacity = (int)pipeline->count};
    bool good = pipeline_execute(pipeline, graph, &options, session->diagnostics);
    for (int i = 0; i < options.report_count && (size_t)i + 1 < report->pass_count; i++)
        report->passes[i + 1].rewrites = options.reports[i].rewrites;
    return good;
}

/* ---- what is compiled ---- */

static Program *lower(const NetworkReport *report, const Graph *graph) {
    const ModelOptions *model = &report->options->model;
    const Target *target = model_target(model);
    Tuning *tuning;
    if (target == NULL || !model_tuning(model, target, &tuning))
        return NULL;
    if (target->gpu == NULL)
        return model_lower(model, graph, target, tuning);
    diagnostics_error(model->session->diagnostics, "give a processor: --target x86-64-v3",
        "'%s' is a GPU, and a report shows processors only", target->name);
    return NULL;
}

/* What the core could do at most. */
static void write_roof(const Core *core, double hertz, JsonWriter *writer) {
    double lanes = core->vector_bytes / (double)sizeof(float);
    json_write_object(writer, "estimated_roof", JSON_INLINE);
    json_write_number(writer, "peak_gflops", 2 * core->multiply_adds * lanes * hertz / 1e9);
    json_write_number(writer, "memory_gbytes_per_second", core->memory_gigabytes);
    json_write_object_end(writer);
}

static bool write_time(const NetworkReport *report, const Program *program, JsonWriter *writer) {
    Session *session = report->options->model.session;
    const Target *target = program_target(program);
    PredictedTime predicted = {
        .processor = target->cpu, .hertz = report->options->hertz, .program = program};
    if (predicted.hertz == 0)
        return true;
    const Core *core = time_core(target, session);
    if (core == NULL)
        return false;
    predicted.steps = program_predict(program, core, predicted.hertz, session->arena);
    predicted_time_write_json(&predicted, writer);
    write_roof(core, predicted.hertz, writer);
    return true;
}

/* ---- the page ---- */

static void write_passes(const NetworkReport *report, JsonWriter *writer) {
    json_write_array(writer, "passes", JSON_LINES);
    for (size_t i = 0; i < report->pass_count; i++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "name", report->passes[i].name);
        json_write_integer(writer, "rewrites", report->passes[i].rewrites);
        json_write_integer(writer, "graph", (int64_t)report->passes[i].graph);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* No name or text ends the element that holds the data: JSON has '<' in strings alone. */
static void append_data(Text *page, const Text *data) {
    for (size_t i = 0; i < data->length; i++)
        if (data->data[i] == '<')
            text_append(page, "\\u003c");
        else
            text_append_bytes(page, data->data + i, 1);
}

static void make_page(const Text *data, Text *page) {
    text_append(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n"
                      "<link rel=\"icon\" href=\"data:,\">\n"
                      "<title>riffle</title>\n<style>\n");
    text_append(page, report_style);
    text_append(page, "</style>\n</head>\n<body>\n");
    text_append(page, report_markup);
    text_append(page, "<script type=\"application/json\" id=\"data\">");
    append_data(page, data);
    text_append(page, "</script>\n<script>\n");
    text_append(page, report_program);
    text_append(page, "</script>\n</body>\n</html>\n");
}

static bool write_measured(
    const NetworkReport *report, const Graph *graph, const Program *program, JsonWriter *writer) {
    const ReportOptions *options = report->options;
    MeasuredTimes times;
    if (options->profile == NULL)
        return true;
    if (!measured_times_read(
            &times, options->profile, graph->name, program, options->model.session))
        return false;
    json_write_object(writer, "measured", JSON_LINES);
    json_write_integer(writer, "threads", times.threads);
    json_write_integer(writer, "runs", times.runs);
    json_write_number(writer, "median_ms", times.median_ms);
    json_write_number(writer, "peak_gflops", times.peak_gflops);
    json_write_number(writer, "memory_gbytes_per_second", times.memory_gbytes_per_second);
    json_write_array(writer, "steps", JSON_LINES);
    for (int i = 0; i < program_summary(program).step_count; i++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_number(writer, "us", times.steps[i].us);
        json_write_number(writer, "p5_us", times.steps[i].p5_us);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_object_end(writer);
    return true;
}

/* False after reporting. */
static bool make_data(
    const NetworkReport *report, const Graph *graph, const Program *program, Text *data) {
    JsonWriter writer = {.out = data};
    Text metadata = {0};
    Provenance provenance = model_provenance(&report->options->model);
    metadata_write(graph, program, &provenance, &metadata);
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", graph->name);
    write_passes(report, &writer);
    report_files_write(&report->files, &writer);
    bool good =
        write_time(report, program, &writer) && write_measured(report, graph, program, &writer);
    text_append(data, ",\n\"findings\": ");
    text_append_bytes(data, report->guidelines.data, report->guidelines.length);
    text_append(data, ",\n\"program\": ");
    text_append_bytes(data, metadata.data, metadata.length);
    text_append(data, ",\n\"graphs\": [\n");
    text_append_bytes(data, report->graphs.data, report->graphs.length);
    text_append(data, "\n]");
    json_write_object_end(&writer);
    text_free(&metadata);
    return good;
}

static bool write_page(const NetworkReport *report, const Graph *graph, const Program *program) {
    Text data = {0}, page = {0};
    bool good = make_data(report, graph, program, &data);
    if (good) {
        make_page(&data, &page);
        int error = text_write_file(&page, report->options->output);
        if (error != 0)
            report_unwritten(
                report->options->model.session->diagnostics, report->options->output, error);
        good = error == 0;
    }
    text_free(&data);
    text_free(&page);
    return good;
}

/* What breaks the guidelines, of the network as it is written. */
static bool find_guidelines(NetworkReport *report, const Graph *graph) {
    const ModelOptions *model = &report->options->model;
    const Target *target = model_target(model);
    Guidelines guidelines = {0};
    if (target != NULL && target->gpu != NULL)
        return true; /* there will be no report */
    if (target == NULL || !guidelines_find(graph, target->name, model->session, &guidelines))
        return false;
    JsonWriter writer = {.out = &report->guidelines};
    guidelines_write_findings(&guidelines, &writer);
    return true;
}

/* Values of weights change no picture, so any will do. */
static bool read_model(const ModelOptions *options, Model *model) {
    if (!model_read(options, model))
        return false;
    if (options->weights_file != NULL || options->random_weights)
        return model_load_weights(options, model);
    if (!graph_within_limits(model->graph, options->session->diagnostics))
        return false;
    weights_randomize(model->graph, 0);
    return true;
}

bool report_write(const ReportOptions *options) {
    Session *session = options->model.session;
    if (options->model.precision != PRECISION_FP32) {
        diagnostics_error(session->diagnostics, "leave out --precision",
            "a report shows networks of floats only");
        return false;
    }
    Model model = {0};
    NetworkReport report = {
        .options = options, .arena = session->arena, .files = {.arena = session->arena}};
    bool good = read_model(&options->model, &model) && find_guidelines(&report, model.graph) &&
                run_passes(&report, model.graph);
    Program *program = good ? lower(&report, model.graph) : NULL;
    good = program != NULL && write_page(&report, model.graph, program);
    program_destroy(program);
    text_free(&report.graphs);
    text_free(&report.last);
    text_free(&report.guidelines);
    model_close(&model);
    return good;
}
