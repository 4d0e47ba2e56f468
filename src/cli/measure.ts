import path from 'node:path';
import { FormatError } from '../formats';
import { metricInfo } from '../metrics';
import type { FileProblem, MeasurementRecord, Split } from '../protocol';
import { isOfTraining } from '../protocol';
import { parseArguments, parseEngine, parseGlob, parseMeasureOptions, parseMetrics, parseShard } from './arguments';
import { type Command, InputError, type Terminal } from './command';
import { type Measured, measureTarget } from './measuring';
import { nothingMatches } from './noMatch';
import { count, formatTable, printJson, round, sayProblems } from './output';
import { parseProbeData, parseProvider, probeDataOptions } from './probeDataArguments';
import { mergeIntoFile } from './recordsFile';

export const measure: Command = {
  name: 'measure',
  usage: 'RUN|PROBE|CHECKPOINT [--metric ID,...] [--layer GLOB] [--eps2 X] [--seed N] [--partition P] [--clusters N|best] [--engine NAME] [--shard I/N] [--data DIR|FILE ...] [--out FILE] [--json]',
  summary: 'Measure the layers of a run, of one probe or of one checkpoint; what was measured before is taken from <run>/.layerscope.',
  details: [
    '  RUN           folder of a run: its probes and checkpoints\n  PROBE         one file of features (safetensors, npz)\n  CHECKPOINT    one file of weights; drift is measured against the other checkpoints of its run',
    '  --metric ID   only these metrics, separated by commas',
    '  --layer GLOB  only layers whose name matches; * stands for anything, {a,b} for alternatives',
    '  --eps2 X      epsilon squared of the coding rate, above 0 (default 0.5)',
    '  --seed N      seed of everything random (default 0)',
    '  --partition P classes of the coding rate within: views (of one sample), clusters or labels (default views)',
    '  --clusters N  clusters of k-means, or best: the number with the best silhouette (default 10)',
    '  --engine NAME auto, onnxruntime, tensorflow or wasm (default auto: the first that loads)',
    '  --shard I/N   only the I-th of N parts of the files, so that N machines share the work',
    '  --data ...    images that the models of checkpoints without a probe are shown: the options of layerscope features, but for --seed, which counts for both.\n                What was chosen once is remembered in <run>/.layerscope/probe-data.json',
    '  --out FILE    add the records to FILE too, one JSON document a line; records it has already are not added again',
    '  --json        one JSON document: run, engine, records, problems',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN, PROBE or CHECKPOINT'], {
      metric: { type: 'string' },
      layer: { type: 'string' },
      eps2: { type: 'string' },
      seed: { type: 'string' },
      partition: { type: 'string' },
      clusters: { type: 'string' },
      engine: { type: 'string' },
      shard: { type: 'string' },
      provider: { type: 'string' },
      ...probeDataOptions,
      out: { type: 'string' },
      json: { type: 'boolean' },
    });
    const metrics = parseMetrics(values.metric);
    const acceptLayer = parseGlob('--layer', values.layer);
    const shard = parseShard(values.shard);
    const { seed, ...chosen } = parseProbeData(values);
    const probeData = Object.keys(chosen).length === 0 || seed === undefined ? chosen : { ...chosen, seed };
    const [target = ''] = positionals;
    const result = await measureTarget(
      {
        target,
        options: parseMeasureOptions(values),
        engine: parseEngine(values.engine),
        probeData,
        provider: parseProvider(values.provider),
        ...(metrics ? { metrics } : {}),
        ...(acceptLayer ? { acceptLayer } : {}),
        ...(shard ? { shard } : {}),
      },
      terminal,
    );
    const { run, engine, records, layers, measured, opened, folder } = result;
    // Of a shard, the other files may be in other parts.
    const [unusable, ...rest] = opened === 0 && records.length === 0 && shard === undefined ? result.problems.filter(({ severity }) => severity === 'error') : [];
    if (unusable !== undefined) {
      sayProblems(terminal, rest);
      throw new FormatError(path.resolve(folder, unusable.file), unusable.place, unusable.reason);
    }
    // What the training recorded is with the first part alone.
    const without = metrics === undefined || shard !== undefined ? [] : impossible(metrics, result);
    const problems = [...result.problems, ...without.map((id): FileProblem => ({ file: '.', place: `metric ${id}`, reason: `cannot be measured: there is no ${kindOf(id)}`, severity: 'warning' }))];
    if (without.length > 0 && without.length === metrics?.length) {
      sayProblems(terminal, result.problems);
      throw new InputError(`${target}: holds no ${[...new Set(without.map(kindOf))].join(' and no ')}: ${without.join(', ')} cannot be measured of it`);
    }
    if (values.layer !== undefined && !layers.some((layer) => acceptLayer?.(layer))) {
      sayProblems(terminal, problems);
      throw nothingMatches({ target, option: '--layer', glob: values.layer, noun: 'layer', names: layers });
    }
    if (values.out !== undefined) await mergeIntoFile(values.out, records);
    if (values.json) {
      printJson(terminal, { run, engine, records, problems });
      return;
    }
    printSummary(terminal, records);
    sayProblems(terminal, problems);
    terminal.say(`${count(measured, 'layer')} measured now with ${engine.name} ${engine.version}`);
  },
};

