// npm run bench -- measure: what the product needs for its measures, beside NumPy, SciPy and scikit-learn on the same cores in the same run.
// npm run bench -- host: what the extension costs the extension host of a real VS Code meanwhile.
const benchmarks = { measure: () => import('./measure.mjs'), host: () => import('./extensionHost/run.mjs') };

const [name, ...options] = process.argv.slice(2);
if (!name || !(name in benchmarks)) {
  console.error(`Usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [options]`);
  process.exit(2);
}
const { main } = await benchmarks[name]();
await main(options);
