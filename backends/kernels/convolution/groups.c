/* Whether the groups of a convolution read alike, so that one loop has the code of all. After a
 * shuffle each reads as many runs as there are groups: code of its own for each group of a 3x3
 * convolution is most of what a compiler gets to see of a CondenseNet. */
#include "backends/kernels/convolution/groups.h"
#include "backends/program/placement.h"

/* What a group reads: those of its channels that lie in the run. */
static RunPart part_of(const Placement *input, int64_t groups, int64_t group, int run) {
    int64_t channels = input->channels / groups;
    return run_part(&input->runs[run], group * channels, (group + 1) * channels);
}

/* The first run from `run` on that has channels of the group; run_count: none. */
static int next_run(const Placement *input, int64_t groups, int64_t group, int run) {
    while (run < input->run_count && part_of(input, groups, group, run).count == 0)
        run++;
    return run;
}

static bool differ_in_place_only(const Run *a, const Run *b) {
    return a->buffer == b->buffer && a->channel_stride == b->channel_stride &&
           a->pixel_stride == b->pixel_stride && a->row_stride == b->row_stride &&
           a->image_stride == b->image_stride && a->ring_rows == b->ring_rows &&
           a->exact == b->exact;
}

static int64_t part_place(const Run *run, RunPart part) {
    return run->displacement + (part.first - run->first_channel) * run->channel_stride;
}

/* Whether the group reads as group 0 does, all of it `shift` numbers further on. */
static bool group_alike(const Placement *input, int64_t groups, int64_t group, int64_t shift) {
    int count = input->run_count;
    int a = next_run(input, groups, 0, 0), b = next_run(input, groups, group, 0);
    while (a < count && b < count) {
        RunPart first = part_of(input, groups, 0, a), here = part_of(input, groups, group, b);
        if (first.count != here.count || !differ_in_place_only(&input->runs[a], &input->runs[b]) ||
            part_place(&input->runs[b], here) - part_place(&input->runs[a], first) != shift)
            return false;
        a = next_run(input, groups, 0, a + 1);
        b = next_run(input, groups, group, b + 1);
    }
    return a == count && b == count;
}

bool groups_alike(const Placement *input, int64_t groups, int64_t *shift) {
    *shift = 0;
    if (input->run_count == 1 || groups == 1)
        return input->run_count == 1;
    int first = next_run(input, groups, 0, 0), second = next_run(input, groups, 1, 0);
    int64_t distance = part_place(&input->runs[second], part_of(input, groups, 1, second)) -
                       part_place(&input->runs[first], part_of(input, groups, 0, first));
    for (int64_t group = 1; group < groups; group++)
        if (!group_alike(input, groups, group, group * distance))
            return false;
    *shift = distance;
    return true;
}
