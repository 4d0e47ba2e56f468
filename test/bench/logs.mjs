// npm run bench -- logs: reading a million scalar events beside TensorBoard's Python EventAccumulator and its Rust data server on the same file in
// the same run, and what it costs to watch logs. Options: --events N, --watch-only, --read-only, --quiet-seconds N.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { scalarRecord, tags, versionRecord, writeEvents } from './eventFile.mjs';
import { converse } from './measure.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.join(path.resolve(here, '../..'), '.cache', 'bench');
const targets = { python: 20, rust: 1, latency: 2000, quietShare: 0.02 };
const rounds = 7;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const judge = (met) => (met ? 'met' : 'MISSED');

const python = String.raw`
import json, sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import tensorboard, google.protobuf
from google.protobuf.internal import api_implementation
started, cpu = time.perf_counter(), time.process_time()
accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
seconds = time.perf_counter() - started
points = sum(len(accumulator.Scalars(tag)) for tag in accumulator.Tags()["scalars"])
print(json.dumps({"seconds": seconds, "cpu": time.process_time() - cpu, "points": points, "version": tensorboard.__version__,
  "protobuf": google.protobuf.__version__ + " " + api_implementation.Type()}))
`;

/** A Python that has TensorBoard and its data server, and where that server's binary lies. */
function findPython() {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const candidate of candidates) {
    const found = spawnSync(candidate, ['-c', 'import tensorboard, tensorboard_data_server as s; print(s.server_binary(), s.__version__)'], { encoding: 'utf8' });
    if (found.status === 0) {
      const [server, version] = found.stdout.trim().split(' ');
      return { command: candidate, server, version };
    }
  }
  console.error(
    `The benchmark compares with TensorBoard and its data server, and none of ${candidates.join(', ')} has them.\n` +
      'Install them (python3 -m venv .venv && .venv/bin/pip install tensorboard tensorboard-data-server setuptools) and name that Python in the environment variable PYTHON.',
  );
  process.exit(1);
}

