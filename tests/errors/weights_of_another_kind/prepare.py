open("net.h5", "wb").write(b"\x89HDF\r\n\x1a\n" + bytes(50))
open("in.f32", "wb").write(bytes(768))
