#include "driver/precision_budget.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

PrecisionBudget budget_none(void) {
    return (PrecisionBudget){.error = INFINITY, .snr = -INFINITY, .agreement = 0};
}

bool budget_is_given(const PrecisionBudget *budget) {
    return budget->spelling != NULL;
}

/* The number before `unit`, which ends the text. */
static bool read_quantity(
    const char *text, const char *unit, double least, double most, double *number) {
    char *end;
    double read = strtod(text, &end);
    if (end == text || strcmp(end, unit) != 0 || !(read >= least && read <= most))
        return false;
    *number = read;
    return true;
}

bool budget_parse(Session *session, const char *text, PrecisionBudget *budget) {
    static const char agreement[] = "top1=";
    size_t length = sizeof agreement - 1;
    bool is_agreement = strncmp(text, agreement, length) == 0;
    double number;
    double *slot = NULL, none = 0;
    if (is_agreement && read_quantity(text + length, "%", 0, 100, &number)) {
        slot = &budget->agreement;
        number /= 100;
    } else if (!is_agreement && read_quantity(text, "%", 0, 100, &number)) {
        slot = &budget->error;
        none = INFINITY;
        number /= 100;
    } else if (!is_agreement && read_quantity(text, "dB", 0, 300, &number)) {
        slot = &budget->snr;
        none = -INFINITY;
    }
    if (slot == NULL || *slot != none) {
        diagnostics_error(session->diagnostics,
            slot == NULL ? "0.5% is the largest error, of the largest output; 40dB the least ratio "
                           "of signal to noise; top1=99% the share of the same first classes"
                         : NULL,
            slot == NULL ? "'%s' is no value for --budget: give 0.5%%, 40dB or top1=99%%"
                         : "'%s' is a --budget of a kind that was given already",
            text);
        return false;
    }
    *slot = number;
    budget->spelling = budget->spelling == NULL
                           ? text
                           : arena_format(session->arena, "%s and %s", budget->spelling, text);
    return true;
}

bool budget_holds(const PrecisionBudget *budget, const Accuracy *accuracy) {
    return accuracy_error(accuracy) <= budget->error && accuracy_snr(accuracy) >= budget->snr &&
           accuracy_agreement(accuracy) >= budget->agreement;
}
