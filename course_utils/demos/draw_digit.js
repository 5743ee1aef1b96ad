// The canvas has one backing pixel for each pixel that is classified, so the reader sees what the network gets.
const SIZE = 28;
const BRUSH = 3; // as in draw_digit.py

function element(parent, tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

// Bytes from Python become the opacity of black ink.
function paint(canvas, view) {
  const image = new ImageData(SIZE, SIZE);
  for (let i = 0; i < view.byteLength; i++) image.data[4 * i + 3] = view.getUint8(i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function inkOf(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, SIZE, SIZE);
  return new DataView(Uint8Array.from({ length: SIZE * SIZE }, (_, i) => data[4 * i + 3]).buffer);
}

function addCanvas(parent, name, label) {
  return element(parent, "canvas", { class: name, width: SIZE, height: SIZE, role: "img", "aria-label": label });
}

function listenToPen(canvas, changed) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let stroke = []; // its points in pixels; empty while the pen is up
  let before = null; // the picture without it: drawn anew as one line, a stroke does not grow darker where its steps meet
  const extend = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = SIZE / canvas.clientWidth;
    stroke.push([(event.clientX - box.left - canvas.clientLeft) * scale, (event.clientY - box.top - canvas.clientTop) * scale]);
  };
  const draw = () => {
    pen.putImageData(before, 0, 0);
    Object.assign(pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(stroke[0][0] + 0.01, stroke[0][1]); // a line of no length would not be drawn
    for (const point of stroke) pen.lineTo(...point);
    pen.stroke();
    changed();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId); // a stroke may leave the canvas and come back
    before = pen.getImageData(0, 0, SIZE, SIZE);
    extend(event);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke.length || !event.isPrimary) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    (steps.length ? steps : [event]).forEach(extend);
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (stroke = []));
}

function render({ model, el }) {
  const root = element(el, "div", { class: "draw-digit" });
  const left = element(root, "div");
  const canvas = addCanvas(left, "paper", "Drawing area: draw a digit with mouse, pen or finger");
  const buttons = element(left, "div", { class: "buttons" });
  const right = element(root, "div", { class: "answer" });
  const message = element(right, "p", { role: "status" });
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const row = element(right, "div", { class: "row" });
    element(row, "span", {}, digit);
    return { row, bar: element(element(row, "div", { class: "track" }), "div"), value: element(row, "span") };
  });
  const seen = element(left, "p", { class: "seen" }, "The network sees ");
  const thumbnail = addCanvas(seen, "thumbnail", "The drawing, scaled and centred");

  const send = (view) => {
    model.set("pixels", view);
    model.save_changes();
  };
  listenToPen(canvas, () => send(inkOf(canvas)));
  for (const [label, view] of [["Clear", () => new DataView(new ArrayBuffer(SIZE * SIZE))], ["Example", () => model.get("example")]])
    element(buttons, "button", { type: "button" }, label).addEventListener("click", () => send(view()));

  const showPixels = () => paint(canvas, model.get("pixels"));
  const showAnswer = () => {
    const probabilities = model.get("probabilities");
    const best = probabilities.indexOf(Math.max(...probabilities));
    message.textContent = model.get("message");
    rows.forEach(({ row, bar, value }, digit) => {
      row.classList.toggle("best", digit === best);
      bar.style.width = `${100 * (probabilities[digit] ?? 0)}%`;
      value.textContent = probabilities[digit]?.toFixed(2) ?? "";
    });
    paint(thumbnail, model.get("seen"));
  };
  const answers = "change:probabilities change:message change:seen";
  model.on("change:pixels", showPixels);
  model.on(answers, showAnswer);
  showPixels();
  showAnswer();
  return () => {
    model.off("change:pixels", showPixels);
    model.off(answers, showAnswer);
  };
}

export default { render };
