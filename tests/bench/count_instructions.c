/* A plugin of qemu that counts how often each block of instructions is run. At the end it prints,
 * for each block, its address, its number of instructions and its runs. A block that is translated
 * twice is printed twice.
 *
 * Declared here are the few functions of qemu's plugin interface that it needs, since Debian's
 * qemu-user comes without the header; they are the same in all its versions. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void translation_callback(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void run_callback(unsigned int processor, void *data);
typedef void end_callback(qemu_plugin_id_t id, void *data);
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translation_callback *callback);
void qemu_plugin_register_vcpu_tb_exec_cb(
    struct qemu_plugin_tb *block, run_callback *callback, int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, end_callback *callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern const int qemu_plugin_version;
EXPORT int qemu_plugin_install(
    qemu_plugin_id_t id, const void *machine, int argument_count, char **arguments);

const int qemu_plugin_version = PLUGIN_VERSION;

typedef struct BlockCount {
    struct BlockCount *next;
    uint64_t address, instructions, runs;
} BlockCount;

static BlockCount *blocks;

static void count_run(unsigned int processor, void *data) {
    (void)processor;
    BlockCount *block = data;
    block->runs++;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *translated) {
    (void)id;
    BlockCount *block = malloc(sizeof *block);
    if (block == NULL)
        abort();
    *block = (BlockCount){
        blocks, qemu_plugin_tb_vaddr(translated), qemu_plugin_tb_n_insns(translated), 0};
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(translated, count_run, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void print_counts(qemu_plugin_id_t id, void *path) {
    (void)id;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        abort();
    for (const BlockCount *block = blocks; block; block = block->next)
        if (block->runs > 0)
            fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address,
                block->instructions, block->runs);
    fclose(file);
}

int qemu_plugin_install(
    qemu_plugin_id_t id, const void *machine, int argument_count, char **arguments) {
    (void)machine;
    if (argument_count != 1)
        return 1;
    static char path[4096]; /* "out=PATH" */
    if (sscanf(arguments[0], "out=%4095s", path) != 1)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, print_counts, path);
    return 0;
}
