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

// Call it when the hub tells an event whose subject begins so. A hidden page gives its connection back: a browser has
// few for each hub.
export function useEvents(subject: string, act: () => void): void {
  useEffect(() => {
    let stop = new AbortController();
    const listen = async () => {
      stop = new AbortController();
      const { signal } = stop;
      while (!signal.aborted) {
        try {
          await follow(subject, act, signal);
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
    if (!document.hidden) void listen();
    document.addEventListener("visibilitychange", turn);
    return () => {
      document.removeEventListener("visibilitychange", turn);
      stop.abort();
    };
  }, [subject, act]);
}

async function follow(subject: string, act: () => void, signal: AbortSignal): Promise<void> {
  const answer = await call("/api/v1/events/stream", { signal });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let first = true; ; first = false) {
    const { done, value } = await reader.read();
    if (done) return;
    // It tells what happens from now on, and something may have happened since the page was asked for.
    if (first) act();
    const messages = (rest + value).split("\n\n");
    rest = messages.pop() ?? "";
    const data = messages.flatMap((one) => one.split("\n").filter((line) => line.startsWith("data: ")));
    if (data.some((line) => String(JSON.parse(line.slice(6)).subject).startsWith(subject))) act();
  }
}
