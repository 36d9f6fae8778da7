#include "driver/inspect_time.h"

#include "backends/backends.h"
#include "driver/table.h"
#include "frontend/frontend.h"
#include "passes/passes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool clock_parse(Session *session, const char *text, double *hertz) {
    static const double least = 1e6, most = 20e9;
    char *end;
    double number = strtod(text, &end);
    double unit = strcasecmp(end, "GHz") == 0 ? 1e9 : strcasecmp(end, "MHz") == 0 ? 1e6 : 0;
    *hertz = number * unit;
    if (end != text && *hertz >= least && *hertz <= most)
        return true;
    diagnostics_error(session->diagnostics, NULL,
        "'%s' is no value for --clock: give 1MHz to 20GHz, as in 1.8GHz or 1800MHz", text);
    return false;
}

/* Values of weights change no kernel. */
static Graph *prepare_graph(const Graph *graph, const ModelOptions *options) {
    Session *session = options->session;
    Graph *copy = graph_copy(graph, session->arena);
    if (options->weights_file == NULL && !options->random_weights)
        weights_randomize(copy, 0);
    Model model = {.graph = copy};
    return model_run_passes(options, &model) ? model.graph : NULL;
}

const Core *time_core(const Target *target, Session *session) {
    const Core *core = core_find(target->cpu);
    if (core == NULL)
        diagnostics_error(session->diagnostics,
            arena_format(session->arena, "--cpu or --target takes one of these: %s",
                core_names(session->arena)),
            "there is no model of the processor of '%s' to predict its time by", target->name);
    return core;
}

bool time_predict(
    const Graph *graph, const ModelOptions *options, double hertz, PredictedTime *predicted) {
    Session *session = options->session;
    const Target *target = model_target(options);
    if (target == NULL)
        return false;
    const Core *core = time_core(target, session);
    if (core == NULL)
        return false;
    Tuning *tuning;
    if (!model_tuning(options, target, &tuning))
        return false;
    Graph *copy = prepare_graph(graph, options);
    Program *program = copy ? model_lower(options, copy, target, tuning) : NULL;
    if (program == NULL)
        return false;
    *predicted = (PredictedTime){.processor = target->cpu,
        .hertz = hertz,
        .program = program,
        .steps = program_predict(program, core, hertz, session->arena)};
    return true;
}

void predicted_time_close(PredictedTime *predicted) {
    program_destroy((Program *)predicted->program);
    *predicted = (PredictedTime){0};
}

/* ---- printing ---- */

static StepTime sum_of(const PredictedTime *predicted) {
    StepTime sum = {0};
    for (int i = 0; i < program_summary(predicted->program).step_count; i++) {
        sum.computing += predicted->steps[i].computing;
        sum.cycles += predicted->steps[i].cycles;
    }
    return sum;
}

static double microseconds(const PredictedTime *predicted, double cycles) {
    return cycles / predicted->hertz * 1e6;
}

static void add_row(const PredictedTime *predicted, int index, double all, Table *table) {
    StepSummary step = program_step(predicted->program, index);
    const StepTime *time = &predicted->steps[index];
    char macs[32], computing[32], cycles[32], microsecond[32], share[32];
    snprintf(microsecond, sizeof microsecond, "%.1f", microseconds(predicted, time->cycles));
    snprintf(share, sizeof share, "%.1f %%", 100 * time->cycles / all);
    const char *cells[] = {*step.path != '\0' ? step.path : "-", step.label,
        step.macs == 0 ? "" : grouped_number(step.macs, macs),
        grouped_number(llround(time->computing), computing),
        grouped_number(llround(time->cycles), cycles), microsecond, share, bound_name(time->bound)};
    table_add_row(table, cells);
}

static void print_steps(const PredictedTime *predicted, Text *text) {
    static const TableColumn columns[] = {{"layer", ALIGN_LEFT}, {"what it does", ALIGN_LEFT},
        {"MACs", ALIGN_RIGHT}, {"computing", ALIGN_RIGHT}, {"cycles", ALIGN_RIGHT},
        {"us", ALIGN_RIGHT}, {"share", ALIGN_RIGHT}, {"bound by", ALIGN_LEFT}};
    Table table = table_create(columns, 8);
    ProgramSummary summary = program_summary(predicted->program);
    StepTime sum = sum_of(predicted);
    for (int i = 0; i < summary.step_count; i++)
        add_row(predicted, i, sum.cycles, &table);
    char macs[32], computing[32], cycles[32], microsecond[32];
    snprintf(microsecond, sizeof microsecond, "%.1f", microseconds(predicted, sum.cycles));
    const char *cells[] = {"total", "", grouped_number(summary.macs, macs),
        grouped_number(llround(sum.computing), computing),
        grouped_number(llround(sum.cycles), cycles), microsecond, "", ""};
    table_add_rule(&table);
    table_add_row(&table, cells);
    table_print(&table, text);
    table_free(&table);
}

void predicted_time_print(const PredictedTime *predicted, Text *text) {
    text_format(text,
        "\nEstimated time of one run on %s at %g GHz, by a model of that core; nothing was "
        "measured "
        "(docs/predicted_time.md):\n\n",
        predicted->processor, predicted->hertz / 1e9);
    print_steps(predicted, text);
}

static void write_json_step(const PredictedTime *predicted, int index, JsonWriter *writer) {
    StepSummary step = program_step(predicted->program, index);
    const StepTime *time = &predicted->steps[index];
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "layer", step.path);
    json_write_string(writer, "label", step.label);
    json_write_integer(writer, "macs", step.macs);
    json_write_integer(writer, "computing_cycles", llround(time->computing));
    json_write_integer(writer, "cycles", llround(time->cycles));
    json_write_number(writer, "microseconds", microseconds(predicted, time->cycles));
    json_write_string(writer, "bound", bound_name(time->bound));
    json_write_object_end(writer);
}

void predicted_time_write_json(const PredictedTime *predicted, JsonWriter *writer) {
    StepTime sum = sum_of(predicted);
    json_write_object(writer, "estimated_time", JSON_LINES);
    json_write_string(writer, "processor", predicted->processor);
    json_write_number(writer, "clock_hertz", predicted->hertz);
    json_write_integer(writer, "computing_cycles", llround(sum.computing));
    json_write_integer(writer, "cycles", llround(sum.cycles));
    json_write_number(writer, "microseconds", microseconds(predicted, sum.cycles));
    json_write_array(writer, "steps", JSON_LINES);
    for (int i = 0; i < program_summary(predicted->program).step_count; i++)
        write_json_step(predicted, i, writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
}
