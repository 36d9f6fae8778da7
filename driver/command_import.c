/* riffle import: a model of ONNX or ncnn made a spec and a file of weights. Both are made in memory
 * and tried before either is written. */
#include "driver/output_files.h"
#include "driver/shell_word.h"
#include "frontend/frontend.h"
#include "frontend/ncnn/import.h"
#include "frontend/onnx/import.h"
#include "ir/progress.h"
#include "ir/quote.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_WEIGHTS_OUT = 1000,
    OPTION_WEIGHTS,
    OPTION_NAME,
    OPTION_BATCH,
    OPTION_SET_SHAPE,
    OPTION_UNTIL,
    OPTION_OUTPUTS,
    OPTION_CONVERT
};
enum { MOST_SHAPES = 64, MOST_IMPORT_CUTS = 1024 };

typedef struct Words {
    const char *items[MOST_IMPORT_CUTS];
    size_t count;
} Words;

typedef struct ImportOptions {
    Session *session;
    const char *input, *model_weights, *output, *weights, *name;
    ImporterOptions model;
    ModelShape shapes[MOST_SHAPES];
    Words shape_words, until, outputs; /* as they were given */
    ModelPart part;
} ImportOptions;

/* ---- command line ---- */

static bool refuse_shape(ImportOptions *options, const char *text) {
    diagnostics_error(options->session->diagnostics, "as in --set-shape image=1,3,224,224",
        "'%s' is no shape of an input for --set-shape", text);
    return false;
}

/* NAME=1,3,224,224 */
static bool take_shape(ImportOptions *options, const char *text) {
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text || options->model.shape_count == MOST_SHAPES)
        return refuse_shape(options, text);
    ModelShape *shape = &options->shapes[options->model.shape_count];
    *shape = (ModelShape){
        .input = arena_copy_bytes(options->session->arena, text, (size_t)(equals - text))};
    for (const char *at = equals; *at != '\0';) {
        char *end;
        errno = 0;
        long long size = isdigit((unsigned char)at[1]) ? strtoll(at + 1, &end, 10) : 0;
        if (size < 1 || errno != 0 || shape->rank == MODEL_MAX_RANK ||
            (*end != ',' && *end != '\0'))
            return refuse_shape(options, text);
        shape->dims[shape->rank++] = size;
        at = end;
    }
    options->model.shape_count++;
    options->shape_words.items[options->shape_words.count++] = text;
    return true;
}

static bool take_cut(ImportOptions *options, Words *words, const char *option, const char *name) {
    if (words->count < MOST_IMPORT_CUTS) {
        words->items[words->count++] = name;
        return true;
    }
    diagnostics_error(options->session->diagnostics, NULL, "%s is given more than %d times", option,
        (int)MOST_IMPORT_CUTS);
    return false;
}

static bool operands_are_given(ImportOptions *options) {
    bool good = option_operand_given(options->session, options->input, "MODEL");
    if (options->output == NULL || options->weights == NULL) {
        diagnostics_error(options->session->diagnostics,
            "as in 'riffle import model.onnx -o net.rfl --weights-out net.safetensors'",
            "%s is missing", options->output == NULL ? "-o SPEC" : "--weights-out FILE");
        good = false;
    }
    return good;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    ImportOptions *options = state->input;
    switch (key) {
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_WEIGHTS_OUT:
        options->weights = argument;
        return 0;
    case OPTION_WEIGHTS:
        options->model_weights = argument;
        return 0;
    case OPTION_NAME:
        options->name = argument;
        return 0;
    case OPTION_BATCH:
        return option_integer(options->session, "--batch", argument, 1, INT64_C(1) << 20,
                   &options->model.batch)
                   ? 0
                   : EINVAL;
    case OPTION_SET_SHAPE:
        return take_shape(options, argument) ? 0 : EINVAL;
    case OPTION_UNTIL:
        return take_cut(options, &options->until, "--until", argument) ? 0 : EINVAL;
    case OPTION_OUTPUTS:
        return take_cut(options, &options->outputs, "--outputs", argument) ? 0 : EINVAL;
    case OPTION_CONVERT:
        options->model.convert_precision = true;
        return 0;
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->input, argument) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return operands_are_given(options) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "SPEC", 0, "Write the spec there (.rfl, or .json)", 0},
    {"weights-out", OPTION_WEIGHTS_OUT, "FILE", 0, "Write the weights there (safetensors)", 0},
    {"weights", OPTION_WEIGHTS, "FILE", 0,
        "Weights of an ncnn model (default: net.bin for net.param)", 0},
    {"name", OPTION_NAME, "NAME", 0, "Name of the network (default: that of the spec's file)", 0},
    {"batch", OPTION_BATCH, "N", 0, "Images at once, where the model leaves that open", 0},
    {"set-shape", OPTION_SET_SHAPE, "INPUT=SIZES", 0,
        "Shape of an input, where the model leaves it open: image=1,3,224,224", 0},
    {"until", OPTION_UNTIL, "NODE", 0,
        "End at that node (layer) of the model: its results become the outputs. Can be repeated",
        0},
    {"outputs", OPTION_OUTPUTS, "NAME,...", 0,
        "End at those tensors of the model: they become the outputs. Can be repeated", 0},
    {"convert-precision", OPTION_CONVERT, NULL, 0,
        "Convert double precision to float32, which is otherwise refused", 0},
    {0}};

