// What takes long, off the page's thread: it is asked one thing at a time, and answers each with one message.
import { Network } from "./riffle.mjs";

let network;

const questions = {
  async load({ name }) {
    network = await Network.load(name);
    return {};
  },

  find({ picture, threshold }) {
    const start = performance.now();
    network.prepare(picture);
    network.run();
    const boxes = network.boxes(threshold);
    return { boxes, milliseconds: performance.now() - start };
  },
};

onmessage = async ({ data }) => {
  try {
    postMessage(await questions[data.question](data));
  } catch (error) {
    postMessage({ error: error.message });
  }
};
