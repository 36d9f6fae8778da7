/* rearrange, slice and join: what of them no producer wrote in place is copied, unless its readers
 * find it where it is. */
#include "backends/kernels/copy.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/arranged.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/decisions.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/index_map.h"

/* Where the value's numbers lie in the one tensor that it is part of, if its rows and columns are
 * regular there; NULL where they are not, and where the value must lie elsewhere. */
static Placement *view_of(Emission *emission, const Arrangement *arrangement) {
    const Value *value = arrangement->value;
    const Decisions *decisions = emission->decisions;
    if (arrangement->part_count != 1 || decisions->outputs[value->id] ||
        decisions->claims[value->id] || emission->compilation->options.copy_layout)
        return NULL;
    const ArrangedPart *part = &arrangement->parts[0];
    if (index_map_repeats(&part->map) ||
        index_map_count(&part->map) != tensor_elements(&value->type))
        return NULL;
    IndexMap inverse = index_map_inverse(&part->map);
    return arranged_placement(
        emission->arena, value_placement(emission, part->source), value, &inverse);
}

static bool copy_part(
    Emission *emission, const Node *node, const ArrangedPart *part, const Placement *to) {
    ArrangedPiece *pieces;
    int count = arranged_pieces(
        emission->arena, &part->map, value_placement(emission, part->source), to, &pieces);
    if (count < 0) {
        diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where, NULL,
            "the numbers would have to be copied in more than %d pieces", MOST_ARRANGED_PIECES);
        return false;
    }
    for (int i = 0; i < count; i++)
        lower_copy(
            emission, node, &pieces[i].from, &pieces[i].to, op_info(node->op)->name, part->reason);
    return true;
}

bool lower_arrangement(Emission *emission, const Node *node) {
    Value *value = node->results[0];
    const Arrangement *arrangement = emission->decisions->arrangements[value->id];
    if (!arrangement) /* only others of its kind read it */
        return true;
    bool stored = false, good = true;
    for (int i = 0; i < arrangement->part_count; i++)
        stored = stored || !arrangement->parts[i].reason;
    Placement *view = stored ? NULL : view_of(emission, arrangement);
    if (view) {
        emission->placements[value->id] = view;
        return true;
    }
    if (!emission->placements[value->id])
        place_result(emission, value);
    for (int i = 0; i < arrangement->part_count && good; i++)
        if (arrangement->parts[i].reason)
            good =
                copy_part(emission, node, &arrangement->parts[i], emission->placements[value->id]);
    return good;
}
