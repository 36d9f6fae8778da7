#include "frontend/json_node.h"

#include <string.h>

/* ---- errors and access ---- */

SourceRange tree_range(const JsonNode *node) {
    return (SourceRange){node->reader->file, node->place->begin, node->place->end};
}

static void append_path(const JsonNode *node, Text *text) {
    if (!node->parent) {
        return;
    }
    append_path(node->parent, text);
    if (node->key) {
        text_format(text, "/%s", node->key);
    } else {
        text_format(text, "/%zu", node->index);
    }
}

void tree_wrong(const JsonNode *node, const char *hint, const char *message) {
    Text path = {0};
    append_path(node, &path);
    diagnostics_report(node->reader->diagnostics, SEVERITY_ERROR, tree_range(node), hint, "%s: %s",
        path.data ? path.data : "/", message);
    text_free(&path);
}

JsonNode tree_member(const JsonNode *node, const char *key) {
    return (JsonNode){node->reader, json_object_get(node->json, key),
        json_place_member(node->reader->file, node->place, key), node, key, 0};
}

JsonNode tree_item(const JsonNode *node, size_t index, const JsonPlace *place) {
    return (JsonNode){node->reader, json_array_get(node->json, index), place ? place : node->place,
        node, NULL, index};
}

JsonNode tree_item_at(const JsonNode *node, size_t index) {
    return tree_item(node, index, json_place_item(node->place, index));
}

bool tree_has(const JsonNode *node, const char *key) {
    return json_object_get(node->json, key) != NULL;
}

bool tree_needs(const JsonNode *node, const char *key) {
    if (tree_has(node, key)) {
        return true;
    }
    tree_wrong(node, NULL, arena_format(node->reader->arena, "'%s' is missing", key));
    return false;
}

static const char *const trivia_keys[] = {
    "comments", "comment", "blank_line", "new_line", "closing_comments"};

void tree_check_keys(const JsonNode *node, const char *const *keys) {
    enum { MOST = 16 };
    const char *known[MOST];
    size_t count = 0;
    for (size_t i = 0; keys[i] && count < MOST; i++) {
        known[count++] = keys[i];
    }
    for (size_t i = 0; i < sizeof(trivia_keys) / sizeof(*trivia_keys) && count < MOST; i++) {
        known[count++] = trivia_keys[i];
    }
    const char *key;
    json_t *value;
    const JsonPlace *place = node->place->first_child; /* jansson keeps members in order */
    json_object_foreach((json_t *)node->json, key, value) {
        JsonNode member = {node->reader, value, place ? place : node->place, node, key, 0};
        place = place ? place->next : NULL;
        bool found = false;
        for (size_t i = 0; i < count; i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        if (!found) {
            const char *nearest = closest_word(key, known, count);
            tree_wrong(&member,
                nearest ? arena_format(node->reader->arena, "did you mean '%s'?", nearest) : NULL,
                "unknown member");
        }
    }
}

/* ---- strings and comments ---- */

const char *tree_read_text(const JsonNode *node, const char *what) {
    if (!json_is_string(node->json)) {
        tree_wrong(node, NULL, arena_format(node->reader->arena, "%s is a string", what));
        return NULL;
    }
    if (json_string_length(node->json) > TEXT_LIMIT) {
        tree_wrong(node, NULL, "the string is longer than 4096 bytes");
        return NULL;
    }
    return arena_copy_string(node->reader->arena, json_string_value(node->json));
}

const char *tree_read_name(const JsonNode *node, const char *what) {
    const char *name = tree_read_text(node, what);
    if (name && !is_name(name)) {
        tree_wrong(node, "a name is letters, digits and '_', and no keyword",
            arena_format(node->reader->arena, "'%.60s' is no name", name));
        return NULL;
    }
    return name;
}

static bool read_flag(const JsonNode *node, const char *key) {
    JsonNode member = tree_member(node, key);
    if (member.json && !json_is_boolean(member.json)) {
        tree_wrong(&member, NULL, "true or false is wanted");
    }
    return json_is_true(member.json);
}

const char *tree_read_comment(const JsonNode *node) {
    const char *comment = tree_read_text(node, "a comment");
    for (const char *c = comment; c && *c; c++) {
        if ((unsigned char)*c < ' ' && *c != '\t') {
            tree_wrong(node, NULL, "a comment is one line");
            return NULL;
        }
    }
    if (comment) { /* as the scanner does */
        size_t length = strlen(comment);
        while (length > 0 && strchr(" \t", comment[length - 1])) {
            length--;
        }
        comment = arena_copy_bytes(node->reader->arena, comment, length);
    }
    return comment;
}

void tree_read_comments(const JsonNode *node, const char *key, Trivia *trivia) {
    JsonNode list = tree_member(node, key);
    if (list.json && node->reader->templates > 0) {
        tree_wrong(&list, NULL, "a comment cannot stand in a string or path");
        return;
    }
    if (list.json && !json_is_array(list.json)) {
        tree_wrong(&list, NULL, "comments are a list of strings");
        return;
    }
    const JsonPlace *place = list.place->first_child;
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        JsonNode item = tree_item(&list, i, place);
        place = place ? place->next : NULL;
        const char *comment = tree_read_comment(&item);
        if (comment) {
            trivia_add_comment(node->reader->arena, trivia, comment);
        }
    }
}

void tree_read_trivia(const JsonNode *node, Trivia *trivia) {
    if (!json_is_object(node->json)) {
        return;
    }
    tree_read_comments(node, "comments", trivia);
    JsonNode comment = tree_member(node, "comment");
    trivia->trailing = comment.json ? tree_read_comment(&comment) : NULL;
    trivia->blank_line = read_flag(node, "blank_line");
    trivia->new_line = read_flag(node, "new_line");
}
