import path from 'node:path';
import { type EngineChoice, type EngineName, engineOrder, EngineUnavailable, type LoadedEngine, loadEngine } from '../linalg';
import type { EngineStatus, OtherEngine } from '../protocol';
import type { ComputeThreadData } from './computeMessages';
import { findTensorFlow, inTurn, loadTensorFlow } from './tensorFlowPackage';

/** The engine of a compute thread: loaded with the first task that needs it; a failure is not tried again, the library would not change. */
export class ThreadEngine {
  private readonly choice: EngineChoice;
  private readonly folders: readonly string[];
  private loading: Promise<LoadedEngine> | null = null;

  /** `root` is the folder of the extension or checkout that the thread belongs to. */
  constructor(
    private readonly data: ComputeThreadData,
    root: string,
  ) {
    this.choice = data.engine;
    this.folders = [...data.engineFolders, path.join(root, '.engines', 'tensorflow'), root];
  }

  load(): Promise<LoadedEngine> {
    const { data, folders } = this;
    const turn = new Int32Array(data.engineTurn);
    this.loading ??= loadEngine(this.choice, {
      threads: 1,
      tensorFlow: { loadPackage: () => loadTensorFlow(folders), exclusively: (load) => inTurn(turn, load) },
    });
    return this.loading;
  }

  async status(): Promise<EngineStatus> {
    const { choice } = this;
    try {
      const { engine, passedOver } = await this.load();
      return { name: engine.name, version: engine.version, reason: '', choice, others: this.others(engine.name, passedOver) };
    } catch (error) {
      const failures = error instanceof EngineUnavailable ? (error.cause instanceof AggregateError ? error.cause.errors as EngineUnavailable[] : [error]) : [];
      return { name: 'unavailable', version: '', reason: error instanceof Error ? error.message : String(error), choice, others: this.others(null, failures) };
    }
  }

  /** All engines but the one in use, in their order. */
  private others(used: EngineName | null, failures: readonly EngineUnavailable[]): OtherEngine[] {
    return engineOrder.filter((name) => name !== used).map((name) => {
      const failure = failures.find(({ engine }) => engine === name);
      return { name, failed: failure !== undefined, reason: failure?.reason ?? this.whereItIs(name) };
    });
  }

  private whereItIs(name: EngineName): string {
    if (name !== 'tensorflow') return 'comes with Layerscope';
    const folder = findTensorFlow(this.folders);
    return folder === null ? 'not installed' : `installed in ${folder}`;
  }
}
