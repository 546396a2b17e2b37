// The page of a server: forms made of what the models take, answers, and figures. Everything shown is set as text.

const $ = (id) => document.getElementById(id);
let facts = null;
let model = null;
let method = null;
let key = "";
let running = null;

/** An element with properties and children; texts become text nodes. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function ask(path, options = {}) {
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  return fetch(new URL(path.replace(/^\//, ""), document.baseURI), { ...options, headers });
}

// -- which model, which method

async function load() {
  const answer = await ask("page/models.json");
  $("key-form").hidden = answer.status !== 401 && answer.status !== 403;
  if (!answer.ok) {
    $("description").textContent = $("key-form").hidden ? `The server answered ${answer.status}.` : "";
    return;
  }
  facts = await answer.json();
  choose();
}

/** The address says what is shown: #model/method, so that links and the back button work. */
function choose() {
  if (!facts) return;
  if (!facts.models.length) {
    $("name").textContent = "No model is served";
    return;
  }
  const wanted = decodeURIComponent(location.hash.slice(1));
  model = facts.models.find((m) => wanted === m.name || wanted.startsWith(`${m.name}/`)) ?? facts.models[0];
  const named = wanted.slice(model.name.length + 1);
  method = model.methods.find((m) => m.name === named)
    ?? model.methods.find((m) => m.name === model.default_method) ?? model.methods[0];
  show();
}

function link(to, text, current) {
  const button = make("button", { type: "button", "aria-pressed": String(current) }, text);
  button.addEventListener("click", () => { location.hash = encodeURIComponent(to); });
  return button;
}

function show() {
  document.title = model.name;
  $("name").textContent = model.name;
  $("identity").textContent = model.identity;
  $("description").textContent = model.description;
  $("models").hidden = facts.models.length < 2;
  $("models").replaceChildren(...facts.models.map((m) => link(m.name, m.name, m === model)));
  $("methods").hidden = model.methods.length < 2;
  $("methods").replaceChildren(...model.methods.map((m) => link(`${model.name}/${m.name}`, m.name, m === method)));
  $("as-json").checked = false;
  $("answer").replaceChildren();
  $("status").textContent = "Nothing was sent yet.";
  $("form").hidden = !method;
  if (!method) return;
  showForm(method.example ?? {});
  showExamples();
  figures();
}

// -- the form

const table = (argument) => argument.columns && argument.schema.items?.properties;

/** What a schema takes: its type without null, its choices, whether null is one. */
function plain(schema) {
  const options = schema.anyOf ?? schema.oneOf;
  if (options) {
    const rest = options.filter((o) => o.type !== "null");
    if (rest.length === 1) return { ...plain(rest[0]), optional: true, lacks: false };
    return { type: "json", optional: rest.length < options.length };
  }
  const types = [schema.type].flat().filter((t) => t !== undefined);
  const optional = types.includes("null") || (schema.enum ?? []).includes(null);
  const type = types.filter((t) => t !== "null");
  if (schema.enum) return { type: "choice", choices: schema.enum.filter((c) => c !== null), optional };
  const numeric = type.includes("number") || type.includes("integer");
  if (numeric && type.every((t) => ["number", "integer", "string"].includes(t))) {
    return { type: type.includes("number") ? "number" : "integer", optional, lacks: optional };
  }
  const only = type.length === 1 ? type[0] : "json";
  return { type: ["string", "boolean"].includes(only) ? only : "json", format: schema.format, optional };
}

let fields = []; // { place: [argument, row?, column?], element, kind }
let number = 0;

function field(label, place, schema, value, { required = true, file = null } = {}) {
  const id = `field-${(number += 1)}`;
  const kind = file ? { type: "file" } : plain(schema);
  const element = input(kind, value, file);
  element.id = id;
  if (required && !kind.optional) element.setAttribute("aria-required", "true");
  fields.push({ place, element, kind, required });
  element.addEventListener("input", changed);
  const words = { json: "JSON", choice: "", file: "" }[kind.type] ?? (kind.format || kind.type);
  // A column's number may be missing by nature; whether the model bears that nobody knows, unless its example does.
  const empty = kind.optional && (!kind.lacks || value === null);
  const hints = [words, empty ? "may be empty" : "", required ? "" : "optional"].filter(Boolean).join(", ");
  const hint = make("span", { className: "hint" }, hints ? ` ${hints}` : "");
  return make("div", { className: "field" }, make("label", { htmlFor: id }, label, hint), element);
}

