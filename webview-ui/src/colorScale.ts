/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export interface ColorScale {
  readonly diverging: boolean;
  /** Values at the two ends of the legend. */
  readonly low: number;
  readonly high: number;
  /** Values beyond the ends take the colour of the end. */
  color(value: number): Rgb;
}

/**
 * Cividis (Nuñez, Anderton, Renslow 2018): perceptually uniform and the same to eyes with and without colour-vision deficiency.
 * Polynomial fit to the published table, as in d3-scale-chromatic.
 * @param t 0 to 1
 */
export function cividis(t: number): Rgb {
  const x = clamp(t, 0, 1);
  return [
    byte(-4.54 - x * (35.34 - x * (2381.73 - x * (6402.7 - x * (7024.72 - x * 2710.57))))),
    byte(32.49 + x * (170.73 + x * (52.82 - x * (131.46 - x * (176.58 - x * 67.37))))),
    byte(81.24 + x * (442.36 - x * (2482.43 - x * (6167.24 - x * (6614.94 - x * 2475.67))))),
  ];
}

/** Lightness, then the two opponent axes of OKLab (Ottosson 2020). */
type Lab = readonly [number, number, number];

// Blue against orange is told apart with every common colour-vision deficiency. Zero lies near the page's own lightness.
const poles: Readonly<Record<'dark' | 'light', { negative: Lab; zero: Lab; positive: Lab }>> = {
  dark: { negative: fromLch(0.76, 0.12, 245), zero: [0.3, 0, 0], positive: fromLch(0.82, 0.15, 70) },
  light: { negative: fromLch(0.43, 0.13, 255), zero: [0.95, 0, 0], positive: fromLch(0.5, 0.12, 50) },
};

/**
 * Blue below zero, orange above, lightness linear in |t| on both arms.
 * @param t -1 to 1
 */
export function diverging(t: number, dark: boolean): Rgb {
  const { negative, zero, positive } = poles[dark ? 'dark' : 'light'];
  const end = t < 0 ? negative : positive;
  const share = clamp(Math.abs(t), 0, 1);
  return toRgb([0, 1, 2].map((i) => (zero[i] ?? 0) + ((end[i] ?? 0) - (zero[i] ?? 0)) * share) as unknown as Lab);
}

/**
 * A scale for values between `minimum` and `maximum`; around zero, to the same distance both ways, when `aroundZero`.
 * Without any finite value the scale spans 0 to 1.
 */
export function makeColorScale(minimum: number, maximum: number, options: { readonly aroundZero: boolean; readonly dark: boolean }): ColorScale {
  const known = Number.isFinite(minimum) && Number.isFinite(maximum);
  if (options.aroundZero) {
    const reach = (known && Math.max(Math.abs(minimum), Math.abs(maximum))) || 1;
    return { diverging: true, low: -reach, high: reach, color: (value) => diverging(value / reach, options.dark) };
  }
  const low = known ? minimum : 0;
  const high = known ? maximum : 1;
  const span = high - low;
  return { diverging: false, low, high, color: (value) => cividis(span > 0 ? (value - low) / span : 0.5) };
}

export function cssColor([red, green, blue]: Rgb): string {
  return `rgb(${red},${green},${blue})`;
}

function fromLch(lightness: number, chroma: number, hue: number): Lab {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

function toRgb([lightness, a, b]: Lab): Rgb {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
    gamma(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
    gamma(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short),
  ];
}

function gamma(linear: number): number {
  const x = clamp(linear, 0, 1);
  return byte(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}

function byte(value: number): number {
  return Math.round(clamp(value, 0, 255));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
