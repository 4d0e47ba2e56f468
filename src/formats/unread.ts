import type { Sniff } from './registry';

/** A file that is recognised by its first bytes and that no reader of this version opens. */
export interface UnreadFormat {
  readonly id: string;
  /** For people: what the bytes say, no more. */
  readonly label: string;
  /** Whether such a file alone is a sign of training; others (`.h5` may be a data set) only belong to a run that has other signs. */
  readonly isCheckpoint: boolean;
}

interface Signature {
  readonly id: string;
  readonly label: string;
  readonly ending: RegExp;
  /** Endings that nobody uses for anything but checkpoints. */
  readonly sure: RegExp;
  readonly matches: (head: Uint8Array) => boolean;
}

/** Names that training scripts give to checkpoints. */
const checkpointName = /(?:^|[^a-z])(?:checkpoint|ckpt|epoch|ep|step|iter|model|weights?|best|last|latest|final|backbone|encoder|student|teacher|snapshot)/i;

const signatures: readonly Signature[] = [
  { id: 'torchZip', label: 'PyTorch file', ending: /\.(?:pt|pth|pth\.tar|ckpt|bin)$/i, sure: /\.(?:pth|pth\.tar|ckpt)$/i, matches: isTorchZip },
  // torch.save before 1.6: protocol 2, then the magic number 0x1950a86a20f9469cfc6c as a 10-byte long.
  {
    id: 'torchPickle',
    label: 'PyTorch file (legacy)',
    ending: /\.(?:pt|pth|pth\.tar|ckpt|bin)$/i,
    sure: /\.(?:pth|pth\.tar|ckpt)$/i,
    matches: begins(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19),
  },
  { id: 'hdf5', label: 'HDF5 file', ending: /\.(?:h5|hdf5|keras|ckpt)$/i, sure: /\.keras$/i, matches: begins(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a) },
  { id: 'keras', label: 'Keras model', ending: /\.keras$/i, sure: /\.keras$/i, matches: begins(0x50, 0x4b, 0x03, 0x04) },
  // A protobuf without signature: field 1 (ir_version, a small number) comes first.
  { id: 'onnx', label: 'ONNX model', ending: /\.onnx$/i, sure: /$^/, matches: ([tag, version]) => tag === 0x08 && version !== undefined && version > 0 && version < 32 },
];

/** Cheap: by the name alone, whether `recognizeUnread` could say something. */
export function mayBeUnread(name: string): boolean {
  return signatures.some(({ ending }) => ending.test(name));
}

/** What a checkpoint file of another framework is, or null. */
export function recognizeUnread({ name, head }: Sniff): UnreadFormat | null {
  const found = signatures.find(({ ending, matches }) => ending.test(name) && matches(head));
  return found === undefined
    ? null
    : { id: found.id, label: found.label, isCheckpoint: found.sure.test(name) || checkpointName.test(name.replace(found.ending, '')) };
}

/** torch.save since 1.6 writes a zip whose entries are <name>/data.pkl, <name>/byteorder, <name>/.format_version, ...; TorchScript has code/ too. */
function isTorchZip(head: Uint8Array): boolean {
  if (!begins(0x50, 0x4b, 0x03, 0x04)(head) || head.length < 30) {
    return false;
  }
  const nameLength = head[26]! | (head[27]! << 8);
  const first = Buffer.from(head.subarray(30, 30 + nameLength)).toString('latin1');
  return /\/(?:data\.pkl|byteorder|version|\.format_version|\.data\/serialization_id)$/.test(first);
}

function begins(...signature: readonly number[]): (head: Uint8Array) => boolean {
  return (head) => signature.every((byte, i) => head[i] === byte);
}
