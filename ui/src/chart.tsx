// A metric's curve. The hub sends buckets with lows and highs, so that a million points are drawn from a few hundred.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Bucket } from "./api";
import { useAsked } from "./live";
import { Problem } from "./parts";
import { figure, Name, real } from "./text";

const WIDTH = 320;
const HEIGHT = 150;
const LEFT = 52;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
const BUCKETS = 300;

type Spot = { first: number; last: number; low: number; high: number; count: number };

const spots = (buckets: Bucket[]): Spot[] =>
  buckets.map((one) => ({
    first: one.first_step,
    last: one.last_step,
    low: real(one.low),
    high: real(one.high),
    count: one.count,
  }));

const drawn = (spot: Spot) => Number.isFinite(spot.low) && Number.isFinite(spot.high);
const step = (spot: Spot) => (spot.first + spot.last) / 2;

// Runs of neighbours that can be drawn: what is infinite parts them. The hub leaves out what is not a number.
function stretches(all: Spot[]): Spot[][] {
  const found: Spot[][] = [];
  let open = false;
  for (const spot of all) {
    if (!drawn(spot)) open = false;
    else if (open) found[found.length - 1]!.push(spot);
    else found.push([spot]), (open = true);
  }
  return found;
}

function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= raw) ?? raw;
  const start = Math.ceil(low / unit);
  const found = Array.from({ length: count + 2 }, (_, place) => Number(((start + place) * unit).toPrecision(12)));
  return found.filter((tick) => tick <= high + unit * 1e-9);
}

function scale(all: Spot[]) {
  const seen = all.filter(drawn);
  const steps = [all[0]!.first, all[all.length - 1]!.last] as const;
  let low = Math.min(...seen.map((spot) => spot.low));
  let high = Math.max(...seen.map((spot) => spot.high));
  if (!seen.length) [low, high] = [0, 1];
  if (low === high) {
    const room = Math.abs(low) / 10 || 1;
    [low, high] = [low - room, high + room];
  }
  const span = steps[1] - steps[0] || 1;
  const x = (at: number) => LEFT + ((at - steps[0]) / span) * (WIDTH - LEFT - RIGHT);
  // Halved first: the distance of two doubles can be more than a double holds.
  const y = (at: number) => TOP + ((high / 2 - at / 2) / (high / 2 - low / 2)) * (HEIGHT - TOP - BOTTOM);
  return { x, y, low, high, steps };
}

type ChartProps = { run: string; metric: string; latest: number; turn: string };

// `turn` changes when the run did.
export function Chart({ run, metric, latest, turn }: ChartProps) {
  const box = useRef<HTMLElement>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver(([seen]) => seen?.isIntersecting && setNear(true), { rootMargin: "300px" });
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const ask = () => get("/api/v1/runs/{id}/metrics/curve", { id: run }, { key: metric, buckets: BUCKETS });
  const curve = useAsked(near ? `${run} ${metric}` : "", async () => (near ? ask() : undefined));
  useEffect(() => {
    if (near) curve.again();
  }, [turn]);
  const all = spots(curve.data?.buckets ?? []);
  const points = all.reduce((sum, spot) => sum + spot.count, 0);
  return (
    <figure ref={box} class="chart">
      <figcaption><span class="of"><Name>{metric}</Name></span> <strong title={String(latest)}>{figure(latest)}</strong></figcaption>
      <Problem of={curve.error} />
      {points > 1 ? <Drawing of={all} label={`${metric} over ${points} points`} /> : <div class="plot quiet">{curve.data && (points ? "one point" : "no number was logged")}</div>}
    </figure>
  );
}

function Drawing({ of: all, label }: { of: Spot[]; label: string }) {
  const [at, setAt] = useState<Spot>();
  const { x, y, low, high, steps } = scale(all);
  const place = (horizontal: number, vertical: number) => `${horizontal.toFixed(1)} ${vertical.toFixed(1)}`;
  const parts = stretches(all);
  const bands = parts.map((part) => {
    const tops = part.map((spot) => place(x(step(spot)), y(spot.high)));
    const bottoms = part.map((spot) => place(x(step(spot)), y(spot.low))).reverse();
    return `M${[...tops, ...bottoms].join("L")}Z`;
  });
  // A stretch of one point is a dot: a line of no length with round ends.
  const lines = parts.map((part) => {
    const path = part.map((spot) => place(x(step(spot)), y(spot.low / 2 + spot.high / 2)));
    return `M${path.join("L")}${path.length === 1 ? "h0" : ""}`;
  });
  const gaps = all.filter((spot) => !drawn(spot));
  const find = (event: PointerEvent) => {
    const frame = (event.currentTarget as SVGElement).getBoundingClientRect();
    const pointed = ((event.clientX - frame.left) / frame.width) * WIDTH;
    const distance = (spot: Spot) => Math.abs(x(step(spot)) - pointed);
    setAt(all.reduce((best, spot) => (distance(spot) < distance(best) ? spot : best)));
  };
  return (
    <>
      <svg
        class="plot"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={label}
        onPointerMove={find}
        onPointerLeave={() => setAt(undefined)}
      >
        {ticks(low, high, 4).map((tick) => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 6} y={y(tick)} text-anchor="end" dominant-baseline="middle">{figure(tick)}</text>
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 4}>{figure(steps[0])}</text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 4} text-anchor="end">{figure(steps[1])}</text>
        <path class="band" d={bands.join("")} />
        <path class="line" d={lines.join("")} />
        {gaps.map((spot) => (
          <line key={spot.first} class="gap" x1={x(step(spot))} x2={x(step(spot))} y1={HEIGHT - BOTTOM - 5} y2={HEIGHT - BOTTOM} />
        ))}
        {at && <line class="cursor" x1={x(step(at))} x2={x(step(at))} y1={TOP} y2={HEIGHT - BOTTOM} />}
      </svg>
      <p class="reading quiet">
        {at
          ? `step ${at.first === at.last ? at.first : `${at.first} to ${at.last}`}: ${figure(at.low)}${
              Object.is(at.low, at.high) ? "" : ` to ${figure(at.high)}`
            }`
          : gaps.length
            ? "ticks: infinite"
            : "\u00a0"}
      </p>
    </>
  );
}
