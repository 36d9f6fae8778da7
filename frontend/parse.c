/* Reading the language: the driver of the generated scanner and parser, and how parsing goes on
 * after a mistake. */
#include "frontend/parse.h"
#include "ir/ending.h"
#include "ir/quote.h"
#include "ir/source_file.h"

#include <ctype.h>
#include <string.h>

#include "parser.h"
#define YYSTYPE RFL_STYPE
#define YYLTYPE RFL_LTYPE
#include "scanner.h"

SourceRange parse_range(const ParseContext *context, Span span) {
    return (SourceRange){context->file, span.begin, span.end};
}

void parse_abort(ParseContext *context) {
    context->aborted = true;
}

void parse_complain(ParseContext *context, Span where, const char *hint, const char *message) {
    diagnostics_report(
        context->diagnostics, SEVERITY_ERROR, parse_range(context, where), hint, "%s", message);
}

/* ---- brackets ---- */

static char opening_of(int token) {
    switch (token) {
    case ')':
        return '(';
    case ']':
        return '[';
    case '}':
        return '{';
    case INTERPOLATION_END:
        return '"';
    default:
        return 0;
    }
}

/* Notes the opening or closing bracket. Returns whether it closes a block. */
static bool track_brackets(ParseContext *context, int token, Span where) {
    char opening = token == '(' || token == '[' || token == '{' ? (char)token : 0;
    opening = token == INTERPOLATION_BEGIN ? '"' : opening;
    if (opening) {
        if (context->bracket_count == BRACKET_LIMIT) {
            parse_complain(context, where, NULL, "nested too deeply");
            parse_abort(context);
            return false;
        }
        context->brackets[context->bracket_count++] = (Bracket){.kind = opening, .where = where};
        return false;
    }
    char closed = opening_of(token);
    if (!closed) {
        return false;
    }
    int position = context->bracket_count - 1;
    if (closed == '{') { /* a closing brace ends all that was left open in it */
        while (position >= 0 && context->brackets[position].kind != '{') {
            position--;
        }
    }
    if (position >= 0 && context->brackets[position].kind == closed) {
        context->bracket_count = position;
        return context->brackets[position].is_block;
    }
    return false;
}

void parse_mark_block(ParseContext *context, bool of_rewrite) {
    if (context->bracket_count > 0) {
        Bracket *bracket = &context->brackets[context->bracket_count - 1];
        bracket->is_block = true;
        bracket->of_rewrite = of_rewrite;
    }
}

/* Index of the innermost bracket that opens a block, -1 when none does. */
static int innermost_block(const ParseContext *context) {
    int position = context->bracket_count - 1;
    while (position >= 0 && !context->brackets[position].is_block) {
        position--;
    }
    return position;
}

/* ---- going on after a mistake ---- */

static bool is_first_on_line(const ParseContext *context, Span where) {
    const char *text = context->file->text;
    uint32_t position = where.begin;
    while (position > 0 && (text[position - 1] == ' ' || text[position - 1] == '\t')) {
        position--;
    }
    return position == 0 || text[position - 1] == '\n';
}

/* "x = a +" and on the next line "y = 2": the '=' is what looks wrong, the line above what is. */
static bool follows_first_word(const ParseContext *context, Span where) {
    const char *text = context->file->text;
    uint32_t position = where.begin;
    while (position > 0 && text[position - 1] == ' ') {
        position--;
    }
    uint32_t end = position;
    char word[16];
    while (
        position > 0 && (isalnum((unsigned char)text[position - 1]) || text[position - 1] == '_')) {
        position--;
    }
    snprintf(word, sizeof(word), "%.*s", (int)(end - position), text + position);
    return end > position && !is_keyword(word) && is_first_on_line(context, (Span){position, end});
}

static bool is_word_keyword(const char *text, size_t length) {
    char word[16];
    snprintf(word, sizeof(word), "%.*s", (int)length, text);
    return length < sizeof(word) && is_keyword(word);
}

static bool is_on_line_of_complaint(const ParseContext *context, Span where) {
    uint32_t end = context->complaint_end;
    return end > 0 && end <= where.begin &&
           !memchr(context->file->text + end, '\n', where.begin - end);
}

