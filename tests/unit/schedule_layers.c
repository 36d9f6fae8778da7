/* What is decided of layers: tails, Winograd's algorithm, chains, outputs and the order. For some
 * cases the right value, and for many what makes it right. */
#include "backends/backends.h"
#include "backends/program/compilation.h"
#include "backends/schedule/chain_cost.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/tail.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/winograd.h"
#include "tests/unit/ir_cmocka.h"
#include "tests/unit/schedule_support.h"

/* ---- tails ---- */

static int64_t tail_of(const char *target, const char *shapes, int weight_block) {
    Fixture fixture = fixture_parse_statements(shapes);
    assert_non_null(fixture.graph);
    Compilation compilation = compilation_for(target, &fixture);
    compilation.weight_block = weight_block;
    int64_t tail = convolution_tail(&compilation, fixture.graph->first);
    fixture_free(&fixture);
    return tail;
}

static const char conv_116[] = "input %x : f32[1,116,14,14] nhwc\n"
                               "weight @w : f32[116,116,1,1]\n"
                               "%1 = conv %x weight=@w : f32[1,116,14,14]\n"
                               "output y = %1 nhwc\n";
static const char conv_58[] = "input %x : f32[1,58,28,28] nhwc\n"
                              "weight @w : f32[58,58,1,1]\n"
                              "%1 = conv %x weight=@w : f32[1,58,28,28]\n"
                              "output y = %1 nhwc\n";
static const char conv_116_3x3[] =
    "input %x : f32[1,116,14,14] nhwc\n"
    "weight @w : f32[116,116,3,3]\n"
    "%1 = conv %x weight=@w {padding = [1, 1, 1, 1]} : f32[1,116,14,14]\n"
    "output y = %1 nhwc\n";
static const char conv_to_4[] = "input %x : f32[1,116,14,14] nhwc\n"
                                "weight @w : f32[4,116,1,1]\n"
                                "%1 = conv %x weight=@w : f32[1,4,14,14]\n"
                                "output y = %1 nhwc\n";

static void tails(void **state) {
    (void)state;
    assert_int_equal(tail_of("x86-64-v4", conv_116, 0), 4); /* 4 * (8 + 4) < 0.85 * 116 */
    assert_int_equal(tail_of("x86-64-v3", conv_58, 0), 2);
    assert_int_equal(tail_of("x86-64-v4", conv_58, 0), 0); /* 10 * (4 + 4) > 0.85 * 58 */
    assert_int_equal(tail_of("armv8-a", conv_58, 0), 0);   /* its vectors are short */
    assert_int_equal(tail_of("x86-64-v4", conv_116_3x3, 0), 0);
    assert_int_equal(tail_of("x86-64-v4", conv_to_4, 0), 0); /* there is no whole vector before */
    assert_int_equal(tail_of("x86-64-v4", conv_116, 16), 0); /* weights lie in whole blocks */
}

/* ---- Winograd ---- */

static WinogradReason reason_of(
    const char *target, const char *channels, const char *settings, WinogradBlock *block) {
    Fixture fixture = no_graph();
    const char *statements = arena_format(fixture.arena, channels, settings);
    Fixture parsed = fixture_parse_statements(statements);
    assert_non_null(parsed.graph);
    Compilation compilation = compilation_for(target, &fixture);
    WinogradReason reason = winograd_reason(parsed.graph, &compilation, parsed.graph->first, block);
    fixture_free(&parsed);
    fixture_free(&fixture);
    return reason;
}

