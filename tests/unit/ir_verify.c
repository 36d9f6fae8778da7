/* The verifier reports each kind of fault: a sound graph is broken in one way per case. */
#include "ir/formula.h"
#include "ir_cmocka.h"

#include "ir_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char sound[] =
    "input %x : f32[1,3,4,4] pixels(rgb, scale = 1.0, mean = [0, 0, 0], std = [1, 1, 1], "
    "resize = 0)\n"
    "input %z : f32[1,6]\n"
    "weight @w : f32[6,3,1,1]\nweight @b : f32[6]\n"
    "%1 = conv %x weight=@w bias=@b : f32[1,6,4,4] \"first\"\n"
    "%2 = relu %1 : f32[1,6,4,4] \"second\"\n"
    "%3, %4 = split %2 {sizes = [2, 4]} : f32[1,2,4,4], f32[1,4,4,4]\n"
    "output a = %3\noutput b = %4\n";

typedef void Breakage(Graph *graph);

static void break_name(Graph *graph) {
    graph->name = "9 lives";
}

static void break_input_name(Graph *graph) {
    graph->inputs[1].value->name = "x";
}

static void break_input_identifier(Graph *graph) {
    graph->inputs[1].value->name = "a b";
}

static void break_input_type(Graph *graph) {
    graph->inputs[1].value->type.dims[0] = 0;
}

static void break_input_rank(Graph *graph) {
    graph->inputs[1].value->type.rank = 3;
    graph->inputs[1].value->type.dims[2] = 1;
}

static void break_std(Graph *graph) {
    graph->inputs[0].preprocessing.std[2] = 0;
}

static void break_mean(Graph *graph) {
    graph->inputs[0].preprocessing.mean[0] = (double)NAN;
}

static void break_order(Graph *graph) {
    Node *first = graph->first;
    graph_remove(graph, first);
    graph_append(graph, first);
}

static void break_result_type(Graph *graph) {
    graph->first->next->results[0]->type.dims[3] = 5;
}

static void break_attribute(Graph *graph) {
    node_set_list(graph, graph->last, "sizes", (int64_t[]){2, 3}, 2);
}

static void break_result_count(Graph *graph) {
    node_set_list(graph, graph->last, "sizes", (int64_t[]){2, 2, 2}, 3);
}

static void break_formula(Graph *graph) {
    FormulaFault fault;
    node_set_formula(graph->first, "activation", formula_parse("x + z", 3, graph->arena, &fault));
}

static void break_operand(Graph *graph) {
    graph->last->operands[0] = NULL;
}

static void break_weight(Graph *graph) {
    graph->first->weights[0] = NULL;
}

static void break_weight_slot(Graph *graph) {
    graph->last->weights[3] = graph->first_weight;
}

static void break_weight_type(Graph *graph) {
    graph->last_weight->type.dims[0] = 7;
}

static void break_weight_path(Graph *graph) {
    graph->last_weight->path = graph->first_weight->path;
}

static void break_producer(Graph *graph) {
    graph->last->results[1]->producer = graph->first;
}

static void break_value_id(Graph *graph) {
    graph->last->results[1]->id = graph->last->results[0]->id;
}

static void break_value_id_range(Graph *graph) {
    graph->last->results[1]->id = graph->next_value_id;
}

static void break_links(Graph *graph) {
    graph->last->previous = graph->first;
}

static void break_last(Graph *graph) {
    graph->last = graph->first;
}

static void break_op(Graph *graph) {
    graph->first->op = OP_COUNT;
}

static void break_output_value(Graph *graph) {
    graph_remove(graph, graph->last);
}

static void break_output_name(Graph *graph) {
    graph->outputs[1].name = "a";
}

static void break_outputs(Graph *graph) {
    graph->output_count = 0;
}

static const struct {
    Breakage *breakage;
    const char *expected;
} breakages[] = {
    {break_name, "the graph name '9 lives' is no identifier"},
    {break_input_name, "two inputs are named 'x'"},
    {break_input_identifier, "the input name 'a b' is no identifier"},
    {break_input_type, "input 'z' is f32[0,6]: it must be [n,c,h,w] or [n,c] with positive sizes"},
    {break_input_rank, "input 'z' is f32[1,6,1]: it must be [n,c,h,w] or [n,c]"},
    {break_std, "input 'x': mean must be finite, and std finite and not zero"},
    {break_mean, "input 'x': mean must be finite, and std finite and not zero"},
    {break_order, "relu 'second': operand 1 is used before it is defined"},
    {break_result_type, "relu 'second': result 1 is f32[1,6,4,5], but f32[1,6,4,4] is inferred"},
    {break_attribute, "split: sizes add up to 5"},
    {break_result_count, "split has 2 results, but 3 are inferred"},
    {break_formula, "conv 'first': activation reads 3 operands, but there is 1"},
    {break_operand, "split: operand 1 is missing"},
    {break_weight, "conv 'first': the weight 'weight' is missing"},
    {break_weight_slot, "split has more weights than its op takes"},
    {break_weight_type, "conv 'first': bias 'b' is f32[7]"},
    {break_weight_path, "two weights have the path 'w'"},
    {break_producer, "split: result 2 names another producer"},
    {break_value_id, "a value of split has id 4, which another value has too"},
    {break_value_id_range, "a value of split has id 6, which is out of range"},
    {break_links, "split: the list of nodes is broken before it"},
    {break_last, "the list of nodes does not end with its last node"},
    {break_op, "a node has the unknown op"},
    {break_output_value, "the value of output 'a' is not defined"},
    {break_output_name, "two outputs are named 'a'"},
    {break_outputs, "the graph 'test' has no output"},
};

static void faults_are_found(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof breakages / sizeof *breakages; i++) {
        Fixture fixture = fixture_parse_statements(sound);
        assert_non_null(fixture.graph);
        assert_true(graph_verify(fixture.graph, fixture.diagnostics));
        breakages[i].breakage(fixture.graph);
        assert_false(graph_verify(fixture.graph, fixture.diagnostics));
        char *text = diagnostics_text(fixture.diagnostics);
        if (strstr(text, breakages[i].expected) == NULL)
            fail_msg("expected '%s', got %s", breakages[i].expected, text);
        free(text);
        fixture_free(&fixture);
    }
}

static void all_faults_are_reported(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(sound);
    assert_non_null(fixture.graph);
    break_std(fixture.graph);
    break_result_type(fixture.graph);
    break_output_name(fixture.graph);
    assert_false(graph_verify(fixture.graph, fixture.diagnostics));
    /* The broken result type shows at relu and at what split infers from it, twice. */
    assert_int_equal(diagnostics_error_count(fixture.diagnostics), 5);
    fixture_free(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(all_faults_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
