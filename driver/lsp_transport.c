#include "driver/lsp.h"

#include "ir/ending.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST_HEADER = 1024, MOST_HEADERS = 32, LARGEST_MESSAGE = 64 * 1024 * 1024 };

/* ---- sending ---- */

static bool send_message(LspServer *server, json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(message);
    if (text == NULL)
        out_of_memory();
    fprintf(server->output, "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
    free(text);
    return fflush(server->output) == 0 && !ferror(server->output);
}

static json_t *id_copy(const json_t *id) {
    return id == NULL ? json_null() : json_deep_copy(id);
}

bool lsp_respond(LspServer *server, const json_t *id, json_t *result) {
    return send_message(server,
        json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id_copy(id), "result", result));
}

bool lsp_refuse(LspServer *server, const json_t *id, LspError code, const char *message) {
    return send_message(server, json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
                                    id_copy(id), "error", "code", (int)code, "message", message));
}

bool lsp_notify(LspServer *server, const char *method, json_t *params) {
    return send_message(
        server, json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params));
}

/* ---- receiving ---- */

static LspRead lose(LspServer *server, const char *message) {
    (void)lsp_refuse(server, NULL, LSP_PARSE_ERROR, message);
    return LSP_READ_LOST;
}

/* A line without its \r\n; false when the input ends in it or it is longer than any should be. */
static bool read_header(LspServer *server, char line[LONGEST_HEADER], size_t *length) {
    int byte;
    *length = 0;
    while ((byte = getc(server->input)) != EOF && byte != '\n' && *length + 1 < LONGEST_HEADER)
        line[(*length)++] = (char)byte;
    if (byte == '\n' && *length > 0 && line[*length - 1] == '\r')
        (*length)--;
    line[*length] = '\0';
    return byte == '\n';
}

/* Digits alone; false for anything else. */
static bool parse_length(const char *text, size_t *length) {
    while (*text == ' ')
        text++;
    size_t digits = strspn(text, "0123456789");
    *length = strtoul(text, NULL, 10);
    return digits > 0 && digits < 12 && text[digits] == '\0';
}

static LspRead read_headers(LspServer *server, size_t *length) {
    static const char name[] = "content-length:";
    char line[LONGEST_HEADER];
    bool has_length = false;
    for (int i = 0; i < MOST_HEADERS; i++) {
        size_t size;
        if (!read_header(server, line, &size))
            return size == 0 && i == 0 && feof(server->input)
                       ? LSP_READ_END
                       : lose(server, "a message begins with lines such as Content-Length: 42");
        if (size == 0)
            return has_length ? LSP_READ_MESSAGE
                              : lose(server, "the header Content-Length is missing");
        if (strncasecmp(line, name, sizeof name - 1) != 0)
            continue;
        if (!parse_length(line + sizeof name - 1, length))
            return lose(server, "the header Content-Length is no number of bytes");
        has_length = true;
    }
    return lose(server, "a message has too many headers");
}

static bool skip_bytes(LspServer *server, size_t length) {
    for (; length > 0; length--)
        if (getc(server->input) == EOF)
            return false;
    return true;
}

LspRead lsp_read(LspServer *server, json_t **message) {
    size_t length = 0;
    LspRead read = read_headers(server, &length);
    if (read != LSP_READ_MESSAGE)
        return read;
    if (length > LARGEST_MESSAGE) {
        if (!skip_bytes(server, length))
            return LSP_READ_END;
        (void)lsp_refuse(server, NULL, LSP_INVALID_REQUEST, "the message is larger than 64 MiB");
        return LSP_READ_REFUSED;
    }
    char *bytes = allocate_or_end(length + 1);
    if (fread(bytes, 1, length, server->input) != length) {
        free(bytes);
        return lose(server, "the message is shorter than its Content-Length");
    }
    json_error_t error;
    *message = json_loadb(bytes, length, 0, &error);
    free(bytes);
    if (*message != NULL)
        return LSP_READ_MESSAGE;
    (void)lsp_refuse(server, NULL, LSP_PARSE_ERROR, "the message is no JSON");
    return LSP_READ_REFUSED;
}