static void reasons_against_winograd(void **state) {
    (void)state;
    static const char dense[] = "input %%x : f32[1,64,56,56] nhwc\n"
                                "weight @w : f32[64,64,3,3]\n"
                                "%%1 = conv %%x weight=@w {padding = [1, 1, 1, 1]} : "
                                "f32[1,64,56,56]\noutput y = %%1 %s\n";
    static const char planar[] = "input %%x : f32[1,64,56,56]\n"
                                 "weight @w : f32[64,64,3,3]\n"
                                 "%%1 = conv %%x weight=@w {padding = [1, 1, 1, 1]} : "
                                 "f32[1,64,56,56]\noutput y = %%1 %s\n";
    static const char strided[] = "input %%x : f32[1,64,56,56] nhwc\n"
                                  "weight @w : f32[64,64,3,3]\n"
                                  "%%1 = conv %%x weight=@w {stride = [2, 2], padding = [1, 1, 1, "
                                  "1]} : f32[1,64,28,28]\noutput y = %%1 %s\n";
    static const char grouped[] = "input %%x : f32[1,64,56,56] nhwc\n"
                                  "weight @w : f32[64,32,3,3]\n"
                                  "%%1 = conv %%x weight=@w {padding = [1, 1, 1, 1], groups = 2} "
                                  ": f32[1,64,56,56]\noutput y = %%1 %s\n";
    static const char five[] = "input %%x : f32[1,64,56,56] nhwc\n"
                               "weight @w : f32[64,64,5,5]\n"
                               "%%1 = conv %%x weight=@w {padding = [2, 2, 2, 2]} : "
                               "f32[1,64,56,56]\noutput y = %%1 %s\n";
    static const char padded[] = "input %%x : f32[1,64,52,52] nhwc\n"
                                 "weight @w : f32[64,64,3,3]\n"
                                 "%%1 = conv %%x weight=@w {padding = [3, 3, 3, 3]} : "
                                 "f32[1,64,56,56]\noutput y = %%1 %s\n";
    static const char deep[] = "input %%x : f32[1,4096,8,8] nhwc\n"
                               "weight @w : f32[64,4096,3,3]\n"
                               "%%1 = conv %%x weight=@w {padding = [1, 1, 1, 1]} : "
                               "f32[1,64,8,8]\noutput y = %%1 %s\n";
    static const char thin[] = "input %%x : f32[1,3,56,56] nhwc\n"
                               "weight @w : f32[16,3,3,3]\n"
                               "%%1 = conv %%x weight=@w {padding = [1, 1, 1, 1]} : "
                               "f32[1,16,56,56]\noutput y = %%1 %s\n";
    static const char other[] = "input %%x : f32[1,64,56,56] nhwc\n"
                                "%%1 = relu %%x : f32[1,64,56,56]\noutput y = %%1 %s\n";
    WinogradBlock block;
    assert_int_equal(reason_of("x86-64-v4", dense, "nhwc", &block), WINOGRAD_TAKES);
    assert_int_equal(reason_of("x86-64-v4", planar, "nhwc", &block), WINOGRAD_PLANAR);
    assert_int_equal(reason_of("x86-64-v4", strided, "nhwc", &block), WINOGRAD_STRIDE);
    assert_int_equal(reason_of("x86-64-v4", grouped, "nhwc", &block), WINOGRAD_GROUPS);
    assert_int_equal(reason_of("x86-64-v4", five, "nhwc", &block), WINOGRAD_KERNEL);
    assert_int_equal(reason_of("x86-64-v4", padded, "nhwc", &block), WINOGRAD_PADDING);
    assert_int_equal(reason_of("x86-64-v4", deep, "nhwc", &block), WINOGRAD_SCRATCH);
    assert_int_equal(reason_of("x86-64-v4", thin, "nhwc", &block), WINOGRAD_COST);
    assert_int_equal(reason_of("x86-64-v4", other, "nhwc", &block), WINOGRAD_OP);
}

/* Of any size: the blocks cover the image, and what they need fits the stack. */
static void winograd_blocks_cover_the_image(void **state) {
    (void)state;
    size_t targets;
    const Target *table = target_table(&targets);
    int found = 0;
    for (size_t t = 0; t < targets; t++)
        for (int size = 1; size < 120; size += 9)
            for (int channels = 16; channels <= 256; channels *= 2) {
                Fixture fixture = no_graph();
                const char *layer = arena_format(fixture.arena,
                    "input %%%%x : f32[1,%d,%d,%d] nhwc\nweight @w : f32[%d,%d,3,3]\n"
                    "%%%%1 = conv %%%%x weight=@w {padding = [1, 1, 1, 1]} : f32[1,%d,%d,%d]\n"
                    "output y = %%%%1 %%s\n",
                    channels, size, size, channels, channels, channels, size, size);
                WinogradBlock b;
                WinogradReason reason = reason_of(table[t].name, layer, "nhwc", &b);
                fixture_free(&fixture);
                if (reason != WINOGRAD_TAKES && reason != WINOGRAD_COST)
                    continue;
                found++;
                int64_t stride = winograd_channel_stride(&table[t], channels);
                int64_t panel = (int64_t)b.tile.vectors * table[t].lanes;
                int64_t floats = winograd_positions(&b) * (stride + panel) *
                                 winograd_position_stride(&b, stride, panel);
                assert_int_equal(b.tile_rows, (size + b.outputs - 1) / b.outputs);
                assert_int_equal(b.tile_columns, (size + b.outputs - 1) / b.outputs);
                assert_in_range(b.rows, 1, b.tile_rows);
                assert_true(b.columns * b.sections >= b.tile_columns);
                assert_true(b.columns * (b.sections - 1) < b.tile_columns);
                assert_true(b.rows == 1 || b.sections == 1);
                assert_true(tile_fits(&table[t], b.tile));
                assert_true(floats * (int64_t)sizeof(float) <= MOST_LOCAL_BYTES);
            }
    assert_true(found > 200);
}

