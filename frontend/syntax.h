/* The tree of a spec. The parser and the JSON reader make it; the printers and the elaborator read
 * it. Everything lives in the arena of the Spec. */
#ifndef RIFFLE_FRONTEND_SYNTAX_H
#define RIFFLE_FRONTEND_SYNTAX_H

#include "frontend/frontend.h"

enum {
    SYNTAX_DEPTH_LIMIT = 200,          /* levels of nesting in a tree */
    SPEC_SIZE_LIMIT = 4 * 1024 * 1024, /* bytes of a spec file */
    TEXT_LIMIT = 4096,                 /* bytes of one string or name */
};

typedef struct SpecExpression SpecExpression;
typedef struct SpecStatement SpecStatement;

/* What the printer must keep and the meaning does not need. A comment is the text after its '#'. */
typedef struct Trivia {
    const char **comments; /* on lines of their own, before */
    int comment_count, comment_capacity;
    const char *trailing; /* at the end of the line; NULL when none */
    bool blank_line;      /* a blank line before */
    bool new_line;        /* the author began a line here, inside an expression */
} Trivia;

typedef struct SpecExpressionList {
    SpecExpression **items;
    int count, capacity;
} SpecExpressionList;

/* A string or weight path: literal text and interpolated expressions in turn. */
typedef struct TemplatePart {
    const char *text;           /* NULL for an interpolation */
    SpecExpression *expression; /* NULL for text */
} TemplatePart;

typedef struct Template {
    TemplatePart *parts;
    int count, capacity;
    int depth;
    SourceRange where;
} Template;

typedef enum SpecExpressionKind {
    SPEC_EXPRESSION_ERROR, /* already reported */
    SPEC_EXPRESSION_INTEGER,
    SPEC_EXPRESSION_NUMBER,
    SPEC_EXPRESSION_BOOLEAN,
    SPEC_EXPRESSION_STRING,
    SPEC_EXPRESSION_NAME,
    SPEC_EXPRESSION_LIST,
    SPEC_EXPRESSION_TABLE,       /* items are entries */
    SPEC_EXPRESSION_ENTRY,       /* left: key, right: value */
    SPEC_EXPRESSION_CALL,        /* name(items); items are expressions and arguments */
    SPEC_EXPRESSION_ARGUMENT,    /* name = right; also a parameter, whose right may be NULL */
    SPEC_EXPRESSION_INDEX,       /* left[right] */
    SPEC_EXPRESSION_MEMBER,      /* left.name, in a rewrite */
    SPEC_EXPRESSION_UNARY,       /* operator left */
    SPEC_EXPRESSION_BINARY,      /* left operator right */
    SPEC_EXPRESSION_CONDITIONAL, /* if condition then left else right */
    SPEC_EXPRESSION_PIPE,        /* left |> items[0] |> items[1] ... */
    SPEC_EXPRESSION_AT,          /* left @ path */
    SPEC_EXPRESSION_KIND_COUNT
} SpecExpressionKind;

typedef enum Operator {
#define OPERATOR(name, spelling, word, precedence) OPERATOR_##name,
#include "frontend/operators.def"
    OPERATOR_COUNT
} Operator;

struct SpecExpression {
    SpecExpressionKind kind;
    SourceRange where;
    int depth;
    Trivia trivia; /* printed where the expression is an element of a list or a stage of a pipe */
    int64_t integer;
    double number;
    bool boolean;
    Operator operation;
    const char *name;
    SourceRange name_where;
    Template *text; /* SPEC_EXPRESSION_STRING, SPEC_EXPRESSION_AT */
    SpecExpression *condition, *left, *right;
    SpecExpressionList items;
    Trivia closing; /* comments before the closing bracket of a list, table or call */
};

typedef struct SpecBlock {
    SpecStatement **items;
    int count, capacity;
    int depth;
    Trivia closing; /* comments before the closing brace; trailing: behind the opening one */
    SourceRange where;
} SpecBlock;

typedef enum SpecStatementKind {
    SPEC_STATEMENT_LET,    /* let targets = value */
    SPEC_STATEMENT_ASSIGN, /* targets = value */
    SPEC_STATEMENT_FOR,    /* for targets in value @ path block */
    SPEC_STATEMENT_REPEAT, /* repeat value @ path block */
    SPEC_STATEMENT_SCOPE,  /* scope @ path block */
    SPEC_STATEMENT_IF,     /* if value block else other */
    SPEC_STATEMENT_RETURN, /* return values */
    SPEC_STATEMENT_INPUT,  /* input name: element[values] layout = value */
    SPEC_STATEMENT_OUTPUT, /* output name layout = value */
    SPEC_STATEMENT_ANSWER, /* answer name = value */
    SPEC_STATEMENT_LABELS, /* labels = value */
    SPEC_STATEMENT_ASSERT, /* assert value, message */
    SPEC_STATEMENT_FAIL,   /* fail message */
    SPEC_STATEMENT_MATCH,  /* targets => values, the first of a rewrite */
    SPEC_STATEMENT_WHERE,  /* where value, in a rewrite */
    SPEC_STATEMENT_KIND_COUNT
} SpecStatementKind;

