// npm run bench -- suite: what the product needs for all its measures of features, beside two scripts in NumPy, SciPy and
//   scikit-learn, a plain and a tuned one, on the same cores in the same run.
// npm run bench -- families rankme,twonn: some of its families over and over, where a single time says too little.
// npm run bench -- measure: the same for the first four families, thread by thread.
// npm run bench -- host: what the extension costs the extension host of a real VS Code meanwhile.
// npm run bench -- logs: reading event files beside TensorBoard's readers, and what watching logs costs.
// npm run bench -- checkpoints: listing the tensors of 1 GB files, beside torch.load(mmap=True) and safetensors' safe_open.
// npm run bench -- weights: the WeightWatcher family over a ViT-B sized checkpoint, beside WeightWatcher.
// npm run bench -- linalg: Gram matrices, Cholesky factors, eigenvalues and leading eigenvectors beside LAPACK.
// npm run bench -- models: features through ResNet-50 and the loss of a masked autoencoder, beside PyTorch.
// npm run bench -- landscape: a loss surface of a masked autoencoder beside the same loop in PyTorch.
// npm run bench -- engines: the engines side by side.
// npm run bench -- responsiveness: how soon a measurement stops when it is cancelled, and how long the worker's loop is ever held up.
const benchmarks = {
  suite: () => import('./suite.mjs'),
  families: () => import('./families.mjs'),
  measure: () => import('./measure.mjs'),
  responsiveness: () => import('./responsiveness.mjs'),
  host: () => import('./extensionHost/run.mjs'),
  logs: () => import('./logs.mjs'),
  checkpoints: () => import('./checkpoints.mjs'),
  linalg: () => import('./linalg.mjs'),
  landscape: () => import('./landscape.mjs'),
  weights: () => import('./weights.mjs'),
  engines: () => import('./engines.mjs'),
  models: () => import('./models.mjs'),
};

const [name, ...options] = process.argv.slice(2);
if (!name || !(name in benchmarks)) {
  console.error(`Usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [options]`);
  process.exit(2);
}
const { main } = await benchmarks[name]();
await main(options);
