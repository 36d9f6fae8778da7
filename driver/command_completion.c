/* riffle completion: what bash, zsh and fish need to complete a command line, made of the tables of
 * commands, options and targets. */
#include "backends/backends.h"
#include "driver/commands.h"
#include "driver/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what there is ---- */

typedef struct CompletedOption {
    const char *name;   /* NULL for a short one alone */
    char letter;        /* '\0' for a long one alone */
    const char *value;  /* NULL when it takes none */
    const char *remark; /* its first words */
} CompletedOption;

typedef struct CompletedCommand {
    const char *name, *summary;
    CompletedOption *options;
    size_t count, capacity;
    bool takes_operand;
} CompletedCommand;

typedef struct Completion {
    Session *session;
    CompletedCommand *commands;
    size_t count;
    const char *targets; /* their names, with a space between two */
} Completion;

typedef struct Listening {
    Session *session;
    CompletedCommand *command;
} Listening;

/* As far as one line shows: up to the first break of the sentence. */
static const char *first_words(const char *text, Session *session) {
    return arena_copy_bytes(session->arena, text, strcspn(text, ";(,:."));
}

static void take_option(void *context, const struct argp_option *row, char letter) {
    Listening *listening = context;
    Session *session = listening->session;
    CompletedCommand *command = listening->command;
    ARENA_GROW(session->arena, command->options, command->count, command->capacity, 32);
    command->options[command->count++] = (CompletedOption){
        row->name, letter, row->arg, first_words(row->doc != NULL ? row->doc : "", session)};
}

static void take_options(void *context, const struct argp *argp) {
    Listening *listening = context;
    listening->command->takes_operand = argp->args_doc != NULL;
    command_options_visit(argp, take_option, context);
}

static const char *names_of_targets(Session *session) {
    Text names = {0};
    size_t count;
    text_append(&names, "native");
    const Target *targets = target_table(&count);
    for (size_t i = 0; i < count; i++)
        text_format(&names, " %s", targets[i].name);
    const TargetLevels *levels = target_levels_table(&count);
    for (size_t i = 0; i < count; i++)
        text_format(&names, " %s", levels[i].name);
    const Platform *platforms = platform_table(&count);
    for (size_t i = 0; i < count; i++)
        text_format(&names, " %s", platforms[i].name);
    const Target *gpus = gpu_target_table(&count);
    for (size_t i = 0; i < count; i++)
        text_format(&names, " %s", gpus[i].name);
    const char *copy = arena_copy_bytes(session->arena, names.data, names.length);
    text_free(&names);
    return copy;
}

static Completion collect(Session *session) {
    Completion completion = {.session = session, .targets = names_of_targets(session)};
    const Command *commands = command_table(&completion.count);
    completion.commands = ARENA_ARRAY(session->arena, CompletedCommand, completion.count);
    for (size_t i = 0; i < completion.count; i++) {
        CompletedCommand *command = &completion.commands[i];
        char name[LONGEST_COMMAND_NAME];
        command->name = arena_copy_string(session->arena, command_name(&commands[i], name));
        command->summary = commands[i].summary;
        Listening listening = {session, command};
        command_line_listen(take_options, &listening);
        char *argv[] = {name, NULL};
        commands[i].run(1, argv);
        command_line_listen(NULL, NULL);
    }
    return completion;
}

/* Whether the value is a name out of the table of targets. */
static bool is_target(const CompletedOption *option) {
    return option->name != NULL && strcmp(option->name, "target") == 0;
}

/* Placeholders say what a value is: FILE, SPEC, "[NAME=]FILE", DIRECTORY. */
static bool is_path(const CompletedOption *option) {
    static const char *const paths[] = {"FILE", "DIRECTORY", "FOLDER", "SPEC", "PATH"};
    for (size_t i = 0; option->value != NULL && i < sizeof paths / sizeof *paths; i++)
        if (strstr(option->value, paths[i]) != NULL)
            return true;
    return false;
}

/* ---- bash ---- */

static void print_bash(const Completion *completion, Text *out) {
    text_append(out,
        "# Completes riffle's command line in bash. Made by `riffle completion bash`.\n"
        "_riffle() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local options=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"");
    for (size_t i = 0; i < completion->count; i++)
        text_format(out, "%s ", completion->commands[i].name);
    text_format(out,
        "help --help --version\" -- \"$word\")\n"
        "        return\n"
        "    fi\n"
        "    if [ \"$before\" = --target ]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"%s\" -- \"$word\")\n"
        "        return\n"
        "    fi\n"
        "    case ${COMP_WORDS[1]} in\n",
        completion->targets);
    for (size_t i = 0; i < completion->count; i++) {
        const CompletedCommand *command = &completion->commands[i];
        text_format(out, "    %s) options=\"", command->name);
        for (size_t j = 0; j < command->count; j++)
            if (command->options[j].name != NULL)
                text_format(out, "--%s ", command->options[j].name);
        text_append(out, "--help\" ;;\n");
    }
    text_append(out, "    esac\n"
                     "    case $word in\n"
                     "    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\") ;;\n"
                     "    esac\n"
                     "}\n"
                     "complete -o default -F _riffle riffle\n");
}

/* ---- zsh ---- */

/* Within single quotes, of a specification of _arguments. */
static void append_zsh(Text *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            text_append(out, "'\\'");
        else if (strchr("[]:\\", *text) != NULL)
            text_append(out, "\\");
        text_append_bytes(out, text, 1);
    }
}

