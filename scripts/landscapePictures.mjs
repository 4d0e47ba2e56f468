// Draws the landscapes of docs/validation.md from the losses in companion/examples/fashion/results: npm run pictures. One SVG for each method and loss.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(fileURLToPath(import.meta.url), '../..');
const source = path.join(root, 'companion/examples/fashion/results/landscapes.jsonl');
const target = path.join(root, 'docs/pictures');
const panel = { width: 210, title: 22, legend: 36 };
const line = '#888888';
const words = { train: 'training images', held_out: 'held-out images' };

/** The panel's contours and the definition of the convex region, from their sources. */
async function load() {
  const folder = await mkdtemp(path.join(tmpdir(), 'layerscope-'));
  try {
    const outfile = path.join(folder, 'sources.mjs');
    const contents = [
      "export { describeSurface } from './src/landscape/surface';",
      "export { makeSurfaceModels } from './webview-ui/src/lossSurfaces/surfaceModel';",
      "export { makePlotArea, pathOf } from './webview-ui/src/lossSurfaces/plotArea';",
      "export { scaleLabels } from './webview-ui/src/lossSurfaces/ScaleBar';",
      "export { formatTick } from './webview-ui/src/format';",
    ].join('\n');
    const options = { bundle: true, format: 'esm', platform: 'node', jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning' };
    await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, outfile, ...options });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value) => String(Math.round(value * 10) / 10);
const text = (x, y, content, more = '') => `<text x="${round(x)}" y="${round(y)}" ${more}>${escape(content)}</text>`;

/** A stored surface as the panel shows it. */
function surfaceOf(stored, { range, grid, images }, { describeSurface }) {
  const axis = Array.from({ length: grid }, (_, place) => (place === (grid - 1) / 2 ? 0 : -range + (2 * range * place) / (grid - 1)));
  const trajectory = stored.kind === 'trajectory';
  return describeSurface({
    name: `${stored.setting}, ${words[stored.part]}`, file: '', epoch: null, step: null, x: stored.x ?? axis, y: stored.y ?? axis, loss: stored.points, finished: true, warnings: [],
    trajectory: (stored.checkpoints ?? []).map((point) => ({ ...point, file: '', epoch: null })),
    setting: { loss: stored.loss, images, data: stored.part, seed: stored.directions ?? 0, range, directions: trajectory ? 'trajectory' : 'random' },
  });
}

/** Contours, level lines, the convex region (dashed), the model (cross), the lowest point (diamond) and checkpoints (dots), as the panel draws them. */
function drawModel({ surface, grid, scale, contours, outline }, left, top, { makePlotArea, pathOf, formatTick }) {
  const area = makePlotArea(grid, panel.width);
  const out = [`<g transform="translate(${left},${top})" fill="none">`, text(area.left, -8, surface.name, 'class="title"')];
  for (const { level, rings } of contours.bands) {
    out.push(`<path d="${pathOf(rings, area, true)}" fill="${scale.bandColor(level === null ? 0 : scale.levels.indexOf(level) + 1)}" fill-rule="evenodd"/>`);
  }
  for (const level of scale.levels) {
    const d = pathOf(contours.lines.filter((one) => one.level === level).map(({ places }) => places), area, false);
    if (d !== '') out.push(`<path d="${d}" stroke="${scale.lineColor(level)}" stroke-opacity="0.55" stroke-width="0.9"/>`);
  }
  out.push(`<rect x="${area.left}" y="${area.top}" width="${area.right - area.left}" height="${area.bottom - area.top}" stroke="${line}"/>`);
  for (const at of area.ticksX) out.push(text(area.toX(at), area.bottom + 14, formatTick(at), 'text-anchor="middle"'));
  for (const at of area.ticksY) out.push(text(area.left - 5, area.toY(at) + 4, formatTick(at), 'text-anchor="end"'));
  const border = pathOf(outline, area, false);
  if (border !== '') out.push(`<path d="${border}" stroke="#000" stroke-width="3.6"/><path d="${border}" stroke="#fff" stroke-width="1.6" stroke-dasharray="6 3"/>`);
  const path = pathOf([surface.trajectory.map(({ x, y }) => [x, y])], area, false);
  if (surface.trajectory.length > 0) out.push(`<path d="${path}" stroke="#000" stroke-width="3.4"/><path d="${path}" stroke="#fff" stroke-width="1.4"/>`);
  for (const { x, y } of surface.trajectory) out.push(`<circle cx="${round(area.toX(x))}" cy="${round(area.toY(y))}" r="3.5" fill="#fff" stroke="#000"/>`);
  const cross = `M${round(area.toX(0) - 5)} ${round(area.toY(0))}h10m-5 -5v10`;
  out.push(`<path d="${cross}" stroke="#000" stroke-width="3.4"/><path d="${cross}" stroke="#fff" stroke-width="1.4"/>`);
  const { minimum } = surface;
  if (minimum !== null) out.push(`<path d="M${round(area.toX(minimum.x))} ${round(area.toY(minimum.y) - 6)}l4.5 6l-4.5 6l-4.5 -6Z" fill="#fff" stroke="#000"/>`);
  return { height: area.height, drawing: [...out, '</g>'].join('\n') };
}

function drawScale(scale, width, { scaleLabels }) {
  const bands = scale.levels.length + 1;
  const step = (width - 80) / bands;
  const colours = Array.from({ length: bands }, (_, band) => `<rect x="${round(40 + band * step)}" y="0" width="${round(step + 0.5)}" height="10" fill="${scale.bandColor(band)}"/>`);
  const labels = scaleLabels(scale, step).map(({ edge, text: content }) => text(40 + edge * step, 23, content, 'text-anchor="middle"'));
  return [...colours, ...labels].join('\n');
}

function draw(title, surfaces, sources) {
  const models = sources.makeSurfaceModels(surfaces, 'linear');
  const drawn = models.map((model, place) => drawModel(model, place * panel.width, panel.title + 4, sources));
  const width = models.length * panel.width;
  const bottom = panel.title + 4 + Math.max(...drawn.map(({ height }) => height)) + 4;
  const style = 'text{font:11px sans-serif;fill:#333}.title{font-weight:bold}';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + panel.legend}" width="${width}" height="${bottom + panel.legend}" role="img" aria-label="${escape(title)}">`,
    `<style>${style}</style><rect width="100%" height="100%" fill="#fff"/>`,
    ...drawn.map(({ drawing }) => drawing),
    `<g transform="translate(0,${bottom})">${drawScale(models[0].scale, width, sources)}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

const sources = await load();
const lines = (await readFile(source, 'utf8')).trimEnd().split('\n').map((one) => JSON.parse(one));
const common = lines.find(({ kind }) => kind === 'common');
const groups = new Map();
for (const stored of lines) {
  if (stored.points === undefined || (stored.kind !== 'surface' && stored.kind !== 'trajectory')) continue;
  const name = stored.kind === 'trajectory' ? `trajectory-${stored.method}` : `landscape-${stored.method}-${stored.loss}`;
  groups.set(name, [...(groups.get(name) ?? []), stored]);
}
await mkdir(target, { recursive: true });
for (const [name, stored] of groups) {
  await writeFile(path.join(target, `${name}.svg`), draw(`Loss of ${stored[0].method} (${stored[0].loss})`, stored.map((one) => surfaceOf(one, common, sources)), sources));
}
console.log(`${groups.size} landscapes drawn into docs/pictures`);
