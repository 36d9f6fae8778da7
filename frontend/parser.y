/* Grammar of the .rfl language. No statement begins with an expression, so statements need no separator:
 * what stands after an expression and cannot continue it begins the next statement. */
%require "3.8"
%define api.pure full
%define api.prefix {rfl_}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%param {struct ParseContext *context}

%code requires {
#include "frontend/parsed.h"
}

%union {
    const char *text;
    int64_t integer;
    double number;
    SpecExpression *expression;
    SpecExpressionList list;
    Template *template_text;
    SpecBlock *block;
    SpecStatement *statement;
    Item *item;
    LayoutWord layout;
}

%code {
#include "ir/ending.h"
#include <stdlib.h>
#include <string.h>

#define YYLLOC_DEFAULT(current, right, count)                                                      \
    do {                                                                                           \
        (current).begin = (count) ? YYRHSLOC(right, 1).begin : YYRHSLOC(right, 0).end;             \
        (current).end = (count) ? YYRHSLOC(right, count).end : YYRHSLOC(right, 0).end;             \
    } while (0)
#define YYMALLOC allocate_or_end
#define YYFREE free
#define YYMAXDEPTH 5000

int rfl_lex(YYSTYPE *value, YYLTYPE *where, ParseContext *context);
static void rfl_error(const YYLTYPE *where, ParseContext *context, const char *message);
}

%token START_SPEC START_EXPRESSION
%token END 0 "end of file"
%token AND "and" ANSWER "answer" ASSERT "assert" ELSE "else" FAIL "fail" FALSE "false" FOR "for" IF "if"
%token IMPORT "import" IN "in" INPUT "input" LABELS "labels" LET "let" NAMED "named" NCHW "nchw" NETWORK "network"
%token NHWC "nhwc" NOT "not" OR "or" OUTPUT "output" REPEAT "repeat" RETURN "return" SCOPE "scope"
%token REWRITE "rewrite" THEN "then" TRUE "true" UNIT "unit" WHERE "where"
%token PIPE "|>" RANGE ".." EQUAL "==" NOT_EQUAL "!=" LESS_EQUAL "<=" GREATER_EQUAL ">="
%token FLOOR_DIVIDE "//" BECOMES "=>"
%token AT "@" PATH_END "end of the path" STRING_BEGIN "a string" STRING_END "end of the string"
%token INTERPOLATION_BEGIN "{ in a string" INTERPOLATION_END "}"
%token <text> NAME "a name" TEXT "text" QUOTED "a string in single quotes"
%token <integer> INTEGER "an integer"
%token <number> NUMBER "a number"

%left OR
%left AND
%precedence NOT
%nonassoc EQUAL NOT_EQUAL '<' LESS_EQUAL '>' GREATER_EQUAL IN
%nonassoc RANGE
%left '+' '-'
%left '*' '/' FLOOR_DIVIDE '%'
%precedence NEGATE

%type <item> item unit network import rewrite
%type <list> parameters parameters_some patterns expressions items arguments
%type <list> arguments_some entries entries_some
%type <expression> parameter pattern expression pipeline stage function call operation postfix primary
%type <expression> argument entry initial
%type <template_text> string string_parts path path_parts optional_path optional_named
%type <block> block statements otherwise rewrite_block clauses
%type <statement> statement conditional match clause
%type <layout> layout

%%

start:
    START_SPEC spec
  | START_EXPRESSION expression { context->expression = $2; }
  ;

spec:
    %empty
  | spec item { spec_add(context->spec, $2); }
  | spec error {
        yyerrok;
        if (!parse_recover(context)) {
            yyclearin;
        }
        if (context->aborted) {
            YYABORT;
        }
    }
  ;

item: unit | network | import | rewrite ;