function input(kind, value, file) {
  if (kind.type === "file") return make("input", { type: "file", multiple: file === "many" });
  if (kind.type === "choice" || kind.type === "boolean") {
    const choices = kind.type === "boolean" ? [true, false] : kind.choices;
    const select = make("select", {}, make("option", { value: "" }, ""));
    choices.forEach((choice, i) => select.append(make("option", { value: String(i), selected: choice === value }, String(choice))));
    kind.choices = choices;
    return select;
  }
  if (kind.type === "number" || kind.type === "integer") {
    return make("input", { type: "text", inputMode: "decimal", value: value ?? "", autocomplete: "off" });
  }
  if (kind.type === "string") {
    const text = value ?? "";
    return text.length > 60 || text.includes("\n")
      ? make("textarea", { value: text }) : make("input", { type: "text", value: text, autocomplete: "off" });
  }
  return make("textarea", { value: value === undefined ? "" : JSON.stringify(value), spellcheck: false });
}

function showForm(values) {
  fields = [];
  number = 0;
  $("fields").replaceChildren(...method.arguments.map((argument) => part(argument, values[argument.name])));
  changed();
}

function part(argument, value) {
  const given = value === undefined && !argument.required ? undefined : value;
  if (!table(argument)) {
    return field(argument.name, [argument.name], argument.schema, given, { required: argument.required, file: argument.file });
  }
  const rows = make("div");
  const records = Array.isArray(given) && given.length ? given.slice(0, 1) : [{}];
  const add = make("button", { type: "button" }, "Add a record");
  let row = 0;
  const append = (record) => {
    const place = row;
    row += 1;
    const cells = make("div", { className: "cells" }, ...argument.columns.map((column) =>
      field(column, [argument.name, place, column], argument.schema.items.properties[column] ?? {}, record[column])));
    const box = make("fieldset", {}, make("legend", {}, `${argument.name} ${place + 1}`), cells);
    rows.append(box);
    return box;
  };
  records.forEach(append);
  add.addEventListener("click", () => {
    append({}).querySelector("input, select, textarea")?.focus();
    changed();
  });
  return make("div", { className: "field" }, rows, add);
}

function showExamples() {
  const example = method.example;
  const buttons = [];
  if (example && Object.keys(example).length) {
    const main = method.arguments.find((a) => table(a) && Array.isArray(example[a.name]));
    const count = main ? Math.min(example[main.name].length, 8) : 1;
    for (let i = 0; i < count; i += 1) {
      const values = main ? { ...example, [main.name]: [example[main.name][i]] } : example;
      const button = make("button", { type: "button" }, count > 1 ? `Example ${i + 1}` : "Example");
      button.addEventListener("click", () => {
        $("as-json").checked = false;
        showForm(values);
      });
      buttons.push(button);
    }
  }
  $("examples").replaceChildren(...buttons);
}

// -- what is in it

class Wrong extends Error {
  constructor(message, element) {
    super(message);
    this.element = element;
  }
}

/** The value of one field as JSON; undefined when it is left empty and may be. */
function read({ place, element, kind, required }) {
  const name = place.filter((p) => typeof p === "string").join(".");
  const text = element.value;
  if (text === "" && kind.type !== "string") {
    if (kind.optional) return null;
    if (!required) return undefined;
    throw new Wrong(`${name} is empty`, element);
  }
  if (kind.type === "string") {
    if (text === "" && kind.optional) return null;
    return text === "" && !required ? undefined : text;
  }
  if (kind.type === "choice" || kind.type === "boolean") return kind.choices[Number(text)];
  if (kind.type === "number" || kind.type === "integer") {
    const value = Number(text.replace(",", "."));
    // What is no number goes as it is: the server says what it takes ("Infinity" is one).
    return Number.isFinite(value) && text.trim() !== "" ? value : text;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Wrong(`${name} is not JSON`, element);
  }
}

function collect() {
  if ($("as-json").checked) {
    const area = $("json");
    try {
      return JSON.parse(area.value);
    } catch (error) {
      throw new Wrong(`This is not JSON: ${error.message}`, area);
    }
  }
  const values = {};
  for (const one of fields) {
    if (one.kind.type === "file") continue;
    const value = read(one);
    const [argument, row, column] = one.place;
    if (row !== undefined) {
      values[argument] ??= [];
      values[argument][row] ??= {};
      if (value !== undefined) values[argument][row][column] = value;
    } else if (value !== undefined) {
      values[argument] = value;
    }
  }
  return values;
}

const files = () => fields.filter((f) => f.kind.type === "file" && f.element.files.length);
const takesFiles = () => method.arguments.some((a) => a.file);

