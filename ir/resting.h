/* Memory for what is large and seldom looked at, such as weights. It lies in a file without a name,
 * so that the system can have its pages while nobody needs them: they come back when they are
 * looked at.
 *
 * The file is in the folder that the environment variable TMPDIR names, else in /var/tmp, which
 * unlike /tmp is hardly ever memory itself. Where there is no room for it, ordinary memory does,
 * which does not rest. */
#ifndef RIFFLE_IR_RESTING_H
#define RIFFLE_IR_RESTING_H

#include <stdbool.h>
#include <stddef.h>

/* Less than this is not worth a file. */
enum { LEAST_RESTING_BYTES = 1 << 20 };

/* Zeros; NULL where no file can be made. */
void *resting_create(size_t bytes);
/* Memory that holds one item of `size` bytes, a power of two, `bytes` long, again and again: all of
 * it lies in one small file, so it takes no room. It cannot be written. NULL as above. */
void *resting_repeat(const void *item, size_t size, size_t bytes);
void resting_destroy(void *memory, size_t bytes);

/* Lets the pages go. Only for memory from here and for what is mapped from a file and never
 * written. */
void memory_rest(const void *begin, size_t bytes);

/* Bytes that grow; all but those appended last rest. Zeros are the empty ones. */
typedef struct RestingBytes {
    char *data; /* moves when they grow */
    size_t length, capacity;
    size_t awake; /* where those appended last begin */
    bool rests;   /* false: ordinary memory, as for few */
    int file;     /* if they rest */
} RestingBytes;

/* Returns the place of the new bytes, which are zeros. */
char *resting_append(RestingBytes *bytes, size_t length);
/* So many from `begin` rest. */
void resting_rest(const RestingBytes *bytes, size_t begin, size_t length);
/* Releases the memory and zeroes the struct. */
void resting_free(RestingBytes *bytes);

#endif
