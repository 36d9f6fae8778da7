import tensors

tensors.write("net.safetensors", {f"{i}.weight": tensors.zeros(3, 3, 1, 1) for i in range(30)})