void parse_report_unexpected(
    ParseContext *context, Span where, const char *what, const char *expected) {
    if (context->lookahead_made_up || context->aborted || is_on_line_of_complaint(context, where)) {
        return;
    }
    uint32_t length = where.end - where.begin;
    const char *text = context->file->text + where.begin;
    size_t shown = quote_word(text, length);
    bool assigns = length == 1 && *text == '=' && follows_first_word(context, where);
    const char *hint = assigns ? "is the line above complete?"
                       : strstr(expected, "a name") && is_word_keyword(text, length)
                           ? "a keyword is no name: take another word"
                           : NULL;
    if (what) {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, parse_range(context, where), hint,
            "unexpected %s%s", what, expected);
    } else {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, parse_range(context, where), hint,
            "unexpected '%.*s'%s", (int)shown, text, expected);
    }
    const Bracket *open =
        context->bracket_count > 0 ? &context->brackets[context->bracket_count - 1] : NULL;
    if (open && strchr("([", open->kind) && is_first_on_line(context, where)) {
        diagnostics_report(context->diagnostics, SEVERITY_NOTE, parse_range(context, open->where),
            NULL, "the '%c' here is still open", open->kind);
    }
}

static bool begins_statement(int token) {
    switch (token) {
    case LET:
    case FOR:
    case REPEAT:
    case SCOPE:
    case IF:
    case RETURN:
    case INPUT:
    case OUTPUT:
    case ANSWER:
    case LABELS:
    case ASSERT:
    case FAIL:
    case NAME:
        return true;
    default:
        return false;
    }
}

static bool begins_item(int token) {
    return token == UNIT || token == NETWORK || token == IMPORT || token == REWRITE;
}

/* Whether parsing can go on at the token: at the top only a keyword does, in a block the first word
 * of a line that stands in no further bracket, or the block's closing brace. */
static bool can_sync(const ParseContext *context, int token, Span where, bool closed_block) {
    if (token == END || closed_block) {
        return true;
    }
    int block = innermost_block(context);
    if (block < 0) {
        return context->bracket_count == 0 && begins_item(token);
    }
    bool begins = context->brackets[block].of_rewrite ? token == LET || token == WHERE
                                                      : begins_statement(token);
    return block == context->bracket_count - 1 && begins && is_first_on_line(context, where);
}

bool parse_recover(ParseContext *context) {
    /* Should the same token fail again and again, this ends it. */
    bool same = context->recovery_offset == context->offset;
    context->recovery_count = same ? context->recovery_count + 1 : 0;
    context->recovery_offset = context->offset;
    context->aborted = context->aborted || context->recovery_count > BRACKET_LIMIT;
    if (context->lookahead_syncs || context->aborted) {
        return true;
    }
    /* Parentheses left open are forgotten; a brace may hold more lines, and will be closed. */
    int block = innermost_block(context);
    int kept = block + 1;
    for (int i = block + 1; i < context->bracket_count; i++) {
        if (context->brackets[i].kind == '{') {
            context->brackets[kept++] = context->brackets[i];
        }
    }
    context->bracket_count = kept;
    context->skipping = !can_sync(context, context->lookahead, context->lookahead_span, false);
    return !context->skipping;
}

/* A keyword of the top level, or the end, inside blocks: their closing braces are missing. */
static int report_missing_braces(ParseContext *context, int token, Span where) {
    int block = innermost_block(context);
    if (block < 0) {
        return token;
    }
    Span open = context->brackets[block].where;
    if (token == END) {
        parse_complain(context, where, NULL, "unexpected end of file: a '}' is missing");
    } else {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, parse_range(context, where), NULL,
            "unexpected '%s' inside a block: a '}' is missing",
            token == UNIT      ? "unit"
            : token == NETWORK ? "network"
            : token == REWRITE ? "rewrite"
                               : "import");
    }
    diagnostics_report(context->diagnostics, SEVERITY_NOTE, parse_range(context, open), NULL,
        "the innermost open block begins here");
    context->missing_braces = 0;
    for (int i = 0; i < context->bracket_count; i++) {
        context->missing_braces += context->brackets[i].is_block ? 1 : 0;
    }
    context->bracket_count = 0;
    context->held_token = token;
    context->held_span = where;
    context->skipping = false;
    return '}';
}

int rfl_lex(YYSTYPE *value, YYLTYPE *where, ParseContext *context);

