import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { converse, findPython } from './measure.mjs';
import { measureFile } from './suiteFile.mjs';
import { compared, median, megabytes, milliseconds, printDifferences, printTable, targets, verdict } from './suiteTable.mjs';
import { chosenTwins, startTwin, twins as descriptions, twinSeconds } from './suiteTwins.mjs';
import { labelledWorkloads, writePreviousWorkload, writeWorkload } from './workload.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
export const cache = path.join(root, '.cache', 'bench');
const cores = Math.min(2, availableParallelism());
/** Their families need a label of each sample, which a probe need not have. */
const labelsGroup = 'labels';

export async function bundle() {
  const shared = { bundle: true, platform: 'node', target: 'node20', outdir: cache, external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'], logLevel: 'warning' };
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

export function wholeNumber(options, name, otherwise, most) {
  const value = Number(options.includes(name) ? options[options.indexOf(name) + 1] : otherwise);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} must be a whole number from 1 to ${most}.`);
  return value;
}

/**
 * Every measure of features on layers of a workload, beside two scripts of the same measures in NumPy, SciPy and scikit-learn: `plain` calls the libraries'
 * own functions, and the targets are about it; `tuned` is the fastest way known.
 * Options: --workload W1|W2 (default W1), --layers N (default: W1 all 12, W2 2 of 3), --twin plain|tuned|both (default both),
 * --plain-layers N (default 2: how many layers the plain one measures, which takes it long), --python-threads N (default: as many as cores, at most 2),
 * --skip-labels, --skip-file.
 */
export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? options[options.indexOf(name) + 1] : otherwise);
  const which = option('--workload', 'W1');
  const shape = labelledWorkloads[which];
  if (!shape) throw new Error(`There is no workload ${which}; there are ${Object.keys(labelledWorkloads).join(', ')}.`);
  const layerCount = wholeNumber(options, '--layers', which === 'W1' ? shape.layers : 2, shape.layers);
  const twins = chosenTwins(option('--twin', 'both'));
  const plainLayers = wholeNumber(options, '--plain-layers', Math.min(2, layerCount), layerCount);
  const pythonThreads = wholeNumber(options, '--python-threads', cores, availableParallelism());
  const python = findPython();
  await bundle();
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const file = await writeWorkload(cache, await createEngine(), shape);
  const previous = await writePreviousWorkload(file);
  const layers = Array.from({ length: layerCount }, (_, index) => `layer${index}`);

  const rows = `${shape.samples * shape.views} rows (${shape.samples} samples x ${shape.views} views, half held out)`;
  console.log(`Workload ${which}: ${layerCount} of ${shape.layers} layers of ${rows} x ${shape.width}, F16, ${shape.classes} classes, made by a seeded generator.`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)} before the run. All sides alternate; medians over layers.`);
  const ours = converse(process.execPath, ['--initial-old-space-size=64', path.join(cache, 'suiteProcess.mjs')], {});
  const startPool = () => converse(process.execPath, [path.join(cache, 'measurePool.mjs'), path.join(cache, 'computeThread.cjs'), String(cores)], {});
  const pool = startPool();
  const processes = Object.fromEntries(twins.map((twin) => [twin, startTwin(python, twin, pythonThreads)]));
  const { engine, groups: allGroups } = JSON.parse(await ours.hello());
  const groups = allGroups.filter(({ name }) => name !== labelsGroup || !options.includes('--skip-labels'));
  await pool.hello();
  const libraries = await Promise.all(Object.values(processes).map((one) => one.hello()));
  console.log(`${engine}, ${cores} threads of ours, a part of the layer each. ${libraries[0]}.`);
  const layersOf = (twin) => (twin === 'plain' ? plainLayers : layerCount);
  // The deepest layer has none to be compared with, and compilers that learn from what runs need some layers.
  const lastOf = (twin) => Math.max(layersOf(twin), layerCount - 1);
  const measures = (twin, turn) => turn > lastOf(twin) - layersOf(twin) && turn <= lastOf(twin);
  for (const twin of twins) console.log(`The ${twin} twin (${descriptions[twin]}) measures ${layersOf(twin)} of the ${layerCount}, up to number ${lastOf(twin)}.`);
  const familiesOf = (chosen) => chosen.flatMap((group) => group.families.map(({ id }) => id));
  const metricsOf = (chosen) => chosen.flatMap((group) => group.families.flatMap((family) => family.metrics));
  const families = familiesOf(groups);
  const [labelled, unlabelled] = [true, false].map((wanted) => groups.filter(({ name }) => (name === labelsGroup) === wanted));
  const without = familiesOf(labelled);
  const variants = [{ title: 'without labels', pool: 'poolWithout', metrics: metricsOf(unlabelled), families: familiesOf(unlabelled), without }];
  if (labelled.length > 0) variants.push({ title: 'with labels', pool: 'poolWith', metrics: metricsOf(groups), families, without: [] });

  const measured = [];
  // The first layer warms everything up and does not count.
  for (const [turn, layer] of [layers[0], ...layers].entries()) {
    const own = await ours.ask({ file, previous, layer, families });
    const poolWithout = await pool.ask({ file, previous, layers: [layer], metrics: variants[0].metrics });
    const others = {};
    for (const twin of twins) if (turn === 0 || measures(twin, turn)) others[twin] = await processes[twin].ask({ file, previous, layer, families });
    const poolWith = labelled.length > 0 ? await pool.ask({ file, previous, layers: [layer], metrics: variants[1].metrics }) : poolWithout;
    if (turn > 0) measured.push({ ours: own, twins: others, poolWithout, poolWith });
  }
  for (const one of [ours, pool, ...Object.values(processes)]) one.end();

  printTable(measured, twins, groups, labelsGroup);
  for (const twin of twins) printDifferences(measured, twin, groups);
  const reading = twins.map((twin) => `${twin} ${milliseconds(compared(measured, twin, () => 0, (side) => side.reading.seconds).theirs)}`);
  console.log(
    'Reading a layer, the same layer of another checkpoint and the deepest one, into parts: ' +
      `ours ${milliseconds(median(measured.map((layer) => layer.ours.reading.seconds)))} (each thread all of it), ${reading.join(', ')}.`,
  );
  for (const { title, pool: kind, without: left } of variants) {
    const told = twins.map((twin) => {
      const { ours: own, theirs } = compared(measured, twin, (layer) => layer[kind].seconds, (side) => twinSeconds(side, left));
      return `${twin} twin ${milliseconds(theirs)}, ${verdict(twin, own / theirs)}`;
    });
    console.log(
      `One layer alone, ${title}, reading included: ours ${milliseconds(median(measured.map((layer) => layer[kind].seconds)))} on ${cores} threads ` +
        `as the product works; ${told.join('; ')}. Python on ${pythonThreads} BLAS threads; ratios over the layers that both measured.`,
    );
  }
  const resident = { parts: Math.max(...measured.map(({ ours: { maxResidentBytes } }) => maxResidentBytes)), pool: Math.max(...measured.map(({ poolWith }) => poolWith.maxResidentBytes)) };
  if (!options.includes('--skip-file')) {
    resident.file = await measureFile({ file, previous, layers }, measured, { twins, variants, cores }, { startPool, startOne: (twin) => startTwin(python, twin, 1) });
  }
  const most = Math.max(resident.parts, resident.pool, resident.file ?? 0);
  const ofTwins = twins.map((twin) => `${twin} twin ${megabytes(Math.max(...measured.map(({ twins: sides }) => sides[twin]?.maxResidentBytes ?? 0)))}`);
  console.log(
    `Largest resident memory: family by family ${megabytes(resident.parts)}, pool with one layer ${megabytes(resident.pool)}` +
      `${resident.file ? `, pool with the whole file ${megabytes(resident.file)}` : ''} ` +
      `(target: below ${targets.megabytes} MB: ${most < targets.megabytes * 2 ** 20 ? 'met' : 'missed'}); ${ofTwins.join(', ')}.`,
  );
}
