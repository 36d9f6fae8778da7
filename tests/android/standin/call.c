/* Calls the example's JNI function as a Java machine would, with arrays of its own: the held-out
 * digits from standard input, 64 floats each; prints the class and the scores, a line for each. */
#include <jni.h>
#include <stdio.h>
#include <string.h>

jint Java_org_example_digits_Digits_classify(JNIEnv *, jclass, jfloatArray, jfloatArray);

struct array {
    jsize length;
    float *numbers;
};

static char thrown[256];

static jclass find_class(JNIEnv *env, const char *name) {
    (void)env;
    return (jclass)(size_t)name;
}

static jint throw_new(JNIEnv *env, jclass class, const char *message) {
    (void)env;
    snprintf(thrown, sizeof thrown, "%s: %s", (const char *)class, message);
    return 0;
}

static jsize length_of(JNIEnv *env, jarray array) {
    (void)env;
    return ((struct array *)array)->length;
}

static void get_region(JNIEnv *env, jfloatArray array, jsize start, jsize count, jfloat *to) {
    (void)env;
    memcpy(to, ((struct array *)array)->numbers + start, (size_t)count * sizeof *to);
}

static void set_region(
    JNIEnv *env, jfloatArray array, jsize start, jsize count, const jfloat *from) {
    (void)env;
    memcpy(((struct array *)array)->numbers + start, from, (size_t)count * sizeof *from);
}

int main(void) {
    static const struct JNINativeInterface functions = {
        find_class, throw_new, length_of, get_region, set_region};
    JNIEnv env = &functions;
    float image[64], scores[10];
    struct array images = {64, image}, answers = {10, scores}, few = {9, scores};
    while (fread(image, sizeof image, 1, stdin) == 1) {
        printf("%d", (int)Java_org_example_digits_Digits_classify(&env, NULL, &images, &answers));
        for (int i = 0; i < 10; i++)
            printf(" %.9g", (double)scores[i]);
        printf("\n");
    }
    printf("%s\n", thrown[0] ? "thrown too early" : "nothing thrown");
    printf("%d", (int)Java_org_example_digits_Digits_classify(&env, NULL, &images, &few));
    printf(" %s\n", thrown);
    printf("%d", (int)Java_org_example_digits_Digits_classify(&env, NULL, NULL, &answers));
    printf(" %s\n", thrown);
    return 0;
}
