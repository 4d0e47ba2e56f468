import path from 'node:path';
import { availableParallelism, cpus } from 'node:os';
import { converse, findPython } from './measure.mjs';
import { bundle, cache, wholeNumber } from './suite.mjs';
import { median } from './suiteTable.mjs';
import { startTwin } from './suiteTwins.mjs';
import { labelledWorkloads, writePreviousWorkload, writeWorkload } from './workload.mjs';

/** Rounds until compilers that learn from what runs have learned; they do not count. */
const warmUp = 4;
const ms = (seconds) => Number((1000 * seconds).toFixed(1));

/**
 * Families of measures beside the plain twin, over and over, as a single time of a tenth of a second says little on a machine that others use.
 * What they share is paid by the first that needs it, on both sides: they are measured in the order in which they are named.
 * Options: families (default: those that need neither labels nor several k-means), --workload W1|W2 (default W1), --rounds N (default 10),
 * --alone: each asked for alone, so that none finds done what it shares with others.
 */
export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? options[options.indexOf(name) + 1] : otherwise);
  const which = option('--workload', 'W1');
  const shape = labelledWorkloads[which];
  if (!shape) throw new Error(`There is no workload ${which}; there are ${Object.keys(labelledWorkloads).join(', ')}.`);
  const rounds = wholeNumber(options, '--rounds', 10, 1000);
  const isValue = (at) => ['--workload', '--rounds'].includes(options[at - 1]);
  const named = options.filter((word, at) => !word.startsWith('--') && !isValue(at)).flatMap((word) => word.split(','));
  await bundle();
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const file = await writeWorkload(cache, await createEngine(), shape);
  const previous = await writePreviousWorkload(file);
  const cores = Math.min(2, availableParallelism());
  const ours = converse(process.execPath, ['--initial-old-space-size=64', path.join(cache, 'suiteProcess.mjs')], {});
  const plain = startTwin(findPython(), 'plain', cores);
  const { engine, groups } = JSON.parse(await ours.hello());
  const known = groups.flatMap((group) => group.families.map(({ id }) => id));
  const families = named.length > 0 ? named : groups.filter(({ name }) => !['clusters', 'labels'].includes(name)).flatMap((group) => group.families.map(({ id }) => id));
  const unknown = families.filter((family) => !known.includes(family));
  if (unknown.length > 0) throw new Error(`There is no family ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}. ${engine}, ${cores} threads, a part of the layer each. ${await plain.hello()}.`);

  const alone = options.includes('--alone');
  const times = new Map(families.map((family) => [family, { ours: [], plain: [] }]));
  // The deepest layer has none to be compared with.
  const layers = Math.max(1, shape.layers - 1);
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const asked of alone ? families.map((family) => [family]) : [families]) {
      const request = { file, previous, layer: `layer${round % layers}`, families: asked };
      const answers = { ours: await ours.ask(request), plain: await plain.ask(request) };
      if (round < warmUp) continue;
      for (const family of asked) for (const side of ['ours', 'plain']) times.get(family)[side].push(answers[side].families[family].seconds);
    }
  }
  ours.end();
  plain.end();
  const sum = { ours: [], plain: [] };
  for (let at = 0; at < rounds; at++) for (const side of ['ours', 'plain']) sum[side].push([...times.values()].reduce((total, own) => total + own[side][at], 0));
  console.table(
    [...times, ['= sum', sum]].map(([family, own]) => ({
      family,
      'ours: median ms': ms(median(own.ours)),
      least: ms(Math.min(...own.ours)),
      'plain: median ms': ms(median(own.plain)),
      'least ': ms(Math.min(...own.plain)),
      'ours/plain': Number((median(own.ours) / median(own.plain)).toFixed(2)),
      'of the least': Number((Math.min(...own.ours) / Math.min(...own.plain)).toFixed(2)),
    })),
  );
  console.log(`Workload ${which}, ${alone ? 'each family alone' : 'one after the other, each paying for what it is the first to need'}, ${rounds} rounds after ${warmUp} that do not count, both sides in turns.`);
}
