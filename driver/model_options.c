/* The options that several commands share, in groups that a command's argp takes as children. */
#include "driver/model.h"
#include "driver/pass_sources.h"
#include "driver/precision.h"

#include <string.h>

enum {
    OPTION_SET = 1000,
    OPTION_NAME,
    OPTION_WEIGHTS,
    OPTION_WEIGHTS_PREFIX,
    OPTION_WEIGHTS_NAMES,
    OPTION_RANDOM_WEIGHTS,
    OPTION_PASSES,
    OPTION_VERIFY_EACH,
    OPTION_LAYOUT,
    OPTION_CHAINS,
    OPTION_WINOGRAD,
    OPTION_TARGET,
    OPTION_CPU,
    OPTION_TUNING,
    OPTION_PRECISION,
    OPTION_CALIBRATION,
    OPTION_PRECISION_MAP,
    OPTION_PRECISION_OPTIONS,
    OPTION_CALIBRATION_METHOD,
    OPTION_EQUALIZE,
    OPTION_BACKEND,
    OPTION_CC,
    OPTION_RUNNER,
    OPTION_RUNNER_CC
};

ModelOptions model_options(Session *session, const char *target) {
    return (ModelOptions){
        .session = session,
        .target = target,
        .level = DEFAULT_PIPELINE_LEVEL,
        .backend = backend_default(),
        .runner.threads = 1,
        .registry = pass_registry_create(session->arena),
        .plugins = "",
    };
}

void model_options_init(struct argp_state *state, ModelOptions *options, int count) {
    for (int i = 0; i < count; i++)
        state->child_inputs[i] = options;
}

static error_t take_setting(ModelOptions *options, char *text, const struct argp_state *state) {
    Session *session = options->session;
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0') {
        diagnostics_error(session->diagnostics, "write --set width=0.5",
            "'%s' is no value for --set: give NAME=VALUE", text);
        return EINVAL;
    }
    if (options->settings == NULL)
        options->settings = ARENA_ARRAY(session->arena, Setting, state->argc);
    const char *name = arena_copy_bytes(session->arena, text, (size_t)(equals - text));
    for (size_t i = 0; i < options->setting_count; i++) {
        if (strcmp(options->settings[i].name, name) == 0) {
            diagnostics_error(
                session->diagnostics, NULL, "--set gives '%s' a value more than once", name);
            return EINVAL;
        }
    }
    options->settings[options->setting_count++] = (Setting){name, equals + 1};
    return 0;
}

static error_t parse_spec_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case OPTION_SET:
        return take_setting(options, argument, state);
    case OPTION_NAME:
        options->name = argument;
        return 0;
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->spec, argument) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return options->spec_optional ||
                       option_operand_given(options->session, options->spec, "SPEC")
                   ? 0
                   : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option spec_options[] = {{NULL, 0, NULL, 0, "Network:", 1},
    {"set", OPTION_SET, "NAME=VALUE", 0,
        "Give a parameter of the spec a value, in the spec's language; may be repeated", 0},
    {"name", OPTION_NAME, "NAME", 0,
        "Name of the library and prefix of its symbols (default: the network's name)", 0},
    {0}};

const struct argp spec_argp = {.options = spec_options, .parser = parse_spec_option};

