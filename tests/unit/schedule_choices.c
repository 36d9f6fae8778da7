/* What is chosen from numbers alone, tiles, blocks and parts of sums: for some cases the right
 * value, and for many what makes it right. */
#include "backends/backends.h"
#include "backends/program/compilation.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/sum_parts.h"
#include "backends/schedule/tile.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/window_blocking.h"
#include "backends/target/product.h"
#include "tests/unit/ir_cmocka.h"
#include "tests/unit/schedule_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- tiles ---- */

static void assert_tile(const char *target, int64_t outputs, int64_t pixels, int64_t taps,
    int tile_pixels, int tile_vectors) {
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for(target, &fixture);
    TileShape tile = choose_tile(&compilation, outputs, pixels, taps);
    assert_int_equal(tile.pixels, tile_pixels);
    assert_int_equal(tile.vectors, tile_vectors);
    fixture_free(&fixture);
}

static void tiles_of_layers(void **state) {
    (void)state;
    assert_tile("x86-64-v4", 58, 784, 58, 6, 4);
    assert_tile("x86-64-v4", 112, 196, 116, 14, 2);
    assert_tile("x86-64-v4", 232, 49, 232, 13, 2);
    assert_tile("x86-64-v3", 56, 784, 58, 6, 2);
    assert_tile("x86-64-v3", 112, 196, 116, 4, 3);
    assert_tile("armv8-a", 58, 784, 24, 7, 3);
    assert_tile("x86-64", 1, 1, 1, 1, 1);
}

/* No shape that fits takes less, but for the cut of mixed panels (tile.c). */
static int assert_cheapest(
    const Target *target, int64_t outputs, int64_t pixels, int64_t taps, TileShape tile) {
    bool one_panel = outputs <= (int64_t)tile.vectors * target->lanes;
    double cycles = tiles_cycles(target, outputs, pixels, taps, tile);
    TileShape shape;
    assert_true(tile_fits(target, tile));
    assert_in_range(tile.pixels, 1, pixels);
    assert_true((int64_t)(tile.vectors - 1) * target->lanes < outputs);
    if (target->memory_broadcast && one_panel && tile.pixels == 8)
        return 0;
    for (shape.vectors = 1; shape.vectors <= MAX_TILE_VECTORS; shape.vectors++)
        for (shape.pixels = 1; shape.pixels <= MAX_TILE_PIXELS && shape.pixels <= pixels;
            shape.pixels++)
            if (tile_fits(target, shape) && (int64_t)(shape.vectors - 1) * target->lanes < outputs)
                assert_true(cycles <= tiles_cycles(target, outputs, pixels, taps, shape));
    return 1;
}

static const int64_t all_outputs[] = {1, 3, 8, 10, 16, 24, 58, 116, 232, 1000};
static const int64_t all_pixels[] = {1, 2, 7, 14, 49, 196, 784};
static const int64_t all_taps[] = {1, 9, 27, 116, 464, 2304};

static void tiles_fit_and_are_cheapest(void **state) {
    (void)state;
    size_t targets;
    const Target *table = target_table(&targets);
    int compared = 0, all = 0;
    for (size_t i = 0; i < targets; i++)
        for (size_t o = 0; o < COUNT(all_outputs); o++)
            for (size_t p = 0; p < COUNT(all_pixels); p++)
                for (size_t t = 0; t < COUNT(all_taps); t++, all++) {
                    Compilation compilation = {.target = &table[i]};
                    int64_t outputs = all_outputs[o], pixels = all_pixels[p], taps = all_taps[t];
                    TileShape tile = choose_tile(&compilation, outputs, pixels, taps);
                    compared += assert_cheapest(&table[i], outputs, pixels, taps, tile);
                }
    assert_true(compared > all * 9 / 10);
}

static void tiles_take_whole_blocks_of_weights(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for("x86-64", &fixture);
    compilation.weight_block = 16;
    for (size_t o = 0; o < COUNT(all_outputs); o++) {
        TileShape tile = choose_tile(&compilation, all_outputs[o], 49, 58);
        assert_int_equal(tile.vectors % 4, 0);
    }
    fixture_free(&fixture);
}

/* ---- blocking ---- */

