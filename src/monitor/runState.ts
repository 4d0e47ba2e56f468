import type {
  FileProblem, Finding, MeasurementRecord, RunDelta, RunDetail, RunFile, RunFileState, RunPage, RunSummary, ScalarSeries,
} from '../protocol';
import { isOfTraining, trainingSource } from '../protocol';
import type { FileOnDisk, ScalarCollector } from '../runs';
import { recordKey } from '../store';
import { judgeHealth, layersWithGaps } from './health';
import { isResult } from './resultPaths';
import { noteOf } from './runNote';

/** In one message: to put more of them into one would hold up the file-following loop for more than some 10 ms. */
const mostRecords = 2_000;
const mostPoints = 100_000;
const mostPieces = 1_000;

/** What is known of one file beyond what the folder says. */
interface FileFacts {
  readonly disk: FileOnDisk;
  readonly state: RunFileState;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly layers: readonly string[];
  readonly problems: readonly FileProblem[];
}

/**
 * The model of one run as the views see it, and the difference to what they were last told.
 * Knows nothing of how the facts are found.
 */
export class RunState {
  private readonly files = new Map<string, FileFacts>();
  private readonly records = new Map<string, readonly MeasurementRecord[]>();
  /** Of each source those in which a finding could show. */
  private readonly gapLayers = new Map<string, ReadonlySet<string>>();
  private readonly logs = new Map<string, ScalarCollector>();
  /** Null: nobody has looked for any yet. */
  private currentFindings: readonly Finding[] | null = null;
  private runProblems: readonly FileProblem[] = [];
  private voidedSources = new Set<string>();
  private newRecords = new Map<string, MeasurementRecord[]>();
  private voidedLogs = new Set<string>();
  private newSeries: ScalarSeries[] = [];
  private recordsChanged = false;

  constructor(
    readonly id: string,
    readonly folder: string,
    private name: string,
    /** Something the views should hear of changed. */
    private readonly onChange: () => void,
  ) {}

  rename(name: string): void {
    if (name === this.name) return;
    this.name = name;
    this.onChange();
  }

  get runName(): string {
    return this.name;
  }

  /** Adds a file or takes over what changed of it on disk. */
  setFile(found: FileOnDisk): void {
    const known = this.files.get(found.path);
    const disk = { ...found, modified: Math.floor(found.modified) };
    if (known !== undefined && JSON.stringify(known.disk) === JSON.stringify(disk)) return;
    this.files.set(disk.path, { epoch: disk.epoch, step: disk.step, layers: [], state: 'found', problems: [], ...known, disk });
    this.onChange();
  }

  /** Tells more of a file; nothing happens when it has gone meanwhile. */
  updateFile(path: string, facts: Partial<Omit<FileFacts, 'disk'>>): void {
    const known = this.files.get(path);
    if (known === undefined) return;
    const next = { ...known, ...facts };
    if (JSON.stringify(next) === JSON.stringify(known)) return;
    this.files.set(path, next);
    this.onChange();
  }

  removeFile(path: string): void {
    if (!this.files.delete(path)) return;
    if (this.records.has(path)) this.setRecords(path, []);
    this.onChange();
  }

  stateOf(path: string): RunFileState | null {
    return this.files.get(path)?.state ?? null;
  }

  /** Replaces the records of one source. */
  setRecords(source: string, records: readonly MeasurementRecord[]): void {
    const known = this.recordsOf(source);
    if (known.length === 0 && records.length === 0) return;
    if (known.length > 0) this.voidedSources.add(source);
    if (records.length === 0) this.records.delete(source);
    else this.records.set(source, records);
    this.gapLayers.delete(source);
    this.takeGaps(source, records);
    this.newRecords.set(source, [...records]);
    this.recordsChanged = true;
    this.onChange();
  }

