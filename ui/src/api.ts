// Calls of the hub's REST. Their types come from its OpenAPI: a call that the hub does not have does not compile.

import type { components, operations, paths } from "./schema";

type Schemas = components["schemas"];
export type Run = Schemas["Run"];
export type Point = Schemas["Point"];
export type Bucket = Schemas["Bucket"];
export type Experiment = Schemas["Experiment"];
export type Artifact = Schemas["Artifact"];
export type Model = Schemas["Model"];
export type Version = Schemas["Version"];
export type Event = Schemas["Event"];
export type Server = Schemas["Server"];
export type Question = Partial<Schemas["Question"]>;

type Operation = operations[keyof operations];
type Body<R> = R extends { content: { "application/json": infer B } } ? B : never;
type Good<O> = O extends { responses: { 200: infer R } } ? Body<R> : never;
type Part<O, K extends "path" | "query"> = O extends { parameters: { [P in K]?: infer V } } ? V : undefined;
type Readable = { [P in keyof paths]: paths[P] extends { get: Operation } ? P : never }[keyof paths];
type Get<P extends Readable> = paths[P]["get"];

// A refusal of the hub, in its own words.
export class Refusal extends Error {
  constructor(readonly status: number, message: string, readonly hint: string) {
    super(message);
  }
}

const KEY = "modelyard.token";

// Kept while the tab is open, and sent to nobody but this hub.
export const token = {
  get: (): string => sessionStorage.getItem(KEY) ?? "",
  set: (text: string): void => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

// Called when the hub wants to know who asks.
export const signIn = { wanted: (_why: string): void => {} };

export async function call(address: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (token.get()) headers.set("Authorization", `Bearer ${token.get()}`);
  let answer: Response;
  try {
    answer = await fetch(address, { ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, "the hub does not answer", "it is asked again when you reload the page");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  const { message = `the hub answered ${answer.status}`, hint = "" } = told?.error ?? {};
  if (answer.status === 401) signIn.wanted(token.get() ? message : "");
  throw new Refusal(answer.status, message, hint ?? "");
}

export const address = (path: string, filled: object = {}, query: object = {}): string => {
  const values = new Map(Object.entries(filled).map(([key, value]) => [key, String(value)]));
  const whole = path.replace(/\{(\w+)\}/g, (_, key: string) => {
    const parts = (values.get(key) ?? "").split("/");
    return parts.map((part) => encodeURIComponent(part)).join(key === "path" ? "/" : "%2F");
  });
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) asked.set(key, String(value));
  }
  return asked.size ? `${whole}?${asked}` : whole;
};

export async function get<P extends Readable>(
  path: P,
  filled: NonNullable<Part<Get<P>, "path">> | Record<string, never> = {},
  query: NonNullable<Part<Get<P>, "query">> | Record<string, never> = {},
): Promise<Good<Get<P>>> {
  return (await call(address(path, filled, query))).json();
}

export async function searchRuns(question: Question): Promise<Schemas["Page_Run_"]> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(question);
  return (await call("/api/v1/runs/search", { method: "POST", headers, body })).json();
}

// A file for the reader's disk. With a token the browser cannot fetch it by itself, so the page does.
export async function download(from: string, name: string): Promise<void> {
  const link = document.createElement("a");
  link.download = name;
  if (!token.get()) {
    link.href = from;
    link.click();
    return;
  }
  const url = URL.createObjectURL(await (await call(from)).blob());
  link.href = url;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
