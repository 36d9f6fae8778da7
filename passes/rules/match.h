/* Inside passes/rules/: what a rule's expressions are worth, and where its pattern fits. */
#ifndef RIFFLE_PASSES_RULES_MATCH_H
#define RIFFLE_PASSES_RULES_MATCH_H

#include "ir/formula.h"
#include "ir/rule.h"
#include "ir/weight_numbers.h"

/* ---- values (evaluate.c) ---- */

typedef struct RuleTensor {
    int rank;
    int64_t dims[MAX_RANK];
    void *numbers[NUMBER_KIND_COUNT]; /* computed ones; NULL where the weights have none */
    double degree;                    /* of pairs (ir/pair_degree.h) */
    bool is_root;                     /* of what is drawn */
    Weight *weight;                   /* which it is, unchanged; NULL where it was computed */
} RuleTensor;

typedef enum RuleDatumKind {
    RULE_DATUM_FAULT,   /* was reported */
    RULE_DATUM_NOTHING, /* a weight that is not there, and what comes of it: zeros of any shape */
    RULE_DATUM_INTEGER,
    RULE_DATUM_NUMBER,
    RULE_DATUM_BOOLEAN,
    RULE_DATUM_STRING,
    RULE_DATUM_LIST,
    RULE_DATUM_TENSOR,
    RULE_DATUM_FORMULA
} RuleDatumKind;

typedef struct RuleDatum {
    RuleDatumKind kind;
    union {
        int64_t integer;
        double number;
        bool boolean;
        const char *text;
        IntegerList list;
        RuleTensor tensor;
        const Formula *formula; /* NULL: x itself */
    };
} RuleDatum;

/* ---- a rule at a place of a graph ---- */

/* What a pattern asks of ops that are there: an attribute is `expected`, or its default where that
 * is NULL; or, without a node, the condition `expected` holds. */
typedef struct RuleCheck {
    int node;                     /* -1 for a condition */
    const OpAttribute *attribute; /* NULL for a size */
    const char *name;
    const RuleExpression *expected;
    bool of_result; /* a condition that asks about ops of the result */
} RuleCheck;

/* All of a rule, in the order in which they are asked. */
const RuleCheck *rule_checks(const Rule *rule, Arena *arena, int *count);
/* Where it stands in the rule, and how it reads: "first.groups == 1". */
SourceRange rule_check_place(const Rule *rule, const RuleCheck *check);
const char *rule_check_text(const Rule *rule, const RuleCheck *check, Arena *arena);

typedef struct RuleMatch {
    const Rule *rule;
    const Graph *graph;
    Arena *arena;             /* for what is computed */
    Diagnostics *diagnostics; /* for what is wrong with the rule */
    Node **nodes;             /* of the pattern */
    Value **parameters;
    RuleDatum *variables;
    bool *known;       /* variables that have a value */
    bool failed;       /* something was reported */
    Node *const *made; /* of the result, as far as they are; NULL: none yet */
    int64_t room;      /* numbers of weights that may still be computed; -1: not counted yet */
    const struct RuleCheck *checks;
    int check_count;
    int ignored;                  /* index of a check that is not asked; -1: none */
    bool broken;                  /* that one does not hold */
    const struct RuleCheck *miss; /* the first that failed where all ops were there, or NULL */
} RuleMatch;

/* Room for all that a match notes; nothing is ignored. */
RuleMatch rule_match_create(
    const Rule *rule, const Graph *graph, Arena *arena, Diagnostics *diagnostics);
/* Whether the rule's first root is the node, and all else fits. False also where something is wrong
 * with the rule, which is reported; `failed` is set then. */
bool rule_match(RuleMatch *match, Node *root);
/* Conditions that ask about ops of the result: once these are made, beside the graph. */
bool rule_result_conditions_hold(RuleMatch *match);
/* ---- evaluate.c, ask.c, tensor.c ---- */

static inline RuleDatum rule_integer(int64_t integer) {
    return (RuleDatum){.kind = RULE_DATUM_INTEGER, .integer = integer};
}

static inline RuleDatum rule_boolean(bool boolean) {
    return (RuleDatum){.kind = RULE_DATUM_BOOLEAN, .boolean = boolean};
}

RuleDatum rule_evaluate(RuleMatch *match, const RuleExpression *expression);
/* Reports what is wrong at the place in the rule. */
RuleDatum rule_fault(RuleMatch *match, const RuleExpression *expression, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *rule_datum_describe(RuleDatum datum);
/* An attribute of the node as a value; the list and the formula are not copied. */
RuleDatum rule_attribute_datum(AttributeKind kind, const char *name, const Attribute *attribute);
/* Whether the attribute is what the value says: one number stands for all of a list. */
bool rule_datum_equal(RuleDatum a, RuleDatum b);
RuleDatum rule_member(RuleMatch *match, const RuleExpression *member);
/* Functions that ask about what their argument names, not what it is worth. */
RuleDatum rule_ask(RuleMatch *match, const RuleExpression *call);
/* A function of tensors and numbers among them. */
RuleDatum rule_tensor_call(RuleMatch *match, const RuleExpression *call, const RuleDatum *items);
int64_t rule_tensor_elements(const RuleTensor *tensor); /* -1: too many */
/* Takes so many numbers off what may be computed. False after reporting that they are too many. */
bool rule_take_room(RuleMatch *match, const RuleExpression *expression, int64_t elements);
/* ---- orders.c ---- */

/* A function of lists that say orders of channels. */
RuleDatum rule_order_call(RuleMatch *match, const RuleExpression *call, const RuleDatum *items);

#endif
