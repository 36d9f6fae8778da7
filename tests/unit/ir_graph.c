/* Building and changing graphs by hand. */
#include "ir_cmocka.h"

#include "ir/formula.h"
#include "ir_support.h"

#include <limits.h>
#include <string.h>

static TensorType type4(int64_t channels) {
    return tensor_type(4, (int64_t[]){1, channels, 4, 4});
}

typedef struct Built {
    Arena *arena;
    Diagnostics *diagnostics;
    Graph *graph;
    Value *input;
} Built;

static Built build(void) {
    Built built = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    built.graph = graph_create(built.arena, "built");
    built.input = graph_add_input(built.graph, "image", type4(4), LAYOUT_NCHW, (SourceRange){0});
    return built;
}

static void built_free(Built *built) {
    diagnostics_destroy(built->diagnostics);
    arena_destroy(built->arena);
}

static Node *append(Built *built, OpKind op, Value *operand) {
    Node *node = node_create(built->graph, op, "", &operand, 1, (SourceRange){0});
    assert_true(node_infer(built->graph, node, built->diagnostics));
    graph_append(built->graph, node);
    return node;
}

static void op_table_is_complete(void **state) {
    (void)state;
    const OpInfo *conv = op_info(OP_conv);
    assert_string_equal(conv->name, "conv");
    assert_int_equal(conv->weight_count, 2);
    assert_string_equal(conv->weights[1].name, "bias");
    assert_true(conv->weights[0].required && !conv->weights[1].required);
    assert_int_equal(conv->attribute_count, 9);
    assert_string_equal(conv->attributes[5].name, "residual_activation");
    assert_int_equal(op_info(OP_concat)->most_operands, INT_MAX);
    assert_int_equal(op_info(OP_relu)->attribute_count, 0);
    for (int i = 0; i < OP_COUNT; i++) {
        OpKind op;
        assert_true(op_find(op_info((OpKind)i)->name, &op));
        assert_int_equal(op, i);
        assert_true(op_info(op)->weight_count <= MAX_OP_WEIGHTS);
        for (int j = 0; j < op_info(op)->attribute_count; j++) {
            if (op_info(op)->attributes[j].kind == ATTRIBUTE_CHOICE)
                assert_non_null(choice_words(op_info(op)->attributes[j].name));
        }
    }
    OpKind op;
    assert_false(op_find("cnv", &op));
    assert_true(op_is_element(OP_hard_swish) && !op_is_element(OP_conv));
    assert_int_equal(element_operands(OP_add), 2);
    assert_int_equal(element_parameters(OP_add), 0);
    assert_int_equal(element_parameters(OP_clip), 2);
    assert_string_equal(choice_words("form")[SHUFFLE_MEGVII], "megvii");
}

static void defaults_come_from_the_table(void **state) {
    (void)state;
    Built built = build();
    Node *conv = node_create(built.graph, OP_conv, "a", &built.input, 1, (SourceRange){0});
    IntegerList padding = node_list(conv, "padding");
    assert_int_equal(padding.count, 4);
    assert_int_equal(padding.items[3], 0);
    assert_int_equal(node_list(conv, "stride").items[1], 1);
    assert_int_equal(node_integer(conv, "groups"), 1);
    assert_null(node_formula_attribute(conv, "activation"));
    assert_null(node_attribute(conv, "epsilon"));
    assert_null(node_weight(conv, "bias"));
    Node *norm = node_create(built.graph, OP_batch_norm, NULL, &built.input, 1, (SourceRange){0});
    assert_true(node_number(norm, "epsilon") == 1e-5);
    assert_string_equal(norm->path, "");
    Node *pool = node_create(built.graph, OP_avg_pool, "", &built.input, 1, (SourceRange){0});
    assert_true(node_flag(pool, "count_padding"));
    assert_false(node_flag(pool, "ceil"));
    built_free(&built);
}

static void nodes_are_inserted_and_replaced(void **state) {
    (void)state;
    Built built = build();
    Graph *graph = built.graph;
    Node *relu = append(&built, OP_relu, built.input);
    Node *sigmoid = append(&built, OP_sigmoid, relu->results[0]);
    graph_add_output(graph, "y", sigmoid->results[0], LAYOUT_NCHW, (SourceRange){0});
    graph_add_output(graph, "z", relu->results[0], LAYOUT_NCHW, (SourceRange){0});
    assert_int_equal(graph_use_count(graph, relu->results[0]), 2);

    Node *relu6 = node_create(graph, OP_relu6, "", &built.input, 1, (SourceRange){0});
    assert_true(node_infer(graph, relu6, built.diagnostics));
    graph_insert_before(graph, relu, relu6);
    assert_ptr_equal(graph->first, relu6);
    graph_replace_uses(graph, relu->results[0], relu6->results[0]);
    int *counts = graph_use_counts(graph, built.arena);
    assert_int_equal(counts[relu->results[0]->id], 0);
    assert_int_equal(counts[relu6->results[0]->id], 2);
    assert_int_equal(counts[built.input->id], 2);
    graph_remove(graph, relu);
    assert_ptr_equal(relu6->next, sigmoid);
    assert_ptr_equal(sigmoid->previous, relu6);
    assert_true(graph_verify(graph, built.diagnostics));
    graph_remove(graph, sigmoid);
    graph_append(graph, sigmoid);
    assert_ptr_equal(graph->last, sigmoid);
    assert_true(graph_verify(graph, built.diagnostics));
    built_free(&built);
}

