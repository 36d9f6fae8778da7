#include "backends/emit/c/syntax.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include "ir/quote.h"
#include "ir/text.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- what occurs, and where ---- */

static void use_expression(Syntax *syntax, const Expression *expression) {
    if (!expression)
        return;
    if (expression->kind == EXPRESSION_VARIABLE)
        syntax->variable_is_used[expression->variable] = true;
    if (expression->kind == EXPRESSION_ELEMENT)
        syntax->parameter_is_used[expression->variable] = true;
    use_expression(syntax, expression->left);
    use_expression(syntax, expression->right);
}

/* An instruction without effect on anything that is stored is left out. */
static bool is_dead(const Syntax *syntax, const Instruction *instruction) {
    return instruction->destination >= 0 && syntax->used_lanes[instruction->destination] == 0;
}

/* A variable that the rest of the block does not use is left out, too. */
static void use_statements(Syntax *syntax, const Statement *statement) {
    for (; statement; statement = statement->next) {
        if (statement->kind == STATEMENT_LET) {
            use_statements(syntax, statement->next);
            if (syntax->variable_is_used[statement->variable])
                use_expression(syntax, statement->begin);
            return;
        }
        if (statement->kind != STATEMENT_INSTRUCTION) {
            use_expression(syntax, statement->begin);
            use_expression(syntax, statement->end);
            use_statements(syntax, statement->body.first);
            continue;
        }
        const Instruction *instruction = &statement->instruction;
        if (instruction_info(instruction->kind)->access == ACCESS_NONE ||
            is_dead(syntax, instruction))
            continue;
        use_expression(syntax, instruction->offset);
        if (instruction->parameter < MAX_KERNEL_PARAMETERS)
            syntax->parameter_is_used[instruction->parameter] = true;
    }
}

/* Going through the text, where "time" counts instructions. A register's home is the innermost
 * block with all its occurrences: the innermost open block at the last of them that was already
 * open at the first. */
typedef struct HomeSearch {
    Syntax *syntax;
    int time, depth;
    const Block *open[32];
    int opened_at[32];   /* times */
    int *first_met;      /* per register: time, 0 for never */
    const Block **first; /* per register: the block whose statement met it first, to write it */
} HomeSearch;

static void meet_register(HomeSearch *search, int index, bool is_write) {
    if (search->first_met[index] == 0) {
        search->first_met[index] = search->time;
        search->first[index] = is_write ? search->open[search->depth] : NULL;
    }
    int depth = search->depth;
    while (search->opened_at[depth] > search->first_met[index])
        depth--;
    search->syntax->homes[index] = search->open[depth];
}

static void search_block(HomeSearch *search, const Block *block) {
    assert(search->depth < (int)(sizeof search->open / sizeof *search->open));
    search->open[search->depth] = block;
    search->opened_at[search->depth] = ++search->time;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind != STATEMENT_INSTRUCTION) {
            search->depth++;
            search_block(search, &statement->body);
            search->depth--;
            continue;
        }
        const Instruction *instruction = &statement->instruction;
        search->time++;
        if (is_dead(search->syntax, instruction))
            continue;
        int sources = instruction_info(instruction->kind)->source_count;
        for (int i = 0; i < sources; i++)
            meet_register(search, instruction->sources[i], false);
        if (instruction->destination >= 0)
            meet_register(search, instruction->destination, true);
    }
}

/* When a register's first occurrence is a statement of its home, and writes it, that statement
 * declares it: whenever the block is entered, it is written before it is read. All others belong to
 * the function. */
static void find_homes(Syntax *syntax) {
    int count = syntax->kernel->register_count;
    HomeSearch search = {.syntax = syntax};
    search.first_met = ARENA_ARRAY(syntax->arena, int, count + 1);
    search.first = ARENA_ARRAY(syntax->arena, const Block *, count + 1);
    search_block(&search, &syntax->kernel->body);
    for (int i = 0; i < count; i++)
        if (search.first[i] != syntax->homes[i])
            syntax->homes[i] = NULL;
}

/* ---- names ---- */

/* Whether another variable, or a parameter, has the variable's name. */
static bool is_repeated(const Syntax *syntax, int variable) {
    const Kernel *kernel = syntax->kernel;
    const char *name = kernel->variables[variable];
    for (int i = 0; i < kernel->variable_count; i++)
        if (i != variable && strcmp(kernel->variables[i], name) == 0)
            return true;
    for (int i = 0; i < kernel->parameter_count; i++)
        if (strcmp(syntax->parameters[i], name) == 0)
            return true;
    return false;
}

