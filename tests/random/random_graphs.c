/* Random graphs through every pass, random orders of passes, and the compiler, against the
 * interpreter. See usage below and CONTRIBUTING.md. */
#include "battery.h"
#include "random_graph.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: random_graphs [OPTION...] [FILE.rir...]\n"
    "Makes random graphs and compares what the interpreter says of them with what it says after "
    "each\n"
    "pass, the presets and random orders of passes, and with compiled code. With files: tries "
    "what\n"
    "failed once, and all the rest, with their graphs.\n"
    "\n"
    "  --seed N          the first seed (1)\n"
    "  --count N         how many graphs (RIFFLE_RANDOM_GRAPHS; else 120, or 2000 for passes "
    "only)\n"
    "  --part N          of these one in N, which RIFFLE_TEST_SEED chooses; all without it (1)\n"
    "  --orders N        random orders of passes for each graph (3)\n"
    "  --compile N       how often each graph is compiled, for any target and level (1)\n"
    "  --gpu N           interprets one graph in N as kernels for a GPU (2; 0: none)\n"
    "  --passes-only     --compile 0 --gpu 0\n"
    "  --keep FOLDER     writes each failure, made small, to FOLDER/SEED.rir\n"
    "  --no-reduce       does not make failures small\n"
    "  --most-failures N ends after so many (10)\n"
    "  --print           prints the graphs and tries nothing\n";

typedef struct Options {
    BatteryOptions battery;
    uint64_t seed, count; /* count 0: the usual number */
    const char *keep;
    bool no_reduce, print;
    uint64_t most_failures;
    uint64_t part, turn; /* one graph in `part`: those whose number leaves `turn` */
    char **files;
    int file_count;
} Options;

static void __attribute__((noreturn)) refuse(const char *message, const char *word) {
    fprintf(stderr, "random_graphs: error: %s%s\n%s", message, word, usage);
    exit(2);
}

static uint64_t read_number(const char *option, const char *word) {
    char *end;
    uint64_t number = word == NULL ? 0 : strtoull(word, &end, 10);
    if (word == NULL || end == word || *end != '\0')
        refuse("a number is expected after ", option);
    return number;
}

static uint64_t usual_count(const Options *options) {
    const char *wanted = getenv("RIFFLE_RANDOM_GRAPHS");
    if (wanted != NULL && wanted[0] != '\0')
        return read_number("RIFFLE_RANDOM_GRAPHS", wanted);
    return options->battery.compilations == 0 ? 2000 : 120;
}

/* Which part it is this time; without a seed there is one part. */
static void choose_part(Options *options) {
    const char *seed = getenv("RIFFLE_TEST_SEED");
    if (options->part == 0)
        refuse("a number from 1 on is expected after ", "--part");
    if (seed == NULL || seed[0] == '\0')
        options->part = 1;
    else
        options->turn = read_number("RIFFLE_TEST_SEED", seed) % options->part;
}

/* Options that stand alone; false for others. */
static bool read_flag(Options *options, const char *word) {
    if (strcmp(word, "--passes-only") == 0)
        options->battery.compilations = options->battery.gpu_share = 0;
    else if (strcmp(word, "--no-reduce") == 0)
        options->no_reduce = true;
    else if (strcmp(word, "--print") == 0)
        options->print = true;
    else
        return false;
    return true;
}

static void read_option(Options *options, const char *word, const char *value) {
    if (strcmp(word, "--keep") == 0 && value != NULL)
        options->keep = value;
    else if (strcmp(word, "--seed") == 0)
        options->seed = read_number(word, value);
    else if (strcmp(word, "--count") == 0)
        options->count = read_number(word, value);
    else if (strcmp(word, "--orders") == 0)
        options->battery.orders = (int)read_number(word, value);
    else if (strcmp(word, "--compile") == 0)
        options->battery.compilations = (int)read_number(word, value);
    else if (strcmp(word, "--gpu") == 0)
        options->battery.gpu_share = (int)read_number(word, value);
    else if (strcmp(word, "--part") == 0)
        options->part = read_number(word, value);
    else if (strcmp(word, "--most-failures") == 0)
        options->most_failures = read_number(word, value);
    else
        refuse("unknown or unfinished option ", word);
}