static ConvolutionSizes flat_sizes(
    const Target *target, int64_t inputs, int64_t outputs, int64_t width) {
    return (ConvolutionSizes){.groups = 1,
        .inputs = inputs,
        .outputs = outputs,
        .kernel = {1, 1},
        .images = 1,
        .rows_in = 1,
        .rows = 1,
        .width_in = width,
        .width = width,
        .product = product_find(target, LANE_F32, LANE_F32, LANE_F32),
        .result = LANE_F32,
        .flat = true};
}

static ConvolutionSizes row_sizes(
    const Target *target, int64_t inputs, int64_t outputs, int64_t size, int64_t kernel) {
    ConvolutionSizes sizes = flat_sizes(target, inputs, outputs, size);
    sizes.kernel[0] = sizes.kernel[1] = kernel;
    sizes.rows_in = sizes.rows = size;
    sizes.flat = false;
    return sizes;
}

/* The last layer of ShuffleNet V2 but one: weights that the second-level cache does not keep. */
static void blocking_of_a_layer(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for("x86-64-v3", &fixture);
    ConvolutionSizes sizes = flat_sizes(compilation.target, 464, 1024, 49);
    Blocking blocking = choose_blocking(&compilation, &sizes);
    Text text = {0};
    blocking_print(&blocking, &sizes, &text);
    assert_string_equal(text.data,
        "5x2 tiles, items: tiles of panels, tiles in blocks of 4, inputs in blocks of 232");
    assert_int_equal(blocking.panel_channels, 16);
    assert_int_equal(blocking.tiles, 10);
    text_free(&text);
    fixture_free(&fixture);
}

static void assert_flat_blocking(const Compilation *compilation, const ConvolutionSizes *sizes) {
    const Target *target = compilation->target;
    Blocking blocking = choose_blocking(compilation, sizes);
    int64_t part = convolution_sum_part(sizes), pixels = blocking.tile.pixels;
    assert_int_equal(blocking.panel_channels, (int64_t)blocking.tile.vectors * target->lanes);
    assert_true(blocking.tiles * pixels >= sizes->width);
    assert_true((blocking.tiles - 1) * pixels < sizes->width);
    assert_in_range(blocking.block_tiles, 1, blocking.tiles);
    assert_in_range(blocking.input_block, 1, sizes->inputs);
    assert_false(blocking.panels_outermost);
    assert_true(blocking.prefetching_tiles == 0 || (blocking.prefetching_tiles == blocking.tiles &&
                                                       blocking.block_tiles == blocking.tiles));
    if (blocking.input_block == sizes->inputs)
        return;
    int64_t sums = blocking.block_tiles * pixels * blocking.panel_channels * 4;
    assert_true(sums <= MOST_LOCAL_BYTES && sums <= target->l1_bytes);
    assert_int_equal(blocking.input_block % sizes->product->channels, 0);
    assert_true(part == 0 || blocking.input_block <= part);
    assert_int_equal(blocking.parts.inputs + blocking.parts.taps + blocking.parts.rows, 0);
}

static void blocks_cover_flat_layers(void **state) {
    (void)state;
    static const int64_t inputs[] = {1, 24, 58, 464, 1001, 2048, 9216};
    size_t targets;
    const Target *table = target_table(&targets);
    for (size_t t = 0; t < targets; t++)
        for (size_t i = 0; i < COUNT(inputs); i++)
            for (size_t o = 0; o < COUNT(all_outputs); o++)
                for (size_t p = 0; p < COUNT(all_pixels); p++) {
                    Compilation compilation = {.target = &table[t]};
                    ConvolutionSizes sizes =
                        flat_sizes(&table[t], inputs[i], all_outputs[o], all_pixels[p]);
                    assert_flat_blocking(&compilation, &sizes);
                }
}

static void blocks_of_pairs_are_even(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for("sapphirerapids", &fixture);
    int cut = 0;
    for (int64_t inputs = 500; inputs < 4000; inputs += 101) {
        ConvolutionSizes sizes = flat_sizes(compilation.target, inputs, 256, 196);
        sizes.product = product_find(compilation.target, LANE_BF16, LANE_BF16, LANE_BF16);
        assert_flat_blocking(&compilation, &sizes);
        int64_t block = choose_blocking(&compilation, &sizes).input_block;
        assert_true(block == inputs || block % 2 == 0);
        cut += block < inputs;
        sizes.scattered = true; /* pairs begin anew in each piece */
        assert_int_equal(choose_blocking(&compilation, &sizes).input_block, inputs);
    }
    assert_true(cut > 10);
    fixture_free(&fixture);
}

