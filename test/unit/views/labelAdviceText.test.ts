import { expect, it } from 'vitest';
import { labelAdviceText } from '../../../src/views/labelAdviceText';

const advice = {
  layer: 'head_1', samples: 64, labelled: 2, clusters: 4,
  suggestions: [
    { sampleId: 17, reason: 'Closest to the middle of a cluster of 9 samples, of which none has a label yet.', clusterSize: 9, covered: 0 },
    { sampleId: '9007199254740993', reason: 'Alone | in its cluster.', clusterSize: 1, covered: 0 },
  ],
  warnings: ['Only 2 of 64 samples are not labelled yet.'],
};

it('lists the samples in order, with reasons and warnings, and text from files as it is', () => {
  const text = labelAdviceText('runs/a*b', 'probes/epoch=1.safetensors', advice);
  expect(text).toContain('runs/a\\*b, probes/epoch=1\\.safetensors, layer head\\_1: 2 of 64 training samples have a label.');
  const rows = text.split('\n').filter((line) => /^\| \d/.test(line));
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^\| 1 \| 17 \| Closest to the middle/);
  expect(rows[1]).toMatch(/^\| 2 \| 9007199254740993 \| Alone \\\| in/);
  expect(text).toContain('Only 2 of 64 samples');
});

it('has no table without suggestions', () => {
  expect(labelAdviceText('run', 'probe', { ...advice, suggestions: [], warnings: ['All 64 samples are labelled.'] })).not.toContain('|');
});
