import { compareNaturally } from '../formats/fileNames';

/** Files by their place in training, earliest first; those without one before all others, in natural order of their names. */
export function inTrainingOrder<Each extends { readonly path: string; readonly epoch: number | null; readonly step: number | null }>(files: readonly Each[]): Each[] {
  const place = (file: Each, axis: 'step' | 'epoch'): number => file[axis] ?? -1;
  return [...files].sort((a, b) => place(a, 'step') - place(b, 'step') || place(a, 'epoch') - place(b, 'epoch') || compareNaturally(a.path, b.path));
}

/** One of several files of a checkpoint, as Hugging Face names them: it is read through the index beside it. */
export function isShard(path: string): boolean {
  return /-\d{5}-of-\d{5}\.[a-z]+$/i.test(path);
}
