package android.hardware;

import java.nio.ByteBuffer;

/** Stands in for Android's class: what hardware_buffers.c says of it is what Android's libraries would. */
public final class HardwareBuffer {
    public final int width, height, format, rowStride, chromaRowStride, chromaPixelStride;
    public final ByteBuffer memory, u, v;
    /** How often it is locked now. */
    public int locks;

    public HardwareBuffer(int width, int height, int format, ByteBuffer memory, int rowStride, ByteBuffer u, ByteBuffer v,
            int chromaRowStride, int chromaPixelStride) {
        this.width = width;
        this.height = height;
        this.format = format;
        this.memory = memory;
        this.rowStride = rowStride;
        this.u = u;
        this.v = v;
        this.chromaRowStride = chromaRowStride;
        this.chromaPixelStride = chromaPixelStride;
    }
}
