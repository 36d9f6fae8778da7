/* Reports of the evaluator, one for each place, and the limits of its work. */
#include "frontend/evaluate.h"

#include <stdarg.h>

bool was_reported(const Evaluator *evaluator, SourceRange where) {
    for (const struct Reported *entry = evaluator->reported; entry; entry = entry->next) {
        if (entry->where.file == where.file && entry->where.begin == where.begin &&
            entry->where.end == where.end) {
            return true;
        }
    }
    return false;
}

static void note_calls(Evaluator *evaluator) {
    enum { MOST_NOTES = 3 };
    int count = 0;
    for (const Frame *frame = evaluator->frame; frame && frame->unit; frame = frame->caller) {
        if (count++ == MOST_NOTES) {
            break;
        }
        diagnostics_report(evaluator->diagnostics, SEVERITY_NOTE, frame->call, NULL,
            "in the call of unit '%s' here", frame->unit->name);
    }
}

static bool first_report(Evaluator *evaluator, SourceRange where) {
    evaluator->failed = true;
    if (evaluator->report_count > REPORT_LIMIT || was_reported(evaluator, where)) {
        return false;
    }
    struct Reported *entry = ARENA_NEW(evaluator->arena, struct Reported);
    *entry = (struct Reported){where, evaluator->reported};
    evaluator->reported = entry;
    evaluator->stopped = evaluator->stopped || ++evaluator->report_count > REPORT_LIMIT;
    return true;
}

Datum complain(Evaluator *evaluator, SourceRange where, const char *hint, const char *format, ...) {
    if (!first_report(evaluator, where)) {
        return datum_unknown;
    }
    va_list arguments;
    va_start(arguments, format);
    diagnostics_report_arguments(
        evaluator->diagnostics, SEVERITY_ERROR, where, hint, format, arguments);
    va_end(arguments);
    note_calls(evaluator);
    return datum_unknown;
}

void note_reported(Evaluator *evaluator, SourceRange where) {
    if (first_report(evaluator, where)) {
        note_calls(evaluator);
    }
}

bool spend(Evaluator *evaluator, int64_t effort, SourceRange where) {
    evaluator->effort += effort;
    if (evaluator->effort > EFFORT_LIMIT && !evaluator->stopped) {
        complain(evaluator, where, "is there a loop that runs too often?",
            "the spec takes more than %d steps to evaluate", EFFORT_LIMIT);
        evaluator->stopped = true;
    }
    return !evaluator->stopped;
}

bool is_equal(Evaluator *evaluator, Datum a, Datum b, SourceRange where) {
    int64_t most = (int64_t)EFFORT_LIMIT * COMPARISONS_OF_A_STEP;
    bool equal = datum_equal(a, b, &evaluator->comparisons, most);
    int64_t steps = evaluator->comparisons / COMPARISONS_OF_A_STEP;
    evaluator->comparisons %= COMPARISONS_OF_A_STEP;
    return spend(evaluator, steps, where) && equal;
}
