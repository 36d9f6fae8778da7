/* Rules tried on random graphs: those that they fit, and those that fit but for one condition. */
#ifndef RIFFLE_PASSES_RULES_TEST_H
#define RIFFLE_PASSES_RULES_TEST_H

#include "ir/rule.h"
#include "passes/passes.h"

/* A condition of a rule, and what comes of leaving it out. */
typedef struct RuleCondition {
    const char *text;
    bool usual;      /* that an attribute is the default, of which the rule says nothing */
    int64_t graphs;  /* that fit but for it; 0: none was found */
    int64_t differs; /* of these, where the rule would do harm */
} RuleCondition;

typedef struct RuleVerdict {
    const Rule *rule;
    int64_t graphs;              /* that fit, and were compared */
    double difference;           /* the largest */
    bool wrong;                  /* it does harm, or cannot do what it says, which is reported */
    const Graph *counterexample; /* before the rewrite; NULL where there is none */
    RuleCondition *conditions;
    int condition_count;
} RuleVerdict;

/* Tries a rule on so many graphs, and a few for each of its conditions. Results live in the arena.
 */
RuleVerdict rule_test(
    const Rule *rule, uint64_t seed, int64_t graphs, Arena *arena, Diagnostics *diagnostics);

#endif
