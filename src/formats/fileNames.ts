/** Where a file stands in training, as far as its name says. */
export interface EpochStep {
  readonly epoch: number | null;
  readonly step: number | null;
}

const unknown: EpochStep = { epoch: null, step: null };

const epochBefore = /(?:^|[^a-z])(?:epochs?|ep)[-_= ]?(\d+)/;
const epochAfter = /(?:^|[^a-z0-9])(\d+)[-_ ]?(?:epochs?|ep)(?![a-z])/;
const stepBefore = /(?:^|[^a-z])(?:global[-_]?step|steps?|iteration|iters?|it)[-_= ]?(\d+)/;
const stepAfter = /(?:^|[^a-z0-9])(\d+)[-_ ]?(?:steps?|iterations?|iters?)(?![a-z])/;
/** fairseq: checkpoint_<epoch>_<updates>.pt */
const epochAndUpdates = /^(?:checkpoint|ckpt)_(\d+)_(\d+)$/;
/** TensorFlow's Saver: model.ckpt-<global step>.index */
const saverStep = /\.ckpt-(\d+)$/;
/** A number that only a generic word introduces; "resnet50" and "vit_b_16" are architectures, not places in time. */
const bareNumber = /^(?:(?:[a-z]+[-_])?(?:checkpoint|ckpt|probe|probes|features|model|weights|net|network|snapshot|state|backbone|encoder|student|teacher)[-_=.]?)?(\d+)$/;
const endings = /\.(?:safetensors|npz|npy|pt|pth|tar|ckpt|bin|h5|hdf5|keras|onnx|index|json|pkl|weights|gz)$/;

/** Nobody trains for so many epochs that are saved one by one; such a number counts steps. */
const largestBareEpoch = 20_000;

/**
 * Epoch and step from a file name, or from the folders in the given relative path when the name says nothing
 * ("checkpoint-500/model.safetensors").
 */
export function guessEpochStep(path: string): EpochStep {
  const parts = path.split(/[\\/]/).filter((part) => part !== '');
  for (let i = parts.length - 1; i >= 0; i--) {
    const guess = guessFromName(parts[i]!);
    if (guess.epoch !== null || guess.step !== null) {
      return guess;
    }
  }
  return unknown;
}

function guessFromName(name: string): EpochStep {
  let stem = name.toLowerCase();
  let torch = false;
  for (let ending = endings.exec(stem); ending !== null; ending = endings.exec(stem)) {
    torch ||= ending[0] === '.pth' || ending[0] === '.pt';
    stem = stem.slice(0, ending.index);
  }
  const epoch = epochBefore.exec(stem) ?? epochAfter.exec(stem);
  const step = stepBefore.exec(stem) ?? stepAfter.exec(stem);
  if (epoch !== null || step !== null) {
    return { epoch: numberOf(epoch?.[1]), step: numberOf(step?.[1]) };
  }
  const both = epochAndUpdates.exec(stem);
  if (both !== null) {
    return { epoch: numberOf(both[1]), step: numberOf(both[2]) };
  }
  const saved = saverStep.exec(stem);
  if (saved !== null) {
    return { epoch: null, step: numberOf(saved[1]) };
  }
  const number = numberOf(bareNumber.exec(stem)?.[1]);
  if (number === null) {
    return unknown;
  }
  // Hugging Face names the folder checkpoint-<step>; MAE, MoCo v3 and DINO name files checkpoint-<epoch>.pth, checkpoint_0040.pth.tar, checkpoint0040.pth.
  const isStep = number > largestBareEpoch || (/^checkpoint-\d+$/.test(stem) && !torch);
  return isStep ? { epoch: null, step: number } : { epoch: number, step: null };
}

function numberOf(digits: string | undefined): number | null {
  const number = Number(digits);
  return digits !== undefined && Number.isSafeInteger(number) ? number : null;
}

let collator: Intl.Collator | undefined;

/** Orders names as people do: block2 before block10. A total order: equal only for equal strings. */
export function compareNaturally(a: string, b: string): number {
  // Made when first needed: its data take 6 ms to load, which every window would pay at activation.
  collator ??= new Intl.Collator('en', { numeric: true });
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
