/* Inside passes/rules/: what takes the place of a match. */
#ifndef RIFFLE_PASSES_RULES_APPLY_H
#define RIFFLE_PASSES_RULES_APPLY_H

#include "passes/passes.h"
#include "passes/rules/match.h"

typedef struct RuleEdit {
    RuleMatch *match;
    Graph *graph;
    Node **made; /* nodes of the result, not linked yet */
    int made_count;
    RuleDatum *weights; /* MAX_OP_WEIGHTS of each: those to be computed are TENSOR */
    Value **results;    /* in place of the roots */
    Node *position;     /* the last of the roots */
    Node *first;        /* node of the result, NULL when there is none */
} RuleEdit;

/* Gives the node the attribute, where the value is one of it; else false. */
bool rule_set_attribute(Graph *graph, Node *node, const OpAttribute *attribute, RuleDatum datum);

/* Makes the nodes, beside the graph. False after reporting why they cannot be, which is a fault of
 * the rule; or where a condition on them does not hold, which is none. */
bool rule_edit_prepare(RuleMatch *match, Graph *graph, RuleEdit *edit);
/* Puts them in place of what was matched. False after reporting that a weight is no number. */
bool rule_edit_commit(RuleEdit *edit);

#endif
