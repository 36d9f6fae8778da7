/* The table of passes, pipelines and their reports, and the page that documents them. */
#include "ir_cmocka.h"
#include "ir_support.h"

#include "ir/source_file.h"
#include "passes/passes.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char statements[] = "input %x : f32[1,2,2,2]\n"
                                 "%a = relu %x : f32[1,2,2,2]\n"
                                 "%b = relu %a : f32[1,2,2,2]\n"
                                 "%c = sigmoid %x : f32[1,2,2,2]\n"
                                 "output y = %b\n";

static void every_pass_is_found(void **state) {
    (void)state;
    size_t count;
    const Pass *passes = pass_table(&count);
    assert_true(count > 0);
    Arena *arena = arena_create();
    const PassRegistry *registry = pass_registry_create(arena);
    assert_int_equal(pass_registry_count(registry), count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(pass_registry_at(registry, i), &passes[i]);
        assert_ptr_equal(pass_registry_find(registry, passes[i].name), &passes[i]);
        assert_true(passes[i].summary[0] != '\0' && passes[i].statistic[0] != '\0');
    }
    assert_null(pass_registry_find(registry, "fold"));
    assert_null(pass_registry_find(registry, ""));
    arena_destroy(arena);
}

static void reports_what_was_done(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(statements);
    PassReport reports[2];
    PipelineOptions options = {.verify_each = true, .reports = reports, .report_capacity = 2};
    /* A third report has no room, but its pass runs. */
    assert_true(pipeline_run(
        fixture.graph, "fold-bias, simplify,\tdead-code", &options, fixture.diagnostics));
    assert_int_equal(options.report_count, 2);
    assert_string_equal(reports[0].name, "fold-bias");
    assert_int_equal(reports[0].rewrites, 0);
    assert_string_equal(reports[1].name, "simplify");
    assert_int_equal(reports[1].rewrites, 1);
    assert_int_equal(reports[1].nodes_before, 3);
    assert_int_equal(reports[1].nodes_after, 2);
    assert_true(reports[1].seconds >= 0);
    assert_null(fixture.graph->first->next);
    fixture_free(&fixture);
}

static void nothing_runs_when_a_name_is_unknown(void **state) {
    (void)state;
    static const char *const pipelines[] = {
        "simplify,simplfy,ded-code", "simplify,,dead-code,", ",", "simplify dead-code"};
    static const size_t errors[] = {2, 2, 2, 1};
    for (int i = 0; i < 4; i++) {
        Fixture fixture = fixture_parse_statements(statements);
        assert_false(pipeline_run(fixture.graph, pipelines[i], NULL, fixture.diagnostics));
        assert_int_equal(diagnostics_error_count(fixture.diagnostics), errors[i]);
        assert_non_null(fixture.graph->first->next->next);
        fixture_free(&fixture);
    }
}

static void empty_pipelines_do_nothing(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(statements);
    assert_true(pipeline_run(fixture.graph, "", NULL, fixture.diagnostics));
    assert_true(pipeline_run(fixture.graph, " \n", NULL, fixture.diagnostics));
    assert_non_null(fixture.graph->first->next->next);
    fixture_free(&fixture);
}

static bool break_graph(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    (void)context, (void)diagnostics;
    if (strcmp(step->pass->name, "simplify") == 0)
        graph->first->results[0]->type.dims[1]++;
    return true;
}

static void verify_each_names_the_pass(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(statements);
    PipelineOptions options = {.verify_each = true, .after = break_graph};
    assert_false(pipeline_run(fixture.graph, "simplify,fold-bias", &options, fixture.diagnostics));
    char *text = diagnostics_text(fixture.diagnostics);
    assert_non_null(strstr(text, "the graph is faulty after the pass 'fold-bias'"));
    free(text);
    fixture_free(&fixture);
}

static void presets_are_pipelines(void **state) {
    (void)state;
    for (int level = -1; level <= PIPELINE_LEVELS; level++) {
        Fixture fixture = fixture_parse_statements(statements);
        assert_true(pipeline_run(fixture.graph, pipeline_preset(level), NULL, fixture.diagnostics));
        fixture_free(&fixture);
    }
    assert_string_equal(pipeline_preset(-1), pipeline_preset(0));
    assert_string_equal(pipeline_preset(99), pipeline_preset(PIPELINE_LEVELS - 1));
}

static void differences_are_seen(void **state) {
    (void)state;
    Fixture a = fixture_parse_statements(statements);
    Fixture b = fixture_parse_statements("input %x : f32[1,2,2,2]\n"
                                         "%b = relu6 %x : f32[1,2,2,2]\n"
                                         "%c = add %b, %x : f32[1,2,2,2]\n"
                                         "output y = %c\n");
    assert_true(graph_difference(a.graph, a.graph, 1, a.diagnostics) == 0);
    assert_true(graph_difference(a.graph, b.graph, 1, a.diagnostics) > 0.1);
    fixture_free(&a);
    fixture_free(&b);
}

static void the_page_is_up_to_date(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    SourceFile *page =
        source_file_read(RIFFLE_SOURCE_DIR "/docs/passes.md", 1 << 20, NULL, arena, diagnostics);
    assert_non_null(page);
    Text text = {0};
    pass_reference_print(&text);
    assert_string_equal(
        page->text, text.data); /* else: riffle passes --markdown > docs/passes.md */
    text_free(&text);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

/* Its golden tests: what it does, what it refuses, and that answers agree with it and without. */
static void every_pass_has_a_folder_of_tests(void **state) {
    (void)state;
    size_t count;
    const Pass *passes = pass_table(&count);
    for (size_t i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, RIFFLE_SOURCE_DIR "/tests/passes/%s", passes[i].name);
        bool refused = false, on_off = false;
        int others = 0;
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
            bool is_refused = strcmp(entry->d_name, "refused.rir") == 0;
            bool is_on_off = strcmp(entry->d_name, "on-off.rir") == 0;
            refused = refused || is_refused;
            on_off = on_off || is_on_off;
            others += !is_refused && !is_on_off && strstr(entry->d_name, ".rir") != NULL;
        }
        if (folder != NULL)
            closedir(folder);
        if (!refused || !on_off || others == 0)
            fail_msg("%s needs refused.rir, on-off.rir and a test of what the pass does", path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pass_is_found),
        cmocka_unit_test(reports_what_was_done),
        cmocka_unit_test(nothing_runs_when_a_name_is_unknown),
        cmocka_unit_test(empty_pipelines_do_nothing),
        cmocka_unit_test(verify_each_names_the_pass),
        cmocka_unit_test(presets_are_pipelines),
        cmocka_unit_test(differences_are_seen),
        cmocka_unit_test(every_pass_has_a_folder_of_tests),
        cmocka_unit_test(the_page_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
