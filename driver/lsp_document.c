/* Open documents and the messages about them. */
#include "driver/lsp.h"

#include "driver/driver.h"
#include "ir/ending.h"
#include "ir/quote.h"
#include "ir/text.h"
#include "ir/uri.h"
#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

json_t *lsp_position(SourcePosition position) {
    return json_pack("{s:I, s:I}", "line", (json_int_t)position.line - 1, "character",
        (json_int_t)position.utf16_units);
}

static json_t *range_of(SourcePosition begin, SourcePosition end) {
    return json_pack("{s:o, s:o}", "start", lsp_position(begin), "end", lsp_position(end));
}

json_t *lsp_range(SourceRange where) {
    SourcePosition first = {.line = 1};
    if (where.file->text == NULL)
        return range_of(first, first);
    return range_of(
        source_position(where.file, where.begin), source_position(where.file, where.end));
}

json_t *lsp_uri(const char *path) {
    char *real = realpath(path, NULL);
    Text text = {0};
    uri_append(&text, real != NULL ? real : path);
    free(real);
    json_t *uri = json_string(text.data);
    text_free(&text);
    return uri;
}

/* ---- messages ---- */

typedef struct Publication {
    const LspDocument *document;
    json_t *list;
    bool has_owner;
} Publication;

static bool is_here(const Publication *publication, const Diagnostic *diagnostic) {
    return diagnostic->has_place && strcmp(diagnostic->file, publication->document->path) == 0;
}

/* What is wrong in a file that is imported is shown where the import is. */
static const Diagnostic *shown_place(const Publication *publication, const Diagnostic *diagnostic) {
    if (is_here(publication, diagnostic))
        return diagnostic;
    for (const Diagnostic *note = diagnostic->next; diagnostic_is_note(note); note = note->next)
        if (is_here(publication, note))
            return note;
    return NULL;
}

static void append_message(
    const Publication *publication, const Diagnostic *diagnostic, Text *text) {
    if (diagnostic->has_place && !is_here(publication, diagnostic))
        text_format(
            text, "%s:%u:%u: ", diagnostic->file, diagnostic->begin.line, diagnostic->begin.column);
    text_append(text, diagnostic->message);
    if (diagnostic->hint != NULL)
        text_format(text, "\nhint: %s", diagnostic->hint);
}

static json_t *related(const Diagnostic *diagnostic) {
    json_t *list = json_array();
    for (const Diagnostic *note = diagnostic->next; diagnostic_is_note(note); note = note->next)
        if (note->has_place)
            json_array_append_new(
                list, json_pack("{s:{s:o, s:o}, s:s}", "location", "uri", lsp_uri(note->file),
                          "range", range_of(note->begin, note->end), "message", note->message));
    return list;
}

static void publish_one(void *context, const Diagnostic *diagnostic) {
    Publication *publication = context;
    if (diagnostic_is_note(diagnostic) && publication->has_owner)
        return;
    publication->has_owner = true;
    static const int severities[] = {1, 2, 3, 3}; /* error, warning, information */
    const SourcePosition first = {.line = 1};
    const Diagnostic *place = shown_place(publication, diagnostic);
    Text message = {0};
    append_message(publication, diagnostic, &message);
    json_array_append_new(publication->list,
        json_pack("{s:o, s:i, s:s, s:s, s:o}", "range",
            place == NULL ? range_of(first, first) : range_of(place->begin, place->end), "severity",
            severities[diagnostic->severity], "source", "riffle", "message", message.data,
            "relatedInformation", related(diagnostic)));
    text_free(&message);
}

static void publish(LspServer *server, const char *uri, json_t *list) {
    (void)lsp_notify(server, "textDocument/publishDiagnostics",
        json_pack("{s:s, s:o}", "uri", uri, "diagnostics", list));
}

/* ---- documents ---- */

static void read_document(LspServer *server, LspDocument *document) {
    Diagnostics *diagnostics = diagnostics_create();
    if (ends_with(document->path, ".json")) {
        Spec *spec = spec_parse_json(document->file, document->arena, diagnostics);
        if (spec != NULL)
            (void)spec_elaborate(spec, NULL, 0, document->arena, diagnostics);
    } else {
        document->analysis = spec_analyse(document->file, document->arena, diagnostics);
    }
    Publication publication = {document, json_array(), false};
    diagnostics_visit(diagnostics, publish_one, &publication);
    publish(server, document->uri, publication.list);
    diagnostics_destroy(diagnostics);
}

static char *copy_or_end(const char *string) {
    char *copy = allocate_or_end(strlen(string) + 1);
    return strcpy(copy, string);
}

LspDocument *lsp_document_find(const LspServer *server, const char *uri) {
    LspDocument *document = server->documents;
    while (document != NULL && strcmp(document->uri, uri) != 0)
        document = document->next;
    return document;
}

static LspDocument *open_document(LspServer *server, const char *uri) {
    LspDocument *document = allocate_or_end(sizeof *document);
    *document = (LspDocument){.uri = copy_or_end(uri), .next = server->documents};
    Text path = {0};
    if (!uri_path(uri, &path)) { /* a document that is no file yet */
        path.length = 0;
        text_append(&path, uri);
    }
    document->path = copy_or_end(path.data);
    text_free(&path);
    return server->documents = document;
}

void lsp_document_set(LspServer *server, const char *uri, const char *text, size_t length) {
    LspDocument *document = lsp_document_find(server, uri);
    if (document == NULL)
        document = open_document(server, uri);
    if (document->arena != NULL)
        arena_destroy(document->arena);
    document->arena = arena_create();
    document->analysis = NULL;
    document->file = ARENA_NEW(document->arena, SourceFile);
    *document->file =
        (SourceFile){document->path, arena_copy_bytes(document->arena, text, length), length};
    read_document(server, document);
}

static void free_document(LspDocument *document) {
    arena_destroy(document->arena);
    free((char *)document->uri);
    free((char *)document->path);
    free(document);
}

void lsp_document_close(LspServer *server, const char *uri) {
    for (LspDocument **at = &server->documents; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->uri, uri) != 0)
            continue;
        LspDocument *document = *at;
        *at = document->next;
        free_document(document);
        publish(server, uri, json_array());
        return;
    }
}

void lsp_documents_free(LspServer *server) {
    while (server->documents != NULL) {
        LspDocument *document = server->documents;
        server->documents = document->next;
        free_document(document);
    }
}
