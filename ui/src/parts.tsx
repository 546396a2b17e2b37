// Pieces that several pages have.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Refusal } from "./api";
import { Name, visible } from "./text";

// The hub's words as they are: a filter's error points at a place with a caret, which needs fixed-width letters.
export const Problem = ({ of }: { of: Refusal | undefined }) =>
  of && of.status !== 401 ? (
    <div class="problem" role="alert">
      <pre>{visible(of.message)}</pre>
      {of.hint && <p>{visible(of.hint)}</p>}
    </div>
  ) : null;

export const Title = ({ of, children }: { of: string; children?: ComponentChildren }) => {
  useEffect(() => {
    document.title = `${visible(of)} · Modelyard`;
  }, [of]);
  return <div class="title"><h1><Name>{of}</Name></h1>{children}</div>;
};

export const Pairs = ({ title, of }: { title: string; of: Record<string, string> }) => {
  const rows = Object.entries(of).sort(([a], [b]) => a.localeCompare(b));
  return rows.length ? (
    <section>
      <h2>{title}</h2>
      <div class="scroll">
        <table class="pairs">
          <tbody>
            {rows.map(([key, value]) => (
              <tr key={key}><th scope="row"><Name>{key}</Name></th><td class="long"><Name>{value}</Name></td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  ) : null;
};

export const More = ({ there, busy, act }: { there: boolean; busy: boolean; act: () => void }) =>
  there ? <button class="more" disabled={busy} onClick={act}>{busy ? "Loading …" : "Show more"}</button> : null;

export const Loading = () => <p class="quiet" aria-busy="true">Loading …</p>;
