/* Rules of a spec and of what it imports. */
#include "frontend/rules.h"
#include "frontend/evaluate.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rule_complain(
    RuleReader *reader, SourceRange where, const char *hint, const char *format, ...) {
    reader->failed = true;
    va_list arguments;
    va_start(arguments, format);
    diagnostics_report_arguments(
        reader->diagnostics, SEVERITY_ERROR, where, hint, format, arguments);
    va_end(arguments);
}

/* ---- names ---- */

int rule_parameter(const RuleReader *reader, const char *name) {
    int i = reader->parameter_count - 1;
    while (i >= 0 && strcmp(reader->parameters[i], name) != 0)
        i--;
    return i;
}

int rule_label(const RuleReader *reader, const char *name) {
    int i = reader->node_count - 1;
    while (i >= 0 && (reader->nodes[i].label == NULL || strcmp(reader->nodes[i].label, name) != 0))
        i--;
    return i;
}

int rule_variable(const RuleReader *reader, const char *name) {
    int i = reader->variable_count - 1;
    while (i >= 0 && strcmp(reader->variables[i].name, name) != 0)
        i--;
    return i;
}

void rule_add_variable(
    RuleReader *reader, const char *name, const RuleExpression *value, SourceRange where) {
    if (reader->variable_count == MOST_RULE_NAMES) {
        rule_complain(reader, where, NULL, "a rule has at most %d names", MOST_RULE_NAMES);
        return;
    }
    reader->variables[reader->variable_count++] = (RuleVariable){name, value};
}

static void read_parameters(RuleReader *reader, const SpecExpressionList *parameters) {
    for (int i = 0; i < parameters->count; i++) {
        const SpecExpression *parameter = parameters->items[i];
        if (parameter->right != NULL)
            rule_complain(reader, parameter->where, NULL,
                "the parameters of a rule are tensors, which have no defaults");
        else if (rule_parameter(reader, parameter->name) >= 0)
            rule_complain(
                reader, parameter->where, NULL, "the parameter '%s' stands twice", parameter->name);
        else if (strcmp(parameter->name, "any") == 0)
            rule_complain(reader, parameter->where, NULL, "'any' means something in rules");
        else if (reader->parameter_count == MOST_RULE_NAMES)
            rule_complain(reader, parameter->where, NULL, "a rule has at most %d parameters",
                MOST_RULE_NAMES);
        else
            reader->parameters[reader->parameter_count++] = parameter->name;
    }
}

/* ---- the parts of a rule ---- */

static bool is_root(const int *roots, int count, int node) {
    int i = 0;
    while (i < count && roots[i] != node)
        i++;
    return i < count;
}

static void read_pattern(RuleReader *reader, const SpecStatement *match, int *roots) {
    for (int i = 0; i < match->targets.count; i++) {
        const SpecExpression *target = match->targets.items[i];
        RuleOperand root;
        if (!rule_read_operand(reader, target, &root))
            continue;
        if (root.node < 0 || root.index != 0 || is_root(roots, i, root.node))
            rule_complain(reader, target->where, NULL,
                "the first result of an op is what a rule replaces, of each op once");
        roots[i] = root.node;
    }
    reader->pattern_count = reader->node_count;
    rule_read_arguments(reader, 0);
}

/* What is replaced is gone: nothing that takes its place may read it. */
static void check_reads(
    RuleReader *reader, RuleOperand operand, const int *roots, int root_count, SourceRange where) {
    if (operand.node >= 0 && is_root(roots, root_count, operand.node))
        rule_complain(reader, where, NULL, "the result reads what it replaces");
}

static void read_results(
    RuleReader *reader, const SpecStatement *match, const int *roots, RuleOperand *results) {
    reader->in_result = true;
    int root_count = match->targets.count;
    if (match->values.count != root_count)
        rule_complain(reader, match->where, NULL, "%d tensor%s to be replaced by %d", root_count,
            root_count == 1 ? " is" : "s are", match->values.count);
    for (int i = 0; i < match->values.count && i < root_count; i++)
        if (rule_read_operand(reader, match->values.items[i], &results[i]))
            check_reads(reader, results[i], roots, root_count, match->values.items[i]->where);
    for (int i = reader->pattern_count; i < reader->node_count; i++)
        for (int k = 0; k < reader->nodes[i].operand_count; k++)
            check_reads(
                reader, reader->nodes[i].operands[k], roots, root_count, reader->nodes[i].where);
}