  /** Adds records; where the source had one for the same layer, metric and split already, all of its records are told anew. */
  addRecords(source: string, records: readonly MeasurementRecord[]): void {
    const known = this.recordsOf(source);
    const fresh = new Set(records.map(cellOf));
    // Those of a training are many: most are of other moments.
    const moments = new Set(records.map(momentOf));
    const kept = known.filter((record) => !moments.has(momentOf(record)) || !fresh.has(cellOf(record)));
    if (kept.length < known.length) {
      this.setRecords(source, [...kept, ...records]);
      return;
    }
    this.records.set(source, [...known, ...records]);
    this.takeGaps(source, records);
    this.newRecords.set(source, [...(this.newRecords.get(source) ?? []), ...records]);
    this.recordsChanged = true;
    this.onChange();
  }

  /** Whether records came or went since `takeRecordsChanged`, so that the findings have to be looked for anew. */
  get haveRecordsChanged(): boolean {
    return this.recordsChanged;
  }

  takeRecordsChanged(): boolean {
    const changed = this.recordsChanged;
    this.recordsChanged = false;
    return changed;
  }

  recordsOf(source: string): readonly MeasurementRecord[] {
    return this.records.get(source) ?? [];
  }

  /** As they are now: later changes make other arrays. */
  recordsOfSources(): readonly (readonly MeasurementRecord[])[] {
    return [...this.records.values()];
  }

  /** The collector of a log; kept by reference, told of by `appendSeries` and `voidLog`. */
  setLog(source: string, collector: ScalarCollector): void {
    this.logs.set(source, collector);
  }

  removeLog(source: string): void {
    if (!this.logs.delete(source)) return;
    this.voidLog(source);
  }

  appendSeries(series: readonly ScalarSeries[]): void {
    if (series.length === 0) return;
    this.newSeries.push(...series);
    this.onChange();
  }

  voidLog(source: string): void {
    this.voidedLogs.add(source);
    this.newSeries = this.newSeries.filter((series) => series.source !== source);
    this.onChange();
  }

  setFindings(findings: readonly Finding[]): void {
    if (JSON.stringify(findings) === JSON.stringify(this.currentFindings)) return;
    this.currentFindings = findings;
    this.onChange();
  }

  /** Problems of the run as a whole: its folders, its records, the engine. */
  setProblems(problems: readonly FileProblem[]): void {
    if (JSON.stringify(problems) === JSON.stringify(this.runProblems)) return;
    this.runProblems = problems;
    this.onChange();
  }

  summary(): RunSummary {
    const files = [...this.files.values()];
    const probes = files.filter(({ disk }) => disk.kind === 'probe');
    const measured = probes.filter((probe) => this.canBeJudged(probe)).length;
    const logs = [...this.logs.values()];
    const ofTraining = this.recordsOf(trainingSource);
    const note = noteOf(files, { ofTraining: ofTraining.length > 0, any: this.records.size > 0 });
    return {
      id: this.id,
      name: this.name,
      folder: this.folder,
      epoch: largest([...files, ...logs, ...ofTraining].map(({ epoch }) => epoch)),
      step: largest([...files, ...logs, ...ofTraining].map(({ step }) => step)),
      // What was extracted says nothing of when the run was written to.
      modified: largest(files.filter(({ disk }) => !isResult(disk.path)).map(({ disk }) => disk.modified)) ?? 0,
      files: files.map(toRunFile),
      problems: [...this.runProblems, ...files.flatMap(({ problems }) => problems)],
      findings: this.currentFindings ?? [],
      health: this.currentFindings === null ? 'unknown' : judgeHealth(this.currentFindings, this.gapLayers.values(), { measured, all: probes.length }),
      ...(note === null ? {} : { note }),
    };
  }

  /** Everything as it is now, in parts; what was waiting to be told is in it and is not told again. */
  snapshot(): { readonly detail: RunDetail; readonly pages: IterableIterator<RunPage> } {
    this.forgetChanges();
    const detail = { run: this.summary(), layers: this.layers('probe'), weightLayers: this.layers('checkpoint'), records: [], series: [] };
    return { detail, pages: pagesOf([...this.records.values()], [...this.logs.values()].map((log) => log.pieces(mostPoints))) };
  }

  /** Whether records or series came or went since the last delta or snapshot. */
  hasNews(): boolean {
    return this.voidedSources.size > 0 || this.newRecords.size > 0 || this.voidedLogs.size > 0 || this.newSeries.length > 0;
  }

