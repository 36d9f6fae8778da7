/* The tables of rules. */
#include "ir/rule.h"

#include <string.h>

static const RuleFunctionInfo functions[] = {
#define OPERATOR(name, arguments) {#name, arguments, arguments, true, NULL},
#define FUNCTION(name, least, most, summary) {#name, least, most, false, summary},
#include "ir/rule_functions.def"
};

const RuleFunctionInfo *rule_function_info(RuleFunction function) {
    return &functions[function];
}

bool rule_function_find(const char *name, bool is_operator, RuleFunction *function) {
    for (int i = 0; i < RULE_FUNCTION_COUNT; i++) {
        if (functions[i].is_operator == is_operator && strcmp(functions[i].name, name) == 0) {
            *function = (RuleFunction)i;
            return true;
        }
    }
    return false;
}

RuleSize rule_size(OpKind op, const char *name) {
    bool conv = op == OP_conv || op == OP_conv_transpose;
    if (strcmp(name, "channels") == 0 && (conv || op == OP_linear))
        return RULE_SIZE_CHANNELS;
    return conv && strcmp(name, "kernel") == 0 ? RULE_SIZE_KERNEL : RULE_SIZE_NONE;
}
