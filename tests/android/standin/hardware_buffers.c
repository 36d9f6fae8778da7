/* libandroid.so and libnativewindow.so at once: Android's functions for hardware buffers, of the
 * class in android/HardwareBuffer.java. A buffer is the object itself. */
#include <android/hardware_buffer.h>
#include <jni.h>

struct AHardwareBuffer {
    JNIEnv *env;
    jobject object;
};

AHardwareBuffer *AHardwareBuffer_fromHardwareBuffer(JNIEnv *env, jobject object);
void AHardwareBuffer_describe(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out);
int AHardwareBuffer_lock(
    AHardwareBuffer *buffer, uint64_t usage, int32_t fence, const ARect *rect, void **address);
int AHardwareBuffer_lockPlanes(AHardwareBuffer *buffer, uint64_t usage, int32_t fence,
    const ARect *rect, AHardwareBuffer_Planes *planes);
int AHardwareBuffer_unlock(AHardwareBuffer *buffer, int32_t *fence);

/* One at a time. */
AHardwareBuffer *AHardwareBuffer_fromHardwareBuffer(JNIEnv *env, jobject object) {
    static AHardwareBuffer buffer;
    buffer = (AHardwareBuffer){env, object};
    return &buffer;
}

static jfieldID field_of(const AHardwareBuffer *buffer, const char *name, const char *type) {
    JNIEnv *env = buffer->env;
    return (*env)->GetFieldID(env, (*env)->GetObjectClass(env, buffer->object), name, type);
}

static uint32_t number(const AHardwareBuffer *buffer, const char *name) {
    return (uint32_t)(*buffer->env)
        ->GetIntField(buffer->env, buffer->object, field_of(buffer, name, "I"));
}

static void *memory(const AHardwareBuffer *buffer, const char *name) {
    JNIEnv *env = buffer->env;
    jobject bytes = (*env)->GetObjectField(
        env, buffer->object, field_of(buffer, name, "Ljava/nio/ByteBuffer;"));
    return bytes == NULL ? NULL : (*env)->GetDirectBufferAddress(env, bytes);
}

static void count_locks(const AHardwareBuffer *buffer, jint more) {
    JNIEnv *env = buffer->env;
    jfieldID locks = field_of(buffer, "locks", "I");
    (*env)->SetIntField(
        env, buffer->object, locks, (*env)->GetIntField(env, buffer->object, locks) + more);
}

void AHardwareBuffer_describe(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out) {
    *out = (AHardwareBuffer_Desc){.width = number(buffer, "width"),
        .height = number(buffer, "height"),
        .layers = 1,
        .format = number(buffer, "format"),
        .stride = number(buffer, "rowStride") / 4};
}

int AHardwareBuffer_lock(
    AHardwareBuffer *buffer, uint64_t usage, int32_t fence, const ARect *rect, void **address) {
    (void)fence, (void)rect;
    *address = memory(buffer, "memory");
    if (*address == NULL || usage != AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN)
        return -22;
    count_locks(buffer, 1);
    return 0;
}

int AHardwareBuffer_lockPlanes(AHardwareBuffer *buffer, uint64_t usage, int32_t fence,
    const ARect *rect, AHardwareBuffer_Planes *planes) {
    void *address;
    uint32_t row = number(buffer, "chromaRowStride"), step = number(buffer, "chromaPixelStride");
    if (AHardwareBuffer_lock(buffer, usage, fence, rect, &address) != 0)
        return -22;
    *planes = (AHardwareBuffer_Planes){
        3, {{address, 1, number(buffer, "rowStride")}, {memory(buffer, "u"), step, row},
               {memory(buffer, "v"), step, row}}};
    return 0;
}

int AHardwareBuffer_unlock(AHardwareBuffer *buffer, int32_t *fence) {
    (void)fence;
    count_locks(buffer, -1);
    return 0;
}
