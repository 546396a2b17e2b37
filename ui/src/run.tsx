// One run: what it was given, what it measured, and its files.

import { useState } from "preact/hooks";
import { address, download, get, type Artifact, type Point, type Run } from "./api";
import { Chart } from "./chart";
import { useAsked, useEvents, usePages } from "./live";
import { Loading, More, Pairs, Problem, Title } from "./parts";
import { Link, runPath } from "./place";
import { duration } from "./runs";
import { bytes, Metric, Name, real, Status, When } from "./text";

export function RunPage({ id }: { id: string }) {
  const asked = useAsked(id, () => get("/api/v1/runs/{id}", { id }));
  const run = asked.data;
  useEvents(run && `?experiment=${run.experiment_id}`, `run:${id}`, asked.again);
  if (!run) return asked.error ? <Problem of={asked.error} /> : <Loading />;
  // What was measured once, or without steps, is no curve: it stands in the table.
  const charts = [...new Map(run.metrics.filter((point) => point.step !== 0).map((point) => [point.key, real(point.value)]))];
  return (
    <>
      <Title of={run.name || run.run_id}><Status word={run.status} /></Title>
      <Problem of={asked.error} />
      <Facts of={run} />
      <div class="side">
        <Values of={run.metrics} />
        <Pairs title="Params" of={run.params} />
      </div>
      {charts.length > 0 && (
        <section>
          <h2>Curves</h2>
          <div class="charts">
            {charts.map(([key, latest]) => <Chart key={key} run={id} metric={key} latest={latest} turn={run.changed_at} />)}
          </div>
        </section>
      )}
      <Files owner={`run:${id}`} />
      <Pairs title="Tags" of={run.tags} />
    </>
  );
}

const Facts = ({ of: run }: { of: Run }) => {
  const id = run.experiment_id;
  const experiment = useAsked(String(id), () => get("/api/v1/experiments/{id}", { id }));
  return (
    <dl class="facts">
      <div><dt>Started</dt><dd><When at={run.started_at} /></dd></div>
      <div><dt>Duration</dt><dd>{duration(run)}</dd></div>
      {run.user && <div><dt>By</dt><dd><Name>{run.user}</Name></dd></div>}
      <div><dt>Experiment</dt><dd><Link to={`/experiments/${id}`}><Name>{experiment.data?.name ?? String(id)}</Name></Link></dd></div>
      {run.parent_run_id && (
        <div><dt>Part of</dt><dd><Link to={runPath(run.parent_run_id)}>{run.parent_run_id.slice(0, 8)}</Link></dd></div>
      )}
      {run.inputs.map((one) => (
        <div key={one.name + one.digest}><dt>Data</dt><dd><Name>{`${one.name} (${one.digest.slice(0, 12)})`}</Name></dd></div>
      ))}
      {run.deleted_at && <div><dt>Deleted</dt><dd><When at={run.deleted_at} /></dd></div>}
      <div><dt>Id</dt><dd><code>{run.run_id}</code></dd></div>
    </dl>
  );
};

const Values = ({ of: points }: { of: Point[] }) => {
  const data = points.some((point) => point.dataset_name);
  const models = points.some((point) => point.model_id);
  return points.length ? (
    <section>
      <h2>Metrics</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th><th scope="col" class="number">Latest</th><th scope="col" class="number">Step</th>
              {data && <th scope="col">Data</th>}
              {models && <th scope="col">Model</th>}
            </tr>
          </thead>
          <tbody>
            {points.map((point) => (
              <tr key={[point.key, point.dataset_name, point.dataset_digest, point.model_id].join("\n")}>
                <th scope="row"><Name>{point.key}</Name></th>
                <td class="number"><Metric value={real(point.value)} /></td>
                <td class="number">{point.step}</td>
                {data && <td><Name>{point.dataset_name}</Name></td>}
                {models && <td><Name>{point.model_id}</Name></td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  ) : null;
};

function Files({ owner }: { owner: string }) {
  const [folder, setFolder] = useState("");
  const [failed, setFailed] = useState<unknown>();
  const files = usePages(`${owner} ${folder}`, (page, limit) =>
    get("/api/v1/artifacts/{owner}", { owner }, { folder, limit, ...(page ? { page } : {}) }),
  );
  const link = (file: Artifact) => address("/api/v1/artifacts/{owner}/{path}", { owner, path: file.path });
  const up = folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
  return (
    <section>
      <h2>Files</h2>
      <Problem of={files.error} />
      {failed !== undefined && <p class="problem" role="alert">{String(failed)}</p>}
      {folder && <p><button onClick={() => setFolder(up)}>↑ up</button> <Name>{folder}</Name></p>}
      {files.items?.length === 0 && <p class="quiet">None.</p>}
      {files.items && files.items.length > 0 && (
        <div class="scroll">
          <table>
            <thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th></tr></thead>
            <tbody>
              {files.items.map((file) => (
                <tr key={file.path}>
                  <th scope="row">
                    {file.is_folder ? (
                      <button class="plain" onClick={() => setFolder(file.path)}><Name>{`${file.name}/`}</Name></button>
                    ) : (
                      <a
                        href={link(file)}
                        onClick={(event) => {
                          event.preventDefault();
                          download(link(file), file.name).catch(setFailed);
                        }}
                      >
                        <Name>{file.name}</Name>
                      </a>
                    )}
                  </th>
                  <td class="number">{bytes(file.size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More there={files.next !== null} busy={files.busy} act={files.more} />
    </section>
  );
}
