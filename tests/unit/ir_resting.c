/* Memory that rests: it keeps its numbers, its pages go, and where no file can be made it is as
 * other memory. */
#include "ir/arena.h"
#include "ir/resting.h"
#include "tests/unit/ir_cmocka.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 3 << 20 };

static char byte_at(size_t i) {
    return (char)(i * 31 + i / 4096);
}

static void fill(char *bytes, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++)
        bytes[i] = byte_at(i);
}

static void expect_filled(const char *bytes, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++)
        if (bytes[i] != byte_at(i))
            fail_msg("byte %zu is %d", i, bytes[i]);
}

/* How much of the memory between has pages in this process. */
static size_t pages_of(const char *begin, size_t bytes) {
    FILE *file = fopen("/proc/self/pagemap", "rb");
    assert_non_null(file);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    for (uintptr_t at = (uintptr_t)begin / page; at < ((uintptr_t)begin + bytes) / page; at++) {
        uint64_t entry = 0;
        assert_int_equal(fseeko(file, (off_t)(at * sizeof entry), SEEK_SET), 0);
        assert_int_equal(fread(&entry, sizeof entry, 1, file), 1);
        count += entry >> 63;
    }
    fclose(file);
    return count;
}

static void arena_memory_rests(void **state) {
    (void)state;
    Arena *arena = arena_create();
    bool rests = true;
    char *small = arena_allocate_resting(arena, 1000, 1, &rests);
    assert_false(rests);
    fill(small, 0, 1000);
    char *large = arena_allocate_resting(arena, LARGE / 4, 4, &rests);
    assert_true(rests);
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(large[i], 0);
    fill(large, 0, LARGE);
    assert_true(pages_of(large, LARGE) > 0);
    memory_rest(large, LARGE);
    assert_int_equal(pages_of(large, LARGE), 0);
    expect_filled(large, 0, LARGE);
    expect_filled(small, 0, 1000);
    arena_destroy(arena);
}

/* Twelve bytes more than two blocks of it, of which there is one. */
static void expect_repeated(bool wanted) {
    enum { COUNT = (8 << 20) / 4 + 3 };
    Arena *arena = arena_create();
    bool rests = !wanted;
    const uint32_t item = 0x87654321;
    const uint32_t *items = arena_allocate_repeated(arena, &item, COUNT, sizeof item, &rests);
    assert_int_equal(rests, wanted);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(items[i], item);
    if (rests) {
        memory_rest(items, COUNT * sizeof item);
        assert_int_equal(pages_of((const char *)items, COUNT * sizeof item), 0);
        assert_int_equal(items[COUNT - 1], item);
    }
    const uint32_t *few = arena_allocate_repeated(arena, &item, 5, sizeof item, &rests);
    assert_false(rests);
    assert_int_equal(few[4], item);
    arena_destroy(arena);
}

static void repeated_memory_rests(void **state) {
    (void)state;
    expect_repeated(true);
    void *memory = resting_repeat(&(uint8_t){7}, 1, (size_t)1 << 36); /* far more than there is */
    assert_non_null(memory);
    assert_int_equal(((uint8_t *)memory)[((size_t)1 << 36) - 1], 7);
    resting_destroy(memory, (size_t)1 << 36);
}

/* In uneven steps, up to 12 MB. */
static void grow_and_check(bool rests) {
    RestingBytes bytes = {0};
    for (size_t step = 1; step < LARGE; step = 3 * step + 7) {
        size_t begin = bytes.length;
        char *place = resting_append(&bytes, 2 * step);
        assert_ptr_equal(place, bytes.data + begin);
        for (size_t i = 0; i < 2 * step; i++)
            assert_int_equal(place[i], 0);
        fill(bytes.data, begin, bytes.length);
    }
    assert_true(bytes.length > 2 * LEAST_RESTING_BYTES);
    assert_int_equal(bytes.rests, rests);
    if (rests)
        assert_true(pages_of(bytes.data, bytes.awake - 4096) == 0);
    expect_filled(bytes.data, 0, bytes.length);
    resting_rest(&bytes, 0, bytes.length);
    expect_filled(bytes.data, 0, bytes.length);
    resting_free(&bytes);
    assert_null(bytes.data);
}

static void bytes_grow(void **state) {
    (void)state;
    grow_and_check(true);
}

static void does_without_a_folder(void **state) {
    (void)state;
    setenv("TMPDIR", "/nonexistent", 1);
    bool rests = true;
    Arena *arena = arena_create();
    char *large = arena_allocate_resting(arena, LARGE, 1, &rests);
    assert_false(rests);
    fill(large, 0, LARGE);
    expect_filled(large, 0, LARGE);
    grow_and_check(false);
    expect_repeated(false);
    arena_destroy(arena);
    unsetenv("TMPDIR");
}

/* The disk is full while they grow. */
static int calls_until_fault;

int __real_fallocate(int file, int mode, off_t offset, off_t length);
int __wrap_fallocate(int file, int mode, off_t offset, off_t length);
int __wrap_fallocate(int file, int mode, off_t offset, off_t length) {
    if (calls_until_fault > 0 && --calls_until_fault == 0) {
        calls_until_fault = 1;
        return -1;
    }
    return __real_fallocate(file, mode, offset, length);
}

static void goes_on_without_room(void **state) {
    (void)state;
    for (int calls = 1; calls <= 2; calls++) { /* the first file; its growth */
        calls_until_fault = calls;
        grow_and_check(false);
    }
    calls_until_fault = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_rests),
        cmocka_unit_test(repeated_memory_rests),
        cmocka_unit_test(bytes_grow),
        cmocka_unit_test(does_without_a_folder),
        cmocka_unit_test(goes_on_without_room),
    };
    return cmocka_run_group_tests_name("resting", tests, NULL, NULL);
}