static Options read_options(int argc, char **argv) {
    Options options = {.battery = {.orders = 3, .compilations = 1, .gpu_share = 2},
        .seed = 1,
        .most_failures = 10,
        .part = 1};
    options.files = argv;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (argv[i][0] != '-') {
            options.files[options.file_count++] = argv[i];
        } else if (!read_flag(&options, argv[i])) {
            read_option(&options, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        }
    }
    if (!llvm_is_built_in())
        options.battery.compilations = 0;
    if (options.count == 0)
        options.count = usual_count(&options);
    choose_part(&options);
    return options;
}

/* ---- failures ---- */

static void report(const Options *options, const char *name, Failure failure, const Graph *graph) {
    Arena *arena = arena_create();
    printf("%s: passes %s%s%s%s: %s\n", name, failure.pipeline,
        failure.target[0] == '\0' ? "" : ", target ", failure.target,
        failure.tiny_cache ? ", tiny cache" : "", failure.fault);
    fflush(stdout);
    if (!options->no_reduce)
        graph = failure_reduce(&failure, graph, options->battery.registry, arena);
    Text text = {0};
    fixture_print(&failure, graph, &text);
    fputs(text.data, stdout);
    if (options->keep != NULL) {
        const char *path =
            arena_format(arena, "%s/%llu.rir", options->keep, (unsigned long long)failure.seed);
        int error = text_write_file(&text, path);
        if (error != 0)
            fprintf(stderr, "random_graphs: error: cannot write %s: %s\n", path, strerror(error));
    }
    text_free(&text);
    arena_destroy(arena);
    fflush(stdout);
}

static void print_graph(const Graph *graph) {
    Text text = {0};
    graph_print(graph, &text);
    fputs(text.data, stdout);
    text_free(&text);
}

/* ---- files and seeds ---- */

/* Whether all is right. */
static bool try_file(const Options *options, const char *path) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Failure failure;
    const Graph *graph = fixture_read(path, &failure, arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
    const Failure *found = NULL;
    const char *fault = NULL;
    if (graph != NULL && llvm_is_built_in())
        fault = failure_retry(&failure, graph, options->battery.registry, arena);
    if (fault != NULL) {
        failure.fault = fault;
        found = &failure;
    } else if (graph != NULL) {
        found = battery_run(graph, failure.seed, &options->battery, arena);
    }
    if (found != NULL)
        report(options, path, *found, graph);
    bool good = graph != NULL && found == NULL;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return good;
}

static bool try_seed(const Options *options, uint64_t seed) {
    Arena *arena = arena_create();
    const Graph *graph = random_graph(seed, 4 + (int)(seed % 24), arena);
    const Failure *failure = NULL;
    if (options->print)
        print_graph(graph);
    else
        failure = battery_run(graph, seed, &options->battery, arena);
    if (failure != NULL)
        report(
            options, arena_format(arena, "seed %llu", (unsigned long long)seed), *failure, graph);
    arena_destroy(arena);
    return failure == NULL;
}

int main(int argc, char **argv) {
    Options options = read_options(argc, argv);
    uint64_t tried = 0, failed = 0;
    time_t start = time(NULL);
    for (int i = 0; i < options.file_count; i++, tried++)
        failed += !try_file(&options, options.files[i]);
    uint64_t count = options.file_count > 0 ? 0 : options.count;
    for (uint64_t i = options.turn; i < count && failed < options.most_failures;
        i += options.part, tried++) {
        if (tried > 0 && tried % 1000 == 0 && !options.print)
            printf("%llu graphs\n", (unsigned long long)tried);
        failed += !try_seed(&options, options.seed + i);
    }
    if (!options.print)
        printf("%llu graphs tried in %.0f s, %llu failed\n", (unsigned long long)tried,
            difftime(time(NULL), start), (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
