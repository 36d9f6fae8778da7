/* Streams of the stand-in: what they are given is done at once, or, deferred, when someone waits:
 * then in an order that only events hold. */
#ifndef RIFFLE_SHIM_STREAMS_H
#define RIFFLE_SHIM_STREAMS_H

#include <chrono>
#include <functional>
#include <queue>
#include <vector>

using Work = std::function<void()>;

struct shim_event {
    long asked = 0, done = 0; /* how often it was recorded, by calls; and by streams */
    std::chrono::steady_clock::time_point time;
};

struct shim_stream {
    shim_stream();
    ~shim_stream();
    shim_stream(const shim_stream &) = delete;
    shim_stream &operator=(const shim_stream &) = delete;

    bool captures = false;
    std::vector<Work> captured;
    struct Entry {
        Work work;
        const shim_event *event; /* null: the work is ready */
        long number;             /* the event must have been done so often */
    };
    std::queue<Entry> waiting;
};

namespace shim {

/* Of a stream, null for the default one, that does not capture. */
void stream_add(shim_stream *stream, Work work);
void stream_wait(shim_stream *stream, const shim_event *event);
/* Until nothing waits on any stream; ends the program where streams wait for each other. */
void streams_finish();

} // namespace shim

#endif
