import tensors

weights = tensors.tiny()
weights["second.bias"] = ([2], [float("nan"), 1.0])
weights["first.weight"][1][7] = float("inf")
tensors.write("net.safetensors", weights)
open("in.f32", "wb").write(bytes(768))
