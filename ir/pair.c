#include "ir/pair.h"

/* ---- residues ---- */

uint64_t residue_power(uint64_t base, uint64_t exponent) {
    uint64_t power = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            power = residue_multiply(power, base);
        base = residue_multiply(base, base);
    }
    return power;
}

/* By Fermat; 0 has 0. */
static uint64_t inverse(uint64_t residue) {
    return residue_power(residue, PAIR_PRIME - 2);
}

static uint64_t residue_of_integer(int64_t integer) {
    uint64_t size = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    uint64_t residue = size % PAIR_PRIME;
    return integer < 0 ? residue_reduce(PAIR_PRIME - residue) : residue;
}

static uint64_t residue_of_power(int64_t exponent) {
    return (uint64_t)1 << ((exponent % 61 + 61) % 61);
}

uint64_t residue_of_fraction(int64_t numerator, int64_t denominator) {
    return residue_multiply(
        residue_of_integer(numerator), inverse(residue_of_integer(denominator)));
}

/* Sebastiano Vigna's splitmix64. */
static uint64_t mix(uint64_t state) {
    state += 0x9e3779b97f4a7c15u;
    state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    state = (state ^ state >> 27) * 0x94d049bb133111ebu;
    return state ^ state >> 31;
}

uint64_t residue_draw(uint64_t seed, uint64_t stream, uint64_t index) {
    uint64_t key = mix(mix(seed) ^ stream), bits = mix(key + index) >> 3;
    return bits < PAIR_PRIME ? bits : mix(key ^ index) % PAIR_PRIME;
}

/* ---- constants ---- */

enum { MOST_FRACTION_SIZE = 1 << 22 }; /* of numerator times denominator: a float has 24 bits */

/* The first convergent of the continued fraction that has this float, if it is small. */
static bool find_fraction(double constant, int64_t *numerator, int64_t *denominator) {
    double rest = fabs(constant);
    int64_t before[2] = {0, 1}, last[2] = {1, 0};
    for (int i = 0; i < 24 && rest < 0x1p30; i++) {
        int64_t whole = (int64_t)floor(rest);
        int64_t next[2] = {whole * last[0] + before[0], whole * last[1] + before[1]};
        if (next[0] > MOST_FRACTION_SIZE || next[1] > MOST_FRACTION_SIZE ||
            next[0] * next[1] > MOST_FRACTION_SIZE)
            return false;
        if ((float)((double)next[0] / (double)next[1]) == (float)fabs(constant)) {
            *numerator = constant < 0 ? -next[0] : next[0];
            *denominator = next[1];
            return true;
        }
        before[0] = last[0], before[1] = last[1];
        last[0] = next[0], last[1] = next[1];
        rest = 1 / (rest - (double)whole);
    }
    return false;
}

static uint64_t residue_of_float(double constant) {
    int exponent;
    if (!isfinite(constant)) /* any that no number is likely to have */
        return residue_draw(constant > 0 ? 1 : constant < 0 ? 2 : 3, 0, 0);
    double mantissa = frexp(constant, &exponent);
    return residue_multiply(
        residue_of_integer((int64_t)ldexp(mantissa, 53)), residue_of_power(exponent - 53));
}

Pair pair_of_constant(double constant) {
    int64_t numerator, denominator;
    double number = (double)(float)constant;
    if (find_fraction(number, &numerator, &denominator))
        return (Pair){
            residue_of_fraction(numerator, denominator), (double)numerator / (double)denominator};
    return (Pair){residue_of_float(number), number};
}

Pair pair_of_integer(int64_t integer) {
    return (Pair){residue_of_integer(integer), (double)integer};
}

Pair pair_of_power(int64_t exponent) {
    return (Pair){residue_of_power(exponent), ldexp(1, (int)exponent)};
}

/* ---- arithmetic ---- */

Pair pair_divide(Pair a, Pair b) {
    uint64_t marks = a.residue | b.residue;
    return pair_made(
        (marks & PAIR_MARKS) != 0 ? 0 : residue_multiply(a.residue, inverse(b.residue)),
        a.number / b.number, marks);
}

/* The prime is 3 modulo 4: of a square this is a root. */
Pair pair_square_root(Pair a) {
    return pair_made(pair_is_marked(a) ? 0 : residue_power(a.residue, (PAIR_PRIME + 1) / 4),
        sqrt(a.number), a.residue);
}

