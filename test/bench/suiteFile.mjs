import { milliseconds, total, verdict } from './suiteTable.mjs';
import { twinSeconds } from './suiteTwins.mjs';

/** Needs what is computed once for a probe or a process. */
const warming = ['random_label'];

/**
 * The whole file, one layer a thread, beside each twin in two arrangements of the same cores.
 * @param measured of each layer by name of the twin `twins`, where it measured that layer
 * @param variants title, metrics of ours and families of the twins of what is measured
 * @returns the largest resident memory of ours
 */
export async function measureFile({ file, previous, layers }, measured, { twins, variants, cores }, { startPool, startOne }) {
  const pool = startPool();
  await pool.hello();
  await pool.ask({ file, previous, layers: layers.slice(0, 1), metrics: variants.at(-1).metrics });
  const own = [];
  for (const { metrics } of variants) own.push(await pool.ask({ file, previous, layers, metrics }));
  pool.end();
  for (const twin of twins) {
    const known = layers.filter((_layer, at) => measured[at].twins[twin]);
    const sideBySide = known.length < cores ? variants.map(() => null) : await secondsSideBySide({ file, previous, layers: known }, variants, cores, () => startOne(twin));
    for (const [at, { title, without }] of variants.entries()) {
      const sequential = total(measured.flatMap(({ twins: { [twin]: side } }) => (side ? [twinSeconds(side, without)] : [])));
      const each = own[at].seconds / layers.length;
      const quickest = Math.min(sequential, sideBySide[at] ?? sequential) / known.length;
      const other = sideBySide[at] === null ? '' : `, ${milliseconds(sideBySide[at] / known.length)} (${cores} processes of one thread)`;
      console.log(
        `Whole file of ${layers.length} layers, ${title}, reading included: ours ${milliseconds(each)} a layer (one layer a thread), ` +
          `${twin} twin ${milliseconds(sequential / known.length)} (layer after layer, as timed above)${other}; ${verdict(twin, each / quickest)}` +
          `${other ? ' to the quicker one' : ''}.`,
      );
    }
  }
  return Math.max(...own.map(({ maxResidentBytes }) => maxResidentBytes));
}

/** Seconds of each variant, the layers dealt out to as many processes as there are cores. */
async function secondsSideBySide({ file, previous, layers }, variants, cores, startOne) {
  // As many layers for each, or the last ones would keep one core only busy.
  const dealt = layers.slice(0, layers.length - (layers.length % cores));
  const processes = Array.from({ length: cores }, startOne);
  const ask = (families) =>
    Promise.all(processes.map((one, index) => one.ask({ file, previous, layers: dealt.filter((_layer, at) => at % cores === index), families })));
  for (const one of processes) await one.hello();
  await ask(warming);
  const seconds = [];
  for (const { families } of variants) {
    const start = performance.now();
    await ask(families);
    seconds.push(((performance.now() - start) / 1000) * (layers.length / dealt.length));
  }
  for (const one of processes) one.end();
  return seconds;
}
