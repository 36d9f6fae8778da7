/* One network for the CPU and for a GPU in one program, in C. Where there is no GPU the second says
 * so. */
#include "cpu/network.h"
#include "gpu/network.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    static float image[NETWORK_INPUT_IMAGE_ELEMENTS], logits[NETWORK_OUTPUT_LOGITS_ELEMENTS];
    const struct network_inputs inputs = {image};
    const struct network_outputs outputs = {logits};
    void *workspace = aligned_alloc(
        NETWORK_WORKSPACE_ALIGNMENT, (NETWORK_WORKSPACE_BYTES + NETWORK_WORKSPACE_ALIGNMENT) /
                                         NETWORK_WORKSPACE_ALIGNMENT * NETWORK_WORKSPACE_ALIGNMENT);
    if (workspace == NULL || network_run(&inputs, &outputs, workspace) != NETWORK_OK)
        return 1;
    free(workspace);
    struct network_cuda_model *model;
    const int status = network_cuda_create(&model);
    printf("%s\n", network_cuda_status_text(status));
    network_cuda_destroy(model);
    return status == NETWORK_CUDA_OK || status == NETWORK_CUDA_ERROR_NO_DEVICE ? 0 : 2;
}
