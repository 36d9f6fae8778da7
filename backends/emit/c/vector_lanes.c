/* Functions on some lanes of a vector: loads and stores of a part, sums, permutations. */
#include "backends/emit/c/helper.h"
#include "backends/emit/c/vectors.h"
#include "ir/text.h"
#include <assert.h>

const char *intel_prefix(int lanes) {
    return lanes == 16 ? "_mm512" : lanes == 8 ? "_mm256" : "_mm";
}

/* Halves are folded onto each other until one lane is left. */
static void append_fold(const Helper *helper, Text *out) {
    text_format(out,
        "    float lane[%d];\n    f32x%d_store(lane, a);\n"
        "    for (int half = %d; half > 0; half /= 2)\n        for (int i = 0; i < half; i++)\n",
        helper->lanes, helper->lanes, helper->lanes / 2);
    text_append(out, helper->kind == HELPER_SUM
                         ? "            lane[i] += lane[i + half];\n"
                         : "            lane[i] = lane[i] > lane[i + half] ? lane[i] : "
                           "lane[i + half];\n");
    text_append(out, "    return lane[0];\n");
}

static void append_lane(const Helper *helper, Text *out) {
    text_format(out,
        "    float lane[%d];\n    f32x%d_store(lane, a);\n    f32x%d_store(lane + %d, b);\n"
        "    return lane[i];\n",
        2 * helper->lanes, helper->lanes, helper->lanes, helper->lanes);
}

/* ---- some lanes of a vector ---- */

/* Lanes `first` to `first + count - 1` of a vector of four, at p[at], into the vector "name". */
static void load_quarter(Text *out, const char *name, int first, int count, int at) {
    text_format(out, "    const __m128 %s = ", name);
    if (count == 4)
        text_format(out, "_mm_loadu_ps(p + %d);\n", at);
    else if (count == 2 && first != 1)
        text_format(out, "_mm_load%c_pi(_mm_setzero_ps(), (const __m64 *)(p + %d));\n",
            first == 0 ? 'l' : 'h', at);
    else if (count == 1 && first == 0)
        text_format(out, "_mm_load_ss(p + %d);\n", at);
    else if (count <= 0)
        text_append(out, "_mm_setzero_ps();\n");
    else {
        text_append(out, "_mm_setr_ps(");
        for (int i = 0; i < 4; i++) {
            text_append(out, i > 0 ? ", " : "");
            if (i < first || i >= first + count)
                text_append(out, "0.0f");
            else
                text_format(out, "p[%d]", at + i - first);
        }
        text_append(out, ");\n");
    }
}

static void store_quarter(Text *out, const char *name, int first, int count, int at) {
    if (count == 4) {
        text_format(out, "    _mm_storeu_ps(p + %d, %s);\n", at, name);
        return;
    }
    for (int lane = first; lane < first + count;) {
        bool pair = lane % 2 == 0 && lane + 2 <= first + count;
        if (pair)
            text_format(out, "    _mm_store%c_pi((__m64 *)(p + %d), %s);\n", lane == 0 ? 'l' : 'h',
                at, name);
        else if (lane == 0)
            text_format(out, "    _mm_store_ss(p + %d, %s);\n", at, name);
        else
            text_format(out, "    _mm_store_ss(p + %d, _mm_shuffle_ps(%s, %s, %d));\n", at, name,
                name, lane);
        lane += pair ? 2 : 1;
        at += pair ? 2 : 1;
    }
}

/* The part of lanes first..first+count-1 that lies in the quarter of four lanes. */
static void clip(const Helper *helper, int quarter, int *first, int *count, int *at) {
    int begin = helper->first > 4 * quarter ? helper->first : 4 * quarter;
    int end = helper->first + helper->count;
    if (end > 4 * quarter + 4)
        end = 4 * quarter + 4;
    *first = begin - 4 * quarter;
    *count = end > begin ? end - begin : 0;
    *at = begin - helper->first;
}

static unsigned mask_of(const Helper *helper) {
    return ((1u << helper->count) - 1) << helper->first;
}

static void load_lanes_x86(const Vectors *vectors, const Helper *helper, Text *out) {
    if (vectors->target->masks) {
        text_format(out, "    return %s_maskz_loadu_ps(0x%x, p - %d);\n",
            intel_prefix(helper->lanes), mask_of(helper), helper->first);
        return;
    }
    assert(helper->lanes <= 8);
    static const char *const names[] = {"low", "high"};
    for (int quarter = 0; quarter < helper->lanes / 4; quarter++) {
        int first, count, at;
        clip(helper, quarter, &first, &count, &at);
        load_quarter(out, names[quarter], first, count, at);
    }
    text_append(out, helper->lanes == 4
                         ? "    return low;\n"
                         : "    return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, "
                           "1);\n");
}

