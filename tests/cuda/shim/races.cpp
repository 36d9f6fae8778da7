#include "races.h"

#include "control.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <unordered_map>

namespace shim {
namespace {

constexpr std::uintptr_t WORD_BYTES = 4, PAGE_BYTES = 4096;
constexpr long MOST_PRINTED = 5;

struct Access {
    unsigned launch = 0; /* 0: none */
    unsigned block = 0, thread = 0, epoch = 0,
             warp_epoch = 0; /* who, and after how many barriers */
    const void *code = nullptr;
};

/* The last write, and the last read; of the reads before it what another writer may not overtake.
 */
struct Word {
    Access write, read, other_read;
    unsigned read_only_launch = 0; /* the last that read it through the read-only cache */
};

using Page = std::array<Word, PAGE_BYTES / WORD_BYTES>;

/* What is known of a block: that all its threads passed `epoch` barriers and one of them went on.
 */
struct Known {
    unsigned epoch = 0, thread = 0;
    bool any = false;
};
using View = std::vector<Known>; /* by block; empty when nothing is known */

bool watches; /* whether any code calls it: set before main, perhaps before the watcher is made */

struct Watcher {
    unsigned launch = 0, blocks = 0;
    long races = 0;
    std::unordered_map<std::uintptr_t, std::unique_ptr<Page>> pages;
    std::uintptr_t last_number = 0;
    Page *last_page = nullptr;
    std::vector<View> block_views;                       /* by block */
    std::unordered_map<const Thread *, View> views;      /* of threads, since the last barrier */
    std::unordered_map<const Thread *, View> unseen;     /* read, but not fenced yet */
    std::unordered_map<const Thread *, unsigned> fences; /* the epoch of the last fence, plus one */
    std::unordered_map<const void *, View> published;    /* by word */
} watcher;

void join(View &into, const View &from) {
    if (from.empty())
        return;
    into.resize(std::max(into.size(), from.size()));
    for (std::size_t i = 0; i < from.size(); i++)
        if (from[i].any && (!into[i].any || from[i].epoch >= into[i].epoch))
            into[i] = from[i];
}

bool covers(const View &view, const Access &before) {
    if (before.block >= view.size() || !view[before.block].any)
        return false;
    const Known &known = view[before.block];
    return before.epoch < known.epoch ||
           (before.epoch == known.epoch && before.thread == known.thread);
}

/* Whether what was done before is certain to be seen by the thread now. */
bool ordered(const Access &before, const Thread &thread, bool shared) {
    const Block &block = *thread.block;
    if (before.launch != watcher.launch)
        return true;
    if (before.block != block.number) {
        if (shared) /* one address serves several blocks, each of which has its own memory there */
            return true;
        if (covers(watcher.block_views[block.number], before))
            return true;
        const auto own = watcher.views.find(&thread);
        return own != watcher.views.end() && covers(own->second, before);
    }
    return before.epoch != block.epoch || before.thread == thread.number ||
           (before.thread / WARP == thread.number / WARP &&
               before.warp_epoch != block.warp_epochs[thread.number / WARP]);
}

void report(const char *what, const void *address, const Access &before, const Access &now) {
    if (watcher.races++ < MOST_PRINTED)
        std::fprintf(stderr,
            "shim: race at %p: thread %u of block %u (epoch %u, code %p) %s thread %u of block %u "
            "(epoch %u, code %p)\n",
            address, now.thread, now.block, now.epoch, now.code, what, before.thread, before.block,
            before.epoch, before.code);
}

Word &word_at(std::uintptr_t address) {
    const std::uintptr_t number = address / PAGE_BYTES;
    if (number != watcher.last_number || watcher.last_page == nullptr) {
        std::unique_ptr<Page> &page = watcher.pages[number];
        if (page == nullptr)
            page = std::make_unique<Page>();
        watcher.last_number = number;
        watcher.last_page = page.get();
    }
    return (*watcher.last_page)[address % PAGE_BYTES / WORD_BYTES];
}

void note_read(
    Word &word, const void *address, const Access &now, const Thread &thread, bool shared) {
    if (!ordered(word.write, thread, shared))
        report("reads what was written by", address, word.write, now);
    /* A read by a thread whose last read was seen replaces it; of two readers both are kept. */
    if (!ordered(word.read, thread, shared))
        word.other_read = word.read;
    word.read = now;
}

void note_write(
    Word &word, const void *address, const Access &now, const Thread &thread, bool shared) {
    if (!ordered(word.write, thread, shared))
        report("overwrites what was written by", address, word.write, now);
    else if (!ordered(word.read, thread, shared))
        report("overwrites what was read by", address, word.read, now);
    else if (!ordered(word.other_read, thread, shared))
        report("overwrites what was read by", address, word.other_read, now);
    else if (word.read_only_launch == watcher.launch)
        report("overwrites what the read-only cache may hold for", address, word.read, now);
    word.write = now;
    word.read = word.other_read = Access{};
}

void note(const void *address, std::size_t bytes, bool writes, const void *code) {
    const Thread *thread = current_thread();
    if (thread == nullptr || fiber_owns(address))
        return;
    const Block &block = *thread->block;
    const Access now = {watcher.launch, block.number, thread->number, block.epoch,
        block.warp_epochs[thread->number / WARP], code};
    const bool shared = is_shared(address);
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(address);
    for (std::uintptr_t at = begin / WORD_BYTES * WORD_BYTES; at < begin + bytes;
        at += WORD_BYTES) {
        Word &word = word_at(at);
        if (writes)
            note_write(word, address, now, *thread, shared);
        else
            note_read(word, address, now, *thread, shared);
    }
}

} // namespace

/* A kernel's end orders everything. */
void races_launch_begin(unsigned blocks) {
    watcher.launch++;
    watcher.blocks = blocks;
    watcher.block_views.assign(blocks, View{});
    watcher.views.clear();
    watcher.unseen.clear();
    watcher.fences.clear();
    watcher.published.clear();
}

/* The memory of __shared__ variables serves one block after the other. */
void races_block_begin(Block &) {
    watcher.fences.clear();
}

void races_block_barrier(Block &block) {
    if (watcher.views.empty())
        return;
    for (Thread &thread : block.threads) {
        const auto own = watcher.views.find(&thread);
        if (own == watcher.views.end())
            continue;
        join(watcher.block_views[block.number], own->second);
        watcher.views.erase(own);
    }
}

void races_fence() {
    const Thread *thread = current_thread();
    watcher.fences[thread] = thread->block->epoch + 1;
    const auto unseen = watcher.unseen.find(thread);
    if (unseen == watcher.unseen.end())
        return;
    join(watcher.views[thread], unseen->second);
    watcher.unseen.erase(unseen);
}

void races_read_only(const void *address, std::size_t bytes) {
    if (!watches)
        return;
    const Thread *thread = current_thread();
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(address);
    for (std::uintptr_t at = begin; at < begin + bytes; at += WORD_BYTES) {
        Word &word = word_at(at);
        if (word.write.launch == watcher.launch)
            report("reads through the read-only cache what was written by", address, word.write,
                {watcher.launch, thread->block->number, thread->number, thread->block->epoch, 0,
                    nullptr});
        word.read_only_launch = watcher.launch;
    }
}

static void acquire(const Thread *thread, const void *address) {
    const auto published = watcher.published.find(address);
    if (published != watcher.published.end())
        join(watcher.unseen[thread], published->second);
}

void races_load(const void *address) {
    acquire(current_thread(), address);
}

void races_atomic(const void *address) {
    const Thread *thread = current_thread();
    const Block &block = *thread->block;
    acquire(thread, address);
    const auto fence = watcher.fences.find(thread);
    if (fence == watcher.fences.end() || fence->second != block.epoch + 1)
        return;
    View &published = watcher.published[address];
    published.resize(watcher.blocks);
    join(published, watcher.block_views[block.number]);
    published[block.number] = {block.epoch, thread->number, true};
}

} // namespace shim

