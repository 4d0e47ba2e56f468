import { guessEpochStep, type EpochStep } from '../formats';
import type { FileProblem } from '../protocol';

/** Epoch and step from the metadata; from the file name where the metadata says neither. */
export function placeInTraining(metadata: Readonly<Record<string, string>>, file: string, problems: FileProblem[]): EpochStep {
  const epoch = numberFrom(metadata, 'epoch', file, problems);
  const step = numberFrom(metadata, 'step', file, problems) ?? numberFrom(metadata, 'global_step', file, problems);
  if (epoch !== null && step !== null) {
    return { epoch, step };
  }
  const guess = guessEpochStep(file);
  return { epoch: epoch ?? guess.epoch, step: step ?? guess.step };
}

function numberFrom(metadata: Readonly<Record<string, string>>, key: string, file: string, problems: FileProblem[]): number | null {
  const text = Object.hasOwn(metadata, key) ? metadata[key]!.trim() : '';
  if (text === '' || text === 'None' || text === 'null') {
    return null;
  }
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) {
    return number;
  }
  problems.push({ file, place: `metadata ${key}`, reason: `${JSON.stringify(text.slice(0, 60))} is not a number from 0; the file name is used instead`, severity: 'warning' });
  return null;
}
