#include "frontend/torch/torch.h"

#include <string.h>

bool torch_read(TensorFile *file, Diagnostics *diagnostics) {
    file->data = file->mapped.bytes;
    file->data_bytes = file->mapped.size;
    PickleFile pickles;
    pickle_file_begin(&pickles, file->path, file->arena, diagnostics);
    bool is_archive = file->mapped.size >= 2 && memcmp(file->mapped.bytes, "PK", 2) == 0;
    PickleValue saved;
    bool read = is_archive ? torch_read_archive(file, &pickles, &saved)
                           : torch_read_stream(file, &pickles, &saved);
    return read && torch_name_tensors(file, &saved, diagnostics);
}