/* For a riffle with ONNX, and for one without. */
#define ARGP(remark)                                                                               \
    {.options = options_table,                                                                     \
        .parser = parse_option,                                                                    \
        .args_doc = "MODEL",                                                                       \
        .doc = "Imports a model of ONNX or ncnn: writes a spec and its weights. Channel "          \
               "shuffles are recognised however they are spelled; nodes that cannot be imported "  \
               "are all named." remark "\v"                                                        \
               "Examples:\n"                                                                       \
               "  riffle import model.onnx -o net.rfl --weights-out net.safetensors\n"             \
               "  riffle import model.param -o net.rfl --weights-out net.safetensors\n"            \
               "  riffle compile net.rfl --weights net.safetensors -o out/\n"}

static const struct argp argp_with = ARGP(""),
                         argp_without = ARGP("\n\nBut " ONNX_LACKS "; " ONNX_REMEDY ".");

/* ---- importing ---- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The name of the spec's file, made a C identifier. */
static const char *network_name(const ImportOptions *options) {
    const char *base = options->name != NULL ? options->name : base_name(options->output);
    size_t length = options->name != NULL ? strlen(base) : strcspn(base, ".");
    Text text = {0};
    if (length == 0 || isdigit((unsigned char)*base))
        text_append(&text, "net");
    for (size_t i = 0; i < length && i < 100; i++) {
        unsigned char c = (unsigned char)base[i];
        text_append_bytes(&text, c < 128 && isalnum(c) ? (char *)&c : "_", 1);
    }
    const char *name = arena_copy_string(options->session->arena, text.data);
    text_free(&text);
    return name;
}

/* The spec must give the graph's weights back: what compile will ask of it. */
static bool spec_fits(const Graph *graph, const Spec *spec, Session *session) {
    Graph *again = spec_elaborate(spec, NULL, 0, session->arena, session->diagnostics);
    if (again == NULL)
        return false;
    int missing = 0;
    for (const Weight *weight = again->first_weight; weight != NULL; weight = weight->next) {
        const Weight *given = graph_find_weight(graph, weight->path);
        missing += given == NULL || !tensor_type_equal(&given->type, &weight->type);
    }
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        missing += graph_find_weight(again, weight->path) == NULL;
    if (missing > 0)
        diagnostics_error(session->diagnostics, "this is a fault of riffle: please report it",
            "the spec that was made does not fit %d of its weights", missing);
    return missing == 0;
}

static bool make_spec(const ImportOptions *options, const Graph *graph, Text *spec_text) {
    Session *session = options->session;
    Text flat = {0};
    const char *comment =
        arena_format(session->arena, "Imported from %s.", base_name(options->input));
    graph_print_spec(graph, comment, &flat);
    SourceFile *file = ARENA_NEW(session->arena, SourceFile);
    /* what would still be wrong with it has a place in what is not there */
    *file = (SourceFile){arena_format(session->arena, "%s (not written)", options->output),
        arena_copy_bytes(session->arena, flat.data, flat.length), flat.length};
    text_free(&flat);
    Spec *spec = spec_parse(file, session->arena, session->diagnostics);
    if (spec == NULL || !spec_fits(graph, spec, session))
        return false;
    if (ends_with(options->output, ".json"))
        spec_print_json(spec, spec_text);
    else
        spec_print(spec, spec_text);
    return true;
}

/* ---- writing ---- */

