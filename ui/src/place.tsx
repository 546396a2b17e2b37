// Where in the pages the reader is: the address says it all, so that it can be shared and gone back to.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

const MOVED = "modelyard:moved";

export const go = (to: string, replace = false): void => {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  window.dispatchEvent(new CustomEvent(MOVED));
  if (!replace) window.scrollTo(0, 0);
};

export function usePlace(): URL {
  const [place, set] = useState(location.href);
  useEffect(() => {
    const follow = () => set(location.href);
    window.addEventListener("popstate", follow);
    window.addEventListener(MOVED, follow);
    return () => {
      window.removeEventListener("popstate", follow);
      window.removeEventListener(MOVED, follow);
    };
  }, []);
  return new URL(place);
}

export const runPath = (id: string): string => `/runs/${encodeURIComponent(id)}`;
export const modelPath = (name: string): string => `/models/${encodeURIComponent(name)}`;

// MLflow's clients print links to a run, an experiment or a model in the form of its own pages.
export const fromHash = (hash: string): string | undefined => {
  const run = /^#\/experiments\/\d+\/runs\/([0-9a-f]{32})/.exec(hash);
  if (run) return runPath(run[1]!);
  const other = /^#(\/experiments\/\d+|\/models\/[^/?]+)/.exec(hash);
  return other?.[1];
};

type LinkProps = { to: string; children: ComponentChildren; current?: boolean };

export const Link = ({ to, children, current = false }: LinkProps) => (
  <a
    href={to}
    aria-current={current ? "page" : undefined}
    onClick={(event: MouseEvent) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      go(to);
    }}
  >
    {children}
  </a>
);
