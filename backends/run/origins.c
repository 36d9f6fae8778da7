#include "backends/run/origins.h"
#include "ir/bf16.h"
#include "ir/f16.h"
#include "ir/kernel_pairs.h"
#include <math.h>
#include <string.h>

/* Groups are told apart by their digits, from 1 on, which the shortest type (bf16) has exactly. */
enum { DIGIT_BASE = 256, MOST_DIGITS = 4, MOST_FORMS = 4096 };

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
    return numbers;
}

/* ---- lowering with made up weights ---- */

/* What stands for a number of a weight: a digit of its group's number, or 1; for all taps, or one.
 */
typedef struct Probe {
    int digit; /* -1: 1; -2: 0 */
    int tap;   /* -1: all */
} Probe;

static float probe_value(const Probe *probe, int64_t number) {
    int64_t group = number / ORIGIN_TAPS;
    if (probe->digit == -2 || (probe->tap >= 0 && number % ORIGIN_TAPS != probe->tap))
        return 0;
    for (int i = 0; i < probe->digit; i++)
        group /= DIGIT_BASE;
    return probe->digit < 0 ? 1 : (float)(group % DIGIT_BASE + 1);
}

typedef struct Finder {
    const Graph *graph;
    const Program *program;
    const LowerAgain *again;
    const WeightNumbers *numbers;
    PackedOrigins *origins;
    LaneType *types; /* by block of packed weights; LANE_TYPE_COUNT: a table */
    Arena *arena;
    Diagnostics *diagnostics;
} Finder;

static Program *lower_probe(const Finder *finder, const Probe *probe) {
    Graph *copy = graph_copy(finder->graph, finder->arena);
    float *values = ARENA_ARRAY(finder->arena, float, finder->numbers->count + 1);
    for (int64_t i = 0; i < finder->numbers->count; i++)
        values[i] = probe_value(probe, i);
    int i = 0;
    for (Weight *weight = copy->first_weight; weight != NULL; weight = weight->next, i++) {
        weight->data = values + finder->numbers->first[i];
        weight->rests = false;
    }
    Program *program = finder->again->lower(finder->again->context, copy);
    if (program != NULL && program->weights.length != finder->program->weights.length) {
        diagnostics_error(finder->diagnostics, NULL,
            "packed weights have another size where the weights are others");
        program_destroy(program);
        return NULL;
    }
    return program;
}

/* ---- cells ---- */

/* Behind the last block there is padding that nobody reads. */
static int block_of(const Program *program, int64_t byte) {
    int low = 0, high = program->weight_block_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (program->weight_blocks[middle] <= byte)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void find_types(Finder *finder) {
    const Program *program = finder->program;
    finder->types = ARENA_ARRAY(finder->arena, LaneType, program->weight_block_count + 1);
    for (int i = 0; i <= program->weight_block_count; i++)
        finder->types[i] = LANE_F32;
    finder->origins->cell_bytes = sizeof(float);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        for (int k = 0; k < kernel->parameter_count; k++) {
            const Argument *argument = &step->arguments[k];
            if (argument->buffer != WEIGHTS_BUFFER)
                continue;
            bool table = kernel->parameters[k].role == PARAMETER_TABLE;
            LaneType type = table ? LANE_TYPE_COUNT : kernel->parameters[k].element;
            int64_t bytes = table ? (int64_t)sizeof(int32_t) : lane_bytes(type);
            finder->types[block_of(program, argument->offset * bytes)] = type;
            if (bytes < finder->origins->cell_bytes)
                finder->origins->cell_bytes = (int)bytes;
        }
    }
}

static double read_number(const Program *program, LaneType type, int64_t byte) {
    const char *at = program->weights.data + byte;
    uint16_t half;
    float number;
    if (type == LANE_F16 || type == LANE_BF16) {
        memcpy(&half, at, sizeof half);
        return (double)(type == LANE_F16 ? f16_to_float(half) : bf16_to_float(half));
    }
    memcpy(&number, at, sizeof number);
    return (double)number;
}

/* The numbers that there are, one after the other. */
typedef struct CellWalk {
    const Finder *finder;
    int block;
    int64_t cell, byte;
    LaneType type;
} CellWalk;

static bool next_number(CellWalk *walk, bool first) {
    const Program *program = walk->finder->program;
    const PackedOrigins *origins = walk->finder->origins;
    walk->byte += first ? 0 : walk->type == LANE_TYPE_COUNT ? 4 : lane_bytes(walk->type);
    for (;;) {
        while (walk->block + 1 < program->weight_block_count &&
               program->weight_blocks[walk->block + 1] <= walk->byte)
            walk->block++;
        walk->type = walk->finder->types[walk->block];
        walk->cell = walk->byte / origins->cell_bytes;
        if (walk->byte + 4 > (int64_t)program->weights.length)
            return false;
        if (walk->type != LANE_TYPE_COUNT)
            return true;
        walk->byte += 4;
    }
}

