/* A rewrite rule: a pattern of nodes, conditions, and what takes its place. The frontend reads it
 * from a `rewrite` of the language, passes match it (passes/rules/). All of it lives in one arena
 * and never changes. */
#ifndef RIFFLE_IR_RULE_H
#define RIFFLE_IR_RULE_H

#include "ir/graph.h"

typedef enum RuleFunction {
#define FUNCTION(name, ...) RULE_##name,
#include "ir/rule_functions.def"
    RULE_FUNCTION_COUNT
} RuleFunction;

typedef struct RuleFunctionInfo {
    const char *name;
    int least, most;     /* arguments */
    bool is_operator;    /* has no name in the language, but a sign */
    const char *summary; /* for people */
} RuleFunctionInfo;

const RuleFunctionInfo *rule_function_info(RuleFunction function);
/* That of a call or, where `is_operator`, of an operator's word. */
bool rule_function_find(const char *name, bool is_operator, RuleFunction *function);

typedef enum RuleExpressionKind {
    RULE_INTEGER,
    RULE_NUMBER,
    RULE_BOOLEAN,
    RULE_STRING,
    RULE_LIST,      /* items */
    RULE_VARIABLE,  /* index */
    RULE_PARAMETER, /* the tensor `index` of the rule's parameters */
    RULE_NODE,      /* node `index`; where a tensor is wanted its first result */
    RULE_MEMBER,    /* an attribute or weight of node `index`, by name */
    RULE_CALL,      /* function(items) */
    RULE_CHOICE     /* if items[0] then items[1] else items[2] */
} RuleExpressionKind;

typedef struct RuleExpression RuleExpression;
struct RuleExpression {
    RuleExpressionKind kind;
    SourceRange where;
    int64_t integer;
    double number;
    bool boolean;
    const char *text; /* of a STRING, name of a MEMBER */
    int index;
    RuleFunction function;
    const RuleExpression **items;
    int count;
};

/* What a node reads: a parameter of the rule, where `node` is -1, or a result of a node. */
typedef struct RuleOperand {
    int node, index;
} RuleOperand;

/* `name = value` of a node. In a pattern, a bare variable that is still free is bound. */
typedef struct RuleArgument {
    const char *name;
    const RuleExpression *value;
} RuleArgument;

typedef struct RuleNode {
    SourceRange where;
    const char *label;  /* NULL without one */
    bool is_activation; /* any element-wise op of one operand; else */
    OpKind op;
    const RuleOperand *operands;
    int operand_count;
    bool any; /* of a pattern: attributes that are not named may be anything, not the defaults */
    int like; /* of a result: attributes and weights that are not named are those of this node; -1:
                 the defaults */
    const RuleArgument *arguments;
    int argument_count;
} RuleNode;

/* A name of a value: bound by the pattern where `value` is NULL, else by a `let`. */
typedef struct RuleVariable {
    const char *name;
    const RuleExpression *value;
} RuleVariable;

typedef struct Rule {
    const char *name;
    const char *summary; /* the comment above it, or NULL */
    SourceRange where;   /* of its name */
    const char *const *parameters;
    int parameter_count;
    const RuleVariable *variables;
    int variable_count;
    const RuleNode *nodes; /* those of the pattern, then those of the result; operands come first */
    int node_count, pattern_count;
    const int *roots; /* nodes of the pattern whose first results are replaced */
    const RuleOperand *results;
    int root_count;
    const RuleExpression **conditions;
    int condition_count;
} Rule;

typedef struct RuleList {
    const Rule **rules;
    int count, capacity;
} RuleList;

/* Attributes in rules that no op has: sizes that the weights say. */
typedef enum RuleSize { RULE_SIZE_NONE, RULE_SIZE_CHANNELS, RULE_SIZE_KERNEL } RuleSize;

/* RULE_SIZE_NONE where the op has no such size. */
RuleSize rule_size(OpKind op, const char *name);

#endif
