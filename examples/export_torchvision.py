#!/usr/bin/env python3
"""Writes the weights of a torchvision model, by its name, as a safetensors file for riffle.

    pip install torch torchvision safetensors
    python export_torchvision.py shufflenet_v2_x1_0 v2.safetensors
    riffle run shufflenet_v2.rfl --weights v2.safetensors --image dog.jpg --top 5
    riffle compile shufflenet_v2.rfl --weights v2.safetensors --target x86-64-v3 -o out/

The tensors keep torchvision's names and become float32. num_batches_tracked, a counter that only
training reads, stays out. Weights of your own: load them into the model before the last line.
"""

import sys

import torch
import torchvision
from safetensors.torch import save_file

if len(sys.argv) != 3:
    raise SystemExit(f"usage: {sys.argv[0]} MODEL FILE.safetensors; "
        f"models: {' '.join(torchvision.models.list_models(module=torchvision.models))}")
model = torchvision.models.get_model(sys.argv[1], weights="DEFAULT").eval()
tensors = {name: tensor.to(torch.float32).contiguous() for name, tensor in model.state_dict().items()
    if not name.endswith("num_batches_tracked")}
save_file(tensors, sys.argv[2])
