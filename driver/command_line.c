/* The command line is checked against the option tables before argp sees it: argp would stop at the
 * first fault, in getopt's words, without a hint at what was meant. */
#include "driver/driver.h"

#include "driver/progress.h"
#include "ir/ending.h"
#include "ir/quote.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OPTIONS = 128, MOST_CHILDREN = 16 };

typedef struct KnownOption {
    const char *name;    /* NULL for a short one alone */
    int letter;          /* 0 for a long one alone */
    const char *value;   /* the placeholder of its value, NULL when it takes none */
    bool may_lack_value; /* a value then stands after '=', never in a word of its own */
} KnownOption;

typedef struct KnownOptions {
    KnownOption items[MOST_OPTIONS];
    size_t count;
} KnownOptions;

static void add_option(
    KnownOptions *known, const char *name, int letter, const char *value, bool may_lack_value) {
    if (known->count < MOST_OPTIONS)
        known->items[known->count++] = (KnownOption){name, letter, value, may_lack_value};
}

void command_options_visit(const struct argp *argp, OptionVisitor *visit, void *context) {
    const struct argp_option *row = argp->options;
    for (; row != NULL && (row->name != NULL || row->key != 0 || row->doc != NULL); row++) {
        char letter = row->key > 0 && row->key < 256 && isprint(row->key) ? (char)row->key : '\0';
        if (row->name != NULL || letter != '\0')
            visit(context, row, letter);
    }
    for (const struct argp_child *child = argp->children; child != NULL && child->argp != NULL;
        child++)
        command_options_visit(child->argp, visit, context);
}

static void take_option(void *known, const struct argp_option *row, char letter) {
    add_option(known, row->name, letter, row->arg, (row->flags & OPTION_ARG_OPTIONAL) != 0);
}

static void collect_options(const struct argp *argp, KnownOptions *known) {
    command_options_visit(argp, take_option, known);
}

static void report_unknown_long(
    const KnownOptions *known, const char *word, int length, Session *session) {
    const char *names[MOST_OPTIONS];
    size_t count = 0;
    for (size_t i = 0; i < known->count; i++) {
        if (known->items[i].name != NULL)
            names[count++] = known->items[i].name;
    }
    const char *typed = arena_copy_bytes(session->arena, word, (size_t)length);
    const char *nearest = closest_word(typed, names, count);
    const char *hint = nearest == NULL
                           ? "--help lists the options"
                           : arena_format(session->arena, "did you mean '--%s'?", nearest);
    diagnostics_error(session->diagnostics, hint, "unknown option '--%s'", typed);
}

/* An option may be cut short as long as one name begins so. NULL after reporting. */
static const KnownOption *find_long(
    const KnownOptions *known, const char *word, size_t length, Session *session) {
    const KnownOption *found = NULL;
    for (size_t i = 0; i < known->count; i++) {
        const KnownOption *option = &known->items[i];
        if (option->name == NULL || strncmp(option->name, word, length) != 0)
            continue;
        if (strlen(option->name) == length)
            return option;
        if (found != NULL) {
            diagnostics_error(session->diagnostics, NULL,
                "option '--%.*s' could be '--%s' or '--%s'", (int)length, word, found->name,
                option->name);
            return NULL;
        }
        found = option;
    }
    if (found == NULL)
        report_unknown_long(known, word, (int)length, session);
    return found;
}

/* `next` is the word behind, or NULL. Returns how many words the option takes beyond its own. */
static int check_long(
    const KnownOptions *known, const char *word, const char *next, Session *session) {
    size_t length = strcspn(word, "=");
    const KnownOption *option = find_long(known, word, length, session);
    if (option == NULL)
        return 0;
    const char *value = option->value == NULL ? NULL
                        : word[length] == '=' ? word + length + 1
                                              : next;
    if (option->value == NULL || value != NULL)
        messages_option(&session->messages, option->name, value, session->diagnostics);
    if (word[length] == '=') {
        if (option->value == NULL)
            diagnostics_error(
                session->diagnostics, NULL, "option '--%s' takes no value", option->name);
        return 0;
    }
    if (option->may_lack_value)
        return 0;
    if (option->value != NULL && next == NULL)
        diagnostics_error(session->diagnostics, NULL, "option '--%s' needs a value: --%s %s",
            option->name, option->name, option->value);
    return option->value != NULL ? 1 : 0;
}

