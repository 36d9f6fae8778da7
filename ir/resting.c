#include "ir/resting.h"

#include "ir/ending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- files without names ---- */

static int open_nameless(const char *folder) {
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return file;
    char *path = NULL;
    if (asprintf(&path, "%s/riffle-XXXXXX", folder) < 0)
        return -1;
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        (void)unlink(path);
    free(path);
    return file;
}

/* With room on the disk for all of it: a page that finds none later would end the process. */
static int create_file(size_t bytes) {
    const char *folder = getenv("TMPDIR");
    int file = open_nameless(folder != NULL && *folder != '\0' ? folder : "/var/tmp");
    if (file >= 0 && fallocate(file, 0, 0, (off_t)bytes) != 0) {
        close(file);
        file = -1;
    }
    return file;
}

static void *map_file(int file, size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *resting_create(size_t bytes) {
    int file = create_file(bytes);
    if (file < 0)
        return NULL;
    void *memory = map_file(file, bytes);
    close(file); /* the mapping keeps it */
    return memory;
}

/* A file of one block that holds the item again and again; -1 where there is none. */
static int create_repeated(const void *item, size_t size, size_t block) {
    int file = create_file(block);
    char *memory = file < 0 ? NULL : map_file(file, block);
    if (memory == NULL) {
        if (file >= 0)
            close(file);
        return -1;
    }
    for (size_t at = 0; at < block; at += size)
        memcpy(memory + at, item, size);
    munmap(memory, block);
    return file;
}

void *resting_repeat(const void *item, size_t size, size_t bytes) {
    size_t block = LEAST_RESTING_BYTES * 4; /* whole pages, and few mappings */
    int file = bytes == 0 || bytes > SIZE_MAX / 2 ? -1 : create_repeated(item, size, block);
    if (file < 0)
        return NULL;
    char *memory = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool good = memory != MAP_FAILED;
    for (size_t at = 0; good && at < bytes; at += block) {
        size_t part = bytes - at < block ? bytes - at : block;
        good = mmap(memory + at, part, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    }
    close(file);
    if (!good && memory != MAP_FAILED)
        munmap(memory, bytes);
    return good ? memory : NULL;
}

void resting_destroy(void *memory, size_t bytes) {
    munmap(memory, bytes);
}

void memory_rest(const void *begin, size_t bytes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)begin & ~(page - 1);
    if (bytes > 0)
        (void)madvise((void *)first, (uintptr_t)begin + bytes - first, MADV_DONTNEED);
}

/* ---- bytes that grow ---- */

/* False where there is no file, or no more room in it. */
static bool grow_in_file(RestingBytes *bytes, size_t capacity) {
    int file = bytes->rests ? bytes->file : create_file(capacity);
    if (file < 0 || (bytes->rests && fallocate(file, 0, 0, (off_t)capacity) != 0))
        return false;
    void *data = bytes->rests ? mremap(bytes->data, bytes->capacity, capacity, MREMAP_MAYMOVE)
                              : map_file(file, capacity);
    if (data == NULL || data == MAP_FAILED) {
        if (!bytes->rests)
            close(file);
        return false;
    }
    if (!bytes->rests && bytes->data != NULL) {
        memcpy(data, bytes->data, bytes->length);
        memory_rest(data, bytes->length);
        free(bytes->data);
    }
    bytes->data = data;
    bytes->capacity = capacity;
    bytes->rests = true;
    bytes->file = file;
    return true;
}

static void grow_in_memory(RestingBytes *bytes, size_t capacity) {
    char *data = bytes->rests ? malloc(capacity) : realloc(bytes->data, capacity);
    if (data == NULL)
        out_of_memory();
    if (bytes->rests) {
        memcpy(data, bytes->data, bytes->length);
        munmap(bytes->data, bytes->capacity);
        close(bytes->file);
    }
    bytes->data = data;
    bytes->capacity = capacity;
    bytes->rests = false;
}

static void grow(RestingBytes *bytes, size_t least) {
    size_t capacity = bytes->capacity < 4096 ? 4096 : bytes->capacity + bytes->capacity / 2;
    if (capacity < least)
        capacity = least;
    if (capacity < LEAST_RESTING_BYTES || !grow_in_file(bytes, capacity))
        grow_in_memory(bytes, capacity);
}

char *resting_append(RestingBytes *bytes, size_t length) {
    size_t end;
    if (__builtin_add_overflow(bytes->length, length, &end) || end > SIZE_MAX / 4)
        out_of_memory();
    resting_rest(bytes, bytes->awake, bytes->length - bytes->awake);
    bytes->awake = bytes->length;
    if (end > bytes->capacity)
        grow(bytes, end);
    char *place = bytes->data + bytes->length;
    memset(place, 0, length);
    bytes->length = end;
    return place;
}

void resting_rest(const RestingBytes *bytes, size_t begin, size_t length) {
    if (bytes->rests)
        memory_rest(bytes->data + begin, length);
}

void resting_free(RestingBytes *bytes) {
    if (bytes->rests) {
        munmap(bytes->data, bytes->capacity);
        close(bytes->file);
    } else {
        free(bytes->data);
    }
    *bytes = (RestingBytes){0};
}
