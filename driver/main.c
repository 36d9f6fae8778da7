/* riffle COMMAND ...: finds the command in commands.def and hands the rest of the line to it. */
#include "driver/commands.h"
#include "driver/driver.h"

#include "backends/backends.h"
#include "driver/version.h"
#include "frontend/onnx/import.h"
#include <stdio.h>
#include <string.h>

static const Command *find_command(const char *name) {
    char candidate[LONGEST_COMMAND_NAME];
    size_t count;
    const Command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(command_name(&commands[i], candidate), name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name) {
    Session session = session_begin();
    size_t count;
    const Command *commands = command_table(&count);
    const char **names = ARENA_ARRAY(session.arena, const char *, count);
    char candidate[LONGEST_COMMAND_NAME];
    for (size_t i = 0; i < count; i++)
        names[i] = arena_copy_string(session.arena, command_name(&commands[i], candidate));
    const char *nearest = closest_word(name, names, count);
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
    char name[LONGEST_COMMAND_NAME];
    size_t count;
    const Command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++)
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