static bool write_both(const ImportOptions *options, const OutputFiles *files) {
    if (strcmp(options->output, options->weights) == 0) {
        diagnostics_error(options->session->diagnostics, NULL,
            "the spec and the weights cannot both be '%s'", options->output);
        return false;
    }
    return output_files_write(files, NULL);
}

/* ---- what can be imported of a model that cannot ---- */

static void append_option(Text *text, const char *option, const char *word) {
    if (word == NULL)
        return;
    text_append(text, option);
    text_append(text, " ");
    shell_word_append(text, word);
}

/* Names with commas have an option of their own. */
static void append_outputs(Text *text, const ModelPart *part) {
    Text list = {0};
    for (size_t i = 0; i < part->output_count; i++) {
        if (strchr(part->outputs[i], ',') != NULL)
            append_option(text, " --outputs", part->outputs[i]);
        else
            text_format(&list, "%s%s", list.length > 0 ? "," : "", part->outputs[i]);
    }
    append_option(text, " --outputs", list.data);
    text_free(&list);
}

/* The command that imports the part. */
static void report_part(ImportOptions *options) {
    const ModelPart *part = &options->part;
    if (part->output_count == 0)
        return;
    Arena *arena = options->session->arena;
    Text command = {0};
    text_append(&command, "riffle import");
    text_append(&command, " ");
    shell_word_append(&command, options->input);
    append_outputs(&command, part);
    append_option(&command, " --weights", options->model_weights);
    append_option(&command, " -o", options->output);
    append_option(&command, " --weights-out", options->weights);
    append_option(&command, " --name", options->name);
    if (options->model.batch > 0)
        append_option(
            &command, " --batch", arena_format(arena, "%lld", (long long)options->model.batch));
    for (size_t i = 0; i < options->shape_words.count; i++)
        append_option(&command, " --set-shape", options->shape_words.items[i]);
    if (options->model.convert_precision)
        text_append(&command, " --convert-precision");
    if (strcmp(quote_copy(arena, command.data), command.data) == 0)
        diagnostics_report(options->session->diagnostics, SEVERITY_NOTE, (SourceRange){0},
            command.data, "the part in front of that, %zu of %zu %s, can be imported:", part->nodes,
            part->all_nodes, part->items);
    text_free(&command);
}

static Graph *read_model(const ImportOptions *options) {
    Session *session = options->session;
    if (ncnn_is_model(options->input))
        return ncnn_import(options->input, options->model_weights, &options->model, session->arena,
            session->diagnostics);
    if (options->model_weights == NULL)
        return onnx_import(options->input, &options->model, session->arena, session->diagnostics);
    diagnostics_error(session->diagnostics, "an ONNX model names the files of its weights itself",
        "--weights is for models of ncnn, and '%s' is none", options->input);
    return NULL;
}

static Graph *import_file(const ImportOptions *options) {
    int work = progress_begin("reading the model", 0);
    Graph *graph = read_model(options);
    progress_end(work);
    return graph;
}

static bool import(ImportOptions *options) {
    Session *session = options->session;
    options->model.name = network_name(options);
    options->model.shapes = options->shapes;
    options->model.until = options->until.items;
    options->model.until_count = options->until.count;
    options->model.outputs = options->outputs.items;
    options->model.output_count = options->outputs.count;
    options->model.part = &options->part;
    Graph *graph = import_file(options);
    if (graph == NULL)
        report_part(options);
    OutputFiles files = {.session = session};
    Text header = {0};
    RestingBytes data = {0};
    bool done = graph != NULL &&
                make_spec(options, graph, output_files_add_outside(&files, options->output));
    if (done) {
        int work = progress_begin("writing files", 0);
        weights_write(graph, &header, &data);
        Splice splice = {data.data, data.length, header.length, data.rests};
        text_append_bytes(output_files_add_spliced_outside(&files, options->weights, splice),
            header.data, header.length);
        done = write_both(options, &files);
        progress_end(work);
    }
    output_files_free(&files);
    text_free(&header);
    resting_free(&data);
    return done;
}

int command_import(int argc, char **argv) {
    Session session = session_begin();
    ImportOptions options = {.session = &session};
    const struct argp *argp = onnx_is_built_in() ? &argp_with : &argp_without;
    if (!command_line_parse(argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    return session_finish(&session, import(&options) ? EXIT_DONE : EXIT_FAILED);
}
