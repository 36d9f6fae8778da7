// The camera's frames, or a picture, with the boxes that the network finds. Nothing leaves the page.
import { Network } from "./riffle.mjs";

const $ = (id) => document.getElementById(id);
const canvas = $("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });
const video = document.createElement("video");
let network; // once it is loaded
let still; // the picture, while there is one and no camera
let stopCamera = () => {};

function draw(box) {
  const { left, top, right, bottom, landmarks } = box;
  const line = Math.max(2, canvas.width / 300);
  context.strokeStyle = context.fillStyle = "#00e0ff";
  context.lineWidth = line;
  context.strokeRect(left, top, right - left, bottom - top);
  for (let i = 0; i < landmarks.length; i += 2) {
    context.beginPath();
    context.arc(landmarks[i], landmarks[i + 1], 1.5 * line, 0, 2 * Math.PI);
    context.fill();
  }
  context.font = `${8 * line}px system-ui, sans-serif`;
  context.fillText(`${box.label ?? ""} ${Math.round(100 * box.score)} %`, left + line, Math.max(top - 2 * line, 8 * line));
}

function show(source, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(source, 0, 0, width, height);
  const start = performance.now();
  network.prepare(context.getImageData(0, 0, width, height));
  network.run();
  const boxes = network.boxes(Number($("threshold").value));
  const milliseconds = performance.now() - start;
  boxes.forEach(draw);
  $("status").textContent = `${boxes.length} found in ${milliseconds.toFixed(1)} ms`;
  canvas.boxes = boxes; // for scripts that look at the page
}

function tell(error) {
  $("status").textContent = error.message;
}

function guarded(action) {
  return async (event) => {
    try {
      await action(event);
    } catch (error) {
      tell(error);
    }
  };
}

async function startCamera() {
  stopCamera();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  let runs = true;
  stopCamera = () => {
    runs = false;
    stream.getTracks().forEach((track) => track.stop());
  };
  video.srcObject = stream;
  await video.play();
  still = undefined;
  const next = guarded(() => {
    if (!runs) return;
    show(video, video.videoWidth, video.videoHeight);
    requestAnimationFrame(next);
  });
  requestAnimationFrame(next);
}

async function showFile(file) {
  if (!file) return;
  const picture = await createImageBitmap(file);
  stopCamera();
  still = picture;
  show(still, still.width, still.height);
}

$("camera").addEventListener("click", guarded(startCamera));
$("file").addEventListener("change", guarded(() => showFile($("file").files[0])));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", guarded((event) => {
  event.preventDefault();
  return showFile(event.dataTransfer.files[0]);
}));
$("threshold").addEventListener("input", guarded(() => {
  $("sure").textContent = `${Math.round(100 * $("threshold").value)} %`;
  if (still) show(still, still.width, still.height);
}));

// detect.html?network=fastestdet takes the other one.
const name = new URLSearchParams(location.search).get("network") ?? "yunet";
guarded(async () => {
  if (!/^\w+$/.test(name)) throw new Error("the network's name has letters, digits and '_'");
  network = await Network.load(name);
  $("status").textContent = "The network is there: choose the camera or a picture.";
})();