static void make_names(Syntax *syntax) {
    const Kernel *kernel = syntax->kernel;
    syntax->parameters = kernel_parameter_names(kernel, syntax->arena);
    syntax->variables = ARENA_ARRAY(syntax->arena, const char *, kernel->variable_count);
    for (int i = 0; i < kernel->variable_count; i++)
        syntax->variables[i] = is_repeated(syntax, i)
                                   ? arena_format(syntax->arena, "%s%d", kernel->variables[i], i)
                                   : kernel->variables[i];
    for (int i = 0; i < kernel->local_count; i++)
        syntax->locals[i] = arena_format(syntax->arena, "local%d", i);
}

Syntax syntax_begin(const Dialect *dialect, const Kernel *kernel, Arena *arena, Text *out) {
    Syntax syntax = {.dialect = dialect, .kernel = kernel, .arena = arena, .out = out};
    int registers = kernel->register_count + 1;
    syntax.variable_is_used = ARENA_ARRAY(arena, bool, kernel->variable_count);
    syntax.parameter_is_used = ARENA_ARRAY(arena, bool, kernel->parameter_count + 1);
    syntax.parameter_is_entry = ARENA_ARRAY(arena, bool, kernel->parameter_count + 1);
    syntax.used_lanes = kernel_used_lanes(kernel, arena);
    syntax.homes = ARENA_ARRAY(arena, const Block *, registers);
    syntax.declared = ARENA_ARRAY(arena, bool, registers);
    make_names(&syntax);
    use_statements(&syntax, kernel->body.first);
    find_homes(&syntax);
    return syntax;
}

/* ---- expressions ---- */

enum { PRECEDENCE_SUM = 1, PRECEDENCE_PRODUCT, PRECEDENCE_UNIT };

static void append_at(Syntax *syntax, const Expression *expression, int precedence);

/* The summand is subtracted when that saves a sign: x + y * -2 is x - y * 2. */
static bool is_negative(const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return expression->constant < 0 && expression->constant > INT64_MIN;
    return expression->kind == EXPRESSION_MULTIPLY &&
           expression->right->kind == EXPRESSION_CONSTANT && is_negative(expression->right);
}

static void append_negated(Syntax *syntax, const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT) {
        text_format(syntax->out, "%" PRId64, -expression->constant);
        return;
    }
    append_at(syntax, expression->left, PRECEDENCE_PRODUCT);
    if (expression->right->constant != -1)
        text_format(syntax->out, " * %" PRId64, -expression->right->constant);
}

static void append_sum(Syntax *syntax, const Expression *expression) {
    const Expression *first = expression->left, *second = expression->right;
    if (is_negative(first) && !is_negative(second)) {
        first = expression->right;
        second = expression->left;
    }
    append_at(syntax, first, PRECEDENCE_SUM);
    text_append(syntax->out, is_negative(second) ? " - " : " + ");
    if (is_negative(second))
        append_negated(syntax, second);
    else
        append_at(syntax, second, PRECEDENCE_SUM);
}

static void append_product(Syntax *syntax, const Expression *expression, const char *operator) {
    append_at(syntax, expression->left, PRECEDENCE_PRODUCT);
    text_append(syntax->out, operator);
    append_at(syntax, expression->right, PRECEDENCE_UNIT);
}

static void append_call(Syntax *syntax, const Expression *expression, const char *function) {
    text_format(syntax->out, "%s(", function);
    append_at(syntax, expression->left, PRECEDENCE_SUM);
    text_append(syntax->out, ", ");
    append_at(syntax, expression->right, PRECEDENCE_SUM);
    text_append(syntax->out, ")");
}

static int precedence_of(const Expression *expression) {
    switch (expression->kind) {
    case EXPRESSION_ADD:
        return PRECEDENCE_SUM;
    case EXPRESSION_MULTIPLY:
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
        return PRECEDENCE_PRODUCT;
    case EXPRESSION_CONSTANT:
        return expression->constant < 0 ? PRECEDENCE_SUM : PRECEDENCE_UNIT;
    case EXPRESSION_VARIABLE:
    case EXPRESSION_MINIMUM:
    case EXPRESSION_MAXIMUM:
    case EXPRESSION_ELEMENT:
        return PRECEDENCE_UNIT;
    }
    return PRECEDENCE_UNIT;
}

