// What is asked for is asked again when it may have changed, and not while nobody looks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { call, Refusal } from "./api";

export type Asked<T> = { data: T | undefined; error: Refusal | undefined; again: () => void };

// Ask for something, anew for each `key`. An answer that comes too late for its key is dropped; what was there stays
// until a newer answer to the same question is here.
export function useAsked<T>(key: string, ask: () => Promise<T>): Asked<T> {
  const [state, set] = useState<{ key: string; data?: T | undefined; error?: Refusal }>({ key });
  const latest = useRef({ key, ask, turn: 0 });
  latest.current.key = key;
  latest.current.ask = ask;
  const again = useCallback(() => {
    const turn = ++latest.current.turn;
    const mine = latest.current.key;
    const current = () => turn === latest.current.turn && mine === latest.current.key;
    latest.current.ask().then(
      (data) => current() && set({ key: mine, data }),
      (error: unknown) => {
        const told = error instanceof Refusal ? error : new Refusal(0, String(error), "");
        if (current()) set((old) => ({ key: mine, data: old.key === mine ? old.data : undefined, error: told }));
      },
    );
  }, []);
  useEffect(again, [key, again]);
  return state.key === key ? { data: state.data, error: state.error, again } : { data: undefined, error: undefined, again };
}

type Page<T> = { items: T[]; next?: string | null | undefined };
export type Pages<T> = {
  items: T[] | undefined;
  next: string | null;
  error: Refusal | undefined;
  busy: boolean;
  again: () => void;
  more: () => void;
};

const FIRST = 100;
const MOST = 1000;

// A listing, page after page. Asking again brings all rows that are shown up to date, where one page can hold them.
export function usePages<T>(key: string, ask: (page: string | undefined, limit: number) => Promise<Page<T>>): Pages<T> {
  const [more, setMore] = useState<{ key: string; items: T[]; next: string | null; busy: boolean; error?: Refusal }>();
  const shown = useRef(FIRST);
  const asked = useAsked(key, () => ask(undefined, Math.min(MOST, Math.max(FIRST, shown.current))));
  const added = more?.key === key ? more : undefined;
  const first = asked.data?.items;
  const next = added ? added.next : asked.data?.next ?? null;
  const items = first && added ? [...first, ...added.items] : first;
  shown.current = items?.length ?? FIRST;
  const again = useCallback(() => {
    if (shown.current > MOST) return;
    asked.again();
  }, [asked.again]);
  // A fresh first page holds what was added to the one before.
  useEffect(() => setMore(undefined), [first]);
  const load = () => {
    if (!next || added?.busy) return;
    const before = added?.items ?? [];
    setMore({ key, items: before, next, busy: true });
    ask(next, FIRST).then(
      (page) => setMore({ key, items: [...before, ...page.items], next: page.next ?? null, busy: false }),
      (error: unknown) =>
        error instanceof Refusal && setMore({ key, items: before, next, busy: false, error }),
    );
  };
  return { items, next, error: added?.error ?? asked.error, busy: added?.busy ?? false, again, more: load };
}

// Call it every so often while the page is looked at; 0 is never.
export function useEvery(ms: number, act: () => void): void {
  useEffect(() => {
    if (!ms) return undefined;
    const timer = setInterval(() => document.hidden || act(), ms);
    return () => clearInterval(timer);
  }, [ms, act]);
}

const REST_MS = 1500;

// Call it when the hub tells that something `wanted` happened, and after every new connection, as something may have
// happened before it; not more often than every so often, and never once too few. A hidden page gives its connection
// back: a browser has few for each hub. `source` is the query of the stream; undefined is not to listen.
export function useEvents(source: string | undefined, wanted: string, act: () => void): void {
  useEffect(() => {
    if (source === undefined) return undefined;
    let stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        last = Date.now();
        act();
      }, Math.max(0, last + REST_MS - Date.now()));
    };
    const listen = async () => {
      stop = new AbortController();
      const { signal } = stop;
      while (!signal.aborted) {
        try {
          await follow(source, wanted, soon, signal);
        } catch (error) {
          if (error instanceof Refusal && error.status >= 400 && error.status < 500) return;
        }
        await new Promise((resolve) => setTimeout(resolve, 3000));
      }
    };
    const turn = () => {
      stop.abort();
      if (!document.hidden) void listen();
    };
    turn();
    document.addEventListener("visibilitychange", turn);
    return () => {
      document.removeEventListener("visibilitychange", turn);
      clearTimeout(timer);
      stop.abort();
    };
  }, [source, wanted, act]);
}

// An event of the audit is about a subject; one of the runs about a run.
type Told = { subject?: string; run_id?: string };

async function follow(source: string, wanted: string, soon: () => void, signal: AbortSignal): Promise<void> {
  const answer = await call(`/api/v1/events/stream${source}`, { signal });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let first = true; ; first = false) {
    const { done, value } = await reader.read();
    if (done) return;
    if (first) soon();
    const messages = (rest + value).split("\n\n");
    rest = messages.pop() ?? "";
    for (const line of messages.flatMap((one) => one.split("\n"))) {
      if (!line.startsWith("data: ")) continue;
      const told = JSON.parse(line.slice(6)) as Told;
      if ((told.subject ?? `run:${told.run_id}`).startsWith(wanted)) soon();
    }
  }
}