unit:
    UNIT NAME '(' parameters ')' block {
        $$ = parsed_item(context, ITEM_UNIT, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->has_parameters = true;
        $$->parameters = $4;
        $$->block = $6;
    }
  ;

network:
    NETWORK NAME optional_named block {
        $$ = parsed_item(context, ITEM_NETWORK, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->text = $3;
        $$->block = $4;
    }
  | NETWORK NAME '(' parameters ')' optional_named block {
        $$ = parsed_item(context, ITEM_NETWORK, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->has_parameters = true;
        $$->parameters = $4;
        $$->text = $6;
        $$->block = $7;
    }
  ;

optional_named:
    %empty { $$ = NULL; }
  | NAMED string { $$ = $2; }
  ;

import:
    IMPORT string {
        $$ = parsed_item(context, ITEM_IMPORT, @$);
        $$->text = $2;
    }
  ;

parameters:
    %empty { $$ = (SpecExpressionList){0}; }
  | parameters_some
  | parameters_some ','
  ;

parameters_some:
    parameter { $$ = parsed_first(context, $1); }
  | parameters_some ',' parameter { $$ = parsed_more(context, $1, $3); }
  ;

parameter:
    NAME { $$ = parsed_argument(context, $1, @1, NULL, @$); }
  | NAME '=' expression { $$ = parsed_argument(context, $1, @1, $3, @$); }
  ;

block:
    '{' open statements '}' {
        $$ = $3;
        $$->where = parse_range(context, @$);
    }
  ;

open: %empty { parse_mark_block(context, false); } ;

open_rewrite: %empty { parse_mark_block(context, true); } ;

statements:
    %empty { $$ = ARENA_NEW(context->arena, SpecBlock); }
  | statements statement {
        $$ = $1;
        block_add(context->arena, $$, $2);
    }
  | statements error {
        $$ = $1;
        yyerrok;
        if (!parse_recover(context)) {
            yyclearin;
        }
        if (context->aborted) {
            YYABORT;
        }
    }
  ;

statement:
    LET patterns '=' expressions {
        $$ = parsed_statement(context, SPEC_STATEMENT_LET, @$);
        $$->targets = $2;
        $$->values = $4;
        $$ = parsed_finish_statement(context, $$);
    }
  | NAME '=' expressions {
        $$ = parsed_statement(context, SPEC_STATEMENT_ASSIGN, @$);
        expression_list_add(context->arena, &$$->targets, parsed_name(context, $1, @1));
        $$->values = $3;
        $$ = parsed_finish_statement(context, $$);
    }
  | NAME ',' patterns '=' expressions {
        $$ = parsed_statement(context, SPEC_STATEMENT_ASSIGN, @$);
        expression_list_add(context->arena, &$$->targets, parsed_name(context, $1, @1));
        for (int i = 0; i < $3.count; i++) {
            expression_list_add(context->arena, &$$->targets, $3.items[i]);
        }
        $$->values = $5;
        $$ = parsed_finish_statement(context, $$);
    }
  | FOR patterns IN operation optional_path block {
        $$ = parsed_statement(context, SPEC_STATEMENT_FOR, @$);
        $$->targets = $2;
        $$->value = $4;
        $$->path = $5;
        $$->block = $6;
        $$ = parsed_finish_statement(context, $$);
    }
  | REPEAT operation optional_path block {
        $$ = parsed_statement(context, SPEC_STATEMENT_REPEAT, @$);
        $$->value = $2;
        $$->path = $3;
        $$->block = $4;
        $$ = parsed_finish_statement(context, $$);
    }
  | SCOPE AT path block {
        $$ = parsed_statement(context, SPEC_STATEMENT_SCOPE, @$);
        $$->path = $3;
        $$->block = $4;
        $$ = parsed_finish_statement(context, $$);
    }
  | conditional
  | RETURN expressions {
        $$ = parsed_statement(context, SPEC_STATEMENT_RETURN, @$);
        $$->values = $2;
        $$ = parsed_finish_statement(context, $$);
    }
  | INPUT NAME ':' NAME '[' items ']' layout initial {
        $$ = parsed_statement(context, SPEC_STATEMENT_INPUT, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->element = $4;
        $$->element_where = parse_range(context, @4);
        $$->values = $6;
        $$->layout = $8;
        $$->value = $9;
        $$ = parsed_finish_statement(context, $$);
    }
  | OUTPUT NAME layout '=' expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_OUTPUT, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->layout = $3;
        $$->value = $5;
        $$ = parsed_finish_statement(context, $$);
    }
  | ANSWER NAME '=' call {
        $$ = parsed_statement(context, SPEC_STATEMENT_ANSWER, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->value = $4;
        $$ = parsed_finish_statement(context, $$);
    }
  | LABELS '=' expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_LABELS, @$);
        $$->value = $3;
        $$ = parsed_finish_statement(context, $$);
    }
  | ASSERT expression ',' expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_ASSERT, @$);
        $$->value = $2;
        $$->message = $4;
        $$ = parsed_finish_statement(context, $$);
    }
  | FAIL expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_FAIL, @$);
        $$->message = $2;
        $$ = parsed_finish_statement(context, $$);
    }
  ;

