#include "frontend/syntax.h"

#include "ir/names.h"
#include "ir/quote.h"

#include <limits.h>
#include <string.h>

const char *const statement_words[SPEC_STATEMENT_KIND_COUNT] = {"let", "assign", "for", "repeat",
    "scope", "if", "return", "input", "output", "answer", "labels", "assert", "fail", "match",
    "where"};
const char *const item_words[ITEM_KIND_COUNT] = {"unit", "network", "import", "rewrite"};

static const struct {
    const char *spelling, *word;
    int precedence;
} operators[OPERATOR_COUNT] = {
#define OPERATOR(name, spelling, word, precedence) {spelling, word, precedence},
#include "frontend/operators.def"
};

const char *operator_spelling(Operator operation) {
    return operators[operation].spelling;
}

const char *operator_word(Operator operation) {
    return operators[operation].word;
}

int operator_precedence(Operator operation) {
    return operators[operation].precedence;
}

bool operator_is_unary(Operator operation) {
    return operation == OPERATOR_not || operation == OPERATOR_negate;
}

SpecExpression *expression_create(Arena *arena, SpecExpressionKind kind, SourceRange where) {
    SpecExpression *expression = ARENA_NEW(arena, SpecExpression);
    expression->kind = kind;
    expression->where = where;
    expression->name_where = where;
    expression->depth = 1;
    return expression;
}

/* The array with room for one more item; arrays double, so that the arena wastes at most as much as
 * it holds. */
static void *grown(Arena *arena, void *items, int count, int *capacity, size_t size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = count == 0 ? 4 : 2 * count;
    void *larger = arena_allocate_array(arena, (size_t)*capacity, size);
    if (count > 0) {
        memcpy(larger, items, (size_t)count * size);
    }
    return larger;
}

void expression_list_add(Arena *arena, SpecExpressionList *list, SpecExpression *expression) {
    list->items = grown(arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = expression;
}

void template_add(Arena *arena, Template *text, const char *literal, SpecExpression *expression) {
    text->parts = grown(arena, text->parts, text->count, &text->capacity, sizeof(*text->parts));
    text->parts[text->count++] = (TemplatePart){literal, expression};
    if (expression && expression->depth > text->depth) {
        text->depth = expression->depth;
    }
}

void block_add(Arena *arena, SpecBlock *block, SpecStatement *statement) {
    block->items =
        grown(arena, block->items, block->count, &block->capacity, sizeof(*block->items));
    block->items[block->count++] = statement;
    if (statement->depth > block->depth) {
        block->depth = statement->depth;
    }
}

void spec_add(Spec *spec, Item *item) {
    spec->items =
        grown(spec->arena, spec->items, spec->count, &spec->capacity, sizeof(*spec->items));
    spec->items[spec->count++] = item;
}

void trivia_add_comment(Arena *arena, Trivia *trivia, const char *comment) {
    trivia->comments = grown(arena, trivia->comments, trivia->comment_count,
        &trivia->comment_capacity, sizeof(*trivia->comments));
    trivia->comments[trivia->comment_count++] = comment;
}

static void deepen(int *depth, int child) {
    if (child >= *depth) {
        *depth = child + 1;
    }
}

static void deepen_by_list(int *depth, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        deepen(depth, list->items[i]->depth);
    }
}

bool expression_finish(SpecExpression *expression) {
    int depth = 1;
    const SpecExpression *children[] = {expression->condition, expression->left, expression->right};
    for (size_t i = 0; i < sizeof(children) / sizeof(*children); i++) {
        if (children[i]) {
            deepen(&depth, children[i]->depth);
        }
    }
    deepen_by_list(&depth, &expression->items);
    if (expression->text) {
        deepen(&depth, expression->text->depth);
    }
    expression->depth = depth;
    return depth <= SYNTAX_DEPTH_LIMIT;
}

bool expression_add_item(Arena *arena, SpecExpression *expression, SpecExpression *item) {
    expression_list_add(arena, &expression->items, item);
    deepen(&expression->depth, item->depth);
    return expression->depth <= SYNTAX_DEPTH_LIMIT;
}

bool statement_finish(SpecStatement *statement) {
    int depth = 1;
    deepen_by_list(&depth, &statement->targets);
    deepen_by_list(&depth, &statement->values);
    if (statement->value) {
        deepen(&depth, statement->value->depth);
    }
    if (statement->message) {
        deepen(&depth, statement->message->depth);
    }
    if (statement->path) {
        deepen(&depth, statement->path->depth);
    }
    if (statement->block) {
        deepen(&depth, statement->block->depth);
    }
    if (statement->other) {
        deepen(&depth, statement->other->depth);
    }
    statement->depth = depth;
    return depth <= SYNTAX_DEPTH_LIMIT;
}

const char *const *keyword_names(void) {
    static const char *const words[] = {"and", "answer", "assert", "else", "fail", "false", "for",
        "if", "import", "in", "input", "labels", "let", "named", "nchw", "network", "nhwc", "not",
        "or", "output", "repeat", "return", "rewrite", "scope", "then", "true", "unit", "where",
        NULL};
    return words;
}

bool is_keyword(const char *word) {
    for (const char *const *known = keyword_names(); *known; known++) {
        if (strcmp(word, *known) == 0) {
            return true;
        }
    }
    return false;
}

bool is_name(const char *word) {
    return is_identifier(word) && !is_keyword(word) && strlen(word) <= TEXT_LIMIT;
}

bool is_valid_utf8(const char *bytes, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t size = utf8_sequence(bytes + i, length - i, NULL);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}
