#include "driver/report_profile.h"

#include "ir/source_file.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static const char hint[] = "`riffle bench SPEC --profile --json` prints such a file";

enum { MOST_BYTES = 1 << 26 };

/* The number of that name; false where there is none, or one that no measurement gives. */
static bool figure(const json_t *object, const char *name, double *number) {
    const json_t *member = json_object_get(object, name);
    *number = json_number_value(member);
    return json_is_number(member) && isfinite(*number) && *number >= 0;
}

static bool count_of(const json_t *object, const char *name, int64_t *count) {
    const json_t *member = json_object_get(object, name);
    *count = json_integer_value(member);
    return json_is_integer(member) && *count > 0;
}

static const char *word(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static bool read_measured_steps(MeasuredTimes *times, const json_t *steps, Arena *arena) {
    size_t count = json_array_size(steps);
    bool good = json_is_array(steps);
    times->steps = ARENA_ARRAY(arena, MeasuredStep, count + 1);
    for (size_t i = 0; i < count && good; i++) {
        const json_t *step = json_array_get(steps, i);
        good = figure(step, "us", &times->steps[i].us) &&
               figure(step, "p5_us", &times->steps[i].p5_us);
    }
    return good;
}

static bool read_times(MeasuredTimes *times, const json_t *profile, Arena *arena) {
    return count_of(profile, "threads", &times->threads) &&
           count_of(profile, "runs", &times->runs) &&
           figure(profile, "median_ms", &times->median_ms) &&
           figure(profile, "peak_gflops", &times->peak_gflops) &&
           figure(profile, "memory_gbytes_per_second", &times->memory_gbytes_per_second) &&
           read_measured_steps(times, json_object_get(profile, "steps"), arena);
}

/* The profile of the file; NULL after reporting. To be released. */
static json_t *read_profile(MeasuredTimes *times, const char *path, Session *session) {
    const SourceFile *file =
        source_file_read_text(path, MOST_BYTES, NULL, session->arena, session->diagnostics);
    if (file == NULL)
        return NULL;
    json_error_t wrong;
    json_t *profile = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &wrong);
    if (profile != NULL && read_times(times, profile, session->arena))
        return profile;
    if (profile == NULL)
        diagnostics_error(session->diagnostics, hint, "'%s' is no JSON: %s, in line %d", file->name,
            wrong.text, wrong.line);
    else
        diagnostics_error(session->diagnostics, hint, "'%s' is no profile", file->name);
    json_decref(profile);
    return NULL;
}

/* The first step that is another one; -1: none. */
static int other_step(const json_t *steps, const Program *program) {
    int count = program_summary(program).step_count, measured = (int)json_array_size(steps);
    for (int i = 0; i < count && i < measured; i++) {
        const json_t *step = json_array_get(steps, (size_t)i);
        const StepSummary here = program_step(program, i);
        if (strcmp(word(step, "layer"), here.path) != 0 ||
            strcmp(word(step, "label"), here.label) != 0)
            return i;
    }
    return count == measured ? -1 : count < measured ? count : measured;
}

static bool goes_with(const json_t *profile, const char *path, const char *network,
    const Program *program, Session *session) {
    const char *target = program_target(program)->name;
    const char *name = word(profile, "name"), *other = word(profile, "target");
    if (strcmp(name, network) != 0) {
        diagnostics_error(session->diagnostics, NULL, "'%s' is of the network '%s', not of '%s'",
            path, name, network);
        return false;
    }
    if (strcmp(other, target) != 0) {
        diagnostics_error(session->diagnostics, "give the target that was measured with --target",
            "'%s' was measured for %s, and the report is for %s", path, other, target);
        return false;
    }
    int step = other_step(json_object_get(profile, "steps"), program);
    if (step >= 0)
        diagnostics_error(session->diagnostics,
            "give `riffle report` the options that `riffle bench` had: --set, -O, --passes",
            "'%s' has other steps than the report, from step %d on", path, step);
    return step < 0;
}

bool measured_times_read(MeasuredTimes *times, const char *path, const char *network,
    const Program *program, Session *session) {
    json_t *profile = read_profile(times, path, session);
    bool good = profile != NULL && goes_with(profile, path, network, program, session);
    json_decref(profile);
    return good;
}
