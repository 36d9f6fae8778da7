"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const WIDTH = 200, HEIGHT = 58, GAP = 24, ROW = 92, LANE = 6, WIDEST = 4096;

function element(name, attributes = {}, text = "") {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    made.textContent = text;
    return made;
}

function drawn(name, attributes = {}, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    if (text !== "")
        made.textContent = text;
    return made;
}

const short = (text, most) => text.length > most ? text.slice(0, most - 1) + "\u2026" : text;
const hue = (index) => index * 137.508 % 360;

// ---- graphs: who makes which value, where its channels were computed, where each op stands ----

function prepare(graph) {
    if (graph.ready)
        return graph;
    graph.ready = true;
    graph.makers = new Map();
    graph.all = graph.inputs.map((input) => ({ op: "input", path: input.name, text: input.text, operands: [],
        results: [input], sources: null })).concat(graph.nodes);
    const seen = new Map();
    graph.all.forEach((node, index) => {
        node.index = index;
        const key = node.op + " " + node.path;
        seen.set(key, (seen.get(key) || 0) + 1);
        node.key = key + " " + seen.get(key);
        node.plain = node.text.replace(/%\w+/g, "%");
        node.results.forEach((result, at) => graph.makers.set(result.id, { node, at }));
    });
    graph.byKey = new Map(graph.all.map((node) => [node.key, node]));
    for (const node of graph.all)
        node.origins = node.results.map((result, at) => origins(graph, node, result, at));
    place(graph);
    return graph;
}

// For each channel of a result: the op that computed it, and which of its channels it was there.
function origins(graph, node, result, at) {
    const channels = result.shape.length === 2 || result.shape.length === 4 ? result.shape[1] : 1;
    const list = new Array(channels);
    if (!node.sources) {
        for (let c = 0; c < channels; c++)
            list[c] = [node.index, c, channels];
        return list;
    }
    let c = 0;
    for (const [operand, first, step, count] of node.sources[at]) {
        const from = graph.makers.get(node.operands[operand]);
        for (let i = 0; i < count; i++)
            list[c++] = from.node.origins[from.at][first + i * step];
    }
    return list;
}

// Rows by the longest way from an input; in a row, each near the middle of what it reads.
function place(graph) {
    const rows = [];
    for (const node of graph.all) {
        const makers = node.operands.map((id) => graph.makers.get(id).node);
        node.reads = [...new Set(makers)];
        node.row = makers.reduce((row, maker) => Math.max(row, maker.row + 1), 0);
        (rows[node.row] = rows[node.row] || []).push(node);
    }
    graph.rows = rows;
    for (const row of rows) {
        for (const node of row)
            node.x = node.reads.length ? node.reads.reduce((sum, maker) => sum + maker.x, 0) / node.reads.length : 0;
        row.sort((a, b) => a.x - b.x || a.index - b.index);
        const middle = row.reduce((sum, node) => sum + node.x, 0) / row.length;
        row.forEach((node, i) => { if (i > 0) node.x = Math.max(node.x, row[i - 1].x + WIDTH + GAP); });
        const now = row.reduce((sum, node) => sum + node.x, 0) / row.length;
        for (const node of row)
            node.x += middle - now;
    }
    const least = Math.min(...graph.all.map((node) => node.x));
    for (const node of graph.all) {
        node.x += GAP - least;
        node.y = GAP + node.row * ROW;
    }
    graph.right = rows.map((row) => Math.max(...row.map((node) => node.x)) + WIDTH);
    graph.width = Math.max(...graph.right) + GAP + 8 * LANE;
    graph.height = GAP + rows.length * ROW;
}

// One pixel a channel, or of very many a part of them. Those of an op that computes all of its own are the same in each graph.
const strips = new Map();

function stripOf(node, list) {
    const key = `${node.index} ${list.length}`;
    if (node.sources)
        return strip(list);
    if (!strips.has(key))
        strips.set(key, strip(list));
    return strips.get(key);
}

