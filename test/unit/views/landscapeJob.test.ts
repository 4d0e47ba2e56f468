import { describe, expect, it } from 'vitest';
import type { LandscapeEnd, LandscapeNews, LandscapeOrder, LandscapeProgressState, LandscapeSurface } from '../../../src/protocol';
import { LandscapeJob, type LandscapeService } from '../../../src/views/landscapeJob';
import { makeOrder, parseOrder } from '../../../src/views/landscapeOrder';

const order: LandscapeOrder = makeOrder({ checkpoints: ['/runs/a/epoch-1.pt'], directions: 'random', provider: 'cpu' }, '/images');

function surface(known: number): LandscapeSurface {
  const loss = Array.from({ length: 9 }, (_, place) => (place < known ? place : null));
  return {
    name: 'a', file: '/runs/a/epoch-1.pt', epoch: 1, step: null, x: [-1, 0, 1], y: [-1, 0, 1], loss, convex: known === 9 ? loss.map(() => true) : [], minimum: null, flatness: null,
    trajectory: [], warnings: [], setting: { loss: 'mae', images: 2, data: '/images', seed: 0, range: 1, directions: 'random' },
  };
}

const news = (id: string, known: number): LandscapeNews => ({ id, surfaces: known === 0 ? [] : [surface(known)], done: known, total: known === 0 ? 0 : 9, doing: 'a', model: null });

/** A worker that answers when the test says so. */
class Worker implements LandscapeService {
  readonly orders: LandscapeOrder[] = [];
  readonly cancelled: string[] = [];
  id = '';
  tell: (known: number) => void = () => undefined;
  end: (state: LandscapeEnd['state'], known: number, more?: Partial<LandscapeEnd>) => void = () => undefined;
  die: (reason: string) => void = () => undefined;

  computeLandscape(id: string, wanted: LandscapeOrder, onNews: (latest: LandscapeNews) => void): Promise<LandscapeEnd> {
    this.id = id;
    this.orders.push(wanted);
    this.tell = (known) => onNews(news(id, known));
    return new Promise((resolve, reject) => {
      this.end = (state, known, more = {}) => resolve({ state, news: news(id, known), failure: null, problems: [], computed: known, ...more });
      this.die = (reason) => reject(new Error(reason));
    });
  }

  async cancelLandscape(id: string): Promise<void> {
    this.cancelled.push(id);
  }
}

function start(surfaces: readonly LandscapeSurface[] = []) {
  const worker = new Worker();
  const job = new LandscapeJob(worker, order, surfaces);
  const seen: LandscapeProgressState['state'][] = [];
  job.onChange = () => seen.push(job.progress.state);
  return { worker, job, seen };
}

describe('A landscape of a panel', () => {
  it('shows points as they come, and is finished with a finer grid to ask for', async () => {
    const { worker, job, seen } = start();
    const done = job.start();
    worker.tell(0);
    expect(job.progress).toMatchObject({ state: 'computing', done: 0, total: 0 });
    worker.tell(4);
    expect(job.progress).toMatchObject({ state: 'computing', done: 4, total: 9, doing: 'a', finer: null });
    expect(job.surfaces[0]!.loss.filter((loss) => loss !== null)).toHaveLength(4);
    worker.end('finished', 9);
    await done;
    expect(job.progress).toMatchObject({ state: 'finished', done: 9, total: 9, finer: 49 });
    expect(seen[0]).toBe('starting');
    void job.refine();
    expect(worker.orders.map(({ grid }) => grid)).toEqual([25, 49]);
    expect(job.surfaces[0]!.loss).toHaveLength(9);
    worker.end('finished', 9);
  });

  it('is cancelled once, keeps its points, and goes on with the same order', async () => {
    const { worker, job } = start();
    const done = job.start();
    worker.tell(3);
    job.cancel();
    job.cancel();
    expect(worker.cancelled).toEqual([worker.id]);
    worker.tell(4);
    expect(job.progress).toMatchObject({ state: 'cancelling', done: 4 });
    worker.end('cancelled', 4);
    await done;
    expect(job.progress).toMatchObject({ state: 'cancelled', done: 4, total: 9 });
    void job.start();
    expect(worker.orders[1]).toEqual(worker.orders[0]);
    worker.end('finished', 9);
  });

  it('says that the worker ended, and keeps what came before', async () => {
    const { worker, job } = start();
    const done = job.start();
    worker.tell(5);
    worker.die('The worker is gone: it was ended by SIGKILL.');
    await done;
    expect(job.progress).toMatchObject({ state: 'interrupted', doing: 'The worker is gone: it was ended by SIGKILL', done: 5 });
    expect(job.surfaces).toHaveLength(1);
  });

  it('says why it failed, and where points could not be kept', async () => {
    const { worker, job } = start();
    const done = job.start();
    const failure = { message: 'a.pt: cannot be run', missing: ['blocks.0'], extra: [], wrongShape: [] };
    worker.end('failed', 0, { failure, problems: [{ file: '/r/landscapes.jsonl', place: '', reason: 'cannot be written', severity: 'warning' }] });
    await done;
    expect(job.progress).toMatchObject({ state: 'failed', failure, problems: ['/r/landscapes.jsonl: cannot be written'] });
    void job.restart({ graph: '/a.onnx' });
    expect(job.progress).toMatchObject({ state: 'starting', failure: null, problems: [] });
    expect(worker.orders[1]!.graph).toBe('/a.onnx');
    worker.end('finished', 9);
  });

  it('of a reloaded window computes nothing before it is asked to, and knows whether it was finished', () => {
    const half = start([surface(5)]);
    expect(half.job.progress).toMatchObject({ state: 'interrupted', done: 5, total: 9, doing: 'the window was reloaded' });
    expect(half.worker.orders).toEqual([]);
    expect(start([surface(9)]).job.progress).toMatchObject({ state: 'finished', finer: 49 });
    expect(start().job.progress.state).toBe('interrupted');
  });
});

describe('The order of a landscape', () => {
  it('takes images, model and answers from the probe data of the run, with paths from its folder', () => {
    const probeData = {
      train: 'data/train', heldOut: null, samples: 256, views: 8, seed: 3, mean: [0.5], deviation: [0.2], graph: 'model.onnx', heads: 6, decoderHeads: null, imageSize: 64, role: null,
    };
    expect(makeOrder({ checkpoints: ['/runs/a/1.pt'], directions: 'random', provider: 'auto' }, { runFolder: '/runs/a', probeData })).toEqual({
      checkpoints: ['/runs/a/1.pt'], directions: 'random', provider: 'auto', data: '/runs/a/data/train', images: 64, grid: 25, range: null, seed: 3, loss: null,
      graph: '/runs/a/model.onnx', heads: 6, decoderHeads: null, imageSize: 64, role: null, mean: [0.5], deviation: [0.2],
    });
  });

  it('survives a reload, and nothing else passes for one', () => {
    expect(parseOrder(JSON.parse(JSON.stringify(order)))).toEqual(order);
    for (const change of [{ checkpoints: [] }, { checkpoints: ['relative.pt'] }, { data: 'x' }, { directions: 'all' }, { grid: 0 }, { images: 1.5 }, { seed: 'a' }]) {
      expect(parseOrder({ ...order, ...change }), JSON.stringify(change)).toBeNull();
    }
    expect(parseOrder(null)).toBeNull();
    expect(parseOrder({ ...order, provider: 'toaster', heads: -1, graph: 3, mean: ['a'] })).toMatchObject({ provider: 'cpu', heads: null, graph: null, mean: null });
  });
});
