/* Which functions on vectors a source needs, and what they are made of. */
#include "backends/emit/c/vectors.h"
#include "backends/emit/c/helper.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/text.h"
#include <assert.h>
#include <string.h>

typedef struct HelperRow {
    const char *name, *signature, *x86, *neon, *gnu, *plain;
} HelperRow;

static const HelperRow rows[HELPER_COUNT] = {
#define HELPER(kind, name, signature, x86, neon, gnu, plain)                                       \
    [HELPER_##kind] = {#name, signature, x86, neon, gnu, plain},
#include "backends/emit/c/vectors.def"
    [HELPER_LOAD_LANES] = {.name = "load", .signature = "vp"},
    [HELPER_LOAD_BYTE_LANES] = {.name = "load_bytes", .signature = "vb"},
    [HELPER_STORE_LANES] = {.name = "store", .signature = "-wv"},
    [HELPER_SUM] = {.name = "sum", .signature = "fv"},
    [HELPER_LARGEST] = {.name = "largest", .signature = "fv"},
    [HELPER_PERMUTE] = {.name = "permute", .signature = ""},
    [HELPER_LANE] = {.name = "lane", .signature = "fvvi"},
};

static Family family_of(const Target *target) {
    switch (target->architecture) {
    case ARCHITECTURE_X86_64:
        return FAMILY_X86;
    case ARCHITECTURE_AARCH64:
    case ARCHITECTURE_ARM:
        return FAMILY_NEON;
    default:
        return FAMILY_ANY;
    }
}

Vectors *vectors_create(const Target *target, Arena *arena) {
    Vectors *vectors = ARENA_NEW(arena, Vectors);
    vectors->target = target;
    vectors->family = family_of(target);
    vectors->arena = arena;
    return vectors;
}

const char *vectors_type(Vectors *vectors, int lanes) {
    return lanes == 1 ? "float" : arena_format(vectors->arena, "f32x%d", lanes);
}

/* ---- which functions ---- */

static const char *helper_name(const Vectors *vectors, const Helper *helper) {
    Arena *arena = vectors->arena;
    const char *type = helper->lanes == 1 ? "f32" : arena_format(arena, "f32x%d", helper->lanes);
    const char *name = rows[helper->kind].name;
    switch (helper->kind) {
    case HELPER_LOAD_LANES:
    case HELPER_LOAD_BYTE_LANES:
    case HELPER_STORE_LANES:
        if (helper->count == 1)
            return arena_format(arena, "%s_%s_lane_%d", type, name, helper->first);
        return arena_format(arena, "%s_%s_lanes_%d_to_%d", type, name, helper->first,
            helper->first + helper->count - 1);
    case HELPER_PERMUTE:
        if (helper->count != helper->lanes)
            return arena_format(arena, "%s_permute_f32x%d", type, helper->count);
        break;
    default:
        break;
    }
    return arena_format(arena, "%s_%s", type, name);
}

/* Functions that others are made of come first. */
static void use_parts(Vectors *vectors, HelperKind kind, int lanes, int count) {
    bool through_memory = kind == HELPER_SUM || kind == HELPER_LARGEST || kind == HELPER_LANE;
    if (kind == HELPER_PERMUTE) {
        if (count > 1)
            vectors_function(vectors, HELPER_STORE, count, 0, 0);
        vectors_function(vectors, HELPER_LOAD, lanes, 0, 0);
    } else if (through_memory) {
        vectors_function(vectors, HELPER_STORE, lanes, 0, 0);
    } else if (kind == HELPER_LOAD_BYTE_LANES) {
        vectors_function(vectors, HELPER_LOAD_BYTES, lanes, 0, 0);
    } else if (kind == HELPER_LOAD_LANES && vectors->family == FAMILY_ANY) {
        vectors_function(vectors, HELPER_SPLAT, lanes, 0, 0);
    } else if (lanes == 1 && kind == HELPER_SQUARE_ROOT && vectors->family != FAMILY_ANY) {
        vectors_function(vectors, HELPER_SPLAT, 4, 0, 0);
        vectors_function(vectors, HELPER_SQUARE_ROOT, 4, 0, 0);
        vectors_function(vectors, HELPER_LANE, 4, 0, 0);
    } else if (lanes > 1 && vectors->family == FAMILY_ANY && rows[kind].plain) {
        vectors_function(vectors, kind, 1, 0, 0);
    }
}

const char *vectors_function(Vectors *vectors, HelperKind kind, int lanes, int first, int count) {
    if (kind == HELPER_MULTIPLY_ADD && vectors->target->fused_multiply_add)
        kind = HELPER_FUSED_MULTIPLY_ADD;
    for (int i = 0; i < vectors->count; i++) {
        const Helper *helper = &vectors->helpers[i];
        if (helper->kind == kind && helper->lanes == lanes && helper->first == first &&
            helper->count == count)
            return helper->name;
    }
    use_parts(vectors, kind, lanes, count);
    ARENA_GROW(vectors->arena, vectors->helpers, vectors->count, vectors->capacity, 32);
    Helper *helper = &vectors->helpers[vectors->count++];
    *helper = (Helper){.kind = kind, .lanes = lanes, .first = first, .count = count};
    helper->name = helper_name(vectors, helper);
    return helper->name;
}

/* ---- texts with placeholders ---- */

static const char *placeholder(const Vectors *vectors, int lanes, const char *name, size_t length) {
    static const char *const above[] = {"_mm_and_ps(_mm_cmpgt_ps(whole, a), one)",
        "_mm256_and_ps(_mm256_cmp_ps(whole, a, _CMP_GT_OQ), one)",
        "_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(whole, a, _CMP_GT_OQ), one)"};
    static const char *const bytes[] = {
        ("_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(p[0] | p[1] << 8 | p[2] << 16 |\n"
         "        (int)((unsigned)p[3] << 24)), _mm_setzero_si128()), _mm_setzero_si128())"),
        "_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p))",
        "_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p))"};
    if (length == 1 && *name == 'T')
        return arena_format(vectors->arena, "f32x%d", lanes);
    if (length == 1 && *name == 'M')
        return intel_prefix(lanes);
    if (length == 1 && *name == 'B')
        return lanes == 16 ? "512" : lanes == 8 ? "256" : "128";
    if (length == 1 && *name == 'I')
        return lanes == 16 ? "__m512i" : lanes == 8 ? "__m256i" : "__m128i";
    if (length == strlen("BYTES"))
        return bytes[lanes == 16 ? 2 : lanes == 8 ? 1 : 0];
    assert(length == strlen("ONE_IF_ABOVE"));
    return above[lanes == 16 ? 2 : lanes == 8 ? 1 : 0];
}

static void append_filled(const Vectors *vectors, int lanes, const char *text, Text *out) {
    for (const char *at = text; *at != '\0';) {
        if (*at != '$') {
            text_append_bytes(out, at++, 1);
            continue;
        }
        size_t length = strncmp(at + 1, "ONE_IF_ABOVE", 12) == 0 ? 12
                        : strncmp(at + 1, "BYTES", 5) == 0       ? 5
                                                                 : 1;
        text_append(out, placeholder(vectors, lanes, at + 1, length));
        at += 1 + length;
    }
}

/* A body of statements, each on an indented line; directives are not indented. */
static void append_lines(Text *out, const char *text) {
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        if (length > 0)
            text_format(out, "%s%.*s\n", *at == '#' ? "" : "    ", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

/* ---- functions ---- */

static void append_head(const Vectors *vectors, const Helper *helper, Text *out) {
    const char *signature = rows[helper->kind].signature;
    const char *type = vectors_type((Vectors *)vectors, helper->lanes);
    const char *result = *signature == 'v' ? type : *signature == 'f' ? "float" : "void";
    text_format(out, "INLINE %s %s(", result, helper->name);
    char parameter = 'a';
    for (const char *at = signature + 1; *at != '\0'; at++) {
        text_append(out, at == signature + 1 ? "" : ", ");
        if (*at == 'p' || *at == 'w' || *at == 'b')
            text_append(out, *at == 'b'   ? "const unsigned char *p"
                             : *at == 'p' ? "const float *p"
                                          : "float *p");
        else if (*at == 'i')
            text_append(out, "int i");
        else
            text_format(out, "%s %c", *at == 'f' ? "float" : type, parameter++);
    }
    text_append(out, ") {\n");
}

static void append_body(const Vectors *vectors, int lanes, const char *text, Text *out) {
    Text filled = {0};
    append_filled(vectors, lanes, text, &filled);
    if (strchr(text, ';') == NULL)
        text_format(out, "    return %s;\n", filled.data);
    else
        append_lines(out, filled.data);
    text_free(&filled);
}

/* Without vector types: the function of one lane for each lane. */
static void append_lane_by_lane(const Helper *helper, Text *out) {
    const HelperRow *row = &rows[helper->kind];
    if (helper->kind == HELPER_SPLAT || helper->kind == HELPER_LOAD ||
        helper->kind == HELPER_LOAD_BYTES) {
        text_format(out,
            "    f32x%d v;\n    for (int i = 0; i < %d; i++)\n        v.lane[i] = %s;\n"
            "    return v;\n",
            helper->lanes, helper->lanes, helper->kind == HELPER_SPLAT ? "a" : "p[i]");
        return;
    }
    if (helper->kind == HELPER_STORE) {
        text_format(
            out, "    for (int i = 0; i < %d; i++)\n        p[i] = a.lane[i];\n", helper->lanes);
        return;
    }
    text_format(out, "    for (int i = 0; i < %d; i++)\n        a.lane[i] = f32_%s(", helper->lanes,
        row->name);
    for (size_t i = 1; i < strlen(row->signature); i++)
        text_format(out, "%s%c.lane[i]", i == 1 ? "" : ", ", (char)('a' + i - 1));
    text_append(out, ");\n    return a;\n");
}

static void append_row(const Vectors *vectors, const Helper *helper, Text *out) {
    const HelperRow *row = &rows[helper->kind];
    if (helper->lanes == 1) {
        if (helper->kind == HELPER_SQUARE_ROOT && vectors->family != FAMILY_ANY)
            text_append(out, "    return f32x4_lane(f32x4_square_root(f32x4_splat(a)), "
                             "f32x4_splat(a), 0);\n");
        else
            append_body(vectors, 1, row->plain, out);
        return;
    }
    switch (vectors->family) {
    case FAMILY_X86:
        append_body(vectors, helper->lanes, row->x86, out);
        return;
    case FAMILY_NEON:
        append_body(vectors, helper->lanes, row->neon, out);
        return;
    case FAMILY_ANY:
        text_append(out, "#if HAS_VECTORS\n");
        append_body(vectors, helper->lanes, row->gnu, out);
        text_append(out, "#else\n");
        append_lane_by_lane(helper, out);
        text_append(out, "#endif\n");
        return;
    }
}

/* ---- the whole ---- */

static void append_helper(const Vectors *vectors, const Helper *helper, Text *out) {
    text_append(out, "\n");
    if (helper->kind == HELPER_PERMUTE) {
        helper_write_permute(helper, out);
        return;
    }
    append_head(vectors, helper, out);
    if (helper->kind < HELPER_LOAD_LANES)
        append_row(vectors, helper, out);
    else
        helper_write_lanes(vectors, helper, out);
    text_append(out, "}\n");
}

static bool has_lanes(const Vectors *vectors, int lanes) {
    for (int i = 0; i < vectors->count; i++) {
        const Helper *helper = &vectors->helpers[i];
        if (helper->lanes == lanes || (helper->kind == HELPER_PERMUTE && helper->count == lanes))
            return true;
    }
    return false;
}

static void append_shuffle(const Vectors *vectors, Text *out) {
    for (int i = 0; i < vectors->count; i++) {
        if (vectors->helpers[i].kind != HELPER_PERMUTE)
            continue;
        text_format(out,
            "\n#if %s(defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12))\n"
            "#define HAS_SHUFFLE 1\n#else\n#define HAS_SHUFFLE 0\n#endif\n",
            vectors->family == FAMILY_ANY ? "HAS_VECTORS && " : "");
        return;
    }
}

static void append_types(const Vectors *vectors, Text *out) {
    if (vectors->family == FAMILY_ANY && has_lanes(vectors, 4)) {
        text_append(out, "#if HAS_VECTORS\n"
                         "typedef float f32x4 __attribute__((vector_size(16)));\n"
                         "typedef int32_t i32x4 __attribute__((vector_size(16)));\n"
                         "#define LANE(vector, index) (vector)[index]\n"
                         "#else\n"
                         "typedef struct f32x4 {\n    float lane[4];\n} f32x4;\n"
                         "#define LANE(vector, index) (vector).lane[index]\n"
                         "#endif\n");
        return;
    }
    static const char *const x86[] = {[4] = "__m128", [8] = "__m256", [16] = "__m512"};
    for (int lanes = 4; lanes <= 16; lanes *= 2)
        if (has_lanes(vectors, lanes))
            text_format(out, "typedef %s f32x%d;\n",
                vectors->family == FAMILY_X86 ? x86[lanes] : "float32x4_t", lanes);
}

void vectors_write(const Vectors *vectors, Text *out) {
    append_types(vectors, out);
    append_shuffle(vectors, out);
    for (int i = 0; i < vectors->count; i++)
        append_helper(vectors, &vectors->helpers[i], out);
}

/* ---- targets ---- */

void vectors_write_includes(const Target *target, Text *out) {
    switch (family_of(target)) {
    case FAMILY_X86:
        text_append(out, "#include <immintrin.h>\n");
        return;
    case FAMILY_NEON:
        text_append(out, "#if !defined(__ARM_NEON)\n"
                         "#error \"this needs NEON: compile with -mfpu=neon-vfpv4 or -mfpu=neon\"\n"
                         "#endif\n#include <arm_neon.h>\n");
        return;
    case FAMILY_ANY:
        text_append(out,
            "\n/* Vectors of GNU C, or else one lane after the other. */\n"
            "#if !defined(HAS_VECTORS)\n#if defined(__GNUC__)\n#define HAS_VECTORS 1\n#else\n"
            "#define HAS_VECTORS 0\n#endif\n#endif\n");
        return;
    }
}

/* The extensions of x86 that the intrinsics of a target need. */
static const char *extensions(const Target *target) {
    if (family_of(target) != FAMILY_X86 || target->lanes == 4)
        return NULL;
    return target->lanes == 16 ? "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi2"
                               : "avx2,fma,bmi2";
}

void vectors_begin_target(const Target *target, Text *out) {
    const char *names = extensions(target);
    if (!names)
        return;
    /* Without a processor to schedule for, clang reorders tiles until they need more registers than
     * there are. */
    const char *tune = target->lanes == 16 ? "skylake-avx512" : "haswell";
    text_format(out,
        "\n/* For processors with these extensions; no flag of the compiler is needed. */\n"
        "#if defined(__clang__)\n"
        "#pragma clang attribute push( \\\n"
        "    __attribute__((target(\"%s,tune=%s\"))), apply_to = function)\n"
        "#elif defined(__GNUC__)\n#pragma GCC target(\"%s\")\n#endif\n",
        names, tune, names);
}

void vectors_end_target(const Target *target, Text *out) {
    if (extensions(target))
        text_append(out, "\n#if defined(__clang__)\n#pragma clang attribute pop\n#endif\n");
}
