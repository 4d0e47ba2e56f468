import Mocha from 'mocha';
import { HostReporter } from './support/reporter';

/** VS Code calls this inside the extension host; it rejects when a test failed. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: HostReporter as unknown as Mocha.ReporterConstructor });
  mocha.suite.emit('pre-require', globalThis as unknown as Mocha.MochaGlobals, '', mocha);
  // One workspace and one worker for all: later suites build on what earlier ones have measured.
  await import('./suites/starting');
  await import('./suites/measuring');
  await import('./suites/exporting');
  await import('./suites/engine');
  await import('./suites/following');
  await import('./suites/recovering');
  await import('./suites/badFiles');
  await import('./suites/trainingSide');
  await new Promise<void>((resolve, reject) => {
    mocha.run((failures) => (failures === 0 ? resolve() : reject(new Error(`${failures} tests failed`))));
  });
}
