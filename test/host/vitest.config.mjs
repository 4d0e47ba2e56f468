import { defineConfig } from 'vitest/config';

// What a person does in the workbench, driven from outside. One VS Code at a time.
export default defineConfig({
  test: {
    include: ['test/host/**/*.test.mjs'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    fileParallelism: false,
  },
});
