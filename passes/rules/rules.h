/* Rules as passes: rewrites that were read from a file instead of compiled. */
#ifndef RIFFLE_PASSES_RULES_RULES_H
#define RIFFLE_PASSES_RULES_RULES_H

#include "ir/rule.h"
#include "passes/passes.h"

/* Adds a pass for each name: "merge-pointwise" of merge_pointwise. Rules of one name are one pass,
 * which tries them in turn. They must live as long as the registry. False after reporting names
 * that are taken. */
bool rules_add(
    PassRegistry *registry, const RuleList *rules, Arena *arena, Diagnostics *diagnostics);

/* The rules that the pass is made of; NULL, and *count is 0, where it is none of rules. */
const Rule *const *pass_rules(const Pass *pass, int *count);

#endif
