/* The text of pipelines, the options of passes, registries, hooks and limits. */
#include "ir_cmocka.h"
#include "ir_support.h"

#include "passes/passes.h"
#include <stdlib.h>
#include <string.h>

static bool count_options(PassContext *context) {
    context->rewrites = pass_integer(context, "count") + (int64_t)pass_number(context, "share") +
                        pass_flag(context, "more");
    return true;
}

static const PassOption options[] = {
    {"count", PASS_OPTION_INTEGER, "-3", -10, 10, "how many"},
    {"share", PASS_OPTION_NUMBER, "0.5", 0, 1e6, "how much"},
    {"more", PASS_OPTION_FLAG, "false", 0, 1, "one more"},
};
static const Pass optional = {
    "optional", "Has options.", "nothing", count_options, options, 3, NULL};

typedef struct Reading {
    Arena *arena;
    Diagnostics *diagnostics;
    PassRegistry *registry;
} Reading;

static Reading begin(void) {
    Reading reading = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    reading.registry = pass_registry_create(reading.arena);
    assert_true(pass_registry_add(reading.registry, &optional, reading.diagnostics));
    return reading;
}

static void end(Reading *reading) {
    diagnostics_destroy(reading->diagnostics);
    arena_destroy(reading->arena);
}

/* Reads the text, and prints it again. */
static void check_text(const char *text, const char *expected) {
    Reading reading = begin();
    Pipeline *pipeline = pipeline_parse(text, reading.registry, reading.arena, reading.diagnostics);
    assert_non_null(pipeline);
    Text printed = {0};
    pipeline_print(pipeline, 0, &printed);
    assert_string_equal(printed.data != NULL ? printed.data : "", expected);
    text_free(&printed);
    end(&reading);
}

static void texts_are_read_and_printed(void **state) {
    (void)state;
    check_text("", "");
    check_text(" \n\t", "");
    check_text("simplify", "simplify");
    check_text(" simplify ,\ndead-code\n", "simplify,dead-code");
    check_text("optional{}", "optional");
    check_text("optional{ count = 7 , more }", "optional{count=7,more=true}");
    check_text("optional{more=false,share=5e-1,count=-3}", "optional");
    check_text(
        "optional{share=0.1},optional{share=1000000}", "optional{share=0.1},optional{share=1e+06}");
    for (int level = 0; level < PIPELINE_LEVELS; level++)
        check_text(pipeline_preset(level), pipeline_preset(level));
}

/* The text with all its presets written out. */
static void check_preset(const char *before, int level, const char *after, const char *text) {
    Reading reading = begin();
    const char *written =
        arena_format(reading.arena, "%s%s%s", before, pipeline_preset(level), after);
    check_text(text, written);
    assert_string_equal(pipeline_write_out(text, reading.registry, reading.arena), written);
    end(&reading);
}

static void presets_are_parts(void **state) {
    (void)state;
    for (int level = 0; level < PIPELINE_LEVELS; level++) {
        char name[] = {'O', (char)('0' + level), '\0'};
        assert_int_equal(pipeline_preset_level(name), level);
        check_preset("", level, "", name);
    }
    assert_int_equal(pipeline_preset_level("O3"), -1);
    assert_int_equal(pipeline_preset_level("O"), -1);
    assert_int_equal(pipeline_preset_level("O11"), -1);
    check_preset("optional{count=7},", 0, ",optional", "optional{count=7}, O0 ,optional{}");

    Reading reading = begin();
    Pipeline *pipeline =
        pipeline_parse("dead-code,O0", reading.registry, reading.arena, reading.diagnostics);
    assert_non_null(pipeline);
    const PipelineStep *last = &pipeline->steps[pipeline->count - 1];
    assert_string_equal(last->pass->name, "dead-code");
    assert_int_equal(last->occurrence, 2);
    assert_int_equal(last->where.begin, 10);
    assert_int_equal(last->where.end, 12);
    assert_string_equal(pipeline_write_out("O0,smplify", NULL, reading.arena), "O0,smplify");
    end(&reading);
}

static void check_error(const char *text, size_t errors, const char *message) {
    Reading reading = begin();
    assert_null(pipeline_parse(text, reading.registry, reading.arena, reading.diagnostics));
    char *report = diagnostics_text(reading.diagnostics);
    if (diagnostics_error_count(reading.diagnostics) != errors || strstr(report, message) == NULL)
        fail_msg("'%s' gives\n%s", text, report);
    free(report);
    end(&reading);
}

