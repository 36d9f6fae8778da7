/* The language server: the Language Server Protocol 3.17 on standard input and output. What a
 * client sends is from outside: it is answered, refused with an error, or ends the server with
 * one. */
#ifndef RIFFLE_DRIVER_LSP_H
#define RIFFLE_DRIVER_LSP_H

#include "frontend/analysis.h"
#include "ir/diagnostics.h"
#include <jansson.h>
#include <stdio.h>

/* Of JSON-RPC and of the protocol. */
typedef enum LspError {
    LSP_PARSE_ERROR = -32700,
    LSP_INVALID_REQUEST = -32600,
    LSP_METHOD_NOT_FOUND = -32601,
    LSP_INVALID_PARAMS = -32602,
    LSP_NOT_INITIALIZED = -32002
} LspError;

/* A text that the client has open, and what is known of it. */
typedef struct LspDocument {
    const char *uri, *path; /* owned */
    Arena *arena;           /* of all below; a new one for each version */
    SourceFile *file;
    SpecAnalysis *analysis; /* NULL for JSON */
    struct LspDocument *next;
} LspDocument;

typedef struct LspServer {
    FILE *input, *output;
    LspDocument *documents;
    bool initialized, shut_down;
} LspServer;

/* ---- lsp_transport.c ---- */

typedef enum LspRead {
    LSP_READ_MESSAGE,
    LSP_READ_REFUSED, /* answered with an error; there may be more */
    LSP_READ_END,     /* of the input */
    LSP_READ_LOST     /* answered with an error, and nobody knows where the next message begins */
} LspRead;

/* *message is new, and the caller's. */
LspRead lsp_read(LspServer *server, json_t **message);
/* These take the reference to what they send. False when it could not be written. */
bool lsp_respond(LspServer *server, const json_t *id, json_t *result);
bool lsp_refuse(LspServer *server, const json_t *id, LspError code, const char *message);
bool lsp_notify(LspServer *server, const char *method, json_t *params);

/* ---- lsp_document.c ---- */

/* Takes the text as what the document is now, and sends its messages. */
void lsp_document_set(LspServer *server, const char *uri, const char *text, size_t length);
LspDocument *lsp_document_find(const LspServer *server, const char *uri);
void lsp_document_close(LspServer *server, const char *uri);
void lsp_documents_free(LspServer *server);

json_t *lsp_position(SourcePosition position);
/* A range of a text, which may be one that was not read: its beginning, then. */
json_t *lsp_range(SourceRange where);
/* The URI of a path. */
json_t *lsp_uri(const char *path);

/* ---- lsp_answers.c: to requests at a place of a document; new references ---- */

json_t *lsp_hover(const LspDocument *document, uint32_t offset);
json_t *lsp_definition(const LspDocument *document, uint32_t offset);
json_t *lsp_completion(const LspDocument *document, uint32_t offset);
json_t *lsp_formatting(const LspDocument *document);

#endif
