import { zipOf, type ZipPart } from './build';

/** Pieces of pickles, as Python's pickler would write them. */
export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const text = (value: string): Buffer => Buffer.concat([Buffer.from('X'), uint32(Buffer.byteLength(value)), Buffer.from(value)]);
export const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(5, 'J');
  bytes.writeInt32LE(value, 1);
  return bytes;
};
export const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`);
export const tuple = (...items: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
export const call = (callee: Buffer, ...args: readonly Buffer[]): Buffer => Buffer.concat([callee, tuple(...args), Buffer.from('R')]);
export const dict = (entries: Readonly<Record<string, Buffer>>): Buffer =>
  Buffer.concat([Buffer.from('}('), ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), Buffer.from('u')]);
export const list = (...items: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from(']('), ...items, Buffer.from('e')]);
export const pickle = (value: Buffer): Buffer => Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]);

export interface TensorOptions {
  readonly storage?: string;
  readonly key?: string;
  readonly elements: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export const storage = (key: string, elements: number, type = 'FloatStorage'): Buffer =>
  Buffer.concat([tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(elements)), Buffer.from('Q')]);

/** torch._utils._rebuild_tensor_v2(...) */
export const tensor = ({ storage: type = 'FloatStorage', key = '0', elements, offset = 0, shape, strides }: TensorOptions): Buffer =>
  call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage(key, elements, type),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    Buffer.from([0x89]),
    call(global('collections', 'OrderedDict')),
  );

/** A file of torch.save around a pickle. */
export const torchZipOf = (value: Buffer, storages: Readonly<Record<string, Uint8Array>> = {}, more: readonly ZipPart[] = []): Buffer =>
  zipOf([
    { name: 'archive/data.pkl', bytes: pickle(value) },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
    ...more,
  ]);
