/* The page of `riffle report`. */
#ifndef RIFFLE_DRIVER_REPORT_H
#define RIFFLE_DRIVER_REPORT_H

#include "driver/model.h"

typedef struct ReportOptions {
    ModelOptions model;
    const char *output;
    double hertz;        /* 0: no time is predicted */
    const char *profile; /* of times that were measured; NULL: none */
} ReportOptions;

/* Runs the passes, lowers the network and writes the page. False after reporting. */
bool report_write(const ReportOptions *options);

#endif