static void mistakes_have_places(void **state) {
    (void)state;
    check_error("simplify,", 1, "pipeline:1:10: error: a pass name is missing");
    check_error(",", 2, "pipeline:1:1: error: a pass name is missing");
    check_error("\n simplfy", 1, "pipeline:2:2: error: unknown pass 'simplfy'");
    check_error("simplify dead-code", 1, "unknown pass 'simplify dead-code'");
    check_error("simplify}", 1, "pipeline:1:9: error: ',' or the end is expected");
    check_error("{count=1}", 1, "pipeline:1:1: error: a pass name is missing");
    check_error("optional{count=1", 1, "pipeline:1:9: error: the '{' has no '}'");
    check_error("optional{count=1{", 1, "pipeline:1:9: error: the '{' has no '}'");
    check_error("optional{", 2, "pipeline:1:9: error: the '{' has no '}'");
    check_error("optional{count=1,}", 1, "pipeline:1:18: error: the name of an option is missing");
    check_error("optional{=1}", 1, "pipeline:1:10: error: the name of an option is missing");
    check_error("optional{count}", 1, "the option 'count' needs a value: count=VALUE");
    check_error("optional{count=}", 1, "the option 'count' needs a value: count=VALUE");
    check_error("optional{more=}", 1, "the option 'more' needs a value: more=VALUE");
    check_error("optional{count=11}", 1, "hint: give a whole number from -10 to 10");
    check_error("optional{count=1.5}", 1, "'1.5' is no value of the option 'count'");
    check_error("optional{count=99999999999999999999}", 1, "is no value of the option 'count'");
    check_error("optional{share=nan,more=yes}", 2, "'yes' is no value of the option 'more'");
    check_error("optional{share=1e999}", 1, "hint: give a number from 0 to 1e+06");
    check_error("optional{count=1,count=2}", 1, "the option 'count' is given twice");
    check_error("optional{cuont=1},optional{other=1}", 2, "hint: did you mean 'count'?");
    check_error("optional{zebra}", 1, "hint: it has 'count', 'share', 'more'");
    check_error("simplify,O3", 1, "hint: the presets are 'O0' to 'O2'");
    check_error("-O2,simplify", 1, "hint: the presets are 'O0' to 'O2'");
    check_error("O2{count=1},dead-code", 1, "pipeline:1:1: error: a preset has no options");
    check_error("simplify{a=1,b=2},nonsense{c=3}", 3, "hint: 'simplify' has no options");
}

static void pipelines_are_not_endless(void **state) {
    (void)state;
    Text text = {0};
    for (int i = 0; i < 10001; i++)
        text_append(&text, ",");
    check_error(text.data, 1, "pipeline:1:1: error: a pipeline has at most 10000 steps");
    text_free(&text);
    for (int i = 0; i < 2000; i++)
        text_append(&text, "O2,");
    check_error(text.data, 1, "error: a pipeline has at most 10000 steps");
    text_free(&text);
}

static void hidden_bytes_are_no_end(void **state) {
    (void)state;
    Reading reading = begin();
    SourceFile file = {"bytes", "simplify\0,dead-code", 19};
    SourceRange all = {&file, 0, 19}, part = {&file, 10, 19};
    assert_null(pipeline_parse_range(all, reading.registry, reading.arena, reading.diagnostics));
    Pipeline *pipeline =
        pipeline_parse_range(part, reading.registry, reading.arena, reading.diagnostics);
    assert_non_null(pipeline);
    assert_int_equal(pipeline->count, 1);
    assert_int_equal(pipeline->steps[0].where.begin, 10);
    end(&reading);
}

static void registries_refuse(void **state) {
    (void)state;
    static const PassOption twice[] = {
        {"a", PASS_OPTION_FLAG, "true", 0, 1, ""}, {"a", PASS_OPTION_INTEGER, "5", 0, 4, ""}};
    static const Pass refused[] = {
        {"simplify", "", "", count_options, NULL, 0, NULL},
        {"optional", "", "", count_options, NULL, 0, NULL},
        {"", "", "", count_options, NULL, 0, NULL},
        {"Upper", "", "", count_options, NULL, 0, NULL},
        {"a,b", "", "", count_options, NULL, 0, NULL},
        {"twice", "", "", count_options, twice, 2, NULL},
    };
    static const size_t errors[] = {1, 1, 1, 1, 1, 2};
    for (int i = 0; i < 6; i++) {
        Reading reading = begin();
        size_t count = pass_registry_count(reading.registry);
        assert_false(pass_registry_add(reading.registry, &refused[i], reading.diagnostics));
        assert_int_equal(diagnostics_error_count(reading.diagnostics), errors[i]);
        assert_int_equal(pass_registry_count(reading.registry), count);
        end(&reading);
    }
}