async function bundle(name) {
  const outfile = path.join(cache, `${name}.mjs`);
  await build({
    entryPoints: [path.join(here, `${name}.ts`)],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile,
    external: ['onnxruntime-node', 'onnxruntime-web'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return outfile;
}

function answerOf(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Processor seconds of another process so far; null where the system does not say (only Linux does). */
function cpuOf(pid) {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).map(Number);
    return (user + system) / 100;
  } catch {
    return null;
  }
}

/** Seconds that the data server needs for its first load of a folder, as its own log tells them, and of a processor. */
function loadWithServer(server, folder, flags) {
  return new Promise((resolve, reject) => {
    const child = spawn(server, ['--logdir', folder, '--host', '127.0.0.1', '--port', '0', '--reload', 'once', '--die-after-stdin', '-vv', ...flags], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let text = '';
    child.stderr.on('data', (piece) => {
      text += piece;
      const found = /Finished load cycle \(([\d.]+)(ms|s|µs)\)/.exec(text);
      if (found) {
        const cpu = cpuOf(child.pid);
        child.stdin.end();
        resolve({ seconds: Number(found[1]) * { s: 1, ms: 1e-3, µs: 1e-6 }[found[2]], cpu });
      }
    });
    child.on('exit', () => reject(new Error(`the data server ended without a load: ${text}`)));
  });
}

async function benchReading(events) {
  const { command, server, version } = findPython();
  const folder = path.join(cache, 'events');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'events.out.tfevents.1700000000.host.1.0');
  writeEvents(file, events);
  console.log(`${events.toLocaleString('en')} scalar events (simple_value) of ${tags.length} quantities in one file of ${(statSync(file).size / 1e6).toFixed(0)} MB, written by eventFile.mjs with TensorBoard's framing and checksums.`);
  const reader = await bundle('readEvents');
  readFileSync(file);
  // In turns, so that a change of the machine's load meets all; every one in a fresh process, from opening the file to all points in memory.
  const runs = { ours: [], server: [], serverAll: [], serverChecksum: [], python: [] };
  for (let round = 0; round < rounds; round++) {
    runs.ours.push(answerOf(process.execPath, [reader, file]));
    runs.server.push(await loadWithServer(server, folder, []));
    runs.serverAll.push(await loadWithServer(server, folder, ['--samples-per-plugin', 'scalars=all']));
    runs.serverChecksum.push(await loadWithServer(server, folder, ['--samples-per-plugin', 'scalars=all', '--checksum']));
    // Half a minute each.
    if (round < 3) runs.python.push(answerOf(command, ['-c', python, file]));
  }
  const [own] = runs.ours;
  const [other] = runs.python;
  if (own.points !== events || own.problems !== 0 || other.points !== events) throw new Error(`read ${own.points} and ${other.points} of ${events} events`);
  const seconds = (name) => median(runs[name].map((run) => run.seconds));
  const ours = seconds('ours');
  const theirs = seconds('python');
  const rows = [
    ['this reader (checksums verified, every point kept)', 'ours'],
    [`EventAccumulator, TensorBoard ${other.version}, protobuf ${other.protobuf} (every point kept)`, 'python'],
    [`data server ${version} as TensorBoard starts it (checksums only where parsing fails, 1000 points a quantity kept)`, 'server'],
    ['data server, every point kept', 'serverAll'],
    ['data server, every point kept, checksums verified', 'serverChecksum'],
  ];
  console.table(
    rows.map(([reading, name]) => ({
      reading,
      seconds: seconds(name).toFixed(2),
      'times ours': (seconds(name) / ours).toFixed(2),
      'processor seconds': median(runs[name].map(({ cpu }) => cpu ?? NaN)).toFixed(2),
    })),
  );
  console.log(`Longest slice between two turns of the event loop ${median(runs.ours.map(({ longestSlice }) => longestSlice)).toFixed(0)} ms; largest resident memory ${(median(runs.ours.map(({ resident }) => resident)) / 1e6).toFixed(0)} MB.`);
  console.log(`EventAccumulator / ours: ${(theirs / ours).toFixed(1)}, target ${targets.python}: ${judge(theirs / ours >= targets.python)}`);
  for (const [what, name] of [['doing the same work', 'serverChecksum'], ['keeping every point without checksums', 'serverAll'], ['keeping 1000 points a quantity without checksums', 'server']]) {
    const ratio = seconds(name) / ours;
    console.log(`data server ${what} / ours: ${ratio.toFixed(2)}, target ${targets.rust}: ${judge(ratio >= targets.rust)}`);
  }
}

/** Runs of one event file each. */
function writeRuns(folder, count, modified) {
  rmSync(folder, { recursive: true, force: true });
  return Array.from({ length: count }, (_, i) => {
    const run = path.join(folder, `run-${i}`);
    mkdirSync(run, { recursive: true });
    const file = path.join(run, 'events.out.tfevents.1700000000.host.1.0');
    writeFileSync(file, Buffer.concat([versionRecord(1.7e9), ...Array.from({ length: 50 }, (_, step) => scalarRecord(tags[step % 5], step, 1.7e9 + step, 1 / (1 + step)))]));
    if (modified !== null) for (const each of [file, run]) utimesSync(each, modified, modified);
    return file;
  });
}

async function benchAppending(monitorScript) {
  const folder = path.join(cache, 'open-logs');
  const files = writeRuns(folder, 200, null);
  const monitor = converse(process.execPath, [monitorScript], {});
  const watched = await monitor.ask(['watch', folder]);
  if (watched !== files.length) throw new Error(`${watched} runs instead of ${files.length}`);
  await sleep(3000);
  const worst = [];
  for (let step = 1000; step < 1005; step++) {
    const started = Date.now();
    for (const file of files) appendFileSync(file, scalarRecord(tags[0], step, started / 1000, 0.5));
    const written = Date.now() - started;
    let told = { runs: 0 };
    for (const end = started + 10_000; told.runs < files.length && Date.now() < end; ) {
      await sleep(50);
      told = await monitor.ask(['told', step]);
    }
    if (told.runs < files.length) throw new Error(`only ${told.runs} of ${files.length} logs were told within 10 s`);
    worst.push(told.last - started);
    console.log(`one event appended to each of ${files.length} logs (in ${written} ms): the first in a delta after ${told.first - started} ms, the last after ${told.last - started} ms`);
    await sleep(1000 + Math.random() * 1000);
  }
  monitor.end();
  const slowest = Math.max(...worst);
  console.log(`slowest of ${worst.length} rounds, by polling alone, without file events: ${slowest} ms, target ${targets.latency} ms: ${judge(slowest <= targets.latency)}`);
}

async function benchQuiet(monitorScript, seconds) {
  const folder = path.join(cache, 'quiet-runs');
  const count = writeRuns(folder, 1000, new Date(Date.now() - 3_600_000)).length;
  const monitor = converse(process.execPath, [monitorScript], {});
  const watched = await monitor.ask(['watch', folder]);
  if (watched !== count) throw new Error(`${watched} runs instead of ${count}`);
  await sleep(15_000);
  const before = await monitor.ask(['cpu']);
  await sleep(seconds * 1000);
  const share = ((await monitor.ask(['cpu'])) - before) / seconds;
  monitor.end();
  console.log(`watching ${count} runs that were last written to an hour ago, somebody looking: ${(100 * share).toFixed(2)} % of one core over ${seconds} s, target ${100 * targets.quietShare} %: ${judge(share < targets.quietShare)}`);
}

export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : otherwise);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, load average ${loadavg()[0].toFixed(1)}. Medians of ${rounds} rounds (EventAccumulator: 3).`);
  if (!options.includes('--watch-only')) await benchReading(option('--events', 1_000_000));
  if (options.includes('--read-only')) return;
  const monitorScript = await bundle('watchLogs');
  await benchAppending(monitorScript);
  await benchQuiet(monitorScript, option('--quiet-seconds', 60));
}
