/* Mapped files that another program changes. What ends a process runs in a child. */
#include "ir_cmocka.h"

#include "ir/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 3 * 65536 + 1000 };
static const char path[] = "riffle-mapped.bin", other[] = "riffle-mapped-other.bin";

static void fill(const char *name) {
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(fputc(1 + i % 251, file), 1 + i % 251);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
    (void)state;
    fill(path);
    fill(other);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return unlink(path) == 0 && unlink(other) == 0 ? 0 : -1;
}

static int sum(const MappedFile *file) {
    const volatile unsigned char *bytes = file->bytes;
    int result = 0;
    for (size_t i = 0; i < file->size; i++)
        result += bytes[i];
    return result;
}

/* Runs the function in a child whose standard error is a pipe; returns how it ended. */
static int run_in_child(void function(void), char *said, size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        function();
        _exit(99);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], said + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void read_cut_file(void) {
    Diagnostics *diagnostics = diagnostics_create();
    MappedFile files[2];
    if (!mapped_file_open(&files[0], path, diagnostics) ||
        !mapped_file_open(&files[1], other, diagnostics) || sum(&files[0]) != sum(&files[1]) ||
        truncate(path, 100) != 0)
        _exit(98);
    mapped_file_close(&files[1]);
    sum(&files[0]);
}

static void cut_file_is_named(void **state) {
    (void)state;
    char said[200];
    int status = run_in_child(read_cut_file, said, sizeof said);
    assert_string_equal(
        said, "riffle-mapped.bin: error: the file was cut short while it was read\n");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void own_handler(int number) {
    (void)number;
    _exit(7);
}

/* A fault of another mapping, which this module knows nothing of. */
static void read_other_mapping(void) {
    signal(SIGBUS, own_handler);
    Diagnostics *diagnostics = diagnostics_create();
    MappedFile ours, foreign;
    if (!mapped_file_open(&foreign, other, diagnostics))
        _exit(98);
    MappedFile copy = foreign;
    copy.descriptor = dup(foreign.descriptor);
    foreign.size = 0; /* closed, but still mapped */
    mapped_file_close(&foreign);
    if (!mapped_file_open(&ours, path, diagnostics) || truncate(other, 0) != 0)
        _exit(97);
    sum(&copy);
}

static void send_signal(void) {
    signal(SIGBUS, own_handler);
    MappedFile file;
    if (!mapped_file_open(&file, path, diagnostics_create()))
        _exit(98);
    raise(SIGBUS);
}

static void end_by_signal_afterwards(void) {
    signal(SIGBUS, own_handler);
    MappedFile file;
    if (!mapped_file_open(&file, path, diagnostics_create()))
        _exit(98);
    mapped_file_close(&file);
    raise(SIGBUS);
}

static void other_faults_go_where_they_went(void **state) {
    (void)state;
    static void (*const functions[])(void) = {
        read_other_mapping, send_signal, end_by_signal_afterwards};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        char said[200];
        int status = run_in_child(functions[i], said, sizeof said);
        assert_string_equal(said, "");
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 7);
    }
}

static void expect_changed(Diagnostics *diagnostics, const MappedFile *file) {
    assert_false(mapped_file_check(file, diagnostics));
    char said[300] = "";
    FILE *stream = fmemopen(said, sizeof said, "w");
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    assert_string_equal(said,
        "riffle: error: the file 'riffle-mapped.bin' was changed while it was read\n"
        "hint: try again when no other program writes it\n");
}

/* What is cut from the last page reads as zeros: no signal tells. */
static void change_is_seen(void **state) {
    (void)state;
    for (int way = 0; way < 2; way++) {
        fill(path);
        Diagnostics *diagnostics = diagnostics_create();
        MappedFile file;
        assert_true(mapped_file_open(&file, path, diagnostics));
        assert_true(mapped_file_check(&file, diagnostics));
        if (way == 0) {
            assert_int_equal(truncate(path, SIZE - 500), 0);
        } else { /* the same size, another time */
            int writing = open(path, O_WRONLY);
            assert_int_equal(pwrite(writing, "new", 3, 100), 3);
            const struct timespec later[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1 << 30}};
            assert_int_equal(futimens(writing, later), 0);
            close(writing);
        }
        expect_changed(diagnostics, &file);
        mapped_file_close(&file);
        diagnostics_destroy(diagnostics);
    }
}

static void only_regular_files_are_mapped(void **state) {
    (void)state;
    Diagnostics *diagnostics = diagnostics_create();
    MappedFile file;
    const char pipe_name[] = "riffle-mapped.pipe";
    assert_int_equal(mkfifo(pipe_name, 0600), 0);
    assert_false(mapped_file_open(&file, pipe_name, diagnostics));
    assert_int_equal(unlink(pipe_name), 0);
    assert_false(mapped_file_open(&file, ".", diagnostics));
    assert_false(mapped_file_open(&file, "/dev/null", diagnostics));
    assert_false(mapped_file_open(&file, "/nonexistent/file", diagnostics));
    char said[400] = "";
    FILE *stream = fmemopen(said, sizeof said, "w");
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    assert_string_equal(said,
        "riffle: error: 'riffle-mapped.pipe' is no regular file\n"
        "riffle: error: cannot open '.': Is a directory\n"
        "riffle: error: '/dev/null' is no regular file\n"
        "riffle: error: cannot open '/nonexistent/file': No such file or directory\n");
    diagnostics_destroy(diagnostics);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(cut_file_is_named),
        TEST(other_faults_go_where_they_went),
        TEST(change_is_seen),
        TEST(only_regular_files_are_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
