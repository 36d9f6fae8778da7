#include "driver/commands.h"
#include "driver/driver.h"
#include <stdio.h>

static const Command commands[] = {
#define COMMAND(name, summary) {#name, summary, command_##name},
#include "driver/commands.def"
};

const Command *command_table(size_t *count) {
    *count = sizeof commands / sizeof *commands;
    return commands;
}

const char *command_name(const Command *command, char name[LONGEST_COMMAND_NAME]) {
    snprintf(name, LONGEST_COMMAND_NAME, "%s", command->identifier);
    for (char *at = name; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
    return name;
}
