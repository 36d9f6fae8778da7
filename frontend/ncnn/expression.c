/* Sizes as expressions: "1,1,//(0c,2)" are the width, height and channels that are asked for. They
 * are made of numbers, sizes of inputs (0w is the width of the first), and operations in front of
 * what they work on. */
#include "frontend/ncnn/importer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST_SIZE = 32, LARGEST_SIZE = 1 << 30 };

typedef struct SizeExpression {
    Importer *importer;
    const char *at;
} SizeExpression;

static bool read_term(SizeExpression *expression, int depth, int64_t *number);

/* The size of an input by its letter; a batch n is 1, and so is what a blob has not. */
static bool size_of(Importer *importer, int64_t input, char letter, int64_t *number) {
    static const char letters[] = "whc";
    if (input < 0 || input >= (int64_t)importer->node->n_input)
        return false;
    const Shape *shape = &input_symbol(importer, (size_t)input)->shape;
    *number = 1;
    if (letter == 'n' || letter == 'd')
        return true;
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (found == NULL)
        return false;
    int index = (int)(found - letters);
    if (index < shape->rank - 1)
        *number = shape->dims[shape->rank - 1 - index];
    return true;
}

static bool apply(char operation, int64_t a, int64_t b, int64_t *number) {
    switch (operation) {
    case '+':
        *number = a + b;
        return true;
    case '-':
        *number = a - b;
        return true;
    case '*':
        return !__builtin_mul_overflow(a, b, number);
    default:
        *number = b == 0 ? 0 : a / b;
        return b != 0 && (a % b == 0 || operation == 'q');
    }
}

/* + - * and // of two terms; / only where there is no rest. */
static bool read_operation(SizeExpression *expression, int depth, int64_t *number) {
    char operation = *expression->at++;
    if (operation == '/' && *expression->at == '/') {
        operation = 'q';
        expression->at++;
    }
    int64_t a, b;
    if (*expression->at++ != '(' || !read_term(expression, depth + 1, &a) ||
        *expression->at++ != ',' || !read_term(expression, depth + 1, &b) ||
        *expression->at++ != ')')
        return false;
    return apply(operation, a, b, number);
}

static bool read_term(SizeExpression *expression, int depth, int64_t *number) {
    const char *at = expression->at;
    if (depth > DEEPEST_SIZE || *at == '\0')
        return false;
    bool negative = *at == '-' && isdigit((unsigned char)at[1]);
    if (!negative && strchr("+-*/", *at) != NULL) {
        if (!read_operation(expression, depth, number))
            return false;
    } else {
        char *end;
        *number = strtoll(at, &end, 10);
        if (end == at)
            return false;
        if (*end >= 'a' && *end <= 'z' && !size_of(expression->importer, *number, *end++, number))
            return false;
        expression->at = end;
    }
    return *number >= -LARGEST_SIZE && *number <= LARGEST_SIZE;
}

bool ncnn_expression(Importer *importer, const char *text, IntegerList *list) {
    enum { MOST_SIZES = 5 };
    int64_t *items = ARENA_ARRAY(importer->arena, int64_t, MOST_SIZES);
    SizeExpression expression = {importer, text};
    *list = (IntegerList){items, 0};
    bool good = true;
    while (good && list->count < MOST_SIZES) {
        good = read_term(&expression, 0, &items[list->count++]);
        if (*expression.at != ',')
            break;
        expression.at++;
    }
    return (good && *expression.at == '\0') ||
           node_fault(importer, "export it with the sizes of one picture",
               "riffle cannot compute the sizes '%.60s'", text);
}
