// The table of runs: what was measured and what was set are columns from the start.

import { useState } from "preact/hooks";
import { get, searchRuns, type Experiment, type Run } from "./api";
import { useAsked, useEvents, useEvery, usePages } from "./live";
import { go, Link, runPath, usePlace } from "./place";
import { Loading, More, Problem, Title } from "./parts";
import { length, Metric, Name, real, Status, When } from "./text";

const SHOWN = 8;
const LIVE_MS = 3000;
const RESTING_MS = 30_000;

type Column = { order: string; title: string; number: boolean; begins?: boolean; cell: (run: Run) => preact.ComponentChildren };

const looks = (column: Column) => `${column.number ? "number" : ""} ${column.begins ? "group" : ""}`.trim() || undefined;

const inBackticks = (key: string) => `\`${key.replaceAll("`", "``")}\``;

const latest = (run: Run, key: string): number | undefined => {
  const point = run.metrics.find((one) => one.key === key && !one.dataset_name && !one.model_id);
  const found = point ?? run.metrics.find((one) => one.key === key);
  return found && real(found.value);
};

export const duration = (run: Run): string => {
  const ms = run.duration_ms ?? (run.status === "RUNNING" ? Date.now() - Date.parse(run.started_at) : NaN);
  return Number.isFinite(ms) ? length(ms) : "–";
};

// The keys of all rows; those that tell rows apart come first.
function keys(runs: Run[], of: (run: Run) => [string, unknown][]): string[] {
  const found = new Map<string, Set<unknown>>();
  for (const run of runs) {
    for (const [key, value] of of(run)) {
      const values = found.get(key) ?? new Set();
      found.set(key, values.add(value));
    }
  }
  const varies = (key: string) => (found.get(key)!.size > 1 ? 0 : 1);
  return [...found.keys()].sort((a, b) => varies(a) - varies(b) || a.localeCompare(b));
}

function columns(runs: Run[], all: boolean, experiments: Map<number, string> | undefined): [Column[], number] {
  const metrics = keys(runs, (run) => run.metrics.map((point) => [point.key, point.value]));
  const params = keys(runs, (run) => Object.entries(run.params));
  const some = (found: string[]) => (all ? found : found.slice(0, SHOWN));
  const fixed: Column[] = [
    { order: "status", title: "Status", number: false, cell: (run) => <Status word={run.status} /> },
    { order: "start_time", title: "Started", number: false, cell: (run) => <When at={run.started_at} /> },
    { order: "duration", title: "Duration", number: true, cell: duration },
  ];
  if (experiments) {
    const name = (run: Run) => experiments.get(run.experiment_id) ?? String(run.experiment_id);
    fixed.unshift({ order: "experiment_id", title: "Experiment", number: false, cell: (run) => <Name>{name(run)}</Name> });
  }
  const measured = some(metrics).map((key): Column => ({
    order: `metrics.${inBackticks(key)}`,
    title: key,
    number: true,
    cell: (run) => {
      const value = latest(run, key);
      return value === undefined ? <span class="quiet">–</span> : <Metric value={value} />;
    },
  }));
  const given = some(params).map((key): Column => ({
    order: `params.${inBackticks(key)}`,
    title: key,
    number: false,
    cell: (run) => (run.params[key] === undefined ? <span class="quiet">–</span> : <Name>{run.params[key]}</Name>),
  }));
  // A line before the metrics and one before the params: a key may be both.
  for (const group of [measured, given]) if (group[0]) group[0].begins = true;
  const left = metrics.length + params.length - measured.length - given.length;
  return [[...fixed, ...measured, ...given], left];
}

