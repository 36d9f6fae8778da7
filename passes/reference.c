/* docs/passes.md, from the table. */
#include "passes/passes.h"

#include <string.h>

/* The pipeline as a numbered list would hide repeats; as text it can be pasted. */
static void print_preset(const char *pipeline, Text *text) {
    int column = 4;
    for (const char *at = pipeline; *at;) {
        int length = (int)strcspn(at, ",") + (at[strcspn(at, ",")] == ',');
        if (column + length > 96) {
            text_append(text, "\n    ");
            column = 4;
        }
        text_append_bytes(text, at, (size_t)length);
        column += length;
        at += length;
    }
    text_append(text, "\n");
}

static void print_presets(Text *text) {
    static const char *const meanings[PIPELINE_LEVELS] = {
        "what the backends require: afterwards there is no `batch_norm` and no `bias` node",
        "the same, and activations and residual additions become part of the layers before them",
        "all of it, layout merging included (the default)",
    };
    text_append(text,
        "## Presets\n"
        "\n"
        "In a pipeline, the name of a preset stands for its passes: `--passes=my-pass,O2`.\n");
    for (int level = 0; level < PIPELINE_LEVELS; level++) {
        text_format(text, "\n`-O%d`: %s.\n\n    ", level, meanings[level]);
        print_preset(pipeline_preset(level), text);
    }
}

static void print_options(const Pass *passes, size_t count, Text *text) {
    text_append(text, "\n## Options\n\n| pass | option | value | default | meaning |\n"
                      "|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < passes[i].option_count; k++) {
            const PassOption *option = &passes[i].options[k];
            text_format(text, "| `%s` | `%s` | ", passes[i].name, option->name);
            pass_option_describe(option, text);
            text_format(text, " | %s | %s |\n", option->default_text, option->meaning);
        }
    }
}

void pass_reference_print(Text *text) {
    text_append(text,
        "# Passes\n"
        "\n"
        "<!-- Written by `riffle passes --markdown` from passes/passes.def. -->\n"
        "\n"
        "A pass changes a graph and keeps what it computes. A pipeline is a comma-separated list "
        "of\n"
        "passes, with options in braces:\n"
        "\n"
        "    riffle opt net.rir --passes='fold-batchnorm,sink-activation{depth=4},merge-layout'\n"
        "\n"
        "[opt.md](opt.md) tells how to run pipelines, watch them and find out which pass does "
        "harm.\n"
        "The contract of each pass (what it matches, why that is legal, what it refuses) is the "
        "head\n"
        "comment of its file in `passes/`; the tests of each are in `tests/passes/`.\n"
        "\n");
    print_presets(text);
    text_append(
        text, "\n## Each pass\n\n| pass | what it does | counted as a rewrite |\n|---|---|---|\n");
    size_t count;
    const Pass *passes = pass_table(&count);
    for (size_t i = 0; i < count; i++)
        text_format(
            text, "| `%s` | %s | %s |\n", passes[i].name, passes[i].summary, passes[i].statistic);
    print_options(passes, count, text);
}
