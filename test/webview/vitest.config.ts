import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// The built panel in a real browser: `npm run build` first.
export default defineConfig({
  cacheDir: join(import.meta.dirname, '../../node_modules/.vite'),
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
