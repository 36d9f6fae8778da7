/* SARIF 2.1.0, the form in which services that review code take messages:
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
#include "backends/output/json_writer.h"
#include "driver/messages.h"
#include "driver/version.h"
#include "ir/uri.h"

static const char schema[] =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

static void write_region(JsonWriter *writer, const Diagnostic *diagnostic) {
    json_write_object(writer, "region", JSON_INLINE);
    json_write_integer(writer, "startLine", diagnostic->begin.line);
    json_write_integer(writer, "startColumn", (int64_t)diagnostic->begin.utf16_units + 1);
    json_write_integer(writer, "endLine", diagnostic->end.line);
    json_write_integer(writer, "endColumn", (int64_t)diagnostic->end.utf16_units + 1);
    json_write_object_end(writer);
}

static void write_place(JsonWriter *writer, const Diagnostic *diagnostic) {
    Text uri = {0};
    uri_append(&uri, diagnostic->file);
    json_write_object(writer, "physicalLocation", JSON_LINES);
    json_write_object(writer, "artifactLocation", JSON_INLINE);
    json_write_string(writer, "uri", uri.data == NULL ? "" : uri.data);
    json_write_object_end(writer);
    if (diagnostic->has_place)
        write_region(writer, diagnostic);
    json_write_object_end(writer);
    text_free(&uri);
}

static void write_message(JsonWriter *writer, const char *text) {
    json_write_object(writer, "message", JSON_INLINE);
    json_write_string(writer, "text", text);
    json_write_object_end(writer);
}

/* Viewers show the text of a result and little else: hints and notes without a place are there. */
static void write_result_message(JsonWriter *writer, const Diagnostic *diagnostic) {
    Text text = {0};
    text_append(&text, diagnostic->message);
    if (diagnostic->lines != NULL)
        text_format(&text, "\n%s", diagnostic->lines);
    if (diagnostic->hint != NULL)
        text_format(&text, "\nhint: %s", diagnostic->hint);
    for (const Diagnostic *note = diagnostic->next; diagnostic_is_note(note); note = note->next)
        if (note->file == NULL)
            text_format(&text, "\nnote: %s", note->message);
    write_message(writer, text.data);
    text_free(&text);
}

static void write_locations(JsonWriter *writer, const Diagnostic *diagnostic) {
    if (diagnostic->file == NULL)
        return;
    json_write_array(writer, "locations", JSON_LINES);
    json_write_object(writer, NULL, JSON_LINES);
    write_place(writer, diagnostic);
    json_write_object_end(writer);
    json_write_array_end(writer);
}

static void write_related_locations(JsonWriter *writer, const Diagnostic *diagnostic) {
    bool opened = false;
    for (const Diagnostic *note = diagnostic->next; diagnostic_is_note(note); note = note->next) {
        if (note->file == NULL)
            continue;
        if (!opened)
            json_write_array(writer, "relatedLocations", JSON_LINES);
        opened = true;
        json_write_object(writer, NULL, JSON_LINES);
        write_place(writer, note);
        write_message(writer, note->message);
        json_write_object_end(writer);
    }
    if (opened)
        json_write_array_end(writer);
}

/* SARIF has no remarks. */
static const char *level_of(Severity severity) {
    return severity_name(severity == SEVERITY_REMARK ? SEVERITY_NOTE : severity);
}

typedef struct Results {
    JsonWriter *writer;
    bool has_owner; /* for notes */
} Results;

static void write_result(void *context, const Diagnostic *diagnostic) {
    Results *results = context;
    if (diagnostic_is_note(diagnostic) && results->has_owner)
        return;
    results->has_owner = true;
    json_write_object(results->writer, NULL, JSON_LINES);
    json_write_string(results->writer, "level", level_of(diagnostic->severity));
    write_result_message(results->writer, diagnostic);
    write_locations(results->writer, diagnostic);
    write_related_locations(results->writer, diagnostic);
    json_write_object_end(results->writer);
}

static void write_tool(JsonWriter *writer) {
    json_write_object(writer, "tool", JSON_LINES);
    json_write_object(writer, "driver", JSON_INLINE);
    json_write_string(writer, "name", "riffle");
    json_write_string(writer, "version", RIFFLE_VERSION);
    json_write_object_end(writer);
    json_write_object_end(writer);
}

static void write_invocation(JsonWriter *writer, int status) {
    json_write_array(writer, "invocations", JSON_LINES);
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_flag(writer, "executionSuccessful", status == 0);
    json_write_integer(writer, "exitCode", status);
    json_write_object_end(writer);
    json_write_array_end(writer);
}

void messages_write_sarif(const Diagnostics *diagnostics, int status, Text *text) {
    JsonWriter writer = {.out = text};
    Results results = {.writer = &writer};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "$schema", schema);
    json_write_string(&writer, "version", "2.1.0");
    json_write_array(&writer, "runs", JSON_LINES);
    json_write_object(&writer, NULL, JSON_LINES);
    write_tool(&writer);
    json_write_string(&writer, "columnKind", "utf16CodeUnits");
    write_invocation(&writer, status);
    json_write_array(&writer, "results", JSON_LINES);
    diagnostics_visit(diagnostics, write_result, &results);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}
