import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cache } from './paths.mjs';
import { npm } from './processes.mjs';
import * as versions from './versions.mjs';

const folder = path.join(cache, 'vscode-server');
const marker = path.join(folder, 'installed.txt');

/**
 * Installs the VS Code server of the npm package code-server into `.cache/vscode-server`, once.
 * @returns where the server's entry point, its Node and its folder are.
 */
export async function installServer(log = console.log) {
  const platform = `${process.platform}-${process.arch}`;
  const nodePackage = versions.serverNodePackages[platform];
  if (nodePackage === undefined && Number(process.versions.node.split('.')[0]) < 24) {
    throw new Error(`The VS Code server needs Node 24 and no npm package carries it for ${platform}: run this with Node 24 (you have ${process.version}).`);
  }
  const wanted = `code-server ${versions.codeServer}, node ${nodePackage === undefined ? 'own' : versions.serverNode}, ${platform}`;
  if ((await readMarker()) !== wanted) await locked(() => install(wanted, nodePackage, log), log);
  const modules = path.join(folder, 'node_modules');
  const home = path.join(modules, 'code-server', 'lib', 'vscode');
  const node = nodePackage === undefined ? process.execPath : path.join(modules, nodePackage, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return { node, home, main: path.join(home, 'out', 'server-main.js'), version: versions.vscode };
}

async function readMarker() {
  return existsSync(marker) ? (await readFile(marker, 'utf8')).trim() : '';
}

async function install(wanted, nodePackage, log) {
  if ((await readMarker()) === wanted) return;
  const begin = Date.now();
  log(`Installing the VS Code ${versions.vscode} server into .cache/vscode-server (once; about 20 s and 800 MB) ...`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name: 'vscode-server', private: true }));
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const packages = [`code-server@${versions.codeServer}`, ...(nodePackage === undefined ? [] : [`${nodePackage}@${versions.serverNode}`])];
  log(`  1/2 npm install ${packages.join(' ')}`);
  await must(npm(['install', '--no-package-lock', ...quiet, ...packages], { cwd: folder }), 'npm install of code-server');
  log('  2/2 npm install of the server\'s own dependencies');
  const home = path.join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  await must(npm(['install', '--omit=dev', ...quiet], { cwd: home }), 'npm install in code-server/lib/vscode');
  await writeFile(`${marker}.part`, `${wanted}\n`);
  await rename(`${marker}.part`, marker);
  log(`  done in ${((Date.now() - begin) / 1000).toFixed(0)} s`);
}

async function must(exit, what) {
  const code = await exit;
  if (code !== 0) throw new Error(`${what} ended with exit code ${code}; its messages are above.`);
}

/** Two runs at once in one checkout (a demo beside the tests) must not install into the same folder. */
async function locked(job, log) {
  await mkdir(cache, { recursive: true });
  const lock = `${folder}.lock`;
  for (let told = false; ; told = true) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
      if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
      else if (!told) log(`Waiting for process ${owner}, which installs the VS Code server ...`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    await job();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
