#include "passes/option_value.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool read_integer(const PassOption *option, const char *text, int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return end != text && *end == '\0' && errno == 0 && text[strspn(text, " \t\n")] != '+' &&
           (double)number >= option->least && (double)number <= option->most;
}

static bool read_number(const PassOption *option, const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value >= option->least &&
           *value <= option->most;
}

static bool read_flag(const char *text, bool *value) {
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

bool option_value_read(const PassOption *option, const char *text, PassOptionValue *value) {
    *value = (PassOptionValue){0};
    switch (option->kind) {
    case PASS_OPTION_INTEGER:
        return read_integer(option, text, &value->integer);
    case PASS_OPTION_NUMBER:
        return read_number(option, text, &value->number);
    case PASS_OPTION_FLAG:
        return read_flag(text, &value->flag);
    }
    return false;
}

void option_value_print(const PassOption *option, PassOptionValue value, Text *text) {
    switch (option->kind) {
    case PASS_OPTION_INTEGER:
        text_format(text, "%lld", (long long)value.integer);
        break;
    case PASS_OPTION_NUMBER:
        text_append_double(text, value.number);
        break;
    case PASS_OPTION_FLAG:
        text_append(text, value.flag ? "true" : "false");
        break;
    }
}

bool option_value_equal(const PassOption *option, PassOptionValue a, PassOptionValue b) {
    switch (option->kind) {
    case PASS_OPTION_INTEGER:
        return a.integer == b.integer;
    case PASS_OPTION_NUMBER:
        return a.number == b.number;
    case PASS_OPTION_FLAG:
        return a.flag == b.flag;
    }
    return false;
}

const char *pass_option_kind_name(PassOptionKind kind) {
    switch (kind) {
    case PASS_OPTION_INTEGER:
        return "integer";
    case PASS_OPTION_NUMBER:
        return "number";
    case PASS_OPTION_FLAG:
        return "flag";
    }
    return "?";
}

void pass_option_describe(const PassOption *option, Text *text) {
    switch (option->kind) {
    case PASS_OPTION_INTEGER:
        text_format(text, "a whole number from %.0f to %.0f", option->least, option->most);
        break;
    case PASS_OPTION_NUMBER:
        text_format(text, "a number from %g to %g", option->least, option->most);
        break;
    case PASS_OPTION_FLAG:
        text_append(text, "true or false");
        break;
    }
}

static PassOptionValue option_value(
    const PassContext *context, const char *name, PassOptionKind kind) {
    const Pass *pass = context->step->pass;
    for (int i = 0; i < pass->option_count; i++)
        if (strcmp(pass->options[i].name, name) == 0 && pass->options[i].kind == kind)
            return context->step->values[i];
    assert(false && "a pass asks for an option that it does not have");
    return (PassOptionValue){0};
}

int64_t pass_integer(const PassContext *context, const char *name) {
    return option_value(context, name, PASS_OPTION_INTEGER).integer;
}

double pass_number(const PassContext *context, const char *name) {
    return option_value(context, name, PASS_OPTION_NUMBER).number;
}

bool pass_flag(const PassContext *context, const char *name) {
    return option_value(context, name, PASS_OPTION_FLAG).flag;
}
