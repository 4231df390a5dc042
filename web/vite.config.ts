import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };

/** A running `plenum` that the dev server hands API calls and sockets to. */
const plenum = process.env.PLENUM_URL ?? 'http://127.0.0.1:4501';

export default defineConfig({
  plugins: [react()],
  define: { __PLENUM_VERSION__: JSON.stringify(manifest.version) },
  server: {
    proxy: {
      '/api': plenum,
      '/socket.io': { target: plenum, ws: true },
    },
  },
  build: {
    target: 'es2022',
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
