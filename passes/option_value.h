/* Values of pass options as text. Internal to passes/. */
#ifndef RIFFLE_PASSES_OPTION_VALUE_H
#define RIFFLE_PASSES_OPTION_VALUE_H

#include "passes/passes.h"

/* False when the text is no value of the option, or beyond its range. */
bool option_value_read(const PassOption *option, const char *text, PassOptionValue *value);
void option_value_print(const PassOption *option, PassOptionValue value, Text *text);
bool option_value_equal(const PassOption *option, PassOptionValue a, PassOptionValue b);

#endif
