import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

// The house: arrows point down only (docs/architecture.md). Each folder under src is a room.
const rooms = ['views', 'cli', 'worker', 'monitor', 'runs', 'formats', 'metrics', 'landscape', 'models', 'linalg', 'diagnosis', 'store', 'protocol'];
const middle = ['runs', 'metrics', 'landscape', 'models', 'diagnosis', 'store'];
const bottom = ['formats', 'linalg'];
const mayImport = {
  extension: ['views'],
  views: ['worker', ...middle, ...bottom],
  cli: ['worker', 'monitor', ...middle, ...bottom],
  worker: ['monitor', ...middle, ...bottom],
  monitor: [...middle, ...bottom],
  ...Object.fromEntries(middle.map((room) => [room, bottom])),
  formats: [],
  linalg: [],
  protocol: [],
};
const inputAndOutput = ['fs', 'fs/promises', 'path', 'child_process', 'worker_threads', 'http', 'https', 'net', 'os'].flatMap((name) => [name, `node:${name}`]);

export default tseslint.config(
  { ignores: ['dist', 'out', '.cache', 'node_modules', '**/.venv', 'media'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts'] } },
      'boundaries/elements': [
        { type: 'extension', pattern: 'src/extension.ts', mode: 'full' },
        ...rooms.map((type) => ({ type, pattern: `src/${type}`, mode: 'folder' })),
      ],
    },
    rules: {
      'boundaries/element-types': [
        'error',
        {
          default: 'disallow',
          message: '${file.type} may not import ${dependency.type}: arrows point down only (docs/architecture.md)',
          rules: Object.entries(mayImport).map(([from, to]) => ({ from, allow: [from, 'protocol', ...to] })),
        },
      ],
      'boundaries/no-unknown-files': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/extension.ts', 'src/views/**'],
    rules: { 'no-restricted-imports': ['error', { paths: [{ name: 'vscode', message: 'Only views/ and extension.ts know VS Code.' }] }] },
  },
  {
    files: ['src/{metrics,linalg,diagnosis,landscape}/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: ['vscode', ...inputAndOutput].map((name) => ({ name, message: 'This room computes; it does no input or output.' })) },
      ],
    },
  },
);
