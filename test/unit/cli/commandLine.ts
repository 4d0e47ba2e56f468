import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

export const repository = path.resolve(__dirname, '../../..');
export const sampleRuns = path.join(repository, 'media/sample');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as it is shipped: bundled, with its compute thread beside it, run as a process of its own. */
export class CommandLine {
  private constructor(readonly folder: string) {}

  /** @param panel whether the panel of the editor, which reports carry, is built beside it. */
  static async build({ panel = false } = {}): Promise<CommandLine> {
    // Inside the repository, so that it finds the one package that is not bundled.
    await mkdir(path.join(repository, 'out'), { recursive: true });
    const folder = await mkdtemp(path.join(repository, 'out', 'cli-'));
    await build({
      absWorkingDir: repository,
      entryPoints: { cli: 'src/cli/main.ts', computeThread: 'src/worker/computeThread.ts' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
      outdir: folder,
      logLevel: 'silent',
    });
    if (panel) {
      await build({
        absWorkingDir: repository,
        entryPoints: { layerHealth: 'webview-ui/src/layerHealth.tsx', report: 'webview-ui/src/report.ts' },
        bundle: true,
        platform: 'browser',
        target: 'es2022',
        format: 'iife',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        outdir: path.join(folder, 'webview'),
        logLevel: 'silent',
      });
    }
    return new CommandLine(folder);
  }

  /** Starts it in an environment; `interact` may read from it, close its pipes or send signals. */
  run(
    args: readonly string[],
    interact: (child: ReturnType<CommandLine['start']>) => void = () => undefined,
    environment: NodeJS.ProcessEnv = process.env,
  ): Promise<Finished> {
    const child = this.start(args, environment);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    interact(child);
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private start(args: readonly string[], env: NodeJS.ProcessEnv) {
    return spawn(process.execPath, [path.join(this.folder, 'cli.js'), ...args], {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** The one document on standard output; fails when there is anything else. */
export function documentOf<Document>({ stdout }: Finished): Document {
  return JSON.parse(stdout) as Document;
}
