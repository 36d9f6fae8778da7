/* Inside rules.c, rules_nodes.c and rules_expressions.c: a rewrite of the language becomes a Rule.
 */
#ifndef RIFFLE_FRONTEND_RULES_H
#define RIFFLE_FRONTEND_RULES_H

#include "frontend/syntax.h"
#include "ir/rule.h"

enum { MOST_RULE_NODES = 64, MOST_RULE_NAMES = 64, MOST_RULE_ARGUMENTS = 24 };

/* An argument of a node, whose value is read when all names of the pattern are known. */
typedef struct PendingArguments {
    const SpecExpression *values[MOST_RULE_ARGUMENTS];
    RuleArgument *arguments;
    int count;
} PendingArguments;

typedef struct RuleReader {
    Arena *arena;
    Diagnostics *diagnostics;
    bool failed;
    bool in_result; /* else the pattern is read */
    const char *parameters[MOST_RULE_NAMES];
    bool read[MOST_RULE_NAMES]; /* parameters that the pattern reads */
    int parameter_count;
    RuleVariable variables[MOST_RULE_NAMES];
    int variable_count;
    RuleNode nodes[MOST_RULE_NODES];
    PendingArguments pending[MOST_RULE_NODES];
    int node_count, pattern_count;
} RuleReader;

void rule_complain(RuleReader *reader, SourceRange where, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Index of the name, -1 when it is none. */
int rule_parameter(const RuleReader *reader, const char *name);
int rule_label(const RuleReader *reader, const char *name);
int rule_variable(const RuleReader *reader, const char *name);
/* Makes a variable; the pattern binds it where `value` is NULL. */
void rule_add_variable(
    RuleReader *reader, const char *name, const RuleExpression *value, SourceRange where);

/* ---- rules_nodes.c ---- */

/* What a tensor of the pattern or of the result is; false after reporting. */
bool rule_read_operand(RuleReader *reader, const SpecExpression *expression, RuleOperand *operand);
/* Reads the arguments of all nodes from `first` on. */
void rule_read_arguments(RuleReader *reader, int first);

/* ---- rules_expressions.c ---- */

/* NULL after reporting. */
const RuleExpression *rule_read_expression(RuleReader *reader, const SpecExpression *expression);
/* The text of a string or path without interpolations; NULL where it has some. */
const char *rule_literal(const Template *text);

#endif
