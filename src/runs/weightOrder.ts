import { compareNaturally } from '../formats';

/** How the parts of a known architecture follow one another: the first pattern that matches the start of what is left of a name. */
interface Architecture {
  /** Whether these names are of it. */
  readonly matches: (names: readonly string[]) => boolean;
  /** Outermost parts from shallow to deep; a name that none matches comes after the part given by `otherwise`. */
  readonly stages: readonly RegExp[];
  /** Parts within a stage. */
  readonly parts: readonly RegExp[];
}

/** Heads that self-supervised methods put behind a network (DINO, MoCo, BYOL, SimSiam, MAE). */
const heads = [
  /^(?:neck|avgpool|pooler|fc_norm)\b/, /^(?:fc|head|heads|classifier|head_dist|last_layer)\b/, /^(?:projector|projection|projection_head)\b/,
  /^(?:predictor|prediction_head)\b/, /^(?:prototypes|decoder_embed|mask_token)\b/, /^decoder_(?:blocks|layers)\b/, /^decoder_norm\b/, /^decoder_pred\b/,
];

const architectures: readonly Architecture[] = [
  // torchvision, timm and solo-learn ResNet.
  {
    matches: (names) => names.some((name) => /^(?:conv1|stem|maxpool)\b/.test(name)) && names.some((name) => /^layer1\./.test(name)),
    stages: [/^(?:stem|conv1)\b/, /^bn1\b/, /^layer1\b/, /^layer2\b/, /^layer3\b/, /^layer4\b/, ...heads],
    parts: [/^conv1\b/, /^bn1\b/, /^conv2\b/, /^bn2\b/, /^conv3\b/, /^bn3\b/, /^(?:downsample|shortcut)\b/],
  },
  // timm, MAE, DINO and MoCo v3 ViT.
  {
    matches: (names) => names.some((name) => /^patch_embed\b/.test(name)) && names.some((name) => /^(?:blocks|layers|stages)\./.test(name)),
    stages: [/^(?:cls_token|pos_embed|patch_embed)\b/, /^norm_pre\b/, /^(?:blocks|layers|stages)\b/, /^norm\b/, ...heads],
    parts: [/^norm1\b/, /^attn\.(?:qkv|in_proj|q|k|v)\b/, /^attn\.(?:q_|k_|v_)/, /^attn\.proj\b/, /^attn\b/, /^ls1\b/, /^norm2\b/, /^mlp\b/, /^ls2\b/, /^downsample\b/],
  },
  // Vision transformers of Hugging Face (ViT, ViT-MAE, DINOv2): vit.embeddings, vit.encoder.layer.0, classifier.
  {
    matches: (names) => names.some((name) => /(?:^|\.)embeddings\.patch_embeddings\./.test(name)),
    stages: [/^(?:\w+\.)?embeddings\b/, /^(?:\w+\.)?encoder\b/, /^(?:\w+\.)?(?:layernorm|pooler)\b/, ...heads, /^decoder\b/],
    parts: [],
  },
];

/**
 * Parameter names from shallow to deep: torchvision ResNet, timm/MAE/DINO and Hugging Face ViT (with the heads of self-supervised methods behind them) as they
 * are computed, everything else in natural order.
 */
export function orderByDepth(names: readonly string[]): string[] {
  const known = architectures.find(({ matches }) => matches(names));
  if (known === undefined) return [...names].sort(compareNaturally);
  const keys = new Map(names.map((name) => [name, depthKey(name, known)]));
  return [...names].sort((a, b) => compareKeys(keys.get(a)!, keys.get(b)!) || compareNaturally(a, b));
}

interface DepthKey {
  readonly stage: number;
  /** Numbers between the stage and the part: block 3, or stage 1 block 3. */
  readonly block: readonly number[];
  readonly part: number;
}

function depthKey(name: string, { stages, parts }: Architecture): DepthKey {
  const stage = stages.findIndex((pattern) => pattern.test(name));
  const rest = name.split('.').slice(1);
  const block: number[] = [];
  while (rest.length > 0 && (/^\d+$/.test(rest[0]!) || rest[0] === 'blocks')) {
    const key = rest.shift()!;
    if (key !== 'blocks') block.push(Number(key));
  }
  const part = parts.findIndex((pattern) => pattern.test(rest.join('.')));
  return { stage: stage === -1 ? stages.length : stage, block, part: part === -1 ? parts.length : part };
}

function compareKeys(a: DepthKey, b: DepthKey): number {
  if (a.stage !== b.stage) return a.stage - b.stage;
  for (let i = 0; i < Math.max(a.block.length, b.block.length); i++) {
    // "stages.0.downsample" comes before the blocks of its stage or after it; behind is where timm puts it most often.
    const difference = (a.block[i] ?? Infinity) - (b.block[i] ?? Infinity);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return a.part - b.part;
}
