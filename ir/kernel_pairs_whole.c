/* Instructions on lanes of whole numbers, of pairs. Such a lane is a whole number as its type has
 * it (a u8 from 0 on), and instructions do with it what they do with bits; but where a byte is only
 * made a float, and that is all that most networks do with one, it may be any pair. */
#include "ir/kernel_pairs.h"

static int64_t whole(Pair a) {
    return pair_is_marked(a) || isnan(a.number) ? 0 : (int64_t)a.number;
}

static int64_t signed_byte(Pair a) {
    return (int8_t)(uint8_t)whole(a);
}

static int64_t clamp_whole(int64_t number, int64_t least, int64_t most) {
    return number < least ? least : number > most ? most : number;
}

/* As the type has it. */
static Pair made_whole(LaneType type, int64_t number, uint64_t marks) {
    int64_t kept = type == LANE_U8    ? (int64_t)(uint8_t)number
                   : type == LANE_S16 ? (int64_t)(int16_t)(uint16_t)number
                                      : (int64_t)(int32_t)(uint32_t)number;
    Pair result = pair_of_integer(kept);
    return pair_made(result.residue, result.number, marks);
}

static bool is_zero(Pair a) {
    return !pair_is_marked(a) && a.number == 0;
}

/* Of a product: whatever bytes there are times zero is zero, as with floats it need not be. */
static uint64_t product_marks(Pair a, Pair b) {
    return is_zero(a) || is_zero(b) ? 0 : (a.residue | b.residue) & PAIR_MARKS;
}

/* ---- one lane from one lane of each source ---- */

static Pair compute_lane_whole(InstructionKind kind, LaneType type, Pair a, Pair b, Pair c) {
    uint64_t marks = a.residue | b.residue | c.residue;
    switch (kind) {
    case INSTRUCTION_flip:
        return made_whole(type, whole(a) ^ 128, marks);
    case INSTRUCTION_multiply_add:
        return made_whole(type, whole(a) * whole(b) + whole(c), product_marks(a, b) | c.residue);
    case INSTRUCTION_to_integer: /* 256 stands for what is over 255 */
        return pair_to_whole(a, INT32_MIN, 256);
    case INSTRUCTION_narrow:
        return made_whole(type, clamp_whole(whole(a), 0, UINT8_MAX), marks);
    case INSTRUCTION_maximum:
        return pair_larger(a, b);
    default: /* move, to_float, widen: the same number */
        return a;
    }
}

/* ---- lanes from others ---- */

static Pair dot_whole(
    const Instruction *instruction, int i, const Pair *const *sources, int source_lanes) {
    const Pair *a = sources[0], *b = sources[1];
    Pair c = sources[2][i];
    int64_t sum = whole(c);
    uint64_t marks = c.residue;
    bool halves = instruction->kind == INSTRUCTION_half_dot_add;
    for (int k = 0; k < 4; k++) {
        int at = halves ? 2 * i + k / 2 * (source_lanes / 2) + k % 2 : 4 * i + k;
        int64_t first =
            instruction->kind == INSTRUCTION_dot_add ? whole(a[at]) : signed_byte(a[at]);
        sum += first * signed_byte(b[at]);
        marks |= product_marks(a[at], b[at]);
    }
    return made_whole(LANE_S32, sum, marks);
}

static Pair pack_whole(LaneType type, int i, const Pair *const *sources) {
    int block = (int)(8 / lane_bytes(type)), place = i / block / 2 * block + i % block;
    Pair from = sources[i / block % 2 == 0 ? 0 : 1][place];
    int64_t least = type == LANE_S16 ? INT16_MIN : 0,
            most = type == LANE_S16 ? INT16_MAX : UINT8_MAX;
    return made_whole(type, clamp_whole(whole(from), least, most), from.residue);
}

static Pair gather_whole(const Instruction *instruction, LaneType type, int i,
    const Pair *const *sources, int source_lanes) {
    const Pair *a = sources[0], *b = sources[1];
    switch (instruction->kind) {
    case INSTRUCTION_permute: {
        int from = instruction->indices[i];
        return from < source_lanes ? a[from] : b[from - source_lanes];
    }
    case INSTRUCTION_widen_even:
        return a[2 * i];
    case INSTRUCTION_widen_odd:
        return a[2 * i + 1];
    case INSTRUCTION_pack:
        return pack_whole(type, i, sources);
    case INSTRUCTION_pair_add: {
        Pair c = sources[2][i];
        const Pair *x = a + 2 * i, *y = b + 2 * i;
        return made_whole(type, whole(x[0]) * whole(y[0]) + whole(x[1]) * whole(y[1]) + whole(c),
            product_marks(x[0], y[0]) | product_marks(x[1], y[1]) | c.residue);
    }
    default:
        return dot_whole(instruction, i, sources, source_lanes);
    }
}

static bool gathers_whole(InstructionKind kind) {
    return kind == INSTRUCTION_permute || kind == INSTRUCTION_widen_even ||
           kind == INSTRUCTION_widen_odd || kind == INSTRUCTION_pack ||
           kind == INSTRUCTION_pair_add || kind == INSTRUCTION_dot_add ||
           kind == INSTRUCTION_signed_dot_add || kind == INSTRUCTION_half_dot_add;
}

void kernel_compute_whole_pairs(const Kernel *kernel, const Instruction *instruction,
    const Pair *const *sources, Pair *destination) {
    int lanes = kernel->register_lanes[instruction->destination];
    int source_lanes = kernel->register_lanes[instruction->sources[0]];
    int source_count = instruction_info(instruction->kind)->source_count;
    LaneType type = kernel->register_types[instruction->destination];
    static const Pair none = {0};
    Pair results[MOST_LANES];
    for (int i = 0; i < lanes; i++)
        results[i] = instruction->kind == INSTRUCTION_splat
                         ? made_whole(type, (int64_t)instruction->constant, 0)
                     : gathers_whole(instruction->kind)
                         ? gather_whole(instruction, type, i, sources, source_lanes)
                         : compute_lane_whole(instruction->kind, type, sources[0][i],
                               source_count > 1 ? sources[1][i] : none,
                               source_count > 2 ? sources[2][i] : none);
    for (int i = 0; i < lanes; i++)
        destination[i] = results[i];
}