static void check_parameters_read(RuleReader *reader, const Item *item) {
    for (int i = 0; i < reader->parameter_count; i++)
        if (!reader->read[i])
            rule_complain(reader, item->name_where, NULL, "the pattern does not read '%s'",
                reader->parameters[i]);
}

/* Each part of an 'and' is a condition of its own, so that it can be said which failed. */
static int read_condition(RuleReader *reader, const SpecExpression *expression,
    const RuleExpression **conditions, int count) {
    if (expression->kind == SPEC_EXPRESSION_BINARY && expression->operation == OPERATOR_and) {
        count = read_condition(reader, expression->left, conditions, count);
        return read_condition(reader, expression->right, conditions, count);
    }
    if (count == MOST_RULE_NAMES) {
        rule_complain(
            reader, expression->where, NULL, "a rule has at most %d conditions", MOST_RULE_NAMES);
        return count;
    }
    conditions[count] = rule_read_expression(reader, expression);
    return count + 1;
}

static void read_let(RuleReader *reader, const SpecStatement *statement) {
    const SpecExpression *target = statement->targets.items[0];
    bool taken = rule_variable(reader, target->name) >= 0 ||
                 rule_parameter(reader, target->name) >= 0 || rule_label(reader, target->name) >= 0;
    if (taken)
        rule_complain(reader, target->where, NULL, "the name '%s' is taken", target->name);
    const RuleExpression *value = rule_read_expression(reader, statement->values.items[0]);
    if (!taken && value != NULL)
        rule_add_variable(reader, target->name, value, target->where);
}

static const char *summary_of(const Item *item, Arena *arena) {
    const char *summary = NULL;
    for (int i = 0; i < item->trivia.comment_count; i++) {
        const char *comment = item->trivia.comments[i];
        while (isspace((unsigned char)*comment))
            comment++;
        summary = summary == NULL ? comment : arena_format(arena, "%s %s", summary, comment);
    }
    return summary;
}

static Rule *finish_rule(RuleReader *reader, const Item *item, const int *roots,
    const RuleOperand *results, int root_count) {
    Arena *arena = reader->arena;
    Rule *rule = ARENA_NEW(arena, Rule);
    rule->name = item->name;
    rule->summary = summary_of(item, arena);
    rule->where = item->name_where;
    rule->parameters = arena_grow(arena, reader->parameters, (size_t)reader->parameter_count,
        (size_t)reader->parameter_count + 1, sizeof *reader->parameters);
    rule->parameter_count = reader->parameter_count;
    rule->variables = arena_grow(arena, reader->variables, (size_t)reader->variable_count,
        (size_t)reader->variable_count + 1, sizeof *reader->variables);
    rule->variable_count = reader->variable_count;
    rule->nodes = arena_grow(arena, reader->nodes, (size_t)reader->node_count,
        (size_t)reader->node_count + 1, sizeof *reader->nodes);
    rule->node_count = reader->node_count;
    rule->pattern_count = reader->pattern_count;
    rule->roots = roots;
    rule->results = results;
    rule->root_count = root_count;
    return rule;
}

