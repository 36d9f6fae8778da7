#include "driver/inspect_routing.h"

#include "backends/backends.h"
#include "driver/table.h"
#include "frontend/frontend.h"
#include "ir/quote.h"
#include "passes/passes.h"

/* Whose kernels are counted; bytes moved differ little between processors. */
static const char counted_target[] = "x86-64-v3";

static const LayoutForm form_order[] = {
    LAYOUT_FORM_AS_WRITTEN, LAYOUT_FORM_MERGED, LAYOUT_FORM_ROUTED};
static const char *const json_names[LAYOUT_FORM_COUNT] = {[LAYOUT_FORM_AS_WRITTEN] = "as_written",
    [LAYOUT_FORM_MERGED] = "merged",
    [LAYOUT_FORM_ROUTED] = "routed"};

static int64_t count_runs(const Node *route) {
    IntegerList channels = node_list(route, "channels");
    int64_t runs = channels.count > 0;
    for (size_t i = 1; i < channels.count; i++)
        runs += channels.items[i] != channels.items[i - 1] + 1;
    return runs;
}

static RemainingCopy describe_copy(const StepSummary *step) {
    RemainingCopy copy = {.path = step->path,
        .op = step->op,
        .label = step->label,
        .reason = step->reason,
        .bytes = step->count.layout_bytes};
    if (step->node == NULL)
        return copy;
    copy.where = step->node->where;
    if (step->node->op == OP_route || step->node->op == OP_gather) {
        copy.channels = (int64_t)node_list(step->node, "channels").count;
        copy.runs = count_runs(step->node);
    }
    return copy;
}

static void list_copies(const Program *program, Session *session, Routing *routing) {
    int steps = program_summary(program).step_count;
    routing->copies = ARENA_ARRAY(session->arena, RemainingCopy, steps + 1);
    for (int i = 0; i < steps; i++) {
        StepSummary step = program_step(program, i);
        if (step.count.layout_bytes > 0)
            routing->copies[routing->copy_count++] = describe_copy(&step);
    }
}

static bool count_form(
    const Graph *graph, LayoutForm form, const Target *target, Session *session, Routing *routing) {
    const char *pipeline =
        layout_form_pipeline(form, pipeline_preset(DEFAULT_PIPELINE_LEVEL), NULL, session->arena);
    Graph *copy = graph_copy(graph, session->arena);
    if (!pipeline_run(copy, pipeline, NULL, session->diagnostics))
        return false;
    const Compilation compilation = {
        .target = target, .options = {.copy_layout = layout_form_info(form)->copies}};
    Program *program = program_lower(copy, &compilation, session->arena, session->diagnostics);
    if (program == NULL)
        return false;
    ProgramSummary summary = program_summary(program);
    routing->forms[form] =
        (FormCount){summary.layout_bytes, summary.bytes_moved, summary.workspace_bytes};
    if (form == LAYOUT_FORM_ROUTED)
        list_copies(program, session, routing);
    program_destroy(program);
    return true;
}

bool routing_count(const Graph *graph, Session *session, Routing *routing) {
    *routing = (Routing){0};
    const Target *target = target_find(counted_target, session->arena, session->diagnostics);
    if (target == NULL)
        return false;
    Graph *copy = graph_copy(graph, session->arena);
    weights_randomize(copy, 0); /* their values change no count */
    for (int i = 0; i < LAYOUT_FORM_COUNT; i++)
        if (!count_form(copy, (LayoutForm)i, target, session, routing))
            return false;
    return true;
}

/* ---- printing ---- */

static int line_of(SourceRange where) {
    int line = 1;
    for (uint32_t i = 0; i < where.begin; i++)
        line += where.file->text[i] == '\n';
    return line;
}

static void append_place(Text *text, SourceRange where) {
    quote_append(text, where.file->name);
    text_format(text, ":%d: ", line_of(where));
}

static void print_copy(const RemainingCopy *copy, Text *text) {
    char bytes[32];
    text_append(text, "  ");
    if (copy->where.file != NULL)
        append_place(text, copy->where);
    quote_append(text, copy->path);
    text_append(text, copy->path[0] != '\0' ? ": " : "");
    quote_append(text, copy->label);
    text_format(text, ", %s bytes", grouped_number(copy->bytes, bytes));
    if (copy->runs > 0)
        text_format(
            text, "; %lld channels in %lld runs", (long long)copy->channels, (long long)copy->runs);
    if (copy->reason != NULL)
        text_format(text, "; %s", copy->reason);
    text_append(text, "\n");
}

void routing_print(const Routing *routing, Text *text) {
    static const TableColumn columns[] = {
        {"layout ops", ALIGN_LEFT}, {"they move", ALIGN_RIGHT}, {"all steps move", ALIGN_RIGHT}};
    Table table = table_create(columns, 3);
    for (int i = 0; i < LAYOUT_FORM_COUNT; i++) {
        const FormCount *form = &routing->forms[form_order[i]];
        char layout[32], moved[32];
        const char *cells[] = {layout_form_info(form_order[i])->name,
            grouped_number(form->layout_bytes, layout), grouped_number(form->bytes_moved, moved)};
        table_add_row(&table, cells);
    }
    text_append(text, "\nBytes read and written by the kernels of one run:\n\n");
    table_print(&table, text);
    table_free(&table);
    if (routing->copy_count > 0)
        text_append(text, "\nCopies that stay in the routed form:\n\n");
    for (int i = 0; i < routing->copy_count; i++)
        print_copy(&routing->copies[i], text);
}

static void write_json_copy(const RemainingCopy *copy, JsonWriter *writer) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "layer", copy->path);
    json_write_string(writer, "op", copy->op);
    json_write_string(writer, "label", copy->label);
    if (copy->where.file != NULL) {
        json_write_string(writer, "file", copy->where.file->name);
        json_write_integer(writer, "line", line_of(copy->where));
    }
    json_write_integer(writer, "bytes", copy->bytes);
    if (copy->runs > 0) {
        json_write_integer(writer, "channels", copy->channels);
        json_write_integer(writer, "runs", copy->runs);
    }
    if (copy->reason != NULL)
        json_write_string(writer, "reason", copy->reason);
    json_write_object_end(writer);
}

static void write_json_forms(
    const char *name, const int64_t numbers[LAYOUT_FORM_COUNT], JsonWriter *writer) {
    json_write_object(writer, name, JSON_LINES);
    for (int i = 0; i < LAYOUT_FORM_COUNT; i++)
        json_write_integer(writer, json_names[form_order[i]], numbers[form_order[i]]);
    json_write_object_end(writer);
}

void routing_write_json(const Routing *routing, JsonWriter *writer) {
    int64_t layout[LAYOUT_FORM_COUNT], moved[LAYOUT_FORM_COUNT], workspace[LAYOUT_FORM_COUNT];
    for (int i = 0; i < LAYOUT_FORM_COUNT; i++) {
        layout[i] = routing->forms[i].layout_bytes;
        moved[i] = routing->forms[i].bytes_moved;
        workspace[i] = routing->forms[i].workspace_bytes;
    }
    write_json_forms("layout_bytes", layout, writer);
    write_json_forms("bytes_moved", moved, writer);
    write_json_forms("workspace_bytes", workspace, writer);
    json_write_array(writer, "copies", JSON_LINES);
    for (int i = 0; i < routing->copy_count; i++)
        write_json_copy(&routing->copies[i], writer);
    json_write_array_end(writer);
}
