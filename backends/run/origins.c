#include "backends/run/origins_finder.h"
#include "ir/kernel_pairs.h"
#include <math.h>
#include <string.h>

/* What layers of bytes read stays as it is: bytes are exact. */
static void find_fixed(const Graph *graph, WeightNumbers *numbers) {
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        bool has_bytes = node->op == OP_quantize || node->op == OP_quantized_conv ||
                         node->op == OP_quantized_linear;
        for (int i = 0; has_bytes && i < numbers->weight_count; i++)
            for (int k = 0; k < MAX_OP_WEIGHTS; k++)
                numbers->fixed[i] |= numbers->weights[i] == node->weights[k];
        numbers->has_fixed = numbers->has_fixed || has_bytes;
    }
}

WeightNumbers weight_numbers_of(const Graph *graph, Arena *arena) {
    WeightNumbers numbers = {0};
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        numbers.weight_count++;
    numbers.weights = ARENA_ARRAY(arena, const Weight *, numbers.weight_count);
    numbers.first = ARENA_ARRAY(arena, int64_t, numbers.weight_count);
    int i = 0;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next, i++) {
        numbers.weights[i] = weight;
        numbers.first[i] = numbers.count;
        int64_t groups = (tensor_elements(&weight->type) + ORIGIN_TAPS - 1) / ORIGIN_TAPS;
        numbers.count += groups * ORIGIN_TAPS;
    }
    numbers.fixed = ARENA_ARRAY(arena, bool, numbers.weight_count + 1);
    find_fixed(graph, &numbers);
    return numbers;
}

/* ---- what is one weight ---- */

/* What does not change is a constant; what is no digit makes its block one of sums. */
static bool note_number(const OriginsFinder *finder, const Program *probed, int digit) {
    PackedOrigins *origins = finder->origins;
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        int32_t *number = &origins->numbers[walk.cell];
        double value = read_packed_number(probed, walk.type, walk.byte);
        double zero = read_packed_number(finder->zero, walk.type, walk.byte);
        bool constant = value == zero || (isnan(value) && isnan(zero));
        if (digit == 0)
            *number = constant ? ORIGIN_CONSTANT : 0;
        if (constant && *number == ORIGIN_CONSTANT)
            origins->forms[walk.cell] = (uint16_t)walk.type;
        else if (*number != ORIGIN_CONSTANT && is_probe_digit(value) && zero == 0)
            *number += (int32_t)(((int64_t)value - 1) * digit_weight(digit));
        else
            finder->has_sums[walk.block] = true;
    }
    return true;
}

static bool note_numbers(const OriginsFinder *finder) {
    bool good = true;
    for (int i = 0; i < count_digits(finder->numbers->count) && good; i++) {
        Probed probed = lower_probe(finder, (Probe){PROBE_NUMBER, i});
        good = probed.program != NULL && note_number(finder, probed.program, i);
        probed_free(&probed);
    }
    return good;
}

/* ---- the program's own packed weights ---- */

static double weight_value(const OriginsFinder *finder, int64_t number) {
    const WeightNumbers *numbers = finder->numbers;
    int low = 0, high = numbers->weight_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (numbers->first[middle] <= number)
            low = middle;
        else
            high = middle - 1;
    }
    int64_t index = number - numbers->first[low];
    bool inside = index < tensor_elements(&numbers->weights[low]->type);
    return inside ? (double)numbers->weights[low]->data[index] : 0; /* of a gap */
}

static double rounding_of(LaneType type) {
    return type == LANE_BF16 ? 0x1p-8 : type == LANE_F16 ? 0x1p-11 : 0;
}

/* What the origins make of the cell; *size is that of its terms. */
static double expected_value(const OriginsFinder *finder, int64_t cell, double *size) {
    const PackedOrigins *origins = finder->origins;
    int64_t number = origins->numbers[cell];
    double sum = 0;
    *size = 0;
    if (origins->forms[cell] == 0) {
        sum = weight_value(finder, number);
        *size = fabs(sum);
        return sum;
    }
    const int32_t *coefficients = origins->coefficients[origins->forms[cell]];
    for (int i = 0; i < ORIGIN_TAPS; i++) {
        if (coefficients[i] == 0)
            continue;
        double term = weight_value(finder, number + i) * coefficients[i] / ORIGIN_PARTS;
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

static bool check_number(const OriginsFinder *finder, const CellWalk *walk) {
    PackedOrigins *origins = finder->origins;
    double actual = read_packed_number(finder->program, walk->type, walk->byte), size = 0,
           allowed = 0;
    double expected;
    if (origins->numbers[walk->cell] == ORIGIN_CONSTANT) {
        expected = read_packed_number(finder->zero, walk->type, walk->byte);
    } else {
        expected = expected_value(finder, walk->cell, &size);
        bool is_sum = origins->forms[walk->cell] > 0;
        allowed = (is_sum ? 1e-6 : 0) * size + rounding_of(walk->type) * size +
                  (walk->type == LANE_F16 ? 0x1p-24 : 0);
        origins->sums += is_sum;
        origins->weights += !is_sum;
    }
    return fabs(actual - expected) <= allowed || actual == expected ||
           (isnan(actual) && isnan(expected)) ||
           origins_fail(finder, walk, "is not what its weights make it");
}

static bool check_program(const OriginsFinder *finder) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false))
        if (!check_number(finder, &walk))
            return false;
    return true;
}

