/* How the messages of a command are printed: as text, perhaps in colours, or for programs, and how
 * much is said. The options for that are those of every command. */
#ifndef RIFFLE_DRIVER_MESSAGES_H
#define RIFFLE_DRIVER_MESSAGES_H

#include "ir/diagnostics.h"
#include "ir/text.h"
#include <argp.h>

typedef enum MessageFormat { MESSAGES_TEXT, MESSAGES_JSON, MESSAGES_SARIF } MessageFormat;
typedef enum MessageColour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER } MessageColour;

/* Zeroed: text, in colours on a terminal. */
typedef struct MessageForm {
    MessageFormat format;
    MessageColour colour;
    bool quiet;   /* errors alone */
    bool verbose; /* also what takes time */
} MessageForm;

/* The options, for help; messages_option takes their values. */
extern const struct argp messages_argp;

/* Takes the value (NULL for an option without) if the option is one of those, and reports one that
 * it cannot have. */
void messages_option(
    MessageForm *form, const char *option, const char *value, Diagnostics *diagnostics);

/* All messages of a command that ends with that exit status. */
void messages_print(MessageForm form, const Diagnostics *diagnostics, int status, FILE *stream);
/* Those of a step of its work: SARIF has one document, so they are text there. */
void messages_print_between(MessageForm form, const Diagnostics *diagnostics, FILE *stream);

/* A log of SARIF 2.1.0 (messages_sarif.c). */
void messages_write_sarif(const Diagnostics *diagnostics, int status, Text *text);

#endif