int rfl_lex(YYSTYPE *value, YYLTYPE *where, ParseContext *context) {
    context->lookahead_made_up = false;
    if (context->start_token != 0) {
        int token = context->start_token;
        context->start_token = 0;
        return token;
    }
    for (;;) {
        if (context->aborted) {
            return END;
        }
        if (context->missing_braces > 0 || context->held_token != 0) {
            *where = context->held_span;
            context->lookahead = '}';
            context->lookahead_span = *where;
            context->lookahead_syncs = true;
            if (context->missing_braces > 0) {
                context->missing_braces--;
                context->lookahead_made_up = true;
                return '}';
            }
            int token = context->held_token;
            context->held_token = 0;
            return token;
        }
        int token = rfl_scan_lex(value, where, context->scanner);
        if (token == END) {
            uint32_t end = (uint32_t)context->file->length;
            *where = (Span){end > 0 ? end - 1 : 0, end};
        }
        if (token == END || begins_item(token)) {
            if (report_missing_braces(context, token, *where) != token) {
                context->held_token = token == END ? 0 : token;
                continue;
            }
        }
        bool closed_block = track_brackets(context, token, *where);
        context->lookahead_syncs = can_sync(context, token, *where, closed_block);
        if (!context->skipping || context->lookahead_syncs) {
            context->skipping = false;
            context->lookahead = token;
            context->lookahead_span = *where;
            return token;
        }
    }
}

/* ---- entry points ---- */

/* False after reporting a byte that no text holds. */
static bool check_text_bytes(const SourceFile *file, Diagnostics *diagnostics) {
    const char *nul = memchr(file->text, 0, file->length);
    if (file->length > SPEC_SIZE_LIMIT) {
        diagnostics_error(
            diagnostics, NULL, "%s is larger than %d bytes", file->name, SPEC_SIZE_LIMIT);
        return false;
    }
    if (nul) {
        uint32_t place = (uint32_t)(nul - file->text);
        diagnostics_report(diagnostics, SEVERITY_ERROR, (SourceRange){file, place, place + 1}, NULL,
            "a NUL byte: this is no text file");
        return false;
    }
    return true;
}

static bool run_parser(ParseContext *context) {
    if (!check_text_bytes(context->file, context->diagnostics)) {
        return false;
    }
    size_t errors = diagnostics_error_count(context->diagnostics);
    if (rfl_scan_lex_init_extra(context, &context->scanner) != 0)
        out_of_memory();
    rfl_scan__scan_bytes(context->file->text, (int)context->file->length, context->scanner);
    int result = rfl_parse(context);
    rfl_scan_lex_destroy(context->scanner);
    return result == 0 && diagnostics_error_count(context->diagnostics) == errors;
}

Spec *spec_parse_partly(
    const SourceFile *file, Arena *arena, Diagnostics *diagnostics, bool *complete) {
    ParseContext *context = ARENA_NEW(arena, ParseContext);
    context->file = file;
    context->arena = arena;
    context->diagnostics = diagnostics;
    context->start_token = START_SPEC;
    context->spec = ARENA_NEW(arena, Spec);
    context->spec->arena = arena;
    context->spec->file = file;
    *complete = run_parser(context);
    if (*complete) {
        attach_comments(context->spec, context->comments, context->comment_count);
    }
    return context->spec;
}

Spec *spec_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    bool complete;
    Spec *spec = spec_parse_partly(file, arena, diagnostics, &complete);
    return complete ? spec : NULL;
}

SpecExpression *expression_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    ParseContext *context = ARENA_NEW(arena, ParseContext);
    context->file = file;
    context->arena = arena;
    context->diagnostics = diagnostics;
    context->start_token = START_EXPRESSION;
    return run_parser(context) ? context->expression : NULL;
}

static bool is_json(const char *path) {
    size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".json") == 0;
}

SourceFile *spec_read_file(const char *path, Arena *arena, Diagnostics *diagnostics) {
    static const WantedFile language = {"a spec", {FILE_KIND_SPEC}},
                            json = {"a spec in JSON", {FILE_KIND_JSON}};
    return source_file_read_text(
        path, SPEC_SIZE_LIMIT, is_json(path) ? &json : &language, arena, diagnostics);
}

Spec *spec_read(const char *path, Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = spec_read_file(path, arena, diagnostics);
    if (!file) {
        return NULL;
    }
    return is_json(path) ? spec_parse_json(file, arena, diagnostics)
                         : spec_parse(file, arena, diagnostics);
}