long shim_races(void) {
    return shim::watcher.races;
}

/* ---- what the compiler calls ---- */

extern "C" {

void __tsan_init(void) {
    shim::watches = true;
}

void __tsan_func_entry(void *) {
}

void __tsan_func_exit(void) {
}

#define SHIM_ACCESS(bytes)                                                                         \
    void __tsan_read##bytes(void *address) {                                                       \
        shim::note(address, bytes, false, __builtin_return_address(0));                            \
    }                                                                                              \
    void __tsan_write##bytes(void *address) {                                                      \
        shim::note(address, bytes, true, __builtin_return_address(0));                             \
    }                                                                                              \
    void __tsan_unaligned_read##bytes(void *address) {                                             \
        shim::note(address, bytes, false, __builtin_return_address(0));                            \
    }                                                                                              \
    void __tsan_unaligned_write##bytes(void *address) {                                            \
        shim::note(address, bytes, true, __builtin_return_address(0));                             \
    }                                                                                              \
    void __tsan_volatile_read##bytes(void *address) {                                              \
        if (shim::current_thread() != nullptr)                                                     \
            shim::acquire(shim::current_thread(), address);                                        \
    }                                                                                              \
    void __tsan_volatile_write##bytes(void *) {                                                    \
    }

SHIM_ACCESS(1)
SHIM_ACCESS(2)
SHIM_ACCESS(4)
SHIM_ACCESS(8)
SHIM_ACCESS(16)
#undef SHIM_ACCESS

/* Of the host's functions, between its threads. */
int __tsan_atomic32_exchange(volatile int *address, int value, int) {
    return __atomic_exchange_n(address, value, __ATOMIC_SEQ_CST);
}

void __tsan_atomic32_store(volatile int *address, int value, int) {
    __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
}

void __tsan_read_range(void *address, unsigned long bytes) {
    shim::note(address, bytes, false, __builtin_return_address(0));
}

void __tsan_write_range(void *address, unsigned long bytes) {
    shim::note(address, bytes, true, __builtin_return_address(0));
}
}
