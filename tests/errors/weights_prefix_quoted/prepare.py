import tensors

tensors.write("net.safetensors", {f'a"b\n.{name}': tensor for name, tensor in tensors.tiny().items()})
