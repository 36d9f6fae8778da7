/* Files of torch.save: what their parts share. Internal to frontend/torch/. */
#ifndef RIFFLE_FRONTEND_TORCH_TORCH_H
#define RIFFLE_FRONTEND_TORCH_TORCH_H

#include "frontend/torch/pickle.h"

/* The format since PyTorch 1.6, a zip archive, and the one before, pickles and storages one after
 * the other. Each reads the pickle of what was saved, and finds the numbers of all its storages.
 * False after reporting that there is nothing to go by. */
bool torch_read_archive(TensorFile *file, PickleFile *pickles, PickleValue *saved);
bool torch_read_stream(TensorFile *file, PickleFile *pickles, PickleValue *saved);

/* Gives the file all tensors in what was saved, each by its way there: the keys of dicts and the
 * places in lists, with dots between them. False after reporting. */
bool torch_name_tensors(TensorFile *file, const PickleValue *saved, Diagnostics *diagnostics);

#endif
