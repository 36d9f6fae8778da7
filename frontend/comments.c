/* Attaching comments to the tree.
 *
 * One walk in the order of the source, with a cursor into the list of comments. At each place that
 * can carry comments (an item, a statement, an element of a list, a stage of a pipe): comments
 * before its first byte stand above it, one behind it on the same line trails it. Comments inside
 * it that none of its own parts took (between the operands of a '+', say) move above it, so none is
 * lost. */
#include "frontend/syntax.h"

#include <string.h>

typedef struct Cursor {
    Arena *arena;
    const char *text;
    const Comment *comments;
    size_t count, next;
    uint32_t last_end; /* end of what was walked last */
} Cursor;

static void attach_expression(Cursor *cursor, SpecExpression *expression, Trivia *owner);
static void attach_block(Cursor *cursor, SpecBlock *block);

static bool has_newline(const Cursor *cursor, uint32_t begin, uint32_t end) {
    return begin < end && memchr(cursor->text + begin, '\n', end - begin) != NULL;
}

/* Whether an empty line stands before `position`, above the comments that belong to it. */
static bool has_blank_line(const Cursor *cursor, uint32_t position) {
    int newlines = 0;
    while (position > 0 && strchr(" \t\r\f\n", cursor->text[position - 1])) {
        position--;
        newlines += cursor->text[position] == '\n';
    }
    return newlines > 1 && position > 0;
}

static void take_leading(Cursor *cursor, Trivia *trivia, uint32_t begin) {
    uint32_t first = begin;
    if (cursor->next < cursor->count && cursor->comments[cursor->next].begin < begin) {
        first = cursor->comments[cursor->next].begin;
    }
    trivia->blank_line = has_blank_line(cursor, first);
    while (cursor->next < cursor->count && cursor->comments[cursor->next].begin < begin) {
        trivia_add_comment(cursor->arena, trivia, cursor->comments[cursor->next++].text);
    }
}

/* Takes the comment behind `end` on the same line; a comma may stand between. */
static void take_trailing(Cursor *cursor, Trivia *trivia, uint32_t end) {
    if (cursor->next == cursor->count) {
        return;
    }
    const Comment *comment = &cursor->comments[cursor->next];
    uint32_t position = end;
    while (position < comment->begin && strchr(" \t,", cursor->text[position])) {
        position++;
    }
    if (position == comment->begin) {
        trivia->trailing = comment->text;
        cursor->next++;
    }
}

/* Comments up to `end` that no part took. */
static void take_rest(Cursor *cursor, Trivia *trivia, uint32_t end) {
    while (cursor->next < cursor->count && cursor->comments[cursor->next].begin < end) {
        trivia_add_comment(cursor->arena, trivia, cursor->comments[cursor->next++].text);
    }
}

/* One part of a list or pipe. The comment behind the last stage of a pipe belongs to what the pipe
 * stands in. */
static void attach_element(Cursor *cursor, SpecExpression *element, bool is_last_stage) {
    uint32_t begin = element->where.begin, end = element->where.end;
    Trivia *trivia = &element->trivia;
    uint32_t previous = cursor->last_end;
    take_leading(cursor, trivia, begin);
    trivia->new_line = has_newline(cursor, previous, begin);
    trivia->blank_line = false;
    cursor->last_end = begin;
    attach_expression(cursor, element, trivia);
    take_rest(cursor, trivia, end);
    if (!is_last_stage) {
        take_trailing(cursor, trivia, end);
    }
    cursor->last_end = end;
}

static void attach_list(
    Cursor *cursor, const SpecExpressionList *list, Trivia *closing, uint32_t begin, uint32_t end) {
    cursor->last_end = begin;
    for (int i = 0; i < list->count; i++) {
        attach_element(cursor, list->items[i], false);
    }
    take_rest(cursor, closing, end);
}

/* What a pipe begins with has no line of its own, so comments before and in it go to the owner. */
static void attach_pipe_start(Cursor *cursor, SpecExpression *start, Trivia *owner) {
    take_rest(cursor, owner, start->where.begin);
    cursor->last_end = start->where.begin;
    attach_expression(cursor, start, owner);
    take_rest(cursor, owner, start->where.end);
    take_trailing(cursor, &start->trivia, start->where.end);
    cursor->last_end = start->where.end;
}

