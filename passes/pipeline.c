/* The text of pipelines. */
#include "passes/option_value.h"
#include "passes/passes.h"

#include <assert.h>
#include <string.h>

enum { MOST_STEPS = 10000 }; /* counting the runs of a pass takes their square */

typedef struct PipelineReader {
    const SourceFile *file;
    uint32_t at, end;
    const PassRegistry *registry;
    Arena *arena;
    Diagnostics *diagnostics;
    Pipeline *pipeline;
    size_t capacity; /* of its steps */
    bool good;
} PipelineReader;

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_blanks(PipelineReader *reader) {
    while (reader->at < reader->end && is_blank(reader->file->text[reader->at]))
        reader->at++;
}

/* 0 at the end. */
static char next_byte(PipelineReader *reader) {
    skip_blanks(reader);
    return reader->at < reader->end ? reader->file->text[reader->at] : '\0';
}

/* Up to one of the bytes, without the blanks before and after. */
static SourceRange take_word(PipelineReader *reader, const char *ends) {
    skip_blanks(reader);
    SourceRange word = {reader->file, reader->at, reader->at};
    while (reader->at < reader->end && strchr(ends, reader->file->text[reader->at]) == NULL)
        reader->at++;
    word.end = reader->at;
    while (word.end > word.begin && is_blank(reader->file->text[word.end - 1]))
        word.end--;
    return word;
}

static const char *word_text(PipelineReader *reader, SourceRange word) {
    return arena_copy_bytes(reader->arena, word.file->text + word.begin, word.end - word.begin);
}

/* ---- one pass ---- */

/* A word such as "O3", "-O2" or "o1" means a preset, whatever passes there are. */
static const char *name_hint(PipelineReader *reader, const char *name) {
    const char *letter = name + (name[0] == '-');
    if ((letter[0] == 'O' || letter[0] == 'o') && letter[1 + strspn(letter + 1, "0123456789")] == 0)
        return arena_format(reader->arena, "the presets are 'O0' to 'O%d'", PIPELINE_LEVELS - 1);
    return pass_registry_hint(reader->registry, name, reader->arena);
}

static const Pass *find_pass(PipelineReader *reader, SourceRange word) {
    const char *name = word_text(reader, word);
    const Pass *pass = pass_registry_find(reader->registry, name);
    if (pass != NULL)
        return pass;
    reader->good = false;
    if (name[0] == '\0') {
        diagnostics_report(
            reader->diagnostics, SEVERITY_ERROR, word, NULL, "a pass name is missing");
        return NULL;
    }
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, word, name_hint(reader, name),
        "unknown pass '%s'", name);
    return NULL;
}

static const char *option_hint(PipelineReader *reader, const Pass *pass, const char *name) {
    if (pass->option_count == 0)
        return arena_format(reader->arena, "'%s' has no options", pass->name);
    const char **names = ARENA_ARRAY(reader->arena, const char *, pass->option_count);
    Text list = {0};
    for (int i = 0; i < pass->option_count; i++) {
        names[i] = pass->options[i].name;
        text_format(&list, "%s'%s'", i > 0 ? ", " : "", names[i]);
    }
    const char *closest = closest_word(name, names, (size_t)pass->option_count);
    const char *hint = closest != NULL ? arena_format(reader->arena, "did you mean '%s'?", closest)
                                       : arena_format(reader->arena, "it has %s", list.data);
    text_free(&list);
    return hint;
}

static int find_option(PipelineReader *reader, const Pass *pass, SourceRange word) {
    const char *name = word_text(reader, word);
    for (int i = 0; i < pass->option_count; i++)
        if (strcmp(pass->options[i].name, name) == 0)
            return i;
    reader->good = false;
    if (name[0] == '\0')
        diagnostics_report(
            reader->diagnostics, SEVERITY_ERROR, word, NULL, "the name of an option is missing");
    else
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, word,
            option_hint(reader, pass, name), "unknown option '%s' of the pass '%s'", name,
            pass->name);
    return -1;
}

/* NAME=VALUE; a flag may do without "=true". `pass` is NULL when it is unknown: then the text is
 * only skipped. */
