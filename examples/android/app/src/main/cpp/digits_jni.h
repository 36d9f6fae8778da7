/* What the native methods of Digits.java share. */
#ifndef DIGITS_JNI_H
#define DIGITS_JNI_H

#include "digits.h"

#include <jni.h>
#include <stdbool.h>

/* Java calls none of these: the app's symbol table need not have them. */
#pragma GCC visibility push(hidden)

void throw_exception(JNIEnv *env, const char *name, const char *message);

/* False after throwing. */
bool scores_fit(JNIEnv *env, jfloatArray scores);

/* The square in the middle of the frame as the network's input. A status. */
int prepare_frame(struct digits_frame *frame, float *pixels);

/* From that status and these pixels to the digit and its scores; -1 after throwing. */
jint answer_prepared(JNIEnv *env, int status, const float *pixels, jfloatArray scores);

#pragma GCC visibility pop

#endif