conditional:
    IF expression block otherwise {
        $$ = parsed_statement(context, SPEC_STATEMENT_IF, @$);
        $$->value = $2;
        $$->block = $3;
        $$->other = $4;
        $$->else_if = $4 && $4->where.file == NULL;
        $$ = parsed_finish_statement(context, $$);
    }
  ;

/* The block of an "else if" has no braces, and no place. */
otherwise:
    %empty { $$ = NULL; }
  | ELSE block { $$ = $2; }
  | ELSE conditional {
        $$ = ARENA_NEW(context->arena, SpecBlock);
        block_add(context->arena, $$, $2);
    }
  ;

layout:
    %empty { $$ = LAYOUT_WORD_NONE; }
  | NCHW { $$ = LAYOUT_WORD_NCHW; }
  | NHWC { $$ = LAYOUT_WORD_NHWC; }
  ;

initial:
    %empty { $$ = NULL; }
  | '=' call { $$ = $2; }
  ;

patterns:
    pattern { $$ = parsed_first(context, $1); }
  | patterns ',' pattern { $$ = parsed_more(context, $1, $3); }
  ;

pattern:
    NAME { $$ = parsed_name(context, $1, @1); }
  | '(' patterns ')' { $$ = parsed_list(context, SPEC_EXPRESSION_LIST, $2, @$); }
  ;

expressions:
    expression { $$ = parsed_first(context, $1); }
  | expressions ',' expression { $$ = parsed_more(context, $1, $3); }
  ;

expression:
    pipeline
  | IF expression THEN expression ELSE expression {
        $$ = parsed_expression(context, SPEC_EXPRESSION_CONDITIONAL, @$);
        $$->condition = $2;
        $$->left = $4;
        $$->right = $6;
        $$ = parsed_finish(context, $$);
    }
  ;

/* A path stands after a whole operation, so that the one after `for x in ...` is the loop's. */
pipeline:
    operation
  | operation AT path { $$ = parsed_at(context, $1, $3, @$); }
  | pipeline PIPE stage {
        $$ = parsed_pipe(context, $1, $3, @$);
    }
  ;

stage:
    function
  | function AT path { $$ = parsed_at(context, $1, $3, @$); }
  ;

function:
    NAME { $$ = parsed_name(context, $1, @1); }
  | call
  ;

operation:
    postfix
  | operation OR operation { $$ = parsed_binary(context, OPERATOR_or, $1, $3, @$); }
  | operation AND operation { $$ = parsed_binary(context, OPERATOR_and, $1, $3, @$); }
  | NOT operation { $$ = parsed_unary(context, OPERATOR_not, $2, @$); }
  | operation EQUAL operation { $$ = parsed_binary(context, OPERATOR_equal, $1, $3, @$); }
  | operation NOT_EQUAL operation { $$ = parsed_binary(context, OPERATOR_not_equal, $1, $3, @$); }
  | operation '<' operation { $$ = parsed_binary(context, OPERATOR_less, $1, $3, @$); }
  | operation LESS_EQUAL operation { $$ = parsed_binary(context, OPERATOR_less_equal, $1, $3, @$); }
  | operation '>' operation { $$ = parsed_binary(context, OPERATOR_greater, $1, $3, @$); }
  | operation GREATER_EQUAL operation {
        $$ = parsed_binary(context, OPERATOR_greater_equal, $1, $3, @$);
    }
  | operation IN operation { $$ = parsed_binary(context, OPERATOR_in, $1, $3, @$); }
  | operation RANGE operation { $$ = parsed_binary(context, OPERATOR_range, $1, $3, @$); }
  | operation '+' operation { $$ = parsed_binary(context, OPERATOR_add, $1, $3, @$); }
  | operation '-' operation { $$ = parsed_binary(context, OPERATOR_subtract, $1, $3, @$); }
  | operation '*' operation { $$ = parsed_binary(context, OPERATOR_multiply, $1, $3, @$); }
  | operation '/' operation { $$ = parsed_binary(context, OPERATOR_divide, $1, $3, @$); }
  | operation FLOOR_DIVIDE operation {
        $$ = parsed_binary(context, OPERATOR_floor_divide, $1, $3, @$);
    }
  | operation '%' operation { $$ = parsed_binary(context, OPERATOR_remainder, $1, $3, @$); }
  | '-' operation %prec NEGATE { $$ = parsed_unary(context, OPERATOR_negate, $2, @$); }
  ;

