/** Columns that say where in training a row stands, best first: the loggers' own spellings and the common ones. */
const epochNames = ['epoch', 'train/epoch', 'trainer/epoch', 'current_epoch', 'epochs', 'ep', 'epoch_num', 'epoch_number'];
const stepNames = [
  'step', 'global_step', 'trainer/global_step', 'train/global_step', '_step', 'iteration', 'iter', 'iters', 'iterations', 'global_iter',
  'train_step', 'train/step', 'steps', 'num_steps', 'total_steps', 'num_updates', 'update', 'batch', 'n_iter', 'it',
];

/** Words that name a quantity of training, as opposed to a column of data. */
const quantity = /loss|acc|error|(?:^|[^a-z])lr(?:$|[^a-z])|learning_rate|grad|perplexity|reward|entropy|momentum|wd|weight_decay|metric|score|auc|top1|top5|knn/i;

export interface Axes {
  /** Name as written in the log, or null. */
  readonly epoch: string | null;
  readonly step: string | null;
}

/** Which of the names are the axes. Case, and blanks instead of underscores, do not matter. */
export function axesOf(names: Iterable<string>): Axes {
  const byNormalName = new Map<string, string>();
  for (const name of names) {
    const normal = name.trim().toLowerCase().replace(/[\s-]+/g, '_');
    if (!byNormalName.has(normal)) {
      byNormalName.set(normal, name);
    }
  }
  const first = (candidates: readonly string[]) => {
    const found = candidates.find((candidate) => byNormalName.has(candidate));
    return found === undefined ? null : byNormalName.get(found)!;
  };
  return { epoch: first(epochNames), step: first(stepNames) };
}

/** Whether a name sounds like something that is logged during training. */
export function isQuantity(name: string): boolean {
  return quantity.test(name);
}

/** Names that people give to training logs and to little else, so that even an empty file of that name is worth showing. */
export function isLogName(name: string): boolean {
  return /^(?:log|train(?:ing)?[-_.]?log|metrics|progress|history|scalars)\.(?:txt|log|jsonl|ndjson|json|csv|tsv)$/i.test(name);
}
