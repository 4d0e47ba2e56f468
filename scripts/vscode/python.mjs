import { existsSync } from 'node:fs';
import { aptInstall } from './apt.mjs';
import { onPath, run } from './processes.mjs';

const needed = 'import torch, pytest, numpy, scipy';
const quiet = { onLine: () => undefined };

/** A Python with PyTorch and pytest; Debian's is installed, visibly, when the machine has none. LAYERSCOPE_PYTHON names one and wins. */
export async function findPythonWithTorch(log = console.log) {
  const there = await present();
  if (there !== undefined) return { python: there };
  const problem = await aptInstall(['python3-torch', 'python3-pytest', 'python3-numpy', 'python3-scipy', 'python3-sklearn'], 'PyTorch and pytest', log);
  const python = await present();
  return python === undefined ? { problem: problem ?? 'the PyTorch of apt-get does not load' } : { python };
}

async function present() {
  const named = process.env.LAYERSCOPE_PYTHON;
  const candidates = named === undefined || named === '' ? [onPath('python3', 'python'), '/usr/bin/python3'] : [named];
  for (const python of candidates) {
    if (python !== undefined && existsSync(python) && (await run(python, ['-c', needed], quiet)) === 0) return python;
  }
  return undefined;
}
