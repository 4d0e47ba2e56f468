/** Of what network the features are. A checkpoint of a self-supervised pair holds two. */
export type ModelRole = 'model' | 'student' | 'teacher';

/** What stands for a sequence of tokens: mean of the patch tokens (without class and register tokens), class token, mean of all. */
export type TokenPooling = 'patch_mean' | 'cls' | 'mean';

/** One tensor that the model is made of. */
export interface ModelParameter {
  /** In the graph: the name in the bare model; of the teacher in a graph of two models with `teacher/` before it. */
  readonly name: string;
  readonly shape: readonly number[];
  /** In the checkpoint it was recognised from. */
  readonly tensor: string;
  /** The file holds it with its two axes exchanged: an exporter does that to the weights of linear layers. */
  readonly transposed?: boolean;
}

/** A place in the model whose features can be taken. */
export interface ModelLayer {
  /** As torch's `named_modules` calls it: `blocks.3`, `norm`, `layer2.0`, `avgpool`, `head`. */
  readonly name: string;
  /** Numbers a row after pooling. */
  readonly width: number;
  readonly kind: 'tokens' | 'map' | 'vector';
}

interface Described {
  /** In words: family, depth, width, heads, patches, classes. */
  readonly label: string;
  readonly role: ModelRole;
  readonly channels: number;
  /** [height, width] in pixels, or null where any will do. */
  readonly imageSize: readonly [number, number] | null;
  /** Every tensor the model needs, of the student and, where there are losses of both, of the teacher. */
  readonly parameters: readonly ModelParameter[];
  /** Shallow to deep. */
  readonly layers: readonly ModelLayer[];
  readonly losses: readonly LossKind[];
  /** Tensors of the checkpoint beside the model: other heads, predictors. */
  readonly unused: readonly string[];
  /** What had to be assumed. */
  readonly warnings: readonly string[];
}

/** A stack of pre-norm blocks. */
export interface TransformerStack {
  /** What the names of its blocks begin with: `blocks`, `decoder_blocks`. */
  readonly prefix: string;
  readonly depth: number;
  readonly width: number;
  readonly heads: number;
}

export interface VisionTransformer extends Described {
  readonly family: 'vision-transformer';
  readonly patch: readonly [number, number];
  /** Patches down and across. */
  readonly grid: readonly [number, number];
  readonly encoder: TransformerStack;
  /** Names of the tokens before the patches, in order. */
  readonly prefixTokens: readonly string[];
  /** How many of these have a position of their own. */
  readonly placedTokens: number;
  /** Of a masked autoencoder. */
  readonly decoder: TransformerStack | null;
  readonly hasTeacher: boolean;
  readonly epsilon: number;
}

/** How a residual network begins. */
export interface Stem {
  readonly stride: number;
  readonly padding: number;
  readonly maxPool: boolean;
}

export interface ResidualNetwork extends Described {
  readonly family: 'residual-network';
  readonly stem: Stem;
  /** Blocks of the four stages. */
  readonly stages: readonly number[];
  readonly bottleneck: boolean;
}

export type Architecture = VisionTransformer | ResidualNetwork;

export type LossKind = 'reconstruction' | 'reconstruction-consistency' | 'cross-entropy' | 'contrastive';

/** A loss; the graph answers with one number an image. */
export type LossRequest =
  /**
   * MAE (He et al. 2022): mean squared error on removed patches. `normalisePixels` is its norm_pix_loss. Default: 0.75 of the patches are removed,
   * pixels as they are.
   */
  | { readonly kind: 'reconstruction'; readonly maskRatio?: number; readonly normalisePixels?: boolean }
  /** RC-MAE (Lee et al. 2023): that, and `gamma` (default 1) times the distance to the teacher's reconstruction on the same mask. */
  | { readonly kind: 'reconstruction-consistency'; readonly maskRatio?: number; readonly normalisePixels?: boolean; readonly gamma?: number }
  | { readonly kind: 'cross-entropy' }
  /**
   * NT-Xent (Chen et al. 2020) of a batch whose first half are first views and second half second views. Defaults: temperature 0.2, the deepest layer
   * that is no classifier.
   */
  | { readonly kind: 'contrastive'; readonly temperature?: number; readonly layer?: string };

/** What cannot be read off names and shapes. */
export interface DescribeOptions {
  /** Default: the model, else the student, else the teacher. */
  readonly role?: ModelRole;
  /** Attention heads of the encoder. Default: width / 64, as in ViT. */
  readonly heads?: number;
  /** Attention heads of a decoder. Default: width / 32, as in MAE. */
  readonly decoderHeads?: number;
  /** [height, width] in pixels. Default: of a ViT the square that its positions fit; a ResNet takes any. */
  readonly imageSize?: readonly [number, number];
  /** Of the layer norms. Default 1e-6, as in timm, MAE and DINO. */
  readonly epsilon?: number;
  /** Default: a 3 x 3 first kernel means small images, stride 1, no pooling (SimCLR's CIFAR stem); otherwise stride 2 and pooling. Padding keeps the size. */
  readonly stem?: Partial<Stem>;
}

/** Names and shapes leave something open that an option has to say. */
export class OpenQuestion extends RangeError {
  constructor(
    readonly option: 'heads' | 'decoderHeads' | 'imageSize',
    message: string,
  ) {
    super(message);
    this.name = 'OpenQuestion';
  }
}

/** Tensors of a checkpoint do not fit a graph. */
export class ModelMismatch extends Error {
  constructor(
    /** What the tensors were to fit, for the message. */
    readonly model: string,
    /** Needed and not there. */
    readonly missing: readonly string[],
    /** There and not known to the model. */
    readonly extra: readonly string[],
    /** Of another shape than needed: "name: [4, 2] where [2, 4] is needed". */
    readonly wrongShape: readonly string[],
    advice = '',
  ) {
    const parts = [listed('missing', missing), listed('of another shape', wrongShape), listed('not part of the model', extra)];
    super(`${model}: the tensors do not fit: ${parts.filter((part) => part !== '').join('; ')}.${advice === '' ? '' : ` ${advice}`}`);
    this.name = 'ModelMismatch';
  }
}

/** Enough to see the pattern; the lists of the error have all. */
const mostNamed = 12;

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const rest = names.length > mostNamed ? `, and ${names.length - mostNamed} more` : '';
  return `${names.length} ${what} (${names.slice(0, mostNamed).join(', ')}${rest})`;
}
