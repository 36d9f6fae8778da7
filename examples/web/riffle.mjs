// A network that riffle compiled to WebAssembly, called as its header says. What the header tells a compiler of C,
// NAME.json tells this file. Pointers have 32 bits, so structs are rows of words. It runs in pages and in Node.

const RGBA = 2; // NAME_FRAME_RGBA, the pixels of an ImageData
const PAGE = 65536;

export class Network {
  /** The network of url.wasm and url.json. */
  static async load(url) {
    const [description, code] = await Promise.all([fetched(`${url}.json`), fetched(`${url}.wasm`)]);
    return Network.create(await description.json(), await code.arrayBuffer());
  }

  /** The same of what was read already: a description, and the bytes of the .wasm. */
  static async create(description, code) {
    const { instance } = await WebAssembly.instantiate(code); // it imports nothing
    return new Network(description, instance.exports);
  }

  // Memory is given out once, from the end of the library's own on, and never given back: the tensors and the workspace
  // here, and behind them one frame with its scratch, which the next frame takes the place of.
  constructor(description, exports) {
    this.description = description;
    this.exports = exports;
    this.end = exports.__heap_base.value;
    const [input] = description.inputs;
    this.image = this.allocate(input.elements * (input.type === "u8" ? 1 : 4));
    this.outputs = description.outputs.map((output) => this.allocate(output.elements * 4));
    this.inputTable = this.allocateWords([this.image, 0]); // rows of bytes have no gaps
    this.outputTable = this.allocateWords(this.outputs);
    this.workspace = this.allocate(description.totals.workspace_bytes);
    this.mapping = this.allocateWords([0, 0, 0, 0]);
    this.endOfNetwork = this.end;
  }

  /** Makes the input of pixels: an ImageData of any size, or the part [x, y, width, height] of it. */
  prepare({ width, height, data }, part = [0, 0, 0, 0]) {
    const word = `prepare_${this.description.inputs[0].name}`;
    this.end = this.endOfNetwork;
    const pixels = this.allocate(data.length);
    const scratch = this.allocate(this.call(`${word}_scratch_bytes`, width, height) >>> 0);
    const frame = this.allocateWords(
      [RGBA, 0, width, height, pixels, 0, 0, 0, 0, 0, data.length, 0, 0, ...part, 0]);
    this.bytes(pixels, data.length).set(data);
    this.check(this.call(word, frame, this.image, this.mapping, scratch));
  }

  /** From the input to the outputs. */
  run() {
    this.check(this.call("run", this.inputTable, this.outputTable, this.workspace));
  }

  /** The numbers of an output, as a copy. */
  numbers(index = 0) {
    return this.floats(this.outputs[index], this.description.outputs[index].elements).slice();
  }

  /** Of a detector: the boxes in pixels of what was prepared, the best first. */
  boxes(threshold = 0.5, overlap = 0.45, most = 100) {
    const { name, landmarks } = this.description.answer;
    const words = 6 + 2 * landmarks;
    this.end = this.endOfNetwork; // the frame is in the input already
    const found = this.allocate(4 * words * most);
    const scratch = this.allocate(this.call(`find_${name}_scratch_bytes`));
    const count = this.call(`find_${name}`, this.outputTable, this.mapping, threshold, overlap, 0, found, most, scratch);
    this.check(Math.max(-count, 0));
    return Array.from({ length: count }, (_, i) => {
      const at = found + 4 * words * i;
      const [left, top, right, bottom, score] = this.floats(at, 5);
      const [which] = this.integers(at + 20, 1);
      return { left, top, right, bottom, score, class: which, label: this.label(which),
        landmarks: Array.from(this.floats(at + 24, 2 * landmarks)) };
    });
  }

  /** Of a classifier: the best classes. */
  top(most = 5) {
    this.end = this.endOfNetwork;
    const classes = this.allocate(4 * most);
    const probabilities = this.allocate(4 * most);
    const count = this.call(`top_${this.description.outputs[0].name}`, this.outputs[0], classes, probabilities, most);
    this.check(Math.max(-count, 0));
    return Array.from({ length: count }, (_, i) => {
      const [which] = this.integers(classes + 4 * i, 1);
      return { class: which, label: this.label(which), probability: this.floats(probabilities + 4 * i, 1)[0] };
    });
  }

  /** The name of a class, or undefined where the spec has no labels. */
  label(which) {
    return this.description.labels?.[which];
  }

  // ---- memory ----

  allocate(bytes) {
    const at = Math.ceil(this.end / 64) * 64;
    this.end = at + bytes;
    const missing = this.end - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / PAGE)); // throws where there is no more
    return at;
  }

  allocateWords(words) {
    const at = this.allocate(4 * words.length);
    this.integers(at, words.length).set(words);
    return at;
  }

  // Views end when memory grows: each is made when it is needed.
  bytes(at, count) {
    return new Uint8Array(this.exports.memory.buffer, at, count);
  }

  integers(at, count) {
    return new Int32Array(this.exports.memory.buffer, at, count);
  }

  floats(at, count) {
    return new Float32Array(this.exports.memory.buffer, at, count);
  }

  // ---- calls ----

  call(word, ...values) {
    return this.exports[`${this.description.name}_${word}`](...values);
  }

  check(status) {
    if (status === 0) return;
    const known = this.description.statuses.find((row) => row.status === status);
    throw new Error(`${this.description.name}: ${known?.meaning ?? `status ${status}`}`);
  }
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response;
}