function strip(list) {
    const canvas = element("canvas", { width: Math.min(list.length, WIDEST), height: 1 });
    const context = canvas.getContext("2d");
    for (let x = 0; x < canvas.width; x++) {
        const [op, channel, of] = list[Math.floor(x * list.length / canvas.width)];
        context.fillStyle = `hsl(${hue(op)}, 75%, ${35 + 35 * channel / of}%)`;
        context.fillRect(x, 0, 1, 1);
    }
    return canvas.toDataURL();
}

// ---- the graph and the slider ----

const view = { pass: 0, graph: null, selected: null, matches: [] };

function draw() {
    const pass = data.passes[view.pass];
    const graph = view.graph = prepare(data.graphs[pass.graph]);
    const before = view.pass > 0 ? prepare(data.graphs[data.passes[view.pass - 1].graph]) : graph;
    const svg = drawn("svg", { width: graph.width, height: graph.height, "aria-hidden": "false" });
    graph.edges = [];
    for (const node of graph.all)
        for (const maker of node.reads)
            graph.edges.push({ from: maker, to: node, path: edge(graph, maker, node) });
    graph.edges.forEach((one) => svg.append(one.path));
    for (const node of graph.all)
        svg.append(box(node, change(node, before)));
    byId("graph").replaceChildren(svg);
    const gone = before.all.filter((node) => !graph.byKey.has(node.key));
    byId("gone").replaceChildren(...gone.map((node) => element("li", {}, `${node.op} ${node.path}`)));
    if (gone.length === 0)
        byId("gone").append(element("li", {}, "nothing"));
    const same = view.pass > 0 && pass.graph === data.passes[view.pass - 1].graph;
    const what = view.pass === 0 ? "as written" : `${view.pass} of ${data.passes.length - 1}: ${pass.name}`;
    const many = pass.rewrites === 1 ? "" : "s";
    const rewrites = view.pass === 0 ? "" : `, ${number.format(pass.rewrites)} rewrite${many}`;
    const ops = `${number.format(graph.nodes.length)} ops${same ? ", as before" : ""}`;
    byId("pass").textContent = `${what}${rewrites}, ${ops}`;
    byId("slider").setAttribute("aria-valuetext", byId("pass").textContent);
    const kept = view.selected === null ? null : graph.byKey.get(view.selected.key);
    find();
    select(kept || null, true);
    if (!kept && graph.all.length > 0)
        byId("graph").scrollLeft = graph.all[0].x - byId("graph").clientWidth / 2 + WIDTH / 2;
}

function change(node, before) {
    const old = before.byKey.get(node.key);
    return old === undefined ? "new" : old.plain !== node.plain ? "changed" : "";
}

// From row to row; past other rows, in a lane on their right.
function edge(graph, from, to) {
    const x = from.x + WIDTH / 2, y = from.y + HEIGHT, u = to.x + WIDTH / 2, v = to.y, bend = 17;
    const past = graph.right.slice(from.row + 1, to.row);
    const lane = Math.max(...past) + GAP / 2 + graph.edges.length % 8 * LANE;
    return drawn("path", { class: "edge", d: past.length === 0
        ? `M${x} ${y}C${x} ${y + bend} ${u} ${v - bend} ${u} ${v}`
        : `M${x} ${y}C${x} ${y + bend} ${lane} ${y} ${lane} ${y + 2 * bend}` +
            `V${v - 2 * bend}C${lane} ${v} ${u} ${v - bend} ${u} ${v}` });
}

