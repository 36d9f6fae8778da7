/* Numbers of proofs: a residue modulo a prime and a double. Both are computed by the same sums,
 * products and quotients, the residue exactly; what has to choose (the larger of two, whether one
 * is less) chooses by the doubles and takes what it chose as it is. So two ways to compute the same
 * rational function of the operands have equal residues, and two that are not the same have others,
 * but for a chance of about the function's degree in 2^61.
 *
 * Two marks stand in place of a residue, and every result that has to do with one is marked, a
 * product with zero too. */
#ifndef RIFFLE_IR_PAIR_H
#define RIFFLE_IR_PAIR_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Pair {
    uint64_t residue; /* less than PAIR_PRIME, or a mark */
    double number;
} Pair;

/* Two is a power of itself again after 61 products. */
#define PAIR_PRIME (((uint64_t)1 << 61) - 1)
/* Of memory that nobody wrote, or that another writes at the same time. */
#define PAIR_UNKNOWN ((uint64_t)1 << 63)
/* Of what was chosen where the doubles were too near to each other: to be drawn again. */
#define PAIR_UNSURE ((uint64_t)1 << 62)
/* Of memory: it continues the pair before. */
#define PAIR_REST (PAIR_UNKNOWN | 1)
#define PAIR_MARKS (PAIR_UNKNOWN | PAIR_UNSURE)

static inline Pair pair_unknown(void) {
    return (Pair){PAIR_UNKNOWN, NAN};
}

static inline bool pair_is_marked(Pair a) {
    return (a.residue & PAIR_MARKS) != 0;
}

static inline uint64_t residue_reduce(uint64_t sum) {
    return sum >= PAIR_PRIME ? sum - PAIR_PRIME : sum;
}

__extension__ typedef unsigned __int128 WideResidue;

static inline uint64_t residue_fold(WideResidue wide) {
    uint64_t low = (uint64_t)wide & PAIR_PRIME, middle = (uint64_t)(wide >> 61) & PAIR_PRIME;
    return residue_reduce(residue_reduce(low + middle) + (uint64_t)(wide >> 122));
}

static inline uint64_t residue_multiply(uint64_t a, uint64_t b) {
    return residue_fold((WideResidue)a * b);
}

/* The result of that number, with the marks of the operands. */
static inline Pair pair_made(uint64_t residue, double number, uint64_t marks) {
    return (Pair){(marks & PAIR_MARKS) != 0 ? marks & PAIR_MARKS : residue, number};
}

static inline Pair pair_add(Pair a, Pair b) {
    return pair_made(
        residue_reduce(a.residue + b.residue), a.number + b.number, a.residue | b.residue);
}

static inline Pair pair_subtract(Pair a, Pair b) {
    return pair_made(residue_reduce(a.residue + PAIR_PRIME - b.residue), a.number - b.number,
        a.residue | b.residue);
}

static inline Pair pair_multiply(Pair a, Pair b) {
    return pair_made(
        residue_multiply(a.residue, b.residue), a.number * b.number, a.residue | b.residue);
}

static inline Pair pair_multiply_add(Pair a, Pair b, Pair c) {
    return pair_made(residue_fold((WideResidue)a.residue * b.residue + c.residue),
        a.number * b.number + c.number, a.residue | b.residue | c.residue);
}

/* One that riffle has as a float. A float that is the nearest to a fraction of small whole numbers
 * stands for that fraction: 1/9, say. Any other, and all others, for what they are. */
Pair pair_of_constant(double constant);
/* A whole number. */
Pair pair_of_integer(int64_t integer);
/* 2 to the power of a whole number. */
Pair pair_of_power(int64_t exponent);
Pair pair_divide(Pair a, Pair b);
/* A function of the residue, and the square root of the double. */
Pair pair_square_root(Pair a);
/* By products and repeated square roots: those of the exponent's binary digits. */
Pair pair_power(Pair base, double exponent);
/* The largest integer that is not greater than the double. */
Pair pair_floor(Pair a);
/* The nearest whole number, of two the even one, and not outside of those limits; NaN is the least.
 * Unsure where the double is too near to the middle of two, and not that to the bit. */
Pair pair_to_whole(Pair a, double least, double most);
/* NaN counts as the larger, and as the smaller. */
Pair pair_larger(Pair a, Pair b);
Pair pair_smaller(Pair a, Pair b);
/* Whether they may be the same number, but have other residues: what is chosen of them is unsure.
 */
bool pairs_are_near(Pair a, Pair b);
Pair pair_unsure(Pair a);
/* 1 or 0. */
Pair pair_is_less(Pair a, Pair b);
/* The sum of products of numbers that have no marks. */
Pair pair_dot_product(const Pair *a, int64_t step_a, const Pair *b, int64_t step_b, int64_t count);

/* The index-th residue of that draw and stream, any of them as likely. */
uint64_t residue_draw(uint64_t seed, uint64_t stream, uint64_t index);
uint64_t residue_power(uint64_t base, uint64_t exponent);
/* Of a fraction of whole numbers, the denominator not 0 modulo the prime. */
uint64_t residue_of_fraction(int64_t numerator, int64_t denominator);

#endif
