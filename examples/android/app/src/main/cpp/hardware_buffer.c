/* A frame in a HardwareBuffer, which the camera, a decoder or the GPU shares with others. Android
 * has the functions for them since versions 8 (API level 26) and 10 (29), and this library may run
 * on older ones: it looks for them when it is asked. */
#include "digits_jni.h"

#include <android/hardware_buffer.h>
#include <dlfcn.h>
#include <string.h>

typedef struct BufferFunctions {
    AHardwareBuffer *(*of_java)(JNIEnv *, jobject);
    void (*describe)(const AHardwareBuffer *, AHardwareBuffer_Desc *);
    int (*lock)(AHardwareBuffer *, uint64_t, int32_t, const ARect *, void **);
    int (*lock_planes)(
        AHardwareBuffer *, uint64_t, int32_t, const ARect *, AHardwareBuffer_Planes *);
    int (*unlock)(AHardwareBuffer *, int32_t *);
} BufferFunctions;

static bool find(const char *library, const char *name, void *pointer) {
    void *handle = dlopen(library, RTLD_NOW); /* it is there as long as the app is */
    void *function = handle == NULL ? NULL : dlsym(handle, name);
    memcpy(pointer, &function, sizeof function);
    return function != NULL;
}

static bool find_functions(BufferFunctions *found) {
    static const char window[] = "libnativewindow.so";
    (void)find(window, "AHardwareBuffer_lockPlanes", &found->lock_planes); /* not before 10 */
    return find("libandroid.so", "AHardwareBuffer_fromHardwareBuffer", &found->of_java) &&
           find(window, "AHardwareBuffer_describe", &found->describe) &&
           find(window, "AHardwareBuffer_lock", &found->lock) &&
           find(window, "AHardwareBuffer_unlock", &found->unlock);
}

static bool is_rgba(const AHardwareBuffer_Desc *description) {
    return description->format == AHARDWAREBUFFER_FORMAT_R8G8B8A8_UNORM ||
           description->format == AHARDWAREBUFFER_FORMAT_R8G8B8X8_UNORM;
}

/* The planes of a buffer that is locked then. False when it cannot be read. */
static bool lock(const BufferFunctions *functions, AHardwareBuffer *buffer,
    const AHardwareBuffer_Desc *description, struct digits_frame *frame) {
    const uint64_t usage = AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN;
    if (is_rgba(description)) {
        void *pixels = NULL;
        if (functions->lock(buffer, usage, -1, NULL, &pixels) != 0)
            return false;
        frame->format = DIGITS_FRAME_RGBA;
        frame->planes[0] = pixels;
        frame->row_bytes[0] = (size_t)description->stride * 4;
        return true;
    }
    AHardwareBuffer_Planes planes = {0};
    if (functions->lock_planes == NULL ||
        functions->lock_planes(buffer, usage, -1, NULL, &planes) != 0)
        return false;
    frame->format = DIGITS_FRAME_I420;
    frame->colour = DIGITS_FRAME_BT601_FULL;
    for (uint32_t i = 0; i < 3 && i < planes.planeCount; i++) {
        frame->planes[i] = planes.planes[i].data;
        frame->row_bytes[i] = planes.planes[i].rowStride;
    }
    frame->chroma_bytes = (int)planes.planes[1].pixelStride;
    return true;
}

static jint answer_buffer(JNIEnv *env, const BufferFunctions *functions, AHardwareBuffer *buffer,
    const AHardwareBuffer_Desc *description, jfloatArray scores) {
    float pixels[DIGITS_INPUT_IMAGE_ELEMENTS];
    struct digits_frame frame = {
        .width = (int)description->width, .height = (int)description->height};
    if (!lock(functions, buffer, description, &frame)) {
        throw_exception(env, "java/lang/IllegalArgumentException",
            "the buffer cannot be read by the processor");
        return -1;
    }
    int status = prepare_frame(&frame, pixels);
    (void)functions->unlock(buffer, NULL); /* the camera may have it back */
    return answer_prepared(env, status, pixels, scores);
}

/* static native int classifyBuffer(HardwareBuffer buffer, float[] scores) */
JNIEXPORT jint JNICALL Java_org_example_digits_Digits_classifyBuffer(
    JNIEnv *env, jclass class, jobject object, jfloatArray scores) {
    BufferFunctions functions = {0};
    AHardwareBuffer_Desc description = {0};
    (void)class;
    if (!scores_fit(env, scores))
        return -1;
    if (object == NULL) {
        throw_exception(env, "java/lang/NullPointerException", "buffer must not be null");
        return -1;
    }
    if (!find_functions(&functions)) {
        throw_exception(env, "java/lang/UnsupportedOperationException",
            "this Android has no hardware buffers: they came with version 8");
        return -1;
    }
    AHardwareBuffer *buffer = functions.of_java(env, object);
    functions.describe(buffer, &description);
    if (is_rgba(&description) || description.format == AHARDWAREBUFFER_FORMAT_Y8Cb8Cr8_420)
        return answer_buffer(env, &functions, buffer, &description, scores);
    throw_exception(env, "java/lang/IllegalArgumentException",
        "the buffer's format is neither RGBA_8888, RGBX_8888 nor YCBCR_420_888");
    return -1;
}
