// How values are shown. Whatever people named is text, never markup, and what would not show is made visible.

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const code = (c: string) => `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

// Directions and other characters that nobody sees would make a name look like another one. Joiners hold emoji together.
export const visible = (text: string): string =>
  text.replace(HIDDEN, (c) => ("\n\t\u200d".includes(c) ? c : code(c)));

export const Name = ({ children }: { children: string }) => <bdi>{visible(children)}</bdi>;

// JSON has no NaN and no infinities: the hub sends them as texts.
export const real = (value: unknown): number => Number(value);

export const figure = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size >= 1e-4 && size < 1e9 ? String(Number(value.toPrecision(5))) : Number(value.toPrecision(4)).toExponential();
  return text.replace("-", "−");
};

const UNITS: [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1000, "s"]];

export const length = (ms: number): string => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const place = UNITS.findIndex(([unit]) => ms >= unit);
  const [unit, word] = UNITS[place]!;
  const next = UNITS[place + 1];
  if (!next) return `${Number((ms / unit).toPrecision(3))} ${word}`;
  const rest = Math.floor((ms % unit) / next[0]);
  return rest ? `${Math.floor(ms / unit)} ${word} ${rest} ${next[1]}` : `${Math.floor(ms / unit)} ${word}`;
};

export const bytes = (size: number): string => {
  if (size < 1000) return `${size} B`;
  const power = Math.min(4, Math.floor(Math.log10(size) / 3));
  return `${Number((size / 1000 ** power).toPrecision(3))} ${["B", "kB", "MB", "GB", "TB"][power]}`;
};

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const When = ({ at }: { at: string | null }) => {
  const moment = at ? new Date(at) : null;
  if (!moment || Number.isNaN(moment.getTime())) return <>{at ?? "–"}</>;
  return <time dateTime={at!} title={at!}>{format.format(moment)}</time>;
};

export const Status = ({ word }: { word: string }) => (
  <span class={`status ${word.toLowerCase()}`}>{word.toLowerCase()}</span>
);

export const Metric = ({ value }: { value: number }) => <span title={String(value)}>{figure(value)}</span>;

export const Labels = ({ of }: { of: Record<string, string | number> }) => (
  <>
    {Object.entries(of).map(([label, version]) => (
      <span class="label" key={label}><Name>{label}</Name> → <Name>{String(version)}</Name></span>
    ))}
  </>
);
