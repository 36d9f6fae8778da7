package org.example.digits;

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
}