/* Walks the parts in their order in the source. What no part takes goes to `owner`, so do comments
 * in the interpolations of strings and paths, which stand on one line. */
static void attach_expression(Cursor *cursor, SpecExpression *expression, Trivia *owner) {
    if (!expression) {
        return;
    }
    switch (expression->kind) {
    case SPEC_EXPRESSION_LIST:
    case SPEC_EXPRESSION_TABLE:
        attach_list(cursor, &expression->items, &expression->closing, expression->where.begin,
            expression->where.end);
        return;
    case SPEC_EXPRESSION_CALL:
        attach_list(cursor, &expression->items, &expression->closing, expression->name_where.end,
            expression->where.end);
        return;
    case SPEC_EXPRESSION_PIPE:
        attach_pipe_start(cursor, expression->left, owner);
        for (int i = 0; i < expression->items.count; i++) {
            attach_element(cursor, expression->items.items[i], i + 1 == expression->items.count);
        }
        return;
    default:
        attach_expression(cursor, expression->condition, owner);
        attach_expression(cursor, expression->left, owner);
        attach_expression(cursor, expression->right, owner);
        if (expression->text) {
            take_rest(cursor, owner, expression->where.end);
        }
        return;
    }
}

static void attach_expressions(Cursor *cursor, const SpecExpressionList *list, Trivia *owner) {
    for (int i = 0; i < list->count; i++) {
        attach_expression(cursor, list->items[i], owner);
    }
}

static void attach_statement_parts(Cursor *cursor, SpecStatement *statement, Trivia *owner) {
    attach_expressions(cursor, &statement->targets, owner);
    if (statement->kind == SPEC_STATEMENT_INPUT) {
        attach_expressions(cursor, &statement->values, owner);
        attach_expression(cursor, statement->value, owner);
    } else {
        attach_expression(cursor, statement->value, owner);
        attach_expressions(cursor, &statement->values, owner);
    }
    attach_expression(cursor, statement->message, owner);
    if (statement->block) {
        take_rest(cursor, owner, statement->block->where.begin);
        attach_block(cursor, statement->block);
    }
    if (statement->other) {
        const SpecBlock *other = statement->other;
        uint32_t begin = statement->else_if ? other->items[0]->where.begin : other->where.begin;
        take_rest(cursor, &statement->block->closing, begin);
    }
    if (statement->else_if) {
        attach_statement_parts(cursor, statement->other->items[0], owner);
    } else if (statement->other) {
        attach_block(cursor, statement->other);
    }
}

static void attach_statement(Cursor *cursor, SpecStatement *statement) {
    take_leading(cursor, &statement->trivia, statement->where.begin);
    attach_statement_parts(cursor, statement, &statement->trivia);
    take_rest(cursor, &statement->trivia, statement->where.end);
    take_trailing(cursor, &statement->trivia, statement->where.end);
    cursor->last_end = statement->where.end;
}

static void attach_block(Cursor *cursor, SpecBlock *block) {
    take_trailing(cursor, &block->closing, block->where.begin + 1);
    for (int i = 0; i < block->count; i++) {
        attach_statement(cursor, block->items[i]);
        if (i == 0) {
            block->items[i]->trivia.blank_line = false;
        }
    }
    take_rest(cursor, &block->closing, block->where.end);
}

void attach_comments(Spec *spec, const Comment *comments, size_t count) {
    Cursor cursor = {spec->arena, spec->file->text, comments, count, 0, 0};
    for (int i = 0; i < spec->count; i++) {
        Item *item = spec->items[i];
        take_leading(&cursor, &item->trivia, item->where.begin);
        if (item->has_parameters) {
            uint32_t end = item->block ? item->block->where.begin : item->where.end;
            attach_list(&cursor, &item->parameters, &item->closing, item->name_where.end, end);
        }
        if (item->block) {
            take_rest(&cursor, &item->trivia, item->block->where.begin);
            attach_block(&cursor, item->block);
        }
        take_rest(&cursor, &item->trivia, item->where.end);
        take_trailing(&cursor, &item->trivia, item->where.end);
    }
    take_rest(&cursor, &spec->closing, (uint32_t)spec->file->length);
}