/** Those of the named metrics that nothing in the target can have: they are measured on the other kind of file. */
function impossible(metrics: readonly string[], { records, files }: Measured): readonly string[] {
  return metrics.filter((id) => !files.some(({ kind }) => kind === kindOf(id)) && !records.some(({ metric }) => metric === id));
}

function kindOf(metric: string): 'probe' | 'checkpoint' {
  return metricInfo(metric)?.subject === 'weights' ? 'checkpoint' : 'probe';
}

/** How many records there are, and the newest of probes, checkpoints and the training itself as tables. */
function printSummary(terminal: Terminal, records: readonly MeasurementRecord[]): void {
  const ofTraining = records.filter(isOfTraining);
  const ofFiles = records.filter((record) => !isOfTraining(record));
  const files = count(new Set(ofFiles.map(({ source }) => source)).size, 'file');
  terminal.write(`${count(records.length, 'record')} of ${ofTraining.length === 0 ? files : `${files} and of the training itself`}\n`);
  const ofFeatures = ofFiles.filter(({ split }) => split !== null);
  const ofWeights = ofFiles.filter(({ split }) => split === null);
  for (const some of [ofFeatures, ofWeights, ofTraining]) {
    const newest = some.at(-1);
    if (newest === undefined) continue;
    const shown = some.filter(({ source, epoch, step }) => source === newest.source && epoch === newest.epoch && step === newest.step);
    terminal.write(`\n${titleOf(newest)}\n${some === ofWeights ? weightTable(shown) : featureTable(shown)}`);
  }
}

function titleOf(record: MeasurementRecord): string {
  if (!isOfTraining(record)) return record.source;
  const place = record.epoch === null ? (record.step === null ? '' : `, step ${String(record.step)}`) : `, epoch ${String(record.epoch)}`;
  return `recorded by the training${place}`;
}

function featureTable(records: readonly MeasurementRecord[]): string {
  const cells = new Map<string, Partial<Record<Split, MeasurementRecord>>>();
  for (const record of records) {
    const key = JSON.stringify([record.layer, record.metric]);
    cells.set(key, { ...cells.get(key), [record.split ?? 'train']: record });
  }
  const rows = [...cells.values()].map(({ train, held_out: heldOut, gap }) => {
    const any = train ?? heldOut ?? gap;
    const values = [train?.value, heldOut?.value, gap?.value, gap?.uncertainty?.standardError].map(round);
    return [any?.layer ?? '', any?.metric ?? '', ...values];
  });
  return formatTable(['layer', 'metric', 'train', 'held out', 'gap', '+-'], rows);
}

/** A line a layer: there are many of them, and few metrics are looked at together. */
function weightTable(records: readonly MeasurementRecord[]): string {
  const metrics = [...new Set(records.map(({ metric }) => metric))];
  const byLayer = new Map<string, Map<string, MeasurementRecord>>();
  for (const record of records) {
    const row = byLayer.get(record.layer) ?? new Map<string, MeasurementRecord>();
    byLayer.set(record.layer, row.set(record.metric, record));
  }
  const rows = [...byLayer].map(([layer, row]) => [layer, ...metrics.map((metric) => round(row.get(metric)?.value))]);
  return formatTable(['layer', ...metrics], rows);
}
