/* The example networks: parameters and MACs of every width and group count, and the logits that an
 * independent implementation computed from real weights, where ../shared has them. */
#include "tests/unit/frontend_support.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static Graph *build(Language *language, const char *name, const Setting *settings, size_t count) {
    const char *path = arena_format(language->arena, RIFFLE_SOURCE_DIR "/examples/%s", name);
    Spec *spec = spec_read(path, language->arena, language->diagnostics);
    assert_no_errors(language);
    Graph *graph = spec_elaborate(spec, settings, count, language->arena, language->diagnostics);
    assert_no_errors(language);
    assert_non_null(graph);
    return graph;
}

/* `published` in millions; the papers' counts are up to 1.4 % above those of convolutions and fully
 * connected layers, see the head comments of the examples. */
static void assert_macs(const Graph *graph, double published) {
    double macs = (double)graph_macs(graph) / 1e6;
    if (fabs(macs - published) > 0.5 && fabs(macs - published) > 0.014 * published) {
        fail_msg("%s has %.2f M MACs, published are %.0f M", graph->name, macs, published);
    }
}

static void shufflenet_v2_counts(void **state) {
    static const struct {
        const char *width, *name;
        int64_t parameters;
        double macs;
    } rows[] = {{"0.5", "shufflenet_v2_x0_5", 1366792, 41},
        {"1", "shufflenet_v2_x1_0", 2278604, 146}, {"1.5", "shufflenet_v2_x1_5", 3503624, 299},
        {"2.0", "shufflenet_v2_x2_0", 7393996, 591}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        Setting setting = {"width", rows[i].width};
        Graph *graph = build(*state, "shufflenet_v2.rfl", &setting, 1);
        assert_string_equal(graph->name, rows[i].name);
        assert_int_equal(graph_parameters(graph), rows[i].parameters);
        assert_macs(graph, rows[i].macs);
    }
}

static void shufflenet_v1_counts(void **state) {
    static const struct {
        const char *groups, *width;
        double macs;
    } rows[] = {{"1", "1.0", 143}, {"2", "1.0", 140}, {"3", "1.0", 137}, {"4", "1.0", 133},
        {"8", "1.0", 137}, {"3", "0.5", 38}, {"3", "1.5", 292}, {"3", "2.0", 524}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        Setting settings[] = {{"groups", rows[i].groups}, {"width", rows[i].width}};
        assert_macs(build(*state, "shufflenet_v1.rfl", settings, 2), rows[i].macs);
    }
}

/* Every group count and width makes a network with the channels of table 1. */
static void shufflenet_v1_builds_everywhere(void **state) {
    static const int groups[] = {1, 2, 3, 4, 8}, base[] = {144, 200, 240, 272, 384};
    static const double widths[] = {0.25, 0.5, 1, 1.5, 2};
    Language *language = *state;
    for (int g = 0; g < 5; g++) {
        for (int w = 0; w < 5; w++) {
            Setting settings[] = {{"groups", arena_format(language->arena, "%d", groups[g])},
                {"width", arena_format(language->arena, "%.17g", widths[w])}, {"size", "[97, 131]"},
                {"batch", "3"}};
            Graph *graph = build(language, "shufflenet_v1.rfl", settings, 4);
            const Value *features = graph->last->operands[0];
            assert_int_equal(features->type.dims[1], (int64_t)(4 * base[g] * widths[w]));
        }
    }
    Setting released[] = {{"groups", "3"}, {"width", "0.5"}, {"megvii", "true"}};
    Graph *graph = build(language, "shufflenet_v1.rfl", released, 3);
    assert_int_equal(graph_parameters(graph), 717324);
    assert_string_equal(graph->name, "shufflenet_v1_x0_5_g3");
}

static void squeezenet_counts(void **state) {
    Setting settings[] = {{"version", "1.0"}, {"size", "[224, 224]"}};
    Graph *graph = build(*state, "squeezenet.rfl", settings, 2);
    assert_int_equal(graph_parameters(graph), 1248424);
    assert_macs(graph, 820);
    settings[0].value = "1.1";
    graph = build(*state, "squeezenet.rfl", settings, 2);
    assert_string_equal(graph->name, "squeezenet_v1_1");
    assert_int_equal(graph_parameters(graph), 1235496);
    assert_macs(graph, 350);
}

/* ---- reference logits ---- */

static float *read_floats(const char *path, size_t count) {
    float *numbers = calloc(count + 1, sizeof(float));
    FILE *stream = fopen(path, "rb");
    assert_non_null(numbers);
    assert_non_null(stream);
    assert_int_equal(fread(numbers, sizeof(float), count + 1, stream), count);
    fclose(stream);
    return numbers;
}

static void check_logits(Language *language, Graph *graph, const char *photo, const char *net) {
    const char *base =
        arena_format(language->arena, RIFFLE_SHARED_DIR "/reference/%s.%s", photo, net);
    size_t size = (size_t)tensor_elements(&graph->inputs[0].value->type);
    float *input = read_floats(arena_format(language->arena, "%s.input.f32", base), size);
    float *wanted = read_floats(arena_format(language->arena, "%s.logits.f32", base), 1000);
    float *logits = calloc(1000, sizeof(float));
    assert_non_null(logits);
    assert_true(graph_interpret(graph, (const float *const[]){input}, (float *const[]){logits},
        NULL, NULL, language->diagnostics));
    double largest = 0, difference = 0;
    for (int i = 0; i < 1000; i++) {
        largest = fmax(largest, fabs((double)wanted[i]));
        difference = fmax(difference, fabs((double)wanted[i] - (double)logits[i]));
        assert_true(isfinite(logits[i]));
    }
    if (difference > 1e-4 * largest) {
        fail_msg("%s %s: logits differ by %g of %g", photo, net, difference, largest);
    }
    free(input);
    free(wanted);
    free(logits);
}

static void check_network(void **state, const char *name, const Setting *settings, size_t count,
    const char *weights, const char *net) {
    Language *language = *state;
    if (access(RIFFLE_SHARED_DIR "/weights", R_OK) != 0) {
        print_message("skipped: there are no weights in " RIFFLE_SHARED_DIR "\n");
        skip();
    }
    Graph *graph = build(language, name, settings, count);
    const char *path = arena_format(language->arena, RIFFLE_SHARED_DIR "/weights/%s", weights);
    WeightFile *file = weights_load(graph, path, NULL, NULL, language->diagnostics);
    assert_no_errors(language);
    check_logits(language, graph, "dog", net);
    check_logits(language, graph, "pelican", net);
    weights_close(file);
}

static void shufflenet_v2_logits(void **state) {
    check_network(state, "shufflenet_v2.rfl", NULL, 0, "shufflenet_v2_x1_0.safetensors", "v2");
}

static void shufflenet_v1_logits(void **state) {
    const Setting settings[] = {{"groups", "3"}, {"width", "0.5"}, {"megvii", "true"}};
    check_network(
        state, "shufflenet_v1.rfl", settings, 3, "shufflenet_v1_x0_5_g3.safetensors", "v1g3");
}

static void squeezenet_logits(void **state) {
    check_network(state, "squeezenet.rfl", NULL, 0, "squeezenet_v1_1.safetensors", "sq11");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shufflenet_v2_counts, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(shufflenet_v1_counts, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            shufflenet_v1_builds_everywhere, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(squeezenet_counts, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(shufflenet_v2_logits, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(shufflenet_v1_logits, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(squeezenet_logits, language_set_up, language_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
