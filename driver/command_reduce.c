/* riffle reduce: the smallest graph that a script is interested in. */
#include "driver/model.h"
#include "driver/reduce.h"

#include <errno.h>

enum {
    OPTION_TEST = 2000,
    OPTION_TIMEOUT,
    OPTION_ATTEMPTS,
    USUAL_SECONDS = 60,
    USUAL_ATTEMPTS = 10000,
    MOST_ATTEMPTS = 1000000000
};

static const struct argp_option options_table[] = {{NULL, 0, NULL, 0, "Reducing:", 2},
    {"test", OPTION_TEST, "SCRIPT", 0,
        "Which graphs are of interest: those for which 'SCRIPT FILE.rir', run by the shell, ends "
        "with exit status 0",
        0},
    {"output", 'o', "FILE", 0, "Write the graph to FILE (default: standard output)", 0},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0,
        "How long the script may take; one that takes longer says no (default 60; 0: any time)", 0},
    {"attempts", OPTION_ATTEMPTS, "COUNT", 0, "How often it is run at most (default 10000)", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    ReduceOptions *options = state->input;
    Session *session = options->model.session;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 1);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_TEST:
        options->test = argument;
        return 0;
    case OPTION_TIMEOUT:
        return option_integer(session, "--timeout", argument, 0, 1000000, &options->seconds)
                   ? 0
                   : EINVAL;
    case OPTION_ATTEMPTS:
        return option_integer(session, "--attempts", argument, 1, MOST_ATTEMPTS, &options->attempts)
                   ? 0
                   : EINVAL;
    case ARGP_KEY_END:
        if (options->test != NULL)
            return 0;
        diagnostics_error(session->diagnostics, "--test='grep -q \"= shuffle\"' looks for an op",
            "--test says which graphs are of interest, and there is none");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Makes a graph small: takes away nodes, outputs, channels and rows as long as a script "
           "says that what is left is still of interest. SPEC is a .rir file, '-' for one on "
           "standard input, or a spec, whose graph is built first. A reproducer of 'riffle opt' "
           "keeps its pipeline, of which passes are taken away, too.\v"
           "Exit status 0 of the script means yes, as for C-Reduce and llvm-reduce; any other one, "
           "and the end by a signal, no. '!' turns it round. A file in the working directory needs "
           "no './'. What it prints is shown for the first graph only.\n"
           "\n"
           "Examples:\n"
           "  riffle reduce net.rfl --test='grep -q \"= shuffle\"'\n"
           "  riffle reduce net.rir --test=still_wrong.sh -o small.rir\n"
           "  riffle reduce net.reproducer.rir -o small.rir \\\n"
           "      --test='! riffle opt --reproducer=/dev/null'\n"
           "\n"
           "Ctrl-C ends it, and writes the smallest graph so far. Weights are declared in the "
           "output, but no data is written.",
    .children = children,
};

int command_reduce(int argc, char **argv) {
    Session session = session_begin();
    ReduceOptions options = {.model = model_options(&session, NULL),
        .seconds = USUAL_SECONDS,
        .attempts = USUAL_ATTEMPTS};
    options.model.stdin_is_ir = true;
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    Model model = {0};
    if (!model_read(&options.model, &model))
        return session_finish(&session, EXIT_FAILED);
    HeldSignals signals;
    signals_hold(&signals);
    int came = 0;
    bool done = reduce_model(&options, &model, &signals, &came);
    model_close(&model);
    int status = session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
    if (came != 0)
        raise(came);
    signals_release(&signals); /* what came ends the process here */
    return status;
}
