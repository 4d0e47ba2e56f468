import type { Theme } from '../theme';

const gap = 16;
const titleHeight = 24;
/** Pixels of the PNG a pixel on the page. */
const sharpness = 2;

/** A picture of the page: an SVG document, and the canvases that are to be painted over it where they are not embedded. */
export interface Picture {
  readonly svg: string;
  readonly canvases: readonly { readonly canvas: HTMLCanvasElement; readonly x: number; readonly y: number; readonly width: number; readonly height: number }[];
}

/**
 * All plots on the page with their titles, the scale and its key.
 * @param embed whether canvases become images inside of the SVG, as a file needs it
 */
export function makePicture(page: ParentNode, theme: Theme, embed: boolean): Picture {
  const figures = [...page.querySelectorAll<HTMLElement>('.surface-figure')].flatMap((figure) => {
    const picture = figure.querySelector<SVGElement | HTMLCanvasElement>('[data-picture]');
    return picture === null ? [] : [{ title: figure.dataset['title'] ?? '', ...drawnPicture(picture, embed) }];
  });
  const legend = page.querySelector<SVGSVGElement>('[data-picture-legend]');
  const keys = [...page.querySelectorAll<HTMLElement>('[data-key]')].map((key) => `${key.dataset['key'] ?? ''} ${key.textContent ?? ''}`.trim());
  const width = figures.reduce((sum, figure) => sum + figure.width + gap, gap);
  const tallest = figures.reduce((most, figure) => Math.max(most, figure.height), 0);
  let left = gap;
  const canvases: Picture['canvases'][number][] = [];
  const parts = figures.map((figure) => {
    if (figure.canvas !== null && !embed) canvases.push({ canvas: figure.canvas, x: left, y: gap + titleHeight, width: figure.width, height: figure.height });
    const part = `${text(figure.title, left, gap + 12, 13, theme.foreground, theme)}<svg x="${left}" y="${gap + titleHeight}" width="${figure.width}" height="${figure.height}">${figure.content}</svg>`;
    left += figure.width + gap;
    return part;
  });
  let bottom = gap + titleHeight + tallest + gap;
  if (legend) {
    const [own, height] = [Number(legend.getAttribute('width')), Number(legend.getAttribute('height'))];
    parts.push(`<svg x="${gap}" y="${bottom}" width="${own}" height="${height}">${serialize(legend)}</svg>`);
    bottom += height + gap;
  }
  if (keys.length > 0) {
    parts.push(text(keys.join('    '), gap, bottom, 11, theme.muted, theme));
    bottom += gap;
  }
  const least = Math.max(width, 2 * gap + (legend ? Number(legend.getAttribute('width')) : 0), 2 * gap + keys.join('    ').length * 6);
  const background = `<rect width="${least}" height="${bottom}" fill="${escape(theme.background)}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${least}" height="${bottom}" viewBox="0 0 ${least} ${bottom}">${background}${parts.join('')}</svg>\n`;
  return { svg, canvases };
}

interface DrawnPicture {
  readonly width: number;
  readonly height: number;
  readonly content: string;
  readonly canvas: HTMLCanvasElement | null;
}

function drawnPicture(picture: SVGElement | HTMLCanvasElement, embed: boolean): DrawnPicture {
  if (!(picture instanceof HTMLCanvasElement)) {
    return { width: Number(picture.getAttribute('width')), height: Number(picture.getAttribute('height')), content: serialize(picture), canvas: null };
  }
  const { clientWidth: width, clientHeight: height } = picture;
  const content = embed ? `<image width="${width}" height="${height}" href="${picture.toDataURL('image/png')}"/>` : '';
  return { width, height, content, canvas: picture };
}

/** What only the page needs is left out. */
function serialize(picture: SVGElement): string {
  const copy = picture.cloneNode(true) as SVGElement;
  for (const element of [copy, ...copy.querySelectorAll('*')]) {
    for (const name of [...element.getAttributeNames()]) if (/^(class|role|focusable|data-|aria-)/.test(name)) element.removeAttribute(name);
  }
  return new XMLSerializer().serializeToString(copy);
}

function text(content: string, x: number, y: number, size: number, color: string, theme: Theme): string {
  return `<text x="${x}" y="${y}" xml:space="preserve" fill="${escape(color)}" font-family="${escape(theme.fontFamily)}" font-size="${size}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** A picture whose canvases are not embedded, as PNG. @throws {Error} when the browser cannot draw it */
export async function toPng({ svg, canvases }: Picture): Promise<ArrayBuffer> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth * sharpness, image.naturalHeight * sharpness];
  const pen = canvas.getContext('2d');
  pen?.scale(sharpness, sharpness);
  pen?.drawImage(image, 0, 0);
  for (const { canvas: drawn, x, y, width, height } of canvases) pen?.drawImage(drawn, x, y, width, height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (blob === null) throw new Error(`A picture of ${canvas.width} x ${canvas.height} pixels could not be made.`);
  return blob.arrayBuffer();
}
