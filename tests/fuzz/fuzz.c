/* Mutates files for a bounded time and gives them to the readers of riffle.
 *
 *     fuzz EXAMPLES [--seconds N] [--seed N] [--reader NAME] [--round N]
 *     fuzz EXAMPLES --write-seeds FOLDER      seeds and dictionaries for other fuzzers
 *
 * The rounds of a seed are the same everywhere; only how many fit the time differs. What breaks is
 * told by seed, reader and round, and --round gives that file again (and writes it to stdout). */
#include "ir/clock.h"
#include "tests/fuzz/dictionary.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/readers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_SEEDS = 16, SECONDS_FOR_ONE = 10 };

/* What is running, for the report of a crash: the one global, since signals bring no argument. */
static struct Current {
    const char *reader;
    uint64_t seed, round;
} current;

/* Present when the program is built with a sanitizer. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void report_current(void) {
    char line[200];
    int length = snprintf(line, sizeof line,
        "the file that broke riffle: fuzz EXAMPLES --seed %llu --reader %s --round %llu\n",
        (unsigned long long)current.seed, current.reader, (unsigned long long)current.round);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
        _exit(3);
}

static void on_signal(int number) {
    if (number == SIGALRM) {
        static const char slow[] = "fault: one file takes too long\n";
        if (write(STDERR_FILENO, slow, sizeof slow - 1) < 0)
            _exit(3);
    }
    report_current();
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_for_crashes(void) {
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    bool sanitized = __sanitizer_set_death_callback != NULL;
    if (sanitized)
        __sanitizer_set_death_callback(report_current);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (!sanitized || signals[i] == SIGALRM || signals[i] == SIGABRT)
            signal(signals[i], on_signal);
    }
}

typedef struct Options {
    const char *examples;
    const char *seed_folder; /* NULL: fuzz */
    double seconds;
    uint64_t seed, round;
    bool one_round;
    int only_reader; /* -1: all */
} Options;

static _Noreturn void usage(void) {
    fputs("usage: fuzz EXAMPLES [--seconds N] [--seed N] [--reader "
          "spec|json|rir|safetensors|pth|pipeline|onnx|ncnn|tuning|picture|rkir] "
          "[--round N] [--write-seeds FOLDER]\n",
        stderr);
    exit(2);
}

static uint64_t read_number(const char *text) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        usage();
    return number;
}

static Options read_options(int argc, char **argv) {
    if (argc < 2)
        usage();
    Options options = {.examples = argv[1], .seconds = 25, .seed = 1, .only_reader = -1};
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc)
            usage();
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--seconds") == 0) {
            options.seconds = (double)read_number(value);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = read_number(value);
        } else if (strcmp(argv[i], "--round") == 0) {
            options.round = read_number(value);
            options.one_round = true;
        } else if (strcmp(argv[i], "--write-seeds") == 0) {
            options.seed_folder = value;
        } else if (strcmp(argv[i], "--reader") == 0) {
            for (int k = 0; k < READER_COUNT; k++)
                options.only_reader = strcmp(reader_names[k], value) == 0 ? k : options.only_reader;
            if (options.only_reader < 0)
                usage();
        } else {
            usage();
        }
    }
    return options;
}

/* The file of a round. Round 0 to count - 1 are the seeds as they are. */
static Text make_file(const Text *seeds, int count, uint64_t seed, uint64_t round) {
    Random random = random_begin(seed, round);
    Text file = {0};
    if (round < (uint64_t)count) {
        text_append_bytes(&file, seeds[round].data, seeds[round].length);
        return file;
    }
    const Text *one = &seeds[random_below(&random, (size_t)count)];
    const Text *other = &seeds[random_below(&random, (size_t)count)];
    text_append_bytes(&file, one->data, one->length);
    mutate(&file, other, &random);
    return file;
}

static void fuzz_reader(ReaderKind kind, const Options *options, double seconds) {
    Text seeds[MOST_SEEDS] = {{0}};
    int count = reader_seeds(kind, ".", seeds, MOST_SEEDS);
    if (count == 0)
        return;
    uint64_t taken = 0, round = options->one_round ? options->round : 0;
    double end = seconds_now() + seconds;
    current.reader = reader_names[kind];
    current.seed = options->seed;
    do {
        current.round = round;
        Text file = make_file(seeds, count, options->seed, round);
        if (options->one_round)
            fwrite(file.data, 1, file.length, stdout);
        alarm(SECONDS_FOR_ONE);
        bool good = reader_try(kind, &file);
        alarm(0);
        if (!good && round < (uint64_t)count) {
            fprintf(stderr, "fault: %s seed %llu is refused\n", current.reader,
                (unsigned long long)round);
            abort();
        }
        taken += good;
        text_free(&file);
        round++;
    } while (!options->one_round && seconds_now() < end);
    fprintf(stderr, "%-12s %8llu files, %8llu of them taken\n", current.reader,
        (unsigned long long)(options->one_round ? 1 : round), (unsigned long long)taken);
    for (int i = 0; i < count; i++)
        text_free(&seeds[i]);
}

static void make_folder(const char *path) {
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        exit(2);
    }
}

static void write_file(const Text *text, const char *path) {
    int error = text_write_file(text, path);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(error));
        exit(2);
    }
}

/* FOLDER/READER/seed0 and so on, and FOLDER/READER.dict. */
static void write_seeds(ReaderKind kind, const char *folder) {
    Text seeds[MOST_SEEDS] = {{0}}, words = {0};
    char path[4096];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/%s.dict", folder, reader_names[kind]);
    reader_dictionary(kind, &words);
    write_file(&words, path);
    text_free(&words);
    snprintf(path, sizeof path, "%s/%s", folder, reader_names[kind]);
    make_folder(path);
    int count = reader_seeds(kind, ".", seeds, MOST_SEEDS);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s/seed%d", folder, reader_names[kind], i);
        write_file(&seeds[i], path);
        text_free(&seeds[i]);
    }
}

int main(int argc, char **argv) {
    Options options = read_options(argc, argv);
    if (chdir(options.examples) != 0) { /* so that the seeds find what they import */
        perror(options.examples);
        return 2;
    }
    for (int kind = 0; options.seed_folder != NULL && kind < READER_COUNT; kind++)
        write_seeds((ReaderKind)kind, options.seed_folder);
    if (options.seed_folder != NULL)
        return 0;
    watch_for_crashes();
    for (int kind = 0; kind < READER_COUNT; kind++) {
        if (options.only_reader < 0)
            fuzz_reader((ReaderKind)kind, &options, options.seconds / (double)READER_COUNT);
        else if (options.only_reader == kind)
            fuzz_reader((ReaderKind)kind, &options, options.seconds);
    }
    return 0;
}
