/* What this machine is: which targets run on it, and what it has besides its class. */
#include "backends/target/target.h"
#include "ir/arena.h"
#include <string.h>
#include <unistd.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
static const Architecture architecture_here = ARCHITECTURE_X86_64;

static bool runs_lanes(int lanes) {
    __builtin_cpu_init();
    if (lanes >= 16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (lanes >= 8)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return true;
}

static ByteProducts byte_products(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") ? BYTES_IN_QUADS : BYTES_NONE;
}

static Bf16Products bf16_products(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bf16"))
        return BF16_NONE;
    bool fast = __builtin_cpu_is("amd") || __builtin_cpu_is("cooperlake");
    return fast ? BF16_FAST : BF16_SLOW;
}
#elif defined(__aarch64__)
static const Architecture architecture_here = ARCHITECTURE_AARCH64;

static bool runs_lanes(int lanes) {
    return lanes <= 4;
}

/* Bits of what Linux says of a processor. */
static ByteProducts byte_products(void) {
#if defined(__linux__)
    enum { DOT_PRODUCTS = 1 << 20, I8MM = 1 << 13 };
    if ((getauxval(AT_HWCAP2) & I8MM) != 0)
        return BYTES_IN_QUADS;
    if ((getauxval(AT_HWCAP) & DOT_PRODUCTS) != 0)
        return BYTES_IN_SIGNED_QUADS;
#endif
    return BYTES_NONE;
}

static Bf16Products bf16_products(void) {
    return BF16_NONE;
}
#else
/* No code is made for it. */
static const Architecture architecture_here = (Architecture)-1;

static bool runs_lanes(int lanes) {
    (void)lanes;
    return false;
}

static ByteProducts byte_products(void) {
    return BYTES_NONE;
}

static Bf16Products bf16_products(void) {
    return BF16_NONE;
}
#endif

bool target_runs_here(const Target *target) {
    if (target->architecture == ARCHITECTURE_ANY)
        return true;
    /* Bulldozer's four-operand multiply-add exists nowhere else. */
    bool bulldozer = strncmp(target->cpu, "bdver", 5) == 0;
    return target->architecture == architecture_here && strstr(target->triple, "-linux-gnu") &&
           !bulldozer && runs_lanes(target->lanes);
}

#if defined(_SC_LEVEL1_DCACHE_SIZE) && defined(_SC_LEVEL2_CACHE_SIZE)
/* The system may not know (0 or less), or tell what a virtual machine made up. */
static int64_t cache_here(int name, int64_t typical) {
    enum { LEAST = 16 << 10, MOST = 16 << 20 };
    long bytes = sysconf(name);
    return bytes >= LEAST && bytes <= MOST ? bytes : typical;
}

static void take_caches(Target *target) {
    target->l1_bytes = cache_here(_SC_LEVEL1_DCACHE_SIZE, target->l1_bytes);
    target->l2_bytes = cache_here(_SC_LEVEL2_CACHE_SIZE, target->l2_bytes);
}
#else /* a C library that cannot be asked: typical ones stay */
static void take_caches(Target *target) {
    (void)target;
}
#endif

static const char *byte_feature(bool x86, ByteProducts bytes) {
    return x86 ? "+avx512vnni" : bytes == BYTES_IN_QUADS ? "+i8mm" : "+dotprod";
}

const Target *target_native(Arena *arena) {
    size_t count;
    const Target *targets = target_table(&count), *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (target_runs_here(&targets[i]))
            best = &targets[i];
    if (best == NULL)
        return NULL;
    Target *target = ARENA_NEW(arena, Target);
    *target = *best;
    take_caches(target);
    bool x86 = best->architecture == ARCHITECTURE_X86_64;
    ByteProducts bytes = byte_products();
    if ((x86 && best->lanes < 16) || bytes == BYTES_NONE)
        return target;
    target->bytes = bytes;
    target->bf16 = bf16_products();
    target->features = arena_format(arena, "%s%s%s%s", best->features, best->features[0] ? "," : "",
        byte_feature(x86, bytes), target->bf16 != BF16_NONE ? ",+avx512bf16" : "");
    return target;
}
