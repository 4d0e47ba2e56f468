// npm run bench -- measure: what the product needs for its measures, beside NumPy, SciPy and scikit-learn on the same cores in the same run.
// npm run bench -- host: what the extension costs the extension host of a real VS Code meanwhile.
// npm run bench -- logs: reading event files beside TensorBoard's readers, and what watching logs costs.
// npm run bench -- checkpoints: listing the tensors of 1 GB files, beside torch.load(mmap=True) and safetensors' safe_open.
// npm run bench -- weights: the WeightWatcher family over a ViT-B sized checkpoint, beside WeightWatcher.
const benchmarks = {
  measure: () => import('./measure.mjs'),
  host: () => import('./extensionHost/run.mjs'),
  logs: () => import('./logs.mjs'),
  checkpoints: () => import('./checkpoints.mjs'),
  weights: () => import('./weights.mjs'),
};

const [name, ...options] = process.argv.slice(2);
if (!name || !(name in benchmarks)) {
  console.error(`Usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [options]`);
  process.exit(2);
}
const { main } = await benchmarks[name]();
await main(options);
