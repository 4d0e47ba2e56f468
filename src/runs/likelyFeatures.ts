import { floatTypes, type TensorFile, type TensorInfo } from '../formats';

/** Fewer rows say nothing about a network; low-rank adapters, prompts and learned tokens have as many. */
const fewestRows = 32;

const beginning = '(?:^|[._\\-/ ])';
const ending = '[._\\-/ ]?\\d*(?:[._](?:output|out|features?|activations?))?$';
/**
 * What a layer or its output is called, with nothing behind it: a parameter has a last name of its own (`weight`, `kernel`, `lora_A`, `embed`, `codebook`).
 * Heads alone may as well be the matrices of several heads on one input.
 */
const layerName = new RegExp(`${beginning}(?:(?:res|trans|encoder|enc)?_?blocks?|layers?|stages?|hidden(?:_states?)?|features?|feats?|activations?|acts?|repr(?:esentation)?s?)${ending}`, 'i');
const besideLayers = new RegExp(`${beginning}(?:stem|conv|norm|avg_?pool|pool(?:ed|er)?|fc|logits|projector|projection|backbone|trunk|encoder|head)${ending}`, 'i');
/** Names under which the features of one layer are saved; an `embedding` alone may as well be a table of words. */
const featureName = /(?:^|[._\-/ ])(?:features?|feats?|activations?|acts?|representations?|hidden_states?)[._\-/ ]?\d*$/i;

/**
 * What to tell of a file that is taken for a checkpoint, but looks as if it held features; null for everything else. Real checkpoints must not get it, so
 * all of this has to be so: every tensor is a matrix of the same 32 or more rows or a list of as many whole numbers, each matrix is called like a layer and not like a
 * parameter, and there are several that cannot follow one another as weights do (none is square), or one that is called features.
 */
export function hintOfFeatures({ tensors, skipped = [] }: TensorFile): string | null {
  // Scalars are metadata, as NumPy saves it.
  const arrays = tensors.filter(({ shape }) => shape.length > 0);
  const matrices = arrays.filter(({ shape }) => shape.length > 1);
  const [first] = matrices;
  if (first === undefined || skipped.length > 0) return null;
  const rows = first.shape[0]!;
  const isOneARow = ({ shape, dtype }: TensorInfo): boolean => shape.length === 1 && shape[0] === rows && !floatTypes.has(dtype);
  const isLayer = ({ name, shape, dtype }: TensorInfo): boolean => {
    const isNamed = matrices.length === 1 ? featureName.test(name) : layerName.test(name) || besideLayers.test(name);
    return shape.length === 2 && shape[0] === rows && shape[1] !== rows && floatTypes.has(dtype) && isNamed;
  };
  if (rows < fewestRows || !arrays.every((tensor) => isOneARow(tensor) || isLayer(tensor))) return null;
  if (matrices.length > 1 && matrices.filter(({ name }) => layerName.test(name)).length < 2) return null;
  const what = matrices.length === 1 ? `its tensor ${first.name} has` : `its ${matrices.length} matrices have`;
  return `is taken for a checkpoint, but looks like features: ${what} ${rows} rows and the name${matrices.length === 1 ? '' : 's'} of layers. ` +
    'To have it measured as a probe, put it into a folder called probes or save a tensor sample_id [rows] with it.';
}