postfix:
    primary
  | call
  | postfix '[' expression ']' {
        $$ = parsed_expression(context, SPEC_EXPRESSION_INDEX, @$);
        $$->left = $1;
        $$->right = $3;
        $$ = parsed_finish(context, $$);
    }
  | postfix '.' NAME {
        $$ = parsed_expression(context, SPEC_EXPRESSION_MEMBER, @$);
        $$->left = $1;
        $$->name = $3;
        $$->name_where = parse_range(context, @3);
        $$ = parsed_finish(context, $$);
    }
  ;

call:
    NAME '(' arguments ')' {
        $$ = parsed_expression(context, SPEC_EXPRESSION_CALL, @$);
        $$->name = $1;
        $$->name_where = parse_range(context, @1);
        $$->items = $3;
        $$ = parsed_finish(context, $$);
    }
  ;

primary:
    INTEGER { $$ = parsed_expression(context, SPEC_EXPRESSION_INTEGER, @$); $$->integer = $1; }
  | NUMBER { $$ = parsed_expression(context, SPEC_EXPRESSION_NUMBER, @$); $$->number = $1; }
  | TRUE { $$ = parsed_expression(context, SPEC_EXPRESSION_BOOLEAN, @$); $$->boolean = true; }
  | FALSE { $$ = parsed_expression(context, SPEC_EXPRESSION_BOOLEAN, @$); }
  | NAME { $$ = parsed_name(context, $1, @$); }
  | QUOTED { $$ = parsed_expression(context, SPEC_EXPRESSION_ERROR, @$); }
  | string {
        $$ = parsed_expression(context, SPEC_EXPRESSION_STRING, @$);
        $$->text = $1;
        $$ = parsed_finish(context, $$);
    }
  | '(' expression ')' { $$ = $2; $$->where = parse_range(context, @$); }
  | '(' expression ',' items ')' { /* another spelling of a list */
        SpecExpressionList items = {0};
        expression_list_add(context->arena, &items, $2);
        for (int i = 0; i < $4.count; i++) {
            expression_list_add(context->arena, &items, $4.items[i]);
        }
        $$ = parsed_list(context, SPEC_EXPRESSION_LIST, items, @$);
    }
  | '[' items ']' { $$ = parsed_list(context, SPEC_EXPRESSION_LIST, $2, @$); }
  | '{' entries '}' { $$ = parsed_list(context, SPEC_EXPRESSION_TABLE, $2, @$); }
  ;

items:
    %empty { $$ = (SpecExpressionList){0}; }
  | expressions
  | expressions ','
  ;

entries:
    %empty { $$ = (SpecExpressionList){0}; }
  | entries_some
  | entries_some ','
  ;

entries_some:
    entry { $$ = parsed_first(context, $1); }
  | entries_some ',' entry { $$ = parsed_more(context, $1, $3); }
  ;

entry:
    expression ':' expression {
        $$ = parsed_expression(context, SPEC_EXPRESSION_ENTRY, @$);
        $$->left = $1;
        $$->right = $3;
        $$ = parsed_finish(context, $$);
    }
  ;

