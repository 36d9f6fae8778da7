#include "streams.h"

#include "control.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

bool deferred = false;

std::vector<shim_stream *> &streams() {
    static std::vector<shim_stream *> all;
    return all;
}

shim_stream *known(shim_stream *stream) {
    static shim_stream usual;
    return stream == nullptr ? &usual : stream;
}

/* Whether anything was done. */
bool go_on(shim_stream &stream) {
    bool worked = false;
    while (!stream.waiting.empty()) {
        const shim_stream::Entry next = stream.waiting.front();
        if (next.event != nullptr && next.event->done < next.number)
            break;
        stream.waiting.pop();
        next.work();
        worked = true;
    }
    return worked;
}

} // namespace

shim_stream::shim_stream() {
    streams().push_back(this);
}

shim_stream::~shim_stream() {
    shim::streams_finish();
    streams().erase(std::find(streams().begin(), streams().end(), this));
}

void shim::stream_add(shim_stream *stream, Work work) {
    if (deferred)
        known(stream)->waiting.push({std::move(work), nullptr, 0});
    else
        work();
}

void shim::stream_wait(shim_stream *stream, const shim_event *event) {
    if (deferred)
        known(stream)->waiting.push({[] {}, event, event->asked});
}

void shim::streams_finish() {
    std::vector<shim_stream *> &all = streams();
    for (bool worked = true; worked;) {
        worked = false;
        for (auto stream = all.rbegin(); stream != all.rend(); ++stream)
            worked = go_on(**stream) || worked;
    }
    for (const shim_stream *stream : all)
        if (!stream->waiting.empty()) {
            std::fprintf(stderr, "streams wait for each other\n");
            std::abort();
        }
}

void shim_defer(int wanted) {
    shim::streams_finish();
    deferred = wanted != 0;
}
