#include "frontend/analysis.h"

#include "frontend/analysis_scope.h"
#include "frontend/cursor.h"
#include "ir/rule.h"

#include <string.h>

struct SpecAnalysis {
    const Spec *spec; /* without what could not be read, when it is not complete */
    bool complete;
    Evaluator *evaluator;
    Arena *arena;
};

static bool has_network(const Spec *spec) {
    for (int i = 0; i < spec->count; i++)
        if (spec->items[i]->kind == ITEM_NETWORK)
            return true;
    return false;
}

/* Of a text with syntax errors no more is said: much would only follow from those. A file of units
 * for others to import has no network, and lacks none. */
SpecAnalysis *spec_analyse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    SpecAnalysis *analysis = ARENA_NEW(arena, SpecAnalysis);
    analysis->arena = arena;
    analysis->spec = spec_parse_partly(file, arena, diagnostics, &analysis->complete);
    Diagnostics *unheard = diagnostics_create();
    analysis->evaluator =
        evaluator_create(analysis->spec, arena, analysis->complete ? diagnostics : unheard);
    if (analysis->complete && has_network(analysis->spec)) {
        if (evaluator_run(analysis->evaluator, NULL, 0))
            graph_verify(analysis->evaluator->graph, diagnostics);
    } else {
        collect_units(analysis->evaluator, analysis->spec);
    }
    if (analysis->complete)
        spec_check_rules(analysis->spec, arena, diagnostics);
    analysis->evaluator->diagnostics = NULL;
    diagnostics_destroy(unheard);
    return analysis;
}

bool analysis_print(const SpecAnalysis *analysis, Text *text) {
    if (analysis->complete)
        spec_print(analysis->spec, text);
    return analysis->complete;
}

/* ---- hover ---- */

static const SourceFile *file_of(const SpecAnalysis *analysis) {
    return analysis->spec->file;
}

static bool holds(SourceRange range, const SourceFile *file, uint32_t offset) {
    return range.file == file && range.begin <= offset && offset <= range.end;
}

/* The place of the innermost op round the byte. */
static SourceRange innermost_node(const SpecAnalysis *analysis, uint32_t offset) {
    SourceRange found = {0};
    const Node *node = analysis->evaluator->graph->first;
    for (; node != NULL; node = node->next)
        if (holds(node->where, file_of(analysis), offset) &&
            (found.file == NULL || node->where.end - node->where.begin < found.end - found.begin))
            found = node->where;
    return found;
}

static bool is_at(const Node *node, SourceRange where) {
    return node->where.file == where.file && node->where.begin == where.begin &&
           node->where.end == where.end;
}

static void append_types(Value *const *values, int count, Arena *arena, Text *text) {
    enum { MOST_SHOWN = 8 };
    for (int i = 0; i < count && i < MOST_SHOWN; i++)
        text_format(text, "%s%s", i > 0 ? ", " : "", tensor_type_spelling(&values[i]->type, arena));
    text_append(text, count > MOST_SHOWN ? ", ..." : "");
}

static void append_node(const Node *node, Arena *arena, Text *text) {
    text_append(text, "- `");
    append_types(node->operands, node->operand_count, arena, text);
    text_append(text, node->operand_count > 0 ? " -> " : "");
    append_types(node->results, node->result_count, arena, text);
    text_format(text, "`: %lld parameters, %lld MACs\n", (long long)node_parameters(node),
        (long long)node_macs(node));
}

/* A call in a loop or a unit makes many nodes: the first are shown, and what all take. */
static void append_nodes(const SpecAnalysis *analysis, SourceRange where, Text *text) {
    enum { MOST_NODES = 5 };
    long long count = 0, parameters = 0, macs = 0;
    const Node *node = analysis->evaluator->graph->first;
    for (; node != NULL; node = node->next) {
        if (!is_at(node, where))
            continue;
        if (count == 0)
            text_format(text, "**%s**\n\n", op_info(node->op)->name);
        if (++count <= MOST_NODES)
            append_node(node, analysis->arena, text);
        if (__builtin_add_overflow(parameters, node_parameters(node), &parameters))
            parameters = INT64_MAX;
        if (__builtin_add_overflow(macs, node_macs(node), &macs))
            macs = INT64_MAX;
    }
    if (count > MOST_NODES)
        text_format(text, "- and %lld more\n", count - MOST_NODES);
    if (count > 1)
        text_format(
            text, "\n%lld nodes: %lld parameters, %lld MACs in all\n", count, parameters, macs);
}

static void append_unit(const Item *unit, Text *text) {
    text_format(text, "```riffle\nunit %s(", unit->name);
    for (int i = 0; i < unit->parameters.count; i++)
        text_format(text, i > 0 ? ", %s" : "%s", unit->parameters.items[i]->name);
    text_append(text, ")\n```\n");
}

static void append_operation(const char *name, Text *text) {
    OpKind op;
    if (!operation_op(name, &op))
        return;
    text_append(text, text->length > 0 ? "\n---\n\n" : "");
    text_format(text, "`%s`: ", name);
    op_reference_print_op(op, text);
}

SourceRange analysis_hover(const SpecAnalysis *analysis, uint32_t offset, Text *text) {
    SpecCursor cursor = cursor_at(file_of(analysis), offset, analysis->arena);
    size_t before = text->length;
    SourceRange where = innermost_node(analysis, offset);
    const Item *unit = cursor.word == NULL ? NULL : find_unit(analysis->evaluator, cursor.word);
    if (unit != NULL) {
        where = cursor.word_where;
        append_unit(unit, text);
    } else if (where.file != NULL) {
        append_nodes(analysis, where, text);
    }
    OpKind op;
    if (unit == NULL && cursor.word != NULL && operation_op(cursor.word, &op)) {
        where = where.file == NULL ? cursor.word_where : where;
        append_operation(cursor.word, text);
    }
    return text->length > before ? where : (SourceRange){0};
}

