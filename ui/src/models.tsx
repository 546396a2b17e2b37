// Registered models, and one model with its versions and history. What changes them is told by the hub's live feed.

import { useCallback } from "preact/hooks";
import { get, type Event, type Version } from "./api";
import { useAsked, useEvents, usePages, type Pages } from "./live";
import { Loading, More, Pairs, Problem, Title } from "./parts";
import { Link, modelPath, runPath } from "./place";
import { Labels, Metric, Name, real, When } from "./text";

const paged = (page: string | undefined, limit: number) => ({ limit, ...(page ? { page } : {}) });

const firstLine = (text: string) => text.trim().split("\n", 1)[0]!;

export function ModelsPage() {
  const models = usePages("models", (page, limit) => get("/api/v1/models", {}, paged(page, limit)));
  useEvents("", "model:", models.again);
  return (
    <>
      <Title of="Models" />
      <Problem of={models.error} />
      {!models.items && !models.error && <Loading />}
      {models.items?.length === 0 && (
        <div class="empty">
          <p>No models yet. Register one that was saved:</p>
          <pre>{"modelyard register iris-model --name iris"}</pre>
        </div>
      )}
      {models.items && models.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Models">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th><th scope="col">Latest</th><th scope="col" class="number">Versions</th>
                <th scope="col">Stages</th><th scope="col">Aliases</th><th scope="col">Description</th><th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {models.items.map((model) => (
                <tr key={model.name}>
                  <th scope="row">
                    <Link to={modelPath(model.name)}><Name>{model.name}</Name></Link>
                    {model.deprecated && <span class="label">deprecated</span>}
                  </th>
                  <td>{model.latest ?? "–"}</td>
                  <td class="number">{model.versions}</td>
                  <td><Labels of={model.stages} /></td>
                  <td><Labels of={model.aliases} /></td>
                  <td class="long"><Name>{firstLine(model.description)}</Name></td>
                  <td><When at={model.updated_at} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More there={models.next !== null} busy={models.busy} act={models.more} />
    </>
  );
}

export function ModelPage({ name }: { name: string }) {
  const model = useAsked(name, () => get("/api/v1/models/{name}", { name }));
  const versions = usePages(`versions of ${name}`, (page, limit) => get("/api/v1/models/{name}/versions", { name }, paged(page, limit)));
  const events = usePages(`events of ${name}`, (page, limit) => get("/api/v1/models/{name}/events", { name }, paged(page, limit)));
  const again = useCallback(() => {
    model.again();
    versions.again();
    events.again();
  }, [model.again, versions.again, events.again]);
  useEvents("", `model:${name}`, again);
  if (!model.data) return model.error ? <Problem of={model.error} /> : <Loading />;
  return (
    <>
      <Title of={name}>{model.data.deprecated && <span class="label">deprecated</span>}</Title>
      {model.data.description && <p class="text"><Name>{model.data.description}</Name></p>}
      <Problem of={model.error ?? versions.error ?? events.error} />
      <Versions of={versions} />
      <History of={events} />
      <Pairs title="Tags" of={model.data.tags} />
    </>
  );
}

const labels = (version: Version): string[] => [
  ...version.stages.map((stage) => `#${stage}`),
  ...version.aliases.map((alias) => `@${alias}`),
];

const Versions = ({ of }: { of: Pages<Version> }) => (
  <section>
    <h2>Versions</h2>
    {of.items?.length === 0 && <p class="quiet">None yet.</p>}
    {of.items && of.items.length > 0 && (
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th><th scope="col">Labels</th><th scope="col">Flavor</th><th scope="col">Metrics</th>
              <th scope="col">Run</th><th scope="col">Registered</th><th scope="col">By</th><th scope="col">Description</th>
            </tr>
          </thead>
          <tbody>
            {of.items.map((version) => (
              <tr key={version.version}>
                <th scope="row">{version.version}{version.semver && <span class="quiet"> {version.semver}</span>}</th>
                <td>{labels(version).map((label) => <span class="label" key={label}><Name>{label}</Name></span>)}</td>
                <td><Name>{version.flavor ?? "–"}</Name></td>
                <td>
                  {Object.entries(version.metrics).map(([key, value]) => (
                    <span class="label" key={key}><Name>{key}</Name> <Metric value={real(value)} /></span>
                  ))}
                </td>
                <td>{version.run ? <Link to={runPath(version.run)}><Name>{version.run.slice(0, 8)}</Name></Link> : "–"}</td>
                <td><When at={version.created_at} /></td>
                <td><Name>{version.created_by}</Name></td>
                <td class="long"><Name>{version.description || version.comment}</Name></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    )}
    <More there={of.next !== null} busy={of.busy} act={of.more} />
  </section>
);

const told = (event: Event): string =>
  ["version", "stage", "alias", "label"].flatMap((key) => {
    const value = event.after[key] ?? event.before[key];
    return typeof value === "string" || typeof value === "number" ? [`${key} ${value}`] : [];
  }).join(", ");

const History = ({ of }: { of: Pages<Event> }) => (
  <section>
    <h2>History</h2>
    <ol class="history">
      {of.items?.map((event) => (
        <li key={event.seq}>
          <When at={event.at} /> <strong><Name>{event.actor}</Name></strong> <code>{event.kind}</code> <Name>{told(event)}</Name>
          {event.comment && <q><Name>{event.comment}</Name></q>}
        </li>
      ))}
    </ol>
    <More there={of.next !== null} busy={of.busy} act={of.more} />
  </section>
);
