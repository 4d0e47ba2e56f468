import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Lines that begin with this are for people; the harness prints them and keeps back what VS Code itself logs. */
const marker = '[test] ';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed and why, for the end of the log. */
  failures: string[];
}

/** Prints a line beside the tests, for example a measured time. */
export function say(text: string): void {
  for (const line of text.split('\n')) console.log(`${marker}${line}`);
}

/** Prints each test with its time as it ends, and writes the counts to the file that LAYERSCOPE_TEST_RESULTS names. */
export class HostReporter {
  constructor(runner: Mocha.Runner) {
    const counts: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
    const { EVENT_SUITE_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } = Mocha.Runner.constants;
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.title !== '') say(` ${suite.title}`);
    });
    runner.on(EVENT_TEST_PASS, (test) => {
      counts.passed += 1;
      say(`   ✓ ${test.title} ${test.duration ?? 0} ms`);
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      counts.skipped += 1;
      say(`   - ${test.title}`);
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      counts.failed += 1;
      const { stack, message } = error as Error;
      const reason = (stack ?? message).split('\n').slice(0, 12);
      counts.failures.push([test.fullTitle(), ...reason].join('\n    '));
      say([`   ✗ ${test.title}`, ...reason].join('\n       '));
    });
    runner.once(EVENT_RUN_END, () => {
      const file = process.env.LAYERSCOPE_TEST_RESULTS;
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
