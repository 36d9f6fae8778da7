/* One reader as libFuzzer calls it; READER is which (CMakeLists.txt makes a program of each). */
#include "tests/fuzz/readers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *exact = malloc(size + 1); /* no byte more, so that reading too far is seen */
    if (exact == NULL)
        return -1;
    if (size > 0)
        memcpy(exact, data, size);
    exact[size] = '\0';
    Text file = {exact, size, size + 1};
    reader_try(READER, &file);
    text_free(&file);
    return 0;
}
