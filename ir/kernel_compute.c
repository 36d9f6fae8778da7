/* The instructions of kernels, lane by lane, to the letter of kernel.def. */
#include "ir/kernel_compute.h"
#include "ir/bf16.h"
#include "ir/f16.h"
#include <math.h>
#include <string.h>

/* ---- lanes as numbers ---- */

static float to_number(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint32_t from_number(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static int32_t to_signed(uint32_t bits) {
    int32_t number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static int32_t byte_as_signed(uint32_t bits) {
    return (int8_t)(uint8_t)bits;
}

static int32_t word_as_signed(uint32_t bits) {
    return (int16_t)(uint16_t)bits;
}

static int64_t clamp(int64_t number, int64_t least, int64_t most) {
    return number < least ? least : number > most ? most : number;
}

/* ---- one lane from one lane of each source ---- */

static uint32_t splat(LaneType type, float constant) {
    switch (type) {
    case LANE_BF16:
        return bf16_from_float(constant);
    case LANE_F16:
        return f16_from_float(constant);
    case LANE_S32:
        return (uint32_t)(int32_t)constant;
    case LANE_S16:
        return (uint16_t)(int16_t)constant;
    case LANE_U8:
        return (uint8_t)constant;
    case LANE_F32:
    case LANE_TYPE_COUNT:
        break;
    }
    return from_number(constant);
}

static int32_t to_integer(float x) {
    if (!(x >= -2147483648.0f)) /* NaN, too */
        return INT32_MIN;
    return x > 255 ? 255 : (int32_t)rintf(x);
}

/* The exponent's bits; what is no exponent counts as the nearest. */
static uint32_t power_of_two(float exponent) {
    float least = exponent > -127 ? exponent : -127;
    return (uint32_t)((int32_t)(least < 128 ? least : 128) + 127) << 23;
}

static float exponent_of(uint32_t bits) {
    return (float)((int32_t)(bits >> 23 & 255) - 127);
}

static float combine(InstructionKind kind, float a, float b) {
    switch (kind) {
    case INSTRUCTION_add:
        return a + b;
    case INSTRUCTION_subtract:
        return a - b;
    case INSTRUCTION_multiply:
        return a * b;
    case INSTRUCTION_divide:
        return a / b;
    case INSTRUCTION_minimum:
        return a < b ? a : b;
    case INSTRUCTION_is_less:
        return a < b ? 1 : 0;
    case INSTRUCTION_maximum_or_nan:
        return a > b || a != a ? a : b;
    default:
        return a > b ? a : b;
    }
}

/* A sum and a product of two numbers of f16 have their nearest f16 by way of the nearest f32, which
 * has more than twice as many bits. With a third number that is not so: the product is exact in
 * double; what the sum loses there makes its last bit odd, and the nearest f16 stays what it is. */
static uint16_t multiply_add_f16(float a, float b, float c) {
    double product = (double)a * (double)b, addend = (double)c, sum = product + addend;
    double taken = sum - product, lost = (product - (sum - taken)) + (addend - taken);
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (isfinite(sum) && lost != 0 && (bits & 1) == 0)
        sum = nextafter(sum, lost > 0 ? (double)INFINITY : -(double)INFINITY);
    return f16_from_double(sum);
}

static uint32_t compute_lane_f16(InstructionKind kind, const uint32_t *lanes) {
    float numbers[3];
    for (int i = 0; i < 3; i++)
        numbers[i] = f16_to_float((uint16_t)lanes[i]);
    if (kind == INSTRUCTION_multiply_add)
        return multiply_add_f16(numbers[0], numbers[1], numbers[2]);
    return f16_from_float(combine(kind, numbers[0], numbers[1]));
}

/* To f32, from f16 or bf16; or to s32. */
static uint32_t widen(LaneType from, uint32_t lane) {
    if (from == LANE_F16)
        return from_number(f16_to_float((uint16_t)lane));
    return from == LANE_BF16 ? lane << 16 : lane;
}

static uint32_t narrow(LaneType to, uint32_t lane) {
    if (to == LANE_F16)
        return f16_from_float(to_number(lane));
    return to == LANE_BF16 ? bf16_from_float(to_number(lane))
                           : (uint32_t)clamp(to_signed(lane), 0, UINT8_MAX);
}

/* The types are the destination's and that of the first source. */
static uint32_t compute_lane(
    InstructionKind kind, LaneType type, LaneType from, const uint32_t *lanes) {
    float a = to_number(lanes[0]);
    if (type == LANE_F16 && kind != INSTRUCTION_move && kind != INSTRUCTION_narrow)
        return compute_lane_f16(kind, lanes);
    switch (kind) {
    case INSTRUCTION_move:
        return lanes[0];
    case INSTRUCTION_flip:
        return lanes[0] ^ 128;
    case INSTRUCTION_multiply_add:
        if (type == LANE_S32)
            return lanes[2] + (uint32_t)(word_as_signed(lanes[0]) * word_as_signed(lanes[1]));
        return from_number(fmaf(a, to_number(lanes[1]), to_number(lanes[2])));
    case INSTRUCTION_floor:
        return from_number(floorf(a));
    case INSTRUCTION_square_root:
        return from_number(sqrtf(a));
    case INSTRUCTION_power_of_two:
        return power_of_two(a);
    case INSTRUCTION_exponent:
        return from_number(exponent_of(lanes[0]));
    case INSTRUCTION_to_float:
        return from_number((float)to_signed(lanes[0]));
    case INSTRUCTION_to_integer:
        return (uint32_t)to_integer(a);
    case INSTRUCTION_widen:
        return widen(from, lanes[0]);
    case INSTRUCTION_narrow:
        return narrow(type, lanes[0]);
    default:
        break;
    }
    if (type == LANE_U8) /* maximum */
        return lanes[0] > lanes[1] ? lanes[0] : lanes[1];
    return from_number(combine(kind, a, to_number(lanes[1])));
}

/* ---- lanes from others ---- */

static uint32_t dot_add(const uint32_t *a, const uint32_t *b, uint32_t c) {
    for (int i = 0; i < 4; i++)
        c += a[i] * (uint32_t)byte_as_signed(b[i]);
    return c;
}

static uint32_t signed_dot_add(const uint32_t *a, const uint32_t *b, uint32_t c) {
    for (int i = 0; i < 4; i++)
        c += (uint32_t)(byte_as_signed(a[i]) * byte_as_signed(b[i]));
    return c;
}

static uint32_t half_dot_add(const uint32_t *a, const uint32_t *b, int half, uint32_t c) {
    for (int i = 0; i < 4; i++) {
        int byte = i / 2 * half + i % 2;
        c += (uint32_t)(byte_as_signed(a[byte]) * byte_as_signed(b[byte]));
    }
    return c;
}

static uint32_t add_pair(LaneType type, const uint32_t *a, const uint32_t *b, uint32_t c) {
    if (type == LANE_S32) {
        for (int i = 0; i < 2; i++)
            c += (uint32_t)(word_as_signed(a[i]) * word_as_signed(b[i]));
        return c;
    }
    double sum = (double)to_number(c);
    for (int i = 0; i < 2; i++)
        sum += (double)to_number(a[i] << 16) * (double)to_number(b[i] << 16);
    return from_number((float)sum);
}

static uint32_t pack(LaneType type, uint32_t lane) {
    if (type == LANE_S16)
        return (uint16_t)(int16_t)clamp(to_signed(lane), INT16_MIN, INT16_MAX);
    return (uint32_t)clamp((int16_t)(uint16_t)lane, 0, UINT8_MAX);
}

static uint32_t reduce(InstructionKind kind, const uint32_t *a, int lanes) {
    float result = to_number(a[0]);
    for (int i = 1; i < lanes; i++) {
        float lane = to_number(a[i]);
        result = kind == INSTRUCTION_reduce_add ? result + lane : result > lane ? result : lane;
    }
    return from_number(result);
}

/* Lane i of those whose lanes do not stand one below the other. */
static uint32_t gather_lane(const Instruction *instruction, LaneType type, int i,
    const uint32_t *const *sources, int source_lanes) {
    const uint32_t *a = sources[0], *b = sources[1], *c = sources[2];
    switch (instruction->kind) {
    case INSTRUCTION_permute: {
        int from = instruction->indices[i];
        return from < source_lanes ? a[from] : b[from - source_lanes];
    }
    case INSTRUCTION_dot_add:
        return dot_add(a + 4 * i, b + 4 * i, c[i]);
    case INSTRUCTION_signed_dot_add:
        return signed_dot_add(a + 4 * i, b + 4 * i, c[i]);
    case INSTRUCTION_half_dot_add:
        return half_dot_add(a + 2 * i, b + 2 * i, source_lanes / 2, c[i]);
    case INSTRUCTION_pair_add:
        return add_pair(type, a + 2 * i, b + 2 * i, c[i]);
    case INSTRUCTION_widen_even:
        return type == LANE_F32 ? a[2 * i] << 16 : a[2 * i];
    case INSTRUCTION_widen_odd:
        return type == LANE_F32 ? a[2 * i + 1] << 16 : a[2 * i + 1];
    case INSTRUCTION_pack: {
        int block = (int)(8 / lane_bytes(type)), place = i / block / 2 * block + i % block;
        return pack(type, i / block % 2 == 0 ? a[place] : b[place]);
    }
    default:
        return reduce(instruction->kind, a, source_lanes);
    }
}

static bool gathers(InstructionKind kind) {
    return kind == INSTRUCTION_permute || kind == INSTRUCTION_dot_add ||
           kind == INSTRUCTION_signed_dot_add || kind == INSTRUCTION_half_dot_add ||
           kind == INSTRUCTION_pair_add || kind == INSTRUCTION_widen_even ||
           kind == INSTRUCTION_widen_odd || kind == INSTRUCTION_pack ||
           kind == INSTRUCTION_reduce_add || kind == INSTRUCTION_reduce_maximum;
}

/* Into another place first: the destination may be one of the sources. */
static void gather(const Instruction *instruction, LaneType type, int lanes,
    const uint32_t *const *sources, int source_lanes, uint32_t *destination) {
    uint32_t gathered[MOST_LANES];
    for (int i = 0; i < lanes; i++)
        gathered[i] = gather_lane(instruction, type, i, sources, source_lanes);
    memcpy(destination, gathered, (size_t)lanes * sizeof *gathered);
}

void kernel_compute(
    const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers) {
    int lanes = kernel->register_lanes[instruction->destination];
    int source_count = instruction_info(instruction->kind)->source_count;
    LaneType type = kernel->register_types[instruction->destination];
    uint32_t *destination = register_bits(registers, instruction->destination);
    const uint32_t *sources[3] = {NULL};
    for (int i = 0; i < source_count; i++)
        sources[i] = register_bits(registers, instruction->sources[i]);
    if (gathers(instruction->kind)) {
        int source_lanes = kernel->register_lanes[instruction->sources[0]];
        gather(instruction, type, lanes, sources, source_lanes, destination);
        return;
    }
    LaneType from = source_count > 0 ? kernel->register_types[instruction->sources[0]] : type;
    for (int i = 0; i < lanes; i++) {
        uint32_t of_sources[3] = {0};
        for (int j = 0; j < source_count; j++)
            of_sources[j] = sources[j][i];
        destination[i] = instruction->kind == INSTRUCTION_splat
                             ? splat(type, instruction->constant)
                             : compute_lane(instruction->kind, type, from, of_sources);
    }
}
