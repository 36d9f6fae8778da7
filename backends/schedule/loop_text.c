#include "backends/schedule/loop_text.h"
#include "backends/program/loop_schedule.h"
#include "ir/kernel.h"
#include "ir/text.h"

static void print_action(const LoopAction *action, Text *out) {
    long long bytes = action->bytes;
    switch (action->kind) {
    case ACTION_MULTIPLY_ADD:
        text_format(
            out, "fmla s%d v%d v%d[%d]", action->sum, action->vector, action->value, action->lane);
        break;
    case ACTION_LOAD:
        text_format(out, "load v%d p%d+%lld", action->vector, action->pointer, bytes);
        break;
    case ACTION_LOAD_LOW:
        text_format(out, "low v%d p%d+%lld", action->vector, action->pointer, bytes);
        break;
    case ACTION_LOAD_HIGH:
        text_format(out, "high i%d p%d+%lld", action->integer, action->pointer, bytes);
        break;
    case ACTION_INSERT_HIGH:
        text_format(out, "insert v%d i%d", action->vector, action->integer);
        break;
    case ACTION_PREFETCH:
        text_format(out, "prefetch p%d+%lld", action->pointer, bytes);
        break;
    case ACTION_COUNT:
        text_append(out, "count n");
        break;
    case ACTION_NEXT:
        text_format(out, "next i%d p%d+%lld", action->integer, action->pointer, bytes);
        break;
    case ACTION_CHOOSE:
        text_format(out, "choose p%d i%d", action->pointer, action->integer);
        break;
    case ACTION_REPEAT:
        text_append(out, "repeat");
        break;
    case ACTION_KINDS:
        break;
    }
}

static void print_actions(const LoopAction *actions, int count, Text *out) {
    for (int i = 0; i < count; i++) {
        bool begins = i == 0 || actions[i].cycle != actions[i - 1].cycle;
        if (begins)
            text_format(out, "%s    %d: ", i == 0 ? "" : "\n", actions[i].cycle);
        else
            text_append(out, ", ");
        print_action(&actions[i], out);
    }
    if (count > 0)
        text_append(out, "\n");
}

void loop_schedule_print(const LoopSchedule *schedule, Text *out) {
    text_format(out, "%d multiply-adds in %d cycles, %d instructions\n", schedule->multiply_adds,
        schedule->cycles, schedule->round_count);
    print_actions(schedule->before, schedule->before_count, out);
    print_actions(schedule->round, schedule->round_count, out);
}
