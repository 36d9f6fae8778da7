/* riffle report: a page to look at a network with. */
#include "driver/inspect_time.h"
#include "driver/report.h"

#include <errno.h>

enum { OPTION_CLOCK = 1000, OPTION_PROFILE };

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    ReportOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_CLOCK:
        return clock_parse(options->model.session, argument, &options->hertz) ? 0 : EINVAL;
    case OPTION_PROFILE:
        options->profile = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->output != NULL)
            return 0;
        diagnostics_error(options->model.session->diagnostics, NULL,
            "-o FILE says where the page goes, and there is none");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "FILE", 0, "Write the page to FILE, as in report.html", 0},
    {"clock", OPTION_CLOCK, "FREQUENCY", 0,
        "Show also how long each step should take on the processor of --cpu or --target at this "
        "clock, as in 1.8GHz: an estimate by a model of its core (docs/predicted_time.md)",
        0},
    {"profile", OPTION_PROFILE, "FILE", 0,
        "Show also how long each step took, and how near it came to what the machine can do: what "
        "`riffle bench --profile --json` printed for the same network, target and passes",
        0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Writes a page of HTML that shows a network: the graph before and after each pass, and "
           "where its channels come from and go; buffers over time; what each step moves and "
           "computes; what breaks the guidelines of ShuffleNet V2. One file, which needs no "
           "network and no server.\v"
           "Examples:\n"
           "  riffle report examples/shufflenet_v2.rfl -o report.html\n"
           "  riffle report net.rfl --cpu=cortex-a55 --clock=1.8GHz -o report.html\n"
           "  riffle bench net.rfl --profile --json > times.json\n"
           "  riffle report net.rfl --profile=times.json -o report.html\n"
           "\n"
           "No weights are needed.",
    .children = children};

int command_report(int argc, char **argv) {
    Session session = session_begin();
    static const char any_target[] = "native";
    ReportOptions options = {.model = model_options(&session, any_target)};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    if (options.model.processor != NULL && options.model.target == any_target) {
        options.model.target = options.model.processor; /* on the platform that it stands for */
        options.model.processor = NULL;
    }
    return session_finish(&session, report_write(&options) ? EXIT_DONE : EXIT_FAILED);
}
