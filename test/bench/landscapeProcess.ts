import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { computeLandscapes } from '../../src/worker/landscape';

/** The other side of twin_landscape.py: the same surface as the product computes it, with reading the checkpoint and keeping each point. */
const threads = Number(process.env['BENCH_THREADS']);

async function answer({ folder, count, grid }: { folder: string; count: number; grid: number }): Promise<object> {
  const records = await mkdtemp(path.join(folder, 'points-'));
  try {
    const [started, used] = [performance.now(), process.cpuUsage()];
    const { computed } = await computeLandscapes({
      checkpoints: [path.join(folder, 'mae-surface.pth')], directions: 'random', data: path.join(folder, 'surface-images.npy'), images: count, grid, loss: 'mae',
      normalisePixels: true, describe: { heads: 3, decoderHeads: 4 }, mean: [0], deviation: [1], session: { threads }, folderOf: () => Promise.resolve(records),
    });
    const { user, system } = process.cpuUsage(used);
    return { seconds: (performance.now() - started) / 1000, processor: (user + system) / 1e6, points: computed, maxResidentBytes: process.resourceUsage().maxRSS * 1024 };
  } finally {
    await rm(records, { recursive: true, force: true });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  void answer(JSON.parse(line) as Parameters<typeof answer>[0]).then((reply) => console.log(JSON.stringify(reply)));
});