function box(node, state) {
    const shapes = node.results.map((result) => result.shape.join("\u00d7")).join(", ");
    const group = drawn("g", { id: `op-${node.index}`, class: `node ${state}`, role: "img",
        transform: `translate(${node.x} ${node.y})`,
        "aria-label": `${node.op} ${node.path}, ${shapes}${state ? ", " + state : ""}` });
    group.append(drawn("rect", { class: "box", width: WIDTH, height: HEIGHT, rx: 4 }),
        drawn("text", { x: 8, y: 16 }, short(`${node.op} ${shapes}`, 30)),
        drawn("text", { x: 8, y: 31, class: "small" }, short(node.path, 38)));
    const wide = (WIDTH - 16 - 4 * (node.results.length - 1)) / node.results.length;
    node.origins.forEach((list, i) => group.append(drawn("image", { x: 8 + i * (wide + 4), y: 38, width: Math.max(wide, 1),
        height: 12, preserveAspectRatio: "none", style: "image-rendering: pixelated", href: stripOf(node, list) })));
    group.addEventListener("click", () => select(node, false));
    hover(group, () => `${node.op} ${node.path}\n${shapes}`);
    node.group = group;
    return group;
}

function select(node, scrolls) {
    for (const group of byId("graph").querySelectorAll(".node.selected"))
        group.classList.remove("selected");
    view.selected = node;
    for (const one of view.graph.edges)
        one.path.classList.toggle("selected", node !== null && (one.from === node || one.to === node));
    if (node === null) {
        byId("graph").removeAttribute("aria-activedescendant");
        byId("details").replaceChildren(element("p", {}, "Select an op: with a click, or the arrow keys."));
        showLine(null);
        return;
    }
    node.group.classList.add("selected");
    byId("graph").setAttribute("aria-activedescendant", node.group.id);
    if (scrolls)
        byId("graph").scrollTo({ left: node.x - byId("graph").clientWidth / 2 + WIDTH / 2,
            top: node.y - byId("graph").clientHeight / 2 });
    describe(node);
    showLine(node);
}

const range = (first, last) => first === last ? `${first}` : `${first}..${last}`;

// Where the channels of a result were computed: runs of neighbours that were neighbours there.
function runs(list) {
    const found = [];
    list.forEach(([op, channel], c) => {
        const last = found[found.length - 1];
        if (last && last.op === op && channel === last.channel + (c - last.at)) {
            last.count++;
        } else {
            found.push({ op, channel, at: c, count: 1 });
        }
    });
    return found;
}

// Who reads channels that the op computed, through ops that only move them.
function readers(node) {
    const found = [];
    for (const reader of view.graph.nodes.filter((other) => !other.sources)) {
        const channels = new Set();
        for (const id of reader.operands) {
            const { node: maker, at } = view.graph.makers.get(id);
            maker.origins[at].filter(([op]) => op === node.index).forEach(([, channel]) => channels.add(channel));
        }
        if (channels.size > 0)
            found.push([reader, channels.size]);
    }
    return found;
}

function describe(node) {
    const parts = [element("h2", {}, `${node.op} ${node.path}`), element("pre", {}, node.text)];
    if (node.macs !== undefined)
        parts.push(element("p", {}, `${number.format(node.macs)} MACs, ${number.format(node.parameters)} parameters, ` +
            `${number.format(node.bytes)} bytes moved if each number is touched once`));
    node.origins.forEach((list, i) => {
        const found = runs(list);
        parts.push(element("img", { class: "strip", style: "image-rendering: pixelated", src: strip(list),
            alt: `The channels of result ${i + 1}, by the op that computed them` }));
        if (!node.sources)
            return;
        const items = element("ul");
        for (const run of found.slice(0, 12)) {
            const maker = view.graph.all[run.op];
            items.append(element("li", {}, `${range(run.at, run.at + run.count - 1)}: ` +
                `${range(run.channel, run.channel + run.count - 1)} of ${maker.op} ${maker.path}`));
        }
        if (found.length > 12)
            items.append(element("li", {}, `and ${found.length - 12} more runs`));
        parts.push(items);
    });
    const read = node.sources ? [] : readers(node);
    if (read.length > 0) {
        const items = element("ul");
        for (const [reader, count] of read)
            items.append(element("li", {}, `${number.format(count)} to ${reader.op} ${reader.path}`));
        parts.push(element("h2", {}, "Where its channels go"), items);
    }
    byId("details").replaceChildren(...parts);
}

