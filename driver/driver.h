/* What the commands share. A command is `int command_NAME(int argc, char **argv)`: argv[0] is
 * "riffle NAME", the result is the exit status. Its rows in help and dispatch come from
 * commands.def. */
#ifndef RIFFLE_DRIVER_DRIVER_H
#define RIFFLE_DRIVER_DRIVER_H

#include "driver/messages.h"
#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum ExitStatus {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* a fault in what the user gave, or a comparison that did not hold */
    EXIT_USAGE = 2,  /* a fault in the command line */
    EXIT_NAN = 3     /* run: the answer was given, and holds NaN */
} ExitStatus;

#define COMMAND(name, summary) int command_##name(int argc, char **argv);
#include "driver/commands.def"

/* The memory and the collected errors of one command. */
typedef struct Session {
    Arena *arena;
    Diagnostics *diagnostics;
    MessageForm messages; /* how they are printed; command_line_parse reads it */
} Session;

Session session_begin(void);
/* Prints the diagnostics to stderr, releases the session, and returns `status`, or EXIT_FAILED when
 * that was EXIT_DONE but there were errors (standard output that cannot be written is one). */
int session_finish(Session *session, int status);

/* Releases the session and prints nothing: another process has done that. */
void session_discard(Session *session);

/* ---- command line (command_line.c) ---- */

/* Checks the words of the command line against the options of `argp` and those of messages, which
 * every command has and which hold from then on (reporting unknown ones with
 * the nearest known name, and missing or surplus values), then parses. False after reporting
 * errors; the command then returns session_finish(session, EXIT_USAGE). `--help` and its like end
 * the process. */
bool command_line_parse(
    const struct argp *argp, int argc, char **argv, void *input, Session *session);

/* Each option of the table and of its children; the letter is '\0' for a long one alone. */
typedef void OptionVisitor(void *context, const struct argp_option *row, char letter);
void command_options_visit(const struct argp *argp, OptionVisitor *visit, void *context);

/* From now on command_line_parse gives the option table to the listener and returns false; the
 * command ends. NULL ends that. For what is made of the tables: completion of shells. */
typedef void OptionsListener(void *context, const struct argp *argp);
void command_line_listen(OptionsListener *listener, void *context);

/* For parsers: each reports and returns false when the text is not what it should be. `option` is
 * the name as typed ("--count"). */
bool option_integer(Session *session, const char *option, const char *text, int64_t least,
    int64_t most, int64_t *value);
bool option_number(Session *session, const char *option, const char *text, double least,
    double most, double *value);
/* Stores an operand in *slot, or reports a surplus one. `what` is its name in help: "SPEC". */
bool option_operand(Session *session, const char **slot, const char *text);
/* The same when the parsing is over and the operand must be there. */
bool option_operand_given(Session *session, const char *operand, const char *what);

/* ---- small things (session.c) ---- */

bool ends_with(const char *string, const char *ending);
/* Writes the text to the file, or to standard output where `path` is NULL. False after reporting.
 */
bool write_or_print(const Text *text, const char *path, Session *session);
/* Reports and returns false when this riffle has no LLVM in it. */
bool require_llvm(Session *session);

#endif
