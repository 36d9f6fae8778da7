/** Prints what a call throws. */
class Thrown {
    interface Call {
        void run();
    }

    static void expect(Call call) {
        try {
            call.run();
            System.out.println("nothing thrown");
        } catch (RuntimeException exception) {
            System.out.println(exception.getClass().getSimpleName() + ": " + exception.getMessage());
        }
    }
}