// ---- the spec ----

function showLine(node) {
    const place = node && node.line ? node : null;
    const panel = byId("spec");
    const file = data.files[place ? place.file : 0];
    if (file === undefined)
        return;
    byId("file").textContent = file.name;
    if (panel.dataset.file !== file.name) {
        panel.dataset.file = file.name;
        panel.replaceChildren(...file.text.split("\n").map((line, i) => {
            const row = element("div", {}, `${String(i + 1).padStart(4)}  ${line}`);
            row.addEventListener("click", () => {
                const there = view.graph.nodes.find((other) => other.line === i + 1 && data.files[other.file] === file);
                if (there)
                    select(there, true);
            });
            return row;
        }));
    }
    panel.querySelectorAll(".here").forEach((row) => row.classList.remove("here"));
    const row = place && panel.children[place.line - 1];
    if (row) {
        row.classList.add("here");
        panel.scrollTop = row.offsetTop - panel.offsetTop - panel.clientHeight / 2;
    }
}

// ---- search ----

function find() {
    const wanted = byId("search").value.trim().toLowerCase();
    view.matches = wanted === "" ? []
        : view.graph.all.filter((node) => `${node.text} ${node.path}`.toLowerCase().includes(wanted));
    for (const node of view.graph.all)
        node.group.classList.toggle("match", view.matches.includes(node));
    byId("found").textContent = wanted === "" ? "" : `${view.matches.length} of ${view.graph.all.length}`;
}

function goToMatch(backwards) {
    if (view.matches.length === 0)
        return;
    const at = view.matches.indexOf(view.selected);
    const step = backwards ? view.matches.length - 1 : 1;
    select(view.matches[at < 0 ? 0 : (at + step) % view.matches.length], true);
}

// ---- keys ----

function graphKey(event) {
    const all = view.graph.all, node = view.selected;
    let to = null;
    if (event.key === "Home" || node === null)
        to = all[0];
    else if (event.key === "End")
        to = all[all.length - 1];
    else if (event.key === "ArrowDown")
        to = all[Math.min(node.index + 1, all.length - 1)];
    else if (event.key === "ArrowUp")
        to = all[Math.max(node.index - 1, 0)];
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        const row = view.graph.rows[node.row];
        to = row[row.indexOf(node) + (event.key === "ArrowLeft" ? -1 : 1)] || node;
    }
    if (!["Home", "End", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"].includes(event.key))
        return;
    event.preventDefault();
    select(to, true);
}

// ---- tips ----

function hover(target, text) {
    const tip = byId("tip");
    target.addEventListener("mousemove", (event) => {
        tip.textContent = text();
        tip.hidden = false;
        tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
        tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
    });
    target.addEventListener("mouseleave", () => { tip.hidden = true; });
}

// ---- buffers over time ----

const steps = data.program.steps;
const memory = { list: [], selected: -1 };

function bufferText(buffer) {
    return `${buffer.name}: ${number.format(buffer.bytes)} bytes at ${number.format(buffer.offset)}, ` +
        `steps ${range(buffer.first_step, buffer.last_step)} (${steps[buffer.first_step].label})`;
}

function drawMemory() {
    const high = 460, left = 90, bottom = 30, total = data.program.totals.workspace_bytes || 1;
    const wide = Math.max(6, Math.min(24, 1100 / steps.length));
    const svg = drawn("svg", { width: left + wide * steps.length + 20, height: high + bottom + 20 });
    const y = (bytes) => 10 + high - high * bytes / total;
    for (let i = 0; i <= 4; i++) {
        const bytes = total * i / 4, label = number.format(Math.round(bytes));
        svg.append(drawn("text", { x: left - 6, y: y(bytes) + 4, "text-anchor": "end" }, label),
            drawn("path", { class: "edge", d: `M${left} ${y(bytes)}H${left + wide * steps.length}` }));
    }
    for (let i = 0; i < steps.length; i += Math.ceil(60 / wide))
        svg.append(drawn("text", { x: left + i * wide, y: high + bottom }, `${i}`));
    memory.list = data.program.buffers.filter((buffer) => buffer.kind === "workspace" &&
        buffer.last_step >= buffer.first_step);
    memory.list.forEach((buffer, i) => {
        const rect = drawn("rect", { class: "buffer", id: `buffer-${i}`, role: "img", "aria-label": bufferText(buffer),
            x: left + buffer.first_step * wide, width: wide * (buffer.last_step - buffer.first_step + 1),
            y: y(buffer.offset + buffer.bytes), height: Math.max(1, high * buffer.bytes / total),
            fill: `hsl(${hue(i)}, 60%, 55%)` });
        rect.addEventListener("click", () => selectBuffer(i));
        hover(rect, () => bufferText(buffer));
        buffer.rect = rect;
        svg.append(rect);
    });
    byId("memory").replaceChildren(svg);
    byId("buffer").textContent = memory.list.length === 0 ? "No buffer is in it."
        : `${number.format(total)} bytes; no step needs more than ` +
            `${number.format(data.program.totals.workspace_lower_bound_bytes)} at once.`;
}

function selectBuffer(index) {
    memory.list.forEach((buffer, i) => buffer.rect.classList.toggle("selected", i === index));
    memory.selected = index;
    byId("memory").setAttribute("aria-activedescendant", `buffer-${index}`);
    byId("buffer").textContent = bufferText(memory.list[index]);
}

function memoryKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || memory.list.length === 0)
        return;
    event.preventDefault();
    selectBuffer(Math.max(0, Math.min(memory.selected + step, memory.list.length - 1)));
}

