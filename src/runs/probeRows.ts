import type { TensorInfo } from '../formats';

/** A tensor that may be a layer. */
export interface LayerCandidate {
  readonly info: TensorInfo;
  readonly index: number;
  readonly rows: number;
  /** 1 for [rows, d], the middle axis for [samples, views, d]. */
  readonly views: number;
}

export interface ProbeRows {
  readonly rows: number;
  /** Rows of one sample that follow each other, where the layers have the shape [samples, views, d]; otherwise 1. */
  readonly views: number;
  /** What decided, as the beginning of a sentence that the number of rows ends. */
  readonly because: string;
}

/** Settles the number of rows when layers differ: what the tensors of samples say, else what most layers have. */
export function rowsOf(candidates: readonly LayerCandidate[], perSample: readonly TensorInfo[]): ProbeRows {
  const counts = new Map<number, number>();
  for (const { rows } of candidates) {
    counts.set(rows, (counts.get(rows) ?? 0) + 1);
  }
  const byFrequency = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)!);
  for (const { name, shape } of perSample) {
    const length = shape[0];
    const fits = (rows: number) => rows === length || candidates.some(({ info, rows: own, views }) => own === rows && views > 1 && info.shape[0] === length);
    const fitting = shape.length === 1 ? byFrequency.find(fits) : undefined;
    if (fitting !== undefined) {
      return { rows: fitting, views: commonViews(candidates, fitting), because: fitting === length ? `${name} has` : `${name} and most layers mean` };
    }
  }
  const rows = byFrequency[0]!;
  const agreeing = counts.get(rows)!;
  return { rows, views: commonViews(candidates, rows), because: agreeing === 1 ? 'the shallowest layer has' : `${agreeing} other layers have` };
}

function commonViews(candidates: readonly LayerCandidate[], rows: number): number {
  const counts = new Map<number, number>();
  for (const candidate of candidates.filter(({ rows: own, views }) => own === rows && views > 1)) {
    counts.set(candidate.views, (counts.get(candidate.views) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 1;
}
