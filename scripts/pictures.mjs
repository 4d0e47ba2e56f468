// Draws the pictures of docs/metrics from the sample runs: npm run pictures (after npm run build). One SVG a metric, and the line that shows it in its page.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = path.resolve(fileURLToPath(import.meta.url), '../..');
const pages = path.join(root, 'docs/metrics');
const runs = ['memorizing', 'healthy'];
const size = { width: 720, plot: 236, left: 84, top: 46, row: 16, lines: 96, between: 36 };

/** The panel's colours and the catalog, from their sources. */
async function load() {
  const folder = await mkdtemp(path.join(tmpdir(), 'layerscope-'));
  try {
    const outfile = path.join(folder, 'sources.mjs');
    const contents = "export { metricCatalog } from './src/metrics/catalog'; export { cssColor, makeColorScale } from './webview-ui/src/colorScale';";
    await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, bundle: true, format: 'esm', platform: 'node', outfile, logLevel: 'warning' });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Of a copy: records would be written into the run. */
async function measure(name, ids) {
  const folder = await mkdtemp(path.join(tmpdir(), 'layerscope-'));
  try {
    const run = path.join(folder, name);
    await cp(path.join(root, 'media/sample', `simclr-digits-${name}`), run, { recursive: true });
    const args = [path.join(root, 'dist/cli.js'), 'measure', run, '--json', '--metric', ids.join()];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 28 });
    return JSON.parse(stdout).records;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value) => String(Math.round(value * 100) / 100);
const label = (value) => (value === 0 ? '0' : Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3))));
const text = (x, y, content, more = '') => `<text x="${round(x)}" y="${round(y)}" ${more}>${escape(content)}</text>`;

