import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { parseSurfaces } from '../../../src/formats/surfaceDocument';
import { readSurfaceFile } from '../../../src/formats/surfaceFile';
import { surfacesToCsv, surfacesToJson } from '../../../src/store/exportSurfaces';

const surfaces = await readSurfaceFile(join(import.meta.dirname, '../../fixtures/surfaces/digits-training.json'));

it('writes one row a point and one a checkpoint, with every digit', () => {
  const rows = parse(surfacesToCsv(surfaces), { columns: true }) as Record<string, string>[];
  const [plane, line] = surfaces;
  expect(rows).toHaveLength(19 * 19 + 13 + 41);
  const point = rows[19 + 3];
  expect([Number(point?.['x']), Number(point?.['y']), Number(point?.['loss'])]).toEqual([plane?.x[3], plane?.y[1], plane?.loss[22]]);
  expect(rows.filter(({ kind }) => kind === 'checkpoint').map(({ file }) => file)).toEqual(plane?.trajectory.map(({ file }) => file));
  expect(rows.at(-1)).toMatchObject({ y: '', loss: String(line?.loss.at(-1)), directions: 'line' });
});

it('leaves the cell of a missing value empty and keeps formulas from running', () => {
  const [first] = surfaces;
  const [row] = parse(surfacesToCsv([{ ...first!, name: '=cmd()', loss: [null, ...first!.loss.slice(1)] }]), { columns: true }) as Record<string, string>[];
  expect(row).toMatchObject({ surface: "'=cmd()", loss: '', convex: '' });
});

it('writes JSON that is read as the same surfaces, options of the loss included', () => {
  const [first] = surfaces;
  const masked = { ...first!, setting: { ...first!.setting, options: { maskRatio: 0.75, normalisePixels: true } } };
  expect(parseSurfaces(JSON.parse(surfacesToJson([masked])), 'again.json')).toEqual([masked]);
  expect(parseSurfaces(JSON.parse(surfacesToJson(surfaces)), 'again.json')).toEqual(surfaces);
});
