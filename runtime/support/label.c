#include "runtime/support/label.h"

RIFFLE_SUPPORT_SHARED const char *riffle_support_label(
    int class_index, const int32_t *numbers, const unsigned char *text) {
    if (class_index < 0 || class_index >= numbers[0])
        return NULL;
    return (const char *)text + numbers[1 + class_index];
}