static const Rule *read_rule(const Item *item, Arena *arena, Diagnostics *diagnostics) {
    RuleReader *reader = ARENA_NEW(arena, RuleReader);
    reader->arena = arena;
    reader->diagnostics = diagnostics;
    const SpecStatement *match = item->block->items[0];
    int root_count = match->targets.count;
    int *roots = ARENA_ARRAY(arena, int, root_count + 1);
    RuleOperand *results = ARENA_ARRAY(arena, RuleOperand, root_count + 1);
    const RuleExpression **conditions =
        ARENA_ARRAY(arena, const RuleExpression *, MOST_RULE_NAMES + 1);
    int condition_count = 0;
    read_parameters(reader, &item->parameters);
    read_pattern(reader, match, roots);
    if (reader->failed)
        return NULL;
    check_parameters_read(reader, item);
    read_results(reader, match, roots, results);
    for (int i = 1; i < item->block->count; i++) {
        const SpecStatement *statement = item->block->items[i];
        if (statement->kind == SPEC_STATEMENT_LET)
            read_let(reader, statement);
        else
            condition_count = read_condition(reader, statement->value, conditions, condition_count);
    }
    rule_read_arguments(reader, reader->pattern_count);
    if (reader->failed)
        return NULL;
    Rule *rule = finish_rule(reader, item, roots, results, root_count);
    rule->conditions = conditions;
    rule->condition_count = condition_count;
    return rule;
}

/* ---- files ---- */

typedef struct RuleFiles {
    bool own; /* what is imported is left alone */
    const char *names[IMPORT_LIMIT];
    int count;
    RuleList *rules;
    Arena *arena;
    Diagnostics *diagnostics;
} RuleFiles;

/* False when the file was read before. */
static bool note_file(RuleFiles *files, const char *path) {
    char *real = realpath(path, NULL);
    const char *name = arena_copy_string(files->arena, real != NULL ? real : path);
    free(real);
    for (int i = 0; i < files->count; i++)
        if (strcmp(files->names[i], name) == 0)
            return false;
    if (files->count == IMPORT_LIMIT)
        return false; /* the elaborator reports it */
    files->names[files->count++] = name;
    return true;
}

static bool collect(RuleFiles *files, const Spec *spec);

static bool collect_import(RuleFiles *files, const Spec *spec, const Item *item) {
    const char *path = import_path(files->arena, spec->file, item);
    if (path == NULL) {
        diagnostics_report(files->diagnostics, SEVERITY_ERROR, item->where,
            "as in import \"units.rfl\"", "'import' takes the name of a file");
        return false;
    }
    if (!note_file(files, path))
        return true;
    if (access(path, R_OK) != 0) {
        diagnostics_report(files->diagnostics, SEVERITY_ERROR, item->where,
            "the name is relative to the file that imports it", "cannot open '%s': %s", path,
            strerror(errno));
        return false;
    }
    const Spec *imported = spec_read(path, files->arena, files->diagnostics);
    return imported != NULL && collect(files, imported);
}

static bool collect(RuleFiles *files, const Spec *spec) {
    bool good = true;
    for (int i = 0; i < spec->count; i++) {
        const Item *item = spec->items[i];
        if (item->kind == ITEM_IMPORT && !files->own)
            good = collect_import(files, spec, item) && good;
        if (item->kind != ITEM_REWRITE)
            continue;
        const Rule *rule = read_rule(item, files->arena, files->diagnostics);
        good = rule != NULL && good;
        if (rule == NULL)
            continue;
        ARENA_GROW(
            files->arena, files->rules->rules, files->rules->count, files->rules->capacity, 8);
        files->rules->rules[files->rules->count++] = rule;
    }
    return good;
}

bool spec_rules(const Spec *spec, RuleList *rules, Arena *arena, Diagnostics *diagnostics) {
    RuleFiles files = {.rules = rules, .arena = arena, .diagnostics = diagnostics};
    note_file(&files, spec->file->name);
    return collect(&files, spec);
}

void spec_check_rules(const Spec *spec, Arena *arena, Diagnostics *diagnostics) {
    RuleList rules = {0};
    RuleFiles files = {.own = true, .rules = &rules, .arena = arena, .diagnostics = diagnostics};
    collect(&files, spec);
}

bool rules_read(const char *path, RuleList *rules, Arena *arena, Diagnostics *diagnostics) {
    int before = rules->count;
    const Spec *spec = spec_read(path, arena, diagnostics);
    if (spec == NULL || !spec_rules(spec, rules, arena, diagnostics))
        return false;
    if (rules->count > before)
        return true;
    diagnostics_error(diagnostics, "as in rewrite relu_twice(x) { x |> relu |> relu => x |> relu }",
        "there is no rewrite in '%s'", path);
    return false;
}
