/* Files that are written together, with a fault at each call of the system. */
#include "ir_cmocka.h"

#include "ir/write_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- faults: the linker puts these in the place of the calls ---- */

static int calls_until_fault; /* 0: none */
static bool has_links = true;

int __real_mkostemp(char *path, int flags);
ssize_t __real_write(int file, const void *data, size_t size);
int __real_close(int file);
int __real_linkat(int from, const char *path, int to, const char *name, int flags);
int __real_rename(const char *from, const char *to);
int __wrap_mkostemp(char *path, int flags);
ssize_t __wrap_write(int file, const void *data, size_t size);
int __wrap_close(int file);
int __wrap_linkat(int from, const char *path, int to, const char *name, int flags);
int __wrap_rename(const char *from, const char *to);

static bool fails(void) {
    if (calls_until_fault == 0 || --calls_until_fault > 0)
        return false;
    errno = ENOSPC;
    return true;
}

int __wrap_mkostemp(char *path, int flags) {
    return fails() ? -1 : __real_mkostemp(path, flags);
}

/* A disk that gets full takes a part first. */
ssize_t __wrap_write(int file, const void *data, size_t size) {
    if (size > 1)
        return __real_write(file, data, size / 2);
    return fails() ? -1 : __real_write(file, data, size);
}

int __wrap_close(int file) {
    bool failed = fails();
    int result = __real_close(file);
    if (failed)
        errno = ENOSPC;
    return failed ? -1 : result;
}

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags) {
    if (!has_links) {
        errno = EPERM;
        return -1;
    }
    return __real_linkat(from, path, to, name, flags);
}

int __wrap_rename(const char *from, const char *to) {
    return fails() ? -1 : __real_rename(from, to);
}

/* ---- the files ---- */

enum { FILES = 4 };
static const char *const paths[FILES] = {"first", "absent", "third", "last"};
static const char *const old[FILES] = {"old first", NULL, "old third", "old last"};
static const char *const new[FILES] = {"new 1", "new 2", "", "new 4"};

static void put(const char *path, const char *contents) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(contents, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_contents(const char *path, const char *contents) {
    FILE *file = fopen(path, "r");
    if (contents == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    char read[64] = "";
    size_t length = fread(read, 1, sizeof read - 1, file);
    assert_int_equal(length, strlen(contents));
    assert_string_equal(read, contents);
    assert_int_equal(fclose(file), 0);
}

static size_t count_names(void) {
    DIR *folder = opendir(".");
    assert_non_null(folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static int enter_folder(void **state) {
    char *folder = strdup("riffle-write-XXXXXX");
    *state = folder;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    for (size_t i = 0; i < FILES; i++)
        unlink(paths[i]);
    int result = chdir("..") == 0 ? rmdir(*state) : -1;
    free(*state);
    return result;
}

static int write_new(size_t *failed) {
    Text texts[FILES] = {0};
    FileToWrite files[FILES];
    for (size_t i = 0; i < FILES; i++) {
        text_append(&texts[i], new[i]);
        files[i] = (FileToWrite){.path = paths[i], .contents = &texts[i]};
    }
    int error = write_files(files, FILES, failed);
    for (size_t i = 0; i < FILES; i++)
        text_free(&texts[i]);
    return error;
}

/* Makes each call fail in turn, until none is left to fail; returns how many there were. A rename
 * that undoes another is not among them: there is one fault in each try. */
static int try_each_fault(void) {
    for (int call = 1;; call++) {
        unlink(paths[1]);
        for (size_t i = 0; i < FILES; i++)
            if (old[i] != NULL)
                put(paths[i], old[i]);
        calls_until_fault = call;
        size_t failed = FILES;
        int error = write_new(&failed);
        bool reached = calls_until_fault == 0;
        calls_until_fault = 0;
        assert_int_equal(error, reached ? ENOSPC : 0);
        assert_int_equal(failed < FILES, reached);
        for (size_t i = 0; i < FILES; i++)
            expect_contents(paths[i], reached ? old[i] : new[i]);
        assert_int_equal(count_names(), reached ? FILES - 1 : FILES);
        if (!reached)
            return call - 1;
    }
}

/* Four files: each is made, closed and renamed; three have a last byte that can fail. */
static void old_files_stand(void **state) {
    (void)state;
    has_links = true;
    assert_int_equal(try_each_fault(), 3 * FILES + 3);
}

/* Two old files are renamed out of the way besides, and the absent one is looked for. */
static void old_files_stand_without_links(void **state) {
    (void)state;
    has_links = false;
    int calls = try_each_fault();
    has_links = true;
    assert_int_equal(calls, 3 * FILES + 3 + 3);
}

static void device_is_written_before_renames(void **state) {
    (void)state;
    put(paths[0], old[0]);
    if (symlink("/dev/full", paths[3]) != 0)
        fail();
    Text text = {0};
    text_append(&text, "some");
    const FileToWrite files[] = {
        {.path = paths[0], .contents = &text}, {.path = paths[3], .contents = &text}};
    size_t failed = 0;
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(write_files(files, 2, &failed), ENOSPC);
        assert_int_equal(failed, 1);
    }
    expect_contents(paths[0], old[0]);
    assert_int_equal(count_names(), 2);
    text_free(&text);
}

static void pipe_without_a_reader_does_not_wait(void **state) {
    (void)state;
    assert_int_equal(mkfifo(paths[0], 0600), 0);
    Text text = {0};
    text_append(&text, "some");
    assert_int_equal(text_write_file(&text, paths[0]), ENXIO);
    text_free(&text);
}

static void splice_stands_at_its_place(void **state) {
    (void)state;
    Text text = {0}, none = {0}, copied = {0};
    text_append(&text, "begin, end");
    text_append(&copied, text.data);
    const FileToWrite files[] = {{paths[0], &text, {.bytes = "middle, ", .length = 8, .at = 7}},
        {paths[1], &none, {.bytes = "alone", .length = 5}},
        {paths[2], &text, {.bytes = " of all", .length = 7, .at = 10}}};
    assert_int_equal(write_files(files, 3, NULL), 0);
    expect_contents(paths[0], "begin, middle, end");
    expect_contents(paths[1], "alone");
    expect_contents(paths[2], "begin, end of all");
    text_splice(&copied, &files[0].splice);
    assert_string_equal(copied.data, "begin, middle, end");
    text_free(&text);
    text_free(&copied);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_files_stand, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(old_files_stand_without_links, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(
            device_is_written_before_renames, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(
            pipe_without_a_reader_does_not_wait, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(splice_stands_at_its_place, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
