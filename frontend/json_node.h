/* What the two halves of the JSON reader share: a value with the way to it, errors, names and
 * comments (json_node.c); expressions (json_expressions.c). Each mistake is reported with its place
 * in the file and as a path ("/items/0/body/3"), and reading goes on beside it. */
#ifndef RIFFLE_FRONTEND_JSON_NODE_H
#define RIFFLE_FRONTEND_JSON_NODE_H

#include "frontend/json.h"

#include <jansson.h>

typedef struct JsonReader {
    const SourceFile *file;
    Arena *arena;
    Diagnostics *diagnostics;
    int templates; /* strings and paths being read: what stands in them is on one line */
    bool in_rewrite;
} JsonReader;

/* A JSON value and the way to it. */
typedef struct JsonNode {
    JsonReader *reader;
    const json_t *json; /* NULL when absent */
    const JsonPlace *place;
    const struct JsonNode *parent;
    const char *key; /* member of the parent, or NULL: item `index` */
    size_t index;
} JsonNode;

SourceRange tree_range(const JsonNode *node);
void tree_wrong(const JsonNode *node, const char *hint, const char *message);

JsonNode tree_member(const JsonNode *node, const char *key);
JsonNode tree_item(const JsonNode *node, size_t index, const JsonPlace *place);
/* The item with its place looked up: slower than walking along the places. */
JsonNode tree_item_at(const JsonNode *node, size_t index);
bool tree_has(const JsonNode *node, const char *key);
/* A member that must be there; the missing one is reported at the object. */
bool tree_needs(const JsonNode *node, const char *key);
/* Reports members that are neither trivia nor in `keys`, which ends with NULL. */
void tree_check_keys(const JsonNode *node, const char *const *keys);

/* NULL after an error. */
const char *tree_read_text(const JsonNode *node, const char *what);
const char *tree_read_name(const JsonNode *node, const char *what);
const char *tree_read_comment(const JsonNode *node);
void tree_read_comments(const JsonNode *node, const char *key, Trivia *trivia);
void tree_read_trivia(const JsonNode *node, Trivia *trivia);

/* ---- json_expressions.c ---- */

SpecExpression *tree_make(const JsonNode *node, SpecExpressionKind kind);
SpecExpression *tree_error_expression(const JsonNode *node);
SpecExpression *tree_finish(const JsonNode *node, SpecExpression *expression);
Template *tree_read_template(const JsonNode *node);
SpecExpression *tree_read_expression(const JsonNode *node);
/* Expressions, and parts of the kind `also`: arguments or entries. */
void tree_read_list(const JsonNode *node, SpecExpressionList *list, SpecExpressionKind also);

#endif