// ---- steps ----

const heats = [["MACs", (step) => step.macs], ["bytes moved", (step) => step.bytes_read + step.bytes_written]];
if (data.estimated_time)
    heats.push([`microseconds (predicted, ${data.estimated_time.processor})`, (step, i) => data.estimated_time.steps[i].microseconds]);

if (data.measured)
    heats.push(["microseconds (measured)", (step, i) => data.measured.steps[i].us]);

function drawSteps() {
    const heads = ["step", "layer", "what it does", ...heats.map(([name]) => name)];
    if (data.estimated_time)
        heads.push("bound by");
    const row = element("tr");
    row.append(...heads.map((text) => element("th", { scope: "col" }, text)));
    byId("steps").tHead.replaceChildren(row);
    byId("steps").tBodies[0].replaceChildren(...steps.map((step, i) => {
        const line = element("tr");
        const layer = element("td");
        const go = element("button", { type: "button" }, step.layer || step.op);
        go.addEventListener("click", () => goTo(step));
        layer.append(go);
        line.append(element("td", { class: "number" }, `${i}`), layer, element("td", {}, step.label));
        for (const [, value] of heats)
            line.append(element("td", { class: "number" }, number.format(Math.round(value(step, i) * 10) / 10)));
        if (data.estimated_time)
            line.append(element("td", {}, data.estimated_time.steps[i].bound));
        return line;
    }));
    heats.forEach(([name], i) => byId("heat").append(element("option", { value: i }, name)));
    byId("heat").value = heats.length - 1;
    colourSteps();
}

function colourSteps() {
    const values = steps.map(heats[Number(byId("heat").value)][1]);
    const most = Math.max(...values, 1e-9);
    [...byId("steps").tBodies[0].rows].forEach((row, i) => {
        row.style.background = `rgba(var(--heat), ${(0.75 * values[i] / most).toFixed(3)})`;
    });
}

// ---- the roofline ----

const roofline = { points: [], selected: -1 };
const roof = data.measured || data.estimated_roof;
const microseconds = (index) => data.measured ? data.measured.steps[index].us : data.estimated_time.steps[index].microseconds;

