#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/profile.h"
#include "driver/samples.h"
#include "driver/table.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[STEP_KIND_COUNT] = {[STEP_POINTWISE] = "convolution 1x1",
    [STEP_DEPTHWISE] = "depthwise",
    [STEP_CONVOLUTION] = "other convolution",
    [STEP_CHAIN] = "several layers by rows",
    [STEP_POOLING] = "pooling",
    [STEP_LINEAR] = "fully connected",
    [STEP_ELEMENTWISE] = "element-wise",
    [STEP_LAYOUT] = "layout"};

/* What is said of a step, of all steps of a kind, or of all. */
typedef struct Share {
    int steps;
    double seconds;
    int64_t macs, issued, useful, bytes;
} Share;

static void add_step(Share *share, const ProfiledStep *step) {
    const StepCount *count = &step->step.count;
    share->steps++;
    share->seconds += step->median_seconds;
    share->macs += step->step.macs;
    share->issued += count->multiply_adds_issued;
    share->useful += count->multiply_adds_useful;
    share->bytes += count->bytes_read + count->bytes_written;
}

static Share share_of_all(const Profile *profile) {
    Share all = {0};
    for (int i = 0; i < profile->step_count; i++)
        add_step(&all, &profile->steps[i]);
    return all;
}

static double gflops(const Share *share) {
    return share_of(2 * (double)share->macs, share->seconds) * 1e-9;
}

static double gbytes(const Share *share) {
    return share_of((double)share->bytes, share->seconds) * 1e-9;
}

/* ---- tables ---- */

enum { CELL = 32, MEASURES = 7 };

static const TableColumn measures[MEASURES] = {{"us", ALIGN_RIGHT}, {"of time", ALIGN_RIGHT},
    {"GFLOP/s", ALIGN_RIGHT}, {"of peak", ALIGN_RIGHT}, {"lanes used", ALIGN_RIGHT},
    {"KB", ALIGN_RIGHT}, {"of memory", ALIGN_RIGHT}};

static void write_measures(
    const Profile *profile, const Share *share, double all_seconds, char cells[MEASURES][CELL]) {
    snprintf(cells[0], CELL, "%.1f", share->seconds * 1e6);
    snprintf(cells[1], CELL, "%.1f %%", 100 * share_of(share->seconds, all_seconds));
    for (int i = 2; i < 5; i++)
        cells[i][0] = '\0';
    if (share->macs > 0) {
        snprintf(cells[2], CELL, "%.1f", gflops(share));
        snprintf(cells[3], CELL, "%.0f %%", 100 * share_of(gflops(share), profile->peak_gflops));
    }
    if (share->issued > 0)
        snprintf(cells[4], CELL, "%.0f %%",
            100 * share_of((double)share->useful, (double)share->issued));
    snprintf(cells[5], CELL, "%.1f", (double)share->bytes * 1e-3);
    snprintf(cells[6], CELL, "%.0f %%", 100 * share_of(gbytes(share), profile->memory_gbytes));
}

static void add_row(Table *table, const Profile *profile, const char *first, const char *second,
    const Share *share, double all_seconds) {
    char texts[MEASURES][CELL];
    const char *cells[2 + MEASURES] = {first, second};
    write_measures(profile, share, all_seconds, texts);
    for (int i = 0; i < MEASURES; i++)
        cells[2 + i] = texts[i];
    table_add_row(table, cells);
}

static Table create_table(TableColumn *columns, const char *first, const char *second) {
    columns[0] = (TableColumn){first, ALIGN_LEFT};
    columns[1] = (TableColumn){second, ALIGN_LEFT};
    memcpy(columns + 2, measures, sizeof measures);
    return table_create(columns, 2 + MEASURES);
}

static void finish_table(Table *table, const Profile *profile, const Share *all, Text *text) {
    char steps[CELL];
    snprintf(steps, sizeof steps, "%d steps", all->steps);
    table_add_rule(table);
    add_row(table, profile, "all", steps, all, all->seconds);
    table_print(table, text);
    table_free(table);
}

static void print_steps(const Profile *profile, const Share *all, Text *text) {
    TableColumn columns[2 + MEASURES];
    Table table = create_table(columns, "layer", "step");
    for (int i = 0; i < profile->step_count; i++) {
        const ProfiledStep *step = &profile->steps[i];
        Share share = {0};
        add_step(&share, step);
        const char *path = step->step.path;
        add_row(
            &table, profile, path[0] != '\0' ? path : "-", step->step.label, &share, all->seconds);
    }
    finish_table(&table, profile, all, text);
}

/* The kinds that there are, the one that takes longest first. */
static int sort_kinds(const Profile *profile, Share shares[STEP_KIND_COUNT], int *order) {
    int count = 0;
    for (int i = 0; i < profile->step_count; i++)
        add_step(&shares[profile->steps[i].kind], &profile->steps[i]);
    for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
        int at = count;
        if (shares[kind].steps == 0)
            continue;
        for (; at > 0 && shares[order[at - 1]].seconds < shares[kind].seconds; at--)
            order[at] = order[at - 1];
        order[at] = kind;
        count++;
    }
    return count;
}

