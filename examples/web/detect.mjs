// The camera's frames, or a picture, with the boxes that the network finds. Nothing leaves the page. The network runs in a
// worker, so that the page stays responsive and the video smooth: boxes follow it as fast as they are found.

const $ = (id) => document.getElementById(id);
const canvas = $("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });
const video = document.createElement("video");
const worker = new Worker("worker.mjs", { type: "module" });
let ready = false; // the network is loaded
let still; // the picture, while there is one and no camera
let looking; // a promise, while the worker is asked for boxes
let waiting = false; // the picture is shown when that is over
let boxes = []; // what was found last
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

/** One question to the worker; the one before it was answered. */
function ask(question, words, transferred = []) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data) : reject(new Error(data.error)));
    worker.onerror = (event) => reject(new Error(event.message ?? "the worker cannot be started"));
    worker.postMessage({ question, ...words }, transferred);
  });
}

function show(source, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(source, 0, 0, width, height);
}

/** Asks for the boxes of what the canvas shows, before they are drawn there. */
async function find() {
  if (!ready) return;
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  let done;
  looking = new Promise((resolve) => (done = resolve));
  try {
    const found = await ask("find", { picture, threshold: Number($("threshold").value) }, [picture.data.buffer]);
    boxes = canvas.boxes = found.boxes; // the canvas tells scripts that look at the page
    $("status").textContent = `${boxes.length} found in ${found.milliseconds.toFixed(1)} ms`;
  } finally {
    looking = undefined;
    done();
  }
}

/** The picture with its boxes; once more where it is asked for while the worker looks at something else. */
async function showStill() {
  if (waiting) return;
  waiting = true;
  await looking;
  waiting = false;
  if (!still) return;
  show(still, still.width, still.height);
  boxes = [];
  await find();
  if (still && !looking) boxes.forEach(draw);
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
  boxes = [];
  const next = () => {
    if (!runs) return;
    show(video, video.videoWidth, video.videoHeight);
    if (!looking) guarded(find)();
    boxes.forEach(draw);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}

async function showFile(file) {
  if (!file) return;
  const picture = await createImageBitmap(file);
  stopCamera();
  still = picture;
  await showStill();
}

$("camera").addEventListener("click", guarded(startCamera));
$("file").addEventListener("change", guarded(() => showFile($("file").files[0])));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", guarded((event) => {
  event.preventDefault();
  return showFile(event.dataTransfer.files[0]);
}));
$("threshold").addEventListener("input", guarded(async () => {
  $("sure").textContent = `${Math.round(100 * $("threshold").value)} %`;
  if (still) await showStill();
}));

// detect.html?network=fastestdet takes the other one.
const name = new URLSearchParams(location.search).get("network") ?? "yunet";
guarded(async () => {
  if (!/^\w+$/.test(name)) throw new Error("the network's name has letters, digits and '_'");
  await ask("load", { name });
  ready = true;
  $("status").textContent = "The network is there: choose the camera or a picture.";
  if (still) await showStill();
})();
