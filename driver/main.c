/* riffle COMMAND ...: finds the command in commands.def and hands the rest of the line to it. */
#include "driver/driver.h"

#include "backends/backends.h"
#include "driver/version.h"
#include "frontend/onnx/import.h"
#include <stdio.h>
#include <string.h>

typedef int CommandFunction(int argc, char **argv);

typedef struct Command {
    const char *identifier; /* its name, with '_' for '-' */
    const char *summary;
    CommandFunction *run;
} Command;

static const Command commands[] = {
#define COMMAND(name, summary) {#name, summary, command_##name},
#include "driver/commands.def"
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

enum { LONGEST_NAME = 32 };

/* As the user writes it. */
static const char *command_name(const Command *command, char name[LONGEST_NAME]) {
    snprintf(name, LONGEST_NAME, "%s", command->identifier);
    for (char *at = name; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

static const Command *find_command(const char *name) {
    char candidate[LONGEST_NAME];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(command_name(&commands[i], candidate), name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name) {
    Session session = session_begin();
    const char *names[COMMAND_COUNT];
    char candidate[LONGEST_NAME];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = arena_copy_string(session.arena, command_name(&commands[i], candidate));
    const char *nearest = closest_word(name, names, COMMAND_COUNT);
    const char *hint = nearest == NULL ? "'riffle help' lists the commands"
                                       : arena_format(session.arena, "did you mean '%s'?", nearest);
    diagnostics_error(session.diagnostics, hint, "unknown command '%s'", name);
    return session_finish(&session, EXIT_USAGE);
}

static void print_help(FILE *stream) {
    fputs("Usage: riffle COMMAND [OPTION...]\n"
          "riffle compiles small convolutional networks to self-contained static libraries.\n"
          "\n"
          "Commands:\n",
        stream);
    char name[LONGEST_NAME];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-15s %s\n", command_name(&commands[i], name), commands[i].summary);
    fputs(
        "\n"
        "'riffle help COMMAND' and 'riffle COMMAND --help' explain a command and show examples.\n"
        "\n"
        "Examples:\n"
        "  riffle inspect examples/shufflenet_v2.rfl --set width=0.5\n"
        "  riffle compile examples/shufflenet_v2.rfl --weights w.safetensors -o out/\n"
        "  riffle run examples/shufflenet_v2.rfl --weights w.safetensors --image dog.jpg --top 5\n"
        "\n"
        "Exit status: 0 when all went well, 1 for a fault in a spec, a file or a comparison,\n"
        "2 for a fault in the command line.\n",
        stream);
}

static void print_version(FILE *stream, struct argp_state *state) {
    (void)state;
    fprintf(stream, "riffle %s (%s%s, %s)\n", RIFFLE_VERSION,
        llvm_is_built_in() ? "LLVM " : "without LLVM", llvm_version(),
        onnx_is_built_in() ? "ONNX" : "without ONNX");
    if (!onnx_is_built_in())
        fputs("To import ONNX models, " ONNX_REMEDY ".\n", stream);
}

static int run_command(const char *name, int argc, char **argv) {
    const Command *command = find_command(name);
    if (command == NULL)
        return unknown_command(name);
    char full_name[64];
    snprintf(full_name, sizeof full_name, "riffle %s", name);
    argv[0] = full_name; /* what argp calls the program in its help */
    return command->run(argc, argv);
}

int main(int argc, char **argv) {
    argp_program_version_hook = print_version;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        print_version(stdout, NULL);
        return EXIT_DONE;
    }
    bool is_help = strcmp(word, "help") == 0;
    if (is_help && argc > 2) {
        char help[] = "--help";
        char *help_argv[] = {argv[0], help, NULL};
        return run_command(argv[2], 2, help_argv);
    }
    if (is_help || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    return run_command(word, argc - 1, argv + 1);
}
