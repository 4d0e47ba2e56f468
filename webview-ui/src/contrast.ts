import { getContrast, getLuminance, mix, parseToRgba, rgba } from 'color2k';

/** WCAG 2.2, 1.4.11: what graphics need against what they are drawn on. */
const leastContrast = 3;
const steps = 10;

/**
 * The colour as it appears on the background; made opaque, and then moved towards the foreground, as far as it takes to be told from the
 * background. Some themes give chart colours that were meant for highlights behind text: dark, or nearly transparent.
 * A colour that is not understood (a system colour) is left as it is.
 */
export function visibleOn(background: string, color: string, foreground: string): string {
  try {
    for (const start of [color, opaque(color)].map((each) => flatten(each, background))) {
      if (getContrast(start, background) >= leastContrast) return start;
    }
    for (let step = 1; step <= steps; step++) {
      const candidate = mix(opaque(color), flatten(foreground, background), step / steps);
      if (getContrast(candidate, background) >= leastContrast) return candidate;
    }
    return getLuminance(background) < 0.18 ? '#ffffff' : '#000000';
  } catch {
    return color;
  }
}

function opaque(color: string): string {
  const [red, green, blue] = parseToRgba(color);
  return rgba(red, green, blue, 1);
}

function flatten(color: string, background: string): string {
  return mix(background, opaque(color), parseToRgba(color)[3]);
}
