/* What Digits.java declares as native: the compiled network, called with Java's arrays. */
#include "digits.h"

#include <jni.h>

static void throw_exception(JNIEnv *env, const char *name, const char *message) {
    jclass class = (*env)->FindClass(env, name);
    if (class != NULL)
        (*env)->ThrowNew(env, class, message);
}

/* static native int classify(float[] image, float[] scores): the digit with the highest score; -1
 * when an exception was thrown. */
JNIEXPORT jint JNICALL Java_org_example_digits_Digits_classify(
    JNIEnv *env, jclass class, jfloatArray image, jfloatArray scores) {
    /* 15 KiB: small enough for the stack. A larger network's workspace is better allocated once. */
    _Alignas(DIGITS_WORKSPACE_ALIGNMENT) unsigned char workspace[DIGITS_WORKSPACE_BYTES];
    float pixels[DIGITS_INPUT_IMAGE_ELEMENTS], logits[DIGITS_OUTPUT_LOGITS_ELEMENTS];
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
