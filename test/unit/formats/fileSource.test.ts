import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memorySource, openFile } from '../../../src/formats';
import { asNobody } from '../asNobody';
import { failure } from './build';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-file-'));
  path = join(folder, 'a.bin');
  writeFileSync(path, Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const isOpen = () => readdirSync('/proc/self/fd').some((fd) => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
  } catch {
    return false;
  }
});

describe('a file as a source of bytes', () => {
  it('gives ranges, also several at once', async () => {
    const source = await openFile(path, { name: 'run/a.bin' });
    expect(source).toMatchObject({ name: 'run/a.bin', size: 8 });
    const [middle, end] = await Promise.all([source.read(2, 3), source.read(7, 1)]);
    expect([...middle, ...end]).toEqual([2, 3, 4, 7]);
    expect(await source.read(8, 0)).toHaveLength(0);
    await source.close();
  });

  it.each([[-1, 2], [0, 9], [8, 1], [Number.NaN, 1], [2 ** 60, 1]])('refuses the range from %d of length %d', async (offset, length) => {
    const source = await openFile(path);
    expect((await failure(source.read(offset, length))).reason).toContain('the file has only 8');
    await source.close();
    expect((await failure(memorySource('m', new Uint8Array(8)).read(offset, length))).reason).toContain('the file has only 8');
  });

  it('says that it changed while it was read', async () => {
    const source = await openFile(path);
    writeFileSync(path, Buffer.from([9, 9, 9, 9, 9, 9, 9, 9]));
    utimesSync(path, 1, 1);
    expect((await failure(source.read(0, 4))).message).toBe(`${path}: changed while it was read`);
    await source.close();
  });

  it('says that it became shorter while it was read', async () => {
    const source = await openFile(path);
    truncateSync(path, 3);
    const error = await failure(source.read(0, 8));
    expect(error.place).toBe('byte 3');
    expect(error.reason).toBe('changed while it was read: it ends here now');
    await source.close();
  });

  it('says that it was deleted while it was read, open or not', async () => {
    const source = await openFile(path, { idleClose: 1 });
    rmSync(path);
    expect((await failure(source.read(0, 4))).message).toBe(`${path}: was deleted while it was read`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await failure(source.read(0, 4))).message).toBe(`${path}: was deleted while it was read`);
    await source.close();
  });

  it('notices that another file took its place while it was closed', async () => {
    const source = await openFile(path, { idleClose: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    writeFileSync(`${path}.new`, Buffer.alloc(8));
    renameSync(`${path}.new`, path);
    expect((await failure(source.read(0, 4))).reason).toBe('changed while it was read');
    await source.close();
  });

  it.skipIf(process.platform !== 'linux')('is closed while idle and opened again by the next read', async () => {
    const source = await openFile(path, { idleClose: 20 });
    expect(isOpen()).toBe(true);
    await expect.poll(isOpen).toBe(false);
    expect([...(await source.read(0, 2))]).toEqual([0, 1]);
    expect(isOpen()).toBe(true);
    await source.close();
    expect(isOpen()).toBe(false);
  });

  it('has a version that changes with the content', async () => {
    const before = await openFile(path);
    writeFileSync(path, Buffer.alloc(8));
    utimesSync(path, 2, 2);
    const after = await openFile(path);
    expect(after.version).not.toBe(before.version);
    await Promise.all([before.close(), after.close()]);
  });
});

describe('a file that cannot be opened', () => {
  it('does not exist', async () => {
    const error = await failure(openFile(join(folder, 'none')));
    expect(error.message).toBe(`${join(folder, 'none')}: does not exist (any more)`);
  });

  it('is a folder', async () => {
    expect((await failure(openFile(folder))).reason).toBe('is a folder, not a file');
  });

  it.skipIf(process.platform === 'win32')('is a device', async () => {
    expect((await failure(openFile('/dev/zero'))).reason).toBe('is not a regular file');
  });

  it.skipIf(process.platform === 'win32')('is a link that leads to itself', async () => {
    symlinkSync('loop', join(folder, 'loop'));
    expect((await failure(openFile(join(folder, 'loop')))).reason).toBe('is a link that leads to itself');
  });

  it.skipIf(process.platform === 'win32')('may not be read', async () => {
    mkdirSync(join(folder, 'sub'));
    chmodSync(folder, 0o755);
    chmodSync(path, 0o000);
    await asNobody(async () => {
      expect((await failure(openFile(path, { name: 'a.bin' }))).message).toBe('a.bin: no permission to read it');
    });
  });
});