/* ---- definition ---- */

static SourceRange import_at(const SpecAnalysis *analysis, uint32_t offset) {
    for (int i = 0; i < analysis->spec->count; i++) {
        const Item *item = analysis->spec->items[i];
        if (item->kind != ITEM_IMPORT || !holds(item->where, file_of(analysis), offset))
            continue;
        const char *path = import_path(analysis->arena, file_of(analysis), item);
        if (path == NULL)
            return (SourceRange){0};
        SourceFile *file = ARENA_NEW(analysis->arena, SourceFile);
        *file = (SourceFile){.name = path};
        return (SourceRange){file, 0, 0};
    }
    return (SourceRange){0};
}

SourceRange analysis_definition(const SpecAnalysis *analysis, uint32_t offset) {
    SpecCursor cursor = cursor_at(file_of(analysis), offset, analysis->arena);
    if (cursor.word == NULL)
        return import_at(analysis, offset);
    SourceRange variable = scope_find(analysis->spec, offset, cursor.word);
    if (variable.file != NULL)
        return variable;
    const Item *unit = find_unit(analysis->evaluator, cursor.word);
    return unit != NULL ? unit->name_where : (SourceRange){0};
}

/* ---- completion ---- */

static void add_names(
    const char *const *names, CompletionKind kind, AddCompletion *add, void *context) {
    for (; *names != NULL; names++)
        add(context, kind, *names, NULL);
}

static void add_choices(const char *call, const char *argument, AddCompletion *add, void *context) {
    OpKind op;
    const OpInfo *info = operation_op(call, &op) ? op_info(op) : NULL;
    for (int i = 0; info != NULL && i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, argument) == 0 &&
            info->attributes[i].kind == ATTRIBUTE_CHOICE)
            add_names(choice_words(argument), COMPLETION_CHOICE, add, context);
}

static const char *attribute_meaning(const char *call, const char *argument) {
    OpKind op;
    const OpInfo *info = operation_op(call, &op) ? op_info(op) : NULL;
    for (int i = 0; info != NULL && i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, argument) == 0)
            return info->attributes[i].meaning;
    return NULL;
}

static void add_arguments(
    const SpecAnalysis *analysis, const char *call, AddCompletion *add, void *context) {
    const char *names[MOST_ARGUMENT_NAMES];
    int count = operation_arguments(call, names, MOST_ARGUMENT_NAMES);
    for (int i = 0; i < count; i++)
        add(context, COMPLETION_ARGUMENT, names[i], attribute_meaning(call, names[i]));
    const Item *unit = find_unit(analysis->evaluator, call);
    for (int i = 0; unit != NULL && i < unit->parameters.count; i++)
        add(context, COMPLETION_ARGUMENT, unit->parameters.items[i]->name, NULL);
}

typedef struct VariableSink {
    AddCompletion *add;
    void *context;
} VariableSink;

static void add_variable(void *context, const SpecExpression *name) {
    const VariableSink *sink = context;
    sink->add(sink->context, COMPLETION_VARIABLE, name->name, NULL);
}

/* Rules have functions of their own (docs/rules.md), and words that stand for ops. */
static void add_rule_functions(AddCompletion *add, void *context) {
    for (int i = 0; i < RULE_FUNCTION_COUNT; i++) {
        const RuleFunctionInfo *info = rule_function_info((RuleFunction)i);
        if (!info->is_operator)
            add(context, COMPLETION_FUNCTION, info->name, info->summary);
    }
    add(context, COMPLETION_OPERATION, "activation", "any element-wise op of one operand");
    add(context, COMPLETION_ARGUMENT, "any", "attributes that are not named may be anything");
    add(context, COMPLETION_ARGUMENT, "like", "attributes and weights that are not named: its");
}

static bool is_in_rule(const Spec *spec, uint32_t offset) {
    for (int i = 0; spec != NULL && i < spec->count; i++) {
        const Item *item = spec->items[i];
        if (item->kind == ITEM_REWRITE && item->where.begin <= offset && offset <= item->where.end)
            return true;
    }
    return false;
}

static void add_functions(
    const SpecAnalysis *analysis, bool in_rule, AddCompletion *add, void *context) {
    for (const char *const *name = operation_names(); *name != NULL; name++) {
        OpKind op;
        operation_op(*name, &op);
        add(context, COMPLETION_OPERATION, *name, op_info(op)->summary);
    }
    if (in_rule) {
        add_rule_functions(add, context);
        return;
    }
    add_names(builtin_names(), COMPLETION_FUNCTION, add, context);
    for (int i = 0; i < analysis->evaluator->unit_count; i++)
        add(context, COMPLETION_UNIT, analysis->evaluator->units[i]->name, NULL);
}

void analysis_complete(
    const SpecAnalysis *analysis, uint32_t offset, AddCompletion *add, void *context) {
    SpecCursor cursor = cursor_at(file_of(analysis), offset, analysis->arena);
    if (!cursor.in_code)
        return;
    if (cursor.call != NULL && cursor.argument != NULL)
        add_choices(cursor.call, cursor.argument, add, context);
    else if (cursor.call != NULL)
        add_arguments(analysis, cursor.call, add, context);
    VariableSink sink = {add, context};
    scope_visit(analysis->spec, offset, add_variable, &sink);
    add_functions(analysis, is_in_rule(analysis->spec, offset), add, context);
    add_names(keyword_names(), COMPLETION_KEYWORD, add, context);
}
