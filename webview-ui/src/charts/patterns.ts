import type { Theme } from '../theme';

/** Sparse dots: nobody measured it yet. Crossed hatching: it cannot be measured. */
export type PatternName = 'missing' | 'impossible';

const tile = 6;

/** A canvas fill in the colours of the theme, drawn in device pixels so that it stays crisp. */
export function makePattern(name: PatternName, theme: Theme, context: CanvasRenderingContext2D): CanvasPattern | string {
  const ratio = Math.max(1, Math.round(devicePixelRatio));
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = tile * ratio;
  const pen = canvas.getContext('2d');
  if (!pen) return theme.muted;
  pen.scale(ratio, ratio);
  pen.strokeStyle = pen.fillStyle = theme.muted;
  if (name === 'missing') {
    pen.globalAlpha = theme.highContrast ? 1 : 0.55;
    pen.fillRect(2, 2, 1, 1);
    pen.fillRect(5, 5, 1, 1);
  } else {
    pen.globalAlpha = theme.highContrast ? 1 : 0.7;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [x0, y0, x1, y1] of [
      [0, 0, tile, tile],
      [tile, 0, 0, tile],
    ] as const) {
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
    }
    pen.stroke();
  }
  const pattern = context.createPattern(canvas, 'repeat');
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? theme.muted;
}
