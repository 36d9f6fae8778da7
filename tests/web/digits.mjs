// Node: logits of images that are the input already, the answer for a picture, and what is said of mistakes, as JSON.
import { readFileSync } from "node:fs";

const [folder, images, count] = process.argv.slice(2);
const { Network } = await import(`${folder}/riffle.mjs`);
const code = readFileSync(`${folder}/digits.wasm`);
const network = await Network.create(JSON.parse(readFileSync(`${folder}/digits.json`)), code);
const given = new Float32Array(new Uint8Array(readFileSync(images)).buffer);
const logits = [];
for (let i = 0; i < count; i++) {
  network.floats(network.image, 64).set(given.subarray(64 * i, 64 * (i + 1)));
  network.run();
  logits.push(Array.from(network.numbers()));
}
const picture = (width, height) => ({ width, height, data: Uint8ClampedArray.from(
  { length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : (Math.floor(i / 4) * 37) % 256)) });
const tops = [[8, 8], [1, 1], [613, 411], [2000, 1500], [3, 200]].map(([width, height]) => {
  network.prepare(picture(width, height));
  network.run();
  return network.top(3);
});
network.prepare(picture(40, 30), [5, 6, 20, 11]);
network.run();
const part = Array.from(network.numbers());
const messages = [picture(0, 0), { ...picture(9, 9), data: new Uint8ClampedArray(5) }].map((wrong) => {
  try {
    network.prepare(wrong);
    return "";
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify({ logits, tops, part, messages, imports: WebAssembly.Module.imports(new WebAssembly.Module(code)) }));
