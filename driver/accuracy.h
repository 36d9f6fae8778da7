/* How near the answers of one form of a network are to those of another, on given inputs. */
#ifndef RIFFLE_DRIVER_ACCURACY_H
#define RIFFLE_DRIVER_ACCURACY_H

#include "driver/model.h"

/* Inputs, and what the reference answers. Both are held: some hundred pictures are some hundred
 * megabytes. */
typedef struct Evaluation {
    const Graph *reference;
    const float ***inputs; /* of each run, of each input */
    float ***expected;     /* of each run, of each output */
    size_t count;          /* of runs */
} Evaluation;

/* Reads the files as calibration does and interprets the reference on them; with `random`, also on
 * some inputs that are made up. There must be one at least. The result lives in the session's
 * arena. False after reporting. */
bool evaluation_create(const Graph *reference, const FileList *files, bool random, Session *session,
    Evaluation *evaluation);

typedef struct OutputAccuracy {
    double largest_value;      /* |number| of the reference */
    double largest_difference; /* infinite where one of two is NaN */
    double signal, noise;      /* sums of squares: of the reference, and of the differences */
} OutputAccuracy;

typedef struct Accuracy {
    OutputAccuracy *outputs;
    int output_count;
    int64_t images, same; /* whose first class, of the first output, is the same */
} Accuracy;

/* Interprets the graph, which has the inputs and outputs of the reference. False after reporting.
 */
bool evaluation_measure(
    const Evaluation *evaluation, const Graph *graph, Session *session, Accuracy *accuracy);

/* Of the worst output. */
double accuracy_error(const Accuracy *accuracy); /* largest difference over largest value */
double accuracy_snr(const Accuracy *accuracy);   /* in dB; infinite where there is no difference */
double accuracy_agreement(const Accuracy *accuracy); /* of first classes, 0 to 1 */

#endif
