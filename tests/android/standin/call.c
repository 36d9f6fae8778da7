/* Calls the example's JNI functions as a Java machine would, with arrays of its own: the held-out
 * digits from standard input, 64 floats each; prints the class and the scores, a line for each.
 * With arguments, a frame's sizes and strides, standard input holds its planes. */
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

jint Java_org_example_digits_Digits_classify(JNIEnv *, jclass, jfloatArray, jfloatArray);
jint Java_org_example_digits_Digits_classifyFrame(
    JNIEnv *, jclass, jobject, jobject, jobject, jint, jint, jint, jint, jint, jfloatArray);

struct array {
    jsize length;
    float *numbers;
};

struct buffer {
    jlong bytes;
    void *address; /* NULL: not direct */
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

static void *address_of(JNIEnv *env, jobject buffer) {
    (void)env;
    return ((struct buffer *)buffer)->address;
}

static jlong capacity_of(JNIEnv *env, jobject buffer) {
    (void)env;
    return ((struct buffer *)buffer)->bytes;
}

/* A plane from standard input, in memory of its own size. */
static struct buffer read_plane(const char *bytes) {
    struct buffer plane = {atoi(bytes), malloc((size_t)atoi(bytes))};
    if (fread(plane.address, 1, (size_t)plane.bytes, stdin) != (size_t)plane.bytes)
        exit(EXIT_FAILURE);
    return plane;
}

/* Width, height, the strides of rows and of chroma, and the bytes of Y, U and V. */
static void classify_frame(JNIEnv *env, char **words) {
    float scores[10] = {0};
    struct array answers = {10, scores};
    struct buffer y = read_plane(words[5]), u = read_plane(words[6]), v = read_plane(words[7]);
    struct buffer none = {u.bytes, NULL};
    for (int i = 0; i < 2; i++) {
        printf("%d", (int)Java_org_example_digits_Digits_classifyFrame(env, NULL, &y,
                         i == 0 ? &u : &none, &v, atoi(words[2]), atoi(words[3]), atoi(words[4]),
                         atoi(words[0]), atoi(words[1]), &answers));
        for (int k = 0; k < 10 && !thrown[0]; k++)
            printf(" %.9g", (double)scores[k]);
        printf(" %s\n", thrown);
    }
    free(y.address);
    free(u.address);
    free(v.address);
}

int main(int argc, char **argv) {
    static const struct JNINativeInterface functions = {
        find_class, throw_new, length_of, get_region, set_region, address_of, capacity_of};
    JNIEnv env = &functions;
    if (argc == 9) {
        classify_frame(&env, argv + 1);
        return 0;
    }
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