static CellWalk walk_begin(const Finder *finder) {
    return (CellWalk){.finder = finder, .type = LANE_F32};
}

/* ---- forms and groups ---- */

typedef struct FoundOrigins {
    int32_t (*coefficients)[ORIGIN_TAPS]; /* by cell */
    double *constants;                    /* by cell: with all weights 0 */
    int64_t *groups;                      /* by cell */
} FoundOrigins;

static bool fail(const Finder *finder, int64_t byte, const char *what) {
    diagnostics_error(finder->diagnostics, "packed weights must be sums of weights times fractions",
        "the packed number at byte %lld %s", (long long)byte, what);
    return false;
}

/* What the probe makes of each cell is a sum with these coefficients. */
static bool note_tap(const Finder *finder, const Program *probed, int tap, FoundOrigins *found) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        double value = read_number(probed, walk.type, walk.byte) - found->constants[walk.cell];
        double parts = value * ORIGIN_PARTS, nearest = nearbyint(parts);
        if (fabs(parts - nearest) > 1e-3 || fabs(nearest) > 1e6)
            return fail(finder, walk.byte, "is made of a weight by a factor that is not known");
        found->coefficients[walk.cell][tap] = (int32_t)nearest;
    }
    return true;
}

static double sum_of(const int32_t *coefficients) {
    int64_t sum = 0;
    for (int i = 0; i < ORIGIN_TAPS; i++)
        sum += coefficients[i];
    return (double)sum / ORIGIN_PARTS;
}

static bool is_constant(const int32_t *coefficients) {
    for (int i = 0; i < ORIGIN_TAPS; i++)
        if (coefficients[i] != 0)
            return false;
    return true;
}

static bool note_digit(
    const Finder *finder, const Program *probed, int64_t weight_of_digit, FoundOrigins *found) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        if (is_constant(found->coefficients[walk.cell]))
            continue;
        double value = read_number(probed, walk.type, walk.byte) - found->constants[walk.cell];
        double sum = sum_of(found->coefficients[walk.cell]);
        double digit = nearbyint(value / sum);
        if (sum == 0 || fabs(value / sum - digit) > 1e-2 || digit < 1 || digit > DIGIT_BASE)
            return fail(finder, walk.byte, "is made of weights that cannot be told");
        found->groups[walk.cell] += ((int64_t)digit - 1) * weight_of_digit;
    }
    return true;
}

static int find_form(Finder *finder, int32_t (*forms)[ORIGIN_TAPS], const int32_t *coefficients) {
    int count = finder->origins->form_count;
    for (int i = 0; i < count; i++)
        if (memcmp(forms[i], coefficients, sizeof forms[i]) == 0)
            return i;
    if (count == MOST_FORMS)
        return -1;
    memcpy(forms[count], coefficients, sizeof forms[count]);
    finder->origins->form_count++;
    return count;
}

static bool keep_found(Finder *finder, const FoundOrigins *found) {
    PackedOrigins *origins = finder->origins;
    int32_t(*forms)[ORIGIN_TAPS] = arena_allocate_array(finder->arena, MOST_FORMS, sizeof *forms);
    origins->groups = ARENA_ARRAY(finder->arena, int32_t, origins->cells);
    origins->forms = ARENA_ARRAY(finder->arena, uint16_t, origins->cells);
    for (int64_t i = 0; i < origins->cells; i++)
        origins->groups[i] = ORIGIN_REST;
    CellWalk walk = walk_begin(finder);
    int last = 0;
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        const int32_t *coefficients = found->coefficients[walk.cell];
        bool constant = is_constant(coefficients);
        origins->groups[walk.cell] = constant ? ORIGIN_CONSTANT : (int32_t)found->groups[walk.cell];
        if (constant) {
            origins->forms[walk.cell] = (uint16_t)walk.type;
            continue;
        }
        if (origins->form_count == 0 || memcmp(forms[last], coefficients, sizeof forms[last]) != 0)
            last = find_form(finder, forms, coefficients);
        if (last < 0)
            return fail(finder, walk.byte, "is one of too many kinds of sums");
        origins->forms[walk.cell] = (uint16_t)last;
        int used = 0;
        for (int i = 0; i < ORIGIN_TAPS; i++)
            used += coefficients[i] != 0;
        origins->sums += used > 1;
    }
    origins->coefficients = (const int32_t(*)[ORIGIN_TAPS])forms;
    return true;
}

/* ---- the program's own packed weights ---- */

static double weight_value(const Finder *finder, int64_t number) {
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
    return inside ? (double)numbers->weights[low]->data[index] : NAN;
}

static double rounding_of(LaneType type) {
    return type == LANE_BF16 ? 0x1p-8 : type == LANE_F16 ? 0x1p-11 : 0;
}