typedef enum LayoutWord { LAYOUT_WORD_NONE, LAYOUT_WORD_NCHW, LAYOUT_WORD_NHWC } LayoutWord;

struct SpecStatement {
    SpecStatementKind kind;
    SourceRange where;
    int depth;
    Trivia trivia;
    SpecExpressionList targets; /* patterns: a name, or a list of patterns; of MATCH expressions */
    SpecExpressionList values;
    SpecExpression *value, *message;
    Template *path;
    SpecBlock *block, *other; /* `other` with `else_if` set holds one if statement */
    bool else_if;
    const char *name;
    SourceRange name_where;
    const char *element;
    SourceRange element_where;
    LayoutWord layout;
};

typedef enum ItemKind {
    ITEM_UNIT,
    ITEM_NETWORK,
    ITEM_IMPORT,
    ITEM_REWRITE, /* its block: a MATCH, then LET and WHERE */
    ITEM_KIND_COUNT
} ItemKind;

typedef struct Item {
    ItemKind kind;
    SourceRange where;
    Trivia trivia;
    const char *name;
    SourceRange name_where;
    bool has_parameters;
    SpecExpressionList parameters; /* SPEC_EXPRESSION_ARGUMENT */
    Trivia closing;                /* comments before the ')' of the parameters */
    Template *text;                /* named "..." of a network, file of an import; or NULL */
    SpecBlock *block;
} Item;

struct Spec {
    Arena *arena;
    const SourceFile *file;
    Item **items;
    int count, capacity;
    Trivia closing; /* comments at the end of the file */
};

extern const char *const statement_words[SPEC_STATEMENT_KIND_COUNT];
extern const char *const item_words[ITEM_KIND_COUNT];

/* Spelling in the language ("<="), word in JSON ("less_equal"), and binding strength. */
const char *operator_spelling(Operator operation);
const char *operator_word(Operator operation);
int operator_precedence(Operator operation);
bool operator_is_unary(Operator operation);

/* ---- making nodes (syntax.c) ---- */

SpecExpression *expression_create(Arena *arena, SpecExpressionKind kind, SourceRange where);
void expression_list_add(Arena *arena, SpecExpressionList *list, SpecExpression *expression);
void template_add(Arena *arena, Template *text, const char *literal, SpecExpression *expression);
void block_add(Arena *arena, SpecBlock *block, SpecStatement *statement);
void spec_add(Spec *spec, Item *item);
void trivia_add_comment(Arena *arena, Trivia *trivia, const char *comment);

/* Sets the depth from the children's. False when the tree is nested too deeply; the caller reports
 * it and drops the children. */
bool expression_finish(SpecExpression *expression);
/* Adds an item to one that is finished; the same. */
bool expression_add_item(Arena *arena, SpecExpression *expression, SpecExpression *item);
bool statement_finish(SpecStatement *statement);

/* The names of the language that no spec can redefine; the list ends with NULL. */
const char *const *keyword_names(void);
bool is_keyword(const char *word);
/* What a spec can define: an identifier of at most TEXT_LIMIT bytes that is no keyword. */
bool is_name(const char *word);
bool is_valid_utf8(const char *bytes, size_t length);

/* ---- parse.c ---- */

/* As spec_parse, but the tree is there after errors, too, without what could not be read;
 * *complete says whether it is whole. Comments are attached to a whole one only. */
Spec *spec_parse_partly(
    const SourceFile *file, Arena *arena, Diagnostics *diagnostics, bool *complete);

/* One expression: the value of a setting. NULL after errors. */
SpecExpression *expression_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);

/* ---- rules.c ---- */

/* Reports mistakes of the rewrites that stand in the spec itself. */
void spec_check_rules(const Spec *spec, Arena *arena, Diagnostics *diagnostics);

/* ---- comments.c ---- */

typedef struct Comment {
    const char *text;
    uint32_t begin, end;
} Comment;

/* Gives each comment to the smallest statement, element or stage that it stands before or after,
 * and notes blank lines and line breaks. `comments` are in the order of the file. */
void attach_comments(Spec *spec, const Comment *comments, size_t count);

#endif