static error_t parse_weights_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case OPTION_WEIGHTS:
        options->weights_file = argument;
        return 0;
    case OPTION_WEIGHTS_PREFIX:
        options->weights_prefix = argument;
        return 0;
    case OPTION_WEIGHTS_NAMES:
        options->weights_names = argument;
        return 0;
    case OPTION_RANDOM_WEIGHTS:
        options->random_weights = true;
        return option_integer(
                   options->session, "--random-weights", argument, 0, INT64_MAX, &options->seed)
                   ? 0
                   : EINVAL;
    case ARGP_KEY_END:
        if (options->random_weights && options->weights_file != NULL) {
            diagnostics_error(options->session->diagnostics, NULL,
                "--weights and --random-weights exclude each other");
            return EINVAL;
        }
        if (options->weights_prefix != NULL && options->weights_file == NULL) {
            diagnostics_error(options->session->diagnostics, NULL,
                "--weights-prefix says which tensors of --weights to take, and there is none");
            return EINVAL;
        }
        if (options->weights_names != NULL && options->weights_file == NULL) {
            diagnostics_error(options->session->diagnostics, NULL,
                "--weights-names says what the layers of --weights are called, and there is none");
            return EINVAL;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option weights_options[] = {{NULL, 0, NULL, 0, "Weights:", 2},
    {"weights", OPTION_WEIGHTS, "FILE", 0,
        "Read the weights from a safetensors file, or from what torch.save of PyTorch wrote (.pth)",
        0},
    {"weights-prefix", OPTION_WEIGHTS_PREFIX, "PREFIX", 0,
        "Take of them those tensors whose names begin so, as in 'state_dict.', and drop that", 0},
    {"weights-names", OPTION_WEIGHTS_NAMES, "FILE", 0,
        "What layers are called in the file of weights, and their paths in the network: a pair a "
        "line",
        0},
    {"random-weights", OPTION_RANDOM_WEIGHTS, "SEED", 0,
        "Make up weights from a seed; activations stay near unit scale", 0},
    {0}};

const struct argp weights_argp = {.options = weights_options, .parser = parse_weights_option};

/* Which of the names it is; reports that it is none. */
static bool parse_name(const ModelOptions *options, const char *option, const char *name,
    const char *(*name_of)(int), int *value) {
    const char *known = "";
    for (*value = 0; name_of(*value) != NULL; ++*value) {
        if (strcmp(name_of(*value), name) == 0)
            return true;
        const char *between = *value == 0 ? "" : name_of(*value + 1) != NULL ? ", " : " or ";
        known = arena_format(options->session->arena, "%s%s%s", known, between, name_of(*value));
    }
    diagnostics_error(options->session->diagnostics, NULL, "'%s' is no value for --%s: give %s",
        name, option, known);
    return false;
}

static bool parse_chains(ModelOptions *options, const char *name) {
    int value;
    bool known = parse_name(options, "chains", name, lower_chains_name, &value);
    options->chains = (LowerChains)value;
    return known;
}

static bool parse_winograd(ModelOptions *options, const char *name) {
    int value;
    bool known = parse_name(options, "winograd", name, lower_winograd_name, &value);
    options->winograd = (LowerWinograd)value;
    return known;
}

static bool check_passes(const ModelOptions *options) {
    if (!options->level_given || options->pipeline == NULL)
        return true;
    Session *session = options->session;
    const char *comma = options->pipeline[0] == '\0' ? "" : ",";
    diagnostics_error(session->diagnostics,
        arena_format(session->arena, "a level may be part of the list: --passes='O%d%s%s'",
            (int)options->level, comma, options->pipeline),
        "-O and --passes exclude each other: each says what runs");
    return false;
}

bool model_passes_given(const ModelOptions *options) {
    return options->level_given || options->pipeline != NULL;
}

static error_t parse_passes_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case 'O':
        options->level_given = true;
        return option_integer(
                   options->session, "-O", argument, 0, PIPELINE_LEVELS - 1, &options->level)
                   ? 0
                   : EINVAL;
    case OPTION_PASSES:
        options->pipeline = argument;
        return 0;
    case OPTION_VERIFY_EACH:
        options->verify_each = true;
        return 0;
    case OPTION_CHAINS:
        return parse_chains(options, argument) ? 0 : EINVAL;
    case OPTION_WINOGRAD:
        return parse_winograd(options, argument) ? 0 : EINVAL;
    case OPTION_LAYOUT:
        return layout_form_parse(options->session, argument, &options->layout) ? 0 : EINVAL;
    case OPTION_LOAD_PASS_PLUGIN:
    case OPTION_RULES:
        options->plugins =
            pass_source_note(key, argument, options->plugins, options->session->arena);
        return pass_source_load(key, argument, options->registry, options->session) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return check_passes(options) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option passes_options[] = {{NULL, 0, NULL, 0, "Passes:", 3},
    {NULL, 'O', "LEVEL", 0,
        "Pipeline of an optimisation level, 0 to 2 ('riffle passes' prints them; default 2)", 0},
    {"passes", OPTION_PASSES, "LIST", 0,
        "Run these passes instead, separated by commas, each with its options: "
        "NAME{OPTION=VALUE}; O0, O1 and O2 stand for those of a level",
        0},
    {"verify-each", OPTION_VERIFY_EACH, NULL, 0, "Verify the graph after each pass", 0},
    {"layout", OPTION_LAYOUT, "FORM", 0,
        "How concat, split, shuffle and gather are done: routed (default), merged (one copy per "
        "tree of them), or as-written (each is a copy); the latter two are for comparison",
        0},
    {"chains", OPTION_CHAINS, "WHEN", 0,
        "Which layers share a kernel, row by row: by-cost (default), never or always; the latter "
        "two are for comparison",
        0},
    {"winograd", OPTION_WINOGRAD, "WHEN", 0,
        "Which dense 3x3 convolutions are computed by Winograd's algorithm, whose answers are a "
        "little less exact: by-cost (default), never, or always; 2x2 and 4x4: always, with tiles "
        "of "
        "so many outputs",
        0},
    PASS_SOURCE_ROWS, {0}};

const struct argp passes_argp = {.options = passes_options, .parser = parse_passes_option};

static void take_calibration(ModelOptions *options, const char *path, int most) {
    FileList *files = &options->calibration;
    if (strcmp(path, "random") == 0) {
        options->random_calibration = true;
        return;
    }
    if (files->paths == NULL)
        files->paths = ARENA_ARRAY(options->session->arena, const char *, most);
    files->paths[files->count++] = path;
}

/* They become part of a pipeline, which reports all other mistakes. */
static bool take_precision_options(ModelOptions *options, const char *list) {
    options->precision_options = list;
    if (list[0] != '\0' && strpbrk(list, "{}") == NULL)
        return true;
    diagnostics_error(options->session->diagnostics, NULL,
        "'%s' is no value for --precision-options: give OPTION=VALUE, separated by commas", list);
    return false;
}

static bool check_precision(const ModelOptions *options) {
    bool calibration = options->calibration.count > 0 || options->random_calibration ||
                       options->calibration_method_given || options->equalize;
    if (options->precision != PRECISION_INT8 && calibration) {
        diagnostics_error(options->session->diagnostics, "add --precision int8",
            "--calibration is for a precision that needs it");
        return false;
    }
    if (options->precision == PRECISION_FP32 && options->precision_options != NULL) {
        diagnostics_error(options->session->diagnostics, "add --precision int8, bf16 or fp16",
            "--precision-options are for a reduced precision");
        return false;
    }
    if (options->precision == PRECISION_FP32 && options->precision_map != NULL) {
        diagnostics_error(options->session->diagnostics,
            "add --precision NAME, that which the first line of the file is for",
            "--precision-map is for a reduced precision");
        return false;
    }
    return true;
}

static error_t parse_processor_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case OPTION_CPU:
        options->processor = argument;
        return 0;
    case OPTION_PRECISION:
        return precision_parse(options->session, argument, &options->precision) ? 0 : EINVAL;
    case OPTION_CALIBRATION:
        take_calibration(options, argument, state->argc);
        return 0;
    case OPTION_EQUALIZE:
        options->equalize = true;
        return 0;
    case OPTION_CALIBRATION_METHOD:
        options->calibration_method_given = true;
        return calibration_method_parse(options->session, argument, &options->calibration_method)
                   ? 0
                   : EINVAL;
    case OPTION_PRECISION_OPTIONS:
        return take_precision_options(options, argument) ? 0 : EINVAL;
    case OPTION_PRECISION_MAP:
        options->precision_map = argument;
        return 0;
    case ARGP_KEY_END:
        return check_precision(options) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_target_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, options, 1);
        return 0;
    case OPTION_TARGET:
        options->target = argument;
        return 0;
    case OPTION_TUNING:
        options->tuning_file = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option processor_options[] = {
    {"cpu", OPTION_CPU, "NAME", 0,
        "Of a platform: make code for this processor instead of any that it has", 4},
    {"precision", OPTION_PRECISION, "NAME", 0,
        "Compute with fp32 (default), with int8 where layers can, with fp16, or with bf16 where "
        "that is faster: with other answers",
        4},
    {"calibration", OPTION_CALIBRATION, "FILE", 0,
        "With --precision int8: a typical input, as a JPEG or PNG picture or raw float32 numbers; "
        "may be repeated. 'random' makes inputs up",
        4},
    {"calibration-method", OPTION_CALIBRATION_METHOD, "NAME", 0,
        "What of the numbers seen a channel's bytes cover: range (default) is all, "
        "percentile=99.99 "
        "all but the largest, kl where bytes are distributed most as the numbers are",
        0},
    {"equalize", OPTION_EQUALIZE, NULL, 0,
        "With --precision int8: make the channels before depthwise convolutions about equally wide "
        "first",
        0},
    {"precision-options", OPTION_PRECISION_OPTIONS, "LIST", 0,
        "Options of the precision's pass, OPTION=VALUE separated by commas: those of quantize for "
        "int8, of bfloat16 for bf16, of float16 for fp16 (`riffle passes` prints them)",
        0},
    {"precision-map", OPTION_PRECISION_MAP, "FILE", 0,
        "With --precision: let the layers that this file names compute with floats; `riffle "
        "precision` writes it",
        4},
    {0}};