static bool check_number(const Finder *finder, const CellWalk *walk, const FoundOrigins *found) {
    const PackedOrigins *origins = finder->origins;
    double actual = read_number(finder->program, walk->type, walk->byte);
    double expected = found->constants[walk->cell], size = 0;
    int terms = 0;
    if (origins->groups[walk->cell] >= 0) {
        const int32_t *coefficients = origins->coefficients[origins->forms[walk->cell]];
        for (int i = 0; i < ORIGIN_TAPS; i++) {
            if (coefficients[i] == 0)
                continue;
            double term =
                weight_value(finder, (int64_t)origins->groups[walk->cell] * ORIGIN_TAPS + i) *
                coefficients[i] / ORIGIN_PARTS;
            expected += term;
            size += fabs(term);
            terms += 1 + (coefficients[i] != ORIGIN_PARTS);
        }
    }
    double allowed = (terms > 1 ? 1e-6 * size : 0) + rounding_of(walk->type) * size +
                     0x1p-24 * (walk->type == LANE_F16);
    return fabs(actual - expected) <= allowed || actual == expected ||
           (isnan(actual) && isnan(expected)) ||
           fail(finder, walk->byte, "is not what its weights make it");
}

static bool check_program(const Finder *finder, const FoundOrigins *found) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false))
        if (!check_number(finder, &walk, found))
            return false;
    return true;
}

/* ---- all of it ---- */

/* Whether the kernels are the same: nothing but packed weights may depend on weights. */
static bool check_kernels(const Finder *finder, const Program *probed) {
    Text own = {0}, other = {0};
    program_print(finder->program, &own);
    program_print(probed, &other);
    bool equal = own.length == other.length && memcmp(own.data, other.data, own.length) == 0;
    text_free(&own);
    text_free(&other);
    if (!equal)
        diagnostics_error(
            finder->diagnostics, NULL, "kernels are others where the weights are others");
    return equal;
}

static bool note_constants(const Finder *finder, FoundOrigins *found) {
    Program *probed = lower_probe(finder, &(Probe){-2, -1});
    if (probed == NULL)
        return false;
    bool equal = check_kernels(finder, probed);
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false))
        found->constants[walk.cell] = read_number(probed, walk.type, walk.byte);
    program_destroy(probed);
    return equal;
}

static bool note_all(const Finder *finder, FoundOrigins *found) {
    int64_t groups = finder->numbers->count / ORIGIN_TAPS, weight = 1;
    bool good = note_constants(finder, found);
    for (int tap = 0; tap < ORIGIN_TAPS && good; tap++) {
        Program *probed = lower_probe(finder, &(Probe){-1, tap});
        good = probed != NULL && note_tap(finder, probed, tap, found);
        program_destroy(probed);
    }
    for (int digit = 0; digit < MOST_DIGITS && weight < groups && good; digit++) {
        Program *probed = lower_probe(finder, &(Probe){digit, -1});
        good = probed != NULL && note_digit(finder, probed, weight, found);
        program_destroy(probed);
        weight *= DIGIT_BASE;
    }
    return good;
}

bool packed_origins_find(const Graph *graph, const Program *program, const LowerAgain *again,
    const WeightNumbers *numbers, PackedOrigins *origins, Arena *arena, Diagnostics *diagnostics) {
    Arena *scratch = arena_create();
    Finder finder = {graph, program, again, numbers, origins, NULL, scratch, diagnostics};
    *origins = (PackedOrigins){0};
    find_types(&finder);
    origins->cells = (int64_t)program->weights.length / origins->cell_bytes;
    FoundOrigins found = {
        arena_allocate_array(scratch, (size_t)origins->cells, sizeof *found.coefficients),
        ARENA_ARRAY(scratch, double, origins->cells),
        ARENA_ARRAY(scratch, int64_t, origins->cells)};
    bool good = note_all(&finder, &found);
    finder.arena = arena;
    good = good && keep_found(&finder, &found) && check_program(&finder, &found);
    arena_destroy(scratch);
    return good;
}

/* ---- packing pairs ---- */

/* The factors of all forms. */
static Pair *make_factors(const PackedOrigins *origins, Arena *scratch) {
    Pair *factors = ARENA_ARRAY(scratch, Pair, origins->form_count * ORIGIN_TAPS + 1);
    for (int i = 0; i < origins->form_count * ORIGIN_TAPS; i++) {
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

void packed_pairs(
    const Program *program, const PackedOrigins *origins, const Pair *numbers, Pair *cells) {
    Arena *scratch = arena_create();
    const Pair *factors = make_factors(origins, scratch);
    for (int64_t i = 0; i < origins->cells; i++) {
        int32_t group = origins->groups[i];
        if (group >= 0)
            cells[i] = sum_pairs(factors + (int64_t)origins->forms[i] * ORIGIN_TAPS,
                numbers + (int64_t)group * ORIGIN_TAPS);
        else if (group == ORIGIN_CONSTANT)
            cells[i] = pair_of_constant(
                read_number(program, (LaneType)origins->forms[i], i * origins->cell_bytes));
        else
            cells[i] = (Pair){PAIR_REST, NAN};
    }
    arena_destroy(scratch);
}
