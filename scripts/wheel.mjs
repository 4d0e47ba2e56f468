// Packs companion/ as the wheel that comes with the extension: the same bytes on every machine, without Python and without a network.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'smol-toml';
import yazl from 'yazl';

const root = path.resolve(fileURLToPath(import.meta.url), '../..');
const companion = path.join(root, 'companion');

/** The earliest time that a zip archive can name. Its fields are local time, so this is, too. */
const mtime = new Date(1980, 0, 1);

/**
 * A wheel is a zip archive with the package, METADATA (from pyproject.toml) and a RECORD of hashes
 * (packaging.python.org/specifications/binary-distribution-format). Its files are sorted, stored uncompressed and of one age; the VSIX compresses them.
 * @param folder where to write it; wheels of other versions in it are removed.
 * @returns the file's path.
 */
export async function buildWheel(folder) {
  const { project } = parse(await readFile(path.join(companion, 'pyproject.toml'), 'utf8'));
  const source = path.join(companion, 'src');
  const modules = (await readdir(source, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.py'))
    .map((entry) => path.relative(source, path.join(entry.parentPath ?? entry.path, entry.name)).split(path.sep).join('/'));
  const information = `${project.name}-${project.version}.dist-info`;
  const files = await Promise.all(modules.map(async (name) => ({ name, bytes: await readFile(path.join(source, name)) })));
  files.push(
    { name: `${information}/LICENSE`, bytes: await readFile(path.join(root, 'LICENSE')) },
    { name: `${information}/METADATA`, bytes: Buffer.from(metadata(project, await readFile(path.join(companion, project.readme), 'utf8'))) },
    { name: `${information}/WHEEL`, bytes: Buffer.from('Wheel-Version: 1.0\nGenerator: layerscope (scripts/wheel.mjs)\nRoot-Is-Purelib: true\nTag: py3-none-any\n') },
    { name: `${information}/top_level.txt`, bytes: Buffer.from(`${project.name}\n`) },
  );
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = files.map(({ name, bytes }) => `${name},sha256=${createHash('sha256').update(bytes).digest('base64url')},${bytes.length}\n`);
  files.push({ name: `${information}/RECORD`, bytes: Buffer.from(`${lines.join('')}${information}/RECORD,,\n`) });

  await mkdir(folder, { recursive: true });
  for (const old of await readdir(folder)) if (old.endsWith('.whl')) await rm(path.join(folder, old));
  const file = path.join(folder, `${project.name}-${project.version}-py3-none-any.whl`);
  const zip = new yazl.ZipFile();
  for (const { name, bytes } of files) zip.addBuffer(bytes, name, { mtime, mode: 0o100644, compress: false, forceDosTimestamp: true });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
  return file;
}

/** Core metadata 2.1 (packaging.python.org/specifications/core-metadata). */
function metadata(project, readme) {
  const extras = Object.entries(project['optional-dependencies'] ?? {});
  const headers = [
    ['Metadata-Version', '2.1'],
    ['Name', project.name],
    ['Version', project.version],
    ['Summary', project.description],
    ['License', project.license.text],
    ['Requires-Python', project['requires-python']],
    ['Description-Content-Type', 'text/markdown'],
    ['License-File', 'LICENSE'],
    ...project.dependencies.map((requirement) => ['Requires-Dist', requirement]),
    ...extras.flatMap(([extra, requirements]) => [['Provides-Extra', extra], ...requirements.map((requirement) => ['Requires-Dist', `${requirement}; extra == '${extra}'`])]),
  ];
  return `${headers.map(([name, value]) => `${name}: ${value}\n`).join('')}\n${readme}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(root, 'dist', 'companion') } } });
  console.log(path.relative(process.cwd(), await buildWheel(path.resolve(values.out))));
}
