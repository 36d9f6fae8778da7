/* Inside the lowering of convolutions: dense 3x3 convolutions by Winograd's minimal filtering,
 * F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2015. */
#ifndef RIFFLE_BACKENDS_KERNELS_WINOGRAD_WINOGRAD_H
#define RIFFLE_BACKENDS_KERNELS_WINOGRAD_WINOGRAD_H

#include "backends/kernels/convolution/convolution.h"
#include "backends/program/emission.h"
#include "backends/schedule/winograd.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* ---- the kernel ---- */

/* A convolution (the one whose results are stored, by panels) and the products that make it. */
typedef struct Winograd {
    Convolution result; /* first: a Winograd is a Convolution */
    Convolution product;
    WinogradBlock block;
    int64_t channel_stride, position_stride;
    int64_t padding[4];
    int inputs, products; /* locals */
    /* of the block whose code is emitted: */
    int64_t rows;
    const Expression *image, *first_row, *first_column;
} Winograd;

/* Rows of numbers by which as many vectors are multiplied: B' and A' of Winograd's algorithm. */
typedef struct TransformFactors {
    int rows, columns;
    signed char numbers[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS];
} TransformFactors;

/* factors.c: those of the block's tiles. */
const TransformFactors *winograd_input_factors(const WinogradBlock *block);
const TransformFactors *winograd_output_factors(const WinogradBlock *block);

/* Whether the next row is this one but for the signs of some. */
bool factors_begin_pair(const TransformFactors *factors, int row);
/* The sums of `vectors` by row `row`, and by the next one where they are a pair: what both have in
 * common plus and minus what they have not. Registers of the sums go to `results`. Returns how
 * many.
 */
int emit_factor_rows(KernelBuilder *builder, const TransformFactors *factors, int row,
    const int *vectors, int *results);
void emit_all_factor_rows(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results);
/* Likewise all rows. Where two columns are equal but for their signs, as all of the outputs' are,
 * the sum and the difference of their vectors are taken once. */
void emit_factors_by_columns(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results);

/* transform.c: the tiles of the block, as the products read them; and the outputs of the
 * block's tiles in one panel, from the products. */
void emit_winograd_inputs(const Winograd *winograd);
void emit_winograd_outputs(const Winograd *winograd, ConvolutionTile *tile);

/* blocks.c */
bool lower_winograd(Emission *emission, const Node *node, const WinogradBlock *block);

#endif
