/* As much of <android/hardware_buffer.h> as the example uses, to build it where there is no NDK. */
#ifndef STANDIN_HARDWARE_BUFFER_H
#define STANDIN_HARDWARE_BUFFER_H

#include <stdint.h>

typedef struct AHardwareBuffer AHardwareBuffer;

enum AHardwareBuffer_Format {
    AHARDWAREBUFFER_FORMAT_R8G8B8A8_UNORM = 1,
    AHARDWAREBUFFER_FORMAT_R8G8B8X8_UNORM = 2,
    AHARDWAREBUFFER_FORMAT_Y8Cb8Cr8_420 = 0x23
};

enum AHardwareBuffer_UsageFlags { AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN = 3 };

typedef struct ARect {
    int32_t left, top, right, bottom;
} ARect;

typedef struct AHardwareBuffer_Desc {
    uint32_t width, height, layers, format;
    uint64_t usage;
    uint32_t stride, rfu0;
    uint64_t rfu1;
} AHardwareBuffer_Desc;

typedef struct AHardwareBuffer_Plane {
    void *data;
    uint32_t pixelStride, rowStride;
} AHardwareBuffer_Plane;

typedef struct AHardwareBuffer_Planes {
    uint32_t planeCount;
    AHardwareBuffer_Plane planes[4];
} AHardwareBuffer_Planes;

#endif
