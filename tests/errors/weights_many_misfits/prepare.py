import tensors

weights = {f"layers.{i}.weight": tensors.zeros(3, 3, 1, 1) for i in range(30)}
for i in range(3):  # missing, and of other names
    weights[f"layers.{i}.filter"] = weights.pop(f"layers.{i}.weight")
for i in range(10, 30):
    weights[f"layers.{i}.weight"] = tensors.zeros(2, 3, 1, 1)
weights["layers.29.weight"] = ([3, 3, 1, 1], [float("nan")] * 9)


def header(entries):
    entries["layers.10.weight"].update(dtype="I32")  # neither shape nor type


tensors.write("net.safetensors", weights, header)
