import { defineConfig } from "vite";

// `npm run dev` shows the pages of a hub that runs beside it, with what is changed here at once.
const hub = process.env.HUB ?? "http://127.0.0.1:5000";

export default defineConfig({
  build: {
    target: "es2022",
    // The hub's policy runs what comes from the hub and nothing that stands in a page: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    emptyOutDir: true,
  },
  // A hub answers to its own pages alone: to it these are its own.
  server: { proxy: { "/api": { target: hub, changeOrigin: true, headers: { origin: hub } } } },
});