/* An entry of a table. */
static void append_entry(Syntax *syntax, const Expression *expression) {
    if (syntax->parameter_is_entry[expression->variable]) {
        text_append(syntax->out, syntax->parameters[expression->variable]);
        return;
    }
    if (!syntax->dialect->table) {
        syntax_element(syntax, expression->variable, expression->left);
        return;
    }
    text_format(
        syntax->out, "%s(%s, ", syntax->dialect->table, syntax->parameters[expression->variable]);
    syntax_expression(syntax, expression->left);
    text_append(syntax->out, ")");
}

static void append_expression(Syntax *syntax, const Expression *expression) {
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        text_format(syntax->out, "%" PRId64, expression->constant);
        return;
    case EXPRESSION_VARIABLE:
        text_append(syntax->out, syntax->variables[expression->variable]);
        return;
    case EXPRESSION_ADD:
        append_sum(syntax, expression);
        return;
    case EXPRESSION_MULTIPLY:
        append_product(syntax, expression, " * ");
        return;
    case EXPRESSION_DIVIDE:
        append_product(syntax, expression, " / ");
        return;
    case EXPRESSION_REMAINDER:
        append_product(syntax, expression, " % ");
        return;
    case EXPRESSION_MINIMUM:
        append_call(syntax, expression, syntax->dialect->minimum);
        return;
    case EXPRESSION_MAXIMUM:
        append_call(syntax, expression, syntax->dialect->maximum);
        return;
    case EXPRESSION_ELEMENT:
        append_entry(syntax, expression);
        return;
    }
}

static void append_at(Syntax *syntax, const Expression *expression, int precedence) {
    bool parentheses = precedence_of(expression) < precedence;
    text_append(syntax->out, parentheses ? "(" : "");
    append_expression(syntax, expression);
    text_append(syntax->out, parentheses ? ")" : "");
}

void syntax_expression(Syntax *syntax, const Expression *expression) {
    append_at(syntax, expression, PRECEDENCE_SUM);
}

void syntax_element(Syntax *syntax, int parameter, const Expression *offset) {
    int local = parameter - MAX_KERNEL_PARAMETERS;
    text_append(syntax->out, local >= 0 ? syntax->locals[local] : syntax->parameters[parameter]);
    text_append(syntax->out, "[");
    syntax_expression(syntax, offset);
    text_append(syntax->out, "]");
}

void syntax_address(Syntax *syntax, const Instruction *instruction) {
    text_append(syntax->out, "&");
    syntax_element(syntax, instruction->parameter, instruction->offset);
}

int syntax_lanes(const Syntax *syntax, int index) {
    return syntax->kernel->register_lanes[index];
}

void syntax_register(Syntax *syntax, int index) {
    text_format(syntax->out, "v%d", index);
}

void syntax_float(Text *out, float value) {
    if (isnan(value)) {
        text_append(out, "NAN");
        return;
    }
    if (isinf(value)) {
        text_append(out, value < 0 ? "-INFINITY" : "INFINITY");
        return;
    }
    text_append_float(out, value);
    text_append(out, "f");
}

void syntax_comment(Text *out, const char *words) {
    for (const char *at = words; *at != '\0'; at++) {
        bool ends = (at[0] == '*' && at[1] == '/') || (at[0] == '/' && at[1] == '*');
        bool joins = *at == '\\' || *at == '?'; /* lines, the second in trigraphs */
        if (ends || joins || quote_shown(at) != 1)
            quote_byte(out, *at);
        else
            text_append_bytes(out, at, 1);
    }
}

/* ---- statements ---- */

void syntax_declarations(Syntax *syntax, int indent) {
    const Kernel *kernel = syntax->kernel;
    for (int i = 0; i < kernel->register_count; i++) {
        if (syntax->used_lanes[i] == 0 || syntax->homes[i])
            continue;
        text_format(syntax->out, "%*s", indent, "");
        syntax->dialect->type(syntax, i);
        text_append(syntax->out, " ");
        syntax_register(syntax, i);
        /* A zero, so that no compiler warns of a loop that might not run. */
        text_append(syntax->out, " = ");
        Instruction zero = {.kind = INSTRUCTION_splat, .destination = i};
        syntax->dialect->value(syntax, &zero);
        text_append(syntax->out, ";\n");
        syntax->declared[i] = true;
    }
}

