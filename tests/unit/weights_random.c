/* Random weights: the same for the same seed and path, and of a size that keeps activations sane.
 */
#include "ir/formula.h"
#include "ir_cmocka.h"
#include "ir_support.h"

#include "frontend/frontend.h"
#include <math.h>
#include <string.h>

static const char statements[] =
    "input %x : f32[1,16,8,8]\n"
    "weight @a.weight : f32[64,16,3,3]\n"
    "weight @n.weight : f32[64]\n"
    "weight @n.bias : f32[64]\n"
    "weight @n.running_mean : f32[64]\n"
    "weight @n.running_var : f32[64]\n"
    "weight @b.weight : f32[64,64,1,1]\n"
    "weight @unused : f32[3]\n"
    "%a = conv %x weight=@a.weight {padding = [1, 1, 1, 1]} : f32[1,64,8,8]\n"
    "%n = batch_norm %a weight=@n.weight bias=@n.bias running_mean=@n.running_mean "
    "running_var=@n.running_var : f32[1,64,8,8]\n"
    "%r = relu %n : f32[1,64,8,8]\n"
    "%b = conv %r weight=@b.weight : f32[1,64,8,8]\n"
    "output y = %b\n";

/* The same weights, declared and used in another order. */
static const char reordered[] =
    "input %x : f32[1,16,8,8]\n"
    "weight @b.weight : f32[64,64,1,1]\n"
    "weight @a.weight : f32[64,16,3,3]\n"
    "%a = conv %x weight=@a.weight {padding = [1, 1, 1, 1]} : f32[1,64,8,8]\n"
    "%r = relu %a : f32[1,64,8,8]\n"
    "%b = conv %r weight=@b.weight : f32[1,64,8,8]\n"
    "output y = %b\n";

static size_t bytes_of(const Weight *weight) {
    return (size_t)tensor_elements(&weight->type) * sizeof(float);
}

static void depend_on_seed_and_path(void **state) {
    (void)state;
    Fixture a = fixture_parse_statements(statements), b = fixture_parse_statements(statements);
    Fixture c = fixture_parse_statements(reordered);
    assert_non_null(a.graph);
    assert_non_null(c.graph);
    weights_randomize(a.graph, 5);
    weights_randomize(b.graph, 4);
    for (const Weight *weight = a.graph->first_weight; weight; weight = weight->next)
        assert_memory_not_equal(
            weight->data, graph_find_weight(b.graph, weight->path)->data, bytes_of(weight));
    weights_randomize(b.graph, 5); /* again, with another seed */
    for (const Weight *weight = a.graph->first_weight; weight; weight = weight->next)
        assert_memory_equal(
            weight->data, graph_find_weight(b.graph, weight->path)->data, bytes_of(weight));
    weights_randomize(c.graph, 5);
    for (const Weight *weight = c.graph->first_weight; weight; weight = weight->next)
        assert_memory_equal(
            weight->data, graph_find_weight(a.graph, weight->path)->data, bytes_of(weight));
    fixture_free(&a);
    fixture_free(&b);
    fixture_free(&c);
}

static void have_the_spread_of_their_role(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(statements);
    weights_randomize(fixture.graph, 1);
    const Weight *weight = graph_find_weight(fixture.graph, "a.weight");
    double sum = 0, squares = 0;
    size_t count = bytes_of(weight) / sizeof(float);
    for (size_t i = 0; i < count; i++) {
        sum += weight->data[i];
        squares += (double)weight->data[i] * weight->data[i];
    }
    assert_true(fabs(sum / (double)count) < 0.01);
    assert_true(fabs(squares / (double)count * 16 * 9 - 1) < 0.05); /* variance 1 / fan-in */
    const float *variance = graph_find_weight(fixture.graph, "n.running_var")->data;
    for (int i = 0; i < 64; i++)
        assert_true(variance[i] > 0.5 && variance[i] < 1.5);
    fixture_free(&fixture);
}

typedef struct Sizes {
    double least, most; /* root of the mean square, over all nodes */
} Sizes;

static void measure(void *context, const Node *node, float *const *results) {
    Sizes *sizes = context;
    double squares = 0;
    int64_t count = tensor_elements(&node->results[0]->type);
    for (int64_t i = 0; i < count; i++)
        squares += (double)results[0][i] * results[0][i];
    double size = sqrt(squares / (double)count);
    sizes->least = fmin(sizes->least, size);
    sizes->most = fmax(sizes->most, size);
}

/* A chain of residual units and poolings, in which plain scaling by fan-in would grow without end.
 */
static void keep_deep_networks_near_unit_size(void **state) {
    (void)state;
    enum { UNITS = 40, CHANNELS = 16 };
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Graph *graph = graph_create(arena, "deep");
    Value *x = graph_add_input(graph, "x", tensor_type(4, (int64_t[]){1, CHANNELS, 12, 12}),
        LAYOUT_NCHW, (SourceRange){0});
    for (int i = 0; i < UNITS; i++) {
        Node *conv = node_create(graph, OP_conv, "", &x, 1, (SourceRange){0});
        conv->weights[0] = graph_weight(graph, arena_format(arena, "w%d", i),
            tensor_type(4, (int64_t[]){CHANNELS, CHANNELS, 1, 1}), (SourceRange){0});
        assert_true(node_infer(graph, conv, diagnostics));
        graph_append(graph, conv);
        Value *operands[] = {x, conv->results[0]};
        Node *add = node_create(graph, OP_add, "", operands, 2, (SourceRange){0});
        node_set_formula(add, "activation", formula_of_element(graph->arena, OP_relu, NULL));
        assert_true(node_infer(graph, add, diagnostics));
        graph_append(graph, add);
        x = add->results[0];
    }
    graph_add_output(graph, "y", x, LAYOUT_NCHW, (SourceRange){0});
    weights_randomize(graph, 3);
    float *input = ARENA_ARRAY(arena, float, CHANNELS * 144),
          *output = ARENA_ARRAY(arena, float, CHANNELS * 144);
    for (int i = 0; i < CHANNELS * 144; i++)
        input[i] = sinf((float)(i * i)) * 1.4142f;
    const float *inputs[] = {input};
    float *outputs[] = {output};
    Sizes sizes = {INFINITY, 0};
    assert_true(graph_interpret(graph, inputs, outputs, measure, &sizes, diagnostics));
    print_message("from %g to %g\n", sizes.least, sizes.most);
    assert_true(sizes.least > 0.1 && sizes.most < 30);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depend_on_seed_and_path),
        cmocka_unit_test(have_the_spread_of_their_role),
        cmocka_unit_test(keep_deep_networks_near_unit_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