static void inference_updates_results_in_place(void **state) {
    (void)state;
    Built built = build();
    int64_t sizes[100];
    for (int i = 0; i < 100; i++)
        sizes[i] = 1;
    Value *wide = graph_add_input(built.graph, "wide", type4(100), LAYOUT_NCHW, (SourceRange){0});
    Node *split = node_create(built.graph, OP_split, "", &wide, 1, (SourceRange){0});
    node_set_list(built.graph, split, "sizes", sizes, 100);
    assert_true(node_infer(built.graph, split, built.diagnostics));
    assert_int_equal(split->result_count, 100);
    Value *last = split->results[99];
    sizes[0] = 0; /* the node has its own copy */
    assert_true(node_infer(built.graph, split, built.diagnostics));
    assert_ptr_equal(split->results[99], last);
    assert_int_equal(last->type.dims[1], 1);
    TensorType types[1];
    int count;
    assert_true(node_result_types(split, types, 1, &count, built.diagnostics));
    assert_int_equal(count, 100);
    built_free(&built);
}

static void weights_are_shared_by_path(void **state) {
    (void)state;
    Built built = build();
    Graph *graph = built.graph;
    TensorType four = tensor_type(1, (int64_t[]){4}), five = tensor_type(1, (int64_t[]){5});
    Weight *weight = graph_weight(graph, "a.bias", four, (SourceRange){0});
    assert_ptr_equal(graph_weight(graph, "a.bias", four, (SourceRange){0}), weight);
    assert_null(graph_weight(graph, "a.bias", five, (SourceRange){0}));
    assert_ptr_equal(graph_find_weight(graph, "a.bias"), weight);
    assert_null(graph_find_weight(graph, "b.bias"));
    static const float data[4] = {1, 2, 3, 4};
    Weight *second = graph_add_computed_weight(graph, "a.bias", four, data);
    Weight *third = graph_add_computed_weight(graph, "a.bias", four, data);
    assert_string_not_equal(second->path, weight->path);
    assert_string_not_equal(second->path, third->path);
    assert_ptr_equal(second->data, data);

    Node *bias = node_create(graph, OP_bias, "", &built.input, 1, (SourceRange){0});
    bias->weights[0] = second;
    assert_true(node_infer(graph, bias, built.diagnostics));
    graph_append(graph, bias);
    graph_drop_unused_weights(graph);
    assert_ptr_equal(graph->first_weight, second);
    assert_ptr_equal(graph->last_weight, second);
    assert_null(second->next);
    assert_null(graph_find_weight(graph, "a.bias"));
    assert_non_null(graph_weight(graph, "a.bias", five, (SourceRange){0}));
    graph_remove(graph, bias);
    graph_drop_unused_weights(graph);
    assert_null(graph->first_weight);
    assert_null(graph->last_weight);
    built_free(&built);
}

static void inputs_and_outputs_grow(void **state) {
    (void)state;
    Built built = build();
    for (int i = 1; i < 40; i++)
        graph_add_input(built.graph, arena_format(built.arena, "in%d", i), type4(i), LAYOUT_NHWC,
            (SourceRange){0});
    for (int i = 0; i < 40; i++)
        graph_add_output(built.graph, arena_format(built.arena, "out%d", i),
            built.graph->inputs[i].value, LAYOUT_NCHW, (SourceRange){0});
    assert_int_equal(built.graph->inputs[39].value->type.dims[1], 39);
    assert_string_equal(built.graph->outputs[17].name, "out17");
    assert_true(graph_verify(built.graph, built.diagnostics));
    Arena *arena = arena_create();
    Graph *copy = graph_copy(built.graph, arena);
    graph_add_input(copy, "more", type4(1), LAYOUT_NCHW, (SourceRange){0});
    assert_int_equal(built.graph->input_count, 40);
    assert_string_equal(copy->inputs[40].value->name, "more");
    assert_true(graph_verify(copy, built.diagnostics));
    arena_destroy(arena);
    built_free(&built);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(op_table_is_complete),
        cmocka_unit_test(defaults_come_from_the_table),
        cmocka_unit_test(nodes_are_inserted_and_replaced),
        cmocka_unit_test(inference_updates_results_in_place),
        cmocka_unit_test(weights_are_shared_by_path),
        cmocka_unit_test(inputs_and_outputs_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