/* ---- chains, outputs, order ---- */

/* The layer between is read once, or is an output too, or is read by another layer. */
static const char pair[] = "input %%x : f32[1,24,56,56] nhwc\n"
                           "weight @a : f32[58,24,1,1]\nweight @b : f32[58,1,3,3]\n"
                           "%%1 = conv %%x weight=@a {activation = relu} : f32[1,58,56,56]\n"
                           "%%2 = conv %%1 weight=@b {stride = [2, 2], padding = [1, 1, 1, 1], "
                           "groups = 58} : f32[1,58,28,28]\n"
                           "%s"
                           "output z = %%2 nhwc\n";

/* All nodes, each behind those that it reads; a chain is its last one. */
static void assert_order(const Decisions *decisions) {
    int count = 0, nodes = 0;
    for (const Node *const *node = decisions->order; *node; node++, count++)
        for (int i = 0; i < (*node)->operand_count; i++) {
            const Node *producer = (*node)->operands[i]->producer;
            const Node *const *before = decisions->order;
            while (before < node && *before != producer)
                before++;
            assert_true(producer == NULL || chain_next(decisions, producer) || before < node);
        }
    for (const Node *node = decisions->graph->first; node; node = node->next)
        nodes += chain_next(decisions, node) == NULL;
    assert_int_equal(count, nodes);
}

/* Whether the first node's result goes on in the second's kernel; sets *live_bytes. */
static bool is_linked(const char *more, const LowerOptions *options, int64_t *live_bytes) {
    Fixture fixture = no_graph();
    Fixture parsed = fixture_parse_statements(arena_format(fixture.arena, pair, more));
    assert_non_null(parsed.graph);
    Compilation compilation = compilation_for("x86-64-v3", &fixture);
    compilation.options = *options;
    const Decisions *decisions = decide(parsed.graph, &compilation, fixture.arena);
    const Node *first = parsed.graph->first;
    bool linked = chain_next(decisions, first) == first->next;
    assert_true(linked || chain_next(decisions, first) == NULL);
    assert_ptr_equal(chain_previous(decisions, first->next), linked ? first : NULL);
    assert_ptr_equal(decisions->outputs[first->next->results[0]->id],
        &parsed.graph->outputs[parsed.graph->output_count - 1]);
    assert_order(decisions);
    *live_bytes = decisions->live_bytes;
    fixture_free(&parsed);
    fixture_free(&fixture);
    return linked;
}

static void chains(void **state) {
    (void)state;
    enum { BETWEEN = 58 * 56 * 56 * 4 };
    int64_t live;
    LowerOptions by_cost = {0}, never = {.chains = CHAINS_NEVER},
                 always = {.chains = CHAINS_ALWAYS}, no_room = {.ring_bytes = 1024};
    assert_true(is_linked("", &by_cost, &live));
    assert_int_equal(live, 0); /* rings are no tensors */
    assert_true(is_linked("", &always, &live));
    assert_false(is_linked("", &never, &live));
    assert_int_equal(live, BETWEEN);
    assert_false(is_linked("", &no_room, &live));
    no_room.chains = CHAINS_ALWAYS;
    assert_false(is_linked("", &no_room, &live));
    assert_false(is_linked("output y = %1 nhwc\n", &always, &live));
    assert_int_equal(live, 0); /* it lies in the caller's buffer */
    assert_false(is_linked("%3 = relu %1 : f32[1,58,56,56]\noutput w = %3 nhwc\n", &always, &live));
}

