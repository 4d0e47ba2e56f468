import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { converse, findPython } from './measure.mjs';
import { labelledWorkloads, writePreviousWorkload, writeWorkload } from './workload.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const cores = Math.min(2, availableParallelism());
/** Their families need a label of each sample, which a probe need not have. */
const labelsGroup = 'labels';
/** Below it, a family only looks up what others have computed, and what is timed is the way to the threads and back. */
const leastMilliseconds = 5;
const targets = { ratio: 0.5, megabytes: 1500 };

async function bundle() {
  const shared = { bundle: true, platform: 'node', target: 'node20', outdir: cache, external: ['onnxruntime-node', 'onnxruntime-web'], logLevel: 'warning' };
  await build({
    ...shared,
    entryPoints: [path.join(here, 'suiteProcess.ts'), path.join(here, 'measurePool.ts')],
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  await build({
    ...shared,
    entryPoints: { linalg: path.join(root, 'src/linalg/index.ts'), computeThread: path.join(root, 'src/worker/computeThread.ts') },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
}

function startPython(python, threads, kMeans) {
  const limits = Object.fromEntries(['OPENBLAS', 'OMP', 'MKL', 'BLIS'].map((name) => [`${name}_NUM_THREADS`, String(threads)]));
  return converse(python, ['-B', path.join(here, 'twin_suite.py')], { ...limits, TWIN_KMEANS: kMeans });
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const total = (values) => values.reduce((sum, value) => sum + value, 0);
const milliseconds = (seconds) => `${(1000 * seconds).toFixed(0)} ms`;
const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const verdict = (ratio) => `ratio ${ratio.toFixed(2)} (target ${targets.ratio}: ${ratio <= targets.ratio ? 'met' : 'missed'})`;

/** The sum over some families, of each layer; its median over the layers. */
function line(title, layers, families) {
  const of = (side, what) => median(layers.map((layer) => total(families.map((family) => layer[side].families[family][what]))));
  const [own, other] = [of('ours', 'seconds'), of('theirs', 'seconds')];
  const busy = of('ours', 'busy');
  const share = (a, b) => (b > 0 ? (a / b).toFixed(2) : '-');
  return {
    measure: title,
    'ours ms': Number((1000 * own).toFixed(own < 0.01 ? 1 : 0)),
    'in engine': busy > 0 ? `${((100 * of('ours', 'engine')) / busy).toFixed(0)} %` : '',
    'python ms': Number((1000 * other).toFixed(other < 0.01 ? 1 : 0)),
    'ours/python': share(own, other),
    'ours cpu ms': Math.round(1000 * of('ours', 'cpu')),
    'python cpu ms': Math.round(1000 * of('theirs', 'cpu')),
    'cpu ratio': share(of('ours', 'cpu'), of('theirs', 'cpu')),
  };
}

function printTable(layers, groups) {
  const intervals = 'intervals';
  const ids = ({ families }) => families.map(({ id }) => id);
  const rows = groups.flatMap((group) => [...ids(group).map((id) => line(id, layers, [id])), line(`= ${group.name}`, layers, ids(group))]);
  rows.push(line(intervals, layers, [intervals]));
  const unlabelled = groups.filter(({ name }) => name !== labelsGroup).flatMap(ids);
  rows.push(line('== without labels', layers, [...unlabelled, intervals]));
  if (unlabelled.length < groups.flatMap(ids).length) rows.push(line('== with labels', layers, [...groups.flatMap(ids), intervals]));
  console.table(rows);
  const timed = rows.filter((row) => !row.measure.startsWith('=') && row['ours ms'] >= leastMilliseconds);
  const slower = timed.filter((row) => Number(row['ours/python']) > 1).map((row) => `${row.measure} (${row['ours/python']})`);
  console.log(`Families that take longer than in Python, of those over ${leastMilliseconds} ms: ${slower.join(', ') || 'none'}.`);
  console.log('What families of a group share is paid by the first of them, on both sides.');
}

/** By metric, relative to the value of the twin. */
function printDifferences(layers, groups) {
  const ofClusters = groups.filter(({ name }) => name === 'clusters').flatMap(({ families }) => families.flatMap(({ metrics }) => metrics));
  const otherStarts = new Set([...ofClusters, 'inertia', 'clid', 'random_label_control']);
  const worst = new Map();
  const missing = new Set();
  for (const { ours, theirs } of layers) {
    for (const [key, value] of Object.entries(theirs.values)) {
      const metric = key.split(' ')[0];
      const own = ours.values[key];
      if (own === null || own === undefined) missing.add(metric);
      else worst.set(metric, Math.max(worst.get(metric) ?? 0, Math.abs(own - value) / Math.max(Math.abs(value), Number.MIN_VALUE)));
    }
  }
  const list = (wanted) => {
    const own = [...worst].filter(([metric]) => otherStarts.has(metric) === wanted);
    return own.map(([metric, difference]) => `${metric} ${difference.toExponential(1)}`).join(', ') || 'none';
  };
  console.log(`Largest relative differences: ${list(false)}.`);
  console.log(`Of measures that begin with other random numbers on both sides: ${list(true)} (inertia: squared distances from the means of the clusters).`);
  if (missing.size > 0) console.log(`Without a value on our side: ${[...missing].join(', ')}.`);
}

/**
 * Every measure of features on layers of a workload, beside a script of the same measures in NumPy, SciPy and scikit-learn.
 * Options: --workload W1|W2 (default W1), --layers N (default: W1 all 12, W2 2 of 3), --python-threads N (default: as many as cores, at most 2),
 * --kmeans products|scikit-learn (how Python clusters; default: products, the quicker one), --skip-labels, --skip-file.
 */
export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? options[options.indexOf(name) + 1] : otherwise);
  const which = option('--workload', 'W1');
  const shape = labelledWorkloads[which];
  if (!shape) throw new Error(`There is no workload ${which}; there are ${Object.keys(labelledWorkloads).join(', ')}.`);
  const layerCount = Number(option('--layers', which === 'W1' ? shape.layers : 2));
  if (!Number.isInteger(layerCount) || layerCount < 1 || layerCount > shape.layers) throw new Error(`--layers must be a whole number from 1 to ${shape.layers}.`);
  const pythonThreads = Number(option('--python-threads', cores));
  const kMeans = option('--kmeans', 'products');
  const python = findPython();
  await bundle();
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const file = await writeWorkload(cache, await createEngine(), shape);
  const previous = await writePreviousWorkload(file);
  const layers = Array.from({ length: layerCount }, (_, index) => `layer${index}`);

  const rows = `${shape.samples * shape.views} rows (${shape.samples} samples x ${shape.views} views, half held out)`;
  console.log(`Workload ${which}: ${layerCount} of ${shape.layers} layers of ${rows} x ${shape.width}, F16, ${shape.classes} classes, made by a seeded generator.`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)} before the run. Both sides alternate; medians over layers.`);
  const ours = converse(process.execPath, [path.join(cache, 'suiteProcess.mjs')], {});
  const startPool = () => converse(process.execPath, [path.join(cache, 'measurePool.mjs'), path.join(cache, 'computeThread.cjs'), String(cores)], {});
  const pool = startPool();
  const theirs = startPython(python, pythonThreads, kMeans);
  const { engine, groups: allGroups } = JSON.parse(await ours.hello());
  const groups = allGroups.filter(({ name }) => name !== labelsGroup || !options.includes('--skip-labels'));
  await pool.hello();
  console.log(`${engine}, ${cores} threads of ours, a part of the layer each. ${await theirs.hello()}`);
  const families = groups.flatMap((group) => group.families.map(({ id }) => id));
  const metricsOf = (chosen) => chosen.flatMap((group) => group.families.flatMap((family) => family.metrics));
  const withLabels = metricsOf(groups);
  const withoutLabels = metricsOf(groups.filter(({ name }) => name !== labelsGroup));
  const labelFamilies = groups.filter(({ name }) => name === labelsGroup).flatMap((group) => group.families.map(({ id }) => id));

  const measured = [];
  // The first layer warms everything up and does not count.
  for (const [index, layer] of [layers[0], ...layers].entries()) {
    const own = await ours.ask({ file, previous, layer, families });
    const poolWithout = await pool.ask({ file, previous, layers: [layer], metrics: withoutLabels });
    const other = await theirs.ask({ file, previous, layer, families });
    const poolWith = labelFamilies.length > 0 ? await pool.ask({ file, previous, layers: [layer], metrics: withLabels }) : poolWithout;
    if (index > 0) measured.push({ ours: own, theirs: other, poolWithout, poolWith });
  }
  ours.end();
  theirs.end();
  pool.end();

  printTable(measured, groups);
  printDifferences(measured, groups);
  const reading = (side) => milliseconds(median(measured.map((layer) => layer[side].reading.seconds)));
  console.log(
    `Reading a layer, the same layer of another checkpoint and the deepest one, into parts: ours ${reading('ours')} (each thread all of it), ` +
      `Python ${reading('theirs')}.`,
  );
  const pythonSeconds = (layer, without) =>
    layer.theirs.reading.seconds + total(Object.entries(layer.theirs.families).map(([family, { seconds }]) => (without.includes(family) ? 0 : seconds)));
  const variants = [['without labels', 'poolWithout', labelFamilies], ...(labelFamilies.length > 0 ? [['with labels', 'poolWith', []]] : [])];
  for (const [name, kind, without] of variants) {
    const own = median(measured.map((layer) => layer[kind].seconds));
    const other = median(measured.map((layer) => pythonSeconds(layer, without)));
    console.log(
      `One layer alone, ${name}, reading included: ours ${milliseconds(own)} on ${cores} threads as the product works, ` +
        `Python ${milliseconds(other)} on ${pythonThreads} BLAS threads; ${verdict(own / other)}.`,
    );
  }
  const peaks = (side) => Math.max(...measured.map((layer) => layer[side].maxResidentBytes));
  const resident = { parts: peaks('ours'), pool: peaks('poolWith'), python: peaks('theirs') };
  if (!options.includes('--skip-file')) {
    const sequential = (without) => total(measured.map((layer) => pythonSeconds(layer, without)));
    const startOne = () => startPython(python, 1, kMeans);
    resident.file = await measureFile({ file, previous, layers }, { withLabels, withoutLabels, families, labelFamilies }, { startPool, startOne, sequential });
  }
  const most = Math.max(resident.parts, resident.pool, resident.file ?? 0);
  console.log(
    `Largest resident memory: family by family ${megabytes(resident.parts)}, pool with one layer ${megabytes(resident.pool)}` +
      `${resident.file ? `, pool with the whole file ${megabytes(resident.file)}` : ''} ` +
      `(target: below ${targets.megabytes} MB: ${most < targets.megabytes * 2 ** 20 ? 'met' : 'missed'}); Python ${megabytes(resident.python)}.`,
  );
}

/** The whole file, one layer a thread, beside Python in two arrangements of the same cores. Answers with the largest resident memory of ours. */
async function measureFile({ file, previous, layers }, { withLabels, withoutLabels, families, labelFamilies }, { startPool, startOne, sequential }) {
  const pool = startPool();
  await pool.hello();
  const processes = Array.from({ length: cores }, startOne);
  for (const one of processes) await one.hello();
  const shares = processes.map((_, index) => layers.filter((_layer, at) => at % processes.length === index));
  const besides = async (own) => {
    const start = performance.now();
    await Promise.all(processes.map((one, index) => one.ask({ file, previous, layers: shares[index], families: own })));
    return (performance.now() - start) / 1000;
  };
  // What is done once for a probe or a process is done before.
  await pool.ask({ file, previous, layers: layers.slice(0, 1), metrics: withLabels });
  let largest = 0;
  const variants = [['without labels', withoutLabels, labelFamilies], ...(labelFamilies.length > 0 ? [['with labels', withLabels, []]] : [])];
  for (const [name, metrics, without] of variants) {
    const own = await pool.ask({ file, previous, layers, metrics });
    largest = Math.max(largest, own.maxResidentBytes);
    const oneAfterTheOther = sequential(without);
    const sideBySide = await besides(families.filter((family) => !without.includes(family)));
    const quickest = Math.min(oneAfterTheOther, sideBySide);
    const each = (seconds) => milliseconds(seconds / layers.length);
    console.log(
      `Whole file of ${layers.length} layers, ${name}, reading included: ours ${each(own.seconds)} a layer (one layer a thread), Python ${each(oneAfterTheOther)} ` +
        `(layer after layer, as timed above), ${each(sideBySide)} (${processes.length} processes of one thread); ${verdict(own.seconds / quickest)} to the quicker one.`,
    );
  }
  pool.end();
  for (const one of processes) one.end();
  return largest;
}
