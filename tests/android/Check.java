import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.my_app.digits.Digits;

/** Calls the class that android-package made: prints each image's class and scores, then what is thrown. */
class Check {
    static final int IMAGES = 360;

    static ByteBuffer image(ByteBuffer images, int index) {
        ByteBuffer part = images.duplicate();
        part.position(index * Digits.INPUT_IMAGE_BYTES).limit((index + 1) * Digits.INPUT_IMAGE_BYTES);
        return part;
    }

    static void answers(ByteBuffer images, Digits digits) {
        ByteBuffer scores = Digits.buffer(Digits.OUTPUT_LOGITS_BYTES);
        for (int i = 0; i < IMAGES; i++) {
            digits.run(image(images, i), scores);
            StringBuilder line = new StringBuilder().append(digits.classify(image(images, i)));
            for (int k = 0; k < Digits.OUTPUT_LOGITS_BYTES / 4; k++)
                line.append(' ').append(Float.toString(scores.getFloat(4 * k)));
            System.out.println(line);
        }
    }

    /** Several threads with one network: each gets its own answers. */
    static int wrongAnswers(ByteBuffer images, Digits shared) throws InterruptedException {
        int[] wanted = new int[IMAGES], wrong = new int[4];
        for (int i = 0; i < IMAGES; i++)
            wanted[i] = shared.classify(image(images, i));
        Thread[] threads = new Thread[wrong.length];
        for (int t = 0; t < threads.length; t++) {
            int number = t;
            threads[t] = new Thread(() -> {
                for (int i = number; i < IMAGES; i += 2)
                    wrong[number] += shared.classify(image(images, i)) == wanted[i] ? 0 : 1;
            });
            threads[t].start();
        }
        int sum = 0;
        for (int t = 0; t < threads.length; t++) {
            threads[t].join();
            sum += wrong[t];
        }
        return sum;
    }

    static void faults() {
        ByteBuffer image = Digits.buffer(Digits.INPUT_IMAGE_BYTES), scores = Digits.buffer(Digits.OUTPUT_LOGITS_BYTES);
        ByteBuffer large = Digits.buffer(Digits.INPUT_IMAGE_BYTES + 4);
        Digits digits = new Digits();
        Thrown.expect(() -> digits.run(ByteBuffer.allocate(Digits.INPUT_IMAGE_BYTES), scores));
        Thrown.expect(() -> digits.run(large, scores));
        Thrown.expect(() -> digits.run(image, Digits.buffer(4)));
        large.position(2).limit(2 + Digits.INPUT_IMAGE_BYTES);
        Thrown.expect(() -> digits.run(large, scores));
        Thrown.expect(() -> digits.run(image, scores.asReadOnlyBuffer()));
        Thrown.expect(() -> digits.run(image.asReadOnlyBuffer(), scores));
        digits.close();
        digits.close();
        Thrown.expect(() -> digits.run(image, scores));
        Thrown.expect(() -> digits.classify(image));
    }

    public static void main(String[] arguments) throws Exception {
        byte[] bytes = Files.readAllBytes(Path.of(arguments[0]));
        ByteBuffer images = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder()).put(bytes);
        images.clear();
        for (int threads = 1; threads <= 3; threads += 2)
            try (Digits digits = new Digits(threads)) {
                answers(images, digits);
                System.out.println(wrongAnswers(images, digits) + " wrong");
            }
        faults();
    }
}
