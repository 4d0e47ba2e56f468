import type { Architecture } from './architecture';
import type { ExportedModel } from './exportedModel';

/** Modules outside of the blocks that are one layer each, as the companion has them: projectors, predictors, classifiers. */
const headNames: ReadonlySet<string> = new Set([
  'projector', 'projection', 'projection_head', 'projection_mlp', 'proj_head', 'predictor', 'prediction_head', 'prediction_mlp',
  'head', 'heads', 'mlp_head', 'fc', 'classifier',
]);

/** The layers of a known model that features are taken of, shallow to deep: all but `avgpool`, which is the last block once more, averaged. */
export function chosenLayers(model: Pick<Architecture, 'layers'>): string[] {
  return model.layers.map(({ name }) => name).filter((name) => name !== 'avgpool');
}

/**
 * The modules of an export that features are taken of, in its order: the numbered blocks (`layer1.0`, `blocks.0`, `encoder.layer.0`) and the heads after
 * them; without blocks the modules that have a weight matrix of their own.
 */
export function chosenModules(model: Pick<ExportedModel, 'layers' | 'parameters'>): string[] {
  const names = model.layers.map(({ name }) => name);
  const blocks = blocksOf(names);
  if (blocks.size === 0) {
    const matrices = new Set(model.parameters.filter(({ shape }) => shape.length >= 2).map(({ name }) => name));
    return names.filter((name) => matrices.has(`${name}.weight`));
  }
  const isInside = (name: string, outer: Iterable<string>): boolean => [...outer].some((each) => name.startsWith(`${each}.`));
  const isHead = (name: string): boolean => headNames.has(name.split('.').at(-1) ?? '') && !name.includes('embed') && !isInside(name, blocks) && ![...blocks].some((block) => block.startsWith(`${name}.`));
  const heads = names.filter(isHead);
  const chosen = new Set([...blocks, ...heads.filter((name) => !isInside(name, heads))]);
  return names.filter((name) => chosen.has(name));
}

/** Numbered modules of one container that have modules inside themselves; of nested ones the innermost. */
function blocksOf(names: readonly string[]): Set<string> {
  const containers = new Map<string, string[]>();
  for (const name of names) {
    const [, container] = /^(.+)\.\d+$/.exec(name) ?? [];
    if (container === undefined || !names.some((other) => other.startsWith(`${name}.`))) continue;
    containers.set(container, [...(containers.get(container) ?? []), name]);
  }
  const innermost = [...containers].filter(([container]) => ![...containers.keys()].some((other) => other.startsWith(`${container}.`)));
  return new Set(innermost.flatMap(([, members]) => members));
}
