#include "backends/program/loop_schedule.h"
#include "ir/kernel.h"

const LoopSchedule *loop_schedule_find(const LoopSchedule *first, const Statement *loop) {
    while (first && first->loop != loop)
        first = first->next;
    return first;
}
