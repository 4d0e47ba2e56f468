import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** At most so many lines of what went wrong are repeated at the end. */
const mostLines = 12;

/**
 * A failure, as the end of `npm test` tells it: where, and the beginning of why.
 * @param where file and test
 * @param reason of several lines, perhaps with colours; places in libraries are left out
 */
export function failure(where, reason) {
  const lines = String(reason).replaceAll(/\u001B\[\d+(?:;\d+)*m/g, '').trim().split('\n').filter((line) => !/^\s+at .*(?:node_modules|node:|<anonymous>)/.test(line));
  return [where, ...lines.slice(0, mostLines)].join('\n    ');
}

/**
 * A reporter of vitest that writes `{ passed, failed, skipped, failures }` to the file that LAYERSCOPE_TEST_COUNTS names. Unlike its JSON, this
 * has what failed outside of a test: files that could not be loaded, and errors that nothing caught.
 */
export default class TestCounts {
  onTestRunEnd(modules, unhandled) {
    const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
    const tell = (where, errors) => {
      counts.failed += 1;
      counts.failures.push(failure(where, errors.map(({ message, stack }) => stack || message).join('\n') || 'no reason was given'));
    };
    for (const module of modules) {
      const file = path.relative(process.cwd(), module.moduleId);
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        // A test that was never reached has no result.
        if (state === 'passed' || state === 'skipped') counts[state] += 1;
        else tell(`${file} > ${test.fullName}`, errors ?? []);
      }
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) tell(`${file} > ${suite.fullName}`, suite.errors());
      if (module.errors().length > 0) tell(file, module.errors());
    }
    if (unhandled.length > 0) tell('outside of a test', unhandled);
    writeFileSync(process.env.LAYERSCOPE_TEST_COUNTS, JSON.stringify(counts));
  }
}