static int check_short(
    const KnownOptions *known, const char *letters, bool is_last, Session *session) {
    for (const char *letter = letters; *letter != '\0'; letter++) {
        const KnownOption *option = NULL;
        for (size_t i = 0; i < known->count && option == NULL; i++) {
            if (known->items[i].letter == *letter)
                option = &known->items[i];
        }
        if (option == NULL) {
            diagnostics_error(
                session->diagnostics, "--help lists the options", "unknown option '-%c'", *letter);
            return 0;
        }
        if (option->value == NULL)
            continue;
        if (letter[1] != '\0')
            return 0;
        if (is_last)
            diagnostics_error(session->diagnostics, NULL, "option '-%c' needs a value: -%c %s",
                *letter, *letter, option->value);
        return 1;
    }
    return 0;
}

static bool check_words(const struct argp *argp, int argc, char **argv, Session *session) {
    KnownOptions known = {0};
    collect_options(argp, &known);
    add_option(&known, "help", '?', NULL, false);
    add_option(&known, "usage", 0, NULL, false);
    add_option(&known, "version", 'V', NULL, false);
    size_t errors_before = diagnostics_error_count(session->diagnostics);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strncmp(argv[i], "--", 2) == 0)
            i += check_long(&known, argv[i] + 2, next, session);
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            i += check_short(&known, argv[i] + 1, next == NULL, session);
    }
    if (session->messages.quiet && session->messages.verbose)
        diagnostics_error(session->diagnostics, NULL, "--quiet and --verbose exclude each other");
    return diagnostics_error_count(session->diagnostics) == errors_before;
}

/* Every command takes these, too. */
static struct argp add_message_options(
    const struct argp *argp, struct argp_child children[MOST_CHILDREN + 2]) {
    size_t count = 0;
    for (; argp->children != NULL && argp->children[count].argp != NULL; count++) {
        assert(count < MOST_CHILDREN);
        children[count] = argp->children[count];
    }
    children[count++] = (struct argp_child){.argp = &messages_argp};
    children[count] = (struct argp_child){0};
    struct argp result = *argp;
    result.children = children;
    return result;
}

static struct {
    OptionsListener *take;
    void *context;
} listener;

void command_line_listen(OptionsListener *take, void *context) {
    listener.take = take;
    listener.context = context;
}

bool command_line_parse(
    const struct argp *argp, int argc, char **argv, void *input, Session *session) {
    struct argp_child children[MOST_CHILDREN + 2];
    struct argp with_messages = add_message_options(argp, children);
    if (listener.take != NULL) {
        listener.take(listener.context, &with_messages);
        return false;
    }
    if (!check_words(&with_messages, argc, argv, session))
        return false;
    size_t errors_before = diagnostics_error_count(session->diagnostics);
    error_t error = argp_parse(&with_messages, argc, argv, 0, NULL, input);
    if (error == ENOMEM)
        out_of_memory();
    if (error != 0 && diagnostics_error_count(session->diagnostics) == errors_before)
        diagnostics_error(session->diagnostics, "--help lists the options",
            "the command line cannot be read: %s", strerror(error));
    bool good = diagnostics_error_count(session->diagnostics) == errors_before;
    if (good)
        progress_show(session->messages);
    return good;
}

bool option_integer(Session *session, const char *option, const char *text, int64_t least,
    int64_t most, int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0 && number >= least && number <= most) {
        *value = number;
        return true;
    }
    diagnostics_error(session->diagnostics, NULL,
        "'%s' is no value for %s: give a whole number from %lld to %lld", text, option,
        (long long)least, (long long)most);
    return false;
}

bool option_number(Session *session, const char *option, const char *text, double least,
    double most, double *value) {
    char *end;
    double number = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(number) && number >= least && number <= most) {
        *value = number;
        return true;
    }
    diagnostics_error(session->diagnostics, NULL,
        "'%s' is no value for %s: give a number from %g to %g", text, option, least, most);
    return false;
}

bool option_operand(Session *session, const char **slot, const char *text) {
    if (*slot == NULL) {
        *slot = text;
        ending_set_work(arena_format(session->arena, "'%s'", quote_copy(session->arena, text)));
        return true;
    }
    diagnostics_error(session->diagnostics, NULL, "surplus argument '%s' after '%s'", text, *slot);
    return false;
}

bool option_operand_given(Session *session, const char *operand, const char *what) {
    if (operand != NULL)
        return true;
    diagnostics_error(session->diagnostics, "--help shows how the command is used",
        "%s is missing from the command line", what);
    return false;
}
