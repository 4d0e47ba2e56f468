// Draws the pictures of the walkthrough from the sample run that memorizes: npm run pictures (after npm run build). Colours are the editor's, whatever its theme.
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from './vscode/paths.mjs';
import { sampleRunToShow, sampleWorkspace } from './vscode/sampleWorkspace.mjs';

const metric = 'coding_rate_reduction';
/** Columns of the heat map: enough of the checkpoints to see it begin. */
const shownEpochs = [0, 8, 32, 64, 100, 200, 400, 600];
const shownLayers = ['block0', 'block3', 'block5', 'projector'];
const foreground = 'var(--vscode-foreground, #888)';
const muted = 'var(--vscode-descriptionForeground, #888)';
const border = 'var(--vscode-panel-border, #8886)';
const icons = {
  healthy: { color: 'var(--vscode-charts-green, #388a34)', sign: 'm-3 0 2.2 2.4 4-4.6' },
  act: { color: 'var(--vscode-charts-red, #e51400)', sign: 'm-2.6-2.6 5.2 5.2m0-5.2-5.2 5.2' },
};

const text = (x, y, content, { color = foreground, ...more } = {}) =>
  `<text x="${x}" y="${y}" fill="${color}"${Object.entries(more).map(([name, value]) => ` ${name}="${value}"`).join('')}>${content}</text>`;
const heading = (content) => text(20, 30, content, { color: muted, 'font-size': 11, 'font-weight': 600 });
const frame = (height, lines) =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 ${height}" width="360" height="${height}" fill="none" font-family="var(--vscode-font-family, sans-serif)" font-size="13">`,
    `<rect x="1" y="1" width="358" height="${height - 2}" rx="6" fill="var(--vscode-sideBar-background, transparent)" stroke="${border}"/>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');

/** Stronger is farther from zero: warm above it, cold below. */
function drawHealth({ valueOf, layers, onset }) {
  const largest = Math.max(...layers.flatMap((layer) => shownEpochs.map((epoch) => Math.abs(valueOf(layer, 'gap', epoch)))));
  const left = (epoch) => 94 + 30 * shownEpochs.indexOf(epoch);
  const bottom = 56 + 22 * layers.length;
  const lines = [heading('LAYER HEALTH'), `<path d="M${left(onset.low)} 52v-6H${left(onset.high) + 28}v6" stroke="${foreground}" stroke-width="1.4"/>`];
  for (const [row, layer] of layers.entries()) {
    const y = 56 + 22 * row;
    lines.push(text(84, y + 14, layer, { 'text-anchor': 'end', 'font-size': 12 }));
    for (const epoch of shownEpochs) {
      const value = valueOf(layer, 'gap', epoch);
      const color = value < 0 ? 'var(--vscode-charts-blue, #3794ff)' : 'var(--vscode-charts-orange, #d18616)';
      lines.push(`<rect x="${left(epoch)}" y="${y}" width="28" height="20" fill="${foreground}" fill-opacity="0.08"/>`);
      lines.push(`<rect x="${left(epoch)}" y="${y}" width="28" height="20" fill="${color}" fill-opacity="${(Math.abs(value) / largest).toFixed(2)}"/>`);
    }
  }
  for (const epoch of shownEpochs) lines.push(text(left(epoch) + 14, bottom + 16, epoch, { color: muted, 'text-anchor': 'middle', 'font-size': 11 }));
  lines.push(text(94, bottom + 34, `began between ${onset.axis} ${onset.low} and ${onset.high}`, { 'font-size': 11 }));
  return frame(bottom + 46, lines);
}

function drawTable({ valueOf }) {
  const epoch = shownEpochs.at(-1);
  const columns = [['train', 190], ['held_out', 265], ['gap', 335]];
  const lines = [text(20, 34, 'Layer', { color: muted, 'font-size': 12 })];
  for (const [split, x] of columns) lines.push(text(x, 34, split.replace('_', '-'), { color: muted, 'text-anchor': 'end', 'font-size': 12 }));
  for (const [row, layer] of shownLayers.entries()) {
    const y = 66 + 32 * row;
    lines.push(`<path d="M14 ${y - 20}h332" stroke="${border}"/>`, text(20, y, layer));
    for (const [split, x] of columns) lines.push(text(x, y, valueOf(layer, split, epoch).toFixed(2).replace('-', '\u2212'), { 'text-anchor': 'end' }));
  }
  return frame(48 + 32 * shownLayers.length + 14, lines);
}

function drawRuns({ findings, probes, checkpoints, epoch }) {
  const icon = (health, y) =>
    `<circle cx="44" cy="${y}" r="6.5" stroke="${icons[health].color}" stroke-width="1.4"/><path d="M44 ${y}${icons[health].sign}" stroke="${icons[health].color}" stroke-width="1.4"/>`;
  const arrow = (x, y, open) => `<path d="m${open ? `${x - 2} ${y - 2}l4 4 4-4` : `${x} ${y - 4}l4 4-4 4`}" stroke="${foreground}" stroke-width="1.3"/>`;
  const lines = [heading('RUNS'), arrow(22, 56, false), icon('healthy', 56), text(60, 60, 'simclr-digits-healthy'), text(240, 60, `epoch ${epoch}`, { color: muted })];
  lines.push(arrow(22, 84, true), icon('act', 84), text(60, 88, sampleRunToShow), text(240, 88, `epoch ${epoch}`, { color: muted }));
  for (const [row, [group, count]] of Object.entries({ Findings: findings, Probes: `${probes} measured`, Checkpoints: `${checkpoints} measured`, Logs: 1 }).entries()) {
    lines.push(arrow(42, 112 + 26 * row, false), text(60, 116 + 26 * row, group), text(150, 116 + 26 * row, count, { color: muted }));
  }
  return frame(216, lines);
}

const workspace = await sampleWorkspace();
try {
  const run = path.join(workspace.folder, sampleRunToShow);
  const [probes, checkpoints] = await Promise.all(['probes', 'checkpoints'].map(async (name) => (await readdir(path.join(run, name))).length));
  const ask = async (command, ...options) => JSON.parse((await promisify(execFile)(process.execPath, [path.join(root, 'dist/cli.js'), command, run, '--json', ...options], { maxBuffer: 2 ** 28 })).stdout);
  const { findings } = await ask('diagnose');
  const { records: own } = await ask('measure', '--metric', metric);
  const [{ onset }] = findings;
  const layers = [...new Map(own.map(({ layer, layerIndex }) => [layer, layerIndex]))].sort((a, b) => a[1] - b[1]).map(([layer]) => layer);
  const valueOf = (layer, split, epoch) => own.find((record) => record.layer === layer && record.split === split && record.epoch === epoch).value;
  const drawn = {
    health: drawHealth({ valueOf, layers, onset }),
    table: drawTable({ valueOf }),
    runs: drawRuns({ findings: findings.length, probes, checkpoints, epoch: Math.max(...own.map(({ epoch }) => epoch)) }),
  };
  for (const [name, svg] of Object.entries(drawn)) await writeFile(path.join(root, 'media/walkthrough', `${name}.svg`), svg);
  console.log(`${Object.keys(drawn).length} pictures drawn into media/walkthrough`);
} finally {
  workspace.remove();
}