static void store_lanes_x86(const Vectors *vectors, const Helper *helper, Text *out) {
    bool whole_parts = helper->first == 0 && (helper->count == 1 || helper->count == 2 ||
                                                 helper->count == 4 || helper->count == 8);
    if (vectors->target->masks && !(whole_parts && helper->count < helper->lanes)) {
        text_format(out, "    %s_mask_storeu_ps(p - %d, 0x%x, a);\n", intel_prefix(helper->lanes),
            helper->first, mask_of(helper));
        return;
    }
    if (helper->count == 8) {
        text_append(out, "    _mm256_storeu_ps(p, _mm512_castps512_ps256(a));\n");
        return;
    }
    for (int quarter = 0; quarter < helper->lanes / 4; quarter++) {
        int first, count, at;
        clip(helper, quarter, &first, &count, &at);
        if (count == 0)
            continue;
        if (helper->lanes == 4) {
            store_quarter(out, "a", first, count, at);
            continue;
        }
        const char *name = quarter == 0 ? "low" : "high";
        if (quarter == 0)
            text_format(out, "    const __m128 low = %s_castps%d_ps128(a);\n",
                intel_prefix(helper->lanes), helper->lanes * 32);
        else
            text_append(out, "    const __m128 high = _mm256_extractf128_ps(a, 1);\n");
        store_quarter(out, name, first, count, at);
    }
}

/* By pairs, where a pair lies in one half of the register, and single lanes. */
static void lanes_neon(const Helper *helper, Text *out) {
    bool load = helper->kind == HELPER_LOAD_LANES;
    if (load)
        text_append(out, "    float32x4_t a = vdupq_n_f32(0.0f);\n");
    for (int lane = helper->first, at = 0; at < helper->count;) {
        bool pair = lane % 2 == 0 && at + 2 <= helper->count;
        if (pair && load && lane == 0)
            text_format(out, "    a = vcombine_f32(vld1_f32(p + %d), vget_high_f32(a));\n", at);
        else if (pair && load)
            text_format(out, "    a = vcombine_f32(vget_low_f32(a), vld1_f32(p + %d));\n", at);
        else if (load)
            text_format(out, "    a = vld1q_lane_f32(p + %d, a, %d);\n", at, lane);
        else if (pair)
            text_format(
                out, "    vst1_f32(p + %d, vget_%s_f32(a));\n", at, lane == 0 ? "low" : "high");
        else
            text_format(out, "    vst1q_lane_f32(p + %d, a, %d);\n", at, lane);
        lane += pair ? 2 : 1;
        at += pair ? 2 : 1;
    }
    if (load)
        text_append(out, "    return a;\n");
}

static void lanes_any(const Helper *helper, Text *out) {
    bool load = helper->kind == HELPER_LOAD_LANES;
    if (load)
        text_format(out, "    f32x%d a = f32x%d_splat(0.0f);\n", helper->lanes, helper->lanes);
    for (int i = 0; i < helper->count; i++)
        text_format(out, load ? "    LANE(a, %d) = p[%d];\n" : "    p[%2$d] = LANE(a, %1$d);\n",
            helper->first + i, i);
    if (load)
        text_append(out, "    return a;\n");
}

/* No byte behind the last is read. */
static void load_byte_lanes(const Helper *helper, Text *out) {
    text_format(out,
        "    unsigned char bytes[%d] = {0};\n    memcpy(bytes + %d, p, %d);\n"
        "    return f32x%d_load_bytes(bytes);\n",
        helper->lanes, helper->first, helper->count, helper->lanes);
}

void helper_write_lanes(const Vectors *vectors, const Helper *helper, Text *out) {
    bool load = helper->kind == HELPER_LOAD_LANES;
    if (helper->kind == HELPER_SUM || helper->kind == HELPER_LARGEST) {
        append_fold(helper, out);
        return;
    }
    if (helper->kind == HELPER_LANE) {
        append_lane(helper, out);
        return;
    }
    if (helper->kind == HELPER_LOAD_BYTE_LANES) {
        load_byte_lanes(helper, out);
        return;
    }
    switch (vectors->family) {
    case FAMILY_X86:
        if (load)
            load_lanes_x86(vectors, helper, out);
        else
            store_lanes_x86(vectors, helper, out);
        return;
    case FAMILY_NEON:
        lanes_neon(helper, out);
        return;
    case FAMILY_ANY:
        lanes_any(helper, out);
        return;
    }
}

/* ---- permutations ---- */

/* Through memory, for compilers without a way to say it. */
static void append_permute_function(const Helper *helper, Text *out) {
    text_format(out, "INLINE f32x%d %s(", helper->lanes, helper->name);
    if (helper->count == 1)
        text_append(out, "float a, float b");
    else
        text_format(out, "f32x%d a, f32x%d b", helper->count, helper->count);
    for (int i = 0; i < helper->lanes; i++)
        text_format(out, ", int i%d", i);
    text_format(out, ") {\n    const int index[%d] = {", helper->lanes);
    for (int i = 0; i < helper->lanes; i++)
        text_format(out, "%si%d", i > 0 ? ", " : "", i);
    text_append(out, "};\n");
    if (helper->count == 1)
        text_append(out, "    const float from[2] = {a, b};\n");
    else
        text_format(out,
            "    float from[%d];\n    f32x%d_store(from, a);\n    f32x%d_store(from + %d, b);\n",
            2 * helper->count, helper->count, helper->count, helper->count);
    text_format(out,
        "    float to[%d];\n    for (int i = 0; i < %d; i++)\n        to[i] = from[index[i]];\n"
        "    return f32x%d_load(to);\n}\n",
        helper->lanes, helper->lanes, helper->lanes);
}

void helper_write_permute(const Helper *helper, Text *out) {
    if (helper->count == 1) {
        append_permute_function(helper, out);
        return;
    }
    text_format(out,
        "#if HAS_SHUFFLE\n#define %s(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)\n"
        "#else\n",
        helper->name);
    append_permute_function(helper, out);
    text_append(out, "#endif\n");
}