// Powers of ten around the numbers.
function decades(numbers) {
    const exponents = numbers.map((value) => Math.log10(value));
    return [Math.floor(Math.min(...exponents)), Math.ceil(Math.max(...exponents))];
}

function pointText(point) {
    const most = Math.min(roof.peak_gflops, point.intensity * roof.memory_gbytes_per_second);
    return `step ${point.index}, ${point.step.label}: ${number.format(Math.round(point.us * 10) / 10)} \u00b5s, ` +
        `${point.gflops.toFixed(1)} GFLOP/s of ${most.toFixed(1)} under the roof, ` +
        `${point.intensity.toFixed(1)} operations a byte`;
}

function drawRoofline() {
    const { peak_gflops: peak, memory_gbytes_per_second: speed } = roof;
    roofline.points = steps.map((step, index) => {
        const us = microseconds(index), bytes = step.bytes_read + step.bytes_written;
        return { step, index, us, gflops: 2 * step.macs / us / 1e3, intensity: 2 * step.macs / bytes };
    }).filter((point) => point.gflops > 0 && point.intensity > 0 && isFinite(point.gflops) && isFinite(point.intensity));
    byId("roofline-part").hidden = false;
    const source = data.measured ? `Measured: ${number.format(data.measured.median_ms)} ms a run, ` +
        `${data.measured.threads} ${data.measured.threads === 1 ? "thread" : "threads"}.`
        : `Predicted for ${data.estimated_time.processor}, not measured.`;
    byId("roofline-says").textContent = `${source} The roof: ${peak.toFixed(1)} GFLOP/s, ` +
        `and ${speed.toFixed(2)} GB/s from memory; a step above it had its numbers from caches. ` +
        `Steps that multiply nothing are not there: ${steps.length - roofline.points.length} of ${steps.length}.`;
    if (roofline.points.length === 0 || peak <= 0 || speed <= 0)
        return;
    const left = 70, wide = 760, high = 380, bottom = 40;
    const [x0, x1] = decades([...roofline.points.map((point) => point.intensity), peak / speed]);
    const [y0, y1] = decades([...roofline.points.map((point) => point.gflops), peak]);
    const x = (value) => left + wide * (Math.log10(value) - x0) / Math.max(1, x1 - x0);
    const y = (value) => 10 + high - high * (Math.log10(value) - y0) / Math.max(1, y1 - y0);
    const svg = drawn("svg", { width: left + wide + 20, height: high + bottom + 20 });
    for (let e = x0; e <= x1; e++)
        svg.append(drawn("path", { class: "edge", d: `M${x(10 ** e)} 10V${10 + high}` }),
            drawn("text", { x: x(10 ** e), y: high + 28, "text-anchor": "middle" }, `${10 ** e}`));
    for (let e = y0; e <= y1; e++)
        svg.append(drawn("path", { class: "edge", d: `M${left} ${y(10 ** e)}H${left + wide}` }),
            drawn("text", { x: left - 6, y: y(10 ** e) + 4, "text-anchor": "end" }, `${10 ** e}`));
    svg.append(drawn("text", { x: left + wide / 2, y: high + 46, "text-anchor": "middle" }, "operations a byte"),
        drawn("text", { x: left, y: high + 46, "text-anchor": "end" }, "GFLOP/s"));
    // Where the slope enters the picture, the ridge, and the right side.
    const low = Math.max(10 ** x0, 10 ** y0 / speed), ridge = Math.min(peak / speed, 10 ** x1);
    svg.append(drawn("path", { class: "roof", d: `M${x(low)} ${y(low * speed)}L${x(ridge)} ${y(Math.min(peak, ridge * speed))}` +
        `H${left + wide}` }));
    const longest = Math.max(...roofline.points.map((point) => point.us));
    roofline.points.forEach((point, i) => {
        const dot = drawn("circle", { class: "point", id: `point-${i}`, role: "img", "aria-label": pointText(point),
            cx: x(point.intensity), cy: y(point.gflops), r: 3 + 9 * Math.sqrt(point.us / longest) });
        dot.addEventListener("click", () => selectPoint(i));
        dot.addEventListener("dblclick", () => goTo(point.step));
        hover(dot, () => pointText(point));
        point.dot = dot;
        svg.append(dot);
    });
    byId("roofline").replaceChildren(svg);
}

