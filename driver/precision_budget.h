/* How far answers of a reduced precision may be from those of fp32. */
#ifndef RIFFLE_DRIVER_PRECISION_BUDGET_H
#define RIFFLE_DRIVER_PRECISION_BUDGET_H

#include "driver/accuracy.h"

typedef struct PrecisionBudget {
    double error;         /* the most; infinite: any */
    double snr;           /* the least, in dB; -infinite: any */
    double agreement;     /* the least, 0 to 1 */
    const char *spelling; /* as given, for people; NULL where nothing was */
} PrecisionBudget;

PrecisionBudget budget_none(void);
/* "0.5%", "40dB" or "top1=99%", beside what was given before. False after reporting. */
bool budget_parse(Session *session, const char *text, PrecisionBudget *budget);
bool budget_is_given(const PrecisionBudget *budget);
bool budget_holds(const PrecisionBudget *budget, const Accuracy *accuracy);

#endif