const struct argp processor_argp = {.options = processor_options, .parser = parse_processor_option};

static const struct argp_option target_options[] = {{NULL, 0, NULL, 0, "Processor:", 4},
    {"target", OPTION_TARGET, "NAME", 0,
        "Make code for this processor or platform: a row of 'riffle targets', an LLVM CPU name, or "
        "native",
        0},
    {"tuning", OPTION_TUNING, "FILE", 0,
        "Use the tiles and chains that `riffle tune` has measured for the target", 0},
    {0}};

static const struct argp_child target_children[] = {{&processor_argp, 0, NULL, 0}, {0}};

const struct argp target_argp = {
    .options = target_options, .parser = parse_target_option, .children = target_children};

static bool parse_backend(ModelOptions *options, const char *name) {
    static const char *const names[] = {[BACKEND_LLVM] = "llvm", [BACKEND_C] = "c"};
    for (size_t i = BACKEND_LLVM; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        options->backend = (Backend)i;
        return true;
    }
    diagnostics_error(options->session->diagnostics, NULL,
        "'%s' is no value for --backend: give llvm or c", name);
    return false;
}

static error_t parse_backend_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case OPTION_BACKEND:
        return parse_backend(options, argument) ? 0 : EINVAL;
    case OPTION_CC:
        options->c_compiler = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option backend_options[] = {{NULL, 0, NULL, 0, "Backend:", 5},
    {"backend", OPTION_BACKEND, "NAME", 0,
        "Make machine code by llvm (default, where riffle was built with it), or C source by c", 0},
    {"cc", OPTION_CC, "COMMAND", 0,
        "With --backend c: the C compiler that makes machine code of the source (default: that of "
        "the environment variable CC, cc, gcc or clang)",
        0},
    {0}};

const struct argp backend_argp = {.options = backend_options, .parser = parse_backend_option};

static error_t parse_runner_option(int key, char *argument, struct argp_state *state) {
    ModelOptions *options = state->input;
    switch (key) {
    case OPTION_RUNNER:
        options->runner.command = argument;
        return 0;
    case OPTION_RUNNER_CC:
        options->runner.c_compiler = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->runner.c_compiler != NULL && options->runner.command == NULL) {
            diagnostics_error(options->session->diagnostics, NULL,
                "--runner-cc is the C compiler for --runner, and there is none");
            return EINVAL;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option runner_options[] = {{NULL, 0, NULL, 0, "Elsewhere:", 6},
    {"runner", OPTION_RUNNER, "COMMAND", 0,
        "Run the code of --target by this command, which gets a program and two files as "
        "arguments: 'qemu-aarch64 -cpu max'; or on a device, by 'adb' or 'adb -s SERIAL'",
        0},
    {"runner-cc", OPTION_RUNNER_CC, "COMMAND", 0,
        "The C compiler that makes this program (default: a cross gcc of the target, or clang with "
        "lld)",
        0},
    {0}};

const struct argp runner_argp = {.options = runner_options, .parser = parse_runner_option};
