import { defineConfig } from "vite";

const service = "http://127.0.0.1:8001";

export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    // Inlined assets would be data: URLs, which the service's Content-Security-Policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { player: "index.html", wave: "particle-wave.html" } },
  },
  worker: { format: "es" },
  server: {
    port: 5174,
    strictPort: true,
    proxy: {
      "/v1": { target: service, ws: true },
      "/health": service,
      "/ready": service,
      "/metrics": service,
    },
  },
});
