import { Random, randomPurpose } from '../linalg';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, withoutColour } from './colours';
import type { Picture } from './picture';
import { crop, flip, resize, type Region } from './resizing';

/** What happens to a view, as in SimCLR (Chen et al. 2020, appendix A) without its blur. */
export interface AugmentationOptions {
  /** Smallest and largest share of the area that a crop keeps. Default [0.08, 1]. */
  readonly cropScale?: readonly [number, number];
  /** Share of views that are mirrored. Default 0.5. */
  readonly flip?: number;
  /** Strength of the colour jitter: brightness, contrast and saturation change by up to 0.8 of it, hue by 0.2. Default 1; CIFAR has 0.5. */
  readonly jitterStrength?: number;
  /** Share of views whose colours are jittered. Default 0.8. */
  readonly jitter?: number;
  /** Share of views that lose their colour. Default 0.2. */
  readonly grey?: number;
}

/** What a view follows from. */
export interface ViewPlace {
  readonly seed: number;
  readonly sampleId: bigint;
  readonly view: number;
}

/** Height divided by width of a crop lies between 3/4 and 4/3, evenly on a logarithmic scale. */
const largestAspect = 4 / 3;
const attempts = 10;

/**
 * One random view of a picture. It depends on the seed, the sample's id and the view's number, and on nothing else: at every checkpoint it is the same.
 * @returns a picture of height x width
 */
export function randomView(picture: Picture, height: number, width: number, place: ViewPlace, options: AugmentationOptions = {}): Picture {
  const { cropScale = [0.08, 1], flip: flipped = 0.5, jitterStrength = 1, jitter = 0.8, grey = 0.2 } = options;
  const random = new Random(randomPurpose.views, place.seed, place.sampleId, place.view);
  const uniform = (low: number, high: number) => low + ((high - low) * random.next32()) / 2 ** 32;
  let view = resize(crop(picture, randomRegion(picture, cropScale, uniform)), height, width);
  if (uniform(0, 1) < flipped) view = flip(view);
  if (uniform(0, 1) < jitter) view = jittered(view, jitterStrength, uniform, random);
  return uniform(0, 1) < grey ? withoutColour(view) : view;
}

type Uniform = (low: number, high: number) => number;

/** As torchvision's RandomResizedCrop chooses; when no attempt fits, the middle with the nearest allowed aspect. */
function randomRegion({ width, height }: Picture, [smallest, largest]: readonly [number, number], uniform: Uniform): Region {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = height * width * uniform(smallest, largest);
    const aspect = Math.exp(uniform(-Math.log(largestAspect), Math.log(largestAspect)));
    const [cropWidth, cropHeight] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
    if (cropWidth > 0 && cropWidth <= width && cropHeight > 0 && cropHeight <= height) {
      const top = Math.floor(uniform(0, height - cropHeight + 1));
      const left = Math.floor(uniform(0, width - cropWidth + 1));
      return { top, left, height: cropHeight, width: cropWidth };
    }
  }
  const cropWidth = Math.min(width, Math.round(height * largestAspect));
  const cropHeight = Math.min(height, Math.round(width * largestAspect));
  return { top: Math.floor((height - cropHeight) / 2), left: Math.floor((width - cropWidth) / 2), height: cropHeight, width: cropWidth };
}

/** Brightness, contrast, saturation and hue, in random order. */
function jittered(picture: Picture, strength: number, uniform: Uniform, random: Random): Picture {
  const factor = () => uniform(Math.max(0, 1 - 0.8 * strength), 1 + 0.8 * strength);
  const changes = [
    (view: Picture) => adjustBrightness(view, factor()),
    (view: Picture) => adjustContrast(view, factor()),
    (view: Picture) => adjustSaturation(view, factor()),
    (view: Picture) => adjustHue(view, uniform(-0.2 * strength, 0.2 * strength)),
  ];
  let view = picture;
  while (changes.length > 0) view = changes.splice(random.below(changes.length), 1)[0]!(view);
  return view;
}
