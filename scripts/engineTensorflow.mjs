// Installs @tensorflow/tfjs-node with its native library into a folder of its own, where Layerscope finds it (docs/engines.md). Needs nothing but Node.js and npm.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const version = '4.22.0';
const headersVersion = '1.9.0';
const usage = `npm run engine:tensorflow [-- --folder DIR] [-- --library DIR]

  --folder DIR    where to install (default .engines/tensorflow beside this script's folder)
  --library DIR   do not download TensorFlow, build the binding against the library in DIR: the folder of a TensorFlow of Python
                  (python3 -c "import tensorflow as tf; print(tf.sysconfig.get_lib())") or of an unpacked libtensorflow; Linux, needs a C++ compiler`;

const { values } = parseArgs({ options: { folder: { type: 'string' }, library: { type: 'string' }, help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const folder = path.resolve(values.folder ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '.engines', 'tensorflow'));
const library = values.library === undefined ? null : findLibrary(path.resolve(values.library));
const installed = path.join(folder, 'node_modules', '@tensorflow', 'tfjs-node');

mkdirSync(folder, { recursive: true });
const dependencies = { '@tensorflow/tfjs-node': version, ...(library === null ? {} : { 'node-api-headers': headersVersion }) };
writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ name: 'layerscope-engine-tensorflow', private: true, dependencies }, null, 2)}\n`);
console.log(`Installing @tensorflow/tfjs-node ${version} into ${folder}`);
npm('install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
if (library === null) download();
else build(library);

// Loaded from here it is loaded by Layerscope too; that products are right is checked each time the engine is started.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
const { binding } = createRequire(path.join(folder, 'package.json'))('@tensorflow/tfjs-node').backend();
console.log(`TensorFlow ${binding.TF_Version} is ready. Use it with layerscope.engine or --engine tensorflow.`);

/** Its own install script, the only one that is run: fetches TensorFlow's library and a compiled binding. */
function download() {
  const bin = path.join(folder, 'node_modules', '.bin');
  run(process.execPath, [path.join('scripts', 'install.js')], { cwd: installed, env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` } });
  if (findBinding() === null) fail(`The native library of @tensorflow/tfjs-node did not arrive in ${path.join(installed, 'lib')}; its own messages are above.`);
}

/** Compiles the binding's two files against a TensorFlow that is there already. The library is linked to, so it has to stay. */
function build({ files, include }) {
  const links = path.join(installed, 'deps', 'lib');
  rmSync(path.join(installed, 'deps'), { recursive: true, force: true });
  mkdirSync(links, { recursive: true });
  for (const file of files) symlinkSync(file, path.join(links, path.basename(file)));
  const target = path.join(installed, 'lib', 'napi-v8');
  mkdirSync(target, { recursive: true });
  console.log(`Building the binding against ${files[0]}`);
  run(process.env.CXX ?? 'c++', [
    '-O2', '-std=c++17', '-fPIC', '-shared', '-DNAPI_VERSION=8',
    `-I${path.join(folder, 'node_modules', 'node-api-headers', 'include')}`, `-I${include}`, `-I${installed}`,
    path.join('binding', 'tfjs_backend.cc'), path.join('binding', 'tfjs_binding.cc'),
    ...files.map((file) => path.join(links, path.basename(file))),
    '-Wl,-rpath,$ORIGIN/../../deps/lib', '-o', path.join(target, 'tfjs_binding.node'),
  ], { cwd: installed });
}

/** The library's files and its headers. */
function findLibrary(given) {
  if (process.platform !== 'linux') fail('--library works on Linux; leave it out to download the library.');
  for (const from of [given, path.join(given, 'lib')]) {
    const names = existsSync(from) ? readdirSync(from) : [];
    const pick = (pattern) => names.filter((name) => pattern.test(name)).sort((a, b) => a.length - b.length)[0];
    const main = pick(/^libtensorflow(_cc)?\.so\.2$/) ?? pick(/^libtensorflow(_cc)?\.so(\.[\d.]+)?$/);
    const framework = pick(/^libtensorflow_framework\.so\.2$/) ?? pick(/^libtensorflow_framework\.so(\.[\d.]+)?$/);
    const include = [path.join(from, 'include'), path.join(from, '..', 'include')].find((one) => existsSync(path.join(one, 'tensorflow', 'c', 'c_api.h')));
    if (main === undefined || framework === undefined) continue;
    if (include === undefined) fail(`${from} has TensorFlow's library but no headers (include/tensorflow/c/c_api.h).`);
    return { files: [path.join(from, main), path.join(from, framework)], include };
  }
  return fail(`${given} holds no libtensorflow.so or libtensorflow_cc.so with libtensorflow_framework.so.`);
}

function findBinding() {
  const lib = path.join(installed, 'lib');
  const folders = existsSync(lib) ? readdirSync(lib) : [];
  return folders.map((name) => path.join(lib, name, 'tfjs_binding.node')).find((file) => existsSync(file)) ?? null;
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && cli.endsWith('.js')) run(process.execPath, [cli, ...args], { cwd: folder });
  else run('npm', args, { cwd: folder, shell: process.platform === 'win32' });
}

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined) fail(`${command} cannot be started: ${error.message}`);
  if (status !== 0) fail(`${path.basename(command)} ended with exit code ${status}; its messages are above.`);
}

function fail(message) {
  console.error(message);
  return process.exit(1);
}
