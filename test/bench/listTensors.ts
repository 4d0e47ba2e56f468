// Lists the tensors of one file in a fresh process: what it took, as one line of JSON.
import { createFormatRegistry, openTensors } from '../../src/formats';

const resident = () => process.memoryUsage.rss();

async function main(path: string): Promise<void> {
  const before = resident();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const { file, close } = await openTensors(path, createFormatRegistry());
  const milliseconds = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const { maxRSS } = process.resourceUsage();
  await close();
  const tensors = file.tensors.length;
  const bytes = file.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const memory = Math.max(resident(), maxRSS * 1024) - before;
  process.stdout.write(JSON.stringify({ milliseconds, cpu: (user + system) / 1000, memory, tensors, bytes }));
}

void main(process.argv[2]!);