/* Of weights that even the smaller cache keeps: others are read once by giving up blocks. */
static void larger_caches_take_larger_blocks(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    int grown = 0;
    for (size_t o = 0; o < COUNT(all_outputs); o++)
        for (int64_t width = 100; width < 60000; width *= 3) {
            Target target = *compilation_for("x86-64-v3", &fixture).target;
            Compilation compilation = {.target = &target};
            ConvolutionSizes sizes = flat_sizes(&target, 116, all_outputs[o], width);
            int64_t before = 0;
            for (target.l2_bytes = 1 << 20; target.l2_bytes <= 1 << 24; target.l2_bytes *= 2) {
                int64_t block = choose_blocking(&compilation, &sizes).block_tiles;
                assert_true(block >= before);
                grown += before > 0 && block > before;
                before = block;
            }
        }
    assert_true(grown > 10);
    fixture_free(&fixture);
}

static void panels_are_outermost_where_weights_stream(void **state) {
    (void)state;
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for("x86-64-v3", &fixture);
    ConvolutionSizes sizes = row_sizes(compilation.target, 384, 256, 13, 3);
    assert_true(choose_blocking(&compilation, &sizes).panels_outermost);
    sizes.chained = true;
    assert_false(choose_blocking(&compilation, &sizes).panels_outermost);
    sizes = row_sizes(compilation.target, 64, 64, 13, 3); /* half of the cache keeps the weights */
    assert_false(choose_blocking(&compilation, &sizes).panels_outermost);
    sizes = row_sizes(compilation.target, 384, 256, 1, 3); /* there is one row */
    assert_false(choose_blocking(&compilation, &sizes).panels_outermost);
    fixture_free(&fixture);
}

/* ---- vectors of a panel of bytes ---- */

/* As many vectors as hold the channels, each channel in one lane: the weights' order. */
static void assert_byte_panel(const Compilation *compilation, LaneType result, int64_t channels) {
    enum { MOST_CHANNELS = 64 };
    const Target *target = compilation->target;
    ConvolutionSizes sizes = flat_sizes(target, 16, channels, 49);
    sizes.product = product_find(target, LANE_U8, LANE_U8, LANE_U8);
    sizes.result = result;
    PanelVectors vectors = panel_vectors(compilation, &sizes, channels);
    int lanes = vectors.widths[0];
    assert_true(lanes == target->lanes || (vectors.count == 1 && lanes == target->lanes / 2));
    assert_true(vectors.count * lanes >= channels && (vectors.count - 1) * lanes < channels);
    assert_int_equal(vectors.lanes, vectors.count * lanes);
    assert_int_equal(vectors.packed, result == LANE_U8 && vectors.count > 1);
    bool found[MOST_CHANNELS] = {false};
    for (int v = 0; v < vectors.count; v++)
        for (int lane = 0; lane < lanes; lane++) {
            int64_t channel = panel_channel(&vectors, v, lane);
            assert_in_range(channel, 0, vectors.lanes - 1);
            assert_false(found[channel]);
            found[channel] = true;
        }
}

static void panels_of_bytes(void **state) {
    (void)state;
    static const char *const targets[] = {
        "x86-64-v3", "x86-64-v4", "icelake-server", "armv8-a", "cortex-a76", "neoverse-n2"};
    Fixture fixture = no_graph();
    for (size_t t = 0; t < COUNT(targets); t++) {
        Compilation compilation = compilation_for(targets[t], &fixture);
        for (int64_t channels = 1; channels <= 4 * (int64_t)compilation.target->lanes; channels++) {
            assert_byte_panel(&compilation, LANE_U8, channels);
            assert_byte_panel(&compilation, LANE_F32, channels);
        }
    }
    fixture_free(&fixture);
}

/* ---- parts of sums ---- */

