/* What Digits.java declares as native: the compiled network, called with Java's arrays. */
#include "digits_jni.h"

#include <stdlib.h>

void throw_exception(JNIEnv *env, const char *name, const char *message) {
    jclass class = (*env)->FindClass(env, name);
    if (class != NULL)
        (*env)->ThrowNew(env, class, message);
}

/* The digit with the highest score; -1 when an exception was thrown. */
static jint answer(JNIEnv *env, const float *pixels, jfloatArray scores) {
    /* 15 KiB: small enough for the stack. A larger network's workspace is better allocated once. */
    _Alignas(DIGITS_WORKSPACE_ALIGNMENT) unsigned char workspace[DIGITS_WORKSPACE_BYTES];
    float logits[DIGITS_OUTPUT_LOGITS_ELEMENTS];
    struct digits_inputs inputs = {.image = pixels};
    struct digits_outputs outputs = {.logits = logits};
    int status = digits_run(&inputs, &outputs, workspace);
    if (status != DIGITS_OK) {
        throw_exception(env, "java/lang/IllegalStateException", digits_status_text(status));
        return -1;
    }
    (*env)->SetFloatArrayRegion(env, scores, 0, DIGITS_OUTPUT_LOGITS_ELEMENTS, logits);
    int best = 0;
    for (int digit = 1; digit < DIGITS_OUTPUT_LOGITS_ELEMENTS; digit++)
        if (logits[digit] > logits[best])
            best = digit;
    return best;
}

/* static native int classify(float[] image, float[] scores): the digit with the highest score; -1
 * when an exception was thrown. */
JNIEXPORT jint JNICALL Java_org_example_digits_Digits_classify(
    JNIEnv *env, jclass class, jfloatArray image, jfloatArray scores) {
    float pixels[DIGITS_INPUT_IMAGE_ELEMENTS];
    (void)class;

    if (image == NULL || scores == NULL) {
        throw_exception(env, "java/lang/NullPointerException", "image and scores must not be null");
        return -1;
    }
    if ((*env)->GetArrayLength(env, image) != DIGITS_INPUT_IMAGE_ELEMENTS ||
        (*env)->GetArrayLength(env, scores) != DIGITS_OUTPUT_LOGITS_ELEMENTS) {
        throw_exception(
            env, "java/lang/IllegalArgumentException", "image must have 64 numbers, and scores 10");
        return -1;
    }
    (*env)->GetFloatArrayRegion(env, image, 0, DIGITS_INPUT_IMAGE_ELEMENTS, pixels);
    return answer(env, pixels, scores);
}

/* One plane of a frame; false when the buffer is not direct. */
static bool set_plane(
    JNIEnv *env, jobject buffer, jint row_stride, int plane, struct digits_frame *frame) {
    void *address = buffer == NULL ? NULL : (*env)->GetDirectBufferAddress(env, buffer);
    jlong bytes = address == NULL ? 0 : (*env)->GetDirectBufferCapacity(env, buffer);
    if (bytes <= 0)
        return false;
    frame->planes[plane] = address;
    frame->plane_bytes[plane] = (size_t)bytes;
    frame->row_bytes[plane] = (size_t)row_stride;
    return true;
}

bool scores_fit(JNIEnv *env, jfloatArray scores) {
    if (scores != NULL && (*env)->GetArrayLength(env, scores) == DIGITS_OUTPUT_LOGITS_ELEMENTS)
        return true;
    throw_exception(env, "java/lang/IllegalArgumentException", "scores must have 10 numbers");
    return false;
}

int prepare_frame(struct digits_frame *frame, float *pixels) {
    int side = frame->width < frame->height ? frame->width : frame->height;
    frame->crop_x = (frame->width - side) / 2;
    frame->crop_y = (frame->height - side) / 2;
    frame->crop_width = frame->crop_height = side;
    void *scratch = malloc(digits_prepare_image_scratch_bytes(side, side) + 1);
    int status = digits_prepare_image(frame, pixels, NULL, scratch);
    free(scratch);
    return status;
}

jint answer_prepared(JNIEnv *env, int status, const float *pixels, jfloatArray scores) {
    if (status != DIGITS_OK) {
        throw_exception(env, "java/lang/IllegalArgumentException", digits_status_text(status));
        return -1;
    }
    return answer(env, pixels, scores);
}

/* static native int classifyFrame(ByteBuffer y, ByteBuffer u, ByteBuffer v, int rowStride,
 *     int chromaRowStride, int chromaPixelStride, int width, int height, float[] scores) */
JNIEXPORT jint JNICALL Java_org_example_digits_Digits_classifyFrame(JNIEnv *env, jclass class,
    jobject y, jobject u, jobject v, jint row_stride, jint chroma_row_stride,
    jint chroma_pixel_stride, jint width, jint height, jfloatArray scores) {
    float pixels[DIGITS_INPUT_IMAGE_ELEMENTS];
    struct digits_frame frame = {.format = DIGITS_FRAME_I420,
        .colour = DIGITS_FRAME_BT601_FULL,
        .width = width,
        .height = height,
        .chroma_bytes = chroma_pixel_stride};
    (void)class;

    if (!scores_fit(env, scores))
        return -1;
    if (!set_plane(env, y, row_stride, 0, &frame) ||
        !set_plane(env, u, chroma_row_stride, 1, &frame) ||
        !set_plane(env, v, chroma_row_stride, 2, &frame)) {
        throw_exception(
            env, "java/lang/IllegalArgumentException", "y, u and v must be direct buffers");
        return -1;
    }
    return answer_prepared(env, prepare_frame(&frame, pixels), pixels, scores);
}
