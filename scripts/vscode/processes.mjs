import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const started = new Set();
const windows = process.platform === 'win32';

/** Starts a program as the head of its own process group, so that it and its children can be ended without touching anyone else's. */
export function startGroup(command, args, options = {}) {
  const child = spawn(command, args, { ...options, detached: !windows });
  started.add(child);
  child.once('exit', () => {
    if (windows) started.delete(child);
  });
  return child;
}

/** Ends what `startGroup` started, with its children; waits for it at most two seconds before it insists. */
export async function endGroup(child) {
  if (!started.delete(child)) return;
  const gone = new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', resolve)));
  signalGroup(child, 'SIGTERM');
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 2000))]);
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    if (windows) spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' });
    else process.kill(-child.pid, signal);
  } catch {
    // The whole group has already ended.
  }
}

const leftovers = new Set();

/** A folder for temporary files; it is gone when this process ends. */
export function temporaryFolder(prefix, parent = os.tmpdir()) {
  mkdirSync(parent, { recursive: true });
  const folder = realpathSync(mkdtempSync(path.join(parent, prefix)));
  leftovers.add(folder);
  return folder;
}

/** Removes a temporary folder before the process ends. */
export function removeFolder(folder) {
  leftovers.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

process.once('exit', () => {
  for (const child of started) signalGroup(child, 'SIGKILL');
  for (const folder of leftovers) removeFolder(folder);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

/** Runs a program to its end. Resolves to its exit code, null when it was ended by a signal or the time-out (milliseconds). */
export function run(command, args, { timeout = 0, onLine, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = startGroup(command, args, { stdio: onLine ? ['ignore', 'pipe', 'pipe'] : 'inherit', ...options });
    const timer = timeout > 0 ? setTimeout(() => signalGroup(child, 'SIGKILL'), timeout) : undefined;
    if (onLine) for (const stream of [child.stdout, child.stderr]) eachLine(stream, onLine);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      started.delete(child);
      resolve(code);
    });
  });
}

/** Calls `onLine` for each line of a stream, the last unfinished one too. */
export function eachLine(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach(onLine);
  });
  stream.once('end', () => rest && onLine(rest));
}

/** Runs npm in `cwd` without what the npm script that started us put into the environment. */
export function npm(args, { cwd, ...options } = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/i.test(name)));
  return run(windows ? 'npm.cmd' : 'npm', args, { cwd, env, shell: windows, ...options });
}

/** First of the names that is on PATH, as a full path. */
export function onPath(...names) {
  const suffixes = windows ? ['.exe', '.cmd', ''] : [''];
  for (const name of names)
    for (const folder of (process.env.PATH ?? '').split(path.delimiter))
      for (const suffix of suffixes) {
        const file = path.join(folder, name + suffix);
        if (folder !== '' && existsSync(file)) return file;
      }
  return undefined;
}