static void parts_of_sums(void **state) {
    (void)state;
    assert_int_equal(sum_part(2048, LONGEST_SUM), 0);
    assert_int_equal(sum_part(2049, LONGEST_SUM), 256);
    assert_int_equal(sum_part(25088, LONGEST_SUM), 256);
    assert_int_equal(sum_part(1000000, LONGEST_SUM), 1008);
    assert_int_equal(sum_part(129, TERMS_PER_SUM), 16);
    for (int64_t terms = LONGEST_SUM + 1; terms < 5000000; terms += terms / 3) {
        int64_t part = sum_part(terms, LONGEST_SUM), root = square_root_above(terms);
        assert_int_equal(part % 16, 0);
        assert_true(part < (root > 256 ? root : 256) + 16);
        assert_true((terms + part - 1) / part <= root); /* parts are not more than terms of one */
    }
}

static void parts_of_convolutions(void **state) {
    (void)state;
    static const int64_t inputs[] = {1, 3, 64, 255, 256, 400, 2048, 9216};
    size_t targets;
    const Target *target = target_table(&targets);
    for (size_t i = 0; i < COUNT(inputs); i++)
        for (int64_t kernel = 1; kernel < 80; kernel += 6) {
            ConvolutionSizes sizes = row_sizes(target, inputs[i], 8, 100, kernel);
            SumParts parts = choose_sum_parts(&sizes, sizes.inputs);
            int64_t most = convolution_sum_part(&sizes), row = sizes.inputs * kernel;
            int chosen = (parts.inputs > 0) + (parts.taps > 0) + (parts.rows > 0);
            assert_int_equal(chosen, row * kernel > LONGEST_SUM);
            assert_int_equal(most > 0, row * kernel > LONGEST_SUM);
            assert_true(parts.inputs + parts.taps * sizes.inputs + parts.rows * row <= most);
        }
    ConvolutionSizes bytes = row_sizes(target, 4096, 8, 100, 3);
    bytes.product = product_find(target, LANE_U8, LANE_U8, LANE_U8); /* integers lose nothing */
    assert_int_equal(convolution_sum_part(&bytes), 0);
}

/* ---- windows over each channel alone ---- */

static WindowSizes window_sizes(WindowKind kind, int64_t kernel, int64_t width, LaneType input) {
    return (WindowSizes){.kind = kind,
        .window = {.kernel = {kernel, kernel}, .stride = {1, 1}, .dilation = {1, 1}},
        .width = width,
        .input = input};
}

static void assert_window(const char *target, WindowSizes sizes, const char *phrase) {
    Fixture fixture = no_graph();
    Compilation compilation = compilation_for(target, &fixture);
    WindowBlocking blocking = choose_window_blocking(compilation.target, &sizes);
    Text text = {0};
    window_blocking_print(&blocking, &text);
    assert_string_equal(text.data, phrase);
    text_free(&text);
    fixture_free(&fixture);
}

static void windows_of_layers(void **state) {
    (void)state;
    WindowSizes depthwise = window_sizes(WINDOW_DEPTHWISE, 3, 28, LANE_F32);
    assert_window("x86-64-v4", depthwise, "14x1 tiles");
    assert_window("x86-64-v3", depthwise, "10x1 tiles"); /* 16 registers, 5 of them in use */
    assert_window("armv8-a", depthwise, "14x1 tiles");
    assert_window("x86-64-v3", window_sizes(WINDOW_MAXIMUM, 3, 56, LANE_F32), "14x1 tiles");
    assert_window("x86-64-v3", window_sizes(WINDOW_MAXIMUM, 3, 55, LANE_BF16), "14x1 tiles");
    assert_window("x86-64-v3", window_sizes(WINDOW_MEAN, 7, 1, LANE_F32), "1x1 tiles");
    assert_window("x86-64-v3", window_sizes(WINDOW_DEPTHWISE, 31, 28, LANE_F32),
        "2x1 tiles, sums in parts of 6 rows, and of 31 columns");
    assert_window("icelake-server", window_sizes(WINDOW_MAXIMUM, 3, 56, LANE_U8),
        "14x1 tiles, vectors of up to 64 bytes");
    assert_window("x86-64-v3", window_sizes(WINDOW_MEAN, 3, 56, LANE_U8), "14x1 tiles");
    WindowSizes pieces = window_sizes(WINDOW_PIXEL, 1, 56, LANE_F32);
    pieces.in_pieces = true;
    assert_window("x86-64-v3", pieces, "1x1 tiles, put together from pieces");
}

