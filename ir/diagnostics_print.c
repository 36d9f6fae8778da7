/* Diagnostics as people read them. */
#include "ir/diagnostics.h"

#include "ir/ending.h"
#include "ir/quote.h"
#include <string.h>

/* Escape sequences, all empty where there is no terminal. */
typedef struct Colours {
    const char *place, *severities[4], *caret, *hint, *plain;
} Colours;

static const Colours no_colours = {"", {"", "", "", ""}, "", "", ""};
static const Colours colours_of_gcc = {"\x1b[1m",
    {"\x1b[1;31m", "\x1b[1;35m", "\x1b[1;36m", "\x1b[1;34m"}, "\x1b[1;32m", "\x1b[1;36m", "\x1b[m"};

typedef struct Printing {
    FILE *stream;
    const Colours *colours;
} Printing;

const char *severity_name(Severity severity) {
    switch (severity) {
    case SEVERITY_ERROR:
        return "error";
    case SEVERITY_WARNING:
        return "warning";
    case SEVERITY_NOTE:
        return "note";
    case SEVERITY_REMARK:
        return "remark";
    }
    return "error";
}

static void print_place(const Printing *printing, const Diagnostic *diagnostic) {
    Text name = {0};
    quote_append(&name, diagnostic->file == NULL ? "riffle" : diagnostic->file);
    fprintf(printing->stream, "%s%s:", printing->colours->place, name.length > 0 ? name.data : "");
    if (diagnostic->has_place)
        fprintf(printing->stream, "%u:%u:", diagnostic->begin.line, diagnostic->begin.column);
    fputs(printing->colours->plain, printing->stream);
    text_free(&name);
}

static void print_excerpt(const Printing *printing, const Diagnostic *diagnostic) {
    fprintf(printing->stream, "%s\n%*s%s^", diagnostic->excerpt, (int)diagnostic->caret, "",
        printing->colours->caret);
    for (uint32_t i = 1; i < diagnostic->caret_length; i++)
        fputc('~', printing->stream);
    fprintf(printing->stream, "%s\n", printing->colours->plain);
}

static void print_one(void *context, const Diagnostic *diagnostic) {
    const Printing *printing = context;
    const Colours *colours = printing->colours;
    print_place(printing, diagnostic);
    fprintf(printing->stream, " %s%s:%s %s\n", colours->severities[diagnostic->severity],
        severity_name(diagnostic->severity), colours->plain, diagnostic->message);
    if (diagnostic->has_place)
        print_excerpt(printing, diagnostic);
    if (diagnostic->lines != NULL)
        fputs(diagnostic->lines, printing->stream);
    if (diagnostic->hint != NULL)
        fprintf(
            printing->stream, "%shint:%s %s\n", colours->hint, colours->plain, diagnostic->hint);
}

void diagnostics_print(const Diagnostics *diagnostics, FILE *stream) {
    Printing printing = {stream, &no_colours};
    diagnostics_visit(diagnostics, print_one, &printing);
}

void diagnostics_print_coloured(const Diagnostics *diagnostics, FILE *stream) {
    Printing printing = {stream, &colours_of_gcc};
    diagnostics_visit(diagnostics, print_one, &printing);
}

char *diagnostics_text(const Diagnostics *diagnostics) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        out_of_memory();
    diagnostics_print(diagnostics, stream);
    if (fclose(stream) != 0)
        out_of_memory();
    return text;
}