arguments:
    %empty { $$ = (SpecExpressionList){0}; }
  | arguments_some
  | arguments_some ','
  ;

arguments_some:
    argument { $$ = parsed_first(context, $1); }
  | arguments_some ',' argument { $$ = parsed_more(context, $1, $3); }
  ;

argument:
    expression
  | NAME '=' expression { $$ = parsed_argument(context, $1, @1, $3, @$); }
  ;

optional_path:
    %empty { $$ = NULL; }
  | AT path { $$ = $2; }
  ;

path: path_parts PATH_END { $$ = parsed_finish_template(context, $1, @1); } ;

path_parts:
    %empty { $$ = parsed_template(context); }
  | path_parts TEXT { $$ = $1; parsed_add_text(context, $$, $2); }
  | path_parts INTERPOLATION_BEGIN expression INTERPOLATION_END {
        $$ = $1;
        template_add(context->arena, $$, NULL, $3);
    }
  | path_parts STRING_BEGIN string_parts STRING_END {
        $$ = $1;
        for (int i = 0; i < $3->count; i++) {
            if ($3->parts[i].text) {
                parsed_add_text(context, $$, $3->parts[i].text);
            } else {
                template_add(context->arena, $$, NULL, $3->parts[i].expression);
            }
        }
    }
  ;

string: STRING_BEGIN string_parts STRING_END { $$ = parsed_finish_template(context, $2, @$); } ;

string_parts:
    %empty { $$ = parsed_template(context); }
  | string_parts TEXT { $$ = $1; parsed_add_text(context, $$, $2); }
  | string_parts INTERPOLATION_BEGIN expression INTERPOLATION_END {
        $$ = $1;
        template_add(context->arena, $$, NULL, $3);
    }
  ;

rewrite:
    REWRITE NAME '(' parameters ')' rewrite_block {
        $$ = parsed_item(context, ITEM_REWRITE, @$);
        $$->name = $2;
        $$->name_where = parse_range(context, @2);
        $$->has_parameters = true;
        $$->parameters = $4;
        $$->block = $6;
    }
  ;

rewrite_block:
    '{' open_rewrite clauses '}' {
        $$ = $3;
        $$->where = parse_range(context, @$);
    }
  ;

/* What is replaced stands first: a clause begins with a word, so it ends where the next begins. */
clauses:
    match {
        $$ = ARENA_NEW(context->arena, SpecBlock);
        block_add(context->arena, $$, $1);
    }
  | error {
        $$ = ARENA_NEW(context->arena, SpecBlock);
        yyerrok;
        if (!parse_recover(context)) {
            yyclearin;
        }
        if (context->aborted) {
            YYABORT;
        }
    }
  | clauses clause {
        $$ = $1;
        block_add(context->arena, $$, $2);
    }
  | clauses error {
        $$ = $1;
        yyerrok;
        if (!parse_recover(context)) {
            yyclearin;
        }
        if (context->aborted) {
            YYABORT;
        }
    }
  ;

match:
    expressions BECOMES expressions {
        $$ = parsed_statement(context, SPEC_STATEMENT_MATCH, @$);
        $$->targets = $1;
        $$->values = $3;
        $$ = parsed_finish_statement(context, $$);
    }
  ;

clause:
    WHERE expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_WHERE, @$);
        $$->value = $2;
        $$ = parsed_finish_statement(context, $$);
    }
  | LET NAME '=' expression {
        $$ = parsed_statement(context, SPEC_STATEMENT_LET, @$);
        expression_list_add(context->arena, &$$->targets, parsed_name(context, $2, @2));
        expression_list_add(context->arena, &$$->values, $4);
        $$ = parsed_finish_statement(context, $$);
    }
  ;

%%