static void print_zsh_option(const CompletedOption *option, const char *targets, Text *out) {
    const char *spellings[] = {option->name ? "--" : NULL, option->letter ? "-" : NULL};
    const char letter[] = {option->letter, '\0'};
    for (int i = 0; i < 2; i++) {
        if (spellings[i] == NULL)
            continue;
        text_format(out, " \\\n        '*%s%s%s[", spellings[i], i == 0 ? option->name : letter,
            option->value == NULL ? ""
            : i == 0              ? "="
                                  : "+");
        append_zsh(out, option->remark);
        text_append(out, "]");
        if (option->value != NULL) {
            text_append(out, ":");
            append_zsh(out, option->value);
            text_append(out, ":");
            if (is_target(option))
                text_format(out, "(%s)", targets);
            else if (is_path(option))
                text_append(out, "_files");
        }
        text_append(out, "'");
    }
}

static void print_zsh(const Completion *completion, Text *out) {
    text_append(out, "#compdef riffle\n"
                     "# Completes riffle's command line in zsh. Made by `riffle completion zsh`.\n"
                     "_riffle() {\n"
                     "    local -a commands\n"
                     "    commands=(\n");
    for (size_t i = 0; i < completion->count; i++) {
        text_format(out, "        '%s:", completion->commands[i].name);
        append_zsh(out, completion->commands[i].summary);
        text_append(out, "'\n");
    }
    text_append(out, "    )\n"
                     "    if (( CURRENT == 2 )); then\n"
                     "        _describe command commands\n"
                     "        return\n"
                     "    fi\n"
                     "    local command=$words[2]\n"
                     "    shift words\n"
                     "    (( CURRENT-- ))\n"
                     "    case $command in\n");
    for (size_t i = 0; i < completion->count; i++) {
        const CompletedCommand *command = &completion->commands[i];
        text_format(out, "    %s) _arguments '--help[Give help]'", command->name);
        for (size_t j = 0; j < command->count; j++)
            print_zsh_option(&command->options[j], completion->targets, out);
        text_append(out, command->takes_operand ? " \\\n        '*:file:_files' ;;\n" : " ;;\n");
    }
    text_append(out, "    esac\n"
                     "}\n"
                     "_riffle \"$@\"\n");
}

/* ---- fish ---- */

/* Within single quotes. */
static void append_fish(Text *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            text_append(out, "\\");
        text_append_bytes(out, text, 1);
    }
}

static void print_fish_option(
    const char *command, const CompletedOption *option, const char *targets, Text *out) {
    text_format(out, "complete -c riffle -n '__fish_seen_subcommand_from %s'", command);
    if (option->name != NULL)
        text_format(out, " -l %s", option->name);
    if (option->letter != '\0')
        text_format(out, " -s %c", option->letter);
    if (is_target(option))
        text_format(out, " -x -a '%s'", targets);
    else if (option->value != NULL)
        text_append(out, is_path(option) ? " -r" : " -x");
    text_append(out, " -d '");
    append_fish(out, option->remark);
    text_append(out, "'\n");
}

static void print_fish(const Completion *completion, Text *out) {
    text_append(
        out, "# Completes riffle's command line in fish. Made by `riffle completion fish`.\n");
    for (size_t i = 0; i < completion->count; i++) {
        const CompletedCommand *command = &completion->commands[i];
        text_format(
            out, "complete -c riffle -f -n __fish_use_subcommand -a %s -d '", command->name);
        append_fish(out, command->summary);
        text_append(out, "'\n");
        for (size_t j = 0; j < command->count; j++)
            print_fish_option(command->name, &command->options[j], completion->targets, out);
    }
}

/* ---- the command ---- */

typedef struct Shell {
    const char *name;
    void (*print)(const Completion *completion, Text *out);
} Shell;

static const Shell shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

enum { SHELLS = sizeof shells / sizeof *shells };

typedef struct CompletionOptions {
    Session *session;
    const char *shell;
} CompletionOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    CompletionOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->shell, argument) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return option_operand_given(options->session, options->shell, "SHELL") ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.parser = parse_option,
    .args_doc = "SHELL",
    .doc = "Prints what completes riffle's command line in a shell: bash, zsh or fish.\v"
           "Examples:\n"
           "  riffle completion bash > ~/.local/share/bash-completion/completions/riffle\n"
           "  riffle completion zsh > ~/.zfunc/_riffle\n"
           "  riffle completion fish > ~/.config/fish/completions/riffle.fish\n"};

static const Shell *find_shell(const char *name, Session *session) {
    for (size_t i = 0; i < SHELLS; i++)
        if (strcmp(shells[i].name, name) == 0)
            return &shells[i];
    diagnostics_error(session->diagnostics, "give bash, zsh or fish",
        "riffle knows nothing of the shell '%s'", name);
    return NULL;
}

int command_completion(int argc, char **argv) {
    Session session = session_begin();
    CompletionOptions options = {.session = &session};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    const Shell *shell = find_shell(options.shell, &session);
    if (shell == NULL)
        return session_finish(&session, EXIT_USAGE);
    Completion completion = collect(&session);
    Text text = {0};
    shell->print(&completion, &text);
    fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
    return session_finish(&session, EXIT_DONE);
}
