#include "frontend/cursor.h"

#include "frontend/parse.h"
#include "ir/ending.h"
#include <string.h>

#include "parser.h"
#define YYSTYPE RFL_STYPE
#define YYLTYPE RFL_LTYPE
#include "scanner.h"

/* A bracket that is open, and what is known of the call that it belongs to. */
typedef struct OpenBracket {
    const char *call, *argument;
    struct OpenBracket *outer;
} OpenBracket;

typedef struct TokenWalk {
    ParseContext context;
    uint32_t offset;
    OpenBracket *open;
    const char *last_name; /* when the last token was one */
    SpecCursor cursor;
} TokenWalk;

static void open_bracket(TokenWalk *walk, const char *call) {
    OpenBracket *bracket = ARENA_NEW(walk->context.arena, OpenBracket);
    *bracket = (OpenBracket){call, NULL, walk->open};
    walk->open = bracket;
}

static void close_bracket(TokenWalk *walk) {
    walk->open = walk->open != NULL ? walk->open->outer : NULL;
}

/* A token before the place. */
static void note_token(TokenWalk *walk, int token, const char *name) {
    const char *called = walk->last_name;
    walk->last_name = NULL;
    switch (token) {
    case NAME:
        walk->last_name = name;
        break;
    case '(':
        open_bracket(walk, called);
        break;
    case '[':
    case '{':
    case INTERPOLATION_BEGIN:
        open_bracket(walk, NULL);
        break;
    case ')':
    case ']':
    case '}':
    case INTERPOLATION_END:
        close_bracket(walk);
        break;
    case '=':
        if (walk->open != NULL)
            walk->open->argument = called;
        break;
    case ',':
        if (walk->open != NULL)
            walk->open->argument = NULL;
        break;
    default:
        break;
    }
}

/* What may be inside a string or path: an interpolation is code again. */
static bool is_text_of(int token) {
    return token == STRING_BEGIN || token == AT || token == TEXT || token == INTERPOLATION_END;
}

static bool is_in_comment(const TokenWalk *walk) {
    for (size_t i = 0; i < walk->context.comment_count; i++) {
        const Comment *comment = &walk->context.comments[i];
        if (comment->begin < walk->offset && walk->offset <= comment->end)
            return true;
    }
    return false;
}

static void walk_tokens(TokenWalk *walk) {
    YYSTYPE value;
    YYLTYPE where = {0, 0};
    int last = 0, token;
    while ((token = rfl_scan_lex(&value, &where, walk->context.scanner)) != END &&
           where.begin < walk->offset) {
        bool touches = token == NAME && walk->offset <= where.end;
        if (touches) {
            walk->cursor.word = value.text;
            walk->cursor.word_where = parse_range(&walk->context, where);
        } else if (where.end > walk->offset) {
            walk->cursor.in_code = token != TEXT;
        }
        if (!touches)
            note_token(walk, token, token == NAME ? value.text : NULL);
        last = token;
    }
    if (token == NAME && where.begin == walk->offset && walk->cursor.word == NULL) {
        walk->cursor.word = value.text;
        walk->cursor.word_where = parse_range(&walk->context, where);
    }
    bool in_text = is_text_of(last) &&
                   (token == TEXT || token == END || token == STRING_END || token == PATH_END);
    walk->cursor.in_code = walk->cursor.in_code && !in_text && !is_in_comment(walk);
}

SpecCursor cursor_at(const SourceFile *file, uint32_t offset, Arena *arena) {
    TokenWalk walk = {.offset = offset, .cursor = {.in_code = true}};
    walk.context.file = file;
    walk.context.arena = arena;
    walk.context.diagnostics = diagnostics_create();
    if (rfl_scan_lex_init_extra(&walk.context, &walk.context.scanner) != 0)
        out_of_memory();
    size_t length = file->length > SPEC_SIZE_LIMIT ? 0 : file->length;
    rfl_scan__scan_bytes(file->text, (int)length, walk.context.scanner);
    walk_tokens(&walk);
    rfl_scan_lex_destroy(walk.context.scanner);
    diagnostics_destroy(walk.context.diagnostics);
    walk.cursor.call = walk.open != NULL ? walk.open->call : NULL;
    walk.cursor.argument = walk.open != NULL ? walk.open->argument : NULL;
    return walk.cursor;
}