function selectPoint(index) {
    roofline.points.forEach((point, i) => point.dot.classList.toggle("selected", i === index));
    roofline.selected = index;
    byId("roofline").setAttribute("aria-activedescendant", `point-${index}`);
    byId("point").textContent = pointText(roofline.points[index]);
}

function rooflineKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && roofline.selected >= 0)
        goTo(roofline.points[roofline.selected].step);
    if (step === undefined || roofline.points.length === 0)
        return;
    event.preventDefault();
    selectPoint(Math.max(0, Math.min(roofline.selected + step, roofline.points.length - 1)));
}

// ---- guidelines ----

function drawGuidelines() {
    const heads = ["guideline", "layer", "what", "cycles lost", "bytes more", "better"];
    const row = element("tr");
    row.append(...heads.map((text) => element("th", { scope: "col" }, text)));
    byId("findings").tHead.replaceChildren(row);
    byId("guidelines-say").textContent = data.findings.length === 0
        ? "Nothing breaks them." : `${data.findings.length} places, by a model of ${data.program.target.name}.`;
    byId("findings").tBodies[0].replaceChildren(...data.findings.map((finding) => {
        const line = element("tr"), layer = element("td");
        const go = element("button", { type: "button" }, finding.layer || finding.op);
        go.addEventListener("click", () => goToOp(finding, 0));
        layer.append(go);
        const count = (value) => element("td", { class: "number" }, number.format(Math.round(value)));
        line.append(element("td", {}, finding.guideline), layer, element("td", {}, finding.what), count(finding.cycles),
            count(finding.bytes), element("td", {}, finding.suggestion || ""));
        return line;
    }));
}

// The op of the last graph that the step belongs to.
function goTo(step) {
    goToOp(step, data.passes.length - 1);
}

function goToOp(step, pass) {
    byId("slider").value = view.pass = pass;
    show("graph");
    draw();
    const there = view.graph.nodes.find((node) => node.path === step.layer && node.op === step.op) ||
        view.graph.nodes.find((node) => node.path === step.layer);
    if (there)
        select(there, true);
    byId("graph").focus();
}

// ---- tabs ----

const tabs = ["graph", "memory", "steps", "guidelines"];

function show(name) {
    for (const tab of tabs) {
        byId(`tab-${tab}`).setAttribute("aria-selected", tab === name);
        byId(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
        byId(`view-${tab}`).hidden = tab !== name;
    }
}

tabs.forEach((tab, i) => {
    byId(`tab-${tab}`).addEventListener("click", () => show(tab));
    byId(`tab-${tab}`).addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[event.key];
        if (step === undefined)
            return;
        const next = tabs[(i + step) % tabs.length];
        show(next);
        byId(`tab-${next}`).focus();
    });
});

document.title = byId("title").textContent = data.name;
const totals = data.program.totals;
byId("summary").textContent = `${data.program.target.name}: ${steps.length} steps, ${number.format(totals.macs)} MACs, ` +
    `${number.format(totals.weight_bytes)} bytes of weights, ${number.format(totals.workspace_bytes)} of workspace`;
byId("slider").max = data.passes.length - 1;
byId("slider").addEventListener("input", () => { view.pass = Number(byId("slider").value); draw(); });
byId("search").addEventListener("input", find);
byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") goToMatch(event.shiftKey); });
byId("graph").addEventListener("keydown", graphKey);
byId("memory").addEventListener("keydown", memoryKey);
byId("heat").addEventListener("change", colourSteps);
byId("roofline").addEventListener("keydown", rooflineKey);
draw();
drawMemory();
drawSteps();
drawGuidelines();
if (roof)
    drawRoofline();
})();
