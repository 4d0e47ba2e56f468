import { runHostSuite } from '../../../scripts/vscode/hostSuite.mjs';
import { removeFolder, temporaryFolder } from '../../../scripts/vscode/processes.mjs';
import { writeWorkload } from './workload.mjs';

const targets = { share: 0.01, activation: 50, workerPeak: 1.5e9 };

/** `npm run bench -- host`: what the extension costs the extension host. Answers whether every target is met. */
export async function benchExtensionHost() {
  const folder = temporaryFolder('layerscope-bench-');
  try {
    console.log('Writing workload W1 (12 layers of 4096 x 768 in F16) ...');
    await writeWorkload(folder);
    const result = await runHostSuite({ entry: 'test/bench/extensionHost/suite.ts', workspace: folder });
    const percent = (cpu) => `${(100 * cpu.share).toFixed(2)} % of a core (${cpu.milliseconds.toFixed(0)} ms in ${(cpu.wall / 1000).toFixed(1)} s)`;
    const judge = (value, target) => (value <= target ? 'met' : 'MISSED');
    console.log(`extension host while measuring W1: ${percent(result.measuring)}, target ${100 * targets.share} %: ${judge(result.measuring.share, targets.share)}`);
    console.log(`extension host before activation:  ${percent(result.idle)}`);
    console.log(`activation: ${result.activation.toFixed(1)} ms, target ${targets.activation} ms: ${judge(result.activation, targets.activation)}`);
    if (result.workerPeak !== null) {
      console.log(`worker memory at its peak: ${(result.workerPeak / 1e9).toFixed(2)} GB, target ${targets.workerPeak / 1e9} GB: ${judge(result.workerPeak, targets.workerPeak)}`);
    }
    console.log(`engine ${result.engine}, ${result.records} records, in the ${result.note}`);
    return result.measuring.share <= targets.share && result.activation <= targets.activation && (result.workerPeak ?? 0) <= targets.workerPeak;
  } finally {
    removeFolder(folder);
  }
}