static void print_kinds(const Profile *profile, const Share *all, Text *text) {
    TableColumn columns[2 + MEASURES];
    Table table = create_table(columns, "kind", "of");
    Share shares[STEP_KIND_COUNT] = {{0}};
    int order[STEP_KIND_COUNT], count = sort_kinds(profile, shares, order);
    for (int i = 0; i < count; i++) {
        const Share *share = &shares[order[i]];
        char steps[CELL];
        snprintf(steps, sizeof steps, "%d step%s", share->steps, share->steps == 1 ? "" : "s");
        add_row(&table, profile, kind_names[order[i]], steps, share, all->seconds);
    }
    finish_table(&table, profile, all, text);
}

void profile_print(const Profile *profile, Text *text) {
    Share all = share_of_all(profile);
    text_format(text, "%s for %s, %d thread%s, %lld runs: %.4f ms each in the median\n",
        profile->network, profile->target, profile->threads, profile->threads == 1 ? "" : "s",
        (long long)profile->runs, profile->run_median_seconds * 1e3);
    if (profile->runner == NULL)
        text_append(text, "measured here:");
    else
        text_format(text, "measured by '%s':", profile->runner);
    text_format(text, " %.1f GFLOP/s at most, %.1f GB/s from memory\n\n", profile->peak_gflops,
        profile->memory_gbytes);
    print_steps(profile, &all, text);
    text_append(text, "\nBy kind:\n\n");
    print_kinds(profile, &all, text);
}

/* ---- JSON ---- */

static void write_json_measures(
    JsonWriter *writer, const Profile *profile, const Share *share, double all_seconds) {
    json_write_number(writer, "us", share->seconds * 1e6);
    json_write_number(writer, "share_of_time", share_of(share->seconds, all_seconds));
    json_write_integer(writer, "macs", share->macs);
    json_write_number(writer, "gflops", gflops(share));
    json_write_number(writer, "share_of_peak", share_of(gflops(share), profile->peak_gflops));
    json_write_integer(writer, "multiply_adds_issued", share->issued);
    json_write_integer(writer, "multiply_adds_useful", share->useful);
    json_write_integer(writer, "bytes", share->bytes);
    json_write_number(writer, "gbytes_per_second", gbytes(share));
    json_write_number(
        writer, "share_of_memory_bandwidth", share_of(gbytes(share), profile->memory_gbytes));
}

static void write_json_step(
    JsonWriter *writer, const Profile *profile, const ProfiledStep *step, double all_seconds) {
    Share share = {0};
    add_step(&share, step);
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "layer", step->step.path);
    json_write_string(writer, "op", step->step.op);
    json_write_string(writer, "label", step->step.label);
    json_write_string(writer, "kind", kind_names[step->kind]);
    json_write_number(writer, "p5_us", step->p5_seconds * 1e6);
    write_json_measures(writer, profile, &share, all_seconds);
    json_write_integer(writer, "layout_bytes", step->step.count.layout_bytes);
    json_write_object_end(writer);
}

static void write_json_kinds(JsonWriter *writer, const Profile *profile, double all_seconds) {
    Share shares[STEP_KIND_COUNT] = {{0}};
    int order[STEP_KIND_COUNT], count = sort_kinds(profile, shares, order);
    json_write_array(writer, "kinds", JSON_LINES);
    for (int i = 0; i < count; i++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "kind", kind_names[order[i]]);
        json_write_integer(writer, "steps", shares[order[i]].steps);
        write_json_measures(writer, profile, &shares[order[i]], all_seconds);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void profile_print_json(const Profile *profile, Text *text) {
    Share all = share_of_all(profile);
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", profile->network);
    json_write_string(&writer, "target", profile->target);
    if (profile->runner != NULL)
        json_write_string(&writer, "runner", profile->runner);
    json_write_integer(&writer, "threads", profile->threads);
    json_write_integer(&writer, "runs", profile->runs);
    json_write_number(&writer, "median_ms", profile->run_median_seconds * 1e3);
    json_write_number(&writer, "peak_gflops", profile->peak_gflops);
    json_write_number(&writer, "memory_gbytes_per_second", profile->memory_gbytes);
    json_write_array(&writer, "steps", JSON_LINES);
    for (int i = 0; i < profile->step_count; i++)
        write_json_step(&writer, profile, &profile->steps[i], all.seconds);
    json_write_array_end(&writer);
    write_json_kinds(&writer, profile, all.seconds);
    json_write_object(&writer, "all", JSON_LINES);
    json_write_integer(&writer, "steps", all.steps);
    write_json_measures(&writer, profile, &all, all.seconds);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}
