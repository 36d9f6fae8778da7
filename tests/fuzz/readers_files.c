/* The readers of riffle that want a path: the file is given one in memory. */
#include "backends/backends.h"
#include "backends/schedule/tuning_text.h"
#include "driver/image.h"
#include "frontend/frontend.h"
#include "tests/fuzz/work.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char tuning_target[] = "x86-64-v4";

/* Gives the file a path of this process. Returns what to close after the reading. */
static int open_in_memory(const Text *file, const Work *work, char path[64]) {
    int descriptor = memfd_create("file", MFD_CLOEXEC);
    if (descriptor < 0 || write(descriptor, file->data, file->length) != (ssize_t)file->length)
        work_fail(work, "cannot make a file in memory");
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

Graph *weighted_graph(Arena *arena, Diagnostics *diagnostics) {
    static const char text[] = "network n {\n"
                               "    input x: f32[1, 2, 4, 4]\n"
                               "    output y = x |> conv(3, 3) @ a.b |> batch_norm @ a.c\n"
                               "        |> global_avg_pool |> linear(2) @ d\n"
                               "}\n";
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    *file = (SourceFile){"weighted", text, sizeof text - 1};
    return spec_elaborate(spec_parse(file, arena, diagnostics), NULL, 0, arena, diagnostics);
}

bool try_weights(const Text *text) {
    Work work = work_begin();
    char path[64];
    int descriptor = open_in_memory(text, &work, path);
    Graph *graph = weighted_graph(work.arena, work.diagnostics);
    WeightFile *weights = weights_load(graph, path, NULL, NULL, work.diagnostics);
    bool taken = work_check(&work, weights != NULL);
    volatile float sum = 0; /* every number must be there to be read */
    for (Weight *weight = graph->first_weight; taken && weight; weight = weight->next)
        for (int64_t i = 0; i < tensor_elements(&weight->type); i++)
            sum = sum + weight->data[i];
    weights_close(weights);
    close(descriptor);
    work_end(&work);
    return taken;
}

/* The text of a tuning reads back as the same text. */
bool try_tuning(const Text *text) {
    Work work = work_begin();
    char path[64];
    int descriptor = open_in_memory(text, &work, path);
    const Target *target = target_find(tuning_target, work.arena, work.diagnostics);
    Tuning *tuning = tuning_read(path, target, work.arena, work.diagnostics);
    bool taken = work_check(&work, tuning != NULL);
    close(descriptor);
    if (taken) {
        Text first = {0}, second = {0};
        tuning_print(tuning, &first);
        descriptor = open_in_memory(&first, &work, path);
        Tuning *again = tuning_read(path, target, work.arena, work.diagnostics);
        close(descriptor);
        if (again == NULL)
            work_fail(&work, "the text of a tuning does not read back");
        tuning_print(again, &second);
        if (strcmp(first.data, second.data) != 0)
            work_fail(&work, "the text of a tuning reads back as another");
        text_free(&first);
        text_free(&second);
    }
    work_end(&work);
    return taken;
}

bool try_picture(const Text *text) {
    Session session = session_begin();
    Work work = {session.arena, session.diagnostics};
    char path[64];
    int descriptor = open_in_memory(text, &work, path);
    Image image;
    bool taken = work_check(&work, image_read(path, &session, &image));
    close(descriptor);
    volatile unsigned sum = 0; /* every pixel must be there to be read */
    size_t bytes = taken ? (size_t)image.width * (size_t)image.height * (size_t)image.channels : 0;
    for (size_t i = 0; i < bytes; i++)
        sum = sum + image.pixels[i];
    session_discard(&session);
    return taken;
}