static void passes_see_their_options(void **state) {
    (void)state;
    Reading reading = begin();
    Fixture fixture = fixture_parse_statements("input %x : f32[1,2,2,2]\noutput y = %x\n");
    Pipeline *pipeline = pipeline_parse("optional{count=2,share=40},simplify,optional{more}",
        reading.registry, reading.arena, reading.diagnostics);
    assert_non_null(pipeline);
    assert_int_equal(pipeline->steps[2].occurrence, 2);
    PassReport reports[3];
    PipelineOptions run = {.reports = reports, .report_capacity = 3};
    assert_true(pipeline_execute(pipeline, fixture.graph, &run, fixture.diagnostics));
    assert_int_equal(reports[0].rewrites, 42);
    assert_int_equal(reports[2].rewrites, -2);
    assert_ptr_equal(reports[2].step, &pipeline->steps[2]);
    assert_null(run.failed_step);
    Text name = {0};
    pipeline_step_name(&pipeline->steps[2], &name);
    assert_string_equal(name.data, "optional#2");
    text_free(&name);
    fixture_free(&fixture);
    end(&reading);
}

typedef struct Log {
    Text text;
    const char *refuses;
} Log;

static bool log_before(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    (void)graph, (void)diagnostics;
    Log *log = context;
    text_format(&log->text, "<%s", step->pass->name);
    return true;
}

static bool log_after(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    (void)graph;
    Log *log = context;
    text_format(&log->text, ">");
    if (log->refuses == NULL || strcmp(log->refuses, step->pass->name) != 0)
        return true;
    diagnostics_error(diagnostics, NULL, "refused");
    return false;
}

static void log_rewrite(void *context, const PassContext *pass, const Node *node) {
    Log *log = context;
    text_format(
        &log->text, " %d:%s", (int)pass->rewrites, node != NULL ? node->results[0]->name : "none");
}

static const char statements[] = "input %x : f32[1,2,2,2]\n"
                                 "%a = relu %x : f32[1,2,2,2]\n"
                                 "%b = relu %a : f32[1,2,2,2]\n"
                                 "%c = relu %b : f32[1,2,2,2]\n"
                                 "output y = %c\n";

static void hooks_see_every_step(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(statements);
    Reading reading = begin();
    Pipeline *pipeline =
        pipeline_parse("simplify,fold-bias,dead-code", NULL, reading.arena, reading.diagnostics);
    Log log = {.refuses = "fold-bias"};
    PipelineOptions run = {
        .before = log_before, .after = log_after, .rewriting = log_rewrite, .context = &log};
    assert_false(pipeline_execute(pipeline, fixture.graph, &run, fixture.diagnostics));
    assert_ptr_equal(run.failed_step, &pipeline->steps[1]);
    assert_string_equal(log.text.data, "<simplify 1:b 2:c><fold-bias>");
    text_free(&log.text);
    end(&reading);
    fixture_free(&fixture);
}

static void rewrites_are_limited(void **state) {
    (void)state;
    static const char *const logs[] = {"", " 1:b", " 1:b 2:c", " 1:b 2:c"};
    for (int limit = 0; limit < 4; limit++) {
        Fixture fixture = fixture_parse_statements(statements);
        Reading reading = begin();
        Pipeline *pipeline = pipeline_parse("simplify", NULL, reading.arena, reading.diagnostics);
        Log log = {0};
        PipelineOptions run = {.rewriting = log_rewrite,
            .context = &log,
            .limited_step = &pipeline->steps[0],
            .rewrite_limit = limit};
        assert_true(pipeline_execute(pipeline, fixture.graph, &run, fixture.diagnostics));
        assert_string_equal(log.text.data != NULL ? log.text.data : "", logs[limit]);
        text_free(&log.text);
        end(&reading);
        fixture_free(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_and_printed),
        cmocka_unit_test(presets_are_parts),
        cmocka_unit_test(mistakes_have_places),
        cmocka_unit_test(pipelines_are_not_endless),
        cmocka_unit_test(hidden_bytes_are_no_end),
        cmocka_unit_test(registries_refuse),
        cmocka_unit_test(passes_see_their_options),
        cmocka_unit_test(hooks_see_every_step),
        cmocka_unit_test(rewrites_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
