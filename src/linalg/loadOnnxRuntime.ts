import type * as OnnxRuntime from 'onnxruntime-node';

/**
 * Loads the package `onnxruntime-node`; nothing else may. From version 1.29 on its library writes an identifier of the machine below the home folder and sends what is
 * computed (names and hashes of graphs, times) to its maker, unless its environment says otherwise before it is loaded (microsoft/onnxruntime, pull request 27379).
 * Threads that load it have to share the environment of the process: a copy would not reach a native library.
 */
export async function loadOnnxRuntime(): Promise<typeof OnnxRuntime> {
  keepOnnxRuntimeQuiet();
  return import('onnxruntime-node');
}

/** To be called early in a process that will have threads: the environment should not change while native code may read it. */
export function keepOnnxRuntimeQuiet(environment: NodeJS.ProcessEnv = process.env): void {
  if (environment['ORT_DISABLE_TELEMETRY'] !== '1') environment['ORT_DISABLE_TELEMETRY'] = '1';
}
