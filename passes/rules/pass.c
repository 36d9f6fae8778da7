/* A rule runs as any pass does: it asks before each rewrite, and its nodes are looked at again. */
#include "passes/rules/apply.h"
#include "passes/rules/rules.h"

#include <string.h>

/* The `data` of its row in the registry. */
typedef struct RulePass {
    Pass pass;
    const Rule **rules;
    int count, capacity;
} RulePass;

/* ---- running ---- */

typedef enum RuleOutcome { OUTCOME_NONE, OUTCOME_REWRITTEN, OUTCOME_FAILED } RuleOutcome;

/* All ops of the pattern are there, and one condition does not hold. */
static void report_miss(PassContext *context, const RuleMatch *match, const Node *node) {
    if (context->missed == NULL || match->miss == NULL || match->failed)
        return;
    context->missed(context->observer_context, context, node,
        rule_check_place(match->rule, match->miss),
        rule_check_text(match->rule, match->miss, match->arena));
}

static RuleOutcome rewrite_at(PassContext *context, const Rule *rule, Node *node, Node **next) {
    const RuleNode *root = &rule->nodes[rule->roots[0]];
    if (!root->is_activation && node->op != root->op)
        return OUTCOME_NONE;
    Arena *arena = arena_create();
    RuleMatch match = rule_match_create(rule, context->graph, arena, context->diagnostics);
    RuleEdit edit;
    RuleOutcome outcome = OUTCOME_NONE;
    if (rule_match(&match, node) && rule_edit_prepare(&match, context->graph, &edit) &&
        pass_may_rewrite(context, node)) {
        bool done = rule_edit_commit(&edit);
        outcome = done ? OUTCOME_REWRITTEN : OUTCOME_FAILED;
        if (done && edit.first != NULL)
            *next = edit.first;
        else if (done && rule->root_count > 1) /* the next may have been a root, too */
            *next = context->graph->first;
    } else
        report_miss(context, &match, node);
    if (match.failed)
        outcome = OUTCOME_FAILED;
    arena_destroy(arena);
    return outcome;
}

/* The first of the rules that fits. */
static RuleOutcome try_rules(PassContext *context, Node *node, Node **next) {
    const RulePass *pass = context->step->pass->data;
    RuleOutcome outcome = OUTCOME_NONE;
    for (int i = 0; i < pass->count && outcome == OUTCOME_NONE; i++)
        outcome = rewrite_at(context, pass->rules[i], node, next);
    return outcome;
}

static bool run_rules(PassContext *context) {
    const RulePass *pass = context->step->pass->data;
    int64_t most = 16 * (int64_t)graph_node_count(context->graph) + 1000;
    for (Node *node = context->graph->first, *next; node != NULL; node = next) {
        next = node->next;
        RuleOutcome outcome = try_rules(context, node, &next);
        if (outcome == OUTCOME_FAILED)
            return false;
        if (context->rewrites <= most)
            continue;
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, pass->rules[0]->where,
            "does what it makes match its pattern again?",
            "the rule '%s' finds work without end: %lld rewrites in a graph of few nodes",
            pass->pass.name, (long long)context->rewrites);
        return false;
    }
    return true;
}

/* ---- the registry ---- */

static const char *pass_name(const Rule *rule, Arena *arena) {
    char *name = arena_copy_string(arena, rule->name);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '_' ? '-' : *c;
    return name;
}

static bool is_pass_name(const char *name) {
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static RulePass *create_pass(const Rule *rule, const char *name, Arena *arena) {
    RulePass *pass = ARENA_NEW(arena, RulePass);
    pass->pass = (Pass){
        .name = name,
        .summary = rule->summary != NULL
                       ? rule->summary
                       : arena_format(arena, "A rewrite of %s.", rule->where.file->name),
        .statistic = "one match of the rule",
        .run = run_rules,
        .data = pass,
    };
    return pass;
}

/* A file may be named by an option and imported by the spec. */
static bool is_known(const RulePass *pass, const Rule *rule) {
    for (int i = 0; i < pass->count; i++) {
        SourceRange known = pass->rules[i]->where;
        if (known.begin == rule->where.begin &&
            strcmp(known.file->name, rule->where.file->name) == 0)
            return true;
    }
    return false;
}

static bool add_rule(
    PassRegistry *registry, const Rule *rule, Arena *arena, Diagnostics *diagnostics) {
    const char *name = pass_name(rule, arena);
    const Pass *known = pass_registry_find(registry, name);
    if (known != NULL && known->run != run_rules) {
        diagnostics_report(diagnostics, SEVERITY_ERROR, rule->where,
            "a rule is a pass by its name: 'riffle passes' lists those there are",
            "there is already a pass of the name '%s'", name);
        return false;
    }
    if (!is_pass_name(name)) {
        diagnostics_report(diagnostics, SEVERITY_ERROR, rule->where, NULL,
            "the name of a rule is lower-case letters, digits and '_'");
        return false;
    }
    RulePass *pass = NULL;
    if (known != NULL) {
        memcpy(&pass, &known->data, sizeof pass);
    } else {
        pass = create_pass(rule, name, arena);
        if (!pass_registry_add(registry, &pass->pass, diagnostics))
            return false;
    }
    if (is_known(pass, rule))
        return true;
    ARENA_GROW(arena, pass->rules, pass->count, pass->capacity, 4);
    pass->rules[pass->count++] = rule;
    return true;
}

bool rules_add(
    PassRegistry *registry, const RuleList *rules, Arena *arena, Diagnostics *diagnostics) {
    bool good = true;
    for (int i = 0; i < rules->count; i++)
        good = add_rule(registry, rules->rules[i], arena, diagnostics) && good;
    return good;
}

const Rule *const *pass_rules(const Pass *pass, int *count) {
    const RulePass *rules = pass->run == run_rules ? pass->data : NULL;
    *count = rules != NULL ? rules->count : 0;
    return rules != NULL ? rules->rules : NULL;
}
