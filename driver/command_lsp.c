/* riffle lsp: messages come in, and go to the functions that answer them. */
#include "driver/driver.h"
#include "driver/lsp.h"
#include "driver/version.h"

#include <string.h>

static const struct argp argp = {
    .doc =
        "Serves an editor by the Language Server Protocol, on standard input and output: messages "
        "as one types, shapes, parameters and MACs of the op at the cursor, definitions of "
        "units, variables and imports, completion, formatting.\v"
        "Example:\n"
        "  riffle lsp\n"
        "\n"
        "docs/editor.md says how editors start it.\n"};

/* ---- parameters of requests ---- */

static const char *document_uri(const json_t *params) {
    return json_string_value(json_object_get(json_object_get(params, "textDocument"), "uri"));
}

/* The byte of the position in the parameters; false when there is no such thing. */
static bool read_offset(const LspDocument *document, const json_t *params, uint32_t *offset) {
    const json_t *position = json_object_get(params, "position");
    const json_t *line = json_object_get(position, "line");
    const json_t *character = json_object_get(position, "character");
    if (!json_is_integer(line) || !json_is_integer(character) || json_integer_value(line) < 0 ||
        json_integer_value(character) < 0)
        return false;
    *offset = source_offset(document->file, (uint64_t)json_integer_value(line),
        (uint64_t)json_integer_value(character));
    return true;
}

/* ---- requests ---- */

static json_t *capabilities(void) {
    enum { SYNC_FULL = 1 };
    return json_pack("{s:{s:s, s:{s:b, s:i}, s:b, s:b, s:b, s:{s:[s, s]}}, s:{s:s, s:s}}",
        "capabilities", "positionEncoding", "utf-16", "textDocumentSync", "openClose", 1, "change",
        SYNC_FULL, "hoverProvider", 1, "definitionProvider", 1, "documentFormattingProvider", 1,
        "completionProvider", "triggerCharacters", "(", ",", "serverInfo", "name", "riffle",
        "version", RIFFLE_VERSION);
}

typedef json_t *PlaceAnswer(const LspDocument *document, uint32_t offset);

static const struct {
    const char *method;
    PlaceAnswer *answer;
} place_answers[] = {
    {"textDocument/hover", lsp_hover},
    {"textDocument/definition", lsp_definition},
    {"textDocument/completion", lsp_completion},
};

static PlaceAnswer *find_place_answer(const char *method) {
    for (size_t i = 0; i < sizeof place_answers / sizeof *place_answers; i++)
        if (strcmp(place_answers[i].method, method) == 0)
            return place_answers[i].answer;
    return NULL;
}

/* Requests about a document. */
static bool answer_document(
    LspServer *server, const char *method, const json_t *id, const json_t *params) {
    PlaceAnswer *answer = find_place_answer(method);
    if (answer == NULL && strcmp(method, "textDocument/formatting") != 0)
        return lsp_refuse(server, id, LSP_METHOD_NOT_FOUND, "riffle does not know this method");
    const char *uri = document_uri(params);
    const LspDocument *document = uri == NULL ? NULL : lsp_document_find(server, uri);
    if (document == NULL)
        return lsp_refuse(server, id, LSP_INVALID_PARAMS, "the document is not open");
    if (answer == NULL)
        return lsp_respond(server, id, lsp_formatting(document));
    uint32_t offset;
    if (!read_offset(document, params, &offset))
        return lsp_refuse(server, id, LSP_INVALID_PARAMS,
            "the position needs a line and a character, both from 0 up");
    return lsp_respond(server, id, answer(document, offset));
}

static bool answer_request(
    LspServer *server, const char *method, const json_t *id, const json_t *params) {
    if (server->shut_down)
        return lsp_refuse(server, id, LSP_INVALID_REQUEST, "the server was shut down");
    if (strcmp(method, "initialize") == 0) {
        if (server->initialized)
            return lsp_refuse(server, id, LSP_INVALID_REQUEST, "the server is initialized already");
        server->initialized = true;
        return lsp_respond(server, id, capabilities());
    }
    if (!server->initialized)
        return lsp_refuse(server, id, LSP_NOT_INITIALIZED, "the first request is initialize");
    if (strcmp(method, "shutdown") == 0) {
        server->shut_down = true;
        return lsp_respond(server, id, json_null());
    }
    return answer_document(server, method, id, params);
}

/* ---- notifications: nothing answers them, not even those that make no sense ---- */

static void set_text(LspServer *server, const char *uri, const json_t *holder) {
    const json_t *text = json_object_get(holder, "text");
    if (uri != NULL && json_is_string(text))
        lsp_document_set(server, uri, json_string_value(text), json_string_length(text));
}

static void take_notification(LspServer *server, const char *method, const json_t *params) {
    const char *uri = document_uri(params);
    if (!server->initialized || server->shut_down || uri == NULL)
        return;
    if (strcmp(method, "textDocument/didOpen") == 0) {
        set_text(server, uri, json_object_get(params, "textDocument"));
    } else if (strcmp(method, "textDocument/didChange") == 0) {
        const json_t *changes = json_object_get(params, "contentChanges");
        const json_t *last = json_array_get(changes, json_array_size(changes) - 1);
        if (json_object_get(last, "range") == NULL && lsp_document_find(server, uri) != NULL)
            set_text(server, uri, last);
    } else if (strcmp(method, "textDocument/didClose") == 0) {
        lsp_document_close(server, uri);
    }
}

/* ---- the server ---- */

/* False when the server ends. */
static bool handle(LspServer *server, const json_t *message) {
    const json_t *id = json_object_get(message, "id");
    const char *method = json_string_value(json_object_get(message, "method"));
    const json_t *params = json_object_get(message, "params");
    bool id_is_good = id == NULL || json_is_string(id) || json_is_integer(id);
    if (!json_is_object(message) || !id_is_good)
        return lsp_refuse(server, NULL, LSP_INVALID_REQUEST, "the message is no request");
    if (method == NULL) { /* an answer; riffle asks nothing */
        bool is_answer = json_object_get(message, "result") || json_object_get(message, "error");
        return is_answer ||
               lsp_refuse(server, id, LSP_INVALID_REQUEST, "the message has no method");
    }
    if (id != NULL)
        return answer_request(server, method, id, params);
    if (strcmp(method, "exit") == 0)
        return false;
    take_notification(server, method, params);
    return !ferror(server->output);
}

static int serve(LspServer *server) {
    LspRead read;
    bool goes_on = true;
    json_t *message = NULL;
    while (goes_on && (read = lsp_read(server, &message)) < LSP_READ_END) {
        if (read == LSP_READ_REFUSED)
            continue;
        goes_on = handle(server, message);
        json_decref(message);
    }
    lsp_documents_free(server);
    return server->shut_down ? EXIT_DONE : EXIT_FAILED;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    (void)key, (void)argument, (void)state;
    return ARGP_ERR_UNKNOWN;
}

int command_lsp(int argc, char **argv) {
    Session session = session_begin();
    struct argp parser = argp;
    parser.parser = parse_option;
    if (!command_line_parse(&parser, argc, argv, NULL, &session))
        return session_finish(&session, EXIT_USAGE);
    LspServer server = {.input = stdin, .output = stdout};
    return session_finish(&session, serve(&server));
}
