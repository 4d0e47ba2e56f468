import { createFormatRegistry, FormatError, openTensors } from '../../formats';
import { describeModel, matchExport, ModelMismatch, OpenQuestion, ProviderUnavailable } from '../../models';
import type { LandscapeFailure, ModelFacts, ModelInspection } from '../../protocol';
import { configOfCheckpoint, describeWith } from './configured';
import { kinds, openExport } from './landscapeModel';
import { describeOptionsOf } from './landscapeOrder';

/** What the model of a checkpoint is and which losses it has; answers with what an option has to say, or why it cannot be run, where that is so. */
export async function inspectModel({ checkpoint, graph, ...answers }: ModelInspection): Promise<ModelFacts> {
  try {
    const opened = await openTensors(checkpoint, createFormatRegistry());
    try {
      if (graph === null) {
        const { label, losses, warnings } = describeModel(opened.file.tensors, describeWith(await configOfCheckpoint(checkpoint), describeOptionsOf(answers)));
        return { kind: 'model', label, losses: Object.keys(kinds).filter((name) => losses.includes(kinds[name]!)), warnings };
      }
      const exported = await openExport(graph);
      try {
        matchExport(exported.model, opened.file, answers.role ?? undefined);
        return { kind: 'model', label: exported.model.label, losses: exported.model.outputs, warnings: [] };
      } finally {
        await exported.file.close();
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof OpenQuestion) return { kind: 'question', option: error.option, reason: error.message };
    // Whatever else goes wrong with a file that somebody chose is an answer, too.
    const isOfFile = error instanceof ModelMismatch || error instanceof RangeError;
    return { kind: 'failed', failure: failureOf(isOfFile ? new FormatError(checkpoint, '', `cannot be run: ${error.message}`, { cause: error }) : error) };
  }
}

/** An error in a form that survives the way between processes. */
export function failureOf(error: unknown): LandscapeFailure {
  const message = error instanceof Error ? error.message : String(error);
  const mismatch = error instanceof ModelMismatch ? error : error instanceof FormatError && error.cause instanceof ModelMismatch ? error.cause : null;
  const known = mismatch !== null || error instanceof FormatError || error instanceof RangeError || error instanceof ProviderUnavailable;
  return {
    message: known || !(error instanceof Error) ? message : `${error.name}: ${message}`,
    missing: mismatch?.missing ?? [],
    extra: mismatch?.extra ?? [],
    wrongShape: mismatch?.wrongShape ?? [],
  };
}