/* ---- all of it ---- */

/* Whether the kernels are the same: nothing but packed weights may depend on weights. */
static bool check_kernels(const OriginsFinder *finder) {
    Text own = {0}, other = {0};
    program_print(finder->program, &own);
    program_print(finder->zero, &other);
    bool equal = text_equal(&own, &other);
    text_free(&own);
    text_free(&other);
    if (!equal)
        diagnostics_error(
            finder->diagnostics, NULL, "kernels are others where the weights are others");
    return equal;
}

static bool few_enough(const WeightNumbers *numbers, Diagnostics *diagnostics) {
    if (numbers->count >= INT32_MAX)
        diagnostics_error(diagnostics, NULL,
            "the network has %lld weights, and a proof at most %lld", (long long)numbers->count,
            (long long)INT32_MAX);
    return numbers->count < INT32_MAX;
}

bool packed_origins_find(const Graph *graph, const Program *program, const LowerAgain *again,
    const WeightNumbers *numbers, PackedOrigins *origins, Arena *arena, Diagnostics *diagnostics) {
    OriginsFinder finder = {.graph = graph,
        .program = program,
        .again = again,
        .numbers = numbers,
        .origins = origins,
        .arena = arena,
        .scratch = arena_create(),
        .diagnostics = diagnostics};
    *origins = (PackedOrigins){.form_count = 1};
    find_block_types(&finder);
    finder.has_sums = ARENA_ARRAY(finder.scratch, bool, program->weight_block_count + 1);
    origins->cells = (int64_t)program->weights.length / origins->cell_bytes;
    origins->numbers = ARENA_ARRAY(arena, int32_t, origins->cells);
    origins->forms = ARENA_ARRAY(arena, uint16_t, origins->cells);
    for (int64_t i = 0; i < origins->cells; i++)
        origins->numbers[i] = ORIGIN_REST;
    Probed zero = lower_probe(&finder, (Probe){PROBE_ZERO, 0});
    finder.zero = zero.program;
    bool good = zero.program != NULL && few_enough(numbers, diagnostics) &&
                check_kernels(&finder) && note_numbers(&finder) && note_sums(&finder) &&
                check_program(&finder);
    probed_free(&zero);
    arena_destroy(finder.scratch);
    return good;
}

/* ---- packing pairs ---- */

/* The factors of all forms. */
static Pair *make_factors(const PackedOrigins *origins, Arena *scratch) {
    Pair *factors = ARENA_ARRAY(scratch, Pair, origins->form_count * ORIGIN_TAPS);
    for (int i = ORIGIN_TAPS; i < origins->form_count * ORIGIN_TAPS; i++) {
        int32_t parts = origins->coefficients[i / ORIGIN_TAPS][i % ORIGIN_TAPS];
        factors[i] = (Pair){residue_of_fraction(parts, ORIGIN_PARTS), (double)parts / ORIGIN_PARTS};
    }
    return factors;
}

static Pair sum_pairs(const Pair *factors, const Pair *numbers) {
    Pair sum = {0};
    for (int i = 0; i < ORIGIN_TAPS; i++)
        if (factors[i].residue == 1)
            sum = pair_add(sum, numbers[i]);
        else if (factors[i].residue != 0)
            sum = pair_multiply_add(factors[i], numbers[i], sum);
    return sum;
}

static Pair constant_pair(LaneType type, double value) {
    return lane_is_whole(type) ? pair_of_integer((int64_t)value) : pair_of_constant(value);
}

void packed_pairs(
    const Program *program, const PackedOrigins *origins, const Pair *numbers, Pair *cells) {
    Arena *scratch = arena_create();
    const Pair *factors = make_factors(origins, scratch);
    for (int64_t i = 0; i < origins->cells; i++) {
        int32_t number = origins->numbers[i];
        int form = origins->forms[i];
        if (number == ORIGIN_REST)
            cells[i] = (Pair){PAIR_REST, NAN};
        else if (number == ORIGIN_CONSTANT)
            cells[i] = constant_pair((LaneType)form,
                read_packed_number(program, (LaneType)form, i * origins->cell_bytes));
        else if (form == 0)
            cells[i] = numbers[number];
        else
            cells[i] = sum_pairs(factors + (int64_t)form * ORIGIN_TAPS, numbers + number);
    }
    arena_destroy(scratch);
}