  /** What changed since the last call or snapshot, as much as fits into one message: `hasNews` says whether there is more. */
  takeDelta(summary: RunSummary): RunDelta {
    const records: MeasurementRecord[] = [];
    for (const [source, some] of this.newRecords) {
      if (records.length > 0 && records.length + some.length > mostRecords) break;
      records.push(...some);
      this.newRecords.delete(source);
    }
    let points = 0;
    const fits = this.newSeries.findIndex(({ values }, at) => at > 0 && (points += values.length) > mostPoints);
    const delta: RunDelta = {
      runId: this.id,
      run: summary,
      layers: this.layers('probe'),
      weightLayers: this.layers('checkpoint'),
      voidedSources: [...this.voidedSources],
      records,
      voidedLogs: [...this.voidedLogs],
      series: this.newSeries.splice(0, fits === -1 ? this.newSeries.length : fits),
    };
    this.voidedSources = new Set();
    this.voidedLogs = new Set();
    return delta;
  }

  forgetChanges(): void {
    this.voidedSources = new Set();
    this.newRecords = new Map();
    this.voidedLogs = new Set();
    this.newSeries = [];
  }

  /** Findings rest on gaps, which are measured before what takes longest. */
  private canBeJudged({ disk, state, layers }: FileFacts): boolean {
    if (state === 'measured') return true;
    const gaps = this.gapLayers.get(disk.path);
    return gaps !== undefined && layers.length > 0 && layers.every((layer) => gaps.has(layer));
  }

  private takeGaps(source: string, records: readonly MeasurementRecord[]): void {
    const found = layersWithGaps(records).get(source);
    if (found !== undefined) this.gapLayers.set(source, new Set([...(this.gapLayers.get(source) ?? []), ...found]));
  }

  /** Shallow to deep: as the newest file of this kind lists them, then those that only others have. */
  private layers(kind: 'probe' | 'checkpoint'): string[] {
    const newestFirst = [...this.files.values()]
      .filter(({ disk, layers }) => disk.kind === kind && layers.length > 0)
      .sort((a, b) => (b.epoch ?? b.step ?? 0) - (a.epoch ?? a.step ?? 0));
    return [...new Set(newestFirst.flatMap(({ layers }) => layers))];
  }
}

/** A page of a snapshot at a time. */
function* pagesOf(records: readonly (readonly MeasurementRecord[])[], series: readonly IterableIterator<ScalarSeries>[]): Generator<RunPage> {
  let page: MeasurementRecord[] = [];
  for (const some of records) {
    for (let from = 0; from < some.length; from += mostRecords) {
      page.push(...some.slice(from, from + mostRecords));
      if (page.length < mostRecords) continue;
      yield { records: page, series: [] };
      page = [];
    }
  }
  if (page.length > 0) yield { records: page, series: [] };
  let pieces: ScalarSeries[] = [];
  let points = 0;
  for (const log of series) {
    for (const piece of log) {
      pieces.push(piece);
      points += piece.values.length;
      if (points < mostPoints && pieces.length < mostPieces) continue;
      yield { records: [], series: pieces };
      pieces = [];
      points = 0;
    }
  }
  if (pieces.length > 0) yield { records: [], series: pieces };
}

/** What a file gives one value for; a training gives one at every moment, and in every way that it was asked to. */
function cellOf(record: MeasurementRecord): string {
  if (isOfTraining(record)) return recordKey(record);
  const { layer, metric, split } = record;
  return `${layer}\n${metric}\n${String(split)}`;
}

function momentOf({ epoch, step }: MeasurementRecord): string {
  return `${String(epoch)} ${String(step)}`;
}

function toRunFile({ disk: { kind, path, format, bytes, modified }, epoch, step, state, layers }: FileFacts): RunFile {
  return { kind, path, format, bytes, modified, epoch, step, state, ...(layers.length > 0 && { layers: layers.length }) };
}

function largest(values: readonly (number | null)[]): number | null {
  return values.reduce((best, value) => (value !== null && (best === null || value > best) ? value : best), null);
}
