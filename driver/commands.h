/* The rows of commands.def. */
#ifndef RIFFLE_DRIVER_COMMANDS_H
#define RIFFLE_DRIVER_COMMANDS_H

#include <stddef.h>

typedef int CommandFunction(int argc, char **argv);

typedef struct Command {
    const char *identifier; /* its name, with '_' for '-' */
    const char *summary;
    CommandFunction *run;
} Command;

const Command *command_table(size_t *count);

enum { LONGEST_COMMAND_NAME = 32 };

/* As the user writes it. */
const char *command_name(const Command *command, char name[LONGEST_COMMAND_NAME]);

#endif
