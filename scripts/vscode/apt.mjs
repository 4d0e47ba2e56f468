import { onPath, run } from './processes.mjs';

/** Installs packages with apt-get, visibly. Answers with null, or with why it could not. */
export async function aptInstall(packages, what, log) {
  if (process.platform !== 'linux' || onPath('apt-get') === undefined) return 'there is no apt-get';
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && onPath('sudo') === undefined) return 'apt-get needs root and there is no sudo';
  log(`Installing ${what} with apt-get (once) ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args) => run(isRoot ? 'apt-get' : 'sudo', [...(isRoot ? [] : ['-n', 'apt-get']), '-q', ...args], { env, timeout: 600_000 });
  const update = await apt(['update']);
  const code = await apt(['install', '-y', '--no-install-recommends', ...packages]);
  return code === 0 ? null : `apt-get install ${packages.join(' ')} ended with ${code} (update: ${update})`;
}