static void read_option(
    PipelineReader *reader, const Pass *pass, PassOptionValue *values, bool *given) {
    SourceRange name = take_word(reader, "=,{}"), value = name;
    bool has_value = next_byte(reader) == '=';
    if (has_value) {
        reader->at++;
        value = take_word(reader, ",{}");
    }
    int index = pass == NULL ? -1 : find_option(reader, pass, name);
    if (index < 0)
        return;
    const PassOption *option = &pass->options[index];
    const char *text =
        has_value ? word_text(reader, value) : (option->kind == PASS_OPTION_FLAG ? "true" : "");
    if (given[index]) {
        diagnostics_report(reader->diagnostics, SEVERITY_ERROR, name, NULL,
            "the option '%s' is given twice", option->name);
        reader->good = false;
    } else if (!option_value_read(option, text, &values[index])) {
        Text range = {0};
        pass_option_describe(option, &range);
        const char *hint = arena_format(reader->arena, "give %s", range.data);
        text_free(&range);
        if (text[0] == '\0')
            diagnostics_report(reader->diagnostics, SEVERITY_ERROR, name, hint,
                "the option '%s' needs a value: %s=VALUE", option->name, option->name);
        else
            diagnostics_report(reader->diagnostics, SEVERITY_ERROR, value, hint,
                "'%s' is no value of the option '%s'", text, option->name);
        reader->good = false;
    }
    given[index] = true;
}

static const PassOptionValue *read_options(PipelineReader *reader, const Pass *pass) {
    int count = pass == NULL ? 0 : pass->option_count;
    PassOptionValue *values = ARENA_ARRAY(reader->arena, PassOptionValue, count + 1);
    bool *given = ARENA_ARRAY(reader->arena, bool, count + 1);
    for (int i = 0; i < count; i++)
        option_value_read(&pass->options[i], pass->options[i].default_text, &values[i]);
    if (next_byte(reader) != '{')
        return values;
    SourceRange brace = {reader->file, reader->at, reader->at + 1};
    reader->at++;
    if (next_byte(reader) != '}') {
        read_option(reader, pass, values, given);
        while (next_byte(reader) == ',') {
            reader->at++;
            read_option(reader, pass, values, given);
        }
    }
    if (next_byte(reader) == '}') {
        reader->at++;
        return values;
    }
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, brace,
        "options are written NAME{OPTION=VALUE,OPTION=VALUE}", "the '{' has no '}'");
    reader->good = false;
    reader->at = reader->end; /* what follows cannot be told from options */
    return values;
}

/* ---- the list ---- */

static int occurrence(const Pipeline *pipeline, const Pass *pass) {
    int count = 1;
    for (size_t i = 0; i < pipeline->count; i++)
        count += pipeline->steps[i].pass == pass;
    return count;
}

static void report_endless(PipelineReader *reader, SourceRange where) {
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, where, NULL,
        "a pipeline has at most %d steps", MOST_STEPS);
    reader->good = false;
    reader->at = reader->end;
}

static bool add_step(
    PipelineReader *reader, const Pass *pass, const PassOptionValue *values, SourceRange where) {
    Pipeline *pipeline = reader->pipeline;
    if (pipeline->count == MOST_STEPS) {
        report_endless(reader, where);
        return false;
    }
    if (pipeline->count == reader->capacity) {
        reader->capacity = 2 * reader->capacity + 32;
        PipelineStep *grown = ARENA_ARRAY(reader->arena, PipelineStep, reader->capacity);
        if (pipeline->count > 0)
            memcpy(grown, pipeline->steps, pipeline->count * sizeof *grown);
        pipeline->steps = grown;
    }
    int run = occurrence(pipeline, pass);
    pipeline->steps[pipeline->count++] = (PipelineStep){pass, values, run, where};
    return true;
}

/* The steps of a preset, all of them at the place of its name. */
static void read_preset(PipelineReader *reader, int level, SourceRange word) {
    if (next_byte(reader) == '{') {
        diagnostics_report(
            reader->diagnostics, SEVERITY_ERROR, word, NULL, "a preset has no options");
        reader->good = false;
        read_options(reader, NULL);
    }
    const Pipeline *preset = pipeline_parse(
        pipeline_preset(level), reader->registry, reader->arena, reader->diagnostics);
    assert(preset != NULL); /* registries hold all that presets name */
    size_t i = 0;
    while (
        i < preset->count && add_step(reader, preset->steps[i].pass, preset->steps[i].values, word))
        i++;
}

