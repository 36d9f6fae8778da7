"""A network with more outputs than a C function takes parameters."""

with open("net.rfl", "w", encoding="utf-8") as file:
    outputs = "".join(f"    output y{i} = x |> relu\n" for i in range(1024))
    file.write(f"network n {{\n    input x: f32[1, 4]\n{outputs}}}\n")