Pair pair_power(Pair base, double exponent) {
    double whole = floor(fabs(exponent)), fraction = fabs(exponent) - whole;
    Pair result = pair_of_integer(1), root = base;
    for (int i = 0; i < (int)whole; i++)
        result = pair_multiply(result, base);
    for (int digit = 0; digit < 24 && fraction > 0; digit++) {
        root = pair_square_root(root);
        fraction *= 2;
        if (fraction < 1)
            continue;
        result = pair_multiply(result, root);
        fraction -= 1;
    }
    return exponent < 0 ? pair_divide(pair_of_integer(1), result) : result;
}

/* ---- choices ---- */

/* Doubles of the same number, in whatever order it was computed, are nearer than that. */
static bool are_near(double a, double b) {
    if (isinf(a) || isinf(b))
        return a == b;
    return !(fabs(a - b) > 1e-9 * (fabs(a) + fabs(b)) + 1e-13); /* NaN is near to all */
}

bool pairs_are_near(Pair a, Pair b) {
    return a.residue != b.residue && are_near(a.number, b.number);
}

Pair pair_unsure(Pair a) {
    return pair_made(0, a.number, a.residue | PAIR_UNSURE);
}

static Pair unsure(double number, uint64_t marks) {
    return pair_made(0, number, marks | PAIR_UNSURE);
}

Pair pair_larger(Pair a, Pair b) {
    uint64_t marks = a.residue | b.residue;
    if ((marks & PAIR_MARKS) == 0 && a.residue == b.residue)
        return a;
    Pair larger = isnan(a.number) || a.number > b.number ? a : b;
    if (are_near(a.number, b.number))
        return unsure(larger.number, marks);
    return pair_made(larger.residue, larger.number, marks);
}

Pair pair_smaller(Pair a, Pair b) {
    uint64_t marks = a.residue | b.residue;
    if ((marks & PAIR_MARKS) == 0 && a.residue == b.residue)
        return a;
    Pair smaller = isnan(a.number) || a.number < b.number ? a : b;
    if (are_near(a.number, b.number))
        return unsure(smaller.number, marks);
    return pair_made(smaller.residue, smaller.number, marks);
}

Pair pair_is_less(Pair a, Pair b) {
    uint64_t marks = a.residue | b.residue;
    bool less = a.number < b.number;
    if (a.residue != b.residue && are_near(a.number, b.number))
        return unsure(less, marks);
    return pair_made(less && a.residue != b.residue, less && a.residue != b.residue, marks);
}

Pair pair_floor(Pair a) {
    double whole = floor(a.number);
    if (!(fabs(whole) < 0x1p53))
        return unsure(whole, a.residue);
    Pair result = pair_of_integer((int64_t)whole);
    bool unclear =
        a.residue != result.residue && (are_near(a.number, whole) || are_near(a.number, whole + 1));
    return unclear ? unsure(whole, a.residue) : pair_made(result.residue, whole, a.residue);
}

static bool is_decided(Pair a, double below) {
    int64_t twice = 2 * (int64_t)below + 1;
    return fabs(a.number - below - 0.5) > 1e-11 * (fabs(a.number) + 1) ||
           a.residue == residue_of_fraction(twice, 2);
}

Pair pair_to_whole(Pair a, double least, double most) {
    if (!(a.number > least)) /* NaN, too */
        return pair_made(pair_of_integer((int64_t)least).residue, least, a.residue);
    if (a.number >= most)
        return pair_made(pair_of_integer((int64_t)most).residue, most, a.residue);
    Pair result = pair_of_integer((int64_t)rint(a.number));
    uint64_t unclear = is_decided(a, floor(a.number)) ? 0 : PAIR_UNSURE;
    return pair_made(result.residue, result.number, a.residue | unclear);
}

/* ---- sums ---- */

/* As many products as 128 bits have room for are added before they are reduced. */
Pair pair_dot_product(const Pair *a, int64_t step_a, const Pair *b, int64_t step_b, int64_t count) {
    enum { PRODUCTS = 32 };
    uint64_t residue = 0;
    double number = 0;
    for (int64_t i = 0; i < count;) {
        WideResidue sum = residue;
        for (int64_t end = count - i < PRODUCTS ? count : i + PRODUCTS; i < end; i++) {
            const Pair *x = &a[i * step_a], *y = &b[i * step_b];
            sum += (WideResidue)x->residue * y->residue;
            number += x->number * y->number;
        }
        residue = residue_fold(sum);
    }
    return (Pair){residue, number};
}
