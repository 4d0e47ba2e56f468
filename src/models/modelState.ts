import { describeStateDict, floatTypes, type TensorInfo, type TensorRole } from '../formats';
import type { ModelRole } from './architecture';
import { isResidualNetwork } from './residualNetwork';
import type { StateShapes, StateTensor } from './parameters';
import { isVisionTransformer } from './visionTransformer';

/** In the order in which they are taken when none is asked for. */
const modelRoles: readonly ModelRole[] = ['model', 'student', 'teacher'];

/** The tensors of one network of a checkpoint, by the names they have in the bare model. */
export interface ModelState {
  readonly role: ModelRole;
  readonly shapes: StateShapes;
}

/**
 * The networks of a checkpoint that are of a known family. Names are freed of what training scripts put in front of them, and of whatever else comes before
 * the names of timm and torchvision ("encoder.", "vit.", "resnet50.").
 * @param tensors of the whole checkpoint
 */
export function modelStates(tensors: readonly TensorInfo[]): ModelState[] {
  const floats = tensors.filter(({ dtype }) => floatTypes.has(dtype));
  const described = describeStateDict(floats.map(({ name }) => name));
  return modelRoles.flatMap((role) => {
    const own = new Map<string, StateTensor>();
    described.forEach((tensor, index) => {
      if ((tensor.role satisfies TensorRole) === role) own.set(tensor.parameterName, { tensor: tensor.name, shape: floats[index]!.shape });
    });
    const shapes = bareNames(own);
    return shapes === null ? [] : [{ role, shapes }];
  });
}

function bareNames(own: ReadonlyMap<string, StateTensor>): StateShapes | null {
  const isKnown = (shapes: StateShapes) => isVisionTransformer(shapes) || isResidualNetwork(shapes);
  const prefixes = new Set(['']);
  for (const name of own.keys()) {
    const found = /^(.*\.)?(?:patch_embed\.proj\.weight|layer1\.0\.conv1\.weight|4\.0\.conv1\.weight)$/.exec(name);
    if (found !== null) prefixes.add(found[1] ?? '');
  }
  for (const prefix of [...prefixes].sort((a, b) => a.length - b.length)) {
    const stripped = new Map([...own].map(([name, tensor]) => [name.startsWith(prefix) ? name.slice(prefix.length) : `/${name}`, tensor]));
    for (const shapes of [stripped, fromSequence(stripped)]) if (isKnown(shapes)) return shapes;
  }
  return null;
}

/** Children of a ResNet by number, as they are called in a `Sequential` of them (lightly). */
const children: Readonly<Record<string, string>> = { '0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3', '7': 'layer4' };

function fromSequence(shapes: StateShapes): StateShapes {
  return new Map([...shapes].map(([name, tensor]) => {
    const [first, ...rest] = name.split('.');
    return [rest.length > 0 && children[first!] !== undefined ? [children[first!], ...rest].join('.') : name, tensor];
  }));
}
