// The pages and what is around them.

import { render } from "preact";
import { useState } from "preact/hooks";
import { get, signIn, token } from "./api";
import { useAsked } from "./live";
import { ModelPage, ModelsPage } from "./models";
import { fromHash, go, Link, usePlace } from "./place";
import { RunPage } from "./run";
import { RunsPage } from "./runs";
import { Name, visible } from "./text";

// A name as it stands in an address; one that is no good is shown as it is, and nothing is found of it.
const word = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

function Page({ path }: { path: string }) {
  const [kind = "", first = ""] = path.split("/").slice(1);
  if (kind === "experiments" && /^\d+$/.test(first)) return <RunsPage experiment={Number(first)} />;
  if (kind === "runs" && first) return <RunPage id={word(first)} />;
  if (kind === "models" && first) return <ModelPage key={first} name={word(first)} />;
  if (kind === "models") return <ModelsPage />;
  return <RunsPage experiment={undefined} />;
}

function SignIn({ why, done }: { why: string; done: () => void }) {
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        token.set(String(new FormData(event.currentTarget).get("token")).trim());
        done();
      }}
    >
      <h1>Sign in</h1>
      <p>This hub wants to know who asks. A token is made with <code>modelyard token create</code>.</p>
      {why && <p class="problem" role="alert">{visible(why)}</p>}
      <label>Token <input name="token" type="password" required autocomplete="off" autofocus /></label>
      <button>Sign in</button>
    </form>
  );
}

const Who = () => {
  const server = useAsked("server", () => get("/api/v1/server"));
  return (
    <span class="who">
      {server.data && <><Name>{server.data.actor}</Name> ({server.data.role})</>}
      {token.get() && <button class="plain" onClick={() => (token.set(""), location.reload())}>Sign out</button>}
    </span>
  );
};

function App() {
  const place = usePlace();
  const [refused, setRefused] = useState<string>();
  signIn.wanted = setRefused;
  const models = place.pathname.startsWith("/models");
  return (
    <>
      <header>
        <nav aria-label="Pages">
          <span class="brand">Modelyard</span>
          <Link to="/" current={!models}>Runs</Link>
          <Link to="/models" current={models}>Models</Link>
          <a href="/api/docs">API</a>
        </nav>
        {refused === undefined && <Who />}
      </header>
      <main>
        {refused === undefined ? (
          <Page path={place.pathname} />
        ) : (
          <SignIn why={refused} done={() => setRefused(undefined)} />
        )}
      </main>
    </>
  );
}

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  if (box) event.preventDefault();
  box?.focus();
});

const linked = fromHash(location.hash);
if (linked) go(linked, true);

render(<App />, document.getElementById("app")!);
