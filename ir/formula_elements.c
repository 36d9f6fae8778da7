/* elements.def as an array. */
#include "ir/formula.h"

#include <assert.h>

typedef struct Element {
    bool is_element;
    int operands;
    const char *formula;
} Element;

static const Element elements[OP_COUNT] = {
#define ELEMENT(name, operands, formula, remark, source) [OP_##name] = {true, operands, formula},
#include "ir/elements.def"
};

bool op_is_element(OpKind op) {
    return op < OP_COUNT && elements[op].is_element;
}

bool op_computes_elements(OpKind op) {
    return op_is_element(op) || op == OP_map;
}

int element_operands(OpKind element) {
    assert(op_is_element(element));
    return elements[element].operands;
}

int element_parameters(OpKind element) {
    const OpInfo *info = op_info(element);
    int count = 0;
    while (count < info->attribute_count && info->attributes[count].kind == ATTRIBUTE_NUMBER)
        count++;
    assert(count <= MOST_FORMULA_PARAMETERS);
    return count;
}

const char *element_formula(OpKind element) {
    assert(op_is_element(element));
    return elements[element].formula;
}

const char *formula_operand_name(int operand) {
    static const char *const names[MOST_FORMULA_OPERANDS] = {"x", "y", "z", "u", "v", "w"};
    assert(operand >= 0 && operand < MOST_FORMULA_OPERANDS);
    return names[operand];
}

const char *const *formula_words(void) {
    static const char *const words[] = {"none",
#define ELEMENT(name, ...) #name,
#include "ir/elements.def"
        NULL};
    return words;
}
