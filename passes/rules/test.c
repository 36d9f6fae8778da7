/* Rules tried on random graphs: before and after are interpreted, in double, and compared. */
#include "passes/rules/test.h"
#include "ir/progress.h"
#include "passes/rules/apply.h"
#include "passes/rules/random_graph.h"

#include <math.h>
#include <string.h>

enum { MOST_ATTEMPTS = 4000, GRAPHS_OF_A_CONDITION = 12 };

typedef struct RuleTrial {
    const Rule *rule;
    int broken; /* index of a check; -1: none */
    uint64_t seed;
    Arena *arena;
    Diagnostics *diagnostics;
} RuleTrial;

static uint64_t seed_of(uint64_t seed, int broken, int64_t graph, int attempt) {
    return seed * 0x9e3779b97f4a7c15u + (uint64_t)(broken + 1) * 0xd1342543de82ef95u +
           (uint64_t)graph * 0x2545f4914f6cdd1du + (uint64_t)attempt;
}

/* A graph for the trial, in an arena of its own, which is given back; NULL where none was found, or
 * where *fault is set. */
static Arena *find_graph(const RuleTrial *trial, int64_t number, RandomGraph *made, bool *fault) {
    *fault = false;
    for (int attempt = 0; attempt < MOST_ATTEMPTS && !*fault; attempt++) {
        Arena *arena = arena_create();
        uint64_t seed = seed_of(trial->seed, trial->broken, number, attempt);
        if (random_graph_make(
                trial->rule, trial->broken, seed, arena, made, fault, trial->diagnostics))
            return arena;
        arena_destroy(arena);
    }
    return NULL;
}

/* The rule at the root of the graph. False after reporting why it cannot be. */
static bool rewrite(const RuleTrial *trial, RandomGraph *made, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    RuleMatch match = rule_match_create(trial->rule, made->graph, arena, diagnostics);
    match.ignored = trial->broken;
    RuleEdit edit;
    bool done = rule_match(&match, made->root) && rule_edit_prepare(&match, made->graph, &edit) &&
                rule_edit_commit(&edit) && graph_verify(made->graph, diagnostics);
    arena_destroy(arena);
    return done;
}

typedef enum Outcome { OUTCOME_SAME, OUTCOME_DIFFERS, OUTCOME_NO_NUMBER, OUTCOME_FAULT } Outcome;

/* NaN and infinities are compared by none: such a graph says nothing. */
static Outcome compare(
    const RuleTrial *trial, const Graph *before, RandomGraph *made, double *difference) {
    Diagnostics *faults = diagnostics_create();
    Arena *arena = arena_create();
    Outcome outcome = OUTCOME_FAULT;
    const GraphAnswers *expected = graph_answers(before, trial->seed, arena, faults);
    if (expected != NULL && isnan(answers_difference(expected, expected)))
        outcome = OUTCOME_NO_NUMBER;
    else if (rewrite(trial, made, faults)) {
        const GraphAnswers *actual = graph_answers(made->graph, trial->seed, arena, faults);
        *difference =
            expected != NULL && actual != NULL ? answers_difference(expected, actual) : NAN;
        outcome = answers_agree(*difference) ? OUTCOME_SAME : OUTCOME_DIFFERS;
    }
    if (outcome == OUTCOME_FAULT && trial->broken < 0)
        diagnostics_take(trial->diagnostics, faults);
    arena_destroy(arena);
    diagnostics_destroy(faults);
    return outcome;
}

/* ---- graphs that fit ---- */

static void note_harm(const RuleTrial *trial, RuleVerdict *verdict, const Graph *before) {
    verdict->wrong = true;
    verdict->counterexample = graph_copy(before, trial->arena);
    for (Weight *weight = verdict->counterexample->first_weight; weight; weight = weight->next)
        weight->data = NULL; /* goes away with the graph's arena */
}

static void try_graph(const RuleTrial *trial, int64_t number, RuleVerdict *verdict) {
    RandomGraph made;
    bool fault;
    Arena *arena = find_graph(trial, number, &made, &fault);
    verdict->wrong = verdict->wrong || fault;
    if (arena == NULL)
        return;
    const Graph *before = graph_copy(made.graph, arena);
    double difference = 0;
    Outcome outcome = compare(trial, before, &made, &difference);
    if (outcome != OUTCOME_NO_NUMBER) {
        verdict->graphs++;
        bool larger = isnan(difference) || difference > verdict->difference;
        verdict->difference = larger ? difference : verdict->difference;
    }
    if (outcome == OUTCOME_DIFFERS || outcome == OUTCOME_FAULT)
        note_harm(trial, verdict, before);
    arena_destroy(arena);
}

/* ---- graphs that fit but for one condition ---- */

static bool try_condition(const RuleTrial *trial, int64_t number, RuleCondition *condition) {
    RandomGraph made;
    bool fault;
    Arena *arena = find_graph(trial, number, &made, &fault);
    if (arena == NULL)
        return false;
    const Graph *before = graph_copy(made.graph, arena);
    double difference;
    Outcome outcome = compare(trial, before, &made, &difference);
    condition->graphs += outcome != OUTCOME_NO_NUMBER;
    condition->differs += outcome == OUTCOME_DIFFERS || outcome == OUTCOME_FAULT;
    arena_destroy(arena);
    return true;
}

static void try_conditions(RuleTrial *trial, RuleVerdict *verdict) {
    const RuleCheck *checks = rule_checks(trial->rule, trial->arena, &verdict->condition_count);
    verdict->conditions = ARENA_ARRAY(trial->arena, RuleCondition, verdict->condition_count + 1);
    int work = progress_begin("leaving out condition", verdict->condition_count);
    for (int i = 0; i < verdict->condition_count; i++) {
        RuleCondition *condition = &verdict->conditions[i];
        progress_set(i + 1);
        condition->text = rule_check_text(trial->rule, &checks[i], trial->arena);
        condition->usual = checks[i].expected == NULL;
        trial->broken = i;
        for (int64_t k = 0; k < GRAPHS_OF_A_CONDITION; k++)
            if (!try_condition(trial, k, condition))
                break;
    }
    progress_end(work);
}

RuleVerdict rule_test(
    const Rule *rule, uint64_t seed, int64_t graphs, Arena *arena, Diagnostics *diagnostics) {
    RuleVerdict verdict = {.rule = rule};
    RuleTrial trial = {
        .rule = rule, .broken = -1, .seed = seed, .arena = arena, .diagnostics = diagnostics};
    int work = progress_begin("testing rule on random graph", graphs);
    progress_detail(rule->name);
    for (int64_t i = 0; i < graphs && !verdict.wrong; i++) {
        int64_t before = verdict.graphs;
        progress_set(i + 1);
        try_graph(&trial, i, &verdict);
        if (i >= 3 && verdict.graphs == 0 && before == 0)
            break; /* there is no graph to be found */
    }
    if (!verdict.wrong && verdict.graphs > 0)
        try_conditions(&trial, &verdict);
    progress_end(work);
    return verdict;
}