export function RunsPage({ experiment }: { experiment: number | undefined }) {
  const place = usePlace();
  const filter = place.searchParams.get("q") ?? "";
  const order = place.searchParams.get("order") ?? "";
  const [all, setAll] = useState(false);
  const experiments = useAsked("experiments", () => get("/api/v1/experiments", {}, { limit: 1000 }));
  const names = new Map((experiments.data?.items ?? []).map((one) => [one.id, one.name]));
  const question = {
    filter,
    order_by: order ? [order] : [],
    experiments: experiment === undefined ? null : [experiment],
    columns: { metrics: null, params: null, tags: [], inputs: false },
  };
  const runs = usePages(JSON.stringify(question), (page, limit) => searchRuns({ ...question, limit, page: page ?? null }));
  const live = runs.items?.some((run) => run.status === "RUNNING") ?? false;
  // The hub tells of the runs of an experiment; those of all are looked at every so often.
  useEvents(experiment === undefined ? undefined : `?experiment=${experiment}`, "run:", runs.again);
  useEvery(runs.error ? 0 : live && experiment === undefined ? LIVE_MS : RESTING_MS, runs.again);
  const show = (changes: Record<string, string>, replace = false) => {
    const next = new URL(place);
    for (const [key, value] of Object.entries(changes)) {
      if (value) next.searchParams.set(key, value);
      else next.searchParams.delete(key);
    }
    go(next.pathname + next.search, replace);
  };
  const [shown, left] = columns(runs.items ?? [], all, experiment === undefined ? names : undefined);
  const title = experiment === undefined ? "All runs" : names.get(experiment) ?? `Experiment ${experiment}`;
  return (
    <>
      <Title of={title}>
        <Selector of={experiments.data?.items ?? []} current={experiment} query={place.search} />
      </Title>
      <Filter key={filter} text={filter} set={(q) => show({ q })} />
      <Problem of={experiments.error ?? runs.error} />
      {runs.items ? (
        runs.items.length ? (
          <Table runs={runs.items} columns={shown} order={order} sort={(word) => show({ order: word }, true)} />
        ) : (
          <Nothing filtered={filter !== ""} />
        )
      ) : (
        !runs.error && <Loading />
      )}
      {runs.items && runs.items.length > 0 && (
        <p class="below">
          <span class="quiet">
            {runs.items.length.toLocaleString()} {runs.items.length === 1 ? "run" : "runs"}{runs.next ? ", and more" : ""}
          </span>
          <More there={runs.next !== null} busy={runs.busy} act={runs.more} />
          {(left > 0 || all) && (
            <button onClick={() => setAll(!all)}>{all ? "Fewer columns" : `Show ${left} more columns`}</button>
          )}
        </p>
      )}
    </>
  );
}

function Selector({ of, current, query }: { of: Experiment[]; current: number | undefined; query: string }) {
  return (
    <label class="selector">
      Experiment{" "}
      <select
        value={current === undefined ? "" : String(current)}
        onChange={(event) => {
          const id = event.currentTarget.value;
          go((id ? `/experiments/${id}` : "/") + query);
        }}
      >
        <option value="">all</option>
        {of.map((one) => <option key={one.id} value={String(one.id)}><Name>{one.name}</Name></option>)}
      </select>
    </label>
  );
}

function Filter({ text, set }: { text: string; set: (text: string) => void }) {
  return (
    <form
      class="filter"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        set(String(new FormData(event.currentTarget).get("q")).trim());
      }}
    >
      <input
        name="q"
        type="search"
        defaultValue={text}
        aria-label="Filter"
        placeholder="metrics.acc > 0.9 and params.model in ('forest', 'boosted')"
        autocomplete="off"
        spellcheck={false}
      />
      <button>Filter</button>
    </form>
  );
}

type TableProps = { runs: Run[]; columns: Column[]; order: string; sort: (order: string) => void };

function Table({ runs, columns, order, sort }: TableProps) {
  const head = (column: Column) => {
    const up = order === `${column.order} asc`;
    const down = order === `${column.order} desc`;
    // Numbers are mostly wanted from the largest on; a third press goes back to the newest first.
    const [one, other] = column.number ? ["desc", "asc"] : ["asc", "desc"];
    const next = (one === "desc" ? down : up) ? `${column.order} ${other}` : up || down ? "" : `${column.order} ${one}`;
    return (
      <th
        key={column.order}
        scope="col"
        class={looks(column)}
        aria-sort={up ? "ascending" : down ? "descending" : undefined}
      >
        <button onClick={() => sort(next)} title={column.order}>
          <Name>{column.title}</Name>
          <span aria-hidden="true">{up ? " ↑" : down ? " ↓" : ""}</span>
        </button>
      </th>
    );
  };
  const name: Column = { order: "run_name", title: "Run", number: false, cell: () => null };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
      <table class="runs">
        <thead><tr>{[name, ...columns].map(head)}</tr></thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run_id}>
              <th scope="row"><Link to={runPath(run.run_id)}><Name>{run.name || run.run_id.slice(0, 8)}</Name></Link></th>
              {columns.map((column) => (
                <td key={column.order} class={looks(column)}>{column.cell(run)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Nothing = ({ filtered }: { filtered: boolean }) =>
  filtered ? (
    <p class="empty">No run is what this filter asks for.</p>
  ) : (
    <div class="empty">
      <p>No runs yet. Whatever logs to MLflow logs here, and its runs appear by themselves:</p>
      <pre>{`export MLFLOW_TRACKING_URI=${location.origin}\npython train.py`}</pre>
      <p>The REST of this hub is at <a href="/api/docs">/api/docs</a>.</p>
    </div>
  );
