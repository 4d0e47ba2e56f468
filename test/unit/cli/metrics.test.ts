import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricCatalog } from '../../../src/metrics';
import type { MetricInfo } from '../../../src/protocol';
import { CommandLine, documentOf, repository } from './commandLine';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());

describe('layerscope metrics', () => {
  it('lists every metric of the catalog with the page that explains it', async () => {
    const finished = await cli.run(['metrics', '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    const { metrics } = documentOf<{ metrics: readonly MetricInfo[] }>(finished);
    expect(metrics.map(({ id }) => id)).toEqual(metricCatalog.map(({ id }) => id));
    for (const metric of metrics) {
      expect(Object.keys(metric)).toEqual(['id', 'title', 'group', 'subject', 'summary', 'page']);
      expect(['features', 'weights']).toContain(metric.subject);
      expect(existsSync(path.join(repository, 'docs/metrics', metric.page)), metric.page).toBe(true);
    }
  });

  it('prints a line each, to be read', async () => {
    const { code, stdout } = await cli.run(['metrics']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^coding_rate_reduction +features +Memorization +Coding rate reduction$/m);
    expect(stdout).toMatch(/^ww_alpha +weights +Weights +Alpha of the weights$/m);
    expect(stdout.trimEnd().split('\n')).toHaveLength(metricCatalog.length + 1);
  });

  it('takes no arguments', async () => {
    expect(await cli.run(['metrics', 'rankme'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('one argument too many') });
  });
});
