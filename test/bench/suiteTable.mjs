// What `npm run bench -- suite` prints: of each measured layer `ours`, and by name of the twin `twins`, where it measured that layer.

/** Below it, a family only looks up what others have computed, and what is timed is the way to the threads and back. */
const leastMilliseconds = 5;
export const targets = { ratio: 0.5, megabytes: 1500 };

export const total = (values) => values.reduce((sum, value) => sum + value, 0);
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
export const milliseconds = (seconds) => `${(1000 * seconds).toFixed(0)} ms`;
export const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;

/** The target is about the plain twin. */
export function verdict(twin, ratio) {
  const told = twin === 'plain' ? `target ${targets.ratio}: ${ratio <= targets.ratio ? 'met' : 'missed'}` : 'for information';
  return `ratio ${ratio.toFixed(2)} (${told})`;
}

/** Medians over the layers that both measured. */
export function compared(layers, twin, ofOurs, ofTwin) {
  const both = layers.filter(({ twins }) => twins[twin]);
  return { ours: median(both.map(ofOurs)), theirs: median(both.map((layer) => ofTwin(layer.twins[twin]))) };
}

/** The sum over some families, of each layer; its median over the layers. Ratios are taken over the layers that both sides measured. */
function line(title, layers, twins, families) {
  const summed = (side, what) => total(families.map((family) => side.families[family][what]));
  const own = (what) => median(layers.map(({ ours }) => summed(ours, what)));
  const times = Object.fromEntries(twins.map((twin) => [twin, compared(layers, twin, ({ ours }) => summed(ours, 'seconds'), (side) => summed(side, 'seconds'))]));
  const cpu = (twin) => compared(layers, twin, ({ ours }) => summed(ours, 'cpu'), (side) => summed(side, 'cpu'));
  const ratio = ({ ours, theirs }) => (theirs > 0 ? ours / theirs : Number.NaN);
  const shown = (value) => (Number.isNaN(value) ? '-' : value.toFixed(2));
  const inMilliseconds = (seconds) => Number((1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0));
  const busy = own('busy');
  const row = {
    measure: title,
    'ours ms': inMilliseconds(own('seconds')),
    'in engine': busy > 0 ? `${((100 * own('engine')) / busy).toFixed(0)} %` : '',
    ...Object.fromEntries(twins.flatMap((twin) => [[`${twin} ms`, inMilliseconds(times[twin].theirs)], [`ours/${twin}`, shown(ratio(times[twin]))]])),
    'ours cpu ms': Math.round(1000 * own('cpu')),
    ...Object.fromEntries(twins.map((twin) => [`cpu/${twin}`, shown(ratio(cpu(twin)))])),
  };
  return { row, seconds: own('seconds'), ratios: Object.fromEntries(twins.map((twin) => [twin, ratio(times[twin])])) };
}

export function printTable(layers, twins, groups, labelsGroup) {
  const intervals = 'intervals';
  const ids = ({ families }) => families.map(({ id }) => id);
  const families = [...groups.flatMap(ids), intervals];
  const unlabelled = [...groups.filter(({ name }) => name !== labelsGroup).flatMap(ids), intervals];
  const lines = new Map(families.map((family) => [family, line(family, layers, twins, [family])]));
  const rows = groups.flatMap((group) => [...ids(group).map((id) => lines.get(id).row), line(`= ${group.name}`, layers, twins, ids(group)).row]);
  rows.push(lines.get(intervals).row, line('== without labels', layers, twins, unlabelled).row);
  if (unlabelled.length < families.length) rows.push(line('== with labels', layers, twins, families).row);
  console.table(rows);
  const timed = [...lines].filter(([, { seconds }]) => 1000 * seconds >= leastMilliseconds);
  for (const twin of twins) {
    const slower = timed.filter(([, { ratios }]) => ratios[twin] > 1).map(([family, { ratios }]) => `${family} (${ratios[twin].toFixed(2)})`);
    const told = twin === 'plain' ? `target none: ${slower.length === 0 ? 'met' : 'missed'}` : 'for information';
    console.log(`Families slower than their ${twin} twin, of those over ${leastMilliseconds} ms: ${slower.join(', ') || 'none'} (${told}).`);
  }
  console.log('What families of a group share is paid by the first of them, on all sides.');
}

/** By metric, relative to the values of a twin. */
export function printDifferences(layers, twin, groups) {
  const ofClusters = groups.filter(({ name }) => name === 'clusters').flatMap(({ families }) => families.flatMap(({ metrics }) => metrics));
  const otherNumbers = new Set([...ofClusters, 'inertia', 'clid', 'random_label_control']);
  const worst = new Map();
  const missing = new Set();
  for (const { ours, twins } of layers) {
    for (const [key, value] of Object.entries(twins[twin]?.values ?? {})) {
      const metric = key.split(' ')[0];
      const own = ours.values[key];
      if (own === null || own === undefined) missing.add(metric);
      else worst.set(metric, Math.max(worst.get(metric) ?? 0, Math.abs(own - value) / Math.max(Math.abs(value), Number.MIN_VALUE)));
    }
  }
  const list = (wanted) => {
    const own = [...worst].filter(([metric]) => otherNumbers.has(metric) === wanted);
    return own.map(([metric, difference]) => `${metric} ${difference.toExponential(1)}`).join(', ') || 'none';
  };
  console.log(`Largest relative differences to the ${twin} twin: ${list(false)}.`);
  console.log(`Of measures that begin with other random numbers on both sides: ${list(true)} (inertia: squared distances from the means of the clusters).`);
  if (missing.size > 0) console.log(`Without a value on our side: ${[...missing].join(', ')}.`);
}