/* Words for the expected tokens: sets that a reader knows by one name are named so. */
static const char *expected_word(yysymbol_kind_t symbol, bool statement, bool expression,
    bool operation) {
    switch (symbol) {
    case YYSYMBOL_LET:
        return statement ? "a statement" : yysymbol_name(symbol);
    case YYSYMBOL_INTEGER:
        return "an expression";
    case YYSYMBOL_NAME:
        return statement || expression ? NULL : "a name";
    case YYSYMBOL_IF:
        return NULL;
    case YYSYMBOL_FOR: case YYSYMBOL_REPEAT: case YYSYMBOL_SCOPE: case YYSYMBOL_RETURN:
    case YYSYMBOL_INPUT: case YYSYMBOL_OUTPUT: case YYSYMBOL_ANSWER: case YYSYMBOL_LABELS: case YYSYMBOL_ASSERT: case YYSYMBOL_FAIL:
        return statement ? NULL : yysymbol_name(symbol);
    case YYSYMBOL_NUMBER: case YYSYMBOL_TRUE: case YYSYMBOL_FALSE: case YYSYMBOL_STRING_BEGIN:
    case YYSYMBOL_QUOTED: case YYSYMBOL_NOT: case YYSYMBOL_NEGATE:
        return expression ? NULL : yysymbol_name(symbol);
    case YYSYMBOL_OR: case YYSYMBOL_AND: case YYSYMBOL_IN: case YYSYMBOL_EQUAL: case YYSYMBOL_NOT_EQUAL:
    case YYSYMBOL_LESS_EQUAL: case YYSYMBOL_GREATER_EQUAL: case YYSYMBOL_RANGE:
    case YYSYMBOL_FLOOR_DIVIDE: case YYSYMBOL_PIPE: case YYSYMBOL_AT:
        return operation ? NULL : yysymbol_name(symbol);
    case YYSYMBOL_TEXT: case YYSYMBOL_PATH_END: case YYSYMBOL_STRING_END:
    case YYSYMBOL_INTERPOLATION_BEGIN: case YYSYMBOL_START_SPEC: case YYSYMBOL_START_EXPRESSION:
        return NULL;
    default:
        break;
    }
    const char *name = yysymbol_name(symbol);
    if (name[0] == '\'' && strchr("+-*/%<>.", name[1]) && (operation || expression)) {
        return NULL;
    }
    if (name[0] == '\'' && strchr("([{", name[1]) && (operation || expression)) {
        return name[1] == '{' && operation && !expression ? name : NULL;
    }
    return name;
}

static void append_expected(Text *text, const yypcontext_t *place) {
    yysymbol_kind_t expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(place, expected, YYNTOKENS);
    bool statement = false, expression = false, operation = false;
    for (int i = 0; i < count; i++) {
        statement = statement || expected[i] == YYSYMBOL_REPEAT;
        expression = expression || expected[i] == YYSYMBOL_INTEGER;
        operation = operation || expected[i] == YYSYMBOL_RANGE || expected[i] == YYSYMBOL_PIPE;
    }
    const char *words[YYNTOKENS];
    int word_count = 0;
    for (int i = 0; i < count; i++) {
        const char *word = expected_word(expected[i], statement, expression, operation);
        if (word) {
            words[word_count++] = word;
        }
    }
    if (word_count > 5) {
        return;
    }
    for (int i = 0; i < word_count; i++) {
        bool quoted = words[i][0] == '\'' || strchr(words[i], ' ') != NULL;
        text_append(text, i == 0 ? ", expected " : i + 1 < word_count ? ", " : " or ");
        text_format(text, quoted ? "%s" : "'%s'", words[i]);
    }
}

static int yyreport_syntax_error(const yypcontext_t *place, ParseContext *context) {
    yysymbol_kind_t token = yypcontext_token(place);
    const char *what = token == YYSYMBOL_YYEOF          ? "end of file"
                       : token == YYSYMBOL_STRING_BEGIN ? "string"
                       : token == YYSYMBOL_PATH_END     ? "end of the weight path"
                                                        : NULL;
    Text expected = {0};
    text_append(&expected, "");
    append_expected(&expected, place);
    parse_report_unexpected(context, *yypcontext_location(place), what, expected.data);
    text_free(&expected);
    return 0;
}

/* Bison calls this only when its stack is full. */
static void rfl_error(const YYLTYPE *where, ParseContext *context, const char *message) {
    (void)message;
    if (!context->aborted) {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, parse_range(context, *where), NULL,
            "nested too deeply");
    }
}
