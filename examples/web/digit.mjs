// A digit that is drawn, and what the network of examples/digits takes it for.
import { Network } from "./riffle.mjs";

const paper = document.getElementById("paper");
const status = document.getElementById("status");
const context = paper.getContext("2d", { willReadFrequently: true });
let network; // once it is loaded
let last; // where the pen was, while it is down

function clear() {
  context.fillStyle = "black"; // the network knows white ink on black paper
  context.fillRect(0, 0, paper.width, paper.height);
  status.textContent = network ? "Draw with the mouse or a finger." : status.textContent;
}

// The square round the ink: the digits of the training fill their pictures.
function inked({ width, height, data }) {
  let left = width, top = height, right = -1, bottom = -1;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] < 128) continue;
    const x = (i / 4) % width, y = Math.floor(i / 4 / width);
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  if (right < 0) return undefined;
  const side = Math.min(Math.max(right - left, bottom - top) + 1, width, height);
  const place = (from, to, most) => Math.max(0, Math.min(Math.round((from + to + 1 - side) / 2), most - side));
  return [place(left, right, width), place(top, bottom, height), side, side];
}

function read() {
  const picture = context.getImageData(0, 0, paper.width, paper.height);
  const part = inked(picture);
  if (!part) return;
  network.prepare(picture, part);
  network.run();
  const [first, second] = network.top(2);
  const told = ({ class: digit, probability }) => `${digit} (${Math.round(100 * probability)} %)`;
  status.textContent = `${told(first)}, or else ${told(second)}`;
  paper.reading = { part, logits: Array.from(network.numbers()) }; // for scripts that look at the page
}

function place(event) {
  const frame = paper.getBoundingClientRect();
  const scale = paper.width / frame.width;
  return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
}

paper.addEventListener("pointerdown", (event) => {
  paper.setPointerCapture(event.pointerId);
  last = place(event);
});
paper.addEventListener("pointermove", (event) => {
  if (!last) return;
  const now = place(event);
  context.strokeStyle = "white";
  context.lineWidth = paper.width / 9;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(...last);
  context.lineTo(...now);
  context.stroke();
  last = now;
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, () => {
    if (last && network) read();
    last = undefined;
  });
}
document.getElementById("clear").addEventListener("click", clear);
clear();
try {
  network = await Network.load("digits");
  clear();
} catch (error) {
  status.textContent = error.message;
}
