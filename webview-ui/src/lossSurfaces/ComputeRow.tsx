import type { JSX } from 'preact';
import type { LandscapeFailure, LandscapeOrder, LandscapeProgressState } from '../../../src/protocol';
import { Icon } from '../components/Icon';
import { formatCount, plural } from '../format';
import { announce, mainAction, progressWords, providerWords } from './computeText';
import { post } from './landscapeApi';

/** How far the landscape is, on what it is computed, and the one thing to do about it. The button keeps its place, and the focus, when its meaning changes. */
export function ComputeRow({ progress, order }: { readonly progress: LandscapeProgressState; readonly order: LandscapeOrder | null }): JSX.Element {
  const { state, done, total, failure, problems, model } = progress;
  const running = state === 'starting' || state === 'computing' || state === 'cancelling';
  const action = mainAction(progress, order);
  return (
    <section class="compute" aria-label="Computation" data-state={state}>
      <div class="compute-row">
        <span class="progress-words" data-test="progress">
          {progressWords(progress)}
        </span>
        {running && <progress {...(total > 0 ? { value: done, max: total } : {})} aria-label="Points computed" />}
        {action !== null && (
          <button type="button" class={running ? 'button secondary' : 'button'} disabled={state === 'cancelling'} data-test="compute-action" onClick={() => post({ kind: action.kind })}>
            {action.label}
          </button>
        )}
      </div>
      {running && progress.doing !== '' && <p class="note compute-doing">{progress.doing}</p>}
      {failure !== null && <Failure failure={failure} isExport={order?.graph != null} />}
      {model !== null && (
        <p class="note" data-test="provider">
          {model.model}. {providerWords(model)}{' '}
          <button type="button" class="link-button" onClick={() => post({ kind: 'openProviderSetting' })}>
            Change provider
          </button>
        </p>
      )}
      {problems.map((problem) => (
        <p key={problem} class="caveat">
          <Icon name="warning" />
          <span>{problem}</span>
        </p>
      ))}
      <p class="hidden" role="status" data-test="announcement">
        {announce(progress)}
      </p>
    </section>
  );
}

function Failure({ failure, isExport }: { readonly failure: LandscapeFailure; readonly isExport: boolean }): JSX.Element {
  const { message, missing, wrongShape, extra } = failure;
  return (
    <div class="banner compute-failure" role="alert">
      <Icon name="act" />
      <div>
        <p>{message}</p>
        <Names what="missing" names={missing} />
        <Names what="of another shape" names={wrongShape} />
        <Names what="not part of the model" names={extra} />
        <div class="compute-ways">
          <button type="button" class="link-button" onClick={() => post({ kind: 'chooseExport' })}>
            {isExport ? 'Choose another ONNX export' : 'Use an ONNX export of the model'}
          </button>
          <button type="button" class="link-button" onClick={() => post({ kind: 'showLog' })}>
            Show log
          </button>
        </div>
      </div>
    </div>
  );
}

const shownAtMost = 200;

function Names({ what, names }: { readonly what: string; readonly names: readonly string[] }): JSX.Element | null {
  if (names.length === 0) return null;
  return (
    <details>
      <summary>
        {plural(names.length, 'tensor')} {what}
      </summary>
      <ul class="compute-names">
        {names.slice(0, shownAtMost).map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
      {names.length > shownAtMost && <p class="note">and {formatCount(names.length - shownAtMost)} more</p>}
    </details>
  );
}
