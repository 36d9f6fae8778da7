/* Calibration: which numbers the values of a graph take on given inputs. */
#ifndef RIFFLE_DRIVER_CALIBRATION_H
#define RIFFLE_DRIVER_CALIBRATION_H

#include "driver/model.h"
#include "driver/tensors.h"

/* A picture for a network with one image as input, else the raw float32 numbers of the only input.
 * False after reporting. */
bool calibration_read(Tensors *tensors, const char *path, Session *session);

/* Runs the graph on the calibration inputs and puts a `range` behind each value. Numbers that are
 * not finite are an error; values that are the same everywhere, and those of which few numbers are
 * far larger than all others, are warned of, since their bytes will say little. */
bool calibrate(const ModelOptions *options, Graph *graph);

#endif
