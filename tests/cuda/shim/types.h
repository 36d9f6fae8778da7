/* Vector types of CUDA, with the alignment that a GPU asks for. */
#ifndef RIFFLE_SHIM_TYPES_H
#define RIFFLE_SHIM_TYPES_H

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned columns = 1, unsigned rows = 1, unsigned planes = 1)
        : x(columns), y(rows), z(planes) {
    }
};

#define SHIM_VECTOR(type, name, alignment)                                                         \
    struct alignas(alignment / 2) name##2 {                                                        \
        type x, y;                                                                                 \
    };                                                                                             \
    struct name##3 {                                                                               \
        type x, y, z;                                                                              \
    };                                                                                             \
    struct alignas(alignment) name##4 {                                                            \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    constexpr name##2 make_##name##2(type x, type y) {                                             \
        return {x, y};                                                                             \
    }                                                                                              \
    constexpr name##4 make_##name##4(type x, type y, type z, type w) {                             \
        return {x, y, z, w};                                                                       \
    }

SHIM_VECTOR(float, float, 16)
SHIM_VECTOR(int, int, 16)
#undef SHIM_VECTOR

#endif
