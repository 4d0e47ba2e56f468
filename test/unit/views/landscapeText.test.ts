import { describe, expect, it } from 'vitest';
import { parseSurfaces } from '../../../src/formats/surfaceDocument';
import { findCheckpoint, landscapeFileName, landscapeTitle } from '../../../src/views/landscapeText';
import { aFile, aRun } from './samples';

const [surface] = parseSurfaces([{ name: 'vit, epoch: 3/4', file: '/data/b/surface.npz', x: [0, 1], y: [], loss: [1, 2] }], '/data/b/surface.npz');

it('a tab and an export carry the names of the surfaces', () => {
  expect(landscapeTitle([surface!])).toBe('Loss: vit, epoch: 3/4');
  expect(landscapeTitle([surface!, surface!])).toBe('Loss: vit, epoch: 3/4 and 1 more');
  expect(landscapeFileName([surface!], 'png')).toBe('loss-vit-epoch-3-4.png');
  expect(landscapeFileName([{ ...surface!, name: '../..' }], 'csv')).toBe('loss-surfaces.csv');
});

describe('a checkpoint of a trajectory', () => {
  const file = aFile('checkpoints/epoch-1.pt', { kind: 'checkpoint' });
  const runs = [aRun('a', { folder: '/data/a', files: [file] }), aRun('b', { folder: '/data/b', files: [file] })];

  it('is looked for first in the run that the surface lies in', () => {
    expect(findCheckpoint('checkpoints/epoch-1.pt', surface!, runs)).toMatchObject({ run: { id: 'b' }, path: '/data/b/checkpoints/epoch-1.pt' });
  });

  it('is found by its absolute path', () => {
    expect(findCheckpoint('/data/a/checkpoints/epoch-1.pt', surface!, runs)?.run.id).toBe('a');
  });

  it('that no run lists is not found', () => {
    expect(findCheckpoint('../../etc/passwd', surface!, runs)).toBeNull();
  });
});