static void read_pass(PipelineReader *reader, SourceRange word) {
    const Pass *pass = find_pass(reader, word);
    const PassOptionValue *values = read_options(reader, pass);
    word.end = reader->at > word.end ? reader->at : word.end;
    if (pass != NULL)
        add_step(reader, pass, values, word);
}

static void read_step(PipelineReader *reader) {
    SourceRange word = take_word(reader, ",{}");
    int level = pipeline_preset_level(word_text(reader, word));
    if (level >= 0)
        read_preset(reader, level, word);
    else
        read_pass(reader, word);
    if (next_byte(reader) == ',' || reader->at == reader->end)
        return;
    SourceRange rest = {reader->file, reader->at, reader->at + 1};
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, rest, "passes are separated by commas",
        "',' or the end is expected after a pass");
    reader->good = false;
    take_word(reader, ",");
}

Pipeline *pipeline_parse_range(
    SourceRange text, const PassRegistry *registry, Arena *arena, Diagnostics *diagnostics) {
    PipelineReader reader = {
        .file = text.file,
        .at = text.begin,
        .end = text.end,
        .registry = registry != NULL ? registry : pass_registry_create(arena),
        .arena = arena,
        .diagnostics = diagnostics,
        .pipeline = ARENA_NEW(arena, Pipeline),
        .good = true,
    };
    size_t most = 1;
    for (uint32_t i = text.begin; i < text.end; i++)
        most += text.file->text[i] == ',';
    if (most > MOST_STEPS) {
        report_endless(&reader, (SourceRange){text.file, text.begin, 0});
        return NULL;
    }
    if (next_byte(&reader) == '\0' && reader.at == reader.end)
        return reader.pipeline;
    read_step(&reader);
    while (next_byte(&reader) == ',') {
        reader.at++;
        read_step(&reader);
    }
    return reader.good ? reader.pipeline : NULL;
}

Pipeline *pipeline_parse(
    const char *text, const PassRegistry *registry, Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    *file = (SourceFile){"pipeline", arena_copy_string(arena, text), strlen(text)};
    SourceRange all = {file, 0, (uint32_t)file->length};
    return pipeline_parse_range(all, registry, arena, diagnostics);
}

const char *pipeline_write_out(const char *text, const PassRegistry *registry, Arena *arena) {
    Diagnostics *mistakes = diagnostics_create(); /* whoever runs the pipeline reports them */
    Pipeline *pipeline = pipeline_parse(text, registry, arena, mistakes);
    diagnostics_destroy(mistakes);
    if (pipeline == NULL)
        return text;
    Text printed = {0};
    pipeline_print(pipeline, 0, &printed);
    const char *result =
        arena_copy_bytes(arena, printed.data != NULL ? printed.data : "", printed.length);
    text_free(&printed);
    return result;
}

/* ---- printing ---- */

void pipeline_step_print(const PipelineStep *step, Text *text) {
    const Pass *pass = step->pass;
    text_append(text, pass->name);
    const char *before = "{";
    for (int i = 0; i < pass->option_count; i++) {
        PassOptionValue usual;
        const PassOption *option = &pass->options[i];
        option_value_read(option, option->default_text, &usual);
        if (option_value_equal(option, usual, step->values[i]))
            continue;
        text_format(text, "%s%s=", before, option->name);
        option_value_print(option, step->values[i], text);
        before = ",";
    }
    if (before[0] == ',')
        text_append(text, "}");
}

void pipeline_print(const Pipeline *pipeline, size_t first_step, Text *text) {
    for (size_t i = first_step; i < pipeline->count; i++) {
        text_append(text, i > first_step ? "," : "");
        pipeline_step_print(&pipeline->steps[i], text);
    }
}

void pipeline_step_name(const PipelineStep *step, Text *text) {
    text_append(text, step->pass->name);
    if (step->occurrence > 1)
        text_format(text, "#%d", step->occurrence);
}
