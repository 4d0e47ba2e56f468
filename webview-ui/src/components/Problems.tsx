import type { JSX } from 'preact';
import type { FileProblem } from '../../../src/protocol';
import { formatCount, plural } from '../format';
import { post } from '../vscodeApi';
import { Icon } from './Icon';

const shownAtMost = 50;

/** What a person can mend, where it is: file, place, reason. */
export function Problems({ problems }: { problems: readonly FileProblem[] }): JSX.Element | null {
  if (problems.length === 0) return null;
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  return (
    <details class="problems">
      <summary>
        <Icon name="warning" class={errors > 0 ? 'error' : ''} />
        {plural(problems.length, 'problem')} in files
      </summary>
      <ul>
        {problems.slice(0, shownAtMost).map((problem, index) => (
          <li key={index} class={`problem problem-${problem.severity}`}>
            <button type="button" class="link-button problem-file" onClick={() => post({ kind: 'openFile', path: problem.file })}>
              {problem.file}
            </button>
            {problem.place && <span class="problem-place">{problem.place}</span>}
            <span class="problem-reason">{problem.reason}</span>
          </li>
        ))}
      </ul>
      {problems.length > shownAtMost && <p class="note">{formatCount(problems.length - shownAtMost)} more are in the log.</p>}
    </details>
  );
}
