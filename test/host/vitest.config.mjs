import { defineConfig } from 'vitest/config';

// What a person does in the workbench, driven from outside. One VS Code at a time.
export default defineConfig({
  test: {
    include: ['test/host/**/*.test.mjs'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
  },
});