function changed() {
  for (const { element } of fields) element.removeAttribute("aria-invalid");
  $("copied").textContent = "";
  try {
    $("curl").textContent = curl(collect());
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    $("curl").textContent = curl(null);
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
// A list may stand for the only argument; an object would be taken for arguments by name.
const exact = (values) => {
  const [[name, value] = [], ...others] = Object.entries(values ?? {});
  return method.bare && !others.length && name === method.arguments[0]?.name && Array.isArray(value) ? value : values;
};

function curl(values) {
  const url = new URL(method.path.replace(/^\//, ""), document.baseURI).href;
  const words = ["curl", "-s", quoted(url)];
  if (key) words.push("-H", '"Authorization: Bearer $KEY"');
  if (method.streams) words.push("-N", "-H", quoted("Accept: text/event-stream"));
  if (takesFiles() && !$("as-json").checked) {
    for (const a of method.arguments.filter((one) => one.file)) {
      const chosen = fields.find((f) => f.place[0] === a.name)?.element.files ?? [];
      for (const f of chosen.length ? chosen : [{ name: "FILE" }]) words.push("-F", quoted(`${a.name}=@${f.name}`));
    }
    for (const [name, value] of Object.entries(values ?? {})) {
      words.push("-F", quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`));
    }
  } else {
    const body = values === null ? "…" : JSON.stringify($("as-json").checked ? values : exact(values));
    words.push("-H", quoted("Content-Type: application/json"), "-d", quoted(body));
  }
  return words.join(" ");
}

// -- sending

function request(values) {
  const accept = method.streams ? "application/x-ndjson" : method.returns_file ?? "application/json";
  const headers = { Accept: method.returns_file ? `${accept}, application/json;q=0.5` : accept };
  if (takesFiles() && !$("as-json").checked) {
    const body = new FormData();
    for (const { place, element } of files()) for (const file of element.files) body.append(place[0], file);
    for (const [name, value] of Object.entries(values)) body.append(name, typeof value === "string" ? value : JSON.stringify(value));
    return { method: "POST", headers, body };
  }
  headers["Content-Type"] = "application/json";
  return { method: "POST", headers, body: JSON.stringify($("as-json").checked ? values : exact(values)) };
}

async function send(event) {
  event.preventDefault();
  let values;
  try {
    values = collect();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    failed({ message: error.message }, error.element);
    $("status").textContent = "Not sent.";
    return;
  }
  running = new AbortController();
  $("send").disabled = true;
  $("stop").hidden = !method.streams;
  $("status").textContent = "Waiting for the answer …";
  const begun = performance.now();
  try {
    const answer = await ask(method.path, { ...request(values), signal: running.signal });
    if (answer.ok && method.streams) await streamed(answer, begun);
    else await whole(answer, begun);
  } catch (error) {
    if (error.name === "AbortError") $("status").textContent = "Stopped.";
    else failed({ message: `No answer: ${error.message}` });
  } finally {
    $("send").disabled = false;
    $("stop").hidden = true;
    running = null;
    figures();
  }
}

const took = (begun) => `${(performance.now() - begun).toFixed(1)} ms`;

async function whole(answer, begun) {
  const kind = (answer.headers.get("content-type") ?? "").split(";")[0];
  const body = kind === "application/json" ? await answer.json() : await answer.blob();
  $("status").textContent = `${answer.status} in ${took(begun)}`;
  if (!answer.ok) {
    const error = body.error ?? { message: `The server answered ${answer.status}.` };
    failed(error, at(error.field));
    return;
  }
  $("answer").replaceChildren(kind === "application/json" ? shown(body) : file(body, kind));
}

async function streamed(answer, begun) {
  const box = make("pre", { tabIndex: 0 });
  $("answer").replaceChildren(box);
  const lines = answer.body.pipeThrough(new TextDecoderStream());
  let rest = "";
  let items = 0;
  for await (const chunk of chunks(lines)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    for (const line of parts.filter(Boolean)) {
      const item = JSON.parse(line);
      if (item !== null && typeof item === "object" && item.error?.request_id) {
        $("answer").append(problem(item.error));
      } else {
        if (items === 0) $("status").textContent = `First item after ${took(begun)}`;
        items += 1;
        box.append(typeof item === "string" ? item : `${items > 1 ? "\n" : ""}${JSON.stringify(item)}`);
        box.scrollTop = box.scrollHeight;
      }
    }
  }
  $("status").textContent = `${items} ${items === 1 ? "item" : "items"} in ${took(begun)}`;
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** The field that an error names: X[3].age, X.age, age. */
function at(place) {
  const found = /^([^[.]+)(?:\[(\d+)\])?(?:\.(.+))?$/.exec(place ?? "");
  if (!found) return undefined;
  const [, argument, row = "0", column] = found;
  const one = fields.find((f) => f.place[0] === argument
    && (f.place.length === 1 || (f.place[1] === Number(row) && f.place[2] === column)));
  return one?.element;
}

function problem(error) {
  const box = make("div", { className: "wrong", role: "alert" }, make("p", {}, error.message));
  if (error.hint) box.append(make("p", {}, error.hint));
  if (error.request_id) box.append(make("p", {}, `Request ${error.request_id}`));
  return box;
}

function failed(error, element) {
  $("answer").replaceChildren(problem(error));
  if (element) {
    element.setAttribute("aria-invalid", "true");
    element.focus();
  }
}

// -- showing

const scalar = (value) => value === null || typeof value !== "object";
const MOST_ROWS = 200;

function shown(value) {
  if (scalar(value)) return make("p", { className: "large" }, String(value));
  if (Array.isArray(value) && value.length === 1 && scalar(value[0])) return make("p", { className: "large" }, String(value[0]));
  const records = Array.isArray(value) && value.length > 0 && value.every((v) => v !== null && typeof v === "object" && Object.values(v).every(scalar));
  if (!records) return make("pre", { tabIndex: 0 }, JSON.stringify(value, null, 1));
  const columns = [...new Set(value.flatMap((row) => Object.keys(row)))];
  const head = make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c)));
  const rows = value.slice(0, MOST_ROWS).map((row) => make("tr", {}, ...columns.map((c) => make("td", {}, String(row[c] ?? "")))));
  const made = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { className: "scroll", tabIndex: 0 }, made);
}

function file(blob, kind) {
  const url = URL.createObjectURL(blob);
  if (["image/png", "image/jpeg", "image/webp", "image/gif"].includes(kind)) {
    return make("img", { src: url, alt: `The answer of ${method.name}` });
  }
  return make("a", { href: url, download: "answer" }, `Save the answer (${blob.size} bytes)`);
}

// -- figures, from what Prometheus reads

const LINE = /^(\w+)\{([^}]*)\} (\S+)$/gm;

async function figures() {
  const shownFor = method;
  const answer = await ask("metrics").catch(() => null);
  if (!answer?.ok || shownFor !== method) return;
  const mine = { model: model.name, method: method.name };
  const buckets = [];
  let answered = 0;
  let wrong = 0;
  for (const [, name, labels, value] of (await answer.text()).matchAll(LINE)) {
    const found = Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, k, v]) => [k, v.replaceAll(/\\(.)/g, "$1")]));
    if (found.model !== mine.model || found.method !== mine.method) continue;
    if (name === "modelyard_request_duration_seconds_bucket") buckets.push([found.le === "+Inf" ? Infinity : Number(found.le), Number(value)]);
    if (name === "modelyard_requests_total") {
      answered += Number(value);
      if (Number(found.status) >= 500) wrong += Number(value);
    }
  }
  const rows = [["answered", String(answered)], ["p50", within(buckets, 0.5)], ["p99", within(buckets, 0.99)]];
  if (wrong) rows.push(["failed", String(wrong)]);
  $("figures").replaceChildren(...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** A quantile of a histogram, interpolated within its bucket. */
function within(buckets, quantile) {
  buckets.sort((a, b) => a[0] - b[0]);
  const total = buckets.at(-1)?.[1] ?? 0;
  if (!total) return "–";
  const wanted = total * quantile;
  const i = buckets.findIndex(([, count]) => count >= wanted);
  const [low, before] = i ? buckets[i - 1] : [0, 0];
  const [high, count] = buckets[i];
  if (high === Infinity) return `> ${low} s`;
  const seconds = low + ((high - low) * (wanted - before)) / (count - before || 1);
  return seconds < 1 ? `≈ ${(seconds * 1000).toPrecision(2)} ms` : `≈ ${seconds.toPrecision(2)} s`;
}

// -- what the buttons do

$("form").addEventListener("submit", send);
$("stop").addEventListener("click", () => running?.abort());
$("as-json").addEventListener("change", () => {
  if (!$("as-json").checked) {
    showForm(method.example ?? {});
    return;
  }
  let values = method.example ?? {};
  $("as-json").checked = false;
  try {
    values = collect();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
  }
  $("as-json").checked = true;
  const area = make("textarea", { id: "json", className: "tall", spellcheck: false, value: JSON.stringify(values, null, 1), "aria-label": "JSON by argument name" });
  fields = [];
  area.addEventListener("input", changed);
  $("fields").replaceChildren(area);
  changed();
  area.focus();
});
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("curl").textContent);
    $("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren($("curl"));
    $("copied").textContent = "Selected: press Ctrl+C.";
  }
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value;
  load();
});
addEventListener("hashchange", choose);
load();
