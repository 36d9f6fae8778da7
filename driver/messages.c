#include "driver/messages.h"

#include "backends/output/json_writer.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_FORMAT = 3000, OPTION_COLOUR, OPTION_QUIET, OPTION_VERBOSE };

static const char format_option[] = "diagnostics-format", colour_option[] = "color",
                  quiet_option[] = "quiet", verbose_option[] = "verbose";
static const char *const formats[] = {"text", "json", "sarif"};
static const char *const colours[] = {"auto", "always", "never"};
enum { WORD_COUNT = 3 };

static const struct argp_option options_table[] = {
    {"diagnostics-format", OPTION_FORMAT, "FORMAT", 0,
        "Print messages as text, as json (an object a line) or as sarif (a log of SARIF 2.1.0)",
        50},
    {"color", OPTION_COLOUR, "WHEN", 0,
        "Print messages in colours: auto (on terminals, unless NO_COLOR is set), always or never",
        50},
    {"quiet", OPTION_QUIET, NULL, 0,
        "Print errors alone: no warnings and notes, and no line that shows how far long work is",
        50},
    {"verbose", OPTION_VERBOSE, NULL, 0, "Print how long each part of the work took, too", 50},
    {0}};

/* The values were taken when the words were checked: they hold for errors in other options, too. */
static error_t parse_option(int key, char *argument, struct argp_state *state) {
    (void)argument, (void)state;
    return key >= OPTION_FORMAT && key <= OPTION_VERBOSE ? 0 : ARGP_ERR_UNKNOWN;
}

const struct argp messages_argp = {.options = options_table, .parser = parse_option};

/* Its index; that of the first after reporting. */
static int find_word(const char *const words[WORD_COUNT], const char *option, const char *value,
    Diagnostics *diagnostics) {
    for (int i = 0; i < WORD_COUNT; i++)
        if (strcmp(words[i], value) == 0)
            return i;
    const char *nearest = closest_word(value, words, WORD_COUNT);
    char hint[64];
    snprintf(hint, sizeof hint, "did you mean '%s'?", nearest == NULL ? "" : nearest);
    diagnostics_error(diagnostics, nearest == NULL ? NULL : hint,
        "'%s' is no value for --%s: give %s, %s or %s", value, option, words[0], words[1],
        words[2]);
    return 0;
}

void messages_option(
    MessageForm *form, const char *option, const char *value, Diagnostics *diagnostics) {
    if (option == NULL)
        return;
    if (strcmp(option, format_option) == 0)
        form->format = (MessageFormat)find_word(formats, option, value, diagnostics);
    else if (strcmp(option, colour_option) == 0)
        form->colour = (MessageColour)find_word(colours, option, value, diagnostics);
    form->quiet = form->quiet || strcmp(option, quiet_option) == 0;
    form->verbose = form->verbose || strcmp(option, verbose_option) == 0;
}

/* https://no-color.org: set, and not empty. */
static bool wants_colour(MessageColour colour, FILE *stream) {
    if (colour != COLOUR_AUTO)
        return colour == COLOUR_ALWAYS;
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return (no_colour == NULL || *no_colour == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0 && isatty(fileno(stream));
}

static void print_text(MessageForm form, const Diagnostics *diagnostics, FILE *stream) {
    if (wants_colour(form.colour, stream))
        diagnostics_print_coloured(diagnostics, stream);
    else
        diagnostics_print(diagnostics, stream);
}

/* ---- JSON ---- */

static void write_members(JsonWriter *writer, const Diagnostic *diagnostic) {
    json_write_string(writer, "severity", severity_name(diagnostic->severity));
    if (diagnostic->file != NULL)
        json_write_string(writer, "file", diagnostic->file);
    if (diagnostic->has_place) {
        json_write_integer(writer, "line", diagnostic->begin.line);
        json_write_integer(writer, "column", diagnostic->begin.column);
        json_write_integer(writer, "end_line", diagnostic->end.line);
        json_write_integer(writer, "end_column", diagnostic->end.column);
    }
    json_write_string(writer, "message", diagnostic->message);
    if (diagnostic->lines != NULL)
        json_write_string(writer, "lines", diagnostic->lines);
    if (diagnostic->hint != NULL)
        json_write_string(writer, "hint", diagnostic->hint);
}

typedef struct Lines {
    Text text;
    const Diagnostic *owner; /* of the notes that come next */
} Lines;

/* Notes stand in the object that they belong to. */
static void write_line(void *context, const Diagnostic *diagnostic) {
    Lines *lines = context;
    if (diagnostic_is_note(diagnostic) && lines->owner != NULL)
        return;
    lines->owner = diagnostic;
    JsonWriter writer = {.out = &lines->text};
    json_write_object(&writer, NULL, JSON_INLINE);
    write_members(&writer, diagnostic);
    json_write_array(&writer, "notes", JSON_INLINE);
    for (const Diagnostic *note = diagnostic->next; diagnostic_is_note(note); note = note->next) {
        json_write_object(&writer, NULL, JSON_INLINE);
        write_members(&writer, note);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

static void print_json(const Diagnostics *diagnostics, FILE *stream) {
    Lines lines = {0};
    diagnostics_visit(diagnostics, write_line, &lines);
    if (lines.text.length > 0)
        fputs(lines.text.data, stream);
    text_free(&lines.text);
}

/* ---- all forms ---- */

static void print_sarif(const Diagnostics *diagnostics, int status, FILE *stream) {
    Text text = {0};
    messages_write_sarif(diagnostics, status, &text);
    fputs(text.data, stream);
    text_free(&text);
}

static void print_in_format(
    MessageForm form, const Diagnostics *diagnostics, int status, FILE *stream) {
    if (form.format == MESSAGES_SARIF)
        print_sarif(diagnostics, status, stream);
    else if (form.format == MESSAGES_JSON)
        print_json(diagnostics, stream);
    else
        print_text(form, diagnostics, stream);
}

void messages_print(MessageForm form, const Diagnostics *diagnostics, int status, FILE *stream) {
    if (!form.quiet) {
        print_in_format(form, diagnostics, status, stream);
        return;
    }
    Diagnostics *errors = diagnostics_create();
    diagnostics_take_errors(errors, diagnostics);
    print_in_format(form, errors, status, stream);
    diagnostics_destroy(errors);
}

void messages_print_between(MessageForm form, const Diagnostics *diagnostics, FILE *stream) {
    if (form.format == MESSAGES_SARIF)
        form.format = MESSAGES_TEXT;
    messages_print(form, diagnostics, 0, stream);
}
