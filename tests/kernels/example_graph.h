/* The graph of an example, as tests compile it for several targets. */
#ifndef RIFFLE_TESTS_KERNELS_EXAMPLE_GRAPH_H
#define RIFFLE_TESTS_KERNELS_EXAMPLE_GRAPH_H

#include "driver/model.h"

/* Whether the group of builds is of the part that is tried: one group in three, chosen by the
 * number in the environment variable RIFFLE_TEST_SEED; without it all. */
bool example_has_turn(int group);

/* `spec` is that of a file below examples/, "NAME.rfl" or "NAME.rfl:SETTING;SETTING"; the precision
 * is a word of --precision. Weights and calibration are random with seed 1, and the passes have
 * run. Fills the options, with which targets are lowered for. False after reporting. */
bool example_graph(const char *spec, const char *precision, const char *target, Session *session,
    ModelOptions *options, Model *model);

#endif
