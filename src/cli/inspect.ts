import { createFormatRegistry, openTensors } from '../formats';
import type { FileProblem } from '../protocol';
import { parseArguments } from './arguments';
import type { Command } from './command';
import { count, formatBytes, formatTable, onOneLine, printJson, sayProblems } from './output';

export const inspect: Command = {
  name: 'inspect',
  usage: 'FILE [--json]',
  summary: 'List the tensors of a probe or checkpoint: name, shape, dtype, bytes.',
  details: '  FILE     a file of tensors: safetensors, npz, PyTorch, HDF5, Keras, TensorFlow, ONNX; of several files, the index\n  --json   one JSON document: file, format, metadata, tensors, problems',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['FILE'], { json: { type: 'boolean' } });
    const [path = ''] = positionals;
    const { file, format, close } = await openTensors(path, createFormatRegistry());
    try {
      const { metadata, tensors, skipped = [] } = file;
      const problems = skipped.map(({ name, reason }): FileProblem => ({ file: path, place: `tensor ${name}`, reason, severity: 'warning' }));
      if (values.json) {
        printJson(terminal, { file: path, format: format.id, metadata, tensors, problems });
      } else {
        const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
        terminal.write(`${format.label}, ${count(tensors.length, 'tensor')}, ${formatBytes(total)}\n`);
        for (const [key, value] of Object.entries(metadata)) terminal.write(`${onOneLine(key)}: ${onOneLine(value)}\n`);
        const rows = tensors.map(({ name, shape, dtype, bytes }) => [name, `[${shape.join(', ')}]`, dtype, bytes]);
        terminal.write(`\n${formatTable(['name', 'shape', 'dtype', 'bytes'], rows)}`);
        sayProblems(terminal, problems);
      }
    } finally {
      await close();
    }
  },
};