/* The branch with the large tensor inside runs before the other's result waits beside it. */
static void the_order_keeps_less_alive(void **state) {
    (void)state;
    enum { SMALL = 16 * 8 * 8 * 4, LARGE = 256 * 16 * 16 * 4 };
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[1,16,16,16] nhwc\n"
        "weight @a : f32[256,16,1,1]\nweight @b : f32[16,256,3,3]\n"
        "%1 = max_pool %x {kernel = [2, 2], stride = [2, 2]} : f32[1,16,8,8]\n"
        "%2 = conv %x weight=@a : f32[1,256,16,16]\n"
        "%3 = conv %2 weight=@b {stride = [2, 2], padding = [1, 1, 1, 1]} : f32[1,16,8,8]\n"
        "%4 = add %1, %3 : f32[1,16,8,8]\n"
        "output y = %4 nhwc\n");
    assert_non_null(fixture.graph);
    Compilation compilation = compilation_for("x86-64-v3", &fixture);
    compilation.options.chains = CHAINS_NEVER;
    const Decisions *decisions = decide(fixture.graph, &compilation, fixture.arena);
    assert_order(decisions);
    assert_int_equal(decisions->live_bytes, LARGE + SMALL);
    assert_ptr_equal(decisions->order[2], fixture.graph->first);
    fixture_free(&fixture);
}

static void rings_are_no_higher_than_images(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[1,8,2,4] nhwc\n"
        "%1 = relu %x : f32[1,8,2,4]\n"
        "%2 = max_pool %1 {kernel = [3, 3], padding = [1, 1, 1, 1]} : f32[1,8,2,4]\n"
        "output y = %2 nhwc\n");
    assert_non_null(fixture.graph);
    const Node *nodes[] = {fixture.graph->first, fixture.graph->first->next};
    int64_t rows[2];
    chain_ring_rows(nodes, 2, rows);
    assert_int_equal(rows[0], 2);
    fixture_free(&fixture);
}

static void rings_and_strips(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    Fixture parsed = fixture_parse_statements(arena_format(fixture.arena, pair, ""));
    Compilation compilation = compilation_for("x86-64-v3", &fixture);
    const Node *nodes[] = {parsed.graph->first, parsed.graph->first->next};
    int64_t rows[2], widths[2];
    chain_ring_rows(nodes, 2, rows);
    assert_int_equal(rows[0], 3);
    assert_int_equal(rows[1], 1);
    for (int64_t strips = 1; strips <= 8; strips++) {
        int64_t end = 0;
        chain_ring_widths(nodes, 2, strips, widths);
        for (int64_t strip = 0; strip < strips; strip++) {
            ColumnRange columns[2];
            chain_strip_columns(nodes, 2, strip, strips, columns);
            assert_int_equal(columns[1].begin, end); /* no gap, and nothing twice */
            end = columns[1].end;
            assert_int_equal(columns[0].begin, columns[1].begin > 0 ? columns[1].begin * 2 - 1 : 0);
            assert_int_equal(columns[0].end, (columns[1].end - 1) * 2 + 2);
            assert_true(columns[0].end - columns[0].begin <= widths[0]);
        }
        assert_int_equal(end, 28);
    }
    /* With less room there are more strips, until none fits. */
    const Decisions decisions = {.compilation = &compilation};
    int64_t before = 1;
    for (int64_t room = 96 * 1024; room >= 8 * 1024; room /= 2) {
        compilation.options.ring_bytes = room;
        int64_t strips = chain_strips(&decisions, nodes, 2);
        assert_true(strips >= before);
        before = strips;
        chain_ring_widths(nodes, 2, strips, widths);
        assert_true(4 * chain_ring_numbers(compilation.target, nodes[0], 3, widths[0]) <= room);
    }
    assert_true(before > 1);
    compilation.options.ring_bytes = 1024;
    assert_int_equal(chain_strips(&decisions, nodes, 2), 0);
    fixture_free(&parsed);
    fixture_free(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails),
        cmocka_unit_test(reasons_against_winograd),
        cmocka_unit_test(winograd_blocks_cover_the_image),
        cmocka_unit_test(chains),
        cmocka_unit_test(the_order_keeps_less_alive),
        cmocka_unit_test(rings_are_no_higher_than_images),
        cmocka_unit_test(rings_and_strips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
