import android.hardware.HardwareBuffer;
import java.nio.ByteBuffer;
import org.example.digits.Digits;

/**
 * Calls the example with frames of the size that is given: planes as an Image has them, the same and colours as hardware
 * buffers; prints the answers, then what is thrown. Without a size: what is thrown where Android has none of these.
 */
class Frames {
    static void print(String kind, int digit, float[] scores) {
        StringBuilder line = new StringBuilder(kind).append(' ').append(digit);
        for (float score : scores)
            line.append(' ').append(score);
        System.out.println(line);
    }

    static int light(int x, int y) {
        return (x * x + 5 * y * x + 40) % 256;
    }

    /** Grey chroma, `step` bytes from one to the next, nothing behind the last. */
    static ByteBuffer chroma(int width, int height, int row, int step) {
        ByteBuffer plane = ByteBuffer.allocateDirect((height / 2 - 1) * row + ((width + 1) / 2 - 1) * step + 1);
        while (plane.hasRemaining())
            plane.put((byte) 128);
        return plane;
    }

    static ByteBuffer light(int width, int height, int row) {
        ByteBuffer plane = ByteBuffer.allocateDirect((height - 1) * row + width);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                plane.put(y * row + x, (byte) light(x, y));
        return plane;
    }

    static ByteBuffer colours(int width, int height, int row) {
        ByteBuffer plane = ByteBuffer.allocateDirect(height * row);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int value = light(x, y), at = y * row + 4 * x;
                plane.put(at, (byte) value).put(at + 1, (byte) (value / 2)).put(at + 2, (byte) (255 - value)).put(at + 3, (byte) 9);
            }
        return plane;
    }

    public static void main(String[] arguments) {
        float[] scores = new float[Digits.CLASSES];
        if (arguments.length == 0) {
            HardwareBuffer any = new HardwareBuffer(8, 8, 1, null, 32, null, null, 0, 0);
            Thrown.expect(() -> Digits.classifyBuffer(any, scores));
            return;
        }
        int width = Integer.parseInt(arguments[0]), height = Integer.parseInt(arguments[1]);
        int row = width + 11, step = 2, chromaRow = width + 7;
        ByteBuffer y = light(width, height, row), u = chroma(width, height, chromaRow, step);
        ByteBuffer v = chroma(width, height, chromaRow, step);
        print("planes", Digits.classifyFrame(y, u, v, row, chromaRow, step, width, height, scores), scores);
        HardwareBuffer planes = new HardwareBuffer(width, height, 0x23, y, row, u, v, chromaRow, step);
        print("planes", Digits.classifyBuffer(planes, scores), scores);
        int pixels = 4 * (width + 5);
        HardwareBuffer last = null;
        for (int format = 1; format <= 2; format++) {
            last = new HardwareBuffer(width, height, format, colours(width, height, pixels), pixels, null, null, 0, 0);
            print("rgba", Digits.classifyBuffer(last, scores), scores);
        }
        Thrown.expect(() -> Digits.classifyFrame(y, u, v, row, chromaRow, step + 1, width, height, scores));
        Thrown.expect(() ->
                Digits.classifyFrame(y, ByteBuffer.allocate(999), v, row, chromaRow, step, width, height, scores));
        Thrown.expect(() -> Digits.classifyFrame(y, u, v, row, chromaRow, step, width, height, new float[9]));
        Thrown.expect(() -> Digits.classifyBuffer(null, scores));
        Thrown.expect(() -> Digits.classifyBuffer(new HardwareBuffer(width, height, 4, y, row, u, v, 1, 1), scores));
        Thrown.expect(() -> Digits.classifyBuffer(new HardwareBuffer(width, height, 1, null, row, u, v, 1, 1), scores));
        HardwareBuffer narrow = new HardwareBuffer(width, height, 1, y, 4 * width - 4, null, null, 0, 0);
        Thrown.expect(() -> Digits.classifyBuffer(narrow, scores));
        System.out.println("locks: " + (planes.locks + last.locks + narrow.locks));
    }
}