/** A heat map of both runs over one colour scale; below it the deepest layer's train and held-out values over one vertical scale. */
function draw(metric, records, { cssColor, makeColorScale }) {
  const [first, second] = metric.subject === 'weights' ? [null, null] : ['train', 'held_out'];
  const shown = metric.hasGap ? 'gap' : (second ?? first);
  const values = records.filter((one) => one.split === shown && one.value !== null).map((one) => one.value);
  if (values.length === 0) return null;
  const scale = makeColorScale(Math.min(...values), Math.max(...values), { aroundZero: metric.hasGap, dark: false });
  const layers = [...new Map(records.map((one) => [one.layer, one.layerIndex]))].sort((a, b) => a[1] - b[1]).map(([layer]) => layer);
  const deepest = layers.at(-1);
  const ofDeepest = records.filter((one) => one.layer === deepest && one.split !== 'gap' && one.value !== null).map((one) => one.value);
  const [low, high] = [Math.min(...ofDeepest), Math.max(...ofDeepest)];
  const heat = layers.length * size.row;
  const linesTop = size.top + heat + size.between;
  const height = linesTop + size.lines + 34;
  const out = [];
  for (const [index, run] of runs.entries()) {
    const left = size.left + index * (size.plot + 64);
    const own = records.filter((one) => one.run === run);
    const epochs = [...new Set(own.map((one) => one.epoch))].sort((a, b) => a - b);
    const width = size.plot / epochs.length;
    out.push(text(left, 16, `${run} run`, 'class="title"'));
    out.push(text(left, 34, metric.subject === 'weights' ? 'weights' : shown === 'gap' ? 'gap between train and held-out' : 'held-out part'));
    for (const [row, layer] of layers.entries()) {
      const y = size.top + row * size.row;
      if (index === 0) out.push(text(left - 6, y + 12, layer, 'text-anchor="end"'));
      for (const [column, epoch] of epochs.entries()) {
        const one = own.find((record) => record.layer === layer && record.epoch === epoch && record.split === shown);
        const known = one !== undefined && one.value !== null;
        const x = left + column * width;
        out.push(`<rect x="${round(x)}" y="${y}" width="${round(width - 1)}" height="${size.row - 1}" fill="${known ? cssColor(scale.color(one.value)) : 'url(#none)'}"/>`);
      }
    }
    const place = (column) => left + (column + 0.5) * width;
    for (const column of new Set([0, Math.floor(epochs.length / 2), epochs.length - 1])) {
      out.push(text(place(column), size.top + heat + 12, String(epochs[column]), 'text-anchor="middle"'));
      out.push(text(place(column), linesTop + size.lines + 13, String(epochs[column]), 'text-anchor="middle"'));
    }
    const vertical = (value) => linesTop + size.lines - (high > low ? (value - low) / (high - low) : 0.5) * size.lines;
    out.push(`<path d="M${left} ${linesTop}V${linesTop + size.lines}H${left + size.plot}" class="axis"/>`);
    if (index === 0) for (const value of new Set([high, low])) out.push(text(left - 6, vertical(value) + 4, label(value), 'text-anchor="end"'));
    for (const split of new Set([first, second])) {
      const points = own
        .filter((one) => one.layer === deepest && one.split === split && one.value !== null)
        .map((one) => `${round(place(epochs.indexOf(one.epoch)))} ${round(vertical(one.value))}`);
      if (points.length > 0) out.push(`<path d="M${points.join('L')}" class="line ${split === 'held_out' ? 'held-out' : ''}"/>`);
    }
    const which = metric.subject === 'weights' ? deepest : `${deepest}: train (solid), held-out (dashed)`;
    out.push(text(left + size.plot, linesTop + size.lines + 28, index === 0 ? which : 'epoch (recorded ones, evenly spaced)', 'text-anchor="end"'));
  }
  const legend = size.width - 40;
  const steps = 24;
  for (let step = 0; step < steps; step++) {
    const value = scale.high - ((scale.high - scale.low) * (step + 0.5)) / steps;
    out.push(`<rect x="${legend}" y="${round(size.top + (step * heat) / steps)}" width="10" height="${round(heat / steps + 0.5)}" fill="${cssColor(scale.color(value))}"/>`);
  }
  out.push(text(legend + 10, size.top - 4, label(scale.high), 'text-anchor="end"'), text(legend + 10, size.top + heat + 12, label(scale.low), 'text-anchor="end"'));
  const title = `${metric.title} in the two sample runs`;
  const style = 'text{font:11px sans-serif;fill:#333}.title{font-weight:bold}.axis{stroke:#888;fill:none}.line{stroke:#0b5cad;stroke-width:1.8;fill:none}.held-out{stroke:#b5520b;stroke-dasharray:5 3}';
  const pattern = '<pattern id="none" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#fff"/><path d="M0 4L4 0" stroke="#bbb"/></pattern>';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" width="${size.width}" height="${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${style}</style><defs>${pattern}</defs><rect width="100%" height="100%" fill="#fff"/>`,
    ...out,
    '</svg>',
    '',
  ].join('\n');
}

/** Puts the picture before the second heading of the page, or over the one that is there. */
async function show(page, metric) {
  const file = path.join(pages, page);
  const content = await readFile(file, 'utf8');
  const line = `![${metric.title} by layer and epoch in the two sample runs](pictures/${metric.id}.svg)`;
  if (content.includes(`(pictures/${metric.id}.svg)`)) return;
  const heading = content.indexOf('\n## ', content.indexOf('\n## ') + 1);
  if (heading === -1) throw new Error(`${page} has no second heading to put the picture before.`);
  await writeFile(file, `${content.slice(0, heading)}\n${line}\n${content.slice(heading)}`);
}

const sources = await load();
const catalog = sources.metricCatalog;
const records = (await Promise.all(runs.map((run) => measure(run, catalog.map(({ id }) => id))))).flat();
await mkdir(path.join(pages, 'pictures'), { recursive: true });
for (const metric of catalog) {
  const picture = draw(metric, records.filter((one) => one.metric === metric.id), sources);
  if (picture === null) {
    console.log(`${metric.id}: no value in the sample runs, no picture`);
    continue;
  }
  await writeFile(path.join(pages, 'pictures', `${metric.id}.svg`), picture);
  await show(metric.page, metric);
}
console.log(`${catalog.length} metrics drawn into docs/metrics/pictures`);
