import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricCatalog } from '../../../src/metrics/catalog';
import type { FileProblem, Finding, MeasurementRecord, OptionValue, PanelChoice, PanelSnapshot, RunDetail, RunFile, ScalarSeries } from '../../../src/protocol';

interface Fixture {
  readonly run: {
    readonly name: string;
    readonly epoch: number | null;
    readonly step: number | null;
    readonly problems: readonly FileProblem[];
    readonly findings: readonly Finding[];
    readonly files: readonly Pick<RunFile, 'kind' | 'path' | 'format' | 'epoch' | 'step'>[];
  };
  readonly series: readonly ScalarSeries[];
  readonly options: readonly Readonly<Record<string, OptionValue>>[];
  readonly warnings: readonly (readonly string[])[];
  readonly fields: readonly string[];
  readonly records: readonly (readonly unknown[])[];
}

export const memorizing = 'simclr-digits-memorizing';
export const healthy = 'simclr-digits-healthy';

/** A recorded sample run with everything that was measured of it; fixtures/make.mjs wrote it. */
export function loadSample(name: string): RunDetail {
  const fixture = JSON.parse(readFileSync(join(import.meta.dirname, `../fixtures/${name}.json`), 'utf8')) as Fixture;
  const records = fixture.records.map(([options, warnings, ...values]) => {
    const entries = fixture.fields.map((field, index) => [field, values[index]] as const).filter(([field, value]) => value !== null || nullable.has(field));
    return { run: name, ...Object.fromEntries(entries), options: fixture.options[Number(options)], warnings: fixture.warnings[Number(warnings)] } as unknown as MeasurementRecord;
  });
  const layers = [...new Map(records.map((record) => [record.layer, record.layerIndex]))].sort((a, b) => a[1] - b[1]).map(([layer]) => layer);
  const { run } = fixture;
  const files = run.files.map((file): RunFile => ({ ...file, bytes: 1, modified: 0, state: file.kind === 'probe' ? 'measured' : 'found' }));
  const health = run.findings.some((finding) => finding.severity === 'act') ? 'act' : run.findings.length > 0 ? 'watch' : 'healthy';
  return { run: { ...run, id: name, folder: `/sample/${name}`, modified: 0, files, health }, layers, records, series: fixture.series };
}

const nullable = new Set(['epoch', 'step', 'split', 'value', 'seed']);

export const defaultChoice: PanelChoice = {
  runId: memorizing,
  metric: null,
  show: 'gap',
  axis: 'log',
  layers: null,
  asTable: false,
};

/** What the host sends when the panel becomes visible. */
export function makeSnapshot(details: Readonly<Record<string, RunDetail>>, change: Partial<PanelChoice> = {}): PanelSnapshot {
  const choice = { ...defaultChoice, ...change };
  return {
    kind: 'snapshot',
    runs: Object.values(details).map((detail) => detail.run),
    scanned: true,
    folders: ['/sample'],
    detail: details[choice.runId ?? ''] ?? null,
    metrics: metricCatalog,
    choice,
    progress: null,
    worker: { state: 'running', engine: { name: 'onnxruntime', version: '1.30.0', reason: '' }, message: '', restarts: 0 },
  };
}

/** Value of one record; throws when there is not exactly one. */
export function valueOf(detail: RunDetail, which: Pick<MeasurementRecord, 'metric' | 'split' | 'layer' | 'epoch'>): number {
  const found = detail.records.filter(
    (record) => record.metric === which.metric && record.split === which.split && record.layer === which.layer && record.epoch === which.epoch,
  );
  const value = found[0]?.value;
  if (found.length !== 1 || typeof value !== 'number') throw new Error(`${found.length} records for ${JSON.stringify(which)}`);
  return value;
}
