package org.example.digits;

import android.hardware.HardwareBuffer;
import java.nio.ByteBuffer;

/** A network that reads handwritten digits, compiled by riffle. */
public final class Digits {
    public static final int PIXELS = 64;
    public static final int CLASSES = 10;

    static {
        System.loadLibrary("classify");
    }

    private Digits() {}

    /**
     * The digit that an image shows. Any number of threads may call at once.
     *
     * @param image 8 x 8 numbers, row by row, from 0 (paper) to 1 (ink)
     * @param scores takes the score of each digit
     */
    public static native int classify(float[] image, float[] scores);

    /**
     * The same for what a camera sees, an Image of YUV_420_888: the digit is bright and the paper dark, and it fills the
     * middle. Strides are in bytes, as the image's planes tell them.
     *
     * @param y a direct buffer, as the others
     * @param scores takes the score of each digit
     */
    public static native int classifyFrame(ByteBuffer y, ByteBuffer u, ByteBuffer v, int rowStride, int chromaRowStride,
            int chromaPixelStride, int width, int height, float[] scores);

    /**
     * The same for a frame that lies in memory shared with the camera, a decoder or the GPU (Image.getHardwareBuffer, or a
     * surface's): RGBA_8888 and RGBX_8888 from Android 8 on, YCBCR_420_888 from Android 10 on. It must have been made to
     * be read by the processor (USAGE_CPU_READ_OFTEN).
     *
     * @param scores takes the score of each digit
     */
    public static native int classifyBuffer(HardwareBuffer buffer, float[] scores);
}
