import { builtinModules } from 'node:module';
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

// The house: arrows point down only (docs/architecture.md). Each folder under src is a room.
const middle = ['runs', 'metrics', 'landscape', 'models', 'diagnosis', 'store'];
const bottom = ['formats', 'linalg'];
const mayImport = {
  views: ['worker', 'report', ...middle, ...bottom],
  cli: ['worker', 'monitor', 'report', ...middle, ...bottom],
  worker: ['monitor', ...middle, ...bottom],
  monitor: [...middle, ...bottom],
  report: ['metrics', 'diagnosis', 'store', ...bottom],
  ...Object.fromEntries(middle.map((room) => [room, bottom])),
  formats: [],
  linalg: [],
  protocol: [],
  webview: [],
};
const rooms = Object.keys(mayImport).filter((type) => type !== 'webview');
const toRooms = (...types) => ({ to: { element: { types: { anyOf: types } } } });

const onlyViews = { name: 'vscode', message: 'Only views/ and extension.ts know VS Code.' };
const inputAndOutput = builtinModules
  .flatMap((name) => [name, `node:${name}`])
  .map((name) => ({ name, message: 'This room computes; it does no input or output.' }));

export default tseslint.config(
  { ignores: ['dist', 'out', '.cache', '**/node_modules', '**/.venv', 'media', 'test/webview/screenshots'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'webview-ui/src/**/*.{ts,tsx}'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts', '.tsx'] } },
      'boundaries/dependency-nodes': ['import', 'dynamic-import', 'require', 'export'],
      'boundaries/files': [{ category: 'extension', pattern: 'src/extension.ts' }],
      'boundaries/elements': [
        { type: 'webview', pattern: 'webview-ui/src' },
        ...rooms.map((type) => ({ type, pattern: `src/${type}` })),
      ],
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          message: '{{from.file.path}} may not import {{to.element.type}}: arrows point down only (docs/architecture.md)',
          policies: [
            { from: { file: { categories: 'extension' } }, allow: toRooms('views', 'protocol') },
            ...Object.entries(mayImport).map(([from, to]) => ({ from: { element: { type: from } }, allow: toRooms(from, 'protocol', ...to) })),
          ],
        },
      ],
      'boundaries/no-unknown-files': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: ['src/**/*.ts', 'webview-ui/src/**/*.{ts,tsx}'],
    ignores: ['src/extension.ts', 'src/views/**'],
    rules: { 'no-restricted-imports': ['error', { paths: [onlyViews] }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/linalg/loadOnnxRuntime.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...["ImportExpression[source.value='onnxruntime-node']", "ImportDeclaration[source.value='onnxruntime-node'][importKind='value']"].map((selector) => ({
          selector, message: 'Load it with linalg/loadOnnxRuntime, which keeps it from reporting to its maker.',
        })),
      ],
    },
  },
  {
    files: ['src/{metrics,linalg,diagnosis,landscape,report,protocol}/**/*.ts', 'webview-ui/src/**/*.{ts,tsx}'],
    // The door of the room reads the bundled panel.
    ignores: ['src/report/reportFile.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [onlyViews, ...inputAndOutput] }] },
  },
);