/* A row is cut into as few tiles as registers allow, and these are as even as can be. */
static void assert_window_tile(const Target *target, const WindowSizes *sizes) {
    int64_t weights = sizes->kind == WINDOW_DEPTHWISE ? sizes->window.kernel[1] : 0, most = 2;
    while (most < MAX_WINDOW_PIXELS && most + 1 + weights + 2 <= target->registers)
        most++;
    int64_t pixels = choose_window_blocking(target, sizes).pixels;
    assert_in_range(pixels, 1, most);
    int64_t tiles = (sizes->width + pixels - 1) / pixels;
    assert_int_equal(tiles, (sizes->width + most - 1) / most);
    assert_true((pixels - 1) * tiles < sizes->width);
}

static void windows_are_cut_evenly(void **state) {
    (void)state;
    static const WindowKind kinds[] = {WINDOW_DEPTHWISE, WINDOW_MAXIMUM, WINDOW_MEAN, WINDOW_PIXEL};
    size_t targets;
    const Target *table = target_table(&targets);
    for (size_t t = 0; t < targets; t++)
        for (size_t k = 0; k < COUNT(kinds); k++)
            for (int64_t kernel = 1; kernel < 40; kernel += 2)
                for (int64_t width = 1; width < 230; width += 3) {
                    WindowSizes sizes = window_sizes(kinds[k], kernel, width, LANE_F32);
                    assert_window_tile(&table[t], &sizes);
                    sizes.in_pieces = true; /* each column is loaded once, by its own pixel */
                    assert_int_equal(choose_window_blocking(&table[t], &sizes).pixels, 1);
                }
}

static void vectors_of_windows(void **state) {
    (void)state;
    size_t targets;
    const Target *table = target_table(&targets);
    for (size_t t = 0; t < targets; t++)
        for (int64_t left = 1; left <= 4 * (int64_t)table[t].lanes; left++) {
            WindowSizes sizes = window_sizes(WINDOW_MAXIMUM, 3, 56, LANE_U8);
            WindowBlocking blocking = choose_window_blocking(&table[t], &sizes);
            int lanes = window_lanes(&table[t], &blocking, left);
            assert_int_equal(blocking.sum, LANE_U8);
            assert_int_equal(blocking.lanes, 4 * table[t].lanes);
            assert_in_range(lanes, left, blocking.lanes);
            assert_true(lanes <= 16 || lanes / 2 < left);
            sizes.kind = WINDOW_MEAN; /* which is no byte */
            blocking = choose_window_blocking(&table[t], &sizes);
            assert_int_equal(blocking.sum, LANE_F32);
            assert_int_equal(blocking.lanes, table[t].lanes);
        }
}

static void parts_of_windows(void **state) {
    (void)state;
    Window window = {.kernel = {8, 16}};
    assert_int_equal(window_parts(&window).rows, 0);
    for (window.kernel[0] = 1; window.kernel[0] < 400; window.kernel[0] += 13)
        for (window.kernel[1] = 129; window.kernel[1] < 400; window.kernel[1] += 17) {
            WindowParts parts = window_parts(&window);
            assert_int_equal(parts.rows, square_root_above(window.kernel[0]));
            assert_int_equal(parts.columns, TERMS_PER_SUM);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_of_layers),
        cmocka_unit_test(tiles_fit_and_are_cheapest),
        cmocka_unit_test(tiles_take_whole_blocks_of_weights),
        cmocka_unit_test(blocking_of_a_layer),
        cmocka_unit_test(blocks_cover_flat_layers),
        cmocka_unit_test(blocks_of_pairs_are_even),
        cmocka_unit_test(larger_caches_take_larger_blocks),
        cmocka_unit_test(panels_are_outermost_where_weights_stream),
        cmocka_unit_test(panels_of_bytes),
        cmocka_unit_test(parts_of_sums),
        cmocka_unit_test(parts_of_convolutions),
        cmocka_unit_test(windows_of_layers),
        cmocka_unit_test(windows_are_cut_evenly),
        cmocka_unit_test(vectors_of_windows),
        cmocka_unit_test(parts_of_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
