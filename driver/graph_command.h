/* Commands of the user's that look at a graph: the shell runs them with the name of a .rir file,
 * which is temporary, behind them. */
#ifndef RIFFLE_DRIVER_GRAPH_COMMAND_H
#define RIFFLE_DRIVER_GRAPH_COMMAND_H

#include "driver/driver.h"
#include "ir/signals.h"
#include "ir/text.h"

typedef struct GraphCommand {
    const char *line;    /* of the shell's language */
    const char *purpose; /* in the file's name: "bisect" */
    int64_t seconds;     /* that it may take; 0: any number */
    bool silent;         /* nothing that it prints is shown, and there is nothing for it to read */
} GraphCommand;

typedef struct GraphCommandEnd {
    bool ran; /* false: it did not, which was reported, or a signal came */
    bool late;
    int status; /* as waitpid says it */
} GraphCommandEnd;

/* Runs the command on a file with that text. The signals that the caller holds end it, too. */
GraphCommandEnd graph_command_run(
    const GraphCommand *command, const Text *text, const HeldSignals *signals, Session *session);

/* The exit status; -1 when a signal ended it or it was late. */
int graph_command_status(const GraphCommandEnd *end);
/* Whether the shell says that there is nothing to run, or nothing that may be run. */
bool graph_command_is_impossible(const GraphCommandEnd *end);

#endif
