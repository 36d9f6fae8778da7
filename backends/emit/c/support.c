/* The support code in NAME.c, and the functions of the header that call it. */
#include "backends/program/support.h"
#include "backends/emit/c/source.h"
#include "backends/emit/c/syntax.h"
#include "backends/program/names.h"
#include "backends/program/program.h"

/* As numbers: compilers need take no string of more than 4095 bytes. */
static void write_text(
    const Program *program, int index, const SupportConstants *constants, Text *out) {
    text_format(out, "static const unsigned char %s_support_values_%d[] = {", program->name, index);
    for (int i = 0; i < constants->text_length; i++) {
        text_append(out, i == 0 ? "\n    " : i % 24 == 0 ? ",\n    " : ", ");
        text_format(out, "%d", (unsigned char)constants->text[i]);
    }
    text_append(out, "};\n");
}

static void write_constants(
    const Program *program, int index, const SupportConstants *constants, Text *out) {
    text_format(out, "\nstatic const int32_t %s_support_numbers_%d[] = {", program->name, index);
    for (int i = 0; i < constants->number_count; i++)
        text_format(out, i > 0 ? ", %d" : "%d", (int)constants->numbers[i]);
    text_append(out, "};\n");
    if (constants->text != NULL) {
        write_text(program, index, constants, out);
        return;
    }
    text_format(out, "static const float %s_support_values_%d[] = {", program->name, index);
    for (int i = 0; i < constants->value_count; i++) {
        text_append(out, i == 0 ? "\n    " : i % 8 == 0 ? ",\n    " : ", ");
        syntax_float(out, constants->values[i]);
    }
    text_append(out, "};\n");
}

static void write_function(
    const Program *program, const SupportFunction *function, const char *upper, Text *out) {
    const char *name = program->name;
    text_append(out, "\n");
    support_write_prototype(function, name, upper, out);
    text_format(out,
        " {\n    return %s_support_%s(%s%s%s_support_numbers_%d,\n"
        "        %s_support_values_%d);\n}\n",
        name, function->implementation, function->arguments,
        function->arguments[0] != '\0' ? ", " : "", name, function->constants, name,
        function->constants);
}

void c_support_write(const Graph *graph, const Program *program, Text *out) {
    Arena *arena = arena_create();
    SupportFunctions functions = support_functions(graph, program, arena);
    const char *upper = upper_case(arena, program->name);
    if (functions.count > 0)
        support_write_source(&functions, program->name, upper, out);
    for (int i = 0; i < functions.constants_count; i++)
        write_constants(program, i, &functions.constants[i], out);
    for (int i = 0; i < functions.count; i++)
        write_function(program, &functions.items[i], upper, out);
    arena_destroy(arena);
}
