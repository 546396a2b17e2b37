"use strict";
// Shows openapi.json. Everything is set as text: nothing of it is ever read as markup.

const make = (name, text, attributes = {}) => {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

let schemas = {};

// A schema as an example of itself.
const example = (schema, depth = 0) => {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(schemas[schema.$ref.split("/").pop()], depth + 1);
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choice = (schema.anyOf || schema.oneOf || schema.allOf || []).find((s) => s.type !== "null");
  if (choice) return example(choice, depth + 1);
  if (schema.type === "array") return [example(schema.items, depth + 1)];
  if (schema.properties) {
    const entries = Object.entries(schema.properties);
    return Object.fromEntries(entries.map(([key, value]) => [key, example(value, depth + 1)]));
  }
  return { string: "text", integer: 1, number: 0.5, boolean: true, object: {} }[schema.type] ?? null;
};

const content = (title, body) => {
  const part = make("div");
  const [type, told] = Object.entries((body && body.content) || {})[0] || [];
  if (!type) return part;
  part.append(make("p", `${title} (${type})`));
  if (type === "application/json") part.append(make("pre", JSON.stringify(example(told.schema), null, 2)));
  return part;
};

const show = (path, method, operation) => {
  const box = make("details", null, { id: operation.operationId || `${method}${path}` });
  const line = make("summary");
  line.append(make("span", method.toUpperCase(), { class: "method" }), make("code", path));
  line.append(` ${operation.summary || ""}`);
  line.append(make("span", operation["x-permission"] || "", { class: "needs" }));
  const inside = make("div");
  if (operation.description) inside.append(make("p", operation.description));
  const table = make("table");
  for (const parameter of operation.parameters || []) {
    const row = make("tr");
    const name = make("td");
    name.append(make("code", parameter.name));
    row.append(name, make("td", parameter.in), make("td", parameter.description || ""));
    table.append(row);
  }
  inside.append(table, content("Body", operation.requestBody));
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  if (good) inside.append(content(`Answer ${good[0]}`, good[1]));
  box.append(line, inside);
  return box;
};

const main = async () => {
  const about = document.getElementById("about");
  const described = await (await fetch("/api/v1/openapi.json")).json();
  schemas = described.components.schemas;
  about.textContent = described.info.description;
  const sections = new Map();
  for (const [path, operations] of Object.entries(described.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = (operation.tags || ["other"])[0];
      if (!sections.has(tag)) {
        const section = make("section", null, { id: tag });
        section.append(make("h2", tag));
        sections.set(tag, section);
        document.getElementById("tags").append(make("a", tag, { href: `#${tag}` }));
      }
      sections.get(tag).append(show(path, method, operation));
    }
  }
  document.getElementById("operations").append(...sections.values());
};

main().catch((error) => {
  document.getElementById("about").textContent = `The description cannot be read: ${error}`;
});