static void append_instruction(Syntax *syntax, const Instruction *instruction, int indent) {
    if (is_dead(syntax, instruction))
        return;
    text_format(syntax->out, "%*s", indent, "");
    if (instruction->destination < 0) {
        syntax->dialect->effect(syntax, instruction);
        text_append(syntax->out, ";\n");
        return;
    }
    int destination = instruction->destination;
    if (!syntax->declared[destination]) {
        syntax->dialect->type(syntax, destination);
        text_append(syntax->out, " ");
        syntax->declared[destination] = true;
    }
    syntax_register(syntax, destination);
    text_append(syntax->out, " = ");
    syntax->dialect->value(syntax, instruction);
    text_append(syntax->out, ";\n");
}

static bool has_loop(const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_FOR || has_loop(&statement->body))
            return true;
    return false;
}

/* Trips of a loop whose bounds are constants; else more than any limit. */
static int64_t known_trips(const Statement *statement) {
    if (statement->begin->kind != EXPRESSION_CONSTANT ||
        statement->end->kind != EXPRESSION_CONSTANT)
        return INT32_MAX;
    return (statement->end->constant - statement->begin->constant - 1) / statement->step + 1;
}

/* Instructions of the block with all its loops unrolled, or more than any limit. */
static int64_t unrolled_size(const Block *block) {
    int64_t size = 0;
    for (const Statement *statement = block->first; statement && size < INT32_MAX;
        statement = statement->next) {
        if (statement->kind == STATEMENT_INSTRUCTION)
            size++;
        else if (statement->kind == STATEMENT_FOR)
            size += known_trips(statement) * unrolled_size(&statement->body);
        else
            size += unrolled_size(&statement->body);
    }
    return size < INT32_MAX ? size : INT32_MAX;
}

/* A few trips; those of loops around others only where little code comes of it. */
static bool is_short(const Statement *statement) {
    enum { MOST_TRIPS = 16, MOST_INSTRUCTIONS = 32 };
    int64_t trips = known_trips(statement);
    return trips <= MOST_TRIPS && (!has_loop(&statement->body) ||
                                      trips * unrolled_size(&statement->body) <= MOST_INSTRUCTIONS);
}

static const char *before_for(const Dialect *dialect, const Statement *statement) {
    if (dialect->before_short_loop && is_short(statement))
        return dialect->before_short_loop;
    if (dialect->before_inner_loop && !has_loop(&statement->body))
        return dialect->before_inner_loop;
    return dialect->before_loop;
}

static void append_for(Syntax *syntax, const Statement *statement, int indent) {
    Text *out = syntax->out;
    const char *name = syntax->variables[statement->variable];
    const char *before = before_for(syntax->dialect, statement);
    if (before)
        text_format(out, "%*s%s\n", indent, "", before);
    text_format(out, "%*sfor (%s %s = ", indent, "", syntax->dialect->index_type, name);
    syntax_expression(syntax, statement->begin);
    text_format(out, "; %s < ", name);
    syntax_expression(syntax, statement->end);
    if (statement->step == 1)
        text_format(out, "; %s++) {\n", name);
    else
        text_format(out, "; %s += %" PRId64 ") {\n", name, statement->step);
}

static void append_let(Syntax *syntax, const Statement *statement, int indent) {
    if (!syntax->variable_is_used[statement->variable])
        return;
    text_format(syntax->out, "%*sconst %s %s = ", indent, "", syntax->dialect->index_type,
        syntax->variables[statement->variable]);
    syntax_expression(syntax, statement->begin);
    text_append(syntax->out, ";\n");
}

static void append_block(Syntax *syntax, const Block *block, int indent) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        switch (statement->kind) {
        case STATEMENT_INSTRUCTION:
            append_instruction(syntax, &statement->instruction, indent);
            continue;
        case STATEMENT_LET:
            append_let(syntax, statement, indent);
            continue;
        case STATEMENT_FOR:
            append_for(syntax, statement, indent);
            break;
        case STATEMENT_IF:
            text_format(syntax->out, "%*sif (", indent, "");
            syntax_expression(syntax, statement->begin);
            text_append(syntax->out, " < ");
            syntax_expression(syntax, statement->end);
            text_append(syntax->out, ") {\n");
            break;
        }
        append_block(syntax, &statement->body, indent + 4);
        text_format(syntax->out, "%*s}\n", indent, "");
    }
}

void syntax_body(Syntax *syntax, int indent) {
    append_block(syntax, &syntax->kernel->body, indent);
}
