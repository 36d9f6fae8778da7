/* Loading weights: what is right loads exactly, what is wrong is named. */
#include "frontend/frontend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
    Arena *arena;
    Diagnostics *diagnostics;
    Graph *graph;
    char path[64]; /* of the file under test */
    char *printed; /* the diagnostics, once asked for */
} Fixture;

static int set_up(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->arena = arena_create();
    fixture->diagnostics = diagnostics_create();
    fixture->graph = graph_create(fixture->arena, "net");
    strcpy(fixture->path, "/tmp/riffle-safetensors-XXXXXX");
    int descriptor = mkstemp(fixture->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    Fixture *fixture = *state;
    unlink(fixture->path);
    free(fixture->printed);
    diagnostics_destroy(fixture->diagnostics);
    arena_destroy(fixture->arena);
    free(fixture);
    return 0;
}

static void write_bytes(const Fixture *fixture, const void *bytes, size_t length) {
    unlink(fixture->path); /* a new file: file systems flush one that is cut and written again */
    FILE *stream = fopen(fixture->path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

/* A file of the header, as it stands, and the data. */
static void write_file(
    const Fixture *fixture, const char *header, const void *data, size_t data_bytes) {
    Text text = {0};
    uint64_t length = strlen(header);
    text_append_bytes(&text, &length, sizeof length);
    text_append(&text, header);
    text_append_bytes(&text, data, data_bytes);
    write_bytes(fixture, text.data, text.length);
    text_free(&text);
}

static Weight *want(Fixture *fixture, const char *path, int rank, const int64_t *dims) {
    return graph_weight(fixture->graph, path, tensor_type(rank, dims), (SourceRange){0});
}

static const char *printed(Fixture *fixture) {
    free(fixture->printed);
    return fixture->printed = diagnostics_text(fixture->diagnostics);
}

static void expect_fault(Fixture *fixture, size_t error_count, const char *part) {
    WeightFile *file =
        weights_load(fixture->graph, fixture->path, NULL, NULL, fixture->diagnostics);
    assert_null(file);
    if (strstr(printed(fixture), part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, fixture->printed);
    assert_int_equal(diagnostics_error_count(fixture->diagnostics), error_count);
    for (const Weight *weight = fixture->graph->first_weight; weight; weight = weight->next)
        assert_null(weight->data);
}

static WeightFile *expect_loaded(Fixture *fixture) {
    WeightFile *file =
        weights_load(fixture->graph, fixture->path, NULL, NULL, fixture->diagnostics);
    if (file == NULL)
        fail_msg("%s", printed(fixture));
    assert_int_equal(diagnostics_error_count(fixture->diagnostics), 0);
    return file;
}

#define TENSOR(name, type, shape, ...)                                                             \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #__VA_ARGS__ "]" \
    "}"

/* ---- what is right ---- */

static void loads_f32(void **state) {
    Fixture *fixture = *state;
    Weight *weight = want(fixture, "a.weight", 2, (int64_t[]){2, 2});
    Weight *bias = want(fixture, "a.bias", 1, (int64_t[]){1});
    float data[] = {1, -2, 3.5f, 1e-40f, 7};
    /* 8 + 160 is a multiple of 4, so the data is used in place. */
    char header[161];
    snprintf(header, sizeof header, "%-160s",
        "{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a.weight", "F32", "[2,2]", 0, 16) "," TENSOR(
            "a.bias", "F32", "[1]", 16, 20) "}");
    write_file(fixture, header, data, sizeof data);
    WeightFile *file = expect_loaded(fixture);
    assert_memory_equal(weight->data, data, 16);
    assert_memory_equal(bias->data, data + 4, 4);
    weights_close(file);
}

static void copies_misaligned_f32(void **state) {
    Fixture *fixture = *state;
    Weight *weight = want(fixture, "w", 1, (int64_t[]){2});
    Weight *other = want(fixture, "x", 1, (int64_t[]){1});
    unsigned char data[11];
    float expected[] = {0.1f, 0.2f};
    memcpy(data, expected, 8);
    memset(data + 8, 0, 3);
    /* x is F16 between a byte that nobody wants to read and w... in every alignment of the header.
     */
    for (int spaces = 0; spaces < 4; spaces++) {
        char header[256];
        snprintf(header, sizeof header, "{%s,%s,%s}%*s", TENSOR("w", "F32", "[2]", 0, 8),
            TENSOR("x", "F16", "[1]", 8, 10), TENSOR("bn.num_batches_tracked", "U8", "[]", 10, 11),
            spaces, "");
        write_file(fixture, header, data, sizeof data);
        WeightFile *file = expect_loaded(fixture);
        assert_int_equal((uintptr_t)weight->data % sizeof(float), 0);
        assert_memory_equal(weight->data, expected, sizeof expected);
        assert_true(other->data[0] == 0.0f);
        weights_close(file);
    }
}

static uint32_t bits_of(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* All finite f16 numbers, against the definition: sign * significand * 2^exponent. */
static void converts_f16_exactly(void **state) {
    Fixture *fixture = *state;
    enum { FINITE = 31 * 1024 };
    uint16_t *halves = malloc(2 * FINITE * sizeof *halves);
    for (unsigned i = 0; i < FINITE; i++) {
        halves[i] = (uint16_t)i;
        halves[FINITE + i] = (uint16_t)(0x8000 | i);
    }
    Weight *weight = want(fixture, "w", 1, (int64_t[]){2 * FINITE});
    write_file(fixture, "{" TENSOR("w", "F16", "[63488]", 0, 126976) "}", halves,
        2 * FINITE * sizeof *halves);
    WeightFile *file = expect_loaded(fixture);
    for (unsigned i = 0; i < 2 * FINITE; i++) {
        unsigned exponent = (halves[i] >> 10) & 31, fraction = halves[i] & 1023;
        double magnitude =
            exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, (int)exponent - 25);
        float expected = (float)(halves[i] & 0x8000 ? -magnitude : magnitude);
        assert_int_equal(bits_of(weight->data[i]), bits_of(expected));
    }
    weights_close(file);
    free(halves);
}

static void converts_bf16_exactly(void **state) {
    Fixture *fixture = *state;
    enum { FINITE = 255 * 128 };
    uint16_t *halves = malloc(2 * FINITE * sizeof *halves);
    for (unsigned i = 0; i < FINITE; i++) {
        halves[i] = (uint16_t)i;
        halves[FINITE + i] = (uint16_t)(0x8000 | i);
    }
    Weight *weight = want(fixture, "w", 1, (int64_t[]){2 * FINITE});
    write_file(fixture, "{" TENSOR("w", "BF16", "[65280]", 0, 130560) "}", halves,
        2 * FINITE * sizeof *halves);
    WeightFile *file = expect_loaded(fixture);
    for (unsigned i = 0; i < 2 * FINITE; i++)
        assert_int_equal(bits_of(weight->data[i]), (uint32_t)halves[i] << 16);
    weights_close(file);
    free(halves);
}

static void ignores_batch_counters_only(void **state) {
    Fixture *fixture = *state;
    want(fixture, "w", 1, (int64_t[]){1});
    char data[20] = {0};
    write_file(fixture,
        "{" TENSOR("w", "F32", "[1]", 0, 4) "," TENSOR("b.num_batches_tracked", "I64", "[]", 4,
            12) "," TENSOR("bnum_batches_tracked", "I64", "[]", 12, 20) "}",
        data, sizeof data);
    expect_fault(
        fixture, 1, "tensor 'bnum_batches_tracked' of shape [] is used by no layer of 'net'");
}

/* ---- what does not fit the network ---- */

static void names_every_misfit(void **state) {
    Fixture *fixture = *state;
    want(fixture, "conv1.weight", 4, (int64_t[]){2, 1, 1, 1});
    want(fixture, "conv2.weight", 4, (int64_t[]){2, 1, 1, 1});
    want(fixture, "conv3.weight", 1, (int64_t[]){2});
    want(fixture, "conv4.weight", 1, (int64_t[]){1});
    float data[] = {1, 2, 3, 4, 5, 6, 7, 8};
    write_file(fixture,
        "{" TENSOR("conv1.weights", "F32", "[2,1,1,1]", 0, 8) "," TENSOR("conv2.weight", "F32",
            "[1,2,1,1]", 8, 16) "," TENSOR("conv3.weight", "I64", "[2]", 16, 32) "}",
        data, sizeof data);
    expect_fault(fixture, 5, "weight 'conv1.weight' of shape [2,1,1,1] is missing");
    assert_non_null(strstr(fixture->printed, "did you mean 'conv1.weights'?"));
    assert_non_null(strstr(fixture->printed,
        "weight 'conv2.weight' has shape [2,1,1,1] in the network but [1,2,1,1]"));
    assert_non_null(strstr(fixture->printed, "weight 'conv3.weight' has the type I64"));
    assert_non_null(strstr(fixture->printed, "weight 'conv4.weight' of shape [1] is missing"));
    assert_non_null(
        strstr(fixture->printed, "tensor 'conv1.weights' of shape [2,1,1,1] is used by no layer"));
}

static void points_into_the_spec(void **state) {
    Fixture *fixture = *state;
    SourceFile spec = {"net.rfl", "x |> conv(2, 1) @ conv1\n", 24};
    graph_weight(fixture->graph, "conv1.weight", tensor_type(1, (int64_t[]){2}),
        (SourceRange){&spec, 5, 15});
    write_file(fixture, "{}", "", 0);
    expect_fault(fixture, 1, "net.rfl:1:6: error: weight 'conv1.weight' of shape [2] is missing");
}

static void rejects_numbers_that_are_none(void **state) {
    Fixture *fixture = *state;
    want(fixture, "a", 2, (int64_t[]){2, 3});
    want(fixture, "b", 1, (int64_t[]){2});
    float a[] = {0, 1, 2, 3, NAN, -INFINITY};
    uint16_t b[] = {0x3c00, 0x7c00};
    char data[28];
    memcpy(data, a, 24);
    memcpy(data + 24, b, 4);
    write_file(fixture,
        "{" TENSOR("a", "F32", "[2,3]", 0, 24) "," TENSOR("b", "F16", "[2]", 24, 28) "}", data,
        sizeof data);
    expect_fault(fixture, 2, "weight 'a' holds 1 NaN and 1 infinite numbers");
    assert_non_null(strstr(fixture->printed, "the first at [1,1]"));
    assert_non_null(strstr(fixture->printed, "weight 'b' holds 0 NaN and 1 infinite numbers"));
}

/* ---- what is no safetensors file ---- */

typedef struct HostileHeader {
    const char *header;
    size_t data_bytes;
    size_t
        error_count; /* "w" is not wanted by the network: it is surplus where its entry was read */
    const char *part;
} HostileHeader;

static const HostileHeader hostile_headers[] = {
    {"", 0, 1, "the header is no valid JSON"},
    {"[]", 0, 1, "the header is no JSON object"},
    {"{\"w\":", 0, 1, "the header is no valid JSON"},
    {"{\"w\":1}", 0, 2, "entry 'w' of the header is no object"},
    {"{\"w\":{}}", 0, 2, "tensor 'w' has no string \"dtype\""},
    {"{\"w\":{\"dtype\":\"F32\"}}", 0, 2, "tensor 'w' has no list \"shape\""},
    {"{\"__metadata__\":{\"a\":1}}", 0, 1, "\"__metadata__\" must be an object of strings"},
    {"{\"__metadata__\":[]}", 0, 1, "\"__metadata__\" must be an object of strings"},
    {"{" TENSOR("w", "F32", "[1]", 0, 4) "," TENSOR("w", "F32", "[1]", 0, 4) "}", 4, 1,
        "duplicate object key"},
    {"{" TENSOR("w", "Q7", "[1]", 0, 4) "}", 4, 2, "unknown type 'Q7'"},
    {"{" TENSOR("w", "F32", "[-1]", 0, 4) "}", 4, 2, "dimension 1 of its shape"},
    {"{" TENSOR("w", "F32", "[1,1.0]", 0, 4) "}", 4, 2, "dimension 2 of its shape"},
    {"{" TENSOR("w", "F32", "[9223372036854775807,4]", 0, 4) "}", 4, 2, "larger than any file"},
    {"{" TENSOR("w", "F32", "[9223372036854775808]", 0, 4) "}", 4, 1, "too big integer"},
    {"{" TENSOR("w", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, 2, "9 dimensions"},
    {"{" TENSOR("w", "F32", "[1]", 4, 0) "}", 4, 2, "0 <= begin <= end"},
    {"{" TENSOR("w", "F32", "[1]", -4, 0) "}", 4, 2, "0 <= begin <= end"},
    {"{" TENSOR("w", "F32", "[1]", 0, 4, 8) "}", 4, 2, "0 <= begin <= end"},
    {"{" TENSOR("w", "F32", "[2]", 0, 4) "}", 4, 2, "needs 8 bytes"},
    {"{" TENSOR("w", "F32", "[2]", 0, 8) "}", 4, 2, "ends at byte 8 of the data"},
    {"{" TENSOR("w", "F32", "[1]", 0, 4) "}", 8, 2, "bytes 4 to 8 of the data belong to no tensor"},
    {"{" TENSOR("w", "F32", "[1]", 4, 8) "}", 8, 2, "bytes 0 to 4 of the data belong to no tensor"},
    {"{" TENSOR("v", "F32", "[2]", 0, 8) "," TENSOR("w", "F32", "[2]", 4, 12) "}", 12, 3,
        "tensors 'v' and 'w' overlap"},
    {"{" TENSOR("v", "F32", "[1]", 0, 4) "," TENSOR("w", "F32", "[1]", 0, 4) "}", 4, 3,
        "tensors 'v' and 'w' overlap"},
    {"{\"w\\u001b[31m\":1}", 0, 2, "entry 'w\\x1b[31m'"},
};

static void reports_hostile_headers(void **state) {
    Fixture *fixture = *state;
    static const char zeros[16];
    for (size_t i = 0; i < sizeof hostile_headers / sizeof hostile_headers[0]; i++) {
        const HostileHeader *hostile = &hostile_headers[i];
        write_file(fixture, hostile->header, zeros, hostile->data_bytes);
        diagnostics_destroy(fixture->diagnostics);
        fixture->diagnostics = diagnostics_create();
        expect_fault(fixture, hostile->error_count, hostile->part);
    }
}

static void reports_hostile_lengths(void **state) {
    Fixture *fixture = *state;
    static const uint64_t lengths[] = {1, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        diagnostics_destroy(fixture->diagnostics);
        fixture->diagnostics = diagnostics_create();
        write_bytes(fixture, &lengths[i], sizeof lengths[i]);
        expect_fault(fixture, 1, "the header says to be");
    }
    for (size_t length = 0; length < 8; length++) {
        diagnostics_destroy(fixture->diagnostics);
        fixture->diagnostics = diagnostics_create();
        write_bytes(fixture, lengths, length);
        expect_fault(fixture, 1, "a safetensors file starts with 8 bytes");
    }
}

static void survives_deep_json(void **state) {
    Fixture *fixture = *state;
    enum { DEPTH = 1000000 };
    char *header = malloc(DEPTH + 6);
    memcpy(header, "{\"w\":", 5);
    memset(header + 5, '[', DEPTH);
    header[DEPTH + 5] = '\0';
    write_file(fixture, header, "", 0);
    expect_fault(fixture, 1, "the header is no valid JSON");
    free(header);
}

/* Whatever bytes change, the loader says so or loads; the sanitizers watch what it touches. */
static void survives_changed_bytes(void **state) {
    Fixture *fixture = *state;
    want(fixture, "v", 1, (int64_t[]){2});
    want(fixture, "w", 2, (int64_t[]){2, 1});
    static const char header[] =
        "{" TENSOR("v", "F32", "[2]", 0, 8) "," TENSOR("w", "F16", "[2,1]", 8, 12) "}";
    unsigned char bytes[8 + sizeof header - 1 + 12] = {sizeof header - 1};
    memcpy(bytes + 8, header, sizeof header - 1);
    uint64_t random = 1;
    int loaded = 0;
    for (int i = 0; i < 3000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned char *at = &bytes[(random >> 33) % sizeof bytes], old = *at;
        *at = (unsigned char)(random >> 20);
        size_t length = i % 4 ? sizeof bytes : (size_t)(random >> 40) % sizeof bytes;
        write_bytes(fixture, bytes, length);
        Diagnostics *diagnostics = diagnostics_create();
        WeightFile *file = weights_load(fixture->graph, fixture->path, NULL, NULL, diagnostics);
        assert_int_equal(file == NULL, diagnostics_error_count(diagnostics) > 0);
        loaded += file != NULL;
        weights_close(file);
        diagnostics_destroy(diagnostics);
        *at = old;
    }
    assert_true(loaded > 0); /* changes of the numbers alone */
}

static void reports_files_that_cannot_be_read(void **state) {
    Fixture *fixture = *state;
    assert_null(weights_load(fixture->graph, "/nonexistent/w", NULL, NULL, fixture->diagnostics));
    assert_null(weights_load(fixture->graph, "/tmp", NULL, NULL, fixture->diagnostics));
    assert_null(weights_load(fixture->graph, "/dev/null", NULL, NULL, fixture->diagnostics));
    assert_non_null(strstr(printed(fixture), "cannot open '/nonexistent/w'"));
    assert_non_null(strstr(fixture->printed, "cannot open '/tmp': Is a directory"));
    assert_non_null(strstr(fixture->printed, "'/dev/null' is no regular file"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(loads_f32),
        TEST(copies_misaligned_f32),
        TEST(converts_f16_exactly),
        TEST(converts_bf16_exactly),
        TEST(ignores_batch_counters_only),
        TEST(names_every_misfit),
        TEST(points_into_the_spec),
        TEST(rejects_numbers_that_are_none),
        TEST(reports_hostile_headers),
        TEST(reports_hostile_lengths),
        TEST(survives_deep_json),
        TEST(survives_changed_bytes),
        TEST(reports_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
