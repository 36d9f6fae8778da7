/* As much of the Java Native Interface as the example uses, to build it where there is neither an
 * NDK nor a JDK. The table of functions is not that of a real machine: for tests only. */
#ifndef STANDIN_JNI_H
#define STANDIN_JNI_H

#include <stdint.h>

#define JNIEXPORT __attribute__((visibility("default")))
#define JNICALL
#define JNI_ABORT 2

typedef int32_t jint;
typedef int64_t jlong;
typedef jint jsize;
typedef float jfloat;
typedef void *jobject;
typedef jobject jclass, jarray, jfloatArray;

typedef const struct JNINativeInterface *JNIEnv;

struct JNINativeInterface {
    jclass (*FindClass)(JNIEnv *, const char *);
    jint (*ThrowNew)(JNIEnv *, jclass, const char *);
    jsize (*GetArrayLength)(JNIEnv *, jarray);
    void (*GetFloatArrayRegion)(JNIEnv *, jfloatArray, jsize, jsize, jfloat *);
    void (*SetFloatArrayRegion)(JNIEnv *, jfloatArray, jsize, jsize, const jfloat *);
    void *(*GetDirectBufferAddress)(JNIEnv *, jobject);
    jlong (*GetDirectBufferCapacity)(JNIEnv *, jobject);
};

#endif
